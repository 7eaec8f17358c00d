package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAChatIsAnsweredByAMessage: the provider is asked in its own dialect for the
// backend's model, and the client gets an answer in its own.
func TestAChatIsAnsweredByAMessage(t *testing.T) {
	r, sim := translatedRig(t, chatToAnthropic, func(_ *gateway.Options, b *gateway.Backend) { b.Model = "claude-x" })
	got := r.post(streamEndpoint{path: "/v1/chat/completions", body: `{"model":"gpt","user":"u","temperature":1.5,"stop":"END",` +
		`"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}`})
	seen := sim.Requests()[0]
	if seen.Method != http.MethodPost || seen.Path != "/v1/messages" {
		t.Errorf("the provider was asked %s %s", seen.Method, seen.Path)
	}
	wantJSON(t, "what the provider was asked", string(seen.Body), `{"model":"claude-x","max_tokens":4096,"system":"Be brief.",`+
		`"messages":[{"role":"user","content":"Hi"}],"stop_sequences":["END"],"temperature":1}`)
	got.wantHeaders(t, map[string]string{
		"Content-Type": "application/json", "Content-Length": fmt.Sprint(len(got.body)), "X-Switchgear-Dropped": "user, temperature",
		"X-Switchgear-Backend": "b", "X-Switchgear-Attempts": "1", "X-Switchgear-Error": "",
	})
	created := gjson.Get(got.body, "created").Int()
	if age := time.Since(time.Unix(created, 0)); age < 0 || age > patiently {
		t.Errorf("the answer was created %v ago", age)
	}
	wantJSON(t, "the answer", got.body, fmt.Sprintf(
		`{"id":"msg_sim-1","object":"chat.completion","created":%d,"model":"claude-x","choices":[{"index":0,"message":{"role":"assistant",`+
			`"content":%q,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":8,`+
			`"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0}}}`, created, sim.Answer(), promptTokens(seen), promptTokens(seen)+8))
	r.wantEnd("Success", "Success")
}

// TestAMessageIsAnsweredByAChat likewise.
func TestAMessageIsAnsweredByAChat(t *testing.T) {
	r, sim := translatedRig(t, messagesToOpenAI, func(_ *gateway.Options, b *gateway.Backend) { b.Model = "gpt-x" })
	got := r.post(streamEndpoint{path: "/v1/messages?beta=true", body: `{"model":"claude","max_tokens":99,"top_k":5,"stop_sequences":["END"],"system":"Be brief.",` +
		`"messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral"}}]}]}`})
	seen := sim.Requests()[0]
	if seen.Method != http.MethodPost || seen.Path != "/v1/chat/completions" || len(seen.Query) != 0 {
		t.Errorf("the provider was asked %s %s %v", seen.Method, seen.Path, seen.Query)
	}
	wantJSON(t, "what the provider was asked", string(seen.Body), `{"model":"gpt-x","max_completion_tokens":99,"stop":["END"],`+
		`"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}`)
	got.wantHeaders(t, map[string]string{
		"Content-Type": "application/json", "Content-Length": fmt.Sprint(len(got.body)), "X-Switchgear-Dropped": "top_k, messages.content.cache_control",
		"X-Switchgear-Backend": "b", "X-Switchgear-Attempts": "1", "X-Switchgear-Error": "",
	})
	wantJSON(t, "the answer", got.body, fmt.Sprintf(
		`{"id":"chatcmpl-sim-1","type":"message","role":"assistant","model":"gpt-x","content":[{"type":"text","text":%q}],"stop_reason":"end_turn",`+
			`"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":8}}`,
		sim.Answer(), promptTokens(seen)))
	r.wantEnd("Success", "Success")
}

// TestTranslatedStreams come event by event, as the client's dialect has them.
func TestTranslatedStreams(t *testing.T) {
	for _, tc := range []struct {
		name      string
		direction direction
		ask       streamEndpoint
		asked     string
		usage     int
	}{
		{"chat", chatToAnthropic, chatEndpoint, `{"model":"gpt","stream":true,"max_tokens":4096,"messages":[{"role":"user","content":"Hi"}]}`, 0},
		{"chat with usage", chatToAnthropic, chatEndpoint.with("stream_options", `{"include_usage":true}`),
			`{"model":"gpt","stream":true,"max_tokens":4096,"messages":[{"role":"user","content":"Hi"}]}`, 8},
		{"messages", messagesToOpenAI, messagesEndpoint,
			`{"model":"claude","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":99,"messages":[{"role":"user","content":"Hi"}]}`, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, sim := translatedRig(t, tc.direction, nil)
			sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
			a := r.open(tc.ask.path, tc.ask.body)
			a.wantHeaders(http.StatusOK, "b", 1)
			if h := a.resp.Header.Get("Content-Type"); h != "text/event-stream; charset=utf-8" {
				t.Errorf("content type %q", h)
			}
			// What the provider has brought is with the client before there is more.
			var begun string
			for !strings.Contains(begun, "word1") {
				begun += a.event()
			}
			if n := r.held(); n != 0 {
				t.Errorf("%d bytes are held of a stream that has begun", n)
			}
			sim.Heal()
			h := hear(t, begun+a.whole())
			h.wantText(t, sim.Answer())
			if h.usage != tc.usage {
				t.Errorf("%d tokens used, want %d", h.usage, tc.usage)
			}
			wantJSON(t, "what the provider was asked", string(sim.Requests()[0].Body), tc.asked)
			r.wantEnd("Success", "Success")
		})
	}
}

