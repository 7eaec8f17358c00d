package admin

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// List is the answer to a request for all items of a kind.
type List[T any] struct {
	Items []T `json:"items"`
}

// CircuitItem is one CircuitPolicy.
type CircuitItem struct {
	Namespace         string                       `json:"namespace"`
	Name              string                       `json:"name"`
	CreationTimestamp metav1.Time                  `json:"creationTimestamp,omitzero"`
	Mode              v1alpha1.Mode                `json:"mode"`
	Status            v1alpha1.CircuitPolicyStatus `json:"status"`
}

// RouteItem is one ProviderRoute.
type RouteItem struct {
	Namespace         string                       `json:"namespace"`
	Name              string                       `json:"name"`
	CreationTimestamp metav1.Time                  `json:"creationTimestamp,omitzero"`
	Status            v1alpha1.ProviderRouteStatus `json:"status"`
}

// named is what has a namespace and a name.
type named interface{ meta() metav1.Object }

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

func keysOf[T named](all []T) map[types.NamespacedName]bool {
	keys := make(map[types.NamespacedName]bool, len(all))
	for _, one := range all {
		keys[keyOf(one.meta())] = true
	}
	return keys
}

// choose returns the one of that key, or where the key is empty all of them, by
// namespace and name.
func choose[T named](all []T, only types.NamespacedName) []T {
	var chosen []T
	for _, one := range all {
		if only == (types.NamespacedName{}) || keyOf(one.meta()) == only {
			chosen = append(chosen, one)
		}
	}
	slices.SortFunc(chosen, func(a, b T) int {
		x, y := keyOf(a.meta()), keyOf(b.meta())
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	return chosen
}
