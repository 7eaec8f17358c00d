package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestNoRequestFailsForAnEdit edits policy, route and Secret in every way while
// clients ask without pause.
func TestNoRequestFailsForAnEdit(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	secret := func(key string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {switchgear.dev/credentials: \"true\"}}\nstringData: {k: " + key + "}\n"
	}
	credentials := "    credentials: {secretRef: {name: s, key: k}}\n"
	route := func(more string) string {
		return strings.Replace(routeTo(sim.URL, more), "{name: a, type: OpenAI, url: \""+sim.URL+"/v1\", circuitPolicyRef: {name: p}}",
			"name: a\n    type: OpenAI\n    url: "+sim.URL+"/v1\n    circuitPolicyRef: {name: p}\n"+strings.TrimSuffix(credentials, "\n"), 1)
	}
	writeFiles(t, map[string]string{"a.yaml": route(""), "p.yaml": policy(5), "s.yaml": secret("first")})
	p := startRun(t)

	var (
		clients sync.WaitGroup
		stop    = make(chan struct{})
		asked   atomic.Int64
	)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := p.chat(&http.Client{Transport: transport})
				if err != nil || got.status != http.StatusOK || got.backend != "a" {
					t.Errorf("a request got %+v (%v)", got, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	served := func(step string) {
		t.Helper()
		before := asked.Load()
		p.wait("requests after "+step, func() bool { return t.Failed() || asked.Load() >= before+50 })
	}
	served("the start")
	for i := range 3 {
		p.edit(applied, map[string]string{"p.yaml": policy(6 + i)})
		served("an edit of the policy")
		p.edit(applied, map[string]string{"a.yaml": route(fmt.Sprintf("  timeout: %dm\n", 2+i))})
		served("an edit of the route")
		p.edit(applied, map[string]string{"s.yaml": secret(fmt.Sprintf("key-%d", i))})
		served("an edit of the Secret")
		p.edit(broken, map[string]string{"a.yaml": "{", "p.yaml": goodPolicy + "spec: {window: " + strings.Repeat("1", i+1) + "d}\n"})
		served("a broken edit")
		if err := os.WriteFile("a.new", []byte(route("")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename("a.new", "a.yaml"); err != nil {
			t.Fatal(err)
		}
		p.edit("whole again", map[string]string{"p.yaml": policy(5)})
		served("mending")
	}
	close(stop)
	clients.Wait()
	last := sim.Requests()
	if got := last[len(last)-1].Header.Get("Authorization"); got != "Bearer key-2" {
		t.Errorf("at the end the credential is %q", got)
	}
}

func TestAnOpenCircuitOutlivesEdits(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Status, Status: http.StatusServiceUnavailable})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(2)})
	p := startRun(t)
	p.wait("the circuit to open", func() bool { return p.mustChat().code == "circuit_open" })
	sim.Heal()
	asked := sim.Count()
	refused := func(step string) {
		t.Helper()
		if got := p.mustChat(); got.status != http.StatusServiceUnavailable || got.code != "circuit_open" || sim.Count() != asked {
			t.Errorf("after %s the answer is %+v, and the provider saw %d requests, want it refused", step, got, sim.Count()-asked)
		}
	}
	refused("the failures")
	p.edit(applied, map[string]string{"p.yaml": policy(9)})
	refused("an edit of the policy")
	p.edit(applied, map[string]string{"a.yaml": routeTo(sim.URL, "  timeout: 1m\n")})
	refused("an edit of the route")
	p.edit(broken, map[string]string{"p.yaml": "{"})
	refused("a broken edit")
	p.edit(applied, map[string]string{"p.yaml": "", "q.yaml": policy(9)})
	refused("a move to another file")

	// A policy that was gone is another one when it comes again.
	p.edit(applied, map[string]string{"q.yaml": ""})
	p.edit(applied, map[string]string{"q.yaml": policy(9)})
	if got := p.mustChat(); got.status != http.StatusOK {
		t.Errorf("the policy that was made anew answers %+v, want a circuit of its own", got)
	}
}

// TestSIGTERMDrains ends the process for real, with a stream under way.
func TestSIGTERMDrains(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(5)})
	p := &process{t: t, log: &logWriter{}, ended: make(chan error, 1)}
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"run", "-f", ".", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--grace-period=1m"}, io.Discard, p.log)
	}()
	p.findAddresses()

	response, err := http.Post("http://"+p.gateway+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(response.Body, first); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.logged(`msg=Draining`)
	p.wait("the listener to close", func() bool {
		_, err := p.chat(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
		return err != nil
	})
	if status, body := p.get("/readyz"); status != http.StatusInternalServerError || !strings.Contains(body, "[-]not-terminating") {
		t.Errorf("while it drains, /readyz answers %d %q", status, body)
	}
	if status, _ := p.get("/metrics"); status != http.StatusOK {
		t.Errorf("while it drains, /metrics answers %d", status)
	}
	sim.Heal()
	rest, err := io.ReadAll(response.Body)
	if err != nil || !bytes.HasSuffix(rest, []byte("data: [DONE]\n\n")) {
		t.Errorf("the stream ended with %q (%v)", rest, err)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d\n%s", got, p.log)
	}
}
