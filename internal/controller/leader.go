package controller

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// The lease. A leader that dies is replaced within leaseDuration and a retry.
const (
	leaseName     = "switchgear-leader"
	leaseDuration = 8 * time.Second
	renewDeadline = 5 * time.Second
	retryPeriod   = 1500 * time.Millisecond
)

// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=system,resources=leases,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=system,resources=leases,resourceNames=switchgear-leader,verbs=get;update

// Leader takes part in the election of the one replica that writes status and
// Events. The manager's own election is off: it ends the process when the lease
// is lost, and gives the lease back only after everything has drained, and both
// would cut streams.
type Leader struct {
	// Prepare is called each time that this process holds the lease, and it leads
	// when that has returned.
	Prepare func(context.Context)
	// OnGain is called each time that this process becomes the leader.
	OnGain func()

	lock     resourcelock.Interface
	term     atomic.Pointer[term] // the last; nil before the first
	released chan struct{}
}

// term is a time of holding the lease.
type term struct {
	ctx     context.Context
	elector *leaderelection.LeaderElector
}

// NewLeader returns a candidate for the lease in that namespace.
func NewLeader(config *rest.Config, namespace string) (*Leader, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("reading the host's name for the leader's identity: %w", err)
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, leaseName,
		resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())}, config, renewDeadline)
	if err != nil {
		return nil, fmt.Errorf("preparing the leader's lease: %w", err)
	}
	return &Leader{Prepare: func(context.Context) {}, OnGain: func() {}, lock: lock, released: make(chan struct{})}, nil
}

// Leading reports whether this process is the leader. One that was stopped for
// longer than the lease lasts is not, although it has not noticed yet.
func (l *Leader) Leading() bool {
	t := l.term.Load()
	return t != nil && t.ctx.Err() == nil && t.elector.Check(0) == nil
}

// Released is closed when the process has stopped taking part and, if it held
// the lease, has given it back or has failed to.
func (l *Leader) Released() <-chan struct{} { return l.released }

// Start takes part until ctx ends. A lost lease ends a term, nothing else: the
// process stands again.
func (l *Leader) Start(ctx context.Context) error {
	defer close(l.released)
	log := ctrl.LoggerFrom(ctx).WithName("leader")
	for ctx.Err() == nil {
		var elector *leaderelection.LeaderElector
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock:            l.lock,
			LeaseDuration:   leaseDuration,
			RenewDeadline:   renewDeadline,
			RetryPeriod:     retryPeriod,
			ReleaseOnCancel: true,
			Name:            leaseName,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(ctx context.Context) {
					l.Prepare(ctx)
					l.term.Store(&term{ctx, elector})
					log.Info("Became the leader", "lease", l.lock.Describe(), "identity", l.lock.Identity())
					l.OnGain()
				},
				OnStoppedLeading: func() {
					log.Info("Not the leader any more", "lease", l.lock.Describe())
				},
			},
		})
		if err != nil {
			return fmt.Errorf("preparing the leader election: %w", err)
		}
		elector.Run(ctx)
	}
	return nil
}

// NeedLeaderElection has the manager start the candidate on every replica.
func (*Leader) NeedLeaderElection() bool { return false }
