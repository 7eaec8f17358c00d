package controller

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// resets remembers which requests to reset this process has done. It belongs to
// one worker.
type resets map[types.UID]string

// due takes note of the policy's request and reports whether it is to be done
// now. At first sight a request that status says is done is not done again;
// after that, any new value is a request. Taking the annotation away is none.
func (r resets) due(p *v1alpha1.CircuitPolicy) bool {
	asked := resetRequest(p)
	done, seen := r[p.UID]
	r[p.UID] = asked
	if asked == "" {
		return false
	}
	if !seen {
		done = p.Status.LastReset
	}
	return asked != done
}

// retain forgets the policies that are no more.
func (r resets) retain(policies []*v1alpha1.CircuitPolicy) {
	if len(r) == len(policies) {
		return
	}
	alive := make(map[types.UID]bool, len(policies))
	for _, p := range policies {
		alive[p.UID] = true
	}
	for uid := range r {
		if !alive[uid] {
			delete(r, uid)
		}
	}
}
