package gateway_test

import (
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestWhatProvidersAllow is exported as they last said it, per backend, whatever
// else they answered.
func TestWhatProvidersAllow(t *testing.T) {
	openai := map[string]string{
		"X-Ratelimit-Limit-Requests": "5000", "X-Ratelimit-Remaining-Requests": "4999", "X-Ratelimit-Reset-Requests": "12ms",
		"X-Ratelimit-Limit-Tokens": "160000", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "6m0s",
	}
	anthropic := map[string]string{
		"Anthropic-Ratelimit-Requests-Limit": "50", "Anthropic-Ratelimit-Requests-Remaining": "49",
		"Anthropic-Ratelimit-Tokens-Limit": "48000", "Anthropic-Ratelimit-Tokens-Remaining": "47000",
		"Anthropic-Ratelimit-Input-Tokens-Limit": "40000", "Anthropic-Ratelimit-Input-Tokens-Remaining": "39000",
		"Anthropic-Ratelimit-Output-Tokens-Limit": "8000", "Anthropic-Ratelimit-Output-Tokens-Remaining": "1",
		"Anthropic-Ratelimit-Requests-Reset": "2000-01-01T00:00:04Z",
	}
	const openaiLimits, openaiLeft = "gpt b0 requests:5000 gpt b0 tokens:160000", "gpt b0 requests:4999"
	for _, tc := range []struct {
		name         string
		ways         []asking
		faults       []providersim.Fault
		limits, left string
	}{
		{"OpenAI", []asking{chatWhole, chatStream}, []providersim.Fault{{Header: openai}}, openaiLimits, openaiLeft},
		{"Anthropic", []asking{messagesWhole, messagesStream}, []providersim.Fault{{Header: anthropic}},
			"claude b0 input_tokens:40000 claude b0 output_tokens:8000 claude b0 requests:50 claude b0 tokens:48000",
			"claude b0 input_tokens:39000 claude b0 output_tokens:1 claude b0 requests:49 claude b0 tokens:47000"},
		{"a path", []asking{pathGet}, []providersim.Fault{{Header: openai}},
			"ext b0 requests:5000 ext b0 tokens:160000", "ext b0 requests:4999"},
		{"with a refusal", []asking{chatWhole, chatStream}, []providersim.Fault{{Status: 429, Header: openai, Requests: 1}}, openaiLimits, openaiLeft},
		{"as last said", []asking{chatWhole}, []providersim.Fault{
			{Status: 500, Header: openai, Requests: 1},
			{Status: 500, Header: map[string]string{"X-Ratelimit-Remaining-Requests": "17"}, Requests: 1},
		}, openaiLimits, "gpt b0 requests:17"},
		{"nonsense", []asking{chatWhole}, []providersim.Fault{{Header: map[string]string{
			"X-Ratelimit-Limit-Requests": "many", "X-Ratelimit-Remaining-Requests": "-1", "X-Ratelimit-Limit-Tokens": "99999999999999999999",
		}}}, "", ""},
		{"silence", []asking{chatWhole}, nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range tc.ways {
				inBubble(t, nil, 1, func(r *bubbleRig) {
					r.fault(0, tc.faults...)
					if a := r.ask(way); !asWell(&a, "b0") {
						t.Errorf("%s: the client got %d %s", way.name, a.status, a.body)
					}
					r.wantTally(tc.limits, "provider_ratelimit_limit", "route", "backend", "resource")
					r.wantTally(tc.left, "provider_ratelimit_remaining", "route", "backend", "resource")
				})
			}
		})
	}
}

// TestWhatIsLeftOfNothing is told as a zero, which is not the same as silence.
func TestWhatIsLeftOfNothing(t *testing.T) {
	inBubble(t, nil, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Header: map[string]string{"X-Ratelimit-Remaining-Tokens": "0"}})
		r.ask(chatWhole)
		families, err := r.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range families {
			if f.GetName() == "switchgear_provider_ratelimit_remaining" {
				found = len(f.GetMetric()) == 1 && f.GetMetric()[0].GetGauge().GetValue() == 0
			}
		}
		if !found {
			t.Error("no gauge of zero")
		}
	})
}
