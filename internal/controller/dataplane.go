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
	Shutdown(ctx context.Context) error
}

// listener runs the gateway's listener between the first configuration and the
// end of the last request.
type listener struct {
	server DataPlaneServer
	// close ends the gateway when nothing runs on it any more.
	close    func()
	applied  <-chan struct{} // the first configuration is live
	released <-chan struct{} // the leader's lease is given back
	grace    time.Duration
	bound    atomic.Bool
}

// Start waits for the first configuration, serves until ctx ends, and drains:
// first the lease goes, so that another replica writes status meanwhile, then
// the listener, then what runs has the grace period to finish.
func (l *listener) Start(ctx context.Context) error {
	defer l.close()
	select {
	case <-ctx.Done():
		return nil
	case <-l.applied:
	}
	if err := l.server.Listen(); err != nil {
		return fmt.Errorf("opening the gateway's listener: %w", err)
	}
	log := ctrl.LoggerFrom(ctx)
	log.Info("Serving", "address", l.server.Addr().String())
	l.bound.Store(true)

	served := make(chan error, 1)
	serveCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() { served <- l.server.Serve(serveCtx) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	<-l.released
	log.Info("Draining", "gracePeriod", l.grace.String())
	drainCtx, cancel := context.WithTimeout(serveCtx, l.grace)
	defer cancel()
	if err := l.server.Shutdown(drainCtx); err != nil {
		log.Info("Cut what had not finished within the grace period", "reason", err.Error())
	}
	stop()
	if err := <-served; err != nil {
		log.Info("The listener had ended", "reason", err.Error())
	}
	return nil
}

// NeedLeaderElection has the manager start the listener on every replica.
func (*listener) NeedLeaderElection() bool { return false }
