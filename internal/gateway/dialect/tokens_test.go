package dialect

import "testing"

// TestJudgesTellWhatAStreamHasCost, as the providers report it.
func TestJudgesTellWhatAStreamHasCost(t *testing.T) {
	for _, tc := range []struct {
		name, endpoint string
		events         []string
		want           Tokens
	}{
		{"chat", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":null}`,
			`{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":{"cached_tokens":20,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}}`,
		}, Tokens{Input: 30, CacheRead: 20, Output: 9}},
		{"chat: a sum that grows with each chunk", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
			`{"choices":[{"index":0,"delta":{"content":" you"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
		}, Tokens{Input: 3, Output: 2}},
		{"chat: a text about usage is none", "/chat/completions", []string{
			`{"choices":[{"index":0,"delta":{"content":"{\"usage\":{\"prompt_tokens\":9}}"}}]}`,
			`{"choices":[{"index":0,"delta":{"content":"x"},"usage":{"prompt_tokens":9}}]}`,
		}, Tokens{}},
		{"chat: nonsense", "/chat/completions", []string{
			`{"choices":[],"usage":{"prompt_tokens":-3,"completion_tokens":1e300,"prompt_tokens_details":null}}`,
		}, Tokens{Output: maxTokens}},
		{"completions", "/completions", []string{
			`{"choices":[{"index":0,"text":"a"}],"usage":null}`, `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`,
		}, Tokens{Input: 1, Output: 2}},
		{"messages: the cache's tokens are beside the input's", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":44}}`,
		}, Tokens{Input: 3210, CacheRead: 3000, CacheWrite: 200, Output: 44}},
		{"messages: the last sums replace the first", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}`,
			`{"type":"message_delta","delta":{},"usage":{"input_tokens":70,"cache_creation_input_tokens":null,"output_tokens":5}}`,
		}, Tokens{Input: 70, Output: 5}},
		{"messages: cut short", "/messages", []string{
			`{"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}`,
			`{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}`,
		}, Tokens{Input: 10, Output: 1}},
		{"responses", "/responses", []string{
			`{"type":"response.created","response":{"usage":null}}`,
			`{"type":"response.completed","response":{"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":12},"output_tokens":87,"total_tokens":123}}}`,
		}, Tokens{Input: 36, CacheRead: 12, Output: 87}},
		{"responses: incomplete", "/responses", []string{`{"type":"response.incomplete","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`}, Tokens{Input: 1, Output: 2}},
		{"responses: failed", "/responses", []string{`{"type":"response.failed","response":{"usage":{"input_tokens":1,"output_tokens":0}}}`}, Tokens{Input: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := Lookup(tc.endpoint).NewJudge(Request{})
			for _, e := range tc.events {
				j.Event(nil, []byte(e))
			}
			if got := j.Tokens(); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestWholeAnswersTellWhatTheyHaveCost(t *testing.T) {
	for endpoint, tc := range map[string]struct {
		body string
		want Tokens
	}{
		"/chat/completions": {`{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`, Tokens{Input: 9, Output: 2}},
		"/embeddings":       {`{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}`, Tokens{Input: 7}},
		"/messages":         {`{"content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":5,"output_tokens":2}}`, Tokens{Input: 6, CacheRead: 5, Output: 2}},
		"/responses":        {`{"output":[],"usage":{"input_tokens":4,"input_tokens_details":{"cached_tokens":3},"output_tokens":2}}`, Tokens{Input: 4, CacheRead: 3, Output: 2}},
		"/completions":      {`{"choices":[]}`, Tokens{}},
	} {
		if _, got, _, isAnswer := Lookup(endpoint).ReadAnswer([]byte(tc.body)); !isAnswer || got != tc.want {
			t.Errorf("%s: %+v (an answer: %v), want %+v", endpoint, got, isAnswer, tc.want)
		}
	}
}
