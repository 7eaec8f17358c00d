package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

const serviceAccountNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// ownNamespace returns the namespace that the process runs in; "default" outside
// a cluster.
func ownNamespace() string {
	if ns := os.Getenv("POD_NAMESPACE"); ns != "" {
		return ns
	}
	if raw, err := os.ReadFile(serviceAccountNamespace); err == nil {
		if ns := strings.TrimSpace(string(raw)); ns != "" {
			return ns
		}
	}
	return "default"
}

// ownName returns the name of the process's Pod; outside a cluster, the host's.
func ownName() string {
	if name := os.Getenv("POD_NAME"); name != "" {
		return name
	}
	host, err := os.Hostname()
	if err != nil {
		return "switchgear"
	}
	return strings.ToLower(host)
}

// validateNamespaces looks at --namespace. The namespace of plain /v1 must be one
// of them, unless it is the operator's own, which is only the default.
func (o *operatorOptions) validateNamespaces(own string) error {
	for _, ns := range o.namespaces {
		if problems := content.IsDNS1123Label(ns); len(problems) > 0 {
			return fmt.Errorf("--namespace %q: %s", ns, strings.Join(problems, "; "))
		}
	}
	if len(o.namespaces) > 0 && o.defaultNamespace != own && !slices.Contains(o.namespaces, o.defaultNamespace) {
		return fmt.Errorf("--default-namespace %q is none of those of --namespace: nothing in it would be served", o.defaultNamespace)
	}
	return nil
}
