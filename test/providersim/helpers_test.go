package providersim_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

const (
	chatBody     = `{"model":"gpt-x","messages":[{"role":"user","content":"hi"}]}`
	chatStream   = `{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	messageBody  = `{"model":"claude-x","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	messageSSE   = `{"model":"claude-x","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	responseBody = `{"model":"gpt-x","input":"hi"}`
	responseSSE  = `{"model":"gpt-x","stream":true,"input":"hi"}`

	chatPath     = "/v1/chat/completions"
	messagePath  = "/v1/messages"
	responsePath = "/v1/responses"
)

// event is one server-sent event; comments come as name ":".
type event struct{ name, data string }

// result is all that a client saw of one request.
type result struct {
	status int
	header http.Header
	body   string
	// err is the request's or, with a status, the body's.
	err error
}

func request(t *testing.T, ctx context.Context, s *providersim.Server, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

func do(c *http.Client, r *http.Request) result {
	resp, err := c.Do(r)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return result{status: resp.StatusCode, header: resp.Header, body: string(body), err: err}
}

func post(t *testing.T, s *providersim.Server, path, body string) result {
	t.Helper()
	return do(s.Client(), request(t, t.Context(), s, http.MethodPost, path, body))
}

// events splits a stream's body.
func events(body string) []event {
	var out []event
	var e event
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			e.name = name
		} else if data, ok := strings.CutPrefix(line, "data: "); ok {
			e.data = data
		} else if strings.HasPrefix(line, ":") {
			e.name = ":"
		} else if line == "" {
			out = append(out, e)
			e = event{}
		}
	}
	return out
}

// output joins the text of a stream of any dialect.
func output(body string) string {
	var b strings.Builder
	for _, e := range events(body) {
		if !gjson.Valid(e.data) {
			continue
		}
		data := gjson.Parse(e.data)
		b.WriteString(data.Get("choices.0.delta.content").String())
		b.WriteString(data.Get("choices.0.text").String())
		b.WriteString(data.Get("delta.text").String())
		if data.Get("type").String() == "response.output_text.delta" {
			b.WriteString(data.Get("delta").String())
		}
	}
	return b.String()
}

func names(events []event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.name
	}
	return out
}
