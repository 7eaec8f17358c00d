package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAProvidersErrorIsToldInTheCallersDialect with its text, its status and
// what an SDK looks at.
func TestAProvidersErrorIsToldInTheCallersDialect(t *testing.T) {
	type fault = providersim.Fault
	for _, tc := range []struct {
		direction direction
		fault     fault
		status    int
		want      string
		class     string
	}{
		{chatToAnthropic, fault{Status: 400, Message: "bad tool"}, 400,
			`{"error":{"message":"bad tool","type":"invalid_request_error","param":null,"code":null}}`, "Rejected"},
		{chatToAnthropic, fault{Status: 400, Message: "prompt is too long: 9 tokens > 8 maximum"}, 400,
			`{"error":{"message":"prompt is too long: 9 tokens > 8 maximum","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}`, "ContextLengthExceeded"},
		{chatToAnthropic, fault{Status: 404, Message: "model: x"}, 404,
			`{"error":{"message":"model: x","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, "ModelUnavailable"},
		{chatToAnthropic, fault{Status: 429, RetryAfter: "7", Message: "slow down"}, 429,
			`{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`, "RateLimited"},
		{chatToAnthropic, fault{Status: 529, Message: "Overloaded"}, 503,
			`{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded_error"}}`, "ServerError"},
		{chatToAnthropic, fault{Status: 500, ContentType: "text/html", Body: "<h1>no</h1>"}, 500,
			`{"error":{"message":"the provider gave no reason","type":"server_error","param":null,"code":null}}`, "ServerError"},
		{chatToAnthropic, fault{Kind: providersim.ErrorBody, ErrorType: "overloaded_error", Message: "Overloaded"}, 503,
			`{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded_error"}}`, "ServerError"},
		{messagesToOpenAI, fault{Status: 400, Message: "bad tool"}, 400,
			`{"type":"error","error":{"type":"invalid_request_error","message":"bad tool"}}`, "Rejected"},
		{messagesToOpenAI, fault{Status: 400, ErrorCode: "context_length_exceeded", Message: "8 at most"}, 400,
			`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 8 at most"}}`, "ContextLengthExceeded"},
		{messagesToOpenAI, fault{Status: 429, RetryAfter: "7", Message: "slow down"}, 429,
			`{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, "RateLimited"},
		{messagesToOpenAI, fault{Status: 503, Message: "busy"}, 503,
			`{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`, "ServerError"},
		{messagesToOpenAI, fault{Kind: providersim.ErrorBody, ErrorType: "server_error", Message: "oh"}, 502,
			`{"type":"error","error":{"type":"api_error","message":"oh"}}`, "ServerError"},
	} {
		for _, e := range []streamEndpoint{tc.direction.whole, tc.direction.stream} {
			t.Run(fmt.Sprintf("%s/%d %s%s/%s", tc.direction.name, tc.fault.Status, tc.fault.Kind, tc.fault.Message, e.name), func(t *testing.T) {
				t.Parallel()
				r, sim := translatedRig(t, tc.direction, nil)
				sim.SetFault(tc.fault)
				got := r.post(e)
				if got.status != tc.status {
					t.Errorf("status %d, want %d", got.status, tc.status)
				}
				wantJSON(t, "the error", got.body, tc.want)
				got.wantHeaders(t, map[string]string{
					"Content-Type": "application/json", "Content-Length": fmt.Sprint(len(got.body)), "Retry-After": tc.fault.RetryAfter, "X-Switchgear-Error": "",
				})
				if n := r.counts("switchgear_requests_total", "class")[tc.class]; n != 1 {
					t.Errorf("classes %v, want %s", r.counts("switchgear_requests_total", "class"), tc.class)
				}
				r.wantIdle()
			})
		}
	}
}

// TestTheGatewaysErrorsOfATranslatedCall are its own, and tell nothing of the
// provider's.
func TestTheGatewaysErrorsOfATranslatedCall(t *testing.T) {
	for _, d := range directions {
		for _, tc := range []struct {
			fault  providersim.Fault
			status int
			code   string
		}{
			{providersim.Fault{Status: 401, Message: "key sk-own"}, 502, "upstream_credential_rejected"},
			{providersim.Fault{Status: 402, Message: "key sk-own"}, 503, "upstream_quota_exhausted"},
			{providersim.Fault{Kind: providersim.Close}, 502, "upstream_unavailable"},
			{providersim.Fault{Kind: providersim.NotJSON}, 502, "upstream_unavailable"},
			// An answer of the caller's dialect is none of the provider's.
			{providersim.Fault{Status: 200, Body: map[gateway.Dialect]string{gateway.Anthropic: `{"choices":[]}`, gateway.OpenAI: `{"content":[]}`}[d.backend]}, 502, "upstream_unavailable"},
		} {
			t.Run(d.name+"/"+tc.code, func(t *testing.T) {
				t.Parallel()
				r, sim := translatedRig(t, d, func(_ *gateway.Options, b *gateway.Backend) { ownKey(b) })
				sim.SetFault(tc.fault)
				got := r.post(d.whole)
				got.wantOwn(t, d.whole, tc.status, tc.code)
				if strings.Contains(got.body, "sk-own") {
					t.Errorf("the client is told %s", got.body)
				}
			})
		}
	}
}

// TestAnErrorInATranslatedStream ends it with one of the caller's dialect.
func TestAnErrorInATranslatedStream(t *testing.T) {
	for _, d := range directions {
		for _, b := range breaks {
			t.Run(d.name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				fault := b.fault
				fault.Message = "told by the provider"
				sim.SetFault(fault)
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverNothing)(s)
					speaking(d.backend)(s)
				}, sim.URL)
				a := r.open(d.stream.path, d.stream.body)
				a.wantHeaders(http.StatusOK, "b0", 1)
				events := withoutComments(split(a.whole()))
				last := events[len(events)-1]
				checkErrorEvent(t, d.stream, last, "", len(events)-1)
				if provider := fault.Kind == providersim.ErrorEvent; provider != strings.Contains(last, "told by the provider") {
					t.Errorf("the client was told %s", last)
				}
				if before := strings.Join(events[:len(events)-1], ""); !strings.Contains(before, "word1") || strings.Contains(before, "message_stop") {
					t.Errorf("before the error came %q", before)
				}
				r.wantIdle()
			})
		}
	}
}
