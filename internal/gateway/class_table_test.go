package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// signCase is a sign of a class: what the provider does, and what is made of
// it. An empty code means that the client gets the provider's own words.
type signCase struct {
	name    string
	doors   []streamEndpoint
	fault   providersim.Fault
	class   string
	outcome string // what it means to the circuit
	status  int
	code    string
}

// checkClass plays a case on each of its doors.
func checkClass(t *testing.T, tc signCase, policy func(*gateway.Policy), backend func(*gateway.Backend)) {
	const words = "in the provider's words"
	for _, e := range tc.doors {
		t.Run(tc.name+"/"+e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			f := tc.fault
			if f.Message == "" {
				f.Message = words
			}
			sim.SetFault(f)
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t, policy), backend)...)
			got := r.post(e)
			switch {
			case tc.code != "":
				got.wantOwn(t, e, tc.status, tc.code)
				if strings.Contains(got.body, f.Message) {
					t.Errorf("the client is told %s", got.body)
				}
			case got.status != tc.status || got.header.Get("X-Switchgear-Error") != "":
				t.Errorf("status %d, error %q, want %d of the provider: %s", got.status, got.header.Get("X-Switchgear-Error"), tc.status, got.body)
			case tc.status >= http.StatusBadRequest && f.Body == "":
				checkErrorBody(t, e, got.body, "")
				if !strings.Contains(got.body, f.Message) {
					t.Errorf("the client is told %s, want %q", got.body, f.Message)
				}
			}
			if n := sim.Count(); n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
			r.wantEnd(tc.class, tc.outcome)
		})
	}
}

func unchanged(*gateway.Policy) {}

// noKey calls a backend without a credential, as doorRoutes does anyway.
func noKey(*gateway.Backend) {}

// TestClassesByStatus: a refusal's class is told by its status, and where that
// is not enough by what its body says.
func TestClassesByStatus(t *testing.T) {
	type fault = providersim.Fault
	chat, messages := []streamEndpoint{chatDoor}, []streamEndpoint{messagesDoor}
	path := []streamEndpoint{pathDoor}
	for _, tc := range []signCase{
		{"none at all", doors, fault{}, "Success", "Success", 200, ""},
		{"201", doors, fault{Status: 201, Body: `{"choices":[],"content":[]}`}, "Success", "Success", 201, ""},

		{"500", doors, fault{Status: 500}, "ServerError", "Failure", 500, ""},
		{"503", doors, fault{Status: 503, RetryAfter: "9"}, "ServerError", "Failure", 503, ""},
		{"529", doors, fault{Status: 529}, "ServerError", "Failure", 529, ""},
		{"408", doors, fault{Status: 408}, "ServerError", "Failure", 408, ""},
		{"500 without an error in it", doors, fault{Status: 500, Body: "<html>"}, "ServerError", "Failure", 500, ""},

		{"429", doors, fault{Status: 429}, "RateLimited", "Failure", 429, ""},

		{"402", doors, fault{Status: 402}, "QuotaExhausted", "Throttled", 402, ""},
		{"429 insufficient_quota", chat, fault{Status: 429, ErrorCode: "insufficient_quota"}, "QuotaExhausted", "Throttled", 429, ""},
		{"429 of type insufficient_quota", modelDoors, fault{Status: 429, ErrorType: "insufficient_quota"}, "QuotaExhausted", "Throttled", 429, ""},
		{"403 billing_not_active", chat, fault{Status: 403, ErrorCode: "billing_not_active"}, "QuotaExhausted", "Throttled", 403, ""},
		{"400 billing_hard_limit_reached", chat, fault{Status: 400, ErrorCode: "billing_hard_limit_reached"}, "QuotaExhausted", "Throttled", 400, ""},
		{"400 of type billing_error", messages, fault{Status: 400, ErrorType: "billing_error"}, "QuotaExhausted", "Throttled", 400, ""},
		{"400 low credit", messages, fault{Status: 400, Message: "Your credit balance is too low to access the API."}, "QuotaExhausted", "Throttled", 400, ""},

		{"404", modelDoors, fault{Status: 404}, "ModelUnavailable", "Ignored", 404, ""},
		{"410", modelDoors, fault{Status: 410}, "ModelUnavailable", "Ignored", 410, ""},
		{"404 of a path", path, fault{Status: 404}, "Rejected", "Ignored", 404, ""},

		{"413", modelDoors, fault{Status: 413}, "ContextLengthExceeded", "Ignored", 413, ""},
		{"413 of a path", path, fault{Status: 413}, "Rejected", "Ignored", 413, ""},
		{"400 context_length_exceeded", chat, fault{Status: 400, ErrorCode: "context_length_exceeded"}, "ContextLengthExceeded", "Ignored", 400, ""},
		{"400 prompt is too long", messages, fault{Status: 400, Message: "prompt is too long: 200001 tokens, 200000 is the maximum"}, "ContextLengthExceeded", "Ignored", 400, ""},
		{"400 maximum context length", chat, fault{Status: 400, Message: "This model's maximum context length is 8192 tokens."}, "ContextLengthExceeded", "Ignored", 400, ""},
		{"500 context_length_exceeded", chat, fault{Status: 500, ErrorCode: "context_length_exceeded"}, "ContextLengthExceeded", "Ignored", 500, ""},

		{"400 content_filter", chat, fault{Status: 400, ErrorCode: "content_filter"}, "ContentRefused", "Ignored", 400, ""},
		{"400 content_policy_violation", chat, fault{Status: 400, ErrorCode: "content_policy_violation"}, "ContentRefused", "Ignored", 400, ""},

		{"400", doors, fault{Status: 400}, "Rejected", "Ignored", 400, ""},
		{"409", doors, fault{Status: 409}, "Rejected", "Ignored", 409, ""},
		{"422", doors, fault{Status: 422}, "Rejected", "Ignored", 422, ""},
		{"401 without a credential", doors, fault{Status: 401}, "Rejected", "Ignored", 401, ""},
		{"403 without a credential", doors, fault{Status: 403}, "Rejected", "Ignored", 403, ""},

		{"301", doors, fault{Kind: providersim.Redirect, Status: 301, Location: "/v1/elsewhere"}, "InvalidResponse", "Failure", 502, "upstream_unavailable"},
		{"302", doors, fault{Kind: providersim.Redirect, Location: "/v1/elsewhere"}, "InvalidResponse", "Failure", 502, "upstream_unavailable"},
		{"307", doors, fault{Kind: providersim.Redirect, Status: 307, Location: "/v1/elsewhere"}, "InvalidResponse", "Failure", 502, "upstream_unavailable"},
		{"308", doors, fault{Kind: providersim.Redirect, Status: 308, Location: "/v1/elsewhere"}, "InvalidResponse", "Failure", 502, "upstream_unavailable"},
	} {
		checkClass(t, tc, unchanged, noKey)
	}
}

