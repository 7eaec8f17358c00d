package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestANewClientIsServedUntilTheDelayIsOver: whoever balances over processes sees
// red readiness before it meets a closed door.
func TestANewClientIsServedUntilTheDelayIsOver(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(5)})
	const delay = 3 * time.Second
	p := startRun(t, "--shutdown-delay="+delay.String())
	if status, body := p.get("/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz answers %d %q", status, body)
	}
	told := time.Now()
	p.cancel()
	p.wait("readiness to turn red", func() bool {
		status, body := p.get("/readyz")
		return status == http.StatusInternalServerError && strings.Contains(body, "[-]not-terminating")
	})
	p.wait("answers that end their connection", func() bool {
		client := &http.Client{Transport: &http.Transport{}} // connects anew
		response, err := client.Post("http://"+p.gateway+"/v1/chat/completions", "application/json",
			strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`))
		if err != nil {
			t.Fatalf("a new client is not served: %v", err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("a new client gets %s (%v)", response.Status, err)
		}
		return response.Close
	})
	if err := <-p.ended; err != nil || time.Since(told) < delay {
		t.Errorf("the process ended after %s with %v, want after %s", time.Since(told), err, delay)
	}
	p.ended <- nil // for who cleans up
}
