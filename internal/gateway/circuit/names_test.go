package circuit

import (
	"fmt"
	"testing"
)

func TestNamesAreTheAPIs(t *testing.T) {
	got := fmt.Sprint(Closed, HalfOpen, Open, Enforce, Observe, Disabled, Success, Failure, Throttled, Ignored,
		NotRefused, CircuitOpen, ProbesBusy, ForcedOpen, BulkheadFull, BulkheadTimeout, Cancelled)
	want := "Closed HalfOpen Open Enforce Observe Disabled Success Failure Throttled Ignored " +
		"NotRefused CircuitOpen ProbesBusy ForcedOpen BulkheadFull BulkheadTimeout Cancelled"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if Closed >= HalfOpen || HalfOpen >= Open {
		t.Error("the worse state must be the greater")
	}
}

func TestAPermitKnowsThatItIsAProbe(t *testing.T) {
	r := newRig(t, base())
	r.play("a1 F F F +30s a2")
	if r.permits["1"].Probe() || !r.permits["2"].Probe() {
		t.Errorf("the first call is a probe: %v, the one while half-open: %v", r.permits["1"].Probe(), r.permits["2"].Probe())
	}
	r.play("t2")
	if !r.permits["2"].Probe() {
		t.Error("a streamed probe is none after its first token")
	}
}
