package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/tidwall/gjson"
)

// author is a provider that supports prefill: it writes one text, in pieces of a
// few characters, and goes on with what a request has of it already.
type author struct {
	name string
	text string
	// breaks says after how many pieces the n-th call is cut; below 0: never.
	breaks func(n int) int
	pace   time.Duration // between two pieces

	mu     sync.Mutex
	bodies []string // guarded by mu: what was asked
}

// prose has white space of all kinds, and characters of several bytes, where it
// may break off.
const prose = "One, two,\n\n  three – vier\u3000fünf:\t \n六, sept."

const pieceOf = 3 // characters

// write starts an author that is never interrupted unless breaks says so.
func write(t *testing.T, name string, breaks func(n int) int) (*author, string) {
	t.Helper()
	if breaks == nil {
		breaks = func(int) int { return -1 }
	}
	a := &author{name: name, text: prose, breaks: breaks}
	return a, serve(t, a.answer)
}

func always(after int) func(int) int { return func(int) int { return after } }

func (a *author) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bodies
}

func (a *author) answer(s scripted) {
	body, err := io.ReadAll(s.r.Body)
	if err != nil {
		return // the gateway has left
	}
	a.mu.Lock()
	a.bodies = append(a.bodies, string(body))
	n := len(a.bodies)
	a.mu.Unlock()
	rest := a.text
	turns := gjson.GetBytes(body, "messages").Array()
	if last := turns[len(turns)-1]; last.Get("role").Str == "assistant" {
		seen := last.Get("content").Str
		if seen != strings.TrimRightFunc(seen, unicode.IsSpace) || !strings.HasPrefix(a.text, seen) {
			s.w.WriteHeader(http.StatusBadRequest)
			s.send(fmt.Sprintf(`{"error":{"message":"cannot go on with %q"}}`, seen))
			return
		}
		rest = a.text[len(seen):]
	}
	w := chatWriter
	if strings.HasSuffix(s.r.URL.Path, "/messages") {
		w = messagesWriter
	}
	id := fmt.Sprintf("%s-%d", a.name, n)
	s.stream()
	s.send(w.opening(id))
	runes := []rune(rest)
	pieces := 0
	for ; len(runes) > 0; pieces++ {
		if pieces == a.breaks(n) {
			panic(http.ErrAbortHandler)
		}
		size := min(pieceOf, len(runes))
		s.send(w.piece(id, string(runes[:size])))
		s.pause(a.pace)
		runes = runes[size:]
	}
	s.send(w.closing(id, pieces))
}

// streamWriter writes the events of a dialect.
type streamWriter struct {
	opening func(id string) string
	piece   func(id, text string) string
	closing func(id string, tokens int) string
}

var chatWriter = streamWriter{
	func(id string) string {
		return fmt.Sprintf("data: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n", id)
	},
	func(id, text string) string {
		return fmt.Sprintf("data: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", id, gjson.AppendJSONString(nil, text))
	},
	func(id string, tokens int) string {
		return fmt.Sprintf("data: {\"id\":%q,\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":%d}}\n\n", id, tokens) + chatDone
	},
}

var messagesWriter = streamWriter{
	func(id string) string {
		return fmt.Sprintf("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":%q,\"role\":\"assistant\",\"content\":[]}}\n\n", id) +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
	},
	func(_, text string) string {
		return fmt.Sprintf("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%s}}\n\n", gjson.AppendJSONString(nil, text))
	},
	func(_ string, tokens int) string {
		return "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
			fmt.Sprintf("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":%d}}\n\n", tokens) +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	},
}
