package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// logWriter keeps what is written, for one who waits for it.
type logWriter struct {
	mu sync.Mutex
	// Guarded by mu.
	text bytes.Buffer
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *logWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// process is `switchgear run`, in this process.
type process struct {
	t              *testing.T
	log            *logWriter
	gateway, admin string // addresses
	cancel         func() // in place of SIGTERM
	ended          chan error
}

// startRun runs the files of the working directory until the test ends.
func startRun(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, log: &logWriter{}, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	root := newRootCommand()
	root.SetArgs(append([]string{"run", "-f", ".", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...))
	root.SetErr(p.log)
	go func() { p.ended <- root.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		p.ended <- <-p.ended // whoever waits first
		if t.Failed() {
			t.Logf("the process logged:\n%s", p.log)
		}
	})
	p.findAddresses()
	return p
}

// findAddresses waits until both listeners are open.
func (p *process) findAddresses() {
	p.t.Helper()
	p.gateway = p.logged(`msg=Serving address=(\S+)`)
	p.admin = p.logged(`name=admin addr=(\S+)`)
}

// logged waits until the log matches, and returns the first group.
func (p *process) logged(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	p.wait("the log to say "+pattern, func() bool {
		found = re.FindStringSubmatch(p.log.String())
		return found != nil
	})
	return found[len(found)-1]
}

func (p *process) wait(what string, cond func() bool) {
	p.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case err := <-p.ended:
			p.ended <- err
			p.t.Fatalf("waiting for %s: the process ended with %v:\n%s", what, err, p.log)
		case <-deadline:
			p.t.Fatalf("waited in vain for %s:\n%s", what, p.log)
		}
	}
}

// edit writes files, or removes those without a text, and waits until the log
// has one more line with the words.
func (p *process) edit(words string, files map[string]string) {
	p.t.Helper()
	before := strings.Count(p.log.String(), words)
	for name, text := range files {
		if text == "" {
			if err := os.Remove(name); err != nil {
				p.t.Fatal(err)
			}
			delete(files, name)
		}
	}
	writeFiles(p.t, files)
	p.wait("the edit to be seen", func() bool { return strings.Count(p.log.String(), words) > before })
}

// The words of the log that edits are waited for with.
const (
	applied = "Applied a configuration"
	broken  = "The configuration is broken"
)

// answer is what a client got.
type answer struct {
	status        int
	backend, code string
	body          string
}

// chat asks for one answer of the model m.
func (p *process) chat(client *http.Client) (answer, error) {
	response, err := client.Post("http://"+p.gateway+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{
		response.StatusCode, response.Header.Get("x-switchgear-backend"), response.Header.Get("x-switchgear-error"), string(body),
	}, err
}

// mustChat is chat where no answer at all is a failure.
func (p *process) mustChat() answer {
	p.t.Helper()
	a, err := p.chat(http.DefaultClient)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// get asks the admin listener.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	response, err := http.Get("http://" + p.admin + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
