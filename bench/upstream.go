package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	answerOf  = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":300,"completion_tokens":300,"total_tokens":600}}`
	messageOf = `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"%s"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":300,"output_tokens":300}}`
	chunkOf   = `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1735689600,"model":"gpt-4o-2024-11-20","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}],"usage":null}` + "\n\n"

	// callsPath tells how many calls there were.
	callsPath = "/calls"
	// The headers by which a client says how it wants to be streamed to.
	tokensHeader, everyHeader = "X-Bench-Tokens", "X-Bench-Every"
	// failHeader is that by which it says that it wants an error.
	failHeader = "X-Bench-Fail"
)

// speech is what the simulated provider says in a dialect: an answer, and a
// stream's events.
type speech struct{ answer, begin, token, finish []byte }

var (
	chatSpeech = speech{
		answer: fmt.Appendf(nil, answerOf, words),
		begin:  fmt.Appendf(nil, chunkOf, `{"role":"assistant","content":""}`, "null"),
		token:  fmt.Appendf(nil, chunkOf, `{"content":" token"}`, "null"),
		finish: fmt.Appendf(nil, chunkOf+"data: [DONE]\n\n", `{}`, `"stop"`),
	}
	messagesSpeech = speech{
		answer: fmt.Appendf(nil, messageOf, words),
		begin: []byte("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":300,\"output_tokens\":1}}}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"),
		token: []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" token\"}}\n\n"),
		finish: []byte("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
			"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":300}}\n\n" +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
	}
	words = bytes.Repeat([]byte("word "), 300)
)

// upstream is the simulated provider. It answers at once: what is measured is
// what lies between.
type upstream struct{ calls atomic.Int64 }

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == callsPath {
		_, _ = fmt.Fprint(w, u.calls.Load())
		return
	}
	u.calls.Add(1)
	body, _ := io.ReadAll(r.Body)
	says := &chatSpeech
	if strings.HasSuffix(r.URL.Path, "/messages") {
		says = &messagesSpeech
	}
	switch {
	case bytes.Contains(body, []byte(`"model":"`+broken)), r.Header.Get(failHeader) != "":
		w.WriteHeader(http.StatusInternalServerError)
	case r.Header.Get(tokensHeader) != "":
		says.stream(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(says.answer)))
		_, _ = w.Write(says.answer)
	}
}

// stream sends the first token at once and the others as the client asks.
func (s *speech) stream(w http.ResponseWriter, r *http.Request) {
	tokens, _ := strconv.Atoi(r.Header.Get(tokensHeader))
	every, _ := time.ParseDuration(r.Header.Get(everyHeader))
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(event []byte) bool {
		_, err := w.Write(event)
		return err == nil && control.Flush() == nil
	}
	if !send(s.begin) {
		return
	}
	next := time.NewTimer(0)
	defer next.Stop()
	due := time.Now()
	for range tokens {
		if every > 0 {
			<-next.C
			due = due.Add(every)
			next.Reset(time.Until(due))
		}
		if !send(s.token) {
			return
		}
	}
	send(s.finish)
}
