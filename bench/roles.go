package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	_ "net/http/pprof"
	"net/url"
	"time"
)

// play runs one of the processes that are measured until it is ended. It prints
// where it serves, and where it can be looked into.
func play(ctx context.Context, role, target string) error {
	var h http.Handler
	var err error
	switch role {
	case "upstream":
		h = &upstream{}
	case "bareproxy":
		h, err = bareProxy(target)
	case "refuser":
		h = http.HandlerFunc(refuse)
	case "gateway":
		h, err = newGateway(target)
	default:
		err = fmt.Errorf("there is no role %q", role)
	}
	if err != nil {
		return err
	}
	serving, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	debugging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s http://%s\n", serving.Addr(), debugging.Addr())
	debug := &http.Server{ReadHeaderTimeout: 10 * time.Second}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _, _ = debug.Close(), server.Close() })
	go func() { _ = debug.Serve(debugging) }()
	return server.Serve(serving)
}

// bareProxy is the baseline: the standard library's, reading the body first, as
// anything must that routes by what is in it.
func bareProxy(target string) (http.Handler, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(u) },
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 512, DisableCompression: true,
			ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		proxy.ServeHTTP(w, r)
	}), nil
}

// refuse is the least that an open circuit must do.
func refuse(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":{"message":"refused","type":"server_error","param":null,"code":"circuit_open"}}`)
}
