package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// askPath sends a request of any method to a path route.
func (r *bubbleRig) askPath(method, body string) told {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+"/ext/orders", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req)
}

// TestWhatAProviderMayHaveDoneIsNotAskedForTwice: a request that is not idempotent
// is neither repeated nor taken to another backend, unless it is clear that the
// provider has not acted on it. (Calls of models change nothing; they always are.)
func TestWhatAProviderMayHaveDoneIsNotAskedForTwice(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fault  providersim.Fault
		down   bool
		tune   func(*streamSetup)
		others string // the story of methods that are idempotent
		posts  string // of those that are not
		status int    // that they get
	}{
		{name: "500", fault: providersim.Fault{Status: 500}, others: thrice + " b1@1.5s", posts: once, status: 500},
		{name: "502", fault: providersim.Fault{Status: 502}, others: thrice + " b1@1.5s", posts: once, status: 502},
		{name: "504", fault: providersim.Fault{Status: 504}, others: thrice + " b1@1.5s", posts: once, status: 504},
		{name: "closed before the status line", fault: providersim.Fault{Kind: providersim.Close}, others: thrice + " b1@1.5s", posts: once, status: 502},
		{name: "silent", fault: providersim.Fault{Kind: providersim.Hang}, tune: attempt10s, others: once + " b1@10s", posts: once, status: 504},
		{name: "a redirect", fault: providersim.Fault{Kind: providersim.Redirect, Status: 303, Location: "/done"}, others: twice + " b1@500ms", posts: once, status: 502},
		{name: "503", fault: providersim.Fault{Status: 503}, others: thrice + " b1@1.5s", posts: thrice + " b1@1.5s", status: 200},
		{name: "429", fault: providersim.Fault{Status: 429}, others: thrice + " b1@1.5s", posts: thrice + " b1@1.5s", status: 200},
		{name: "408", fault: providersim.Fault{Status: 408}, others: thrice + " b1@1.5s", posts: thrice + " b1@1.5s", status: 200},
		{name: "402", fault: providersim.Fault{Status: 402}, others: once + " b1@0s", posts: once + " b1@0s", status: 200},
		{name: "401", fault: providersim.Fault{Status: 401}, tune: ownCredential, others: once + " b1@0s", posts: once + " b1@0s", status: 200},
		{name: "403", fault: providersim.Fault{Status: 403}, tune: ownCredential, others: once + " b1@0s", posts: once + " b1@0s", status: 200},
		{name: "a 4xx of failureStatusCodes", fault: providersim.Fault{Status: 409}, tune: failsWith("409"), others: thrice + " b1@1.5s", posts: thrice + " b1@1.5s", status: 200},
		{name: "no connection", down: true, others: "b1@1.5s", posts: "b1@1.5s", status: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for method, body := range map[string]string{
				http.MethodPost: `{"item":1}`, http.MethodPatch: `{"item":1}`,
				http.MethodGet: "", http.MethodHead: "", http.MethodOptions: "", http.MethodPut: `{"item":1}`, http.MethodDelete: "",
			} {
				inBubble(t, tc.tune, 2, func(r *bubbleRig) {
					if r.fault(0, tc.fault); tc.down {
						delete(r.net, "b0:80")
					}
					a := r.askPath(method, body)
					story, status := tc.others, http.StatusOK
					if method == http.MethodPost || method == http.MethodPatch {
						story, status = tc.posts, tc.status
					}
					if a.err != nil || a.status != status {
						t.Errorf("%s: the client got %d, %v; want %d", method, a.status, a.err, status)
					}
					r.wantStory(story)
					for _, sim := range r.sims {
						for _, req := range sim.Requests() {
							if req.Method != method || string(req.Body) != body {
								t.Errorf("a provider saw %s %q, want %s %q", req.Method, req.Body, method, body)
							}
						}
					}
				})
			}
		})
	}
}

// TestAnIdleConnectionThatIsResetUnderAPost: what it was sent may have been done.
func TestAnIdleConnectionThatIsResetUnderAPost(t *testing.T) {
	for method, want := range map[string]string{
		http.MethodPost: "b0@1s",
		http.MethodPut:  "b0@1s b0@1s",
	} {
		inBubble(t, nil, 2, func(r *bubbleRig) {
			r.askPath(method, `{"item":1}`)
			r.sims[0].ClearRequests()
			time.Sleep(second)
			r.fault(0, providersim.Fault{Kind: providersim.Close, Requests: 1})
			if a := r.askPath(method, `{"item":2}`); (a.status == 502) != (method == http.MethodPost) {
				t.Errorf("%s: the client got %d", method, a.status)
			}
			r.wantStory(want)
		})
	}
}
