package admin

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// reset closes and zeroes the circuits of one policy, and answers with its item
// as it is then.
func (h *Handler) reset(w http.ResponseWriter, r *http.Request) {
	key := keyIn(r)
	if h.resetter == nil {
		failInCluster(w, fmt.Sprintf("circuitpolicies --namespace %s %s", key.Namespace, key.Name))
		return
	}
	objects, err := h.statuses.source(r.Context())
	if err != nil {
		failReading(w, err)
		return
	}
	for _, p := range choose(objects.Policies, key) {
		h.resetter.Reset(compile.PolicyID(p.Object))
	}
	h.getCircuit(w, r)
}

// resetAll closes and zeroes every circuit, those without a policy of their own
// too, and answers with all items as they are then.
func (h *Handler) resetAll(w http.ResponseWriter, r *http.Request) {
	if h.resetter == nil {
		failInCluster(w, "circuitpolicies --all --all-namespaces")
		return
	}
	h.resetter.ResetAll()
	items, err := h.statuses.circuitItems(r.Context(), types.NamespacedName{})
	list(w, items, err)
}

func failInCluster(w http.ResponseWriter, which string) {
	fail(w, http.StatusForbidden, "use_the_resource", fmt.Sprintf(
		`in a cluster the resource is the way, which reaches every replica: kubectl annotate %s --overwrite %s="$(date)"`,
		which, v1alpha1.ResetAnnotation))
}
