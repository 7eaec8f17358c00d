package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestProviderBreaksAndHeals is the README's story: a provider fails, its
// circuit opens before everybody's eyes, traffic goes to the next backend, and
// comes back when the provider has healed.
func TestProviderBreaksAndHeals(t *testing.T) {
	p := sharePlace(t)
	first, second := providersim.Start(t, providersim.Options{Name: "first"}), providersim.Start(t, providersim.Options{Name: "second"})
	p.apply(
		policy("default", `failureThreshold: 5, successThreshold: 2, resetTimeout: 2s, resetBackoff: {jitterPercent: 0}`),
		route("chat", "gpt-4o", backend("first", first), backend("second", second)))
	p.kubectl("wait", "circuitpolicies,providerroutes", "--all", "--for=condition=Ready", "--timeout="+patience.String())
	w := p.watchPolicies()
	p.wantAnswers(p.asks(3, "gpt-4o"), "200 first")

	first.SetFault(providersim.Fault{Status: 503})
	for healthy := first.Count(); first.Count() < healthy+5; {
		p.ask("gpt-4o")
	}
	tripped := time.Now()
	p.wantAnswers(p.asks(3, "gpt-4o"), "200 second")
	open := w.waitState(time.Time{}, "default", "Open")
	if took := open.at.Sub(tripped); took > time.Second {
		t.Errorf("kubectl showed the open circuit %s after the trip, want at most 1s", took)
	}
	want := map[string]string{"NAME": "default", "STATE": "Open", "HEALTH": "18", "FAILURES": "5", "QUEUED": "0", "OPEN": "1/1", "READY": "True"}
	if diff := cmp.Diff(want, open.fields, cmpopts.IgnoreMapEntries(func(k, _ string) bool { return k == "AGE" })); diff != "" {
		t.Errorf("kubectl get circuitpolicies (-want +got):\n%s", diff)
	}
	p.eventually("the route shows where its traffic goes", func() error {
		return equal(p.route("chat").Status.ActiveBackend, "second")
	})

	first.Heal()
	p.waitState("default", v1alpha1.CircuitHalfOpen) // without any traffic
	p.wantAnswers(p.asks(2, "gpt-4o"), "200 first")
	closed := time.Now()
	if took := w.waitState(tripped, "default", "Closed").at.Sub(closed); took > time.Second {
		t.Errorf("kubectl showed the closed circuit %s later, want at most 1s", took)
	}
	p.wantAnswers(p.asks(3, "gpt-4o"), "200 first")
	p.eventually("the route shows the first backend", func() error {
		return equal(p.route("chat").Status.ActiveBackend, "first")
	})
	p.wantStory(first.URL)
}

// wantStory looks at the Events of a circuit that opened and closed.
func (p *place) wantStory(url string) {
	p.t.Helper()
	circuit := regexp.QuoteMeta(strings.TrimPrefix(url, "http://")) + "/gpt-4o"
	for _, e := range []struct{ reason, kind, note string }{
		{"CircuitOpened", corev1.EventTypeWarning, "Circuit http://" + circuit + ` opened: 5 consecutive failures: 5 × HTTP 503; ` +
			`first probe at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; traffic of route chat goes on to second`},
		{"CircuitHalfOpen", corev1.EventTypeNormal, "Circuit http://" + circuit + ` is half-open: the reset timeout elapsed: probes are let through`},
		{"CircuitClosed", corev1.EventTypeNormal, "Circuit http://" + circuit + ` closed: the probes succeeded`},
	} {
		got := p.event("default", e.reason)
		if got.Type != e.kind || !regexp.MustCompile("^"+e.note+"$").MatchString(got.Note) {
			p.t.Errorf("the Event %s is %s: %q, want %s: %s", e.reason, got.Type, got.Note, e.kind, e.note)
		}
	}
}

// TestStatusIsVisibleWithinASecond measures what the story shows once.
func TestStatusIsVisibleWithinASecond(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")
	w := p.watchPolicies()
	const rounds = 5
	for range rounds {
		sim.SetFault(providersim.Fault{Status: 500})
		before := time.Now()
		p.wantAnswers(p.asks(1, "gpt-4o"), "500 only")
		tripped := time.Now()
		took := w.waitState(before, "default", "Open").at.Sub(tripped)
		t.Logf("Open after %s", took.Round(time.Millisecond))
		if took > time.Second {
			t.Errorf("kubectl showed the open circuit %s after the trip, want at most 1s", took)
		}
		sim.Heal()
		reset := time.Now()
		p.kubectl("annotate", "circuitpolicy", "default", "--overwrite", v1alpha1.ResetAnnotation+"="+reset.Format(time.RFC3339Nano))
		w.waitState(reset, "default", "Closed")
	}
}
