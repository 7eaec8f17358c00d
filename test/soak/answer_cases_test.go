package soak

import (
	"net/http"
	"strings"
	"testing"
)

// TestJudge: the judge lets pass what a client understands, and nothing else.
func TestJudge(t *testing.T) {
	t.Parallel()
	chunk := func(text string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":null}]}` + "\n\n"
	}
	const (
		finish      = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
		done        = "data: [DONE]\n\n"
		streamError = `data: {"error":{"message":"broke","type":"server_error"}}` + "\n\n"
		openAIBody  = `{"error":{"message":"broke","type":"server_error"}}`
		message     = `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"sim: one"}}` + "\n\n" +
			`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}` + "\n\n"
		stop       = "event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n"
		anthropicE = `{"type":"error","error":{"type":"api_error","message":"broke"}}`
	)
	for name, c := range map[string]struct {
		dialect  dialect
		streamed bool
		status   int
		code     string
		body     string
		want     string // the outcome; empty: a violation
	}{
		"a whole answer":                  {openAI, false, 200, "", `{"choices":[{"message":{"content":"sim: one"},"finish_reason":"stop"}]}`, answered},
		"a whole message":                 {anthropic, false, 200, "", `{"content":[{"type":"text","text":"sim: one"}],"stop_reason":"end_turn"}`, answered},
		"a short answer":                  {openAI, false, 200, "", `{"choices":[{"message":{"content":"sim:"},"finish_reason":"stop"}]}`, ""},
		"an answer twice":                 {openAI, false, 200, "", `{"choices":[{"message":{"content":"sim: onesim: one"},"finish_reason":"stop"}]}`, ""},
		"an answer in the other dialect":  {openAI, false, 200, "", `{"content":[{"type":"text","text":"sim: one"}],"stop_reason":"end_turn"}`, ""},
		"half an answer":                  {openAI, false, 200, "", `{"choices":[{"mess`, ""},
		"nothing":                         {openAI, false, 200, "", "", ""},
		"a whole stream":                  {openAI, true, 200, "", chunk("sim:") + chunk(" one") + finish + done, answered},
		"a whole stream of a message":     {anthropic, true, 200, "", message + stop, answered},
		"a stream without an end":         {openAI, true, 200, "", chunk("sim:") + chunk(" one") + finish, ""},
		"a stream without a reason":       {openAI, true, 200, "", chunk("sim:") + chunk(" one") + done, ""},
		"a message without an end":        {anthropic, true, 200, "", message, ""},
		"a stream that lost a piece":      {openAI, true, 200, "", chunk("sim:") + finish + done, ""},
		"a stream with a piece twice":     {openAI, true, 200, "", chunk("sim:") + chunk("sim:") + chunk(" one") + finish + done, ""},
		"an error in a stream":            {openAI, true, 200, "", chunk("sim:") + streamError, "error in a stream"},
		"an error in a message":           {anthropic, true, 200, "", "event: error\ndata: " + anthropicE + "\n\n", "error in a stream"},
		"an error, and then [DONE]":       {openAI, true, 200, "", chunk("sim:") + streamError + done, ""},
		"an error after foreign text":     {openAI, true, 200, "", chunk("foreign") + streamError, ""},
		"broken JSON in a stream":         {openAI, true, 200, "", "data: {\"choices\n\n" + finish + done, ""},
		"an empty stream":                 {openAI, true, 200, "", "", ""},
		"the gateway's error":             {openAI, false, 503, "circuit_open", openAIBody, "circuit_open"},
		"the provider's error":            {anthropic, true, 529, "", anthropicE, "HTTP 529"},
		"an error in the other dialect":   {anthropic, false, 503, "circuit_open", openAIBody, ""},
		"an error without a word":         {openAI, false, 500, "", "", ""},
		"an error that nothing explains":  {openAI, false, 404, "model_not_found", openAIBody, ""},
		"a page":                          {openAI, false, 502, "", "<html>", ""},
		"a stream that goes on after all": {anthropic, true, 200, "", message + stop + message, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if c.code != "" {
				header.Set("X-Switchgear-Error", c.code)
			}
			got, err := judge(c.dialect, c.streamed, reply{c.status, header, c.body}, []string{"sim: one", "other-sim: one"})
			if c.want == "" {
				if err == nil {
					t.Errorf("it passes as %q", got)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("it is %q (%v), want %q", got, err, c.want)
			}
			if strings.Contains(got, "\n") {
				t.Errorf("the outcome %q has more than one line", got)
			}
		})
	}
}
