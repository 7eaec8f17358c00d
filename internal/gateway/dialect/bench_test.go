package dialect

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkJudge measures the judging of one event with a token, which a stream
// has thousands of.
func BenchmarkJudge(b *testing.B) {
	for _, bc := range []struct{ name, endpoint, data string }{
		{"chat", "/chat/completions", `{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1735689600,"model":"gpt-4o-2024-11-20","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aBcDeFgHi"}`},
		{"messages", "/messages", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" token"}}`},
		{"responses", "/responses", `{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" token","logprobs":[],"obfuscation":"aBcDeFgHi"}`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			j := Lookup(bc.endpoint).NewJudge(Request{})
			data := []byte(bc.data)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if m := j.Event(nil, data); m != Output {
					b.Fatalf("marks %b", m)
				}
			}
		})
	}
}

// BenchmarkRequestTranslation measures a conversation of twenty turns on its way
// into the other dialect, and beside it what reading it costs anyway.
func BenchmarkRequestTranslation(b *testing.B) {
	var turns []string
	for i := range 20 {
		turns = append(turns, fmt.Sprintf(`{"role":%q,"content":%q}`, []string{"user", "assistant"}[i%2], strings.Repeat("word \"x\" \n", 25)))
	}
	turns = append(turns, `{"role":"user","content":"And now?"}`)
	body := []byte(`{"model":"m","stream":true,"max_tokens":100,"messages":[` + strings.Join(turns, ",") + `]}`)
	b.Run("reading", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, translation := range map[string]*Translation{"chat to messages": chatTranslation(), "messages to chat": messagesTranslation()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := translation.Request(body, "other", Options{DefaultMaxTokens: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEventTranslation measures one event with a token.
func BenchmarkEventTranslation(b *testing.B) {
	for _, bc := range []struct {
		name        string
		translation *Translation
		begin, data string
	}{
		{"chat from messages", chatTranslation(), `{"type":"message_start","message":{"id":"msg_0123456789abcdefghijklmn","model":"claude-sonnet-4-5"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" token"}}`},
		{"messages from chat", messagesTranslation(), `{"id":"c","choices":[{"index":0,"delta":{"content":"x"}}]}`,
			`{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1735689600,"model":"gpt-4o-2024-11-20","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aBcDeFgHi"}`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			events := bc.translation.Events(Request{}, answeredAt)
			data := []byte(bc.data)
			if _, err := events.Event(nil, []byte(bc.begin)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if out, err := events.Event(nil, data); err != nil || len(out) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
