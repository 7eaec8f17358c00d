package gateway_test

import (
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestAnAnswerThatSaysItIsCompressed is not passed on, though it is not: the client
// would not understand it.
func TestAnAnswerThatSaysItIsCompressed(t *testing.T) {
	for _, way := range anyModel {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, nil, 2, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Header: map[string]string{"Content-Encoding": "gzip"}})
				if a := r.ask(way); !asWell(&a, "b1") || a.header["Content-Encoding"] != nil {
					t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
				}
				r.wantTally("b0 InvalidResponse:2 b1 Success:1", "attempts_total", "backend", "class")
			})
		})
	}
}
