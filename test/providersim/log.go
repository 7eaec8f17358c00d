package providersim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Request is one request as the provider saw it.
type Request struct {
	Time time.Time `json:"time"`
	// Proto is such as HTTP/1.1, RemoteAddr the client's end of the connection.
	Proto      string      `json:"proto"`
	RemoteAddr string      `json:"remoteAddr"`
	Method     string      `json:"method"`
	Host       string      `json:"host"`
	Path       string      `json:"path"`
	Query      url.Values  `json:"query"`
	Header     http.Header `json:"header"`
	// Body is empty until it has been read whole, and shortened to its first
	// 1 MiB; BodyBytes is its full length.
	Body      []byte `json:"-"`
	BodyBytes int    `json:"bodyBytes"`
	// Model and Stream are what the body, or an Azure-style path, asked for.
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	// Fault is the name of the fault that the request met; empty: none.
	Fault string `json:"fault"`
	// Status is what was answered, 0 while no headers have been sent.
	Status int `json:"status"`
	// Tokens is how many tokens of a stream have been sent.
	Tokens int `json:"tokens"`
	// Finished says that the provider did all it meant to do, be it a cut.
	// ClientLeft says that the client went first. Neither: the request is
	// running, or Drop or Close ended it.
	Finished   bool `json:"finished"`
	ClientLeft bool `json:"clientLeft"`
}

// MarshalJSON writes the body as a string.
func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	return json.Marshal(struct {
		plain
		Body string `json:"body"`
	}{plain(r), string(r.Body)})
}

// Requests returns the last requests, oldest first: at most 10,000, running
// ones included. Maps and bodies are shared: do not write to them.
func (s *Sim) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	out := make([]Request, len(s.log.entries))
	for i, e := range s.log.entries {
		out[i] = e.Request
	}
	return out
}

// Count is the number of requests since the start, or since ClearRequests.
func (s *Sim) Count() int { return s.log.read(&s.log.count) }

// Running is the number of requests now being served.
func (s *Sim) Running() int { return s.log.read(&s.log.running) }

// MaxRunning is the most that Running has been since the start, or since
// ClearRequests.
func (s *Sim) MaxRunning() int { return s.log.read(&s.log.maxRunning) }

// ClearRequests empties the log and sets Count to zero and MaxRunning to Running.
func (s *Sim) ClearRequests() {
	s.log.update(func() {
		for len(s.log.entries) > 0 {
			s.log.forget()
		}
		s.log.count, s.log.maxRunning = 0, s.log.running
	})
}

// WaitFor waits until cond holds, which it asks anew whenever a request has
// come, made progress or ended. The error is ctx's.
func (s *Sim) WaitFor(ctx context.Context, cond func() bool) error {
	for {
		// The channel is taken before the question, so that no change is missed.
		changed := s.log.watch()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
