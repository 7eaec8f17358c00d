package gateway

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// summary is what is told of a request when it has ended, in its span and in the
// access log. No part of it is content or a credential.
type summary struct {
	// backend is the one whose answer, error or refusal the client got; nil:
	// nobody's.
	backend *liveBackend
	class   Class         // holds where there is a backend
	first   time.Duration // when the first output came; 0: never
	tokens  dialect.Tokens
}

// ends counts how the request ended for the backend whose answer it got.
func (x *exchange) ends(b *liveBackend, c Class) {
	b.stats.finish(c)
	x.sum.backend, x.sum.class = b, c
}

// failed reports whether the client got no whole, good answer.
func (x *exchange) failed() bool {
	return x.status.code >= http.StatusBadRequest || x.sum.backend != nil && x.sum.class != Success
}

// served is where the request was served: the endpoint's path, or the prefix of
// a path route, and no more of what the client called; empty where nothing is.
func (x *exchange) served() string {
	switch {
	case x.own != nil:
		return "/v1/models"
	case x.endpoint != nil && x.endpoint.Other:
		return "/v1/*"
	case x.endpoint != nil && strings.HasPrefix(x.endpoint.Path, "/v1/"):
		return x.endpoint.Path
	case x.endpoint != nil:
		return "/v1" + x.endpoint.Path
	case x.target.route != nil && x.target.route.Path:
		return x.target.route.Matches[x.target.match].Pattern
	}
	return ""
}

// ownCode is the code of the error that the gateway has answered with.
func (x *exchange) ownCode() string {
	if codes := x.w.Header()[headerError]; len(codes) > 0 {
		return codes[0]
	}
	return ""
}

// longestName is how much of a name that a client or provider chose is told.
const longestName = 128

func clipped(name string) string {
	if len(name) <= longestName {
		return name
	}
	end := longestName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…"
}

// statusWriter remembers the status that was written.
type statusWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader is http.ResponseWriter's.
func (w *statusWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
