package providersim

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// contentType is that of the unstreamed answer.
func (c *call) contentType() string {
	switch {
	case c.x.target.op == opSpeech:
		return "audio/mpeg"
	case c.x.target.op == opHearing && c.x.field("response_format") == "text":
		return "text/plain; charset=utf-8"
	}
	return "application/json"
}

// speech is a sound that no text looks like.
func (c *call) speech() []byte {
	return append([]byte{0xff, 0xfb, 0x90, 0x64, 0, '\r', '\n'}, c.text()+"|"+c.x.field("input")...)
}

// heard is what is said of a file that was listened to.
func (c *call) heard() string {
	return fmt.Sprintf("%s heard %d bytes of %s", c.x.sim.options.Name, len(c.x.form.file), c.x.form.filename)
}

func (c *call) hearingWhole() []byte {
	if c.x.field("response_format") == "text" {
		return []byte(c.heard() + "\n")
	}
	return []byte(`{"text":` + quote(c.heard()) + `}`)
}

// hearingStream is what stream=true gets.
func (c *call) hearingStream() events {
	words := strings.SplitAfter(c.heard(), " ")
	return events{
		token: func(i int) []byte {
			return sse("", `{"type":"transcript.text.delta","delta":`+quote(words[i])+`}`)
		},
		tokens:  len(words),
		finish:  sse("", `{"type":"transcript.text.done","text":`+quote(c.heard())+`}`),
		broken:  sse("", `{"type":"transcript.text.delta","delta":"bro`),
		problem: sse("error", string(c.x.problem(200).body())),
	}
}

// imagesWhole is n pictures, which tell the provider, the model, and the picture
// that they were made from.
func (c *call) imagesWhole() []byte {
	n, _ := strconv.Atoi(c.x.field("n"))
	data := make([]string, min(max(n, 1), maxChoices))
	for i := range data {
		picture := fmt.Sprintf("\x89PNG %s %s %d", c.x.sim.options.Name, c.model, i)
		if c.x.form != nil {
			picture += fmt.Sprintf(" of %d bytes of %s", len(c.x.form.file), c.x.form.filename)
		}
		data[i] = `{"b64_json":` + quote(base64.StdEncoding.EncodeToString([]byte(picture))) + `}`
	}
	return fmt.Appendf(nil, `{"created":%d,"data":[%s]}`, c.created, strings.Join(data, ","))
}

func (c *call) moderationsWhole() []byte {
	model := c.model
	if model == "" {
		model = "omni-moderation-latest"
	}
	return fmt.Appendf(nil, `{"id":%s,"model":%s,"results":[{"flagged":false,"categories":{},"category_scores":{},"category_applied_input_types":{}}]}`,
		quote(c.x.id("modr-")), quote(model))
}
