package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
)

// TestWithoutRecoveryABreakIsAnErrorEvent for every way to break and every
// endpoint, also where another backend would stand in for a failure before.
func TestWithoutRecoveryABreakIsAnErrorEvent(t *testing.T) {
	for _, b := range breaks {
		for _, e := range allStreamEndpoints {
			t.Run(b.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				first, second := pair(t)
				healthy := split(direct(t, first.URL, e))
				first.SetFault(b.fault)
				r := newStreamRig(t, recovering(gateway.RecoverNothing, true, true), first.URL, second.URL)
				a := r.open(e.path, e.body)
				a.wantHeaders(http.StatusOK, "b0", 1)
				stream := alike(a.whole())
				events := withoutComments(split(stream))
				last := len(events) - 1
				if d := cmp.Diff(healthy[:last], events[:last]); d != "" || last < 3 {
					t.Errorf("%d events: %s", last, d)
				}
				checkErrorEvent(t, e, events[last], "", last)
				if strings.Contains(stream, "[DONE]") || second.Count() != 0 {
					t.Errorf("the second backend was asked %d times, and the stream is %q", second.Count(), stream)
				}
				r.wantRecovered(map[string]int{})
			})
		}
	}
}
