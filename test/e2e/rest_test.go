package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestAtRestNothingIsWritten: with healthy traffic, objects that are well, one
// that is not, and an open circuit that waits, the API server is asked to write
// nothing but the leases, the operator's among them, and a replica's heartbeat.
func TestAtRestNothingIsWritten(t *testing.T) {
	p := newPlace(t, startOperator(t, testenv.OperatorOptions{}))
	sim := providersim.Start(t, providersim.Options{Name: "well"})
	p.apply(
		policy("default", ""), policy("dead", stuck),
		route("chat", "gpt-4o", backend("well", sim)),
		route("broken", "dead-model", backend("sick", sim, withPolicy("dead"))),
		route("incomplete", "secret-model", backend("well", sim, "credentials: {secretRef: {name: nowhere, key: api-key}}")))
	p.waitReady("policy/default", "policy/dead", "route/chat", "route/broken")
	sim.SetFault(providersim.Fault{Status: 500, Model: "dead-model"})
	p.wantAnswers(p.asks(1, "dead-model"), "500 sick")
	p.waitState("dead", v1alpha1.CircuitOpen)
	p.event("dead", "CircuitOpened")
	p.event("incomplete", v1alpha1.ReasonSecretNotFound)

	const quiet, long = 1500 * time.Millisecond, 4 * time.Second
	since, versions := time.Now(), p.versions()
	eventually(t, fmt.Sprintf("status has not changed for %s", quiet), func() error {
		if now := p.versions(); !maps.Equal(versions, now) {
			since, versions = time.Now(), now
		}
		if time.Since(since) < quiet {
			return errNotYet
		}
		return nil
	})
	writes, heartbeats := writeRequests(t)
	for begin := time.Now(); time.Since(begin) < long; {
		p.wantAnswers(p.asks(1, "gpt-4o"), "200 well")
		p.wantAnswers(p.asks(1, "dead-model"), "503 circuit_open")
	}
	now, beats := writeRequests(t)
	if diff := cmp.Diff(writes, now); diff != "" {
		t.Errorf("within %s the API server was asked to write:\n%s", long, diff)
	}
	if n := beats - heartbeats; n > 1 {
		t.Errorf("within %s the replica reported %v times, want once in 10s", long, n)
	}
	if diff := cmp.Diff(versions, p.versions()); diff != "" {
		t.Errorf("resource versions moved:\n%s", diff)
	}
}

// versions are the resource versions of all policies and routes.
func (p *place) versions() map[string]string {
	p.t.Helper()
	var policies v1alpha1.CircuitPolicyList
	var routes v1alpha1.ProviderRouteList
	out := map[string]string{}
	for _, list := range []client.ObjectList{&policies, &routes} {
		if err := admin.List(p.t.Context(), list, client.InNamespace(p.ns)); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, o := range policies.Items {
		out["policy/"+o.Name] = o.ResourceVersion
	}
	for _, o := range routes.Items {
		out["route/"+o.Name] = o.ResourceVersion
	}
	return out
}

// writeRequests counts what the API server was asked to write, whoever asked, by
// what it was; leases aside, which are renewed by design. The second result
// counts the replicas' reports.
func writeRequests(t *testing.T) (map[string]float64, float64) {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := d.RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, reports := map[string]float64{}, 0.0
	for _, m := range parseMetrics(t, raw)["apiserver_request_total"].GetMetric() {
		l := labels(m)
		switch l["verb"] {
		case "GET", "LIST", "WATCH", "CONNECT":
			continue
		}
		switch l["resource"] {
		case "leases":
		case "gatewayreplicas":
			reports += m.GetCounter().GetValue()
		default:
			out[fmt.Sprintf("%s %s/%s/%s %s", l["verb"], l["group"], l["resource"], l["subresource"], l["code"])] += m.GetCounter().GetValue()
		}
	}
	if len(out) == 0 {
		t.Fatal("the API server counts no writes at all")
	}
	return out, reports
}

// parseMetrics reads Prometheus' text format.
func parseMetrics(t *testing.T, raw []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// labels are those of one series.
func labels(m *dto.Metric) map[string]string {
	out := map[string]string{}
	for _, l := range m.GetLabel() {
		out[l.GetName()] = l.GetValue()
	}
	return out
}
