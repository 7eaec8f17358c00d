package gateway_test

import (
	"net/http"
	"strings"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// asking is a way to ask for something: an endpoint, streamed or not.
type asking struct {
	name, path, body string
}

// route is the name of the route that it goes to.
func (a asking) route() string {
	switch {
	case strings.HasPrefix(a.path, "/ext/"):
		return "ext"
	case a.path == "/v1/messages":
		return "claude"
	}
	return "gpt"
}

// The ways to ask.
var (
	chatWhole       = asking{"chat", "/v1/chat/completions", `{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}`}
	chatStream      = asking{"chat streamed", "/v1/chat/completions", chatEndpoint.body}
	messagesWhole   = asking{"messages", "/v1/messages", `{"model":"claude","max_tokens":99,"messages":[{"role":"user","content":"Hi"}]}`}
	messagesStream  = asking{"messages streamed", "/v1/messages", messagesEndpoint.body}
	responsesStream = asking{"responses streamed", "/v1/responses", responsesEndpoint.body}
	pathGet         = asking{"path", "/ext/weather?city=Ulm", ""}

	anyModel = []asking{chatWhole, chatStream, messagesWhole, messagesStream}
	whole    = []asking{chatWhole, messagesWhole}
	streamed = []asking{chatStream, messagesStream}
	anything = append([]asking{pathGet}, anyModel...)
)

// classCase is a sign of a class of failures, and what comes of it when the
// first of two backends shows it and the second is well.
type classCase struct {
	sign  string
	fault providersim.Fault
	tune  func(*streamSetup)
	down  bool // the provider is not there
	ways  []asking

	// story is what the first provider sees while another backend is left, alone
	// what it sees if none is, where that differs.
	story, alone string
	// at is when the next backend is asked; empty: it never is.
	at      string
	outcome string // of each call, to the circuit
	// The error that the client gets where nobody else answers.
	status int
	code   string // of the gateway's own; empty: the answer is the provider's
}

// thrice is a backend that is asked as often as may be, at once.
const thrice = "b0@0s b0@500ms b0@1.5s"

// twice and once are less often.
const (
	twice = "b0@0s b0@500ms"
	once  = "b0@0s"
)

// classRows are the rows of the table in docs/failures.md that begin with a call.
var classRows = map[string][]classCase{
	"ServerError": {
		{sign: "status 500", fault: providersim.Fault{Status: 500}, ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 500},
		{sign: "status 529", fault: providersim.Fault{Status: 529}, ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 529},
		{sign: "status 408", fault: providersim.Fault{Status: 408}, ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 408},
		{sign: "a status of failureStatusCodes", fault: providersim.Fault{Status: 418}, tune: failsWith("418"), ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 418},
		{sign: "a compressed 500", fault: providersim.Fault{Status: 500, Header: map[string]string{"Content-Encoding": "gzip"}, Body: "\x1f\x8b"}, ways: anyModel,
			story: thrice, at: "1.5s", outcome: "Failure", status: 500},
		{sign: "Retry-After", fault: providersim.Fault{Status: 503, RetryAfter: "2"}, ways: anything,
			story: "b0@0s b0@2.25s b0@4.5s", at: "4.5s", outcome: "Failure", status: 503},
		{sign: "api_error in a 200", fault: providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "api_error"}, ways: anyModel,
			story: thrice, at: "1.5s", outcome: "Failure", status: 502},
		{sign: "overloaded_error in a 200", fault: providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "overloaded_error"}, ways: anyModel,
			story: thrice, at: "1.5s", outcome: "Failure", status: 503},
		{sign: "server_error in an event", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "server_error"}, ways: streamed,
			story: thrice, at: "1.5s", outcome: "Failure", status: 502},
		{sign: "overloaded_error before any other event", fault: providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: -1, ErrorType: "overloaded_error"}, ways: streamed,
			story: thrice, at: "1.5s", outcome: "Failure", status: 503},
		{sign: "an error of a type that nobody knows", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "strange_error"}, ways: anyModel,
			story: thrice, at: "1.5s", outcome: "Failure", status: 502},
	},
	"ConnectionError": {
		{sign: "closed before the status line", fault: providersim.Fault{Kind: providersim.Close}, ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "refused", down: true, ways: anything,
			story: "", at: "1.5s", outcome: "Failure", status: 502, code: "upstream_unavailable"},
	},
	"Timeout": {
		{sign: "attempt", fault: providersim.Fault{Kind: providersim.Hang}, tune: attempt10s, ways: append([]asking{pathGet}, whole...),
			story: once, alone: "b0@0s b0@10.5s b0@21.5s", at: "10s", outcome: "Failure", status: 504, code: "upstream_timeout"},
		{sign: "attempt, of a body that does not come", fault: providersim.Fault{Kind: providersim.Stall}, tune: attempt10s, ways: whole,
			story: once, alone: "b0@0s b0@10.5s b0@21.5s", at: "10s", outcome: "Failure", status: 504, code: "upstream_timeout"},
		{sign: "firstToken", fault: providersim.Fault{Kind: providersim.Hang}, ways: streamed,
			story: once, at: "1m0s", outcome: "Failure", status: 504, code: "upstream_timeout"},
		{sign: "firstToken, of a stream that brings pings", fault: providersim.Fault{FirstTokenDelay: 10 * minute, KeepAlive: providersim.KeepAlivePing, KeepAliveEvery: 10 * second}, ways: streamed,
			story: once, at: "1m0s", outcome: "Failure", status: 504, code: "upstream_timeout"},
	},
	"InvalidResponse": {
		{sign: "a page", fault: providersim.Fault{Kind: providersim.NotJSON}, ways: anyModel,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "not the dialect's JSON", fault: providersim.Fault{Status: 200, Body: `{"hello":"world"}`}, ways: anyModel,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "shorter than its length", fault: providersim.Fault{Kind: providersim.Cut}, ways: whole,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "compressed", fault: providersim.Fault{Kind: providersim.Gzip}, ways: anyModel,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "a redirect", fault: providersim.Fault{Kind: providersim.Redirect, Location: "http://b1/"}, ways: anything,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "a stream without output", fault: providersim.Fault{Kind: providersim.EmptyStream}, ways: streamed,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "a stream cut before its output", fault: providersim.Fault{Kind: providersim.Cut}, ways: streamed,
			story: twice, at: "500ms", outcome: "Failure", status: 502, code: "upstream_unavailable"},
	},
	"StreamError": {
		{sign: "cut, with Buffer", fault: providersim.Fault{Kind: providersim.Cut, AfterTokens: 3}, tune: buffer, ways: streamed,
			story: once, alone: thrice, at: "0s", outcome: "Failure", status: 502, code: "upstream_unavailable"},
		{sign: "stalled, with Buffer", fault: providersim.Fault{Kind: providersim.Stall, AfterTokens: 3}, tune: bufferIdle10s, ways: streamed,
			story: once, alone: "b0@0s b0@10.5s b0@21.5s", at: "10s", outcome: "Failure", status: 200, code: ""},
		{sign: "unfinished, with Buffer", fault: providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: 3}, tune: buffer, ways: streamed,
			story: once, alone: thrice, at: "0s", outcome: "Failure", status: 502, code: "upstream_unavailable"},
	},
	"RateLimited": {
		{sign: "status 429", fault: providersim.Fault{Status: 429}, ways: anything,
			story: thrice, at: "1.5s", outcome: "Failure", status: 429},
		{sign: "Retry-After up to maxRetryAfter", fault: providersim.Fault{Status: 429, RetryAfter: "5"}, ways: anything,
			story: "b0@0s b0@5.625s b0@11.25s", at: "11.25s", outcome: "Failure", status: 429},
		{sign: "Retry-After beyond it", fault: providersim.Fault{Status: 429, RetryAfter: "6"}, ways: anything,
			story: once, at: "0s", outcome: "Failure", status: 429},
		{sign: "rate_limit_error in the stream", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "rate_limit_error"}, ways: streamed,
			story: thrice, at: "1.5s", outcome: "Failure", status: 429},
		{sign: "rate_limit_error in a 200", fault: providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "rate_limit_error"}, ways: whole,
			story: thrice, at: "1.5s", outcome: "Failure", status: 429},
	},
	"QuotaExhausted": {
		{sign: "status 402", fault: providersim.Fault{Status: 402}, ways: anything,
			story: once, at: "0s", outcome: "Throttled", status: 402},
		{sign: "status 402 for the gateway's credential", fault: providersim.Fault{Status: 402}, tune: ownCredential, ways: anyModel,
			story: once, at: "0s", outcome: "Throttled", status: 503, code: "upstream_quota_exhausted"},
		{sign: "insufficient_quota with a 429", fault: providersim.Fault{Status: 429, ErrorCode: "insufficient_quota", RetryAfter: "1"}, ways: []asking{chatWhole, chatStream},
			story: once, at: "0s", outcome: "Throttled", status: 429},
		{sign: "billing_error", fault: providersim.Fault{Status: 400, ErrorType: "billing_error"}, ways: anyModel,
			story: once, at: "0s", outcome: "Throttled", status: 400},
		{sign: "insufficient_quota in the stream", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "insufficient_quota"}, ways: streamed,
			story: once, at: "0s", outcome: "Throttled", status: 502},
	},
	"CredentialRejected": {
		{sign: "status 401", fault: providersim.Fault{Status: 401}, tune: ownCredential, ways: anything,
			story: once, at: "0s", outcome: "Failure", status: 502, code: "upstream_credential_rejected"},
		{sign: "status 403", fault: providersim.Fault{Status: 403}, tune: ownCredential, ways: anything,
			story: once, at: "0s", outcome: "Failure", status: 502, code: "upstream_credential_rejected"},
		{sign: "authentication_error in the stream", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "authentication_error"}, tune: ownCredential, ways: streamed,
			story: once, at: "0s", outcome: "Failure", status: 502, code: "upstream_credential_rejected"},
	},
	"ModelUnavailable": {
		{sign: "status 404", fault: providersim.Fault{Status: 404}, ways: anyModel,
			story: once, at: "0s", outcome: "Ignored", status: 404},
		{sign: "status 410", fault: providersim.Fault{Status: 410}, ways: anyModel,
			story: once, at: "0s", outcome: "Ignored", status: 410},
	},
	"ContextLengthExceeded": {
		{sign: "status 413", fault: providersim.Fault{Status: 413}, ways: anyModel,
			story: once, at: "0s", outcome: "Ignored", status: 413},
		{sign: "its code", fault: providersim.Fault{Status: 400, ErrorCode: "context_length_exceeded"}, ways: []asking{chatWhole, chatStream},
			story: once, at: "0s", outcome: "Ignored", status: 400},
		{sign: "prompt is too long", fault: providersim.Fault{Status: 400, Message: "prompt is too long: 210000 tokens of 200000"}, ways: anyModel,
			story: once, at: "0s", outcome: "Ignored", status: 400},
		{sign: "its code in the stream", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "invalid_request_error", ErrorCode: "context_length_exceeded"}, ways: []asking{chatStream},
			story: once, at: "0s", outcome: "Ignored", status: 502},
	},
	"ContentRefused": {
		{sign: "content_filter", fault: providersim.Fault{Status: 400, ErrorCode: "content_filter", Message: "not in this house"}, ways: []asking{chatWhole, chatStream},
			story: once, outcome: "Ignored", status: 400},
		{sign: "content_policy_violation in the stream", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "invalid_request_error", ErrorCode: "content_policy_violation"}, ways: []asking{chatStream},
			story: once, outcome: "Ignored", status: 502},
	},
	"Rejected": {
		{sign: "status 400", fault: providersim.Fault{Status: 400}, ways: anything,
			story: once, outcome: "Ignored", status: 400},
		{sign: "status 422", fault: providersim.Fault{Status: 422}, tune: ownCredential, ways: anything,
			story: once, outcome: "Ignored", status: 422},
		{sign: "a compressed 400", fault: providersim.Fault{Status: 400, Header: map[string]string{"Content-Encoding": "gzip"}, Body: "\x1f\x8b"}, ways: anyModel,
			story: once, outcome: "Ignored", status: 400},
		{sign: "status 401 without a credential", fault: providersim.Fault{Status: 401}, ways: anything,
			story: once, outcome: "Ignored", status: 401},
		{sign: "status 403 for the client's own credential", fault: providersim.Fault{Status: 403}, tune: clientsCredential, ways: anything,
			story: once, outcome: "Ignored", status: 403},
		{sign: "authentication_error in the stream of the client's own credential", fault: providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "authentication_error"}, tune: clientsCredential, ways: streamed,
			story: once, outcome: "Ignored", status: 502},
		{sign: "status 404 on a path", fault: providersim.Fault{Status: 404}, ways: []asking{pathGet},
			story: once, outcome: "Ignored", status: 404},
		{sign: "invalid_request_error in a 200", fault: providersim.Fault{Kind: providersim.ErrorBody, ErrorType: "invalid_request_error"}, ways: anyModel,
			story: once, outcome: "Ignored", status: 502},
	},
}

func failsWith(codes ...string) func(*streamSetup) {
	return func(s *streamSetup) { s.Policy.FailureStatus, _ = gateway.ParseStatusSet(codes) }
}

func attempt10s(s *streamSetup) { s.Policy.Timeouts.Attempt = 10 * second }

func buffer(s *streamSetup) { s.Recovery = gateway.RecoverByBuffering }

func bufferIdle10s(s *streamSetup) {
	buffer(s)
	s.Policy.Timeouts.StreamIdle = 10 * second
}

func ownCredential(s *streamSetup) { s.Key = "sk-gateway" }

func clientsCredential(s *streamSetup) {
	s.Backend = func(_ int, b *gateway.Backend) { b.Credential.Kind = gateway.CredentialPassthrough }
}

// asWell is what a healthy provider of that name answers.
func asWell(a *told, provider string) bool {
	return a.err == nil && a.status == http.StatusOK &&
		(strings.Contains(a.body, provider+":") || strings.Contains(a.body, `"provider":"`+provider+`"`))
}
