package packaging

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestChosenNamespacesTakeNoRightToOthers takes the ClusterRoleBinding away for
// a while, and so runs before the tests that run side by side.
func TestChosenNamespacesTakeNoRightToOthers(t *testing.T) {
	ctx := t.Context()
	objects, err := kustomize(ctx, filepath.Join(root, "config", "namespaced"))
	if err != nil {
		t.Fatal(err)
	}
	args := findIn[appsv1.Deployment](t, objects, "Deployment", "switchgear-controller-manager").Spec.Template.Spec.Containers[0].Args
	if !slices.Contains(args, "--namespace=team-a") {
		t.Errorf("the operator's arguments are %q", args)
	}
	var bindings []*unstructured.Unstructured
	for _, o := range objects {
		if o.GetKind() == "RoleBinding" {
			bindings = append(bindings, o)
		}
		if o.GetKind() == "ClusterRoleBinding" && o.GetName() == "switchgear-manager-rolebinding" {
			t.Error("the ClusterRoleBinding is still there")
		}
	}
	team := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}}
	if err := admin.Create(ctx, team); err != nil {
		t.Fatal(err)
	}
	if _, err := apply(ctx, bindings); err != nil {
		t.Fatal(err)
	}
	wide := find[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding", "switchgear-manager-rolebinding")
	if err := admin.Delete(ctx, wide); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		own := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: team.Name, Name: "switchgear-manager-rolebinding"}}
		for _, err := range []error{admin.Create(ctx, find[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding", wide.Name)), admin.Delete(ctx, own)} {
			if client.IgnoreAlreadyExists(err) != nil {
				t.Error(err)
			}
		}
	})
	gone := access{manager, "list", "core/secrets", "team-b", "", false}
	deadline := time.Now().Add(grantTimeout)
	for allowed := true; allowed && time.Now().Before(deadline); { // it takes a moment to be taken away
		allowed = gone.allowed(t)
	}
	for _, a := range []access{
		{manager, "watch", "switchgear.dev/circuitpolicies", "team-a", "", true},
		{manager, "patch", "switchgear.dev/providerroutes/status", "team-a", "", true},
		{manager, "list", "core/secrets", "team-a", "", true},
		{manager, "create", "events.k8s.io/events", "team-a", "", true},
		{manager, "patch", "switchgear.dev/gatewayreplicas", namespace, "", true},
		{manager, "update", "coordination.k8s.io/leases", namespace, "switchgear-leader", true},

		gone,
		{manager, "list", "core/secrets", "", "", false},
		{manager, "watch", "switchgear.dev/circuitpolicies", "team-b", "", false},
		{manager, "watch", "switchgear.dev/circuitpolicies", "", "", false},
		{manager, "list", "core/secrets", namespace, "", false},
	} {
		a.ask(t)
	}
}
