package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
)

// stubbornRetry is how soon an API server that cannot be reached is tried again;
// by chance up to twice as long, so that not all replicas come at once.
const stubbornRetry = time.Second

// newStubbornInformer returns an informer that is back soon after an outage,
// however long that was: by itself it would wait up to a minute by then, and so
// would every edit that was missed.
func newStubbornInformer(lw toolscache.ListerWatcher, o runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	patient := &stubborn{
		ListerWatcherWithContext: toolscache.ToListerWatcherWithContext(lw),
		log:                      ctrl.Log.WithName("cache").WithValues("kind", fmt.Sprintf("%T", o)),
	}
	return toolscache.NewSharedIndexInformer(patient, o, resync, indexers)
}

// stubborn asks again and again while nobody answers. What an API server answers,
// an error included, is its caller's to act upon.
type stubborn struct {
	toolscache.ListerWatcherWithContext
	log  logr.Logger
	away atomic.Bool
}

// List is ListWithContext without a context.
func (s *stubborn) List(o metav1.ListOptions) (runtime.Object, error) {
	return s.ListWithContext(context.Background(), o)
}

// Watch is WatchWithContext without a context.
func (s *stubborn) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return s.WatchWithContext(context.Background(), o)
}

// ListWithContext lists.
func (s *stubborn) ListWithContext(ctx context.Context, o metav1.ListOptions) (out runtime.Object, err error) {
	err = s.insist(ctx, func() error {
		out, err = s.ListerWatcherWithContext.ListWithContext(ctx, o)
		return err
	})
	return out, err
}

// WatchWithContext watches.
func (s *stubborn) WatchWithContext(ctx context.Context, o metav1.ListOptions) (out watch.Interface, err error) {
	err = s.insist(ctx, func() error {
		out, err = s.ListerWatcherWithContext.WatchWithContext(ctx, o)
		if err == nil && reflect.TypeOf(out) == noWatch {
			return errBroke
		}
		return err
	})
	return out, err
}

// noWatch is what the client makes of a connection that breaks before the answer:
// a watch that is over, and no error.
var (
	noWatch  = reflect.TypeOf(watch.NewEmptyWatch())
	errBroke = errors.New("the connection broke before there was an answer")
)

func (s *stubborn) insist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if err == nil || isAnswer(err) || ctx.Err() != nil {
			if s.away.CompareAndSwap(true, false) {
				s.log.Info("The API server is back")
			}
			return err
		}
		if s.away.CompareAndSwap(false, true) {
			s.log.Info("The API server cannot be reached; trying on", "reason", err.Error())
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(stubbornRetry + rand.N(stubbornRetry)):
		}
	}
}

// isAnswer reports whether an error is the API server's own word.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}
