package controller

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
)

// DataPlaneServer is the gateway's listener.
type DataPlaneServer interface {
	Listen() error
	Addr() net.Addr
	Serve(ctx context.Context) error
	Leave()
	Shutdown(ctx context.Context) error
}

// Listener runs the gateway's listener between the first configuration and the
// end of the last request.
type Listener struct {
	Server DataPlaneServer
	// Close ends the gateway when nothing runs on it any more.
	Close    func()
	Applied  <-chan struct{} // the first configuration is live
	Admitted <-chan struct{} // no other process has this one's name
	Released <-chan struct{} // the leader's lease is given back
	// OnServing is called when clients can connect, and OnDrained when nothing runs
	// any more. They may be nil.
	OnServing, OnDrained func()
	// Delay is how long the listener stays open after the end was told, for those
	// who send requests here to learn of it.
	Delay time.Duration
	// Grace is how long what runs at the end may take to finish.
	Grace time.Duration

	bound atomic.Bool
}

// Bound reports whether clients can connect, or could before the end.
func (l *Listener) Bound() bool { return l.bound.Load() }

// Start waits for the first configuration, serves until ctx ends, and drains:
// first the lease goes, so that another replica writes status meanwhile; after
// the delay the listener; then what runs has the grace period to finish.
func (l *Listener) Start(ctx context.Context) error {
	defer l.Close()
	if l.OnDrained != nil {
		defer l.OnDrained()
	}
	for _, done := range []<-chan struct{}{l.Applied, l.Admitted} {
		select {
		case <-ctx.Done():
			return nil
		case <-done:
		}
	}
	if err := l.Server.Listen(); err != nil {
		return fmt.Errorf("opening the gateway's listener: %w", err)
	}
	log := ctrl.LoggerFrom(ctx)
	log.Info("Serving", "address", l.Server.Addr().String())
	l.bound.Store(true)
	if l.OnServing != nil {
		l.OnServing()
	}

	served := make(chan error, 1)
	serveCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() { served <- l.Server.Serve(serveCtx) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	l.Server.Leave()
	delay := time.NewTimer(l.Delay)
	defer delay.Stop()
	<-l.Released
	<-delay.C
	log.Info("Draining", "gracePeriod", l.Grace.String())
	drainCtx, cancel := context.WithTimeout(serveCtx, l.Grace)
	defer cancel()
	if err := l.Server.Shutdown(drainCtx); err != nil {
		log.Info("Cut what had not finished within the grace period", "reason", err.Error())
	}
	stop()
	if err := <-served; err != nil {
		log.Info("The listener had ended", "reason", err.Error())
	}
	return nil
}

// NeedLeaderElection has the manager start the listener on every replica.
func (*Listener) NeedLeaderElection() bool { return false }
