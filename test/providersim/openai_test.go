package providersim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

const answer = "openai-sim: word1 word2 word3"

func openAI(t *testing.T) *providersim.Server {
	return providersim.Start(t, providersim.Options{Name: "openai-sim", Tokens: 4})
}

func TestUnstreamedAnswersNameTheProviderAndEchoTheModel(t *testing.T) {
	s := openAI(t)
	for _, c := range []struct{ path, body, object, text, finish string }{
		{chatPath, chatBody, "chat.completion", "choices.0.message.content", "choices.0.finish_reason"},
		{"/v1/completions", `{"model":"gpt-x","prompt":"hi"}`, "text_completion", "choices.0.text", "choices.0.finish_reason"},
		{responsePath, responseBody, "response", "output.0.content.0.text", "status"},
		{"/openai/v1/chat/completions", chatBody, "chat.completion", "choices.0.message.content", "choices.0.finish_reason"},
		{"/openai/deployments/gpt-x/chat/completions?api-version=1", `{"messages":[]}`, "chat.completion", "choices.0.message.content", "choices.0.finish_reason"},
	} {
		t.Run(c.path, func(t *testing.T) {
			got := post(t, s, c.path, c.body)
			if got.status != http.StatusOK || got.err != nil || !gjson.Valid(got.body) {
				t.Fatalf("got %d, %v: %s", got.status, got.err, got.body)
			}
			for path, want := range map[string]string{"object": c.object, "model": "gpt-x", c.text: answer} {
				if v := gjson.Get(got.body, path).String(); v != want {
					t.Errorf("%s is %q, want %q in %s", path, v, want, got.body)
				}
			}
			if v := gjson.Get(got.body, c.finish).String(); v != "stop" && v != "completed" {
				t.Errorf("%s is %q", c.finish, v)
			}
			if gjson.Get(got.body, "usage.total_tokens").Int() == 0 || got.header.Get("X-Request-Id") == "" {
				t.Errorf("no usage or no id: %v %s", got.header, got.body)
			}
		})
	}
}

func TestLimitsAndChoicesShapeTheAnswer(t *testing.T) {
	s := openAI(t)
	got := post(t, s, chatPath, `{"model":"m","max_tokens":2,"n":2,"messages":[]}`).body
	if v := gjson.Get(got, "choices.1.message.content").String(); v != "openai-sim: word1" {
		t.Errorf("second choice %q", v)
	}
	if v := gjson.Get(got, "choices.#.finish_reason").String(); v != `["length","length"]` {
		t.Errorf("finish reasons %s", v)
	}
	if v := gjson.Get(got, "usage.completion_tokens").Int(); v != 4 {
		t.Errorf("%d tokens counted", v)
	}
	if v := gjson.Get(post(t, s, responsePath, `{"model":"m","max_output_tokens":1}`).body, "status").String(); v != "incomplete" {
		t.Errorf("a short response is %q", v)
	}
}

func TestChatStreamHasRoleContentFinishUsageAndDone(t *testing.T) {
	s := openAI(t)
	got := post(t, s, chatPath, `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},"messages":[]}`)
	if ct := got.header.Get("Content-Type"); got.err != nil || !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatalf("got %v, %q", got.err, ct)
	}
	ev := events(got.body)
	if len(ev) != 1+4+1+1+1 || ev[len(ev)-1].data != "[DONE]" {
		t.Fatalf("events %v", ev)
	}
	for _, c := range []struct {
		event      int
		path, want string
	}{
		{0, "choices.0.delta.role", "assistant"},
		{0, "object", "chat.completion.chunk"},
		{0, "usage", ""},
		{1, "choices.0.delta.content", "openai-sim:"},
		{1, "choices.0.finish_reason", ""},
		{5, "choices.0.finish_reason", "stop"},
		{6, "choices.#", "0"},
		{6, "usage.completion_tokens", "4"},
	} {
		if v := gjson.Get(ev[c.event].data, c.path); v.String() != c.want || !v.Exists() {
			t.Errorf("event %d: %s is %q, want %q", c.event, c.path, v, c.want)
		}
	}
	if output(got.body) != answer {
		t.Errorf("text %q", output(got.body))
	}
}

func TestCompletionStream(t *testing.T) {
	got := post(t, openAI(t), "/v1/completions", `{"model":"m","stream":true,"prompt":"hi"}`)
	ev := events(got.body)
	if output(got.body) != answer || ev[len(ev)-1].data != "[DONE]" || gjson.Get(ev[len(ev)-2].data, "choices.0.finish_reason").String() != "stop" {
		t.Errorf("got %s", got.body)
	}
}

func TestResponsesStreamIsNumberedAndEndsCompleted(t *testing.T) {
	got := post(t, openAI(t), responsePath, responseSSE)
	ev := events(got.body)
	delta := "response.output_text.delta"
	want := []string{
		"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
		delta, delta, delta, delta,
		"response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
	}
	if diff := cmp.Diff(want, names(ev)); diff != "" {
		t.Fatal(diff)
	}
	for i, e := range ev {
		if !gjson.Valid(e.data) || gjson.Get(e.data, "sequence_number").Int() != int64(i) || gjson.Get(e.data, "type").String() != e.name {
			t.Errorf("event %d: %v", i, e)
		}
	}
	if v := gjson.Get(ev[len(ev)-1].data, "response.output.0.content.0.text").String(); v != answer || output(got.body) != answer {
		t.Errorf("text %q, deltas %q", v, output(got.body))
	}
}

func TestEmbeddings(t *testing.T) {
	s := openAI(t)
	for _, c := range []struct {
		name, body string
		count      int64
	}{
		{"a string", `{"model":"m","input":"hi"}`, 1},
		{"strings", `{"model":"m","input":["hi","ho"]}`, 2},
		{"tokens", `{"model":"m","input":[1,2,3]}`, 1},
		{"base64", `{"model":"m","input":"hi","encoding_format":"base64"}`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := post(t, s, "/v1/embeddings", c.body)
			if v := gjson.Get(got.body, "data.#").Int(); v != c.count || !gjson.Valid(got.body) {
				t.Fatalf("got %d vectors: %s", v, got.body)
			}
			vector := gjson.Get(got.body, "data.0.embedding")
			if c.name == "base64" && len(vector.String()) != 44 || c.name != "base64" && vector.Get("#").Int() != 8 {
				t.Errorf("vector %s", vector)
			}
		})
	}
}

func TestModels(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Models: []string{"a", "b"}})
	got := do(s.Client(), request(t, t.Context(), s, http.MethodGet, "/v1/models", ""))
	if v := gjson.Get(got.body, "data.#.id").String(); v != `["a","b"]` {
		t.Errorf("got %s", got.body)
	}
}
