package providersim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options say who a simulated provider is and how it answers when nothing is
// wrong with it. The zero value is usable.
type Options struct {
	// Name stands in every answer and every id. Default "sim".
	Name string
	// Tokens is the number of tokens in an answer, the name included, unless
	// the request asks for fewer. Default 8.
	Tokens int
	// Latency passes before the headers of every answer. Default none.
	Latency time.Duration
	// TokenDelay passes between the tokens of every stream. Default none.
	TokenDelay time.Duration
	// APIKey, if set, is what every request has to bring as a bearer token, as
	// x-api-key or as api-key; others get a 401 in their dialect.
	APIKey string
	// Strict refuses the conversations that the real providers refuse: unknown
	// parameters, turns out of order, calls of tools without results, empty texts.
	Strict bool
	// Models is what GET /v1/models lists. Default: one, "<name>-model".
	Models []string

	// TLS makes Start and Listen serve HTTPS with a certificate for 127.0.0.1,
	// ::1, localhost and ServerNames, signed by a CA made for the occasion.
	TLS bool
	// ServerNames are further DNS names for the certificate.
	ServerNames []string
	// HTTP2 makes Start and Listen offer HTTP/2 beside HTTP/1.1. It implies TLS.
	HTTP2 bool
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "sim"
	}
	if o.Tokens <= 0 {
		o.Tokens = 8
	}
	if len(o.Models) == 0 {
		o.Models = []string{o.Name + "-model"}
	}
	o.TLS = o.TLS || o.HTTP2
	return o
}

// The ways in which an exchange ends other than by being answered.
var (
	errAbort   = errors.New("the fault ends the connection")
	errLeft    = errors.New("the client left")
	errClosed  = errors.New("the simulated provider was closed")
	errDropped = errors.New("the exchange was dropped")
)

// maxBody is the largest request body that is read, in bytes; more is a 413.
const maxBody = 256 << 20

// Sim is one simulated provider. It is an http.Handler, safe for concurrent
// use. A fault that ends the connection panics with http.ErrAbortHandler, which
// net/http's server understands.
type Sim struct {
	options Options
	faults  faultBox
	log     requestLog

	mu sync.Mutex
	// Guarded by mu.
	live   map[*exchange]struct{}
	files  []*storedFile
	closed bool
}

// New returns a healthy simulated provider that listens nowhere; see Start and
// Listen for one that does.
func New(o Options) *Sim {
	return &Sim{options: o.withDefaults(), live: map[*exchange]struct{}{}}
}

// Answer is the whole text of an unshortened answer.
func (s *Sim) Answer() string { return strings.Join(words(s.options), "") }

// ServeHTTP answers one request, or breaks as the fault in force demands.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, adminPrefix) {
		s.serveAdmin(w, r)
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	x := &exchange{
		sim: s, w: w, r: r, ctx: ctx, cancel: cancel,
		control: http.NewResponseController(w),
		entry:   s.log.begin(r),
		target:  route(r.URL.Path),
	}
	s.enter(x)
	err := x.serve()
	s.leave(x)
	x.end(err)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *Sim) enter(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[x] = struct{}{}
	if s.closed {
		x.cancel(errClosed)
	}
}

func (s *Sim) leave(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, x)
}

// Drop breaks the connection of every request that is running now, whatever
// the fault in force; requests to come are not affected.
func (s *Sim) Drop() { s.cancelAll(errDropped) }

// Close ends every running request, hanging ones included, and every one still
// to come. An Instance or a Server closes its listener as well.
func (s *Sim) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancelAll(errClosed)
}

func (s *Sim) cancelAll(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for x := range s.live {
		x.cancel(cause)
	}
}

// readBody reads a request's body whole; tooLarge says that it is more than
// maxBody.
func readBody(r *http.Request) (body []byte, tooLarge bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	return body, len(body) > maxBody, err
}
