package controller

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/fleet"
	"github.com/switchgear/switchgear/internal/gateway"
)

// +kubebuilder:rbac:groups=switchgear.dev,namespace=system,resources=gatewayreplicas,verbs=get;list;watch;create;patch;delete

const (
	replicaKind = "GatewayReplica"
	// reportEvery is how often changes of one kind are reported at most; the first
	// is at once.
	reportEvery = time.Second
	// reportRetry is when a report that failed is tried again, and reportTimeout
	// when it is given up.
	reportRetry, reportTimeout = time.Second, 5 * time.Second
)

// ReplicaOptions say who this process is among the replicas.
type ReplicaOptions struct {
	// Name is that of the process's GatewayReplica; no other replica has it.
	Name string
	// Namespace is the operator's.
	Namespace string
	// Pod and PodUID are the Pod that the process runs in, if any.
	Pod    string
	PodUID types.UID
	// Version is what the process runs.
	Version string
}

// ReportedGateway is what of a gateway is reported.
type ReportedGateway interface {
	ObserveTrouble(lately time.Duration) gateway.Trouble
	CircuitsOff() bool
}

// Reporter writes this process's GatewayReplica: every 10 seconds, and when
// something has changed.
type Reporter struct {
	ReplicaOptions
	Client  client.Client
	Live    client.Reader // past the cache
	Gateway ReportedGateway
	// Configuration tells how new the live configuration is.
	Configuration func(context.Context) *v1alpha1.ReplicaConfiguration

	instance               string
	admitted               chan struct{} // closed when no other process has the name
	serving                chan struct{} // closed when the gateway takes requests
	drained                chan struct{} // closed when nothing runs on it any more
	transition, configured chan struct{} // what is to be told soon
	uid                    types.UID     // of the object as last written
	failing                bool          // the last report was not written
}

// NewReporter returns a reporter; its exported fields are set before Start.
func NewReporter(o ReplicaOptions) *Reporter {
	return &Reporter{
		ReplicaOptions: o,
		instance:       string(uuid.NewUUID()),
		admitted:       make(chan struct{}),
		serving:        make(chan struct{}),
		drained:        make(chan struct{}),
		transition:     make(chan struct{}, 1),
		configured:     make(chan struct{}, 1),
	}
}

// OnTransition has a circuit's change of state reported soon. It never blocks.
func (r *Reporter) OnTransition() { signal(r.transition) }

// OnConfigured has a new configuration reported soon. It never blocks.
func (r *Reporter) OnConfigured() { signal(r.configured) }

// Start reports from when the gateway takes requests until nothing runs on it
// any more. It ends with an error if another process has the name.
func (r *Reporter) Start(ctx context.Context) error {
	if err := r.admit(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-r.serving:
	}
	r.run(ctx, ctx.Done(), replicaReady(true))
	// The draining is told, and the end: the object goes, and is not waited for.
	after := context.WithoutCancel(ctx)
	r.run(after, r.drained, replicaReady(false))
	r.leave(after)
	return nil
}

// NeedLeaderElection has the manager start the reporter on every replica.
func (*Reporter) NeedLeaderElection() bool { return false }

// run reports until end: at once, at each heartbeat, and when something has
// changed.
func (r *Reporter) run(ctx context.Context, end <-chan struct{}, ready metav1.Condition) {
	next := time.NewTimer(0)
	defer next.Stop()
	due := time.Now()
	var transitions, configurations pace
	for {
		select {
		case <-end:
			return
		case <-r.transition:
			due = transitions.ask(due)
		case <-r.configured:
			due = configurations.ask(due)
		case <-next.C:
			transitions.done()
			configurations.done()
			due = time.Now().Add(reportRetry)
			if r.report(ctx, ready) {
				due = time.Now().Add(fleet.Heartbeat)
			}
		}
		next.Reset(time.Until(due))
	}
}

// pace has the first change of a kind reported at once, and further ones a
// second after that. Kinds do not wait for one another.
type pace struct {
	last  time.Time
	asked bool
}

// ask returns when to report, at the time that is due already or sooner.
func (p *pace) ask(due time.Time) time.Time {
	p.asked = true
	if mine := p.last.Add(reportEvery); mine.Before(due) {
		return mine
	}
	return due
}

func (p *pace) done() {
	if p.asked {
		p.last, p.asked = time.Now(), false
	}
}

// report writes the object and reports whether that was done.
func (r *Reporter) report(ctx context.Context, ready metav1.Condition) bool {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	err := r.apply(ctx, r.describe(ctx, ready))
	if err != nil && !r.failing {
		ctrl.LoggerFrom(ctx).Error(err, "The report on this replica is not written; it is tried again", "replica", r.Name)
	}
	r.failing = err != nil
	return err == nil
}

func (r *Reporter) describe(ctx context.Context, ready metav1.Condition) *v1alpha1.GatewayReplicaStatus {
	now := metav1.Now()
	s := &v1alpha1.GatewayReplicaStatus{
		Instance:      r.instance,
		Version:       r.Version,
		HeartbeatTime: &now,
		Configuration: r.Configuration(ctx),
		CircuitsOff:   r.Gateway.CircuitsOff(),
		Conditions:    []metav1.Condition{ready},
	}
	fleet.Describe(r.Gateway.ObserveTrouble(fleet.Lately), s)
	return s
}

func (r *Reporter) apply(ctx context.Context, s *v1alpha1.GatewayReplicaStatus) error {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
	if err != nil {
		return fmt.Errorf("converting the report: %w", err)
	}
	u := newReplica(r.Namespace, r.Name)
	u.Object["status"] = fields
	if r.PodUID != "" {
		u.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "v1", Kind: "Pod", Name: r.Pod, UID: r.PodUID, BlockOwnerDeletion: new(false),
		}})
	}
	if err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), fieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("writing %s %s: %w", replicaKind, r.Name, err)
	}
	r.uid = u.GetUID()
	return nil
}

// leave deletes the object that this process has written.
func (r *Reporter) leave(ctx context.Context) {
	if r.uid == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	err := r.Client.Delete(ctx, newReplica(r.Namespace, r.Name), client.Preconditions{UID: &r.uid})
	if client.IgnoreNotFound(err) != nil {
		ctrl.LoggerFrom(ctx).Info("The report on this replica stays until it has expired", "replica", r.Name, "reason", err.Error())
	}
}

// replicaReady is the condition of a replica that serves or, at its end, drains.
func replicaReady(serving bool) metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, LastTransitionTime: metav1.Now(),
		Reason: v1alpha1.ReasonServing, Message: "The replica takes requests.",
	}
	if !serving {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonDraining, "The replica ends when what runs on it has finished."
	}
	return c
}

// newReplica is a GatewayReplica of that name. The kind is handled without its
// type, so that one object that another version has written in a way that this
// one cannot read does not stand in the way of all others.
func newReplica(namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(replicaKind))
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}
