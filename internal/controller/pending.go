package controller

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// pending are the objects that are not live on every replica yet, to be looked
// at when a replica's configuration changes.
type pending struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]bool // guarded by mu
}

// note says whether an object is pending.
func (p *pending) note(key types.NamespacedName, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !is:
		delete(p.objects, key)
	case p.objects == nil:
		p.objects = map[types.NamespacedName]bool{key: true}
	default:
		p.objects[key] = true
	}
}

func (p *pending) all() []types.NamespacedName {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.objects))
}
