package controller

import (
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// Scheme returns the kinds that the operator knows.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("registering the built-in kinds: %w", err)
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("registering switchgear's kinds: %w", err)
	}
	return s, nil
}

// newMapper returns what is to be known of the kinds that the operator reads
// and writes. To discover it would take an API server at the start.
func newMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion})
	for _, kind := range []schema.GroupVersionKind{
		v1alpha1.GroupVersion.WithKind(policyKind),
		v1alpha1.GroupVersion.WithKind(routeKind),
		v1alpha1.GroupVersion.WithKind(replicaKind),
		corev1.SchemeGroupVersion.WithKind("Secret"),
		eventsv1.SchemeGroupVersion.WithKind(eventKind),
	} {
		m.Add(kind, meta.RESTScopeNamespace)
		// A cache of chosen namespaces asks about the list's kind too.
		m.Add(kind.GroupVersion().WithKind(kind.Kind+"List"), meta.RESTScopeNamespace)
	}
	return m, nil
}
