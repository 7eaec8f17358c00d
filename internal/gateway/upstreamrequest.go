package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// request makes the request to the backend.
func (a *attempt) request(ctx context.Context) (*http.Request, error) {
	x := a.x
	parts, err := a.body()
	if err != nil {
		return nil, err
	}
	length := len(parts[0]) + len(parts[1]) + len(parts[2])
	r := &http.Request{
		Method:        x.r.Method,
		URL:           a.url(),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        requestHeaders(x.r.Header, a.b.Backend, x.id),
		ContentLength: int64(length),
	}
	r.Host = r.URL.Host
	if length > 0 {
		r.Body = reader(parts)
		// With it the transport dials anew when an idle connection turns out to
		// be closed before anything was written to it.
		r.GetBody = func() (io.ReadCloser, error) { return reader(parts), nil }
	}
	return r.WithContext(ctx), nil
}

// body returns the request's body in parts: with the backend's model, and where
// a stream is resumed, with the text that the client has.
func (a *attempt) body() ([3][]byte, error) {
	x := a.x
	switch {
	case x.endpoint == nil:
		return [3][]byte{x.body}, nil
	case !x.committed:
		return x.request.WithModel(x.body, a.b.Model), nil
	}
	body, err := x.transcript.Prefill(x.body)
	if err != nil {
		return [3][]byte{}, fmt.Errorf("asking to go on: %w", err)
	}
	request, err := dialect.ParseRequest(body)
	if err != nil {
		return [3][]byte{}, fmt.Errorf("asking to go on: %w", err)
	}
	return request.WithModel(body, a.b.Model), nil
}

func reader(parts [3][]byte) io.ReadCloser {
	if parts[1] == nil {
		return io.NopCloser(bytes.NewReader(parts[0]))
	}
	return io.NopCloser(io.MultiReader(
		bytes.NewReader(parts[0]), bytes.NewReader(parts[1]), bytes.NewReader(parts[2])))
}

// url is where the backend is called.
func (a *attempt) url() *url.URL {
	u := *a.b.URL
	rest := a.x.rest
	if a.x.endpoint != nil {
		rest = a.x.endpoint.Path
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
	u.RawQuery = mergeQuery(a.x.r.URL.RawQuery, a.b.query)
	return &u
}
