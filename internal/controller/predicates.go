package controller

import (
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/status"
)

// specChanged passes what can change the configuration, and never a change of
// status: the leader's writes must not make every replica compile.
func specChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
			resetRequest(e.ObjectOld) != resetRequest(e.ObjectNew)
	}}
}

// secretChanged passes changes of a Secret's data.
func secretChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok1 := e.ObjectOld.(*corev1.Secret)
		after, ok2 := e.ObjectNew.(*corev1.Secret)
		return !ok1 || !ok2 || before.UID != after.UID ||
			!maps.EqualFunc(before.Data, after.Data, func(a, b []byte) bool { return reflect.DeepEqual(a, b) })
	}}
}

// maxResetRequest is the length to which status.lastReset can hold a request, in
// bytes.
const maxResetRequest = 1024

func resetRequest(o client.Object) string {
	return status.Clip(o.GetAnnotations()[v1alpha1.ResetAnnotation], maxResetRequest)
}
