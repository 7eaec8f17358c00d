package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/test/providersim"
)

// protocols are those that clients speak.
var protocols = map[string]func(*streamSetup){
	"HTTP1": func(*streamSetup) {},
	"HTTP2": func(s *streamSetup) { s.HTTP2 = true },
}

func TestStreamsReachClientsOfEitherProtocol(t *testing.T) {
	for proto, tune := range protocols {
		for _, e := range allStreamEndpoints {
			t.Run(proto+"/"+e.name, func(t *testing.T) {
				sim := providersim.Start(t, providersim.Options{})
				want := direct(t, sim.URL, e)
				r := newStreamRig(t, tune, sim.URL)
				a := r.open(e.path, e.body)
				if want := map[string]int{"HTTP1": 1, "HTTP2": 2}[proto]; a.resp.ProtoMajor != want {
					t.Errorf("protocol %s", a.resp.Proto)
				}
				if d := cmp.Diff(want, alike(a.whole())); d != "" {
					t.Error(d)
				}
				sim.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
				events := split(r.open(e.path, e.body).whole()) // the error is told, the connection not cut
				checkErrorEvent(t, e, events[len(events)-1], "upstream_unavailable", len(events)-1)
				sim.SetFault(providersim.Fault{Status: http.StatusTeapot})
				a = r.open(e.path, e.body)
				if checkErrorBody(t, e, a.whole(), ""); a.resp.StatusCode != http.StatusTeapot {
					t.Errorf("status %d", a.resp.StatusCode)
				}
				r.wantEnds(map[string]int{"Rejected": 1, "StreamError": 1, "Success": 1}, map[string]int{"Failure": 1, "Ignored": 1, "Success": 1})
			})
		}
	}
}

// TestACutAnswerOfAPathRouteIsNoWholeOne to clients of either protocol: they see
// that it broke off.
func TestACutAnswerOfAPathRouteIsNoWholeOne(t *testing.T) {
	for proto, tune := range protocols {
		for name, header := range map[string]string{"with a length": "100", "without": ""} {
			t.Run(proto+"/"+name, func(t *testing.T) {
				r := newStreamRig(t, tune, script(t, func(s scripted) {
					if header != "" {
						s.w.Header().Set("Content-Length", header)
					}
					s.send("some")
					panic(http.ErrAbortHandler)
				}))
				a, err := r.try(t.Context(), "/ext/x", "")
				if err == nil { // otherwise it broke off before anything was passed on
					defer a.resp.Body.Close()
					_, err = a.rest()
				}
				if err == nil {
					t.Error("the answer has a good end")
				}
				r.wantEnd("InvalidResponse", "Failure")
			})
		}
	}
}

// TestOneOfManyLeaves: the others, which share its connection over HTTP/2, go on.
func TestOneOfManyLeaves(t *testing.T) {
	for proto, tune := range protocols {
		t.Run(proto, func(t *testing.T) {
			const n = 10
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 3})
			r := newStreamRig(t, tune, sim.URL)
			var all []*answer
			for range n {
				a := r.open(chatEndpoint.path, chatEndpoint.body)
				a.event()
				all = append(all, a)
			}
			begun := time.Now()
			all[0].leave()
			sim.WaitRunning(n - 1)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("the call of a client that left ran for %v", took)
			}
			sim.Heal()
			for _, a := range all[1:] {
				if h := hear(t, a.whole()); h.text != sim.Answer() || h.ends != 1 {
					t.Errorf("the client heard %+v", h)
				}
			}
			r.wantEnds(map[string]int{"ClientGone": 1, "Success": n - 1}, map[string]int{"Ignored": 1, "Success": n - 1})
		})
	}
}
