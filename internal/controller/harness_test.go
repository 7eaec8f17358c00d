package controller

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/test/testenv"
)

// apiServer is the one real API server of this package's tests, which run one
// after the other.
var apiServer *rest.Config

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	cluster, err := testenv.Start(testenv.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = cluster.Stop() }()
	apiServer = rest.CopyConfig(cluster.Config)
	apiServer.QPS = -1
	return m.Run()
}

// operator is one running control plane, with a gateway that the test plays.
type operator struct {
	client.Client
	namespace string
	name      string // of the replica
	gateway   *fakeGateway
	listener  *fakeListener
	relay     *Relay
	fleet     *Fleet
	writes    *writeLog
	readyz    string
	admin     string // the admin listener's URL
	feed      *admin.Feed
	stop      func()
	ended     chan error
}

// newNamespace returns a client and a namespace whose objects are gone at the
// test's end.
func newNamespace(t *testing.T) (client.Client, string) {
	t.Helper()
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(apiServer, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, o := range []client.Object{&v1alpha1.ProviderRoute{}, &v1alpha1.CircuitPolicy{}, &v1alpha1.GatewayReplica{}, &corev1.Secret{}} {
			if err := c.DeleteAllOf(ctx, o, client.InNamespace(ns.Name)); err != nil {
				t.Error(err)
			}
		}
	})
	return c, ns.Name
}

// startOperator starts a control plane and waits until it leads.
func startOperator(t *testing.T) *operator {
	t.Helper()
	c, ns := newNamespace(t)
	op := startOperatorIn(t, c, ns)
	waitFor(t, "the operator to lead", func() error {
		if !op.relay.Leading() {
			return fmt.Errorf("not the leader")
		}
		return nil
	})
	return op
}

func startOperatorIn(t *testing.T, c client.Client, ns string) *operator {
	t.Helper()
	return startOperatorOver(t, c, ns, &wire{})
}

// replicas numbers the operators of all tests, so that each has a name.
var replicas atomic.Int64

// startOperatorOver starts one that reaches the API server over a wire.
func startOperatorOver(t *testing.T, c client.Client, ns string, w *wire) *operator {
	t.Helper()
	return startReplica(t, c, ns, fmt.Sprint("replica-", replicas.Add(1)), w)
}

// startReplica starts one of that name, which ends well with the test.
func startReplica(t *testing.T, c client.Client, ns, name string, w *wire) *operator {
	t.Helper()
	op, cancel := launch(t, c, ns, name, w)
	var once sync.Once
	op.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-op.ended:
				if err != nil {
					t.Errorf("the operator ended with: %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("the operator did not end")
			}
		})
	}
	t.Cleanup(op.stop)
	return op
}

// startReplicaThatMayFail starts one whose end is the test's to judge.
func startReplicaThatMayFail(t *testing.T, c client.Client, ns, name string) *operator {
	t.Helper()
	op, cancel := launch(t, c, ns, name, &wire{})
	t.Cleanup(cancel)
	return op
}

func launch(t *testing.T, c client.Client, ns, name string, w *wire) (*operator, context.CancelFunc) {
	t.Helper()
	op := &operator{
		Client: c, namespace: ns, name: name,
		gateway: newFakeGateway(), listener: newFakeListener(), relay: NewRelay(), writes: &writeLog{},
		feed: admin.NewFeed(), ended: make(chan error, 1),
	}
	config := rest.CopyConfig(apiServer)
	config.Wrap(op.writes.wrap)
	config.Dial = w.dial
	probes := freeAddress(t)
	op.readyz = "http://" + probes + "/readyz"
	adminListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	op.admin = "http://" + adminListener.Addr().String()
	mgr, err := NewManager(config, Options{
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  probes,
		LeaderElectionNamespace: ns,
		Replica:                 ReplicaOptions{Name: name, Namespace: ns, Version: "v1"},
		GracePeriod:             5 * time.Second,
		Gateway:                 op.gateway,
		Listener:                op.listener,
		Relay:                   op.relay,
		Admin:                   AdminOptions{Listener: adminListener, Address: adminListener.Addr().String(), Feed: op.feed},
		Registry:                prometheus.NewRegistry(),
		SecretRecheck:           200 * time.Millisecond,
		SkipNameValidation:      true,
	})
	if err != nil {
		t.Fatal(err)
	}
	op.fleet = op.relay.Observer.(*Fleet)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { op.ended <- mgr.Start(ctx) }()
	return op, cancel
}

// wire is a way to the API server that the test can cut.
type wire struct {
	mu    sync.Mutex
	isCut bool       // guarded by mu
	conns []net.Conn // guarded by mu
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		return nil, fmt.Errorf("the wire to %s is cut", address)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// waitFor polls until check is content.
func waitFor(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited too long for %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// stays checks again and again for a while.
func stays(t *testing.T, d time.Duration, check func() error) {
	t.Helper()
	end := time.After(d)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := check(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-end:
			return
		case <-tick.C:
		}
	}
}

func (op *operator) policy(t *testing.T, name string) *v1alpha1.CircuitPolicy {
	t.Helper()
	p := &v1alpha1.CircuitPolicy{}
	if err := op.Get(t.Context(), client.ObjectKey{Namespace: op.namespace, Name: name}, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (op *operator) route(t *testing.T, name string) *v1alpha1.ProviderRoute {
	t.Helper()
	r := &v1alpha1.ProviderRoute{}
	if err := op.Get(t.Context(), client.ObjectKey{Namespace: op.namespace, Name: name}, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (op *operator) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		o.SetNamespace(op.namespace)
		if err := op.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// events returns the texts of an object's Events, in the order of their times.
func (op *operator) events(t *testing.T, name string) []eventsv1.Event {
	t.Helper()
	var list eventsv1.EventList
	if err := op.List(t.Context(), &list, client.InNamespace(op.namespace)); err != nil {
		t.Fatal(err)
	}
	var out []eventsv1.Event
	for _, e := range list.Items {
		if e.Regarding.Name == name {
			out = append(out, e)
		}
	}
	return out
}

// condition says what is wrong with a condition; nil if it is as wanted.
func condition(list []metav1.Condition, kind string, status metav1.ConditionStatus, reason string, generation int64) error {
	for _, c := range list {
		if c.Type != kind {
			continue
		}
		if c.Status != status || c.Reason != reason || c.ObservedGeneration != generation {
			return fmt.Errorf("%s is %s (%s) at generation %d: %s; want %s (%s) at %d",
				kind, c.Status, c.Reason, c.ObservedGeneration, c.Message, status, reason, generation)
		}
		return nil
	}
	return fmt.Errorf("there is no condition %s", kind)
}

// writeLog notes the writes of one client, those to the lease and the reports
// aside, which are made by design.
type writeLog struct {
	mu    sync.Mutex
	paths []string // guarded by mu
}

func (w *writeLog) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/leases") && !strings.Contains(r.URL.Path, "/gatewayreplicas") {
			w.mu.Lock()
			w.paths = append(w.paths, r.Method+" "+r.URL.Path)
			w.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

func (w *writeLog) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.paths...)
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// get says what is wrong with an HTTP answer's status.
func get(url string, want int) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != want {
		return fmt.Errorf("%s answered %d, want %d", url, response.StatusCode, want)
	}
	return nil
}

func keys(namespace string, names ...string) []types.NamespacedName {
	var out []types.NamespacedName
	for _, n := range names {
		out = append(out, types.NamespacedName{Namespace: namespace, Name: n})
	}
	return out
}
