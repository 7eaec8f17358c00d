package providersim

import (
	"compress/gzip"
	"errors"
	"net/http"
)

// events is a streamed answer, in the bytes of its dialect.
type events struct {
	// opening comes before any output: a role, message_start.
	opening []byte
	// token writes the i-th piece of output, of tokens.
	token  func(i int) []byte
	tokens int
	// finish gives the reason for the end, last is the stream's very last event.
	finish, last []byte
	// broken is an event of output with JSON that does not parse, ping what
	// keeps the stream alive.
	broken, ping []byte
	// problem is an error event.
	problem []byte
}

var comment = []byte(": keep-alive\n\n")

// streamer writes one streamed answer as its fault demands.
type streamer struct {
	*exchange
	ev   events
	zip  *gzip.Writer
	stop bool
}

func (x *exchange) writeStream(ev events) error {
	s := &streamer{exchange: x, ev: ev}
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	if x.fault.Kind == Gzip {
		h.Set("Content-Encoding", "gzip")
		s.zip = gzip.NewWriter(x.w)
	}
	if err := x.writeHeader(http.StatusOK); err != nil {
		return err
	}
	if err := s.run(); err != nil {
		return err
	}
	if s.zip != nil && s.zip.Close() != nil {
		return x.cause(errLeft)
	}
	return nil
}

// run writes the stream from its opening to its last event.
func (s *streamer) run() error {
	if s.fault.Kind == EmptyStream {
		return nil
	}
	if err := s.point(-1); err != nil || s.stop {
		return err
	}
	if err := s.send(s.ev.opening); err != nil {
		return err
	}
	if err := s.wait(s.fault.FirstTokenDelay, s.keepAlive); err != nil {
		return err
	}
	if err := s.point(0); err != nil || s.stop {
		return err
	}
	delay := max(s.fault.TokenDelay, s.sim.options.TokenDelay)
	for i := range s.ev.tokens {
		if i > 0 {
			if err := s.wait(delay, s.keepAlive); err != nil {
				return err
			}
		}
		if err := s.send(s.ev.token(i)); err != nil {
			return err
		}
		s.sim.log.update(func() { s.entry.Tokens = i + 1 })
		if err := s.point(i + 1); err != nil || s.stop {
			return err
		}
	}
	if err := s.send(s.ev.finish); err != nil || s.fault.Kind == MissingDone {
		return err
	}
	return s.send(s.ev.last)
}

// point does what the fault demands after n tokens. It sets stop where the
// stream ends there in good order.
func (s *streamer) point(n int) error {
	if n != s.breaksAfter() {
		return nil
	}
	switch s.fault.Kind {
	case Cut:
		return errAbort
	case Reset:
		return s.reset()
	case Stall:
		return s.waitFor(nil, nil, s.keepAlive)
	case Hold:
		return s.waitFor(nil, s.switched, s.keepAlive)
	case Malformed:
		for range max(1, s.fault.Events) {
			if err := s.send(s.ev.broken); err != nil {
				return err
			}
		}
	case MissingEnd:
		s.stop = true
	case ErrorEvent:
		s.stop = true
		return s.send(s.ev.problem)
	}
	return nil
}

// breaksAfter is the number of tokens after which the fault sets in.
func (s *streamer) breaksAfter() int {
	n := s.fault.AfterTokens
	switch {
	case s.fault.Kind == MissingEnd && n == 0:
		return s.ev.tokens
	case s.fault.Kind == Hold && n == 0:
		return -2 // It has been held before the headers.
	default:
		return min(n, s.ev.tokens)
	}
}

func (s *streamer) keepAlive() error {
	if s.fault.KeepAlive == KeepAlivePing && s.ev.ping != nil {
		return s.send(s.ev.ping)
	}
	return s.send(comment)
}

// send writes events and hands them to the network at once.
func (s *streamer) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var err error
	if s.zip == nil {
		_, err = s.w.Write(b)
	} else if _, err = s.zip.Write(b); err == nil {
		err = s.zip.Flush()
	}
	if err != nil {
		return s.cause(errLeft)
	}
	return s.flush()
}

// writeHeader sends the status line and the headers at once.
func (x *exchange) writeHeader(status int) error {
	x.setHeader(status)
	return x.flush()
}

// setHeader writes the headers without handing them to the network yet.
func (x *exchange) setHeader(status int) {
	for name, value := range x.fault.Header {
		x.w.Header().Set(name, value)
	}
	x.sim.log.update(func() { x.entry.Status = status })
	x.w.WriteHeader(status)
}

func (x *exchange) flush() error {
	if err := x.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return x.cause(errLeft)
	}
	return x.cause(nil)
}
