package controller

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// enqueuer adds keys to a controller's queue from outside. It never blocks.
type enqueuer struct {
	queue atomic.Pointer[workqueue.TypedRateLimitingInterface[reconcile.Request]]
}

// source hands the enqueuer the queue when the controller starts.
func (e *enqueuer) source() source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		e.queue.Store(&q)
		return nil
	})
}

// add enqueues the keys. Before the controller has started it does nothing: at
// its start the controller looks at every object anyway.
func (e *enqueuer) add(keys ...types.NamespacedName) {
	q := e.queue.Load()
	if q == nil {
		return
	}
	for _, key := range keys {
		(*q).Add(reconcile.Request{NamespacedName: key})
	}
}

// startWith enqueues a key when the controller starts, whether or not there is
// an object that would.
func startWith(key types.NamespacedName) source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		q.Add(reconcile.Request{NamespacedName: key})
		return nil
	})
}
