package gateway_test

import (
	"strings"
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestTheErrorOfMany: when all attempts fail, the client gets the last error of
// the first backend that was really called, but for a refusal that is about the
// request itself: no other backend's error says more than that.
func TestTheErrorOfMany(t *testing.T) {
	fails := func(status int, message string, requests int) providersim.Fault {
		return providersim.Fault{Status: status, Message: message, Requests: requests}
	}
	for _, tc := range []struct {
		name    string
		faults  [3][]providersim.Fault
		open    []int
		backend string
		status  int
		told    string
		story   string
	}{
		{"the first's last", [3][]providersim.Fault{
			{fails(503, "first", 1), fails(500, "second", 1), fails(529, "third", 1)}, {fails(500, "b1", 0)}, {fails(500, "b2", 0)},
		}, nil, "b0", 529, "third", "b0@0s b0@500ms b0@1.5s b1@1.5s b1@2s b1@3s b2@3s b2@3.5s b2@4.5s"},
		{"the first's last, of another class", [3][]providersim.Fault{
			{fails(503, "first", 1), fails(404, "second", 1)}, {fails(500, "b1", 0)}, {fails(404, "b2", 0)},
		}, nil, "b0", 404, "second", "b0@0s b0@500ms b1@500ms b1@1s b1@2s b2@2s"},
		{"the first that was called", [3][]providersim.Fault{
			{}, {fails(404, "b1", 0)}, {fails(404, "b2", 0)},
		}, []int{0}, "b1", 404, "b1", "b1@0s b2@0s"},
		{"the only one that was called", [3][]providersim.Fault{
			{}, {fails(404, "b1", 0)}, {},
		}, []int{0, 2}, "b1", 404, "b1", "b1@0s"},
		{"a content refusal after a failure", [3][]providersim.Fault{
			{fails(404, "b0", 0)}, {{Status: 400, ErrorCode: "content_filter", Message: "not that"}}, {fails(500, "b2", 0)},
		}, nil, "b1", 400, "not that", "b0@0s b1@0s"},
		{"a bad request after a failure", [3][]providersim.Fault{
			{fails(404, "b0", 0)}, {fails(400, "no such parameter", 0)}, {fails(500, "b2", 0)},
		}, nil, "b1", 400, "no such parameter", "b0@0s b1@0s"},
		{"too long for all", [3][]providersim.Fault{
			{fails(413, "b0", 0)}, {fails(413, "b1", 0)}, {fails(413, "b2", 0)},
		}, nil, "b0", 413, "b0", "b0@0s b1@0s b2@0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range anyModel {
				inBubble(t, forceOpen(tc.open...), 3, func(r *bubbleRig) {
					for i, faults := range tc.faults {
						r.fault(i, faults...)
					}
					a := r.ask(way)
					if a.status != tc.status || !strings.Contains(a.body, tc.told) || a.header.Get("X-Switchgear-Backend") != tc.backend {
						t.Errorf("the client got %d of %s: %s", a.status, a.header.Get("X-Switchgear-Backend"), a.body)
					}
					if got := a.header.Get("X-Should-Retry"); got != "false" {
						t.Errorf("X-Should-Retry is %q", got)
					}
					r.wantStory(tc.story)
					if n := strings.Count(r.tally("requests_total", "backend", "class"), ":1"); n != 1 {
						t.Errorf("requests_total is %q, want one", r.tally("requests_total", "backend", "class"))
					}
				})
			}
		})
	}
}

// TestNothingOfAFailedBackendIsInTheAnswer of another: no header, no byte.
func TestNothingOfAFailedBackendIsInTheAnswer(t *testing.T) {
	for _, way := range anything {
		inBubble(t, nil, 2, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Status: 500, RetryAfter: "1", Message: "of b0", Header: map[string]string{"X-Of-B0": "yes", "Cache-Control": "no-store"}})
			a := r.ask(way)
			if !asWell(&a, "b1") || strings.Contains(a.body, "of b0") {
				t.Errorf("%s: the client got %d %s", way.name, a.status, a.body)
			}
			for _, name := range []string{"X-Of-B0", "Retry-After", "X-Should-Retry", "X-Switchgear-Error", "X-Switchgear-Circuit"} {
				if a.header[name] != nil {
					t.Errorf("%s: the answer has %s: %q", way.name, name, a.header[name])
				}
			}
			for name, values := range a.header {
				if len(values) != 1 {
					t.Errorf("%s: the answer has %s %d times: %q", way.name, name, len(values), values)
				}
			}
		})
	}
}
