package gateway_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// panicking is a logger's handler that breaks off every attempt that fails.
type panicking struct{ slog.Handler }

// Enabled is slog.Handler's.
func (panicking) Enabled(context.Context, slog.Level) bool { return true }

// Handle is slog.Handler's.
func (panicking) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "Attempt did not succeed" {
		panic("a bug")
	}
	return nil
}

// TestAPanicLosesNothing: neither a slot nor a permit nor a byte, and it counts as a
// failure.
func TestAPanicLosesNothing(t *testing.T) {
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, func(o *gateway.Options) { o.Logger = slog.New(panicking{slog.DiscardHandler}) },
		doorRoutes(t, sim.URL, newPolicy(t, oneAtATime))...)
	sim.SetFault(providersim.Fault{Status: 500, Requests: 1})
	if got := r.exchange(t.Context(), "POST", chatDoor.path, chatDoor.body); got.err == nil {
		t.Errorf("the client got %d %s", got.status, got.body)
	}
	r.wantIdle()
	if got, want := r.tally("circuit_calls_total", "outcome"), "Failure:1"; got != want {
		t.Errorf("the circuit counted %q, want %q", got, want)
	}
	if got := r.post(chatDoor); got.status != 200 {
		t.Errorf("then, a client got %d %s", got.status, got.body)
	}
}
