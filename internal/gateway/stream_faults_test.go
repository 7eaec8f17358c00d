package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/test/providersim"
)

// shortly is a limit that a test waits for.
const shortly = 300 * time.Millisecond

// faultRig is a rig in front of one provider with a fault, which may let clients
// wait so long for the first output, and for each event after that.
func faultRig(t *testing.T, f providersim.Fault, first, idle time.Duration) (*streamRig, *providersim.Server) {
	t.Helper()
	sim := providersim.Start(t, providersim.Options{})
	r := newStreamRig(t, func(s *streamSetup) {
		s.Timeout = first
		s.Policy.Timeouts.FirstToken = first
		s.Policy.Timeouts.StreamIdle = idle
	}, sim.URL)
	sim.SetFault(f)
	return r, sim
}

// limitFor is a limit that is met only where that is wanted.
func limitFor(code string) time.Duration {
	if code == "upstream_timeout" {
		return shortly
	}
	return patiently
}

// TestFaultsBeforeTheFirstOutputBecomeErrors: whatever the provider does before
// it has given anything, the client gets one answer with a status, in its
// dialect.
func TestFaultsBeforeTheFirstOutputBecomeErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fault  providersim.Fault
		status int
		code   string // of the gateway's own; empty: the answer is the provider's
		class  string
		result string
	}{
		{"status 500", providersim.Fault{Status: 500}, 500, "", "ServerError", "Failure"},
		{"status 429", providersim.Fault{Status: 429, RetryAfter: "1"}, 429, "", "RateLimited", "Failure"},
		{"status 400", providersim.Fault{Status: 400}, 400, "", "Rejected", "Ignored"},
		{"reset", providersim.Fault{Kind: providersim.Reset}, 502, "upstream_unavailable", "ConnectionError", "Failure"},
		{"closed", providersim.Fault{Kind: providersim.Close}, 502, "upstream_unavailable", "ConnectionError", "Failure"},
		{"hanging", providersim.Fault{Kind: providersim.Hang}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"late headers", providersim.Fault{HeaderDelay: time.Minute}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"late first token", providersim.Fault{FirstTokenDelay: time.Minute}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"comments only", providersim.Fault{FirstTokenDelay: time.Minute, KeepAlive: providersim.KeepAliveComment}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"pings only", providersim.Fault{FirstTokenDelay: time.Minute, KeepAlive: providersim.KeepAlivePing}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"stalled", providersim.Fault{Kind: providersim.Stall}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"stalled before any event", providersim.Fault{Kind: providersim.Stall, AfterTokens: -1}, 504, "upstream_timeout", "Timeout", "Failure"},
		{"cut", providersim.Fault{Kind: providersim.Cut}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"cut before any event", providersim.Fault{Kind: providersim.Cut, AfterTokens: -1}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"ended before any event", providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: -1}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"empty", providersim.Fault{Kind: providersim.EmptyStream}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"malformed twice", providersim.Fault{Kind: providersim.Malformed, Events: 2}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"compressed", providersim.Fault{Kind: providersim.Gzip}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"a page", providersim.Fault{Kind: providersim.NotJSON}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"an answer that is no stream", providersim.Fault{Status: 200, Body: `{"choices":[],"output":[],"content":[]}`}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"a redirect", providersim.Fault{Kind: providersim.Redirect, Location: "http://127.0.0.1:1/"}, 502, "upstream_unavailable", "InvalidResponse", "Failure"},
		{"an error event", providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "api_error"}, 502, "", "ServerError", "Failure"},
		{"an error event before any other", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: -1, ErrorType: "server_error"}, 502, "", "ServerError", "Failure"},
		{"an error body", providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "overloaded_error"}, 503, "", "ServerError", "Failure"},
		{"rate limited in the stream", providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "rate_limit_error"}, 429, "", "RateLimited", "Failure"},
		{"too long a prompt in the stream", providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "invalid_request_error", Message: "prompt is too long"}, 502, "", "ContextLengthExceeded", "Ignored"},
	} {
		for _, e := range streamEndpoints {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r, _ := faultRig(t, tc.fault, limitFor(tc.code), patiently)
				a := r.open(e.path, e.body)
				body := a.whole()
				if a.resp.StatusCode != tc.status || a.resp.Header.Get("X-Switchgear-Error") != tc.code {
					t.Errorf("status %d, code %q; want %d, %q: %s", a.resp.StatusCode, a.resp.Header.Get("X-Switchgear-Error"), tc.status, tc.code, body)
				}
				if got := a.resp.Header.Get("X-Switchgear-Backend"); got != "b0" {
					t.Errorf("backend %q", got)
				}
				if a.resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("headers %v", a.resp.Header)
				}
				checkErrorBody(t, e, body, tc.code)
				r.wantEnd(tc.class, tc.result)
			})
		}
	}
}

