package controller

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// fieldOwner owns the status fields in server-side apply.
const fieldOwner = client.FieldOwner("switchgear")

// statusWriter writes status once, within the budget, and only over what it
// has seen.
type statusWriter struct {
	client  client.Client
	budget  *WriteBudget
	leading func() bool

	mu      sync.Mutex
	written map[WriteKey]writtenVersion // guarded by mu
}

type writtenVersion struct {
	uid     types.UID
	version string
}

// stale reports whether the object is older than what this process has written
// to it. Then there is nothing to do: its next version is on the way and brings
// the next look.
func (w *statusWriter) stale(key WriteKey, o client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.written[key]
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(o.GetResourceVersion(), last.version)
	if err == nil && order < 0 && last.uid == o.GetUID() {
		return true
	}
	delete(w.written, key)
	return false
}

// forget drops what is remembered of an object that is no more, or that this
// process does not write to any more.
func (w *statusWriter) forget(key WriteKey) {
	w.budget.Drop(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.written, key)
}

// write applies the status if the budget lets it, and reports whether it did.
// If not, the object is enqueued again when its turn has come.
func (w *statusWriter) write(ctx context.Context, key WriteKey, class WriteClass, o client.Object, status any) (bool, error) {
	if !w.budget.Ask(key, class) {
		return false, nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return false, fmt.Errorf("converting the status of %s %s: %w", key.Kind, key.NamespacedName, err)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"status": fields}}
	u.SetAPIVersion(v1alpha1.GroupVersion.String())
	u.SetKind(key.Kind)
	u.SetNamespace(key.Namespace)
	u.SetName(key.Name)
	u.SetUID(o.GetUID()) // not to an object that was made anew under this name
	err = w.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), fieldOwner, client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil // gone, or another by now; its event brings us back
	}
	if err != nil {
		return false, fmt.Errorf("writing the status of %s %s: %w", key.Kind, key.NamespacedName, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written == nil {
		w.written = map[WriteKey]writtenVersion{}
	}
	w.written[key] = writtenVersion{o.GetUID(), u.GetResourceVersion()}
	return true, nil
}
