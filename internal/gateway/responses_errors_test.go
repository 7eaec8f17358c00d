package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestErrorsInAStreamOfResponses: the provider's own event reaches a client that
// has output as it is, and nothing after it; one that has none gets a response
// with a status. Either is a failure of its class on the circuit.
func TestErrorsInAStreamOfResponses(t *testing.T) {
	const (
		begun = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"status\":\"in_progress\"}}\n\n"
		text  = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"a\"}\n\n"
	)
	for _, tc := range []struct {
		name, event, class string
		status             int // before any output
	}{
		{"at the top", "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"boom\",\"param\":null,\"sequence_number\":2}\n\n", "ServerError", 502},
		{"inside", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"server_error\",\"code\":\"server_error\",\"message\":\"boom\",\"param\":null},\"sequence_number\":2}\n\n", "ServerError", 502},
		{"of a kind that nobody knows", "event: error\ndata: {\"type\":\"error\",\"code\":\"gremlins\",\"message\":\"boom\",\"param\":null,\"sequence_number\":2}\n\n", "ServerError", 502},
		{"without a name", "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n", "ServerError", 502},
		{"a failed response", "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":2,\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"boom\"}}}\n\n", "ServerError", 502},
		{"a failed response that does not say why", "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":2,\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":null,\"note\":\"boom\"}}\n\n", "ServerError", 502},
		{"too many requests", "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"boom\",\"param\":null,\"sequence_number\":2}\n\n", "RateLimited", 429},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, output := range []string{"", text} {
				r := newStreamRig(t, nil, script(t, func(s scripted) {
					s.stream()
					s.send(begun + output)
					s.send(tc.event + text)
					s.hang()
				}))
				a := r.open(responsesEndpoint.path, responsesEndpoint.body)
				got := a.whole()
				switch {
				case output != "":
					if want := begun + output + tc.event; got != want || a.resp.StatusCode != http.StatusOK {
						t.Errorf("after output, the client got %q, want %q", got, want)
					}
				case a.resp.StatusCode != tc.status || strings.Contains(got, "response.created"):
					t.Errorf("before output, the client got %d %q, want %d", a.resp.StatusCode, got, tc.status)
				}
				r.wantEnd(tc.class, "Failure")
			}
		})
	}
}
