package packaging

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/switchgear/switchgear/internal/gateway"
)

// kindsAndNames lists objects, in order.
func kindsAndNames(objects []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.GetKind()+" "+o.GetName())
	}
	slices.Sort(out)
	return out
}

func TestDefaultInstallationIsAccepted(t *testing.T) {
	t.Parallel()
	out, err := apply(t.Context(), installed, "--dry-run=server")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out, " serverside-applied (server dry run)\n"); got != len(installed) {
		t.Errorf("%d of %d objects were accepted:\n%s", got, len(installed), out)
	}
	want := []string{
		"ClusterRole switchgear-admin-role",
		"ClusterRole switchgear-editor-role",
		"ClusterRole switchgear-manager-role",
		"ClusterRole switchgear-metrics-auth-role",
		"ClusterRole switchgear-metrics-reader",
		"ClusterRole switchgear-viewer-role",
		"ClusterRoleBinding switchgear-manager-rolebinding",
		"ClusterRoleBinding switchgear-metrics-auth-rolebinding",
		"CustomResourceDefinition circuitpolicies.switchgear.dev",
		"CustomResourceDefinition gatewayreplicas.switchgear.dev",
		"CustomResourceDefinition providerroutes.switchgear.dev",
		"Deployment switchgear-controller-manager",
		"Namespace switchgear-system",
		"NetworkPolicy switchgear-allow-gateway-traffic",
		"NetworkPolicy switchgear-allow-metrics-traffic",
		"PodDisruptionBudget switchgear-controller-manager",
		"Role switchgear-manager-role",
		"RoleBinding switchgear-manager-rolebinding",
		"Service switchgear-controller-manager-metrics-service",
		"Service switchgear-gateway",
		"ServiceAccount switchgear-controller-manager",
		"ValidatingAdmissionPolicy switchgear-gatewayreplicas",
		"ValidatingAdmissionPolicyBinding switchgear-gatewayreplicas",
	}
	if diff := cmp.Diff(want, kindsAndNames(installed)); diff != "" {
		t.Errorf("the default installation (-want +got):\n%s", diff)
	}
	clusterWide := []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"}
	for _, o := range installed {
		if o.GetNamespace() != namespace && !slices.Contains(clusterWide, o.GetKind()) {
			t.Errorf("%s %s is in namespace %q, want %s", o.GetKind(), o.GetName(), o.GetNamespace(), namespace)
		}
	}
}

// TestUnknownFieldsAreRefused shows that the acceptance above means something.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range installed {
		if o.GetKind() != "Deployment" {
			continue
		}
		wrong := o.DeepCopy()
		if err := unstructured.SetNestedField(wrong.Object, true, "spec", "template", "spec", "runAsNobody"); err != nil {
			t.Fatal(err)
		}
		out, err := apply(t.Context(), []*unstructured.Unstructured{wrong}, "--dry-run=server")
		if err == nil || !strings.Contains(err.Error(), ".spec.template.spec.runAsNobody: field not declared in schema") {
			t.Errorf("got %q and error %v, want the field refused", out, err)
		}
		return
	}
	t.Fatal("there is no Deployment")
}

// TestUndeployLeavesWhatUsersMade: to delete the kinds or the namespace is to
// delete all resources that users have made.
func TestUndeployLeavesWhatUsersMade(t *testing.T) {
	t.Parallel()
	objects, err := kustomize(t.Context(), filepath.Join(root, "config", "undeploy"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(kindsAndNames(installed), func(s string) bool {
		return strings.HasPrefix(s, "CustomResourceDefinition ") || strings.HasPrefix(s, "Namespace ")
	})
	if diff := cmp.Diff(want, kindsAndNames(objects)); diff != "" {
		t.Errorf("what is undeployed (-want +got):\n%s", diff)
	}
	if got := len(installed) - len(objects); got != 4 {
		t.Errorf("undeploying leaves %d objects of the installation, want the three kinds and the namespace", got)
	}
}

// switchedOn is config/default with some of its lines changed.
func switchedOn(t *testing.T, from, to string) []*unstructured.Unstructured {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "config"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "default", "kustomization.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	on := strings.Replace(string(b), from, to, 1)
	if err := os.WriteFile(file, []byte(on), 0o600); err != nil {
		t.Fatal(err)
	}
	objects, err := kustomize(t.Context(), filepath.Join(dir, "default"))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// TestReplicasCanFollowRequests takes the comment signs from the lines in
// config/default, as a user would.
func TestReplicasCanFollowRequests(t *testing.T) {
	t.Parallel()
	objects := switchedOn(t, "#components:\n#- ../components/autoscaling", "components:\n- ../components/autoscaling")
	if _, err := apply(t.Context(), objects, "--dry-run=server"); err != nil {
		t.Fatal(err)
	}
	scaler := findIn[autoscalingv2.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler", "switchgear-controller-manager")
	d := findIn[appsv1.Deployment](t, objects, "Deployment", scaler.Spec.ScaleTargetRef.Name)
	if d.Spec.Replicas != nil {
		t.Errorf("the Deployment says %d replicas: with each apply it would take them back", *d.Spec.Replicas)
	}
	known := make(chan *prometheus.Desc, 100)
	plane := gateway.New(gateway.Options{})
	defer plane.Close()
	plane.Describe(known)
	close(known)
	metric := strconv.Quote(scaler.Spec.Metrics[0].Pods.Metric.Name)
	for d := range known {
		if strings.Contains(d.String(), "fqName: "+metric) {
			return
		}
	}
	t.Errorf("the gateway has no metric %s", metric)
}

// TestPrometheusCanBeSwitchedOn takes the comment sign from the line in
// config/default, as a user would. The kind ServiceMonitor is another project's,
// so no API server judges it here.
func TestPrometheusCanBeSwitchedOn(t *testing.T) {
	t.Parallel()
	objects := switchedOn(t, "#- ../prometheus", "- ../prometheus")
	if len(objects) != len(installed)+1 {
		t.Fatalf("there are %d objects with Prometheus and %d without", len(objects), len(installed))
	}
	monitor := findIn[unstructured.Unstructured](t, objects, "ServiceMonitor", "switchgear-controller-manager-metrics-monitor")
	if monitor.GetNamespace() != namespace {
		t.Errorf("the ServiceMonitor is in namespace %q, want %s", monitor.GetNamespace(), namespace)
	}
}