// checkErrorBody checks that a body is an error in the endpoint's dialect, with
// a code of the gateway's where that has a place.
func checkErrorBody(t *testing.T, e streamEndpoint, body, code string) {
	t.Helper()
	var told struct {
		Type  string
		Error struct {
			Message, Type string
			Code          *string
		}
	}
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	anthropic := e.path == messagesEndpoint.path
	if told.Error.Message == "" || told.Error.Type == "" || (told.Type == "error") != anthropic {
		t.Errorf("not an error of the dialect: %s", body)
	}
	if code != "" && !anthropic && (told.Error.Code == nil || *told.Error.Code != code) {
		t.Errorf("want the code %s: %s", code, body)
	}
}

// TestFaultsAfterTheFirstOutputEndWithAnErrorEvent: never a silent end, never
// [DONE] after an error, never the malformed event.
func TestFaultsAfterTheFirstOutputEndWithAnErrorEvent(t *testing.T) {
	const tokens = 3
	for _, tc := range []struct {
		name  string
		fault providersim.Fault
		code  string // of the gateway's own; empty: the error is the provider's
		class string
	}{
		{"reset", providersim.Fault{Kind: providersim.Reset, AfterTokens: tokens, TokenDelay: 20 * time.Millisecond}, "upstream_unavailable", "StreamError"},
		{"cut", providersim.Fault{Kind: providersim.Cut, AfterTokens: tokens}, "upstream_unavailable", "StreamError"},
		{"cut before the finish", providersim.Fault{Kind: providersim.Cut, AfterTokens: 99}, "upstream_unavailable", "StreamError"},
		{"stalled", providersim.Fault{Kind: providersim.Stall, AfterTokens: tokens}, "upstream_timeout", "StreamError"},
		{"stalled with comments", providersim.Fault{Kind: providersim.Stall, AfterTokens: tokens, KeepAlive: providersim.KeepAliveComment}, "upstream_timeout", "StreamError"},
		{"malformed twice", providersim.Fault{Kind: providersim.Malformed, Events: 2, AfterTokens: tokens}, "upstream_unavailable", "StreamError"},
		{"no end", providersim.Fault{Kind: providersim.MissingEnd}, "upstream_unavailable", "StreamError"},
		{"no end after some tokens", providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: tokens}, "upstream_unavailable", "StreamError"},
		{"an error event", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: tokens, ErrorType: "server_error"}, "", "ServerError"},
		{"rate limited", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: tokens, ErrorType: "rate_limit_error"}, "", "RateLimited"},
	} {
		for _, e := range streamEndpoints {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r, sim := faultRig(t, tc.fault, patiently, limitFor(tc.code))
				sim.Heal()
				healthy := split(direct(t, sim.URL, e))
				sim.SetFault(tc.fault)
				a := r.open(e.path, e.body)
				if a.resp.StatusCode != http.StatusOK {
					t.Fatalf("status %d", a.resp.StatusCode)
				}
				got := withoutComments(split(alike(a.whole())))
				if len(got) < 2 {
					t.Fatalf("events %q, want some of the answer and an error", got)
				}
				passed, last := got[:len(got)-1], got[len(got)-1]
				if len(passed) >= len(healthy) {
					t.Fatalf("%d events, of %d", len(passed), len(healthy))
				}
				if d := cmp.Diff(healthy[:len(passed)], passed); d != "" {
					t.Error(d)
				}
				checkErrorEvent(t, e, last, tc.code, len(passed))
				r.wantEnd(tc.class, "Failure")
			})
		}
	}
}

