package providersim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestMessage(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "anthropic-sim", Tokens: 3})
	got := post(t, s, messagePath, messageBody)
	for path, want := range map[string]string{
		"type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
		"content.0.type": "text", "content.0.text": s.Answer(), "usage.output_tokens": "3",
	} {
		if v := gjson.Get(got.body, path).String(); v != want {
			t.Errorf("%s is %q, want %q", path, v, want)
		}
	}
	if got.header.Get("Request-Id") == "" || !gjson.Valid(got.body) {
		t.Errorf("got %v %s", got.header, got.body)
	}
}

func TestMessageStreamHasNamedEventsInOrder(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "anthropic-sim", Tokens: 2})
	got := post(t, s, messagePath, messageSSE)
	ev := events(got.body)
	want := []string{
		"message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
		"content_block_stop", "message_delta", "message_stop",
	}
	if diff := cmp.Diff(want, names(ev)); diff != "" {
		t.Fatal(diff)
	}
	for _, e := range ev {
		if !gjson.Valid(e.data) || gjson.Get(e.data, "type").String() != e.name {
			t.Errorf("event %v", e)
		}
	}
	if output(got.body) != "anthropic-sim: word1" || gjson.Get(ev[6].data, "delta.stop_reason").String() != "end_turn" {
		t.Errorf("got %s", got.body)
	}
}

func TestMessageStreamStopsAtMaxTokens(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	got := post(t, s, messagePath, `{"model":"m","max_tokens":2,"stream":true}`)
	ev := events(got.body)
	if output(got.body) != "sim: word1" || gjson.Get(ev[len(ev)-2].data, "delta.stop_reason").String() != "max_tokens" {
		t.Errorf("got %s", got.body)
	}
}
