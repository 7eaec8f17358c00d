package gateway

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// BenchmarkEvents measures what the gateway does with each event of a stream
// beside moving its bytes: cutting it out and judging it.
func BenchmarkEvents(b *testing.B) {
	const perStream = 1000
	for _, bc := range []struct{ name, endpoint, event string }{
		{"chat", "/chat/completions", `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1735689600,"model":"gpt-4o-2024-11-20","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aBcDeFgHi"}` + "\n\n"},
		{"messages", "/messages", "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" token"}}` + "\n\n"},
		{"responses", "/responses", "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" token","logprobs":[],"obfuscation":"aBcDeFgHi"}` + "\n\n"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			stream := bytes.Repeat([]byte(bc.event), perStream)
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				var r eventReader
				j := dialect.Lookup(bc.endpoint).NewJudge(dialect.Request{})
				src := bytes.NewReader(stream)
				events := 0
				for {
					if e := r.next(); e != nil {
						if m := j.Event(e.name, e.data); m != dialect.Output {
							b.Fatalf("marks %b", m)
						}
						events++
						continue
					}
					if errors.Is(r.fill(src), io.EOF) {
						break
					}
				}
				if events != perStream {
					b.Fatalf("%d events", events)
				}
			}
			b.ReportMetric(float64(b.N)*perStream/b.Elapsed().Seconds(), "events/s")
		})
	}
}
