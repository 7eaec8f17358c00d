package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestTheProviderIsAskedWhatAStreamCosts also where the client has not, who gets
// the chunk that tells it only if he has.
func TestTheProviderIsAskedWhatAStreamCosts(t *testing.T) {
	const (
		chat        = `{"model":"gpt","stream":true,"messages":[]`
		completions = `{"model":"gpt","stream":true,"prompt":"Hi"`
		ask         = `,"stream_options":{"include_usage":true}`
	)
	for _, tc := range []struct {
		name, path, body string
		model            string // of the backend
		want             string // what the provider is asked; empty: the same
		told             bool
	}{
		{name: "not asked", path: "/v1/chat/completions", body: chat + `}`, want: chat + ask + `}`},
		{name: "not asked, with space", path: "/v1/chat/completions", body: chat + " }\n", want: chat + " " + ask + "}\n"},
		{name: "not asked, of another model", path: "/v1/chat/completions", body: chat + `}`, model: "gpt-x", want: strings.Replace(chat, "gpt", "gpt-x", 1) + ask + `}`},
		{name: "null", path: "/v1/chat/completions", body: chat + `,"stream_options":null}`, want: chat + ask + `}`},
		{name: "nothing", path: "/v1/chat/completions", body: chat + `,"stream_options":{}}`, want: chat + ask + `}`},
		{name: "another option", path: "/v1/chat/completions", body: `{"stream_options":{"include_obfuscation":false},"model":"gpt","stream":true,"messages":[]}`, model: "gpt-x",
			want: `{"stream_options":{"include_obfuscation":false,"include_usage":true},"model":"gpt-x","stream":true,"messages":[]}`},
		{name: "no, please", path: "/v1/chat/completions", body: chat + `,"stream_options":{"include_usage": false}}`, want: chat + `,"stream_options":{"include_usage": true}}`},
		{name: "asked", path: "/v1/chat/completions", body: chat + ask + `}`, told: true},
		{name: "not asked", path: "/v1/completions", body: completions + `}`, want: completions + ask + `}`},
		{name: "asked", path: "/v1/completions", body: completions + ask + `}`, told: true},
		{name: "unstreamed", path: "/v1/chat/completions", body: `{"model":"gpt","messages":[]}`, told: true},
		{name: "a message", path: "/v1/messages", body: `{"model":"claude","stream":true,"max_tokens":9,"messages":[]}`, told: true},
		{name: "a response", path: "/v1/responses", body: `{"model":"gpt","stream":true,"input":"Hi"}`, told: true},
	} {
		t.Run(tc.path+"/"+tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newStreamRig(t, func(s *streamSetup) { s.Backend = func(_ int, b *gateway.Backend) { b.Model = tc.model } }, sim.URL)
			a := r.open(tc.path, tc.body)
			a.wantHeaders(http.StatusOK, "b0", 1)
			got := a.whole()
			if tc.want == "" {
				tc.want = tc.body
			}
			if seen := string(sim.Requests()[0].Body); seen != tc.want {
				t.Errorf("the provider was asked\n%s, want\n%s", seen, tc.want)
			}
			if told := strings.Contains(got, `"usage":{`); told != tc.told {
				t.Errorf("the client got %s", got)
			}
			if !strings.Contains(got, "word7") || strings.Contains(tc.body, `"stream":true`) && strings.HasSuffix(tc.path, "completions") && !strings.HasSuffix(got, chatDone) {
				t.Errorf("the answer is not whole: %q", got)
			}
			r.wantEnd("Success", "Success")
		})
	}
}

// TestNoOtherChunkIsHidden: one that has usage beside a choice, or neither.
func TestNoOtherChunkIsHidden(t *testing.T) {
	stream := "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n" + chunk("a") +
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":9}}\n\n" + chatDone
	r := newStreamRig(t, nil, script(t, func(s scripted) {
		s.stream()
		s.send(stream)
	}))
	if got := r.open(chatEndpoint.path, chatEndpoint.body).whole(); got != stream {
		t.Errorf("got %q, want %q", got, stream)
	}
}
