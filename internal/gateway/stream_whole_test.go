package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestWholeStreamsArePassedOnByteForByte(t *testing.T) {
	for _, e := range streamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			for name, body := range map[string]string{
				"plain":      e.body,
				"with usage": strings.Replace(e.body, `{`, `{"stream_options":{"include_usage":true},`, 1),
				"shortened":  strings.Replace(strings.Replace(e.body, `"max_tokens":99,`, ``, 1), `{`, `{"max_tokens":3,`, 1),
				"choices":    strings.Replace(e.body, `{`, `{"n":3,`, 1),
			} {
				t.Run(name, func(t *testing.T) {
					sim := providersim.Start(t, providersim.Options{})
					r := newStreamRig(t, nil, sim.URL)
					e := streamEndpoint{e.name, e.path, body}
					want := direct(t, sim.URL, e)
					a := r.open(e.path, body)
					if a.resp.StatusCode != http.StatusOK || a.resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
						t.Errorf("status %d, headers %v", a.resp.StatusCode, a.resp.Header)
					}
					if d := cmp.Diff(want, alike(a.whole())); d != "" {
						t.Error(d)
					}
					r.wantEnd("Success", "Success")
				})
			}
		})
	}
}

func TestStreamsInOtherLineEndsArePassedOnByteForByte(t *testing.T) {
	for name, stream := range map[string]string{
		"CRLF":                  strings.ReplaceAll(chatRole+chunk("a")+chatFinish+chatDone, "\n", "\r\n"),
		"byte order mark":       "\uFEFF" + chunk("a") + chunk("b") + chatFinish + chatDone,
		"ids and retry times":   "id: 1\nretry: 3000\n" + chunk("a") + "id: 2\n" + chatFinish + chatDone,
		"comments after output": chunk("a") + ": keep-alive\n\n" + chunk("b") + chatFinish + ":\n\n" + chatDone,
		"data without a space":  strings.ReplaceAll(chunk("a")+chatFinish+chatDone, "data: ", "data:"),
		"data over lines":       strings.ReplaceAll(chunk("a")+chatFinish, ",\"delta", ",\ndata: \"delta") + chatDone,
		"a name for each event": strings.ReplaceAll(chunk("a")+chatFinish+chatDone, "data: ", "event: message\ndata: "),
		"an end mark alone":     chatDone,
		"nothing but an end":    chatRole + chatFinish + chatDone,
		"large events":          chunk(block(300<<10)) + chunk(block(900<<10)) + chatFinish + chatDone,
		"many small events":     strings.Repeat(chunk("a"), 5000) + chatFinish + chatDone,
	} {
		t.Run(name, func(t *testing.T) {
			r := newStreamRig(t, nil, script(t, func(s scripted) {
				s.stream()
				s.send(stream)
			}))
			if got := r.open(chatEndpoint.path, chatEndpoint.body).whole(); got != stream {
				t.Errorf("got %.300q, want %.300q", got, stream)
			}
			r.wantEnd("Success", "Success")
		})
	}
}

// TestCommentsBeforeTheFirstOutputAreDropped: they have kept the connection
// alive, and the client's has not begun yet.
func TestCommentsBeforeTheFirstOutputAreDropped(t *testing.T) {
	r := newStreamRig(t, nil, script(t, func(s scripted) {
		s.stream()
		s.send(": one moment\n\n" + chatRole + "retry: 3000\n\n" + chunk("a") + chatFinish + chatDone)
	}))
	want := chatRole + chunk("a") + chatFinish + chatDone
	if got := r.open(chatEndpoint.path, chatEndpoint.body).whole(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEachEventIsPassedOnAtOnce: the provider sends the next event only when the
// client has the one before.
func TestEachEventIsPassedOnAtOnce(t *testing.T) {
	const n = 20
	got := make(chan struct{})
	r := newStreamRig(t, nil, script(t, func(s scripted) {
		s.stream()
		for range n {
			s.send(chunk("a"))
			s.wait(got)
		}
		s.send(chatFinish + chatDone)
	}))
	a := r.open(chatEndpoint.path, chatEndpoint.body)
	begun := time.Now()
	for range n {
		if e := a.event(); e != chunk("a") {
			t.Fatalf("got %q", e)
		}
		got <- struct{}{}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("%d events took %v", n, took)
	}
	if rest := a.whole(); rest != chatFinish+chatDone {
		t.Errorf("the stream ends with %q", rest)
	}
}

func TestHealthyStreamsOutlastTheLimitsOfOtherPhases(t *testing.T) {
	const n = 12
	r := newStreamRig(t, func(s *streamSetup) {
		s.Timeout = 300 * time.Millisecond
		s.Policy.Timeouts.Attempt = 200 * time.Millisecond
		s.Policy.Timeouts.Connect = 200 * time.Millisecond
		s.Policy.Timeouts.FirstToken = 200 * time.Millisecond
		s.Policy.Timeouts.Abandoned = 10 * time.Millisecond
	}, script(t, func(s scripted) {
		s.stream()
		for range n {
			s.send(chunk("a"))
			s.pause(50 * time.Millisecond)
		}
		s.send(chatFinish + chatDone)
	}))
	want := strings.Repeat(chunk("a"), n) + chatFinish + chatDone
	if got := r.open(chatEndpoint.path, chatEndpoint.body).whole(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.wantEnd("Success", "Success")
}

func TestConnectionsAreUsedAgainAfterWholeStreams(t *testing.T) {
	for _, e := range streamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			sim := providersim.Start(t, providersim.Options{})
			r := newStreamRig(t, nil, sim.URL)
			const n = 10
			for range n {
				r.open(e.path, e.body).whole()
			}
			peers := map[string]bool{}
			for _, req := range sim.Requests() {
				peers[req.RemoteAddr] = true
			}
			if sim.Count() != n || len(peers) != 1 {
				t.Errorf("%d requests over %d connections, want %d over one", sim.Count(), len(peers), n)
			}
		})
	}
}
