package providersim_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestStatusFaultsSpeakTheDialect(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		fault            providersim.Fault
		want             string
	}{
		{"OpenAI 503", chatPath, chatBody, providersim.Fault{Status: 503},
			`{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}`},
		{"OpenAI 429 streamed", chatPath, chatStream, providersim.Fault{Status: 429, RetryAfter: "7"},
			`{"error":{"message":"Rate limit reached.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`},
		{"Anthropic 529", messagePath, messageBody, providersim.Fault{Status: 529},
			`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_sim-1"}`},
		{"own words", chatPath, chatBody, providersim.Fault{Status: 400, ErrorType: "t", ErrorCode: "context_length_exceeded", Message: "m"},
			`{"error":{"message":"m","type":"t","param":null,"code":"context_length_exceeded"}}`},
		{"own body", chatPath, chatBody, providersim.Fault{Status: 502, Body: "bad gateway", ContentType: "text/plain"}, "bad gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := providersim.Start(t, providersim.Options{})
			s.SetFault(c.fault)
			got := post(t, s, c.path, c.body)
			if got.status != c.fault.Status || got.body != c.want || got.header.Get("Retry-After") != c.fault.RetryAfter {
				t.Errorf("got %d %v %s", got.status, got.header, got.body)
			}
		})
	}
}

func TestFaultsInPlaceOfAnAnswer(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "p"})
	for _, body := range []string{chatBody, chatStream} {
		for _, c := range []struct {
			fault       providersim.Fault
			status      int
			contentType string
			want        string
		}{
			{providersim.Fault{Kind: providersim.ErrorBody}, 200, "application/json", `"type":"server_error"`},
			{providersim.Fault{Kind: providersim.NotJSON}, 200, "text/html", "<html>"},
			{providersim.Fault{Kind: providersim.Redirect, Location: "http://127.0.0.1:1/x"}, 302, "text/html", "Moved"},
			{providersim.Fault{Kind: providersim.EarlyAnswer, Status: 413}, 413, "application/json", `"type":"invalid_request_error"`},
			{providersim.Fault{Kind: providersim.Status, Status: 200, Body: "data: x\n\n", ContentType: "text/event-stream"}, 200, "text/event-stream", "data: x"},
			{providersim.Fault{Status: 204}, 204, "application/json", ""},
		} {
			t.Run(string(c.fault.Kind), func(t *testing.T) {
				s.SetFault(c.fault)
				got := post(t, s, chatPath, body)
				if got.status != c.status || got.header.Get("Content-Type") != c.contentType || !strings.Contains(got.body, c.want) || got.err != nil {
					t.Errorf("got %d %v %s %v", got.status, got.header, got.body, got.err)
				}
				if got.header.Get("Location") != c.fault.Location {
					t.Errorf("location %q", got.header.Get("Location"))
				}
			})
		}
	}
}

func TestConnectionFaultsBeforeTheStatusLine(t *testing.T) {
	for _, o := range []providersim.Options{{}, {TLS: true}, {HTTP2: true}} {
		s := providersim.Start(t, o)
		for _, body := range []string{chatBody, chatStream} {
			s.SetFault(providersim.Fault{Kind: providersim.Reset})
			got := post(t, s, chatPath, body)
			if got.status != 0 || got.err == nil || !o.HTTP2 && !errors.Is(got.err, syscall.ECONNRESET) {
				t.Errorf("%+v: reset gave %d, %v", o, got.status, got.err)
			}
			s.SetFault(providersim.Fault{Kind: providersim.Close})
			got = post(t, s, chatPath, body)
			if got.status != 0 || got.err == nil || !o.HTTP2 && !errors.Is(got.err, io.EOF) {
				t.Errorf("%+v: close gave %d, %v", o, got.status, got.err)
			}
		}
	}
}

func TestUnstreamedBodiesBreak(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.Cut})
	if got := post(t, s, chatPath, chatBody); got.status != 200 || !errors.Is(got.err, io.ErrUnexpectedEOF) || got.body == "" {
		t.Errorf("cut: %+v", got)
	}
	s.SetFault(providersim.Fault{Kind: providersim.Reset, AfterTokens: 1})
	if got := post(t, s, chatPath, chatBody); got.status != 200 || !errors.Is(got.err, syscall.ECONNRESET) {
		t.Errorf("reset: %+v", got)
	}
	s.SetFault(providersim.Fault{Kind: providersim.Malformed})
	if got := post(t, s, chatPath, chatBody); got.status != 200 || got.err != nil || gjson.Valid(got.body) {
		t.Errorf("malformed: %+v", got)
	}
	s.SetFault(providersim.Fault{Kind: providersim.EmptyStream})
	if got := post(t, s, chatPath, chatBody); got.status != 200 || got.err != nil || got.body != "" {
		t.Errorf("empty: %+v", got)
	}
	s.SetFault(providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "overloaded_error"})
	if got := post(t, s, messagePath, messageBody); got.status != 200 || gjson.Get(got.body, "error.type").String() != "overloaded_error" {
		t.Errorf("error event: %+v", got)
	}
	s.SetFault(providersim.Fault{Kind: providersim.MissingEnd})
	if got := post(t, s, chatPath, chatBody); gjson.Get(got.body, "choices.0.finish_reason").String() != "stop" {
		t.Errorf("missing end: %+v", got)
	}
	if r := s.Requests(); r[len(r)-1].Fault != "" {
		t.Errorf("an unstreamed request is said to have met %q", r[len(r)-1].Fault)
	}
}

func TestGzipIsSentUnasked(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.Gzip})
	for _, body := range []string{chatBody, chatStream} {
		r := request(t, t.Context(), s, http.MethodPost, chatPath, body)
		r.Header.Set("Accept-Encoding", "identity")
		got := do(s.Client(), r)
		if got.header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(got.body, "\x1f\x8b") || got.err != nil {
			t.Errorf("got %v %q %v", got.header, got.body, got.err)
		}
		if plain := unzip(t, got.body); !strings.Contains(plain, "word7") {
			t.Errorf("unzipped: %s", plain)
		}
	}
}

// endless is a request body that gives its first bytes and then nothing.
type endless struct{ stop <-chan struct{} }

func (e endless) Read([]byte) (int, error) { <-e.stop; return 0, io.EOF }

func TestEarlyAnswerDoesNotWaitForTheBody(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.EarlyAnswer})
	body := io.MultiReader(strings.NewReader(`{"model":`), endless{t.Context().Done()})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+chatPath, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil || resp.StatusCode != 503 {
		t.Fatalf("got %v, %v", resp, err)
	}
	resp.Body.Close()
}
