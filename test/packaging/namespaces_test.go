package packaging

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestSetOfNamespacesIsAccepted: the overlay is the default installation with a
// Role and a RoleBinding in each namespace in place of the role for all.
func TestSetOfNamespacesIsAccepted(t *testing.T) {
	t.Parallel()
	objects, err := kustomize(t.Context(), filepath.Join(root, "config", "namespaces"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"team-a", "team-b"} {
		create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	}
	if out, err := apply(t.Context(), objects, "--dry-run=server"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := slices.DeleteFunc(kindsAndNames(installed), func(s string) bool {
		return s == "ClusterRole switchgear-manager-role" || s == "ClusterRoleBinding switchgear-manager-rolebinding"
	})
	for range 2 {
		want = append(want, "Role switchgear-manager-role", "RoleBinding switchgear-manager-rolebinding")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, kindsAndNames(objects)); diff != "" {
		t.Errorf("the overlay (-want +got):\n%s", diff)
	}

	var flags, bound []string
	for _, arg := range findIn[appsv1.Deployment](t, objects, "Deployment", "switchgear-controller-manager").Spec.Template.Spec.Containers[0].Args {
		if ns, found := strings.CutPrefix(arg, "--namespace="); found {
			flags = append(flags, ns)
		}
	}
	for _, o := range objects {
		if o.GetKind() == "RoleBinding" && o.GetNamespace() != namespace {
			bound = append(bound, o.GetNamespace())
			grantsTheManager(t, o)
		}
	}
	if diff := cmp.Diff(flags, bound); diff != "" {
		t.Errorf("namespaces (-flags +bound):\n%s", diff)
	}
}

func grantsTheManager(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	b := findIn[rbacv1.RoleBinding](t, []*unstructured.Unstructured{o}, "RoleBinding", "switchgear-manager-rolebinding")
	if diff := cmp.Diff([]rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "switchgear-controller-manager"}}, b.Subjects); diff != "" {
		t.Errorf("subjects in %s (-want +got):\n%s", o.GetNamespace(), diff)
	}
	if diff := cmp.Diff(rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "switchgear-manager-role"}, b.RoleRef); diff != "" {
		t.Errorf("what is bound in %s (-want +got):\n%s", o.GetNamespace(), diff)
	}
}

// TestNamespacesRoleIsTheGeneratedOne: in a namespace the operator has the rights
// that it has in all otherwise, but for the questions about who a client is,
// which have no namespace.
func TestNamespacesRoleIsTheGeneratedOne(t *testing.T) {
	t.Parallel()
	objects, err := kustomize(t.Context(), filepath.Join(root, "config", "namespaces", "role"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(find[rbacv1.ClusterRole](t, "ClusterRole", "switchgear-manager-role").Rules, func(r rbacv1.PolicyRule) bool {
		return slices.Contains([]string{"authentication.k8s.io", "authorization.k8s.io"}, r.APIGroups[0])
	})
	if diff := cmp.Diff(want, findIn[rbacv1.Role](t, objects, "Role", "switchgear-manager-role").Rules); diff != "" {
		t.Errorf("the Role (-generated +overlay):\n%s", diff)
	}
}