func withoutComments(events []string) []string {
	var out []string
	for _, e := range events {
		if !strings.HasPrefix(e, ":") {
			out = append(out, e)
		}
	}
	return out
}

// checkErrorEvent checks that an event is an error in the endpoint's dialect,
// after so many others.
func checkErrorEvent(t *testing.T, e streamEndpoint, event, code string, after int) {
	t.Helper()
	name, data, named := strings.Cut(event, "\n")
	if !named || !strings.HasPrefix(name, "event: ") {
		name, data = "", event
	} else if name != "event: error" {
		t.Fatalf("the last event is no error: %q", event)
	}
	data = strings.TrimSuffix(strings.TrimPrefix(data, "data: "), "\n\n")
	var told struct {
		Type, Code, Message string
		SequenceNumber      int `json:"sequence_number"`
		Error               struct{ Type, Code, Message string }
	}
	if err := json.Unmarshal([]byte(data), &told); err != nil {
		t.Fatalf("%v: %q", err, event)
	}
	switch e.name {
	case "chat", "completions":
		if name != "" || told.Error.Message == "" || code != "" && told.Error.Code != code {
			t.Errorf("the last event is %q, want an error %s", event, code)
		}
	case "messages":
		want := map[string]string{"upstream_unavailable": "api_error", "upstream_timeout": "timeout_error", "": told.Error.Type}[code]
		if name == "" || told.Type != "error" || told.Error.Message == "" || told.Error.Type == "" || told.Error.Type != want {
			t.Errorf("the last event is %q, want an error for %s", event, code)
		}
	case "responses":
		if name == "" || told.Type != "error" || told.Message == "" {
			t.Errorf("the last event is %q, want an error", event)
		}
		// A malformed event had a number too.
		if code != "" && (told.Code != code || told.Error.Code != code || told.Error.Message != told.Message || told.SequenceNumber < after) {
			t.Errorf("the last event is %q, want an error %s numbered %d", event, code, after)
		}
	}
}

func TestOneMalformedEventIsLeftOut(t *testing.T) {
	for _, after := range []int{-1, 0, 3, 99} {
		for _, e := range streamEndpoints {
			t.Run(e.name, func(t *testing.T) {
				r, sim := faultRig(t, providersim.Fault{}, patiently, patiently)
				want := direct(t, sim.URL, e)
				sim.SetFault(providersim.Fault{Kind: providersim.Malformed, AfterTokens: after})
				if d := cmp.Diff(want, alike(r.open(e.path, e.body).whole())); d != "" {
					t.Errorf("after %d tokens: %s", after, d)
				}
				r.wantEnd("Success", "Success")
			})
		}
	}
}

func TestTheFinishWithoutTheLastEvent(t *testing.T) {
	for _, e := range streamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			r, sim := faultRig(t, providersim.Fault{}, patiently, patiently)
			healthy := direct(t, sim.URL, e)
			sim.SetFault(providersim.Fault{Kind: providersim.MissingDone})
			got := alike(r.open(e.path, e.body).whole())
			if e.name == "chat" {
				// The finish reason is the end; the mark is the gateway's then.
				if d := cmp.Diff(healthy, got); d != "" {
					t.Error(d)
				}
				r.wantEnd("Success", "Success")
				return
			}
			events, want := split(got), split(healthy)
			last := len(want) - 1
			if len(events) != len(want) || cmp.Diff(want[:last], events[:last]) != "" {
				t.Fatal(cmp.Diff(want, events))
			}
			checkErrorEvent(t, e, events[last], "upstream_unavailable", last)
			r.wantEnd("StreamError", "Failure")
		})
	}
}

