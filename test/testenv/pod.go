package testenv

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pod makes a Pod that nobody runs, for a process outside to stand for it: its
// token is bound to it as a kubelet would bind it. With a name that is there
// already it is the same Pod, as when its container starts again.
func (c *Cluster) pod(ctx context.Context, name string) (*corev1.Pod, error) {
	admin, err := client.New(c.Config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: OperatorNamespace, Name: name}}
	if name == "" {
		pod.GenerateName = OperatorServiceAccount + "-"
	}
	pod.Spec = corev1.PodSpec{
		ServiceAccountName: OperatorServiceAccount,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{Name: "manager", Image: "none", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
	err = admin.Create(ctx, pod)
	if apierrors.IsAlreadyExists(err) {
		err = admin.Get(ctx, client.ObjectKeyFromObject(pod), pod)
	}
	if err != nil {
		return nil, fmt.Errorf("making a pod for the operator: %w", err)
	}
	return pod, nil
}

// RemovePod deletes the Pod of a process that has ended, and the report that it
// owns, in place of the garbage collector, which does not run here.
func (c *Cluster) RemovePod(ctx context.Context, name string) error {
	config := rest.CopyConfig(c.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:kube-controller-manager", Groups: []string{"system:masters"}}
	collector, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	report := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "switchgear.dev/v1alpha1", "kind": "GatewayReplica"}}
	for _, o := range []client.Object{&corev1.Pod{}, report} {
		o.SetNamespace(OperatorNamespace)
		o.SetName(name)
		if err := collector.Delete(ctx, o, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("removing the pod %s: %w", name, err)
		}
	}
	return nil
}
