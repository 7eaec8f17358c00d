package gateway

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// request makes the request to the backend.
func (a *attempt) request(ctx context.Context) *http.Request {
	x := a.x
	parts := a.body()
	headers := x.r.Header
	if a.up.translation != nil {
		headers = translatedHeaders(headers, a.b.Backend)
	}
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	r := &http.Request{
		Method:        x.r.Method,
		URL:           a.url(),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        requestHeaders(headers, a.b.Backend, x.id),
		ContentLength: int64(length),
	}
	a.span.inject(r.Header)
	r.Host = r.URL.Host
	if length > 0 {
		r.Body = reader(parts)
		// With it the transport dials anew when an idle connection turns out to
		// be closed before anything was written to it.
		r.GetBody = func() (io.ReadCloser, error) { return reader(parts), nil }
	}
	return r.WithContext(ctx)
}

// body returns the request's body in parts: with the backend's model, where a
// stream is resumed, with the text that the client has, and with the question for
// what a stream costs.
func (a *attempt) body() [][]byte {
	x := a.x
	var parts [][]byte
	asks := x.request
	switch {
	case x.endpoint == nil:
		return [][]byte{x.body}
	case a.up.translation != nil:
		parts, asks = [][]byte{a.up.body}, dialect.Request{Stream: x.request.Stream}
	case x.committed:
		parts = x.transcript.Prefill(x.body, a.b.Model)
	default:
		parts = x.request.WithModel(x.body, a.b.Model)
	}
	a.cost.asked = a.up.endpoint.HidesUsage(asks) && !a.b.stats.unwilling(a.begun)
	if a.cost.asked {
		parts = asks.WithUsage(parts)
	}
	return parts
}

// partsReader reads a body's parts one after the other.
type partsReader struct {
	parts [][]byte
	at    int // in the first of them
}

func reader(parts [][]byte) io.ReadCloser { return &partsReader{parts: parts} }

// Read is io.Reader's.
func (r *partsReader) Read(p []byte) (int, error) {
	n := 0
	for len(r.parts) > 0 && n < len(p) {
		c := copy(p[n:], r.parts[0][r.at:])
		n, r.at = n+c, r.at+c
		if r.at == len(r.parts[0]) {
			r.parts, r.at = r.parts[1:], 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close is io.Closer's.
func (*partsReader) Close() error { return nil }

// url is where the backend is called.
func (a *attempt) url() *url.URL {
	u := *a.b.URL
	rest, query := a.x.rest, a.x.r.URL.RawQuery
	if a.up.endpoint != nil {
		rest = a.up.endpoint.Path
	}
	if a.up.translation != nil {
		query = "" // it was for the other dialect
	}
	if rest != "" {
		escaped := strings.TrimSuffix(u.EscapedPath(), "/") + rest
		u.Path, u.RawPath = escaped, ""
		if strings.Contains(escaped, "%") {
			if path, err := url.PathUnescape(escaped); err == nil {
				u.Path, u.RawPath = path, escaped
			}
		}
	}
	u.RawQuery = mergeQuery(query, a.b.query)
	return &u
}
