package status

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// OpenCounts adds up how often a policy's circuits have opened, so that the sum
// goes on rising where a process is new or a circuit is dropped.
type OpenCounts struct {
	mu     sync.Mutex
	counts map[types.NamespacedName]openCount // guarded by mu
}

type openCount struct {
	uid  types.UID
	base int64 // openings of circuits that are no more, or of other processes
	live int64 // openings of the circuits as last observed
}

// Count returns the sum for a policy, of whose circuits so many openings are
// known now.
func (o *OpenCounts) Count(p *v1alpha1.CircuitPolicy, live int64) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts == nil {
		o.counts = map[types.NamespacedName]openCount{}
	}
	key := types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
	n := o.counts[key]
	if n.uid != p.UID {
		n = openCount{uid: p.UID}
	}
	n.base += max(0, n.live-live)
	n.live = live
	n.base += max(0, p.Status.OpenCount-n.base-n.live)
	o.counts[key] = n
	return n.base + n.live
}

// Forget drops what is known of a policy.
func (o *OpenCounts) Forget(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.counts, key)
}

// Retain forgets every policy but these.
func (o *OpenCounts) Retain(alive map[types.NamespacedName]bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.counts, func(key types.NamespacedName, _ openCount) bool { return !alive[key] })
}
