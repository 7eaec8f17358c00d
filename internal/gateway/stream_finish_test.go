package gateway_test

import (
	"net/http"
	"testing"
	"time"
)

// TestTheWaitAfterTheFinish is 2 s long: usage and end mark that come until then
// are the client's, and what comes later nobody waits for.
func TestTheWaitAfterTheFinish(t *testing.T) {
	const usage = "data: {\"choices\":[],\"usage\":{\"completion_tokens\":1}}\n\n"
	for _, tc := range []struct {
		after, took time.Duration
		rest        string
	}{
		{1999 * time.Millisecond, 1999 * time.Millisecond, usage + chatDone},
		{2001 * time.Millisecond, 2 * second, chatDone},
	} {
		t.Run(tc.after.String(), func(t *testing.T) {
			inBubble(t, nil, 1, func(r *bubbleRig) {
				r.net.serve(r.t, "b0:80", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					s := scripted{w, req}
					s.stream()
					s.send(chunk("a") + chatFinish)
					s.pause(tc.after)
					s.send(usage + chatDone)
				}))
				a := r.ask(asking{"chat", chatUsageEndpoint.path, chatUsageEndpoint.body})
				if want := chunk("a") + chatFinish + tc.rest; a.body != want || a.after != tc.took {
					t.Errorf("the client got %q after %v, want %q after %v", a.body, a.after, want, tc.took)
				}
				r.wantTally("b0 Success:1", "requests_total", "backend", "class")
			})
		})
	}
}
