package controller

import (
	"slices"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// policyCounters returns the status without what only counts, so that two
// that are equal in it differ in counters alone.
func policyCounters(s v1alpha1.CircuitPolicyStatus) v1alpha1.CircuitPolicyStatus {
	s.FailureCount, s.HealthScore, s.Queued = 0, 0, 0
	if s.Replicas != nil {
		s.Replicas = &v1alpha1.ReplicaSummary{Open: s.Replicas.Open}
	}
	s.Circuits = slices.Clone(s.Circuits)
	for i := range s.Circuits {
		s.Circuits[i].FailureCount, s.Circuits[i].HealthScore, s.Circuits[i].OpenReplicas = 0, 0, 0
	}
	return s
}

// routeCounters returns the status without what only counts.
func routeCounters(s v1alpha1.ProviderRouteStatus) v1alpha1.ProviderRouteStatus {
	s.Backends = slices.Clone(s.Backends)
	for i := range s.Backends {
		s.Backends[i].FailureCount, s.Backends[i].HealthScore = 0, 0
	}
	return s
}
