package dialect

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestJudgesTellWhatAStreamHasCost, as the providers report it.
func TestJudgesTellWhatAStreamHasCost(t *testing.T) {
	for _, tc := range []struct {
		name, endpoint string
		events         []string
		want           Usage
	}{
		{"chat", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":null}`,
			`{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":20,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}}`,
		}, Usage{Input: 30, CacheRead: 20, Output: 9}},
		{"chat: a sum that grows with each chunk", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
			`{"choices":[{"index":0,"delta":{"content":" you"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
		}, Usage{Input: 3, Output: 2}},
		{"chat: a text about usage is none", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"{\"usage\":{\"prompt_tokens\":9}}"}}]}`,
			`{"choices":[{"index":0,"delta":{"content":"x"},"usage":{"prompt_tokens":9}}]}`,
		}, Usage{}},
		{"chat: nonsense", "/chat/completions", []string{
			`{"choices":[],"usage":{"prompt_tokens":-3,"completion_tokens":1e300,"prompt_tokens_details":null}}`,
		}, Usage{Output: maxTokens}},
		{"completions", "/completions", []string{
			`{"choices":[{"index":0,"text":"a"}],"usage":null}`, `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`,
		}, Usage{Input: 1, Output: 2}},
		{"messages: the cache's tokens are beside the input's", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":44}}`,
		}, Usage{Input: 3210, CacheRead: 3000, CacheWrite: 200, Output: 44}},
		{"messages: the last sums replace the first", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}`,
			`{"type":"message_delta","delta":{},"usage":{"input_tokens":70,"cache_creation_input_tokens":null,"output_tokens":5}}`,
		}, Usage{Input: 70, Output: 5}},
		{"messages: cut short", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}`,
			`{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}`,
		}, Usage{Input: 10, Output: 1}},
		{"responses", "/responses", []string{
			`{"type":"response.created","response":{"usage":null}}`,
			`{"type":"response.completed","response":{"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":12},"output_tokens":87,"total_tokens":123}}}`,
		}, Usage{Input: 36, CacheRead: 12, Output: 87}},
		{"responses: incomplete", "/responses", []string{`{"type":"response.incomplete","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`}, Usage{Input: 1, Output: 2}},
		{"responses: failed", "/responses", []string{`{"type":"response.failed","response":{"usage":{"input_tokens":1,"output_tokens":0}}}`}, Usage{Input: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := Lookup(tc.endpoint).NewJudge(Request{})
			for _, e := range tc.events {
				j.Event(nil, []byte(e))
			}
			if got := j.Usage(); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestWholeAnswersTellWhatTheyHaveCost(t *testing.T) {
	for endpoint, tc := range map[string]struct {
		body string
		want Usage
	}{
		"/chat/completions": {`{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`, Usage{Input: 9, Output: 2}},
		"/embeddings":       {`{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}`, Usage{Input: 7}},
		"/messages":         {`{"content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":5,"output_tokens":2}}`, Usage{Input: 6, CacheRead: 5, Output: 2}},
		"/responses":        {`{"output":[],"usage":{"input_tokens":4,"input_tokens_details":{"cached_tokens":3},"output_tokens":2}}`, Usage{Input: 4, CacheRead: 3, Output: 2}},
		"/completions":      {`{"choices":[]}`, Usage{}},
	} {
		if _, got, _, isAnswer := Lookup(endpoint).ReadAnswer([]byte(tc.body)); !isAnswer || got != tc.want {
			t.Errorf("%s: %+v (an answer: %v), want %+v", endpoint, got, isAnswer, tc.want)
		}
	}
}

// TestUsageIsAskedFor changes nothing else of the request.
func TestUsageIsAskedFor(t *testing.T) {
	const absent, asks = false, true
	for _, tc := range []struct {
		name, body, want string
		asked            bool // by the client
	}{
		{"no options", ` { "model":"m","stream":true}`, ` {"stream_options":{"include_usage":true}, "model":"new","stream":true}`, absent},
		{"null", `{"stream_options":null,"model":"m"}`, `{"stream_options":{"include_usage":true},"model":"new"}`, absent},
		{"empty", `{"model":"m","stream_options":{ }}`, `{"model":"new","stream_options":{"include_usage":true }}`, absent},
		{"others", `{"model":"m","stream_options":{"include_obfuscation":false}}`, `{"model":"new","stream_options":{"include_usage":true,"include_obfuscation":false}}`, absent},
		{"declined", `{"model":"m", "stream_options": {"a":{"include_usage":true}, "include_usage" : false}}`, `{"model":"new", "stream_options": {"a":{"include_usage":true}, "include_usage" : true}}`, absent},
		{"asked for", `{"model":"m","stream_options":{"include_usage":true}}`, `{"model":"new","stream_options":{"include_usage":true}}`, asks},
		{"twice, so that nobody knows", `{"model":"m","stream_options":{},"stream_options":{"include_usage":true}}`, `{"model":"new","stream_options":{},"stream_options":{"include_usage":true}}`, asks},
		{"no options that could be added to", `{"model":"m","stream_options":[]}`, `{"model":"new","stream_options":[]}`, absent},
		{"in the messages", `{"messages":[{"stream_options":1}],"model":"m"}`, `{"stream_options":{"include_usage":true},"messages":[{"stream_options":1}],"model":"new"}`, absent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := ParseRequest([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if r.Usage != tc.asked {
				t.Errorf("the client has asked: %v, want %v", r.Usage, tc.asked)
			}
			if d := cmp.Diff(tc.want, joined(r.WithModelAndUsage([]byte(tc.body), "new"))); d != "" {
				t.Error(d)
			}
		})
	}
}
