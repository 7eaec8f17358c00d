package packaging

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// manager is the operator's identity.
const manager = "system:serviceaccount:" + namespace + ":switchgear-controller-manager"

// TestEveryRightOfTheManagerHasAMarker generates the roles afresh from the
// markers beside the code, and looks at all that is bound to the ServiceAccount.
func TestEveryRightOfTheManagerHasAMarker(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "controller-gen",
		"rbac:roleName=manager-role", "paths=./internal/controller", "output:rbac:stdout")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	generated, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	cluster := findIn[rbacv1.ClusterRole](t, generated, "ClusterRole", "manager-role").Rules
	own := findIn[rbacv1.Role](t, generated, "Role", "manager-role").Rules
	if diff := cmp.Diff(cluster, find[rbacv1.ClusterRole](t, "ClusterRole", "switchgear-manager-role").Rules); diff != "" {
		t.Errorf("the manager's ClusterRole differs from the markers (-markers +installed):\n%s", diff)
	}
	if diff := cmp.Diff(own, find[rbacv1.Role](t, "Role", "switchgear-manager-role").Rules); diff != "" {
		t.Errorf("the manager's Role differs from the markers (-markers +installed):\n%s", diff)
	}
	for _, r := range slices.Concat(cluster, own) {
		if slices.Contains(slices.Concat(r.APIGroups, r.Resources, r.Verbs), "*") {
			t.Errorf("a wildcard: %v", r)
		}
	}

	var bound []string
	for _, o := range installed {
		if strings.HasSuffix(o.GetKind(), "RoleBinding") {
			b := find[rbacv1.ClusterRoleBinding](t, o.GetKind(), o.GetName())
			want := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "switchgear-controller-manager"}}
			if diff := cmp.Diff(want, b.Subjects); diff != "" {
				t.Errorf("subjects of %s (-want +got):\n%s", o.GetName(), diff)
			}
			bound = append(bound, b.RoleRef.Kind+" "+b.RoleRef.Name)
		}
	}
	slices.Sort(bound)
	want := []string{"ClusterRole switchgear-manager-role", "ClusterRole switchgear-metrics-auth-role", "Role switchgear-manager-role"}
	if diff := cmp.Diff(want, bound); diff != "" {
		t.Errorf("what is bound to the manager (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]rbacv1.PolicyRule{
		{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}},
	}, find[rbacv1.ClusterRole](t, "ClusterRole", "switchgear-metrics-auth-role").Rules); diff != "" {
		t.Errorf("the metrics endpoint's role (-want +got):\n%s", diff)
	}
}

// access is a question to the API server: may this user do this?
type access struct {
	user, verb, resource string // resource is group/resource[/subresource] with "core" for none, or a path
	namespace, name      string
	want                 bool
}

// grantTimeout is how long a right may take to reach the API server's authorizer,
// which learns of roles and bindings through a watch.
const grantTimeout = 10 * time.Second

// ask fails unless the answer is the one that is wanted. A right that was granted
// just now is waited for; what is not granted is to be asked for after one that is,
// so that its absence means something.
func (a access) ask(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(grantTimeout)
	for {
		allowed := a.allowed(t)
		if allowed == a.want {
			return
		}
		if !a.want || time.Now().After(deadline) {
			t.Errorf("%s may %s %s in namespace %q: %t, want %t", a.user, a.verb, a.resource, a.namespace, allowed, a.want)
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (a access) allowed(t *testing.T) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: a.user}}
	if strings.HasPrefix(a.resource, "/") {
		review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: a.verb, Path: a.resource}
	} else {
		group, rest, _ := strings.Cut(a.resource, "/")
		resource, sub, _ := strings.Cut(rest, "/")
		group = strings.TrimPrefix(group, "core")
		review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: a.verb, Group: group, Resource: resource, Subresource: sub, Namespace: a.namespace, Name: a.name,
		}
	}
	if err := admin.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

