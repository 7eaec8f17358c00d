package dialect

import "testing"

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
