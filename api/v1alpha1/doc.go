// Package v1alpha1 is Switchgear's API: the kinds CircuitPolicy, ProviderRoute
// and GatewayReplica, their validation as schema markers, and the names of
// conditions, reasons, labels and annotations. It owns no behaviour and imports
// nothing of this project.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +groupName=switchgear.dev
package v1alpha1
