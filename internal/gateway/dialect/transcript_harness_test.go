package dialect

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// sentEvent is one event as it goes over the wire, without its blank line.
type sentEvent struct{ name, data string }

// eventsOf cuts a stream into its events.
func eventsOf(stream string) []sentEvent {
	var out []sentEvent
	for block := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		if block == "" {
			continue
		}
		var e sentEvent
		var lines []string
		for line := range strings.SplitSeq(block, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				e.name = name
			} else if data, ok := strings.CutPrefix(line, "data: "); ok {
				lines = append(lines, data)
			}
		}
		e.data = strings.Join(lines, "\n")
		out = append(out, e)
	}
	return out
}

// resumed is a client's answer that several streams made.
type resumed struct {
	t          *testing.T
	endpoint   *Endpoint
	request    string
	transcript Transcript
	client     bytes.Buffer
}

func resume(t *testing.T, endpoint, request string) *resumed {
	t.Helper()
	e := Lookup(endpoint)
	r, err := ParseRequest([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	tr := e.NewTranscript(r, []byte(request))
	if tr == nil {
		t.Fatalf("no transcript for %s", request)
	}
	return &resumed{t: t, endpoint: e, request: request, transcript: tr}
}

// first plays the stream that breaks off. The bytes of each event are used again
// afterwards, as those of the reader are.
func (r *resumed) first(stream string) {
	for _, e := range eventsOf(stream) {
		name, data := []byte(e.name), []byte(e.data)
		r.transcript.Record(name, data)
		overwrite(name, data)
		if e.name != "" {
			r.client.WriteString("event: " + e.name + "\n")
		}
		r.client.WriteString("data: " + e.data + "\n\n")
	}
}

// next plays a stream that goes on and returns the request that asked for it.
func (r *resumed) next(stream string) string {
	r.t.Helper()
	request := r.prefill("")
	for _, e := range eventsOf(stream) {
		name, data := []byte(e.name), []byte(e.data)
		out := r.transcript.Splice(name, data)
		overwrite(name, data)
		r.client.Write(out)
	}
	return request
}

func (r *resumed) prefill(model string) string {
	r.t.Helper()
	if !r.transcript.Resumable() {
		r.t.Fatalf("not resumable after %s", &r.client)
	}
	body := []byte(r.request)
	request := bytes.Join(r.transcript.Prefill(body, model), nil)
	if string(body) != r.request {
		r.t.Fatal("asking to go on changed the client's request")
	}
	if _, err := ParseRequest(request); err != nil {
		r.t.Fatalf("%v: %s", err, request)
	}
	return string(request)
}

func overwrite(parts ...[]byte) {
	for _, p := range parts {
		for i := range p {
			p[i] = '#'
		}
	}
}

// heard is what a client makes of an answer.
type heard struct {
	Text   string
	ID     string
	Starts int // roles, or message_starts
	Blocks []string
	Usage  int // tokens of output
	Total  int // tokens in all
	Whole  bool
}

// hear reads the client's stream by the dialect's rules: as one judge does, and
// as its official SDK puts an answer together.
func (r *resumed) hear() heard {
	r.t.Helper()
	judge := r.endpoint.NewJudge(Request{})
	var h heard
	for i, e := range eventsOf(r.client.String()) {
		m := judge.Event([]byte(e.name), []byte(e.data))
		if m.Has(Malformed) || m.Has(Failed) || h.Whole {
			r.t.Fatalf("event %d has the marks %b, the answer was whole: %v\n%s", i, m, h.Whole, &r.client)
		}
		h.Whole = m.Has(Done)
		if e.data == "[DONE]" {
			continue
		}
		if r.endpoint.Dialect == Anthropic {
			r.hearMessage(&h, e)
		} else {
			r.hearChunk(&h, e)
		}
	}
	return h
}

func (r *resumed) hearChunk(h *heard, e sentEvent) {
	r.t.Helper()
	var c struct {
		ID      string
		Choices []struct {
			Index int
			Delta struct {
				Role, Content *string
			}
		}
		Usage struct {
			Completion int `json:"completion_tokens"`
			Total      int `json:"total_tokens"`
		}
	}
	unmarshal(r.t, e.data, &c)
	if h.ID != "" && c.ID != h.ID {
		r.t.Fatalf("the id %s became %s", h.ID, c.ID)
	}
	h.ID = c.ID
	for _, choice := range c.Choices {
		if choice.Delta.Role != nil {
			h.Starts++
		}
		if choice.Delta.Content != nil {
			h.Text += *choice.Delta.Content
		}
	}
	h.Usage, h.Total = h.Usage+c.Usage.Completion, h.Total+c.Usage.Total
}

// hearMessage holds a message to the order of its events: one start, then block
// after block, each with its start, its pieces and its stop.
func (r *resumed) hearMessage(h *heard, e sentEvent) {
	r.t.Helper()
	var c struct {
		Type    string
		Index   int
		Message struct{ ID string }
		Block   struct{ Type, Text string } `json:"content_block"`
		Delta   struct{ Type, Text string }
		Usage   struct {
			Output int `json:"output_tokens"`
		}
	}
	unmarshal(r.t, e.data, &c)
	if c.Type != e.name {
		r.t.Fatalf("an event of type %s is named %s", c.Type, e.name)
	}
	open := len(h.Blocks) > 0 && !strings.HasSuffix(h.Blocks[len(h.Blocks)-1], ".")
	last := len(h.Blocks) - 1
	switch c.Type {
	case "message_start":
		h.Starts++
		h.ID = c.Message.ID
	case "content_block_start":
		if open || c.Index != last+1 {
			r.t.Fatalf("block %d begins after block %d, which is open: %v", c.Index, last, open)
		}
		h.Blocks = append(h.Blocks, c.Block.Type)
		h.Text += c.Block.Text
	case "content_block_delta", "content_block_stop":
		if !open || c.Index != last {
			r.t.Fatalf("%s of block %d, the last is %d and open: %v", c.Type, c.Index, last, open)
		}
		h.Text += c.Delta.Text
		if c.Type == "content_block_stop" {
			h.Blocks[last] += "."
		}
	case "message_delta", "message_stop":
		if open {
			r.t.Fatalf("%s while block %d is open", c.Type, last)
		}
	}
	h.Usage += c.Usage.Output
}

func unmarshal(t *testing.T, data string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(data), into); err != nil {
		t.Fatalf("%v: %q", err, data)
	}
}
