package packaging

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managerPod returns a Pod made from the manager's template: Pod Security judges
// Pods, a Deployment passes whatever it holds.
func managerPod(t *testing.T) *corev1.Pod {
	t.Helper()
	template := find[appsv1.Deployment](t, "Deployment", "switchgear-controller-manager").Spec.Template
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "manager", Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}
}

func TestManagerPassesTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	ns := &corev1.Namespace{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: namespace}, ns); err != nil {
		t.Fatal(err)
	}
	if got := ns.Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
		t.Fatalf("the namespace enforces %q, want restricted", got)
	}
	if err := admin.Create(t.Context(), managerPod(t), client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
		t.Error(err)
	}
}

func TestVariantsThatAskForMoreAreRefused(t *testing.T) {
	t.Parallel()
	const refused = `pods "manager" is forbidden: violates PodSecurity "restricted:latest": `
	for name, c := range map[string]struct {
		change  func(*corev1.PodSpec)
		because string
	}{
		"privileged": {
			func(s *corev1.PodSpec) {
				s.Containers[0].SecurityContext.Privileged = new(true)
				s.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil // false is a contradiction
			},
			`privileged (container "manager" must not set securityContext.privileged=true), allowPrivilegeEscalation != false (container "manager" must set securityContext.allowPrivilegeEscalation=false)`,
		},
		"as root": {
			func(s *corev1.PodSpec) { s.SecurityContext.RunAsNonRoot = nil },
			`runAsNonRoot != true (pod or container "manager" must set securityContext.runAsNonRoot=true)`,
		},
		"any system call": {
			func(s *corev1.PodSpec) { s.SecurityContext.SeccompProfile = nil },
			`seccompProfile (pod or container "manager" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
		},
		"capabilities": {
			func(s *corev1.PodSpec) { s.Containers[0].SecurityContext.Capabilities = nil },
			`unrestricted capabilities (container "manager" must set securityContext.capabilities.drop=["ALL"])`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := managerPod(t)
			c.change(&pod.Spec)
			err := admin.Create(t.Context(), pod, client.DryRunAll)
			if err == nil || err.Error() != refused+c.because {
				t.Errorf("got %v, want %s%s", err, refused, c.because)
			}
		})
	}
}

// TestManagerWritesNowhere: Pod Security does not ask for it, the installation
// promises it.
func TestManagerWritesNowhere(t *testing.T) {
	t.Parallel()
	pod := managerPod(t)
	if len(pod.Spec.Volumes) > 0 {
		t.Errorf("the Pod has volumes: %v", pod.Spec.Volumes)
	}
	for _, c := range pod.Spec.Containers {
		if read := c.SecurityContext.ReadOnlyRootFilesystem; read == nil || !*read {
			t.Errorf("the container %s has a writable root", c.Name)
		}
		if strings.Contains(c.Image, "/") {
			t.Errorf("the container %s has the image %s: say which when deploying", c.Name, c.Image)
		}
	}
}
