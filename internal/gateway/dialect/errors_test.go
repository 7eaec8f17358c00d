package dialect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseError(t *testing.T) {
	for body, want := range map[string]Error{
		`{"error":{"type":"a","code":"b","message":"c"}}`:                   {"a", "b", "c"},
		`{"type":"error","error":{"type":"overloaded_error","message":""}}`: {Type: "overloaded_error"},
		`{"error":"flat"}`: {Message: "flat"},
	} {
		if got, ok := ParseError([]byte(body)); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", body, got, ok, want)
		}
	}
	for _, body := range []string{`{}`, `<html>`, ``, `{"error":null}`, `{"error":false}`, `{"error":""}`, `{"error":{}}`, `{"error":{"message":"x"}`} {
		if got, ok := ParseError([]byte(body)); ok {
			t.Errorf("%s: read an error %+v", body, got)
		}
	}
}

// decode reads JSON as a client would, refusing what no client knows.
func decode(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

func TestErrorBody(t *testing.T) {
	for _, tc := range []struct {
		name        string
		dialect     Dialect
		status      int
		code, param string
		want        map[string]any
	}{
		{"OpenAI, the client's fault", OpenAI, http.StatusNotFound, "model_not_found", "model",
			map[string]any{"error": map[string]any{"message": "m", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}}},
		{"OpenAI, not the client's fault", OpenAI, http.StatusServiceUnavailable, "circuit_open", "",
			map[string]any{"error": map[string]any{"message": "m", "type": "server_error", "param": nil, "code": "circuit_open"}}},
		{"OpenAI without a code", OpenAI, http.StatusBadGateway, "", "",
			map[string]any{"error": map[string]any{"message": "m", "type": "server_error", "param": nil, "code": nil}}},
		{"a path route", HTTP, http.StatusGatewayTimeout, "upstream_timeout", "",
			map[string]any{"error": map[string]any{"message": "m", "type": "server_error", "param": nil, "code": "upstream_timeout"}}},
		{"Anthropic", Anthropic, http.StatusServiceUnavailable, "circuit_open", "",
			map[string]any{"type": "error", "error": map[string]any{"type": "overloaded_error", "message": "m"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decode(t, ErrorBody(tc.dialect, tc.status, tc.code, "m", tc.param))
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnthropicErrorTypesFollowTheStatus(t *testing.T) {
	for status, want := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
		405: "invalid_request_error", 408: "invalid_request_error", 413: "request_too_large", 429: "rate_limit_error",
		500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error",
	} {
		body := decode(t, ErrorBody(Anthropic, status, "c", "m", ""))
		if got := body["error"].(map[string]any)["type"]; got != want {
			t.Errorf("status %d: type %v, want %s", status, got, want)
		}
	}
}

func TestRelayedErrorBodyHasTheProvidersText(t *testing.T) {
	for _, tc := range []struct {
		name    string
		dialect Dialect
		status  int
		told    Error
		want    map[string]any
	}{
		{"OpenAI", OpenAI, 502, Error{"server_error", "c", "m"},
			map[string]any{"error": map[string]any{"message": "m", "type": "server_error", "param": nil, "code": "c"}}},
		{"OpenAI, a mere text", OpenAI, 502, Error{Message: "m"},
			map[string]any{"error": map[string]any{"message": "m", "type": "server_error", "param": nil, "code": nil}}},
		{"OpenAI, of responses", OpenAI, 429, Error{Code: "rate_limit_exceeded", Message: "m"},
			map[string]any{"error": map[string]any{"message": "m", "type": "rate_limit_error", "param": nil, "code": "rate_limit_exceeded"}}},
		{"Anthropic", Anthropic, 503, Error{Type: "overloaded_error", Message: "m"},
			map[string]any{"type": "error", "error": map[string]any{"type": "overloaded_error", "message": "m"}}},
		{"Anthropic, a mere text", Anthropic, 502, Error{Message: "m"},
			map[string]any{"type": "error", "error": map[string]any{"type": "api_error", "message": "m"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decode(t, RelayedErrorBody(tc.dialect, tc.status, tc.told))
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestErrorEvent(t *testing.T) {
	openAI := map[string]any{"message": "m\n\nm", "type": "server_error", "param": nil, "code": "c"}
	for endpoint, want := range map[string]struct {
		name string
		data map[string]any
	}{
		"/chat/completions": {"", map[string]any{"error": openAI}},
		"/completions":      {"", map[string]any{"error": openAI}},
		"/messages":         {"error", map[string]any{"type": "error", "error": map[string]any{"type": "timeout_error", "message": "m\n\nm"}}},
		"/responses": {"error", map[string]any{"type": "error", "sequence_number": 7.0, "code": "c", "message": "m\n\nm",
			"param": nil, "error": openAI}},
	} {
		t.Run(endpoint, func(t *testing.T) {
			e := Lookup(endpoint)
			event := ErrorEvent(e, 7, http.StatusGatewayTimeout, "c", "m\n\nm")
			if n := bytes.Count(event, []byte("\n\n")); n != 1 || !bytes.HasSuffix(event, []byte("\n\n")) {
				t.Fatalf("not one whole event: %q", event)
			}
			lines := strings.Split(strings.TrimSpace(string(event)), "\n")
			name := ""
			if len(lines) == 2 {
				name = strings.TrimPrefix(lines[0], "event: ")
			}
			data, ok := strings.CutPrefix(lines[len(lines)-1], "data: ")
			if !ok || name != want.name {
				t.Fatalf("event %q, want the name %q and data", event, want.name)
			}
			if d := cmp.Diff(want.data, decode(t, []byte(data))); d != "" {
				t.Error(d)
			}
			if m := e.NewJudge(Request{}).Event([]byte(name), []byte(data)); !m.Has(Failed) {
				t.Errorf("the judge of another gateway gives it marks %b, want failed", m)
			}
		})
	}
}

func TestReadAnswer(t *testing.T) {
	for _, tc := range []struct {
		name, endpoint, body string
		told                 Error
		isError, isAnswer    bool
	}{
		{"chat", "/chat/completions", `{"choices":[{}]}`, Error{}, false, true},
		{"responses, with the error that it always has", "/responses", `{"error":null,"output":[]}`, Error{}, false, true},
		{"responses, failed", "/responses", `{"status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`, Error{"", "server_error", "m"}, true, true},
		{"messages", "/messages", `{"type":"message","content":[]}`, Error{}, false, true},
		{"embeddings", "/embeddings", `{"data":[]}`, Error{}, false, true},
		{"a transcription", "/audio/transcriptions", `{"text":"Hi","":[]}`, Error{}, false, true},
		{"a transcription that is no JSON", "/audio/transcriptions", "Hi\n", Error{}, false, true},
		{"an error for a transcription", "/audio/transcriptions", `{"error":{"message":"m"}}`, Error{Message: "m"}, true, true},
		{"an error body", "/messages", `{"type":"error","error":{"type":"overloaded_error","message":"m"}}`, Error{"overloaded_error", "", "m"}, true, false},
		{"a text as error", "/chat/completions", `{"error":"m"}`, Error{Message: "m"}, true, false},
		{"errors that say nothing", "/chat/completions", `{"error":{},"choices":[]}`, Error{}, false, true},
		{"false is no error", "/chat/completions", `{"error":false,"choices":[]}`, Error{}, false, true},
		{"of another endpoint", "/chat/completions", `{"output":[]}`, Error{}, false, false},
		{"choices that are no list", "/chat/completions", `{"choices":{}}`, Error{}, false, false},
		{"a list", "/chat/completions", `[{"choices":[]}]`, Error{}, false, false},
		{"cut", "/chat/completions", `{"choices":[]`, Error{}, false, false},
		{"a page", "/chat/completions", `<html>`, Error{}, false, false},
		{"nothing", "/chat/completions", ``, Error{}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			told, _, isError, isAnswer := Lookup(tc.endpoint).ReadAnswer([]byte(tc.body))
			if told != tc.told || isError != tc.isError || isAnswer != tc.isAnswer {
				t.Errorf("%+v, error %v, answer %v; want %+v, %v, %v", told, isError, isAnswer, tc.told, tc.isError, tc.isAnswer)
			}
		})
	}
}
