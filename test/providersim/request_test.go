package providersim_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestWhatIsWrongWithARequestIsSaidInItsDialect(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		kindPath, kind           string
	}{
		{"not JSON", "POST", chatPath, `{`, 400, "error.type", "invalid_request_error"},
		{"no model", "POST", chatPath, `{"messages":[]}`, 400, "error.type", "invalid_request_error"},
		{"no max_tokens", "POST", messagePath, `{"model":"m"}`, 400, "error.type", "invalid_request_error"},
		{"too many choices", "POST", chatPath, `{"model":"m","n":1000}`, 400, "error.type", "invalid_request_error"},
		{"wrong method", "GET", chatPath, ``, 405, "error.type", "invalid_request_error"},
		{"wrong method, Anthropic", "GET", messagePath, ``, 405, "type", "error"},
		{"doubled prefix", "POST", "/v1" + chatPath, chatBody, 404, "error.type", "invalid_request_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := do(s.Client(), request(t, t.Context(), s, c.method, c.path, c.body))
			if v := gjson.Get(got.body, c.kindPath).String(); got.status != c.status || v != c.kind {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	s := providersim.Start(t, providersim.Options{APIKey: "right"})
	for _, c := range []struct {
		path, body, header, value string
		status                    int
	}{
		{chatPath, chatBody, "Authorization", "Bearer right", 200},
		{chatPath, chatBody, "api-key", "right", 200},
		{messagePath, messageBody, "x-api-key", "right", 200},
		{"/http/x", "", "x-api-key", "right", 200},
		{chatPath, chatBody, "Authorization", "Bearer wrong", 401},
		{chatPath, chatBody, "Authorization", "", 401},
		{messagePath, messageBody, "x-api-key", "wrong", 401},
	} {
		t.Run(c.path+" "+c.header+" "+c.value, func(t *testing.T) {
			r := request(t, t.Context(), s, http.MethodPost, c.path, c.body)
			r.Header.Set(c.header, c.value)
			got := do(s.Client(), r)
			if got.status != c.status {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if c.status == 401 && c.path == messagePath && gjson.Get(got.body, "error.type").String() != "authentication_error" {
				t.Errorf("got %s", got.body)
			}
			if c.status == 401 && c.path == chatPath && gjson.Get(got.body, "error.code").String() != "invalid_api_key" {
				t.Errorf("got %s", got.body)
			}
		})
	}
}

func TestPlainHTTPEchoes(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "weather"})
	r := request(t, t.Context(), s, http.MethodPut, "/http/a/b?x=1&x=2", "hello")
	r.Header.Set("X-Mine", "yes")
	var got providersim.Echo
	if err := json.Unmarshal([]byte(do(s.Client(), r).body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Headers.Get("X-Mine") != "yes" {
		t.Errorf("headers %v", got.Headers)
	}
	got.Headers = nil
	want := providersim.Echo{
		Provider: "weather", Method: "PUT", Host: r.URL.Host, Path: "/http/a/b",
		Query: map[string][]string{"x": {"1", "2"}}, Body: "hello",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if streamed := post(t, s, "/http/a?stream=true", ""); len(events(streamed.body)) != 8 {
		t.Errorf("streamed: %s", streamed.body)
	}
}
