package packaging

import (
	"context"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// signedInAs is a client with a ServiceAccount's token, bound to a Pod if that
// has a name.
func signedInAs(t *testing.T, ns, account, pod string) client.Client {
	t.Helper()
	token := &authenticationv1.TokenRequest{}
	if pod != "" {
		o := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: pod}}
		o.Spec.ServiceAccountName = account
		o.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
		o.Spec.Containers = []corev1.Container{{Name: "c", Image: "none", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}}
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := admin.Delete(context.WithoutCancel(t.Context()), o, client.GracePeriodSeconds(0)); err != nil {
				t.Error(err)
			}
		})
		token.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod, UID: o.UID}
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: account}}
	if err := admin.SubResource("token").Create(t.Context(), sa, token); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(cluster.Config)
	config.BearerToken = token.Status.Token
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func replicaObject(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "switchgear.dev/v1alpha1", "kind": "GatewayReplica",
		"metadata": map[string]any{"namespace": namespace, "name": name},
		"status":   map[string]any{"instance": "one"},
	}}
}

// denied says what is wrong with an answer that should be a refusal by the
// policy.
func denied(err error) string {
	if err == nil {
		return "it was let through"
	}
	if !strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'switchgear-gatewayreplicas'") {
		return "another refusal: " + err.Error()
	}
	return ""
}

// TestWhoWritesAGatewayReplica: RBAC would let every Pod of the operator write
// every object, and an administrator all the more.
func TestWhoWritesAGatewayReplica(t *testing.T) {
	const account = "switchgear-controller-manager"
	ctx := t.Context()
	var policy []*unstructured.Unstructured
	for _, o := range installed {
		if strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy") {
			policy = append(policy, o)
		}
	}
	if len(policy) != 2 {
		t.Fatalf("%d objects, want a policy and its binding", len(policy))
	}
	if _, err := apply(ctx, policy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, o := range policy {
			if err := admin.Delete(context.WithoutCancel(ctx), o); err != nil {
				t.Error(err)
			}
		}
	})
	deadline := time.Now().Add(grantTimeout)
	for why := "-"; why != ""; { // a policy takes effect when it has been seen
		if why = denied(admin.Create(ctx, replicaObject("probe"), client.DryRunAll)); why != "" && time.Now().After(deadline) {
			t.Fatalf("an administrator creates one: %s", why)
		}
	}
	grantReplicas(t, "default", "stranger")
	one, two := signedInAs(t, namespace, account, "replica-one"), signedInAs(t, namespace, account, "replica-two")
	unbound, stranger := signedInAs(t, namespace, account, ""), signedInAs(t, "default", "stranger", "replica-three")

	access{manager, "create", "switchgear.dev/gatewayreplicas", namespace, "", true}.ask(t)
	if err := one.Create(ctx, replicaObject("replica-one")); err != nil {
		t.Fatalf("a replica creates its own: %v", err)
	}
	if err := two.Create(ctx, replicaObject("replica-two")); err != nil {
		t.Fatalf("another replica creates its own: %v", err)
	}
	heartbeat := func(c client.Client, name, instance string) error {
		o := replicaObject(name)
		o.Object["status"].(map[string]any)["instance"] = instance
		return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("test"), client.ForceOwnership)
	}
	if err := heartbeat(one, "replica-one", "two"); err != nil {
		t.Errorf("a replica writes its own: %v", err)
	}
	for who, err := range map[string]error{
		"another replica writes it":             heartbeat(two, "replica-one", "forged"),
		"another replica creates one for it":    two.Create(ctx, replicaObject("replica-four")),
		"a token that is bound to no Pod":       heartbeat(unbound, "replica-one", "forged"),
		"another ServiceAccount":                stranger.Create(ctx, replicaObject("replica-three")),
		"an administrator writes it":            heartbeat(admin, "replica-one", "forged"),
		"another ServiceAccount deletes it":     stranger.Delete(ctx, replicaObject("replica-one")),
		"an administrator deletes it":           admin.Delete(ctx, replicaObject("replica-one")),
		"an administrator deletes all of them":  admin.DeleteAllOf(ctx, replicaObject(""), client.InNamespace(namespace)),
		"a user with the operator's name in it": impersonate(t, manager+":x").Delete(ctx, replicaObject("replica-one")),
	} {
		if why := denied(err); why != "" {
			t.Errorf("%s: %s", who, why)
		}
	}
	if err := two.Delete(ctx, replicaObject("replica-one")); err != nil {
		t.Errorf("the operator deletes another replica's: %v", err)
	}
	collector := impersonate(t, "system:serviceaccount:kube-system:generic-garbage-collector", "system:serviceaccounts:kube-system")
	if err := collector.Delete(ctx, replicaObject("replica-two")); err != nil {
		t.Errorf("Kubernetes' collector deletes one: %v", err)
	}
}

// impersonate is an administrator's client under another's name.
func impersonate(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	config := rest.CopyConfig(cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:masters")}
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// grantReplicas makes a ServiceAccount with every right to GatewayReplicas.
func grantReplicas(t *testing.T, ns, account string) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "all-replicas"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"switchgear.dev"}, Resources: []string{"gatewayreplicas"}, Verbs: []string{"*"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: account}},
	}
	for _, o := range []client.Object{&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: account}}, role, binding} {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := admin.Delete(context.WithoutCancel(t.Context()), o); err != nil {
				t.Error(err)
			}
		})
	}
	access{"system:serviceaccount:" + ns + ":" + account, "delete", "switchgear.dev/gatewayreplicas", namespace, "", true}.ask(t)
}
