package providersim

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// Echo is the answer of the plain HTTP API under /http/: the request as it
// arrived.
type Echo struct {
	Provider string      `json:"provider"`
	Method   string      `json:"method"`
	Host     string      `json:"host"`
	Path     string      `json:"path"`
	Query    url.Values  `json:"query"`
	Headers  http.Header `json:"headers"`
	Body     string      `json:"body"`
}

func (c *call) echoWhole() []byte {
	r := c.x.r
	// Maps and slices of strings always marshal.
	b, _ := json.Marshal(Echo{
		Provider: c.x.sim.options.Name, Method: r.Method, Host: r.Host, Path: r.URL.Path,
		Query: r.URL.Query(), Headers: r.Header, Body: string(c.x.body),
	})
	return b
}

// echoStream is what ?stream=true gets: events of no dialect, that end where
// the answer ends.
func (c *call) echoStream() events {
	return events{
		token:   func(i int) []byte { return sse("", `{"text":`+quote(c.words[i])+`}`) },
		tokens:  len(c.words),
		broken:  sse("", `{"text":"bro`),
		problem: sse("error", string(c.x.problem(200).body())),
	}
}
