package soak

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

const (
	gracePeriod = 20 * time.Second
	// patience is how long a process may take to start or to end.
	patience = 3 * time.Minute
	// shutdownDelay is for requests that were sent when the Pod was still in
	// rotation.
	shutdownDelay = 3 * time.Second
)

// replica is one of the three, through all processes that have played it.
type replica struct {
	name   string
	stage  *stage
	wire   *testenv.Wire
	killed []time.Time // guarded by mu

	mu       sync.Mutex
	process  *process // guarded by mu; nil before the first
	rotation bool     // guarded by mu: clients may ask it
}

// process is an operator that runs, or has run.
type process struct {
	*testenv.Operator
	log     *testenv.LogBuffer
	debug   string // the URL of its debug listener
	ending  chan struct{}
	resting *resting // how it was when nobody had asked for the first time
}

func newReplica(s *stage, name string) (*replica, error) {
	w, err := cluster.NewWire()
	if err != nil {
		return nil, err
	}
	return &replica{name: name, stage: s, wire: w}, nil
}

// start starts a process, in the Pod of that name or, if that is empty, in a new
// one, and lets clients ask it once it is ready.
func (r *replica) start(ctx context.Context, pod string) error {
	debug, err := freeAddress()
	if err != nil {
		return err
	}
	p := &process{log: &testenv.LogBuffer{}, debug: "http://" + debug, ending: make(chan struct{})}
	p.Operator, err = cluster.StartOperator(ctx, testenv.OperatorOptions{
		Binary: binary, Log: p.log, Pod: pod, Server: r.wire.Address(),
		Args: []string{
			"--allow-backend-cidr=127.0.0.0/8", "--allow-plaintext-credentials", "--grace-period=" + gracePeriod.String(),
			"--shutdown-delay=" + shutdownDelay.String(),
			"--metrics-secure=false", "--debug-listen=" + debug, "--access-log=off",
		},
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.process = p
	r.mu.Unlock()
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.WaitReady(ready); err != nil {
		return fmt.Errorf("%s: %w; its log ends with:\n%s", r.name, err, p.log.Tail())
	}
	r.stage.listen(ctx, r, p)
	r.rotate(true)
	return nil
}

func (r *replica) now() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// rotate says whether clients may ask the replica.
func (r *replica) rotate(in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rotation = in
}

func (r *replica) inRotation() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rotation
}

// kill ends the process at once. Nothing of it is lost on purpose but what it was
// just answering.
func (r *replica) kill() error {
	p := r.now()
	r.mu.Lock()
	r.rotation = false
	r.killed = append(r.killed, time.Now())
	r.mu.Unlock()
	close(p.ending)
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	<-p.Done()
	return p.log.Check()
}

// end ends the process as Kubernetes ends a Pod. No request may be lost by it.
func (r *replica) end(ctx context.Context) error {
	r.rotate(false)
	p := r.now()
	close(p.ending)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := errors.Join(p.Stop(ctx), p.log.Check()); err != nil {
		return fmt.Errorf("%s: %w; its log ends with:\n%s", r.name, err, p.log.Tail())
	}
	return nil
}

// replace starts a process in a new Pod, in place of one that has ended.
func (r *replica) replace(ctx context.Context) error {
	if err := cluster.RemovePod(ctx, r.now().Pod); err != nil {
		return err
	}
	return r.start(ctx, "")
}

// freeze and thaw are what a node does that stalls.
func (r *replica) freeze() error {
	r.rotate(false)
	return r.now().Signal(syscall.SIGSTOP)
}

func (r *replica) thaw() error {
	err := r.now().Signal(syscall.SIGCONT)
	r.rotate(true)
	return err
}

// killedSince reports whether a request that began then may have died with it.
func (r *replica) killedSince(begun time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.killed, func(at time.Time) bool { return !at.Before(begun) })
}

func (p *process) metricsURL() string {
	return strings.Replace(p.MetricsURL, "https://", "http://", 1) + "/metrics"
}

// leader finds the replica that leads; nil: none does.
func (s *stage) leader() *replica {
	for _, r := range s.replicas {
		p := r.now()
		select {
		case <-p.Done():
		default:
			if p.log.Leads() {
				return r
			}
		}
	}
	return nil
}

// pause lets time pass.
func (s *stage) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
