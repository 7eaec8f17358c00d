package providersim

import (
	"fmt"
)

// responsesWhole is a finished response object.
func (c *call) responsesWhole() []byte { return []byte(c.response(c.responseStatus(), true)) }

// responsesStream is the response as the events of its making, numbered.
func (c *call) responsesStream() events {
	item := quote(c.x.id("msg_"))
	n := len(c.words)
	part := fmt.Sprintf(`"item_id":%s,"output_index":0,"content_index":0`, item)
	text := quote(c.text())
	opening := joined(
		numbered("response.created", 0, `"response":`+c.response("in_progress", false)),
		numbered("response.in_progress", 1, `"response":`+c.response("in_progress", false)),
		numbered("response.output_item.added", 2, `"output_index":0,"item":{"id":`+item+`,"type":"message","status":"in_progress","role":"assistant","content":[]}`),
		numbered("response.content_part.added", 3, part+`,"part":{"type":"output_text","text":"","annotations":[]}`),
	)
	return events{
		opening: opening,
		token: func(i int) []byte {
			return numbered("response.output_text.delta", 4+i, part+`,"delta":`+quote(c.words[i])+`,"logprobs":[]`)
		},
		tokens: n,
		finish: joined(
			numbered("response.output_text.done", 4+n, part+`,"text":`+text+`,"logprobs":[]`),
			numbered("response.content_part.done", 5+n, part+`,"part":{"type":"output_text","text":`+text+`,"annotations":[]}`),
			numbered("response.output_item.done", 6+n, `"output_index":0,"item":`+c.outputItem()),
		),
		last:   numbered("response."+c.responseStatus(), 7+n, `"response":`+c.response(c.responseStatus(), true)),
		broken: sse("response.output_text.delta", `{"type":"response.output_text.delta","delta":"bro`),
		problem: func() []byte {
			p := c.x.problem(200)
			code := p.code
			if code == "" {
				code = p.kind
			}
			return numbered("error", 4, fmt.Sprintf(`"code":%s,"message":%s,"param":null`, quote(code), quote(p.message)))
		}(),
	}
}

// response is the response object, with its output once it is there.
func (c *call) response(status string, whole bool) string {
	output, usage, incomplete := "", "null", "null"
	if whole {
		in, out := c.promptTokens(), c.outputTokens()
		output = c.outputItem()
		usage = fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}`, in, out, in+out)
		if c.shortened {
			incomplete = `{"reason":"max_output_tokens"}`
		}
	}
	return fmt.Sprintf(`{"id":%s,"object":"response","created_at":%d,"status":%q,"error":null,"incomplete_details":%s,"instructions":null,"model":%s,"output":[%s],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":%s,"metadata":{}}`,
		quote(c.x.id("resp_")), c.created, status, incomplete, quote(c.model), output, usage)
}

func (c *call) outputItem() string {
	return fmt.Sprintf(`{"id":%s,"type":"message","status":%q,"role":"assistant","content":[{"type":"output_text","text":%s,"annotations":[],"logprobs":[]}]}`,
		quote(c.x.id("msg_")), c.responseStatus(), quote(c.text()))
}

func (c *call) responseStatus() string {
	if c.shortened {
		return "incomplete"
	}
	return "completed"
}

func numbered(name string, sequence int, fields string) []byte {
	return sse(name, fmt.Sprintf(`{"type":%q,"sequence_number":%d,%s}`, name, sequence, fields))
}

func joined(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
