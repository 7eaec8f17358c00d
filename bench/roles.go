package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
)

const (
	model     = "gpt-4o"
	requestOf = `{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"%s"}]}`
	answer    = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":300,"completion_tokens":300,"total_tokens":600}}`
	// broken is the model whose circuit the gateway is made to open.
	broken = "broken"
)

// play runs one of the processes that are measured until it is killed.
func play(ctx context.Context, role, target string) error {
	var h http.Handler
	var err error
	switch role {
	case "upstream":
		h = upstream()
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return server.Serve(l)
}

// upstream answers at once: what is measured is what lies between.
func upstream() http.Handler {
	text := bytes.Repeat([]byte("word "), 300)
	body := fmt.Appendf(nil, answer, text)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte(`"model":"`+broken)) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
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

// newGateway is the whole data plane, with a bulkhead.
func newGateway(target string) (http.Handler, error) {
	u, err := url.Parse(target + "/v1")
	if err != nil {
		return nil, err
	}
	failures, err := gateway.ParseStatusSet([]string{"5xx", "408"})
	if err != nil {
		return nil, err
	}
	policy := &gateway.Policy{
		ID: "p", Namespace: "bench", Name: "p", Circuit: settings(), FailureStatus: failures,
		Timeouts: gateway.Timeouts{
			Connect: 5 * time.Second, FirstToken: time.Minute, Attempt: 10 * time.Minute,
			StreamIdle: 20 * time.Second, StreamTotal: time.Hour, Abandoned: 30 * time.Second,
		},
	}
	policy.Circuit.Bulkhead.MaxConcurrent = 1000
	policy.Circuit.ResetTimeout = time.Hour
	g := gateway.New(gateway.Options{
		Logger:            slog.New(slog.DiscardHandler),
		DefaultNamespace:  "bench",
		AllowBackendCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	var routes []*gateway.Route
	for _, m := range []string{model, broken} {
		routes = append(routes, &gateway.Route{
			Namespace: "bench", Name: m, Timeout: 5 * time.Minute,
			Matches: []gateway.Match{{Pattern: m, Circuits: []gateway.CircuitKey{{Policy: "p", Model: m, Origin: target}}}},
			Backends: []*gateway.Backend{{
				Name: "upstream", Dialect: gateway.OpenAI, URL: u, Weight: 1, Policy: policy,
				Credential: gateway.Credential{Kind: gateway.CredentialSecret, Key: "key"},
				AuthHeader: "Authorization", AuthPrefix: "Bearer ",
			}},
		})
	}
	g.Apply(&gateway.Snapshot{Version: "bench", Policies: []*gateway.Policy{policy}, Routes: routes})
	return g, nil
}