// TestClassesOfTheOwnCredential: what tells of it is not for the client.
func TestClassesOfTheOwnCredential(t *testing.T) {
	type fault = providersim.Fault
	for _, tc := range []signCase{
		{"401", doors, fault{Status: 401}, "CredentialRejected", "Failure", 502, "upstream_credential_rejected"},
		{"403", doors, fault{Status: 403}, "CredentialRejected", "Failure", 502, "upstream_credential_rejected"},
		{"402", doors, fault{Status: 402}, "QuotaExhausted", "Throttled", 503, "upstream_quota_exhausted"},
		{"429 insufficient_quota", modelDoors, fault{Status: 429, ErrorType: "insufficient_quota"}, "QuotaExhausted", "Throttled", 503, "upstream_quota_exhausted"},
		{"429", doors, fault{Status: 429}, "RateLimited", "Failure", 429, ""},
		{"500", doors, fault{Status: 500}, "ServerError", "Failure", 500, ""},
		{"authentication_error in a 200", modelDoors, fault{Kind: providersim.ErrorBody, ErrorType: "authentication_error"}, "CredentialRejected", "Failure", 502, "upstream_credential_rejected"},
		{"permission_error in a 200", modelDoors, fault{Kind: providersim.ErrorBody, ErrorType: "permission_error"}, "CredentialRejected", "Failure", 502, "upstream_credential_rejected"},
		{"billing_error in a 200", modelDoors, fault{Kind: providersim.ErrorBody, ErrorType: "billing_error"}, "QuotaExhausted", "Throttled", 503, "upstream_quota_exhausted"},
	} {
		checkClass(t, tc, unchanged, ownKey)
	}
}

