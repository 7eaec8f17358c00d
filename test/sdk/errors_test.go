package sdk

import (
	"strings"
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// codes are what the two dialects have for one error, and where they differ, for
// one that a provider of the other dialect has told.
type codes struct{ openAI, anthropic, fromAnthropic, fromOpenAI string }

// of is the code that the scene's SDK raises.
func (c codes) of(s *scene) string {
	translated := s.own.code(c.fromAnthropic, c.fromOpenAI)
	if s.own.schema != s.provider.schema && translated != "" {
		return translated
	}
	return s.own.code(c.openAI, c.anthropic)
}

// errorCases are what an application is told of what goes wrong.
var errorCases = []struct {
	name  string
	model string // the suffix; or another model altogether
	fault providersim.Fault
	// own is the gateway's code; empty: it is the provider's error.
	own     string
	status  int
	codes   codes
	message string
	asked   int // calls that the provider saw
}{
	{"a bad request", stage.Once, providersim.Fault{Status: 400, Message: "temperature: too hot"},
		"", 400, codes{openAI: "", anthropic: "invalid_request_error"}, "temperature: too hot", 1},
	{"the gateway's credential refused", stage.Revoked, providersim.Fault{},
		"upstream_credential_rejected", 502, codes{openAI: "upstream_credential_rejected", anthropic: "api_error"}, "", 1},
	{"an unknown model", "unheard-of", providersim.Fault{},
		"model_not_found", 404, codes{openAI: "model_not_found", anthropic: "not_found_error"}, "unheard-of", 0},
	{"a rate limit that the gateway has tried", stage.Repeated, providersim.Fault{Status: 429, Message: "slow down"},
		"", 429, codes{openAI: "rate_limit_exceeded", anthropic: "rate_limit_error"}, "slow down", 2},
	{"an overload that the gateway has tried", stage.Repeated, providersim.Fault{Status: 503, Message: "come back"},
		"", 503, codes{openAI: "", anthropic: "api_error", fromOpenAI: "overloaded_error"}, "come back", 2},
	{"nonsense", stage.Repeated, providersim.Fault{Kind: providersim.NotJSON},
		"upstream_unavailable", 502, codes{openAI: "upstream_unavailable", anthropic: "api_error"}, "", 2},
	{"no answer in time", stage.Impatient, providersim.Fault{Kind: providersim.Hang},
		"upstream_timeout", 504, codes{openAI: "upstream_timeout", anthropic: "timeout_error"}, "", 1},
}

// TestErrors are raised as the SDK's own type, with the status and the code that
// an application goes by, and the SDK does not try again by itself.
func TestErrors(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		for name, way := range ways {
			for _, c := range errorCases {
				model := c.model
				if strings.HasPrefix(model, "-") {
					model = s.model + model
				}
				s.fault(c.fault)
				_, err := way(s)(s.context(), model)
				got, ok := s.Failure(err)
				if !ok {
					t.Errorf("%s, %s: got %v (%T), want an error of the SDK's own type", c.name, name, err, err)
					continue
				}
				if code := c.codes.of(s); got.Status != c.status || got.Code != code {
					t.Errorf("%s, %s: got %d %q, want %d %q", c.name, name, got.Status, got.Code, c.status, code)
				}
				if own := got.Header.Get("X-Switchgear-Error"); own != c.own {
					t.Errorf("%s, %s: x-switchgear-error is %q, want %q", c.name, name, own, c.own)
				}
				if got.Message == "" || !strings.Contains(got.Message, c.message) || strings.Contains(got.Message, "Incorrect API key") {
					t.Errorf("%s, %s: the message is %q", c.name, name, got.Message)
				}
				if sent, asked := s.sent.requests.Load(), s.Primary.Count(); sent != 1 || asked != c.asked {
					t.Errorf("%s, %s: the SDK called %d times, want 1; the provider saw %d calls, want %d", c.name, name, sent, asked, c.asked)
				}
			}
		}
	})
}

// TestStreamsThatBreak raise the SDK's error for it after the text that came,
// and never end as if they were whole.
func TestStreamsThatBreak(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		for _, c := range []struct {
			name    string
			fault   providersim.Fault
			codes   codes
			message string
		}{
			{"an error event", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, ErrorType: "overloaded_error", ErrorCode: "busy", Message: "too much"},
				codes{openAI: "busy", anthropic: "overloaded_error", fromAnthropic: "overloaded_error"}, "too much"},
			{"a cut", providersim.Fault{Kind: providersim.Cut, AfterTokens: 3},
				codes{openAI: "upstream_unavailable", anthropic: "api_error"}, ""},
			{"no end", providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: 3},
				codes{openAI: "upstream_unavailable", anthropic: "api_error"}, ""},
		} {
			s.fault(c.fault)
			text, err := s.Stream(s.context(), s.model+stage.Once)
			if text != "primary: word1 word2" {
				t.Errorf("%s: before the error came %q", c.name, text)
			}
			got, ok := s.StreamFailure(err)
			if !ok {
				t.Errorf("%s: got %v (%T), want the SDK's own error for it", c.name, err, err)
				continue
			}
			if want := c.codes.of(s); got.Code != want || got.Message == "" || !strings.Contains(got.Message, c.message) {
				t.Errorf("%s: got %q %q, want %q", c.name, got.Code, got.Message, want)
			}
			if sent, asked := s.sent.requests.Load(), s.Primary.Count(); sent != 1 || asked != 1 {
				t.Errorf("%s: the SDK called %d times, the provider saw %d calls, want 1 and 1", c.name, sent, asked)
			}
		}
	})
}
