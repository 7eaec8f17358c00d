package sdk

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// TestAnOpenCircuitFailsFast though Retry-After says half a minute, for which an
// SDK would otherwise sleep, twice. The provider is left alone.
func TestAnOpenCircuitFailsFast(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		s.fault(providersim.Fault{Status: 503})
		// The provider's own error, not repeated, is left to the SDK: its second try
		// meets the circuit that the first has opened.
		tries := int64(2)
		for range 2 {
			for name, way := range ways {
				began := time.Now()
				_, err := way(s)(s.context(), s.model+stage.Touchy)
				took := time.Since(began)
				got, ok := s.Failure(err)
				if code := s.own.code("circuit_open", "overloaded_error"); !ok || got.Status != 503 || got.Code != code {
					t.Fatalf("%s: got %v, %+v", name, err, got)
				}
				if own := got.Header.Get("X-Switchgear-Error"); own != "circuit_open" {
					t.Errorf("%s: x-switchgear-error is %q", name, own)
				}
				s.wantTries(tries)
				tries++
				after, err := strconv.Atoi(got.Header.Get("Retry-After"))
				if wait := time.Duration(after) * time.Second; err != nil || wait > stage.OpenFor || wait < stage.OpenFor-patiently {
					t.Errorf("%s: Retry-After is %q", name, got.Header.Get("Retry-After"))
				}
				if took > stage.OpenFor/3 {
					t.Errorf("%s: it took %v", name, took)
				}
			}
		}
		if n := s.Primary.Count(); n != 1 {
			t.Errorf("the provider saw %d calls, want 1", n)
		}
	})
}

// TestWithoutTheGateway is what the others are to be held against: the SDK sleeps
// through Retry-After, and asks a provider that is down three times.
func TestWithoutTheGateway(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		s.fault(providersim.Fault{Status: 503, RetryAfter: "1"})
		began := time.Now()
		direct := s.connect(s.Primary.URL, stage.ProviderKey, &http.Client{Transport: s.sent})
		_, err := direct.Ask(s.context(), s.model)
		if took := time.Since(began); took < 2*time.Second {
			t.Errorf("it took %v, want two seconds of sleep", took)
		}
		if got, ok := s.Failure(err); !ok || got.Status != 503 {
			t.Errorf("got %v, %+v", err, got)
		}
		s.wantTries(3)
		if n := s.Primary.Count(); n != 3 {
			t.Errorf("the provider saw %d calls, want 3", n)
		}
	})
}

// TestARateLimitIsLeftToTheSDK where the gateway has not repeated the call: it
// knows best how long its application can wait.
func TestARateLimitIsLeftToTheSDK(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		s.fault(providersim.Fault{Status: 429, RetryAfter: "1", Requests: 1})
		answer, err := s.Ask(s.context(), s.model+stage.Once)
		if err != nil || answer != s.Primary.Answer() {
			t.Errorf("got %q, %v", answer, err)
		}
		s.wantTries(2)
		if n := s.Primary.Count(); n != 2 {
			t.Errorf("the provider saw %d calls, want 2", n)
		}
	})
}
