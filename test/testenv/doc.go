// Package testenv runs a real Kubernetes control plane (etcd and kube-apiserver,
// without controllers and nodes) for tests and for the demo, with Switchgear's
// CRDs installed, RBAC enforced and ServiceAccount admission on; and the operator
// as a process that signs in there as its own ServiceAccount.
//
// Its binaries are those of bin/k8s, which `make cluster` builds, or those of
// the directory that KUBEBUILDER_ASSETS names. It imports nothing of this
// project.
package testenv
