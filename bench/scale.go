package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// sizes are so many policies and as many routes, each with a circuit of its own.
// The objects of the last stay there: to delete so many takes long.
var sizes = []int{100, fleetObjects, 10000}

const (
	// fleetReplicas is how many operators a fleet has, and fleetObjects how many
	// policies and routes.
	fleetReplicas, fleetObjects = 3, 1000
	// patience is how long anything may take before the run is given up.
	patience = 5 * time.Minute
)

// scale measures, on a real API server, what grows with the number of objects,
// of circuits that change, and of replicas.
func scale(ctx context.Context, binary string) error {
	log.SetLogger(logr.Discard())
	s, err := newStage(ctx, binary)
	if err != nil {
		return err
	}
	defer s.close(context.WithoutCancel(ctx))
	if err := s.learnStatuses(ctx); err != nil {
		return fmt.Errorf("learning what statuses look like: %w", err)
	}
	var all []sized
	for _, n := range sizes {
		one, err := s.size(ctx, n)
		if err != nil {
			return fmt.Errorf("%d policies and routes: %w", n, err)
		}
		all = append(all, one)
		if n != fleetObjects {
			continue
		}
		if err := s.fleet(ctx); err != nil {
			return fmt.Errorf("%d replicas: %w", fleetReplicas, err)
		}
		if err := s.crowd(ctx); err != nil {
			return fmt.Errorf("%d simulated replicas: %w", crowdReplicas, err)
		}
	}
	tellSizes(all)
	return nil
}
