package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/internal/fleet"
)

const (
	nameCheckEvery = 500 * time.Millisecond
	// nameCheckFor is how long another process's report is watched for a sign of
	// life: for longer than a heartbeat takes.
	nameCheckFor = fleet.Heartbeat + fleet.Heartbeat/2
)

var errSameName = errors.New("give each replica a name of its own with --replica-name")

// admit waits until it is known that no other process reports under this one's
// name. A report that has come to a standstill is that of a process that is no
// more, and one of this process's own Pod is that of the container before.
func (r *Reporter) admit(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx)
	tick := time.NewTicker(nameCheckEvery)
	defer tick.Stop()
	var first *unstructured.Unstructured
	var since time.Time
	said := ""
	for {
		found, err := r.look(ctx)
		switch {
		case err != nil:
			if said != err.Error() {
				said = err.Error()
				log.Info("Waiting to learn whether another replica has this one's name", "replica", r.Name, "reason", said)
			}
		case found == nil || r.isOwn(found):
			close(r.admitted)
			return nil
		case first == nil:
			first, since = found, time.Now()
			log.Info("A report of this replica's name is there already: looking whether its process lives", "replica", r.Name, "instance", instanceOf(found))
		case found.GetResourceVersion() != first.GetResourceVersion() && instanceOf(found) != r.instance:
			return fmt.Errorf("another process, instance %s, reports as replica %q: %w", instanceOf(found), r.Name, errSameName)
		case time.Since(since) > nameCheckFor:
			close(r.admitted)
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look reads the object of this process's name past the cache; nil: there is
// none, or it may not be read, which is for the administrator to mend and no
// reason not to serve.
func (r *Reporter) look(ctx context.Context) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	o := newReplica(r.Namespace, r.Name)
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(o), o)
	switch {
	case err == nil:
		return o, nil
	case apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) && apierrors.IsNotFound(err):
		return nil, errors.New("the API server does not know the kind GatewayReplica: install this version's CustomResourceDefinitions")
	case apierrors.IsNotFound(err):
		return nil, nil
	case apierrors.IsForbidden(err):
		ctrl.LoggerFrom(ctx).Error(err, "This replica can neither report nor learn of others until it has the right to", "replica", r.Name)
		return nil, nil
	}
	return nil, fmt.Errorf("reading the report of this replica's name: %w", err)
}

// isOwn reports whether an object is of this process or of its Pod.
func (r *Reporter) isOwn(o *unstructured.Unstructured) bool {
	if i := instanceOf(o); i == r.instance || i == "" {
		return true
	}
	for _, owner := range o.GetOwnerReferences() {
		if owner.Kind == "Pod" && owner.UID == r.PodUID {
			return r.PodUID != ""
		}
	}
	return false
}

func instanceOf(o *unstructured.Unstructured) string {
	s, _, _ := unstructured.NestedString(o.Object, "status", "instance") // of another type: as if absent
	return s
}
