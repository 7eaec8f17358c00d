package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// httpClient follows no redirects and keeps no connection for later, so that
// each request finds the listener as it is.
var httpClient = &http.Client{
	Timeout:       20 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is what a client got.
type answer struct {
	status        int
	backend, code string
	header        http.Header
	body          string
}

// String is who answered with what.
func (a answer) String() string { return fmt.Sprintf("%d %s%s", a.status, a.backend, a.code) }

// ask sends a chat completion to the place's gateway.
func (p *place) ask(model string) answer {
	p.t.Helper()
	a, err := send(p.request(model, false))
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// asks is ask, n times.
func (p *place) asks(n int, model string) []answer {
	p.t.Helper()
	out := make([]answer, n)
	for i := range out {
		out[i] = p.ask(model)
	}
	return out
}

func (p *place) request(model string, stream bool) *http.Request {
	p.t.Helper()
	body := fmt.Sprintf(`{"model": %q, "stream": %t, "messages": [{"role": "user", "content": "Hello"}]}`, model, stream)
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.op.GatewayURL+"/ns/"+p.ns+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// send sends a request and reads the whole answer.
func send(r *http.Request) (answer, error) { return sendWith(httpClient, r) }

func sendWith(c *http.Client, r *http.Request) (answer, error) {
	resp, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	a := answer{status: resp.StatusCode, code: resp.Header.Get("X-Switchgear-Error"), header: resp.Header, body: string(body)}
	if a.code == "" {
		a.backend = resp.Header.Get("X-Switchgear-Backend")
	}
	return a, nil
}

// wantAnswers compares answers by who answered with what.
func (p *place) wantAnswers(got []answer, want string) {
	p.t.Helper()
	for i, a := range got {
		if a.String() != want {
			p.t.Fatalf("answer %d of %d is %s, want %s: %s", i+1, len(got), a, want, a.body)
		}
	}
}

// fetch GETs a URL.
func fetch(t *testing.T, url string) (answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(r)
}
