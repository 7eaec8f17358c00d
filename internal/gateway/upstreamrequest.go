package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
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
	switch {
	case x.endpoint == nil:
		return [][]byte{x.body}
	case a.up.translation != nil:
		return [][]byte{a.up.body}
	case x.committed:
		parts = x.transcript.Prefill(x.body, a.b.Model)
	default:
		parts = x.request.WithModel(x.body, a.b.Model)
	}
	if x.endpoint.HidesUsage(x.request) {
		parts = x.request.WithUsage(parts)
	}
	return parts
}

func reader(parts [][]byte) io.ReadCloser {
	if len(parts) == 1 {
		return io.NopCloser(bytes.NewReader(parts[0]))
	}
	readers := make([]io.Reader, len(parts))
	for i, p := range parts {
		readers[i] = bytes.NewReader(p)
	}
	return io.NopCloser(io.MultiReader(readers...))
}

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
