package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestAClientThatTakesNothing for 30 s counts as gone: that is no failure of the
// provider, which is left, and the slot is free. (An eighth more may pass: not
// every write has a limit of its own.)
func TestAClientThatTakesNothing(t *testing.T) {
	for _, way := range []asking{chatStream, messagesStream, pathGet} {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, stalls, 2, func(r *bubbleRig) {
				left := r.talk(way)
				r.listen(way).event()
				time.Sleep(29 * second)
				r.wantTally("b0:1", "bulkhead_running", "circuit")
				time.Sleep(7 * second)
				synctest.Wait()
				select {
				case <-left:
				default:
					t.Error("the provider goes on")
				}
				r.wantTally("", "bulkhead_running", "circuit")
				r.wantTally("b0 ClientGone:1", "requests_total", "backend", "class")
				r.wantTally("b0 Ignored:1", "circuit_calls_total", "circuit", "outcome")
			})
		})
	}
}

// TestAClientThatTakesItsTime, and less than there is, is served for as long as it likes.
func TestAClientThatTakesItsTime(t *testing.T) {
	for _, way := range []asking{chatStream, pathGet} {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, stalls, 1, func(r *bubbleRig) {
				r.talk(way)
				a := r.listen(way)
				for range 10 {
					a.event()
					a.event()
					time.Sleep(29 * second)
				}
				r.wantTally("b0:1", "bulkhead_running", "circuit")
				_ = a.resp.Body.Close() // it leaves
				r.wantTally("b0 ClientGone:1", "requests_total", "backend", "class")
			})
		})
	}
}

func stalls(s *streamSetup) {
	s.ClientStall = 30 * second // as it is outside of tests
	s.Policy.Circuit.Bulkhead.MaxConcurrent = 1
}

// talk has b0 talk on and on, and tells when it was left.
func (r *bubbleRig) talk(way asking) <-chan struct{} {
	left := make(chan struct{})
	piece := chunk(block(9000))
	if way.name == messagesStream.name {
		piece = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + block(9000) + "\"}}\n\n"
	}
	r.net.serve(r.t, "b0:80", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s := scripted{w, req}
		s.stream()
		for req.Context().Err() == nil {
			s.send(piece)
			s.pause(second)
		}
		close(left)
	}))
	return left
}

// listen asks for a stream that is read by hand.
func (r *bubbleRig) listen(way asking) *answer {
	r.t.Helper()
	a, err := r.try(r.t.Context(), way.path, way.body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = a.resp.Body.Close() })
	return a
}
