package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
)

const (
	okJSON   = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	okStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	// chatAnswer is a whole unstreamed answer.
	chatAnswer = `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`
)

var unstreamedChat = streamEndpoint{"chat", chatEndpoint.path, strings.Replace(chatEndpoint.body, `"stream":true,`, ``, 1)}

func length(n int) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n", n) }

// TestAResponseThatLiesAboutItsLength, or says it in a way that makes no sense,
// is the provider's failure; the client never gets a part of it for the whole.
func TestAResponseThatLiesAboutItsLength(t *testing.T) {
	whole := chatRole + chunk("a") + chatFinish + chatDone
	some := chatRole + chunk("a")
	for _, tc := range []struct {
		name    string
		e       streamEndpoint
		answer  string
		status  int
		want    string // of a stream, what precedes the error
		class   string
		outcome string
	}{
		{"longer", unstreamedChat, okJSON + length(len(chatAnswer)+9) + chatAnswer, 502, "", "InvalidResponse", "Failure"},
		{"shorter", unstreamedChat, okJSON + length(len(chatAnswer)-9) + chatAnswer, 502, "", "InvalidResponse", "Failure"},
		{"none", unstreamedChat, okJSON + length(0) + chatAnswer, 502, "", "InvalidResponse", "Failure"},
		{"below zero", unstreamedChat, okJSON + length(-1) + chatAnswer, 502, "", "ConnectionError", "Failure"},
		{"two", unstreamedChat, okJSON + "Content-Length: 3\r\n" + length(len(chatAnswer)) + chatAnswer, 502, "", "ConnectionError", "Failure"},
		{"a chunk without its size", unstreamedChat, okJSON + "Transfer-Encoding: chunked\r\n\r\n" + chatAnswer, 502, "", "InvalidResponse", "Failure"},
		{"no last chunk", unstreamedChat, okJSON + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(chatAnswer), chatAnswer), 502, "", "InvalidResponse", "Failure"},
		{"a refusal that is longer", unstreamedChat, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n" + length(99) + `{"error":{"message":"x"}}`, 502, "", "InvalidResponse", "Failure"},

		{"longer", chatEndpoint, okStream + length(len(whole)+9) + whole, 200, whole, "Success", "Success"},
		{"longer, and not whole", chatEndpoint, okStream + length(len(some)+9) + some, 200, some, "StreamError", "Failure"},
		{"longer, and no output", chatEndpoint, okStream + length(len(chatRole)+9) + chatRole, 502, "", "InvalidResponse", "Failure"},
		{"shorter", chatEndpoint, okStream + length(len(some)) + whole, 200, some, "StreamError", "Failure"},
		{"shorter, within an event", chatEndpoint, okStream + length(len(some)+20) + whole, 200, some, "StreamError", "Failure"},
		{"a chunk without its size", chatEndpoint, okStream + "Transfer-Encoding: chunked\r\n\r\n" + whole, 502, "", "InvalidResponse", "Failure"},
		{"no length and no chunks", chatEndpoint, okStream + "\r\n" + whole, 200, whole, "Success", "Success"},
	} {
		for proto, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(fmt.Sprintf("%s/%v/%s", tc.name, tc.e == chatEndpoint, proto), func(t *testing.T) {
				r := newStreamRig(t, func(s *streamSetup) { s.HTTP2 = http2 }, wire(t, func(c net.Conn, _ *http.Request) bool {
					put(c, tc.answer)
					return false
				}))
				a := r.open(tc.e.path, tc.e.body)
				got := a.whole()
				if a.resp.StatusCode != tc.status || a.resp.StatusCode == 502 && a.resp.Header.Get("X-Switchgear-Error") != "upstream_unavailable" {
					t.Errorf("status %d, headers %v", a.resp.StatusCode, a.resp.Header)
				}
				rest, ok := strings.CutPrefix(got, tc.want)
				switch {
				case tc.status != 200:
					checkErrorBody(t, tc.e, got, "upstream_unavailable")
				case !ok:
					t.Errorf("got %q, want %q", got, tc.want)
				case tc.class == "Success" && rest != "":
					t.Errorf("after the end the client got %q", rest)
				case tc.class != "Success":
					checkErrorEvent(t, tc.e, rest, "upstream_unavailable", 2)
				}
				r.wantEnd(tc.class, tc.outcome)
			})
		}
	}
}

