package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/fleet"
)

// newestOf returns the highest resourceVersion of each kind.
func newestOf(in compile.Input) v1alpha1.ReplicaConfiguration {
	return v1alpha1.ReplicaConfiguration{
		CircuitPolicies: highest(in.Policies), ProviderRoutes: highest(in.Routes), Secrets: highest(in.Secrets),
	}
}

func highest[T client.Object](objects []T) string {
	top := ""
	for _, o := range objects {
		v := o.GetResourceVersion()
		if order, err := resourceversion.CompareResourceVersion(v, top); top == "" || err == nil && order > 0 {
			top = v
		}
	}
	return top
}

// policyVersion and routeVersion are what a report says of the kinds.
func policyVersion(r *fleet.Report) string { return r.Configuration.CircuitPolicies }
func routeVersion(r *fleet.Report) string  { return r.Configuration.ProviderRoutes }

// configuration tells how new the live configuration is. Objects get newer
// versions without a new configuration, when status is written. If the live one
// has every object of the cache in its present generation, it counts as being as
// new as the cache: otherwise a leader that came later, and first saw a
// generation in such a version, would wait for it in vain.
func (r *SnapshotReconciler) configuration(ctx context.Context) *v1alpha1.ReplicaConfiguration {
	compiled := r.Store.Load()
	if compiled == nil {
		return nil
	}
	newest := compiled.newest
	in, err := r.list(ctx)
	if err != nil || !compiled.covers(in) {
		return &newest
	}
	newest = newestOf(in)
	newest.Secrets = compiled.newest.Secrets
	return &newest
}

// covers reports whether every policy and route was compiled in its present
// generation.
func (c *Compiled) covers(in compile.Input) bool {
	for _, p := range in.Policies {
		if !c.policies[client.ObjectKeyFromObject(p)].is(p) {
			return false
		}
	}
	for _, r := range in.Routes {
		if !c.routes[client.ObjectKeyFromObject(r)].is(r) {
			return false
		}
	}
	return true
}