// TestTheCredentialOfATranslatedCall is the backend's own, where its dialect has
// it; or the client's, moved to there. Nothing else of the client's dialect goes
// along.
func TestTheCredentialOfATranslatedCall(t *testing.T) {
	own := func(header, prefix string) func(*gateway.Backend) {
		return func(b *gateway.Backend) { ownKey(b); b.AuthHeader, b.AuthPrefix = header, prefix }
	}
	passed := func(header, prefix string) func(*gateway.Backend) {
		return func(b *gateway.Backend) { passthrough(b); b.AuthHeader, b.AuthPrefix = header, prefix }
	}
	openAIClient := []string{"Authorization", "Bearer sk-client", "Openai-Organization", "org", "Openai-Beta", "x"}
	anthropicClient := []string{"X-Api-Key", "sk-client", "Anthropic-Version", "2099-01-01", "Anthropic-Beta", "x"}
	for _, tc := range []struct {
		name      string
		direction direction
		backend   func(*gateway.Backend)
		sent      []string
		want      http.Header
	}{
		{"none", chatToAnthropic, noKey, openAIClient, http.Header{"Anthropic-Version": {"2023-06-01"}}},
		{"the gateway's", chatToAnthropic, own("x-api-key", ""), openAIClient, http.Header{"Anthropic-Version": {"2023-06-01"}, "X-Api-Key": {"sk-own"}}},
		{"the client's", chatToAnthropic, passed("x-api-key", ""), openAIClient, http.Header{"Anthropic-Version": {"2023-06-01"}, "X-Api-Key": {"sk-client"}}},
		{"the client's, as Azure has it", chatToAnthropic, passed("x-api-key", ""), []string{"Api-Key", "sk-client"},
			http.Header{"Anthropic-Version": {"2023-06-01"}, "X-Api-Key": {"sk-client"}}},
		{"a version of the backend's", chatToAnthropic, func(b *gateway.Backend) {
			b.Headers = []gateway.Header{{Name: "anthropic-version", Value: "2024-01-01"}}
		}, openAIClient, http.Header{"Anthropic-Version": {"2024-01-01"}}},
		{"none", messagesToOpenAI, noKey, anthropicClient, http.Header{}},
		{"the gateway's", messagesToOpenAI, own("Authorization", "Bearer "), anthropicClient, http.Header{"Authorization": {"Bearer sk-own"}}},
		{"the gateway's, as Azure wants it", messagesToOpenAI, own("api-key", ""), anthropicClient, http.Header{"Api-Key": {"sk-own"}}},
		{"the client's", messagesToOpenAI, passed("Authorization", "Bearer "), anthropicClient, http.Header{"Authorization": {"Bearer sk-client"}}},
		{"the client's, as a bearer token", messagesToOpenAI, passed("Authorization", "Bearer "),
			[]string{"Authorization", "Bearer sk-client"}, http.Header{"Authorization": {"Bearer sk-client"}}},
		{"the client's, who has none", messagesToOpenAI, passed("Authorization", "Bearer "), nil, http.Header{}},
	} {
		t.Run(tc.direction.name+"/"+tc.name, func(t *testing.T) {
			t.Parallel()
			r, sim := translatedRig(t, tc.direction, func(_ *gateway.Options, b *gateway.Backend) { tc.backend(b) })
			if got := r.post(tc.direction.whole, append([]string{"X-Other", "1"}, tc.sent...)...); got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			seen := sim.Requests()[0].Header
			if seen.Get("X-Other") != "1" {
				t.Error("a header of no dialect was lost")
			}
			for _, name := range []string{"Content-Length", "X-Request-Id", "User-Agent", "Accept-Encoding", "X-Other"} {
				seen.Del(name)
			}
			if d := cmp.Diff(tc.want, seen); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestATranslatedStreamIsAskedWithoutUsageWhereThatIsRefused, as an untranslated
// one is: the client has asked for none of it.
func TestATranslatedStreamIsAskedWithoutUsageWhereThatIsRefused(t *testing.T) {
	inBubble(t, speaking(gateway.OpenAI), 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: http.StatusBadRequest, Message: "Unknown parameter: stream_options", Requests: 1})
		for range 2 {
			a := r.ask(messagesStream)
			if !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != "1" {
				t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
			}
			wantDialect(t, messagesStream, &a)
		}
		const without = `{"model":"claude","max_completion_tokens":99,"messages":[{"role":"user","content":"Hi"}],"stream":true}`
		with := `{"stream_options":{"include_usage":true},` + without[1:]
		for i, want := range []string{with, without, without} {
			wantJSON(t, "what the provider was asked", string(r.sims[0].Requests()[i].Body), want)
		}
		r.wantTally("Success:2", "attempts_total", "class")
	})
}
