package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// downDoor is a request that only a provider in an outage can answer.
var downDoor = streamEndpoint{"down", chatDoor.path, strings.Replace(chatDoor.body, "gpt", "down", 1)}

// visit is a request and what came of it.
type visit struct {
	ask    streamEndpoint
	prompt string
	reply
}

// newVisit is one of all kinds of requests.
func newVisit(chance *rand.Rand, n int) visit {
	kinds := []streamEndpoint{
		chatEndpoint, messagesEndpoint, chatEndpoint, messagesEndpoint, chatDoor, messagesDoor, chatDoor,
		{"path", "/ext/a", ""}, downDoor, {"unknown", chatDoor.path, `{"model":"unknown","messages":[]}`},
	}
	v := visit{ask: kinds[chance.IntN(len(kinds))], prompt: "Hi"}
	switch {
	case chance.IntN(3) == 0:
		v.prompt = "once " + strconv.Itoa(n)
	case v.ask == chatDoor && chance.IntN(4) == 0:
		v.prompt = "refuse"
	}
	v.ask.body = strings.Replace(v.ask.body, "Hi", v.prompt, 1)
	return v
}

func (v *visit) method() string {
	if v.ask.body == "" {
		return http.MethodGet
	}
	return http.MethodPost
}

// want checks that a visitor got what there is to get without any edit.
func (v *visit) want(t *testing.T) {
	t.Helper()
	status, body := http.StatusOK, chatAnswer
	switch {
	case v.ask.name == "down":
		v.wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
		return
	case v.ask.name == "unknown":
		v.wantOwn(t, chatDoor, http.StatusNotFound, "model_not_found")
		return
	case v.prompt == "refuse":
		status, body = http.StatusBadRequest, refusedAnswer
	case v.ask.name == messagesDoor.name:
		body = messagesAnswer
	case strings.Contains(v.ask.body, `"stream":true`):
		h := hear(t, v.body)
		if v.status != status || v.err != nil || h.text != prose || h.ends != 1 || h.errors != 0 || h.starts != 1 || h.open != 0 || len(h.ids) != 1 {
			t.Errorf("a stream of %s with status %d (%v) is %+v", v.header.Get("X-Switchgear-Backend"), v.status, v.err, h)
		}
		return
	}
	if v.status != status || v.err != nil || v.body != body {
		t.Errorf("%s got status %d (%v): %s", fmt.Sprint(v.ask), v.status, v.err, v.body)
	}
}