func TestWhatTheManagerMay(t *testing.T) {
	t.Parallel()
	const lease = "coordination.k8s.io/leases"
	for _, a := range []access{
		{manager, "watch", "switchgear.dev/circuitpolicies", "team-a", "", true},
		{manager, "patch", "switchgear.dev/circuitpolicies/status", "team-a", "", true},
		{manager, "patch", "switchgear.dev/providerroutes/status", "team-a", "", true},
		{manager, "list", "core/secrets", "team-a", "", true},
		{manager, "create", "events.k8s.io/events", "team-a", "", true},
		{manager, "create", "authentication.k8s.io/tokenreviews", "", "", true},
		{manager, "update", lease, namespace, "switchgear-leader", true},
		{manager, "create", lease, namespace, "", true},
		{manager, "watch", "switchgear.dev/gatewayreplicas", namespace, "", true},
		{manager, "patch", "switchgear.dev/gatewayreplicas", namespace, "", true},
		{manager, "delete", "switchgear.dev/gatewayreplicas", namespace, "", true},

		{manager, "list", "switchgear.dev/gatewayreplicas", "team-a", "", false},
		{manager, "update", lease, namespace, "other", false},
		{manager, "update", lease, "kube-system", "switchgear-leader", false},
		{manager, "create", lease, "default", "", false},
		{manager, "update", "core/secrets", "team-a", "", false},
		{manager, "create", "core/secrets", "team-a", "", false},
		{manager, "patch", "switchgear.dev/circuitpolicies", "team-a", "", false},
		{manager, "delete", "switchgear.dev/providerroutes", "team-a", "", false},
		{manager, "get", "core/configmaps", "team-a", "", false},
		{manager, "list", "core/pods", namespace, "", false},
		{manager, "get", "/metrics", "", "", false},
	} {
		a.ask(t)
	}
}

// TestWhatPeopleMay takes the part of the controller that aggregates roles: it
// gives users what the built-in roles view, edit and admin would then hold.
func TestWhatPeopleMay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"view", "edit", "admin"} {
		bindAggregated(t, name)
	}
	kinds := []string{"switchgear.dev/circuitpolicies", "switchgear.dev/providerroutes"}
	for _, kind := range kinds {
		for _, verb := range []string{"get", "list", "watch"} {
			access{"view", verb, kind, "team-a", "", true}.ask(t)
		}
		access{"view", "get", kind + "/status", "team-a", "", true}.ask(t)
		for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
			access{"view", verb, kind, "team-a", "", false}.ask(t)
			access{"edit", verb, kind, "team-a", "", true}.ask(t)
			access{"admin", verb, kind, "team-a", "", true}.ask(t)
		}
		access{"edit", "list", kind, "team-a", "", true}.ask(t)
		access{"edit", "patch", kind + "/status", "team-a", "", false}.ask(t)
		access{"admin", "patch", kind + "/status", "team-a", "", true}.ask(t)
	}
	for _, verb := range []string{"get", "list", "watch"} {
		access{"view", verb, "switchgear.dev/gatewayreplicas", namespace, "", true}.ask(t)
	}
	access{"admin", "patch", "switchgear.dev/gatewayreplicas", namespace, "", false}.ask(t)
	for _, verb := range []string{"get", "list", "watch"} {
		access{"view", verb, "core/secrets", "team-a", "", false}.ask(t)
	}
}

func TestWhoReadsTheMetrics(t *testing.T) {
	t.Parallel()
	bind(t, "metrics-reader-test", "prometheus", "switchgear-metrics-reader")
	access{"prometheus", "get", "/metrics", "", "", true}.ask(t)
	access{"prometheus", "get", "/logs", "", "", false}.ask(t)
}

// bindAggregated gives the user of that name what the aggregation rule of the
// built-in role of that name selects.
func bindAggregated(t *testing.T, name string) {
	t.Helper()
	var roles rbacv1.ClusterRoleList
	if err := admin.List(t.Context(), &roles); err != nil {
		t.Fatal(err)
	}
	builtIn := slices.IndexFunc(roles.Items, func(r rbacv1.ClusterRole) bool { return r.Name == name && r.AggregationRule != nil })
	if builtIn < 0 {
		t.Fatalf("the built-in role %s does not aggregate", name)
	}
	sum := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "aggregated-" + name}}
	ours := 0
	for _, s := range roles.Items[builtIn].AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range roles.Items {
			// Roles that aggregate themselves bring nothing before they have.
			if selector.Matches(labels.Set(r.Labels)) && r.AggregationRule == nil {
				sum.Rules = append(sum.Rules, r.Rules...)
				if strings.HasPrefix(r.Name, "switchgear-") {
					ours++
				}
			}
		}
	}
	if ours == 0 {
		t.Errorf("the built-in role %s takes none of this project's", name)
	}
	create(t, sum)
	bind(t, sum.Name, name, sum.Name)
}

func bind(t *testing.T, binding, user, role string) {
	t.Helper()
	create(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: binding},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	})
}

// create creates an object until the test ends.
func create(t *testing.T, o client.Object) {
	t.Helper()
	if err := admin.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Delete(context.WithoutCancel(t.Context()), o); err != nil {
			t.Error(err)
		}
	})
}
