package providersim_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

func unzip(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// streams are the streamed endpoints, with what their last event contains and
// what their finish does.
var streams = []struct{ path, body, last, finish string }{
	{chatPath, chatStream, "[DONE]", `"finish_reason":"stop"`},
	{"/v1/completions", `{"model":"m","stream":true}`, "[DONE]", `"finish_reason":"stop"`},
	{messagePath, messageSSE, "message_stop", `"stop_reason":"end_turn"`},
	{responsePath, responseSSE, "response.completed", "response.output_text.done"},
}

func TestStreamsBreakInEveryDialect(t *testing.T) {
	const all, two, none = "sim: word1 word2 word3", "sim: word1", ""
	for _, c := range []struct {
		name         string
		fault        providersim.Fault
		text         string
		finish, last bool
		check        func(t *testing.T, r result)
	}{
		{"cut after two", providersim.Fault{Kind: providersim.Cut, AfterTokens: 2}, two, false, false, fails(io.ErrUnexpectedEOF)},
		{"cut before output", providersim.Fault{Kind: providersim.Cut}, none, false, false, fails(io.ErrUnexpectedEOF)},
		{"reset after two", providersim.Fault{Kind: providersim.Reset, AfterTokens: 2}, two, false, false, fails(syscall.ECONNRESET)},
		{"malformed after two", providersim.Fault{Kind: providersim.Malformed, AfterTokens: 2}, all, true, true, broken(1)},
		{"malformed thrice", providersim.Fault{Kind: providersim.Malformed, Events: 3}, all, true, true, broken(3)},
		{"missing end", providersim.Fault{Kind: providersim.MissingEnd}, all, false, false, broken(0)},
		{"missing end after two", providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: 2}, two, false, false, broken(0)},
		{"missing done", providersim.Fault{Kind: providersim.MissingDone}, all, true, false, broken(0)},
		{"error event after two", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 2, ErrorType: "overloaded_error"}, two, false, false, ends("overloaded_error")},
		{"error event before output", providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "rate_limit_error"}, none, false, false, ends("rate_limit_error")},
		{"error event first of all", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: -1, ErrorType: "api_error"}, none, false, false, alone("api_error")},
		{"empty", providersim.Fault{Kind: providersim.EmptyStream}, none, false, false, empty},
		{"beyond the end", providersim.Fault{Kind: providersim.Cut, AfterTokens: 99}, all, false, false, fails(io.ErrUnexpectedEOF)},
	} {
		for _, st := range streams {
			t.Run(c.name+" "+st.path, func(t *testing.T) {
				s := providersim.Start(t, providersim.Options{Tokens: 4})
				s.SetFault(c.fault)
				got := post(t, s, st.path, st.body)
				if got.status != 200 || output(got.body) != c.text {
					t.Errorf("got %d %q: %s", got.status, output(got.body), got.body)
				}
				if strings.Contains(got.body, st.finish) != c.finish || strings.Contains(got.body, st.last) != c.last {
					t.Errorf("want finish %t, last %t: %s", c.finish, c.last, got.body)
				}
				c.check(t, got)
				if r := s.Requests()[0]; r.Fault != string(c.fault.Kind) {
					t.Errorf("logged as %q", r.Fault)
				}
			})
		}
	}
}

func fails(want error) func(*testing.T, result) {
	return func(t *testing.T, r result) {
		if !errors.Is(r.err, want) {
			t.Errorf("ended with %v, want %v", r.err, want)
		}
	}
}

// broken wants a clean end and n events that do not parse.
func broken(n int) func(*testing.T, result) {
	return func(t *testing.T, r result) {
		bad := 0
		for _, e := range events(r.body) {
			if e.data != "[DONE]" && !gjson.Valid(e.data) {
				bad++
			}
		}
		if bad != n || r.err != nil {
			t.Errorf("%d broken events, want %d; %v", bad, n, r.err)
		}
	}
}

// ends wants a clean end with an error event last.
func ends(kind string) func(*testing.T, result) {
	return func(t *testing.T, r result) {
		ev := events(r.body)
		if r.err != nil || len(ev) == 0 || !strings.Contains(ev[len(ev)-1].data, kind) || !gjson.Valid(ev[len(ev)-1].data) {
			t.Errorf("%v, events %v", r.err, ev)
		}
	}
}

func alone(kind string) func(*testing.T, result) {
	return func(t *testing.T, r result) {
		ends(kind)(t, r)
		if n := len(events(r.body)); n != 1 {
			t.Errorf("%d events", n)
		}
	}
}

func empty(t *testing.T, r result) {
	if r.body != "" || r.err != nil || !strings.HasPrefix(r.header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("got %+v", r)
	}
}

// open starts a stream and reads it up to and with the first line that contains
// upTo.
func open(ctx context.Context, t *testing.T, s *providersim.Server, path, body, upTo string) (*http.Response, *bufio.Reader) {
	t.Helper()
	resp, err := s.Client().Do(request(t, ctx, s, http.MethodPost, path, body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	readTo(t, lines, upTo)
	return resp, lines
}

func readTo(t *testing.T, lines *bufio.Reader, upTo string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("before %q: %v", upTo, err)
		}
		if strings.Contains(line, upTo) {
			return
		}
	}
}
