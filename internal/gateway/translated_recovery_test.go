package gateway_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestBufferMakesABreakInvisibleAcrossDialects, whichever of them breaks off.
func TestBufferMakesABreakInvisibleAcrossDialects(t *testing.T) {
	for _, d := range directions {
		for order, dialects := range map[string][]gateway.Dialect{"to the other": {d.caller, d.backend}, "from the other": {d.backend, d.caller}} {
			for _, b := range breaks {
				t.Run(d.name+"/"+order+"/"+b.name, func(t *testing.T) {
					t.Parallel()
					first, second := pair(t)
					first.SetFault(b.fault)
					r := newStreamRig(t, func(s *streamSetup) {
						recovering(gateway.RecoverByBuffering)(s)
						speaking(dialects...)(s)
					}, first.URL, second.URL)
					a := r.open(d.stream.path, d.stream.body)
					a.wantHeaders(http.StatusOK, "b1", 2)
					hear(t, a.whole()).wantText(t, second.Answer())
					r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
					r.wantRecovered(map[string]int{"b1": 1})
				})
			}
		}
	}
}

// TestResumeStaysWithinADialect: a backend of another is not asked to go on,
// though it supports prefill, and an error event ends the answer.
func TestResumeStaysWithinADialect(t *testing.T) {
	for _, d := range directions {
		for _, tc := range []struct {
			name     string
			dialects []gateway.Dialect
			calls    []int // of each provider
			text     string
		}{
			{"of which is the only one left", []gateway.Dialect{d.caller, d.backend}, []int{1, 0}, ""},
			{"whose stream breaks off", []gateway.Dialect{d.backend, d.caller}, []int{1, 0}, ""},
			{"that stands between two", []gateway.Dialect{d.caller, d.backend, d.caller}, []int{1, 0, 1}, "first-sim: word1 word2third-sim: word1 word2 word3 word4 word5 word6 word7"},
		} {
			t.Run(d.name+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				sims := make([]*providersim.Server, len(tc.dialects))
				var urls []string
				for i := range sims {
					sims[i] = providersim.Start(t, providersim.Options{Name: []string{"first", "second", "third"}[i] + "-sim"})
					urls = append(urls, sims[i].URL)
				}
				sims[0].SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByResuming, true, true, true)(s)
					speaking(tc.dialects...)(s)
				}, urls...)
				a := r.open(d.stream.path, d.stream.body)
				a.wantHeaders(http.StatusOK, "b0", 1)
				stream := a.whole()
				if tc.text != "" {
					hear(t, stream).wantText(t, tc.text)
				} else {
					events := withoutComments(split(stream))
					checkErrorEvent(t, d.stream, events[len(events)-1], "upstream_unavailable", len(events)-1)
				}
				var calls []int
				for _, sim := range sims {
					calls = append(calls, sim.Count())
				}
				if diff := cmp.Diff(tc.calls, calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				r.wantIdle()
			})
		}
	}
}

// TestBeforeTheFirstOutputResumeFallsOverTheBorder as every route does.
func TestBeforeTheFirstOutputResumeFallsOverTheBorder(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			first, second := pair(t)
			first.SetFault(providersim.Fault{Kind: providersim.Cut})
			r := newStreamRig(t, func(s *streamSetup) {
				recovering(gateway.RecoverByResuming)(s)
				speaking(d.caller, d.backend)(s)
			}, first.URL, second.URL)
			a := r.open(d.stream.path, d.stream.body)
			a.wantHeaders(http.StatusOK, "b1", 2)
			hear(t, a.whole()).wantText(t, second.Answer())
		})
	}
}
