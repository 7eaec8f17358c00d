package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestRunExportsWhereTheEnvironmentSays, at its end at the latest, and the
// provider is told of the trace.
func TestRunExportsWhereTheEnvironmentSays(t *testing.T) {
	exported := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing shows
		exported <- r.URL.Path + " " + string(body)
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{Name: "sim"})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(5)})
	p := startRun(t)
	p.mustChat()
	if parent := sim.Requests()[0].Header.Get("Traceparent"); len(parent) != 55 {
		t.Errorf("the provider got the traceparent %q", parent)
	}
	p.cancel()
	wanted := map[string]string{"/v1/traces": "chat m", "/v1/metrics": "switchgear_requests_total"}
	deadline := time.After(10 * time.Second)
	for len(wanted) > 0 {
		select {
		case got := <-exported:
			path, body, _ := strings.Cut(got, " ")
			if want, ok := wanted[path]; ok && strings.Contains(body, want) {
				delete(wanted, path)
			}
		case <-deadline:
			t.Fatalf("never exported: %v", wanted)
		}
	}
}

// TestRunLogsRequests by default, and not if that is off.
func TestRunLogsRequests(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want bool
	}{"by default": {nil, true}, "off": {[]string{"--access-log=off"}, false}} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			sim := providersim.Start(t, providersim.Options{Name: "sim"})
			writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(5)})
			p := startRun(t, c.args...)
			p.mustChat()
			p.cancel()
			p.ended <- <-p.ended
			const line = "msg=Request requestID="
			if text := p.log.String(); strings.Contains(text, line) != c.want || c.want && !strings.Contains(text, "route=r backend=a class=Success model=m stream=false status=200 attempts=1") {
				t.Errorf("the log is\n%s", text)
			}
		})
	}
}
