package providersim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// call is a request that can be answered, and what its answer is made of.
type call struct {
	x       *exchange
	created int64
	model   string
	body    gjson.Result
	// words are the tokens of one choice; shortened says that the request's
	// limit left some out.
	words     []string
	shortened bool
	// tools are asked for in the place of words.
	tools   []toolCall
	choices int
	// usage: an OpenAI stream was asked to end with a chunk of usage.
	usage bool
}

// maxChoices bounds n, as providers do.
const maxChoices = 128

// newCall reads the request; problem says, as the provider would, what is wrong
// with it.
func (x *exchange) newCall() (c *call, problem string) {
	c = &call{x: x, created: time.Now().Unix(), model: x.model, words: words(x.sim.options), choices: 1}
	switch x.target.op {
	case opEcho, opModels:
		return c, ""
	case opModerations, opImages, opHearing, opJobs:
		return c, c.complaint()
	}
	if !x.validJSON() {
		return nil, "We could not parse the JSON body of your request."
	}
	c.body = gjson.ParseBytes(x.body)
	if x.model == "" {
		return nil, "you must provide a model parameter"
	}
	if x.target.op == opMessages && !c.body.Get("max_tokens").Exists() {
		return nil, "max_tokens: Field required"
	}
	if x.sim.options.Strict {
		if problem := c.strictly(); problem != "" {
			return nil, problem
		}
	}
	if schema, ok := requestedSchema(c.body); ok {
		c.words = pieces(example(schema))
	}
	c.tools = c.toolCalls()
	for _, name := range []string{"max_completion_tokens", "max_output_tokens", "max_tokens"} {
		if limit := c.body.Get(name); limit.Exists() {
			if limit.Int() < 1 {
				return nil, name + ": must be at least 1"
			}
			if limit.Int() < int64(len(c.words)) {
				c.words, c.shortened = c.words[:limit.Int()], true
			}
			break
		}
	}
	if n := c.body.Get("n"); n.Exists() && (x.target.op == opChat || x.target.op == opCompletions) {
		if n.Int() < 1 || n.Int() > maxChoices {
			return nil, fmt.Sprintf("n: must be between 1 and %d", maxChoices)
		}
		c.choices = int(n.Int())
	}
	c.usage = c.body.Get("stream_options.include_usage").Bool()
	return c, ""
}

// whole is the unstreamed answer.
func (c *call) whole() []byte {
	switch c.x.target.op {
	case opCountTokens:
		return fmt.Appendf(nil, `{"input_tokens":%d}`, c.promptTokens())
	case opModerations:
		return c.moderationsWhole()
	case opImages:
		return c.imagesWhole()
	case opJobs:
		return fmt.Appendf(nil, `{"id":%s,"object":"job","status":"queued"}`, quote(c.x.id("job-")))
	case opSpeech:
		return c.speech()
	case opHearing:
		return c.hearingWhole()
	case opModels:
		return c.modelsWhole()
	case opCompletions:
		return c.completionsWhole()
	case opEmbeddings:
		return c.embeddingsWhole()
	case opResponses:
		return c.responsesWhole()
	case opMessages:
		return c.messagesWhole()
	case opEcho:
		return c.echoWhole()
	default:
		return c.chatWhole()
	}
}

// streamed is the answer in events.
func (c *call) streamed() events {
	switch c.x.target.op {
	case opCompletions:
		return c.completionsStream()
	case opResponses:
		return c.responsesStream()
	case opMessages:
		return c.messagesStream()
	case opEcho:
		return c.echoStream()
	case opHearing:
		return c.hearingStream()
	default:
		return c.chatStream()
	}
}

// text is the whole of one choice.
func (c *call) text() string {
	var b []byte
	for _, w := range c.words {
		b = append(b, w...)
	}
	return string(b)
}

// promptTokens is an estimate at 4 bytes a token, as good as any here.
func (c *call) promptTokens() int { return 1 + len(c.x.body)/4 }

func (c *call) outputTokens() int {
	if len(c.tools) > 0 {
		return len(c.chatToolDeltas()) * c.choices
	}
	return len(c.words) * c.choices
}

// words are the tokens of an unshortened answer.
func words(o Options) []string {
	out := make([]string, o.Tokens)
	out[0] = o.Name + ":"
	for i := 1; i < len(out); i++ {
		out[i] = " word" + strconv.Itoa(i)
	}
	return out
}

// id is the exchange's identifier with a prefix such as "msg_".
func (x *exchange) id(prefix string) string {
	return prefix + x.sim.options.Name + "-" + strconv.Itoa(x.entry.number)
}

// identify sets the header by which the provider's support finds a request.
func (x *exchange) identify() {
	switch x.target.dialect {
	case dialectOpenAI:
		x.w.Header().Set("X-Request-Id", x.id("req_"))
	case dialectAnthropic:
		x.w.Header().Set("Request-Id", x.id("req_"))
	}
}

// quote writes a JSON string. Marshalling a string cannot fail.
func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func quoteOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// sse is one event; without a name it has only its data.
func sse(name, data string) []byte {
	if name == "" {
		return []byte("data: " + data + "\n\n")
	}
	return []byte("event: " + name + "\ndata: " + data + "\n\n")
}
