package admin

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// keepPeriod is how long Keep waits for more changes before it looks.
const keepPeriod = 100 * time.Millisecond

// Changed has Keep look. Call it after each configuration that was applied and
// each transition. It never blocks.
func (h *Handler) Changed() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// Keep looks at every status when something has changed, until ctx ends: where
// no resource keeps them, a condition's lastTransitionTime is when it was first
// looked at.
func (h *Handler) Keep(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.changed:
		}
		pause.Reset(keepPeriod)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		// Before there is a configuration, there is nothing to look at.
		_, _ = h.statuses.circuitItems(ctx, types.NamespacedName{})
		_, _ = h.statuses.routeItems(ctx, types.NamespacedName{})
	}
}
