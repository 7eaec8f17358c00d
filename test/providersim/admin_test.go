package providersim_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

func admin(t *testing.T, s *providersim.Server, method, path, body string) result {
	t.Helper()
	return do(s.Client(), request(t, t.Context(), s, method, path, body))
}

func TestFaultsAreSwitchedOverHTTP(t *testing.T) {
	s := providersim.Start(t, providersim.Options{APIKey: "not needed here"})
	put := `{"kind":"status","requests":3,"status":429,"retryAfter":"2","headerDelay":"1ms","firstTokenDelay":"1m30s"}`
	want := providersim.Fault{
		Kind: providersim.Status, Requests: 3, Status: 429, RetryAfter: "2", HeaderDelay: time.Millisecond, FirstTokenDelay: 90 * time.Second,
	}
	if got := admin(t, s, "PUT", "/_sim/fault", put); got.status != 200 {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff([]providersim.Fault{want}, s.Faults()); diff != "" {
		t.Error(diff)
	}
	var back []providersim.Fault
	got := admin(t, s, "GET", "/_sim/fault", "")
	if err := json.Unmarshal([]byte(got.body), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]providersim.Fault{want}, back); diff != "" {
		t.Error(diff)
	}
	if got := admin(t, s, "PUT", "/_sim/fault", `[{"status":500,"requests":1},{"kind":"hang"}]`); got.status != 200 || len(s.Faults()) != 2 {
		t.Errorf("got %+v, %v", got, s.Faults())
	}
	if got := admin(t, s, "DELETE", "/_sim/fault", ""); got.status != 204 || len(s.Faults()) != 0 {
		t.Errorf("got %+v, %v", got, s.Faults())
	}
	if got := admin(t, s, "GET", "/_sim/fault", ""); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("healed: %s", got.body)
	}
	if s.Count() != 0 {
		t.Errorf("%d admin requests in the log", s.Count())
	}
}

func TestBadFaultsAreToldWhatWouldBeRight(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.Hang})
	for _, c := range []struct{ body, want string }{
		{``, `not JSON (EOF): want a fault such as {"kind":"status","status":503}`},
		{`{"kind":`, `not JSON (unexpected EOF): want a fault such as {"kind":"status","status":503}`},
		{`"hang"`, `want a fault as a JSON object`},
		{`{"kind":"hang"} x`, `want one fault, or a list of them, and nothing after it`},
		{`{"kind":"hangs"}`, `kind: "hangs" is none of status, reset, close, hang,`},
		{`{"after":1}`, `unknown field "after": a fault has kind, name, requests,`},
		{`[{"kind":"hang"},{"after":1}]`, `unknown field "after"`},
		{`{"status":"503"}`, `status: want a whole number, got a string`},
		{`{"status":5030}`, `status: want 200 to 599, got 5030`},
		{`{"kind":"status"}`, `status: want 200 to 599, got 0`},
		{`{"kind":"hang","status":503}`, `status: kind "hang" sends none of its own`},
		{`{"headerDelay":2}`, `headerDelay: want a duration as a string, such as "2s" or "250ms", got 2`},
		{`{"tokenDelay":"soon"}`, `tokenDelay: want a duration as a string`},
		{`{"tokenDelay":"-1s"}`, `tokenDelay: want a duration that is not negative, got -1s`},
		{`{"kind":"redirect"}`, `location: a redirect needs one`},
		{`{"kind":"redirect","location":"/","status":304}`, `status: a redirect's is one of [301 302 303 307 308], got 304`},
		{`{"kind":"early-answer","model":"m"}`, `model: early-answer answers before it knows the model`},
		{`{"kind":"cut","afterTokens":-2}`, `afterTokens: want -1 or more, got -2`},
		{`{"kind":"cut","requests":-2}`, `requests: want 0 (all) or more, got -2`},
		{`{"kind":"malformed","events":-2}`, `events: want 0 (means 1) or more, got -2`},
		{`{"keepAlive":"pong"}`, `keepAlive: "pong" is neither "comment" nor "ping"`},
	} {
		t.Run(c.body, func(t *testing.T) {
			got := admin(t, s, "PUT", "/_sim/fault", c.body)
			if message := gjson.Get(got.body, "error").String(); got.status != 400 || !strings.Contains(message, c.want) {
				t.Errorf("got %d %s", got.status, message)
			}
			if len(s.Faults()) != 1 || s.Faults()[0].Kind != providersim.Hang {
				t.Errorf("the faults became %+v", s.Faults())
			}
		})
	}
}

func TestRequestsAreReadOverHTTP(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	post(t, s, chatPath, chatBody)
	post(t, s, messagePath, messageBody)
	s.WaitRunning(0)
	got := admin(t, s, "GET", "/_sim/requests", "")
	for path, want := range map[string]string{
		"count": "2", "running": "0", "maxRunning": "1", "requests.#": "2",
		"requests.0.path": chatPath, "requests.0.body": chatBody, "requests.1.model": "claude-x", "requests.1.finished": "true",
	} {
		if v := gjson.Get(got.body, path).String(); v != want {
			t.Errorf("%s is %q, want %q", path, v, want)
		}
	}
	if v := gjson.Get(admin(t, s, "GET", "/_sim/requests?last=1", "").body, "requests.#.path").String(); v != `["`+messagePath+`"]` {
		t.Errorf("the last: %s", v)
	}
	if got := admin(t, s, "GET", "/_sim/requests?last=x", ""); got.status != 400 {
		t.Errorf("got %+v", got)
	}
	if got := admin(t, s, "DELETE", "/_sim/requests", ""); got.status != 204 || s.Count() != 0 {
		t.Errorf("got %+v", got)
	}
	if got := admin(t, s, "POST", "/_sim/faults", ""); got.status != 404 || !strings.Contains(got.body, "GET and DELETE /_sim/requests") {
		t.Errorf("got %+v", got)
	}
}
