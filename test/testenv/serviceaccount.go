package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// tokenLifetime outlasts any test and a long demo.
const tokenLifetime = 12 * time.Hour

// ServiceAccountConfig signs in as a ServiceAccount that exists, with a token
// that the API server issues, so that its RBAC and nothing else is in force.
func (c *Cluster) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, error) {
	return c.signIn(ctx, namespace, name, nil)
}

// signIn is the same with a token that is bound to a Pod, if one is given.
func (c *Cluster) signIn(ctx context.Context, namespace, name string, pod *corev1.Pod) (*rest.Config, error) {
	admin, err := client.New(c.Config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: new(int64(tokenLifetime / time.Second)),
	}}
	if pod != nil {
		token.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}
	}
	if err := admin.SubResource("token").Create(ctx, sa, token); err != nil {
		return nil, fmt.Errorf("asking for a token of the ServiceAccount %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(c.Config)
	config.BearerToken = token.Status.Token
	return config, nil
}

// podKubeconfig writes a file that signs in as a Pod, by way of another address
// of the API server if one is given, and returns its path.
func (c *Cluster) podKubeconfig(ctx context.Context, pod *corev1.Pod, server string) (string, error) {
	config, err := c.signIn(ctx, pod.Namespace, pod.Spec.ServiceAccountName, pod)
	if err != nil {
		return "", err
	}
	if server != "" {
		config.Host = "https://" + server
	}
	const one = "cluster"
	out, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{one: {
			Server:                   config.Host,
			CertificateAuthorityData: config.CAData,
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{one: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{one: {Cluster: one, AuthInfo: one, Namespace: pod.Namespace}},
		CurrentContext: one,
	})
	if err != nil {
		return "", fmt.Errorf("encoding the kubeconfig: %w", err)
	}
	// A file of its own each time: a process may still be reading the last one.
	file, err := os.CreateTemp(c.Dir, pod.Name+"-*.kubeconfig")
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	_, err = file.Write(out)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return file.Name(), nil
}
