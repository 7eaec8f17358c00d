package packaging

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/switchgear/switchgear/internal/controller"
)

func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return find[appsv1.Deployment](t, "Deployment", "switchgear-controller-manager")
}

// containerPorts are the manager's ports by name.
func containerPorts(t *testing.T) map[string]int32 {
	t.Helper()
	out := map[string]int32{}
	for _, p := range deployment(t).Spec.Template.Spec.Containers[0].Ports {
		out[p.Name] = p.ContainerPort
	}
	return out
}

// TestDeploymentFitsTheBinary looks at the operator's own list of flags.
func TestDeploymentFitsTheBinary(t *testing.T) {
	t.Parallel()
	binary := imageBinary(t)
	c := deployment(t).Spec.Template.Spec.Containers[0]
	if diff := cmp.Diff([]string{"/switchgear"}, c.Command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	help, err := exec.CommandContext(t.Context(), binary, c.Args[0], "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	ports := containerPorts(t)
	for _, arg := range c.Args[1:] {
		flag, value, _ := strings.Cut(arg, "=")
		if !strings.Contains(string(help), " "+flag+" ") {
			t.Errorf("the operator has no flag %s:\n%s", flag, help)
		}
		port := map[string]string{"--listen": "gateway", "--health-probe-bind-address": "health", "--metrics-bind-address": "metrics"}[flag]
		if want := ":" + strconv.Itoa(int(ports[port])); port != "" && value != want {
			t.Errorf("%s is not the container's port %s, %s", arg, port, want)
		}
	}
}

// TestPodOutlivesItsStreams: the pod's grace period covers the process's, its
// delay before that, and what ending takes beside.
func TestPodOutlivesItsStreams(t *testing.T) {
	t.Parallel()
	pod := deployment(t).Spec.Template.Spec
	grace, delay := controller.DefaultGracePeriod, controller.DefaultShutdownDelay
	for _, arg := range pod.Containers[0].Args {
		for flag, to := range map[string]*time.Duration{"--grace-period=": &grace, "--shutdown-delay=": &delay} {
			if value, found := strings.CutPrefix(arg, flag); found {
				var err error
				if *to, err = time.ParseDuration(value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if got, least := time.Duration(*pod.TerminationGracePeriodSeconds)*time.Second, grace+delay+controller.ShutdownMargin; got < least {
		t.Errorf("the pod has %s to end, want at least %s", got, least)
	}
	// Red readiness reaches the endpoints within the delay.
	if probe := time.Duration(pod.Containers[0].ReadinessProbe.PeriodSeconds) * time.Second; delay < probe {
		t.Errorf("the listener stays open for %s, and readiness is asked every %s", delay, probe)
	}
}

// TestReplicasLeaveOneAtATime: for a rollout only when another serves, and for a
// node's maintenance; and they are not all on one node.
func TestReplicasLeaveOneAtATime(t *testing.T) {
	t.Parallel()
	d := deployment(t)
	budget := find[policyv1.PodDisruptionBudget](t, "PodDisruptionBudget", "switchgear-controller-manager")
	if *d.Spec.Replicas < 2 {
		t.Errorf("there are %d replicas", *d.Spec.Replicas)
	}
	if r := d.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable.IntValue() != 0 || r.MaxSurge.IntValue() != 1 {
		t.Errorf("a rollout is %+v, want one more and none less at a time", r)
	}
	if n := budget.Spec.MaxUnavailable; n == nil || n.IntValue() != 1 {
		t.Errorf("maintenance takes %v at a time, want 1", n)
	}
	pod := d.Spec.Template
	selectors := []*metav1.LabelSelector{budget.Spec.Selector, d.Spec.Selector}
	spread := map[string]bool{}
	for _, c := range pod.Spec.TopologySpreadConstraints {
		spread[c.TopologyKey] = c.WhenUnsatisfiable == corev1.ScheduleAnyway
		selectors = append(selectors, c.LabelSelector)
	}
	if diff := cmp.Diff(map[string]bool{"kubernetes.io/hostname": true, "topology.kubernetes.io/zone": true}, spread); diff != "" {
		t.Errorf("what they are spread over, as far as possible (-want +got):\n%s", diff)
	}
	for _, s := range selectors {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
			t.Errorf("%v does not select the pods (%v)", selector, err)
		}
	}
}

func TestEnvironmentComesFromThePod(t *testing.T) {
	t.Parallel()
	c := deployment(t).Spec.Template.Spec.Containers[0]
	want := []corev1.EnvVar{
		{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
		{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
		{Name: "POD_UID", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.uid"}}},
		{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{ContainerName: "manager", Resource: "limits.memory"}}},
	}
	if diff := cmp.Diff(want, c.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
		t.Errorf("resources are missing: %v", c.Resources)
	}
	for probe, path := range map[*corev1.Probe]string{c.LivenessProbe: "/healthz", c.ReadinessProbe: "/readyz"} {
		if probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "health" {
			t.Errorf("a probe asks %v, want %s on the port health", probe.HTTPGet, path)
		}
	}
}
