package gateway_test

import (
	"net/http"
	"testing"
	"time"
)

// TestEachByteOfAPathStreamRestoresStreamIdle: it bounds one silence, and not all
// of them together.
func TestEachByteOfAPathStreamRestoresStreamIdle(t *testing.T) {
	for _, tc := range []struct {
		name  string
		gap   time.Duration
		class string
	}{
		{"shorter than it", 19 * second, "Success"},
		{"longer than it", 21 * second, "StreamError"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, nil, 1, func(r *bubbleRig) {
				r.net.serve(r.t, "b0:80", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					s := scripted{w, req}
					s.stream()
					for range 5 {
						s.send("data: x\n\n")
						s.pause(tc.gap)
					}
				}))
				a := r.ask(pathGet)
				if cut := a.err != nil; a.status != http.StatusOK || cut != (tc.class != "Success") {
					t.Errorf("the client got %d %q, %v", a.status, a.body, a.err)
				}
				r.wantTally("b0 "+tc.class+":1", "requests_total", "backend", "class")
			})
		})
	}
}