// TestMalformedEvents are those whose place decides.
func TestMalformedEvents(t *testing.T) {
	const (
		broken = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"bro\n\n"
		tool   = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]}}]}\n\n"
		oops   = "data: {\"error\":"
	)
	for _, tc := range []struct {
		name, stream, want string
		cut                bool
	}{
		{"two, one after the other", chunk("a") + broken + broken + chatFinish + chatDone, chunk("a"), true},
		{"two, apart", chunk("a") + broken + chunk("b") + broken + chatFinish + chatDone, chunk("a") + chunk("b"), true},
		{"within tool arguments", tool + broken + tool + chatFinish + chatDone, tool, true},
		{"before tool arguments", chunk("a") + broken + tool + chatFinish + chatDone, chunk("a") + tool + chatFinish + chatDone, false},
		{"as the last", chunk("a") + broken, chunk("a"), true},
		{"as the last, unfinished", chunk("a") + broken[:len(broken)-2], chunk("a"), true},
		{"in place of the end mark", chunk("a") + chatFinish + broken, chunk("a") + chatFinish + chatDone, false},
		{"two after the finish", chunk("a") + chatFinish + broken + broken, chunk("a") + chatFinish + chatDone, false},
		{"text", chunk("a") + "data: hello\n\n" + chatFinish + chatDone, chunk("a") + chatFinish + chatDone, false},
		{"data that is empty", chunk("a") + "data:\n\n" + chatFinish + chatDone, chunk("a") + chatFinish + chatDone, false},
		{"too large", chunk("a") + "data: " + block(1<<20) + "\n\n" + chatFinish + chatDone, chunk("a"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newStreamRig(t, nil, script(t, func(s scripted) {
				s.stream()
				s.send(tc.stream)
			}))
			got := r.open(chatEndpoint.path, chatEndpoint.body).whole()
			if !tc.cut {
				if got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				r.wantEnd("Success", "Success")
				return
			}
			end, ok := strings.CutPrefix(got, tc.want)
			if !ok || !strings.HasPrefix(end, oops) || strings.Count(end, "\n\n") != 1 {
				t.Errorf("got %q, want %q and an error", got, tc.want)
			}
			r.wantEnd("StreamError", "Failure")
		})
	}
}

func TestErrorsInTheStreamOfAnOwnCredentialAreNotTold(t *testing.T) {
	// An Anthropic-style stream, since its errors have types for both.
	for class, kind := range map[string]string{"CredentialRejected": "authentication_error", "QuotaExhausted": "billing_error"} {
		for name, start := range map[string]string{"before output": "", "after output": "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"} {
			t.Run(class+" "+name, func(t *testing.T) {
				r := newStreamRig(t, func(s *streamSetup) { s.Key = "sk-secret" }, script(t, func(s scripted) {
					s.stream()
					s.send(start + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"" + kind + "\",\"message\":\"key sk-secret of org-7\"}}\n\n")
				}))
				a := r.open(messagesEndpoint.path, messagesEndpoint.body)
				got := a.whole()
				if strings.Contains(got, "org-7") || strings.Contains(got, "sk-secret") || !strings.HasPrefix(got, start) {
					t.Errorf("the client was told %q", got)
				}
				if start != "" {
					checkErrorEvent(t, messagesEndpoint, strings.TrimPrefix(got, start), "", 1)
				} else if a.resp.StatusCode < 500 {
					t.Errorf("status %d", a.resp.StatusCode)
				}
				outcome := "Failure"
				if class == "QuotaExhausted" {
					outcome = "Throttled"
				}
				r.wantEnd(class, outcome)
			})
		}
	}
}

func TestMuchThatIsNoOutputIsRefused(t *testing.T) {
	r := newStreamRig(t, nil, script(t, func(s scripted) {
		s.stream()
		for range 40 {
			s.send("data: {\"choices\":[],\"x\":\"" + block(30<<10) + "\"}\n\n")
		}
		s.hang()
	}))
	a := r.open(chatEndpoint.path, chatEndpoint.body)
	if body := a.whole(); a.resp.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d: %.300s", a.resp.StatusCode, body)
	}
	r.wantEnd("InvalidResponse", "Failure")
}
