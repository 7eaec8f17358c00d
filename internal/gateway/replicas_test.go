package gateway_test

import (
	"log/slog"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// lonely is a gateway with one circuit, which nobody calls.
func lonely(t *testing.T) (*gateway.Gateway, gateway.CircuitKey) {
	t.Helper()
	p := lenientPolicy(t)
	p.ID, p.Namespace, p.Name = "p", "default", "p"
	p.Circuit.FailureThreshold, p.Circuit.ResetTimeout = 5, 30*time.Second
	p.Circuit.ResetBackoff.Max = 2 * time.Minute
	key := gateway.CircuitKey{Policy: "p", Origin: "https://api.example.com", Model: "m"}
	gw := gateway.New(gateway.Options{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(gw.Close)
	gw.Apply(&gateway.Snapshot{
		Policies: []*gateway.Policy{&p},
		Routes: []*gateway.Route{{
			Namespace: "default", Name: "r",
			Matches:  []gateway.Match{{Pattern: "m", Circuits: []gateway.CircuitKey{key}}},
			Backends: []*gateway.Backend{{Name: "b", URL: &url.URL{Scheme: "https", Host: "api.example.com"}, Policy: &p, Weight: 100}},
		}},
	})
	return gw, key
}

func TestRestoreTakesTheSaferReading(t *testing.T) {
	for name, tc := range map[string]struct {
		opened, probe time.Duration // from now
		state         circuit.State
		left          time.Duration // to the first probe
	}{
		"clocks agree":                         {-10 * time.Second, 20 * time.Second, circuit.Open, 20 * time.Second},
		"its end has come":                     {-time.Hour, -30 * time.Minute, circuit.HalfOpen, 0},
		"the other's clock is an hour ahead":   {time.Hour, time.Hour + 30*time.Second, circuit.Open, 30 * time.Second},
		"the other's clock is an hour behind":  {-time.Hour, -time.Hour + 30*time.Second, circuit.HalfOpen, 0},
		"longer than the policy allows by now": {-time.Second, time.Hour, circuit.Open, 2 * time.Minute},
		"a probe before the opening":           {10 * time.Second, 5 * time.Second, circuit.HalfOpen, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gw, key := lonely(t)
				now := time.Now()
				gw.Restore("p", key.String(), gateway.SavedCircuit{Opened: now.Add(tc.opened), NextProbe: now.Add(tc.probe), BackoffLevel: 2})
				got := gw.ObservePolicy("p")[0]
				if got.State != tc.state || got.BackoffLevel != 2 || got.OpenedTime.After(now) {
					t.Fatalf("restored as %+v", got)
				}
				if tc.state == circuit.Open && got.NextProbe.Sub(now).Round(time.Millisecond) != tc.left {
					t.Errorf("the first probe is due in %s, want %s", got.NextProbe.Sub(now), tc.left)
				}
				time.Sleep(tc.left)
				synctest.Wait()
				if got := gw.ObservePolicy("p")[0].State; got != circuit.HalfOpen {
					t.Errorf("when the probe is due and nobody calls, it is %s", got)
				}
			})
		})
	}
}

func TestRestoreAndWarnKnowOnlyWhatIsLive(t *testing.T) {
	gw, key := lonely(t)
	gw.Restore("p", "another", gateway.SavedCircuit{Opened: time.Now(), NextProbe: time.Now().Add(time.Minute)})
	gw.Restore("q", key.String(), gateway.SavedCircuit{Opened: time.Now(), NextProbe: time.Now().Add(time.Minute)})
	if s := gw.ObservePolicy("p")[0].State; s != circuit.Closed {
		t.Errorf("the circuit is %s", s)
	}
	if gw.Warn("p", "another") || gw.Warn("q", key.String()) {
		t.Error("a circuit that is not there was warned")
	}
	if !gw.Warn("p", key.String()) {
		t.Error("the circuit was not warned")
	}
}

func TestTroubleIsWhatIsNotAtRestOrWasNotLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gw, key := lonely(t)
		const lately = time.Minute
		want := func(when string, circuits, open int) {
			t.Helper()
			synctest.Wait()
			got := gw.ObserveTrouble(lately)
			if got.Total != 1 || got.Open != open || len(got.Circuits) != circuits {
				t.Errorf("%s: %+v, want %d circuits, %d open", when, got, circuits, open)
			}
		}
		want("at rest", 0, 0)
		gw.Restore("p", key.String(), gateway.SavedCircuit{Opened: time.Now(), NextProbe: time.Now().Add(time.Minute)})
		want("open", 1, 1)
		time.Sleep(time.Minute)
		want("half-open", 1, 0)
		gw.Reset("p")
		want("just closed", 1, 0)
		time.Sleep(lately)
		want("closed for a while", 0, 0)
	})
}

func TestViewedRouteGoesByTheWorstOfBothViews(t *testing.T) {
	gw, _ := lonely(t)
	for state, active := range map[circuit.State]string{circuit.Closed: "b", circuit.HalfOpen: "b", circuit.Open: ""} {
		got, ok := gw.ViewRoute("default", "r", func(c gateway.CircuitStatus) gateway.CircuitStatus {
			c.State, c.HealthScore, c.AtRest = state, 17, false
			return c
		})
		if b := got.Backends[0]; !ok || b.State != state || b.HealthScore != 17 || b.AtRest || got.ActiveBackend != active {
			t.Errorf("with the circuit %s elsewhere: %+v", state, got)
		}
	}
}
