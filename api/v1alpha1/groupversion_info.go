package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of all kinds of this package.
var GroupVersion = schema.GroupVersion{Group: "switchgear.dev", Version: "v1alpha1"}

// SchemeGroupVersion is GroupVersion under the name that generated clients
// use.
var SchemeGroupVersion = GroupVersion

var schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme adds this package's kinds to a scheme.
var AddToScheme = schemeBuilder.AddToScheme

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&CircuitPolicy{}, &CircuitPolicyList{},
		&ProviderRoute{}, &ProviderRouteList{},
		&GatewayReplica{}, &GatewayReplicaList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
