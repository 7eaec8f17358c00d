package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	ctrl "sigs.k8s.io/controller-runtime"
)

// addHealthChecks registers /healthz and /readyz. The checks' names say what
// readiness waits for: /readyz shows them while it is red.
func addHealthChecks(mgr ctrl.Manager, k *KindCheck, s *Store, r *Reporter, l *Listener) error {
	terminating := &termination{}
	if err := mgr.Add(terminating); err != nil {
		return fmt.Errorf("adding the termination watch: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", func(*http.Request) error { return nil }); err != nil {
		return fmt.Errorf("adding the liveness check: %w", err)
	}
	checks := map[string]func(*http.Request) error{
		// The first configuration comes right after the caches have synced, so
		// this one stands for an API server that cannot be reached too.
		"api-server-read-and-configuration-applied": func(*http.Request) error {
			select {
			case <-s.Applied():
				return nil
			default:
				return errors.New("no configuration has been applied: the resources have not been read from the API server yet")
			}
		},
		"kinds-of-this-version": k.check,
		"replica-name-free": func(*http.Request) error {
			select {
			case <-r.admitted:
				return nil
			default:
				return errors.New("it is not known yet whether another replica has this one's name: the log says what is waited for")
			}
		},
		"listener-bound": func(*http.Request) error {
			if !l.Bound() {
				return errors.New("the gateway's listener is not open yet")
			}
			return nil
		},
		"not-terminating": terminating.check,
	}
	for name, check := range checks {
		if err := mgr.AddReadyzCheck(name, check); err != nil {
			return fmt.Errorf("adding the readiness check %s: %w", name, err)
		}
	}
	return nil
}

// termination turns readiness red as soon as the process has been told to end.
type termination struct{ told atomic.Bool }

// Start waits for the end.
func (t *termination) Start(ctx context.Context) error {
	<-ctx.Done()
	t.told.Store(true)
	return nil
}

// NeedLeaderElection has the manager start it on every replica.
func (*termination) NeedLeaderElection() bool { return false }

func (t *termination) check(*http.Request) error {
	if t.told.Load() {
		return errors.New("the process is draining before it ends")
	}
	return nil
}
