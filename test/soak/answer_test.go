package soak

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// reply is what a client got, to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// dialect is whose SDK a client stands for.
type dialect string

const (
	openAI    dialect = "OpenAI"
	anthropic dialect = "Anthropic"
)

// answered is the outcome of a whole answer; any other is an error's code.
const answered = "answered"

// judge says how a request has ended, or what is wrong with that end: it must be
// one of the whole answers that the providers give, or an error in the client's
// dialect.
func judge(d dialect, streamed bool, r reply, whole []string) (outcome string, err error) {
	switch {
	case r.status != http.StatusOK:
		return judgeError(d, r)
	case streamed:
		return judgeStream(d, r, whole)
	}
	if !gjson.Valid(r.body) {
		return "", errors.New("a 200 that is no JSON")
	}
	text, end := "content.0.text", "stop_reason"
	if d == openAI {
		text, end = "choices.0.message.content", "choices.0.finish_reason"
	}
	return answered, isWhole(gjson.Get(r.body, text).String(), gjson.Get(r.body, end).String(), whole)
}

func isWhole(text, end string, whole []string) error {
	if end == "" {
		return fmt.Errorf("an answer that says nothing of its end, with the text %q", text)
	}
	if slices.Contains(whole, text) {
		return nil
	}
	return fmt.Errorf("an answer that no provider gives: %q", text)
}

// explained are the gateway's own errors that the faults explain.
var explained = map[string]bool{
	"circuit_open": true, "bulkhead_full": true, "bulkhead_timeout": true, "overloaded": true,
	"upstream_timeout": true, "upstream_unavailable": true,
	"upstream_credential_rejected": true, "upstream_quota_exhausted": true,
}

func judgeError(d dialect, r reply) (string, error) {
	code := r.header.Get("X-Switchgear-Error")
	if code != "" && !explained[code] {
		return "", fmt.Errorf("the error %s, which nothing explains", code)
	}
	if !gjson.Valid(r.body) {
		return "", fmt.Errorf("a %d that is no JSON", r.status)
	}
	if err := isError(d, r.body); err != nil {
		return "", fmt.Errorf("a %d: %w", r.status, err)
	}
	if code == "" {
		code = fmt.Sprintf("HTTP %d", r.status)
	}
	return code, nil
}

// isError says what an error's body lacks.
func isError(d dialect, body string) error {
	if d == anthropic && gjson.Get(body, "type").String() != "error" {
		return errors.New("the body is no error of Anthropic's dialect")
	}
	for _, field := range []string{"error.type", "error.message"} {
		if gjson.Get(body, field).String() == "" {
			return fmt.Errorf("the error's body has no %s", field)
		}
	}
	return nil
}

// stream is what a streamed answer has said.
type stream struct {
	text, end string
	done      bool   // its last event came
	failure   string // an error event's data
}

func judgeStream(d dialect, r reply, whole []string) (string, error) {
	s, err := readStream(d, r.body)
	if err != nil {
		return "", err
	}
	if s.failure == "" {
		if !s.done {
			return "", fmt.Errorf("a stream that breaks off without a word, after %q", s.text)
		}
		return answered, isWhole(s.text, s.end, whole)
	}
	if err := isError(d, s.failure); err != nil {
		return "", fmt.Errorf("in a stream: %w", err)
	}
	if slices.ContainsFunc(whole, func(w string) bool { return strings.HasPrefix(w, s.text) }) {
		return "error in a stream", nil
	}
	return "", fmt.Errorf("a stream that no provider gives: %q", s.text)
}

// readStream adds a stream's events up. Nothing may follow the last one.
func readStream(d dialect, body string) (stream, error) {
	var s stream
	for line := range strings.Lines(body) {
		data, found := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data: ")
		if !found {
			continue
		}
		switch {
		case s.done || s.failure != "":
			return s, fmt.Errorf("a stream that goes on after its end: %s", data)
		case d == openAI && data == "[DONE]":
			s.done = true
		case !gjson.Valid(data):
			return s, fmt.Errorf("an event that is no JSON: %s", data)
		case gjson.Get(data, "error").Exists():
			s.failure = data
		case d == openAI:
			s.text += gjson.Get(data, "choices.0.delta.content").String()
			s.end += gjson.Get(data, "choices.0.finish_reason").String()
		default:
			s.text += gjson.Get(data, "delta.text").String()
			s.end += gjson.Get(data, "delta.stop_reason").String()
			s.done = gjson.Get(data, "type").String() == "message_stop"
		}
	}
	return s, nil
}
