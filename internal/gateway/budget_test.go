package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// held is how many bytes the gateway holds of bodies and answers.
func (r *streamRig) held() int {
	r.t.Helper()
	return r.counts("switchgear_buffered_bytes", "")[""]
}

// padded is a door's request of at least so many bytes.
func padded(e streamEndpoint, size int) streamEndpoint {
	e.body += strings.Repeat(" ", max(0, size-len(e.body)))
	return e
}

// TestTheMemoryBudget: while one body takes most of it, another of that size is
// refused and a small one is not; afterwards it is all there again.
func TestTheMemoryBudget(t *testing.T) {
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			const size = 100 << 10
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, func(o *gateway.Options) { o.MaxBufferedBytes = 3 * size / 2 }, doorRoutes(t, sim.URL, newPolicy(t))...)
			large := padded(e, size)
			sim.SetFault(providersim.Fault{Kind: providersim.Hold})
			first := r.begin(t.Context(), large)
			sim.WaitRunning(1)
			if n := r.held(); n < size || n > 3*size/2 {
				t.Errorf("%d bytes are held for a body of %d", n, size)
			}
			for _, post := range []func(streamEndpoint) reply{func(e streamEndpoint) reply { return r.post(e) }, r.postChunked} {
				got := post(large)
				got.wantOwn(t, e, http.StatusServiceUnavailable, "overloaded")
				got.wantHeaders(t, map[string]string{"Retry-After": "1", "X-Switchgear-Route": routeBeforeBody(e), "X-Switchgear-Backend": ""})
			}
			small := r.begin(t.Context(), e)
			sim.WaitRunning(2)
			sim.Heal()
			for _, answer := range []<-chan reply{first, small} {
				if got := r.await(answer); got.status != http.StatusOK {
					t.Errorf("status %d: %s", got.status, got.body)
				}
			}
			r.wantIdle()
			if got := r.post(large); got.status != http.StatusOK {
				t.Errorf("afterwards: status %d: %s", got.status, got.body)
			}
			r.wantIdle()
		})
	}
}

// TestHeldBytesReturn whatever becomes of a call.
func TestHeldBytesReturn(t *testing.T) {
	type fault = providersim.Fault
	for _, tc := range []struct {
		name   string
		fault  fault
		leaves bool
	}{
		{"answered", fault{}, false},
		{"refused", fault{Status: 400}, false},
		{"failed", fault{Status: 500}, false},
		{"cut", fault{Kind: providersim.Cut}, false},
		{"reset", fault{Kind: providersim.Reset}, false},
		{"late", fault{Kind: providersim.Hang}, false},
		{"left", fault{Kind: providersim.Hang}, true},
		{"left in the middle of the answer", fault{Kind: providersim.Stall}, true},
		{"answered before the body was read", fault{Kind: providersim.EarlyAnswer, Status: 503}, false},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				sim.SetFault(tc.fault)
				p := newPolicy(t, func(p *gateway.Policy) {
					if tc.name == "late" {
						p.Timeouts.Attempt = soon
					}
				})
				r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				answer := r.begin(ctx, padded(e, 50<<10))
				if tc.leaves {
					sim.WaitRunning(1)
					leave()
				}
				r.await(answer)
				r.wantIdle()
			})
		}
	}
}

// TestAStreamHoldsNothing once its answer has begun.
func TestAStreamHoldsNothing(t *testing.T) {
	for _, e := range streamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			a := r.open(e.path, padded(e, 50<<10).body)
			a.event()
			if n := r.held(); n != 0 || r.running() != 1 {
				t.Errorf("%d bytes are held of %d streams", n, r.running())
			}
			sim.Heal()
			a.whole()
			r.wantEnd("Success", "Success")
		})
	}
}
