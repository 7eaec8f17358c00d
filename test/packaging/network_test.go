package packaging

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// TestEverythingSelectsThePods: a selector that misses is no error anywhere, and
// nothing works.
func TestEverythingSelectsThePods(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	pod := labels.Set(d.Spec.Template.Labels)
	selects := func(what string, s *metav1.LabelSelector) {
		t.Helper()
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}
		if selector.Empty() || !selector.Matches(pod) {
			t.Errorf("%s does not select the pods: %s of %s", what, selector, pod)
		}
	}
	selects("the Deployment", d.Spec.Selector)
	selects("the PodDisruptionBudget", find[policyv1.PodDisruptionBudget](t, "PodDisruptionBudget", "switchgear-controller-manager").Spec.Selector)
	ports := containerPorts(t)
	for name, want := range map[string]struct {
		port   int32
		target string
	}{
		"switchgear-gateway":                            {80, "gateway"},
		"switchgear-controller-manager-metrics-service": {8443, "metrics"},
	} {
		s := find[corev1.Service](t, "Service", name)
		selects(name, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
		if p := s.Spec.Ports; len(p) != 1 || p[0].Port != want.port || p[0].TargetPort.StrVal != want.target || ports[want.target] == 0 {
			t.Errorf("%s has the ports %v, want %d to the container's port %s", name, p, want.port, want.target)
		}
	}
}

// TestWhoGetsIn: clients to the gateway, monitoring to the metrics, nobody else
// to anything.
func TestWhoGetsIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		port   string
		labels map[string]string
	}{
		"switchgear-allow-gateway-traffic": {"gateway", map[string]string{"switchgear.dev/client": "true"}},
		"switchgear-allow-metrics-traffic": {"metrics", map[string]string{"metrics": "enabled"}},
	} {
		spec := find[networkingv1.NetworkPolicy](t, "NetworkPolicy", name).Spec
		if diff := cmp.Diff([]networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, spec.PolicyTypes); diff != "" {
			t.Errorf("%s: types (-want +got):\n%s", name, diff)
		}
		if !labels.SelectorFromSet(spec.PodSelector.MatchLabels).Matches(labels.Set(deployment(t).Spec.Template.Labels)) {
			t.Errorf("%s does not select the pods", name)
		}
		if len(spec.Ingress) != 1 || len(spec.Ingress[0].From) != 1 || len(spec.Ingress[0].Ports) != 1 {
			t.Fatalf("%s admits %v", name, spec.Ingress)
		}
		in := spec.Ingress[0]
		if in.Ports[0].Port.StrVal != want.port || containerPorts(t)[want.port] == 0 {
			t.Errorf("%s admits to port %v, want %s", name, in.Ports[0].Port, want.port)
		}
		wantFrom := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: want.labels}}
		if diff := cmp.Diff(wantFrom, in.From[0]); diff != "" {
			t.Errorf("%s admits from (-want +got):\n%s", name, diff)
		}
	}
}

// TestServiceMonitorFindsTheService reads the two sides of a selection that no
// API server here would judge.
func TestServiceMonitorFindsTheService(t *testing.T) {
	t.Parallel()
	objects, err := kustomize(t.Context(), filepath.Join(root, "config", "prometheus"))
	if err != nil {
		t.Fatal(err)
	}
	monitor := findIn[unstructured.Unstructured](t, objects, "ServiceMonitor", "controller-manager-metrics-monitor")
	selector, _, err := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
	if err != nil {
		t.Fatal(err)
	}
	endpoints, _, err := unstructured.NestedSlice(monitor.Object, "spec", "endpoints")
	if err != nil || len(endpoints) != 1 {
		t.Fatalf("the ServiceMonitor has the endpoints %v (%v)", endpoints, err)
	}
	endpoint := endpoints[0].(map[string]any)
	var found []string
	for _, o := range installed {
		if o.GetKind() != "Service" || !labels.SelectorFromSet(selector).Matches(labels.Set(o.GetLabels())) {
			continue
		}
		found = append(found, o.GetName())
		ports := find[corev1.Service](t, "Service", o.GetName()).Spec.Ports
		if !slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.Name == endpoint["port"] }) {
			t.Errorf("the Service %s has no port %v", o.GetName(), endpoint["port"])
		}
	}
	if diff := cmp.Diff([]string{"switchgear-controller-manager-metrics-service"}, found); diff != "" {
		t.Errorf("the ServiceMonitor selects (-want +got):\n%s", diff)
	}
}
