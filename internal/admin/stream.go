package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// keepAlivePeriod is how often a quiet stream shows that it lives.
	keepAlivePeriod = 15 * time.Second
	// listenerStall is how long a listener may take nothing before it is cut.
	listenerStall = 30 * time.Second
	// eventBatch is how many events are written at a time.
	eventBatch = 256
)

// serveEvents streams what happens until the listener leaves or the feed ends.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	l, err := h.feed.listen()
	if err != nil {
		header.Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, "not_listening", fmt.Sprintf(
			"%s: at most %d programs can listen at a time; try again later", err, maxListeners))
		return
	}
	defer l.leave()
	s := &stream{w: w, rc: http.NewResponseController(w), stall: h.stall}
	if !s.send([]byte(": listening\n\n")) {
		return
	}
	keepAlive := time.NewTicker(keepAlivePeriod)
	defer keepAlive.Stop()
	for {
		var alive bool
		select {
		case <-r.Context().Done():
			return
		case <-h.feed.done:
			return
		case <-l.wake:
			alive = s.tell(l)
		case <-keepAlive.C:
			alive = s.send([]byte(": keep-alive\n\n"))
		}
		if !alive {
			return
		}
	}
}

// stream writes to one listener.
type stream struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	stall  time.Duration // how long the listener may take nothing
	text   bytes.Buffer
	events [eventBatch]event
}

// tell sends all that the listener has not been told yet, and reports whether
// it is still there.
func (s *stream) tell(l *listener) bool {
	for {
		missed, events := l.take(s.events[:0])
		if missed == 0 && len(events) == 0 {
			return true
		}
		s.text.Reset()
		if missed > 0 {
			s.write("missed", missedData{missed})
		}
		for _, e := range events {
			if e.transition != nil {
				s.write("transition", dataOfTransition(e.transition))
			} else {
				s.write("refusal", dataOfRefusal(e.refusal))
			}
		}
		if !s.send(s.text.Bytes()) {
			return false
		}
	}
}

// write adds an event to the text. Its data always encodes, in one line.
func (s *stream) write(name string, data any) {
	fmt.Fprintf(&s.text, "event: %s\ndata: ", name)
	_ = json.NewEncoder(&s.text).Encode(data)
	s.text.WriteByte('\n')
}

// send writes and flushes, and reports whether the listener took it in time.
func (s *stream) send(text []byte) bool {
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.stall)) // a writer without deadlines has none to set
	if _, err := s.w.Write(text); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}