// TestClassesOfTheClientsCredential: one caller's key trips nobody's circuit,
// whatever the policy says, and its owner is told what is wrong with it.
func TestClassesOfTheClientsCredential(t *testing.T) {
	type fault = providersim.Fault
	cooldown := func(p *gateway.Policy) {
		p.RateLimit = gateway.RateLimitCooldown
		p.Circuit.FailureThreshold = 1
	}
	for _, tc := range []signCase{
		{"401", doors, fault{Status: 401}, "Rejected", "Ignored", 401, ""},
		{"403", doors, fault{Status: 403}, "Rejected", "Ignored", 403, ""},
		{"402", doors, fault{Status: 402}, "QuotaExhausted", "Ignored", 402, ""},
		{"429", doors, fault{Status: 429, RetryAfter: "30"}, "RateLimited", "Ignored", 429, ""},
		{"429 insufficient_quota", modelDoors, fault{Status: 429, ErrorType: "insufficient_quota"}, "QuotaExhausted", "Ignored", 429, ""},
		{"500", doors, fault{Status: 500}, "ServerError", "Failure", 500, ""},
		{"authentication_error in a 200", modelDoors, fault{Kind: providersim.ErrorBody, ErrorType: "authentication_error"}, "Rejected", "Ignored", 502, ""},
		{"rate_limit_error in a 200", modelDoors, fault{Kind: providersim.ErrorBody, ErrorType: "rate_limit_error"}, "RateLimited", "Ignored", 429, ""},
	} {
		checkClass(t, tc, cooldown, passthrough)
	}
}

// TestFailureStatusCodes: the policy says which statuses are failures.
func TestFailureStatusCodes(t *testing.T) {
	type fault = providersim.Fault
	few := func(p *gateway.Policy) {
		var err error
		if p.FailureStatus, err = gateway.ParseStatusSet([]string{"503", "404", "425"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []signCase{
		{"503", doors, fault{Status: 503}, "ServerError", "Failure", 503, ""},
		{"404", doors, fault{Status: 404}, "ServerError", "Failure", 404, ""},
		{"425", doors, fault{Status: 425}, "ServerError", "Failure", 425, ""},
		{"500", doors, fault{Status: 500}, "Rejected", "Ignored", 500, ""},
		{"408", doors, fault{Status: 408}, "Rejected", "Ignored", 408, ""},
		{"410", modelDoors, fault{Status: 410}, "ModelUnavailable", "Ignored", 410, ""},
	} {
		checkClass(t, tc, few, noKey)
	}
}

// TestErrorsInsideA200 become responses of their own, by their type, with the
// provider's text.
func TestErrorsInsideA200(t *testing.T) {
	inside := func(kind string) providersim.Fault {
		return providersim.Fault{Kind: providersim.ErrorBody, ErrorType: kind}
	}
	chat := []streamEndpoint{chatDoor}
	for _, tc := range []signCase{
		{"overloaded_error", modelDoors, inside("overloaded_error"), "ServerError", "Failure", 503, ""},
		{"api_error", modelDoors, inside("api_error"), "ServerError", "Failure", 502, ""},
		{"server_error", modelDoors, inside("server_error"), "ServerError", "Failure", 502, ""},
		{"one that nobody knows", modelDoors, inside("gremlins"), "ServerError", "Failure", 502, ""},
		{"rate_limit_error", modelDoors, inside("rate_limit_error"), "RateLimited", "Failure", 429, ""},
		{"rate_limit_exceeded", chat, providersim.Fault{Kind: providersim.ErrorBody, ErrorCode: "rate_limit_exceeded"}, "RateLimited", "Failure", 429, ""},
		{"insufficient_quota", modelDoors, inside("insufficient_quota"), "QuotaExhausted", "Throttled", 502, ""},
		{"authentication_error without a credential", modelDoors, inside("authentication_error"), "Rejected", "Ignored", 502, ""},
		{"permission_error without a credential", modelDoors, inside("permission_error"), "Rejected", "Ignored", 502, ""},
		{"not_found_error", modelDoors, inside("not_found_error"), "ModelUnavailable", "Ignored", 502, ""},
		{"invalid_request_error", modelDoors, inside("invalid_request_error"), "Rejected", "Ignored", 502, ""},
		{"prompt is too long", modelDoors, providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "invalid_request_error", Message: "prompt is too long"}, "ContextLengthExceeded", "Ignored", 502, ""},
		{"content_filter", chat, providersim.Fault{Kind: providersim.ErrorBody, ErrorCode: "content_filter"}, "ContentRefused", "Ignored", 502, ""},
		{"beside an answer", chat, providersim.Fault{Kind: providersim.ErrorBody, Body: `{"choices":[],"error":{"type":"overloaded_error","message":"in the provider's words"}}`}, "ServerError", "Failure", 503, ""},
	} {
		checkClass(t, tc, unchanged, noKey)
	}
	// A path route's body means nothing to the gateway.
	checkClass(t, signCase{"of a path", []streamEndpoint{pathDoor}, inside("overloaded_error"), "Success", "Success", 200, ""}, unchanged, noKey)
}