// TestWhatFollowsAnAnswerIsNotTakenForTheNext on the same connection.
func TestWhatFollowsAnAnswerIsNotTakenForTheNext(t *testing.T) {
	evil := strings.Replace(chatAnswer, "Hi", "of another", 1)
	smuggled := okJSON + length(len(evil)) + evil
	r := newStreamRig(t, nil, wire(t, func(c net.Conn, _ *http.Request) bool {
		return put(c, okJSON, length(len(chatAnswer)), chatAnswer, smuggled)
	}))
	for range 100 {
		a := r.open(unstreamedChat.path, unstreamedChat.body)
		if got := a.whole(); a.resp.StatusCode != http.StatusOK || got != chatAnswer {
			t.Fatalf("status %d: %s", a.resp.StatusCode, got)
		}
	}
}

// TestAnEndlessHeaderIsCutShort, fast or slow, and holds no memory for long.
func TestAnEndlessHeaderIsCutShort(t *testing.T) {
	for _, tc := range []struct {
		name  string
		begun string
		more  string
		every time.Duration
		code  string
		class string
	}{
		{"headers", "HTTP/1.1 200 OK\r\n", "X-More: " + block(1000) + "\r\n", 0, "upstream_unavailable", "ConnectionError"},
		{"one header", "HTTP/1.1 200 OK\r\nX-More: ", block(1000), 0, "upstream_unavailable", "ConnectionError"},
		{"a status line", "HTTP/1.1 200 ", block(1000), 0, "upstream_unavailable", "ConnectionError"},
		{"hints", "", "HTTP/1.1 103 Early Hints\r\nLink: </" + block(1000) + ">\r\n\r\n", 0, "upstream_unavailable", "ConnectionError"},
		{"headers that trickle", "HTTP/1.1 200 OK\r\n", "X-More: x\r\n", 10 * time.Millisecond, "upstream_timeout", "Timeout"},
		{"hints that trickle", "", "HTTP/1.1 103 Early Hints\r\n\r\n", 10 * time.Millisecond, "upstream_timeout", "Timeout"},
	} {
		for _, e := range []streamEndpoint{unstreamedChat, chatEndpoint} {
			t.Run(fmt.Sprintf("%s/%v", tc.name, e == chatEndpoint), func(t *testing.T) {
				t.Parallel()
				const most = 16 << 20 // what the kernel may hold in between
				r := newStreamRig(t, func(s *streamSetup) {
					if tc.every == 0 {
						return // it is the size that is limited
					}
					s.Timeout = time.Second
					s.Policy.Timeouts.Attempt = shortly
					s.Policy.Timeouts.FirstToken = shortly
				}, wire(t, func(c net.Conn, _ *http.Request) bool {
					sent := len(tc.begun)
					tick := time.NewTicker(max(tc.every, 1))
					defer tick.Stop()
					for ok := put(c, tc.begun); ok && sent < most; ok = put(c, tc.more) {
						sent += len(tc.more)
						if tc.every > 0 {
							<-tick.C
						}
					}
					if sent >= most {
						t.Errorf("the gateway took %d bytes of a header", sent)
					}
					return false
				}))
				a := r.open(e.path, e.body)
				body := a.whole()
				if got := a.resp.Header.Get("X-Switchgear-Error"); got != tc.code || strings.Contains(body, "xxxx") {
					t.Errorf("code %q, want %q: %.300s", got, tc.code, body)
				}
				r.wantEnd(tc.class, "Failure")
			})
		}
	}
}

// TestBadLuckFallsBack like every other failure, and unseen.
func TestBadLuckFallsBack(t *testing.T) {
	for name, answer := range map[string]string{
		"a length that lies":          okStream + length(999) + chatRole,
		"a stream that is compressed": okStream + "Content-Encoding: gzip\r\n\r\n" + "\x1f\x8b\x08",
		"a header without end":        "HTTP/1.1 200 OK\r\nX: " + block(1<<20),
		"another protocol":            "SSH-2.0-OpenSSH_9.9\r\n",
		"a change of protocol":        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
	} {
		for _, how := range []gateway.StreamRecovery{gateway.RecoverNothing, gateway.RecoverByResuming, gateway.RecoverByBuffering} {
			t.Run(name+"/"+how.String(), func(t *testing.T) {
				_, second := write(t, "second", nil)
				r := newStreamRig(t, recovering(how), wire(t, func(c net.Conn, _ *http.Request) bool {
					put(c, answer)
					return false
				}), second)
				a := r.open(chatEndpoint.path, chatEndpoint.body)
				a.wantHeaders(http.StatusOK, "b1", 2)
				wantProse(t, a.whole(), "second-1")
				r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
			})
		}
	}
}
