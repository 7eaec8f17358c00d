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
	admin, err := client.New(c.Config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: new(int64(tokenLifetime / time.Second)),
	}}
	if err := admin.SubResource("token").Create(ctx, sa, token); err != nil {
		return nil, fmt.Errorf("asking for a token of the ServiceAccount %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(c.Config)
	config.BearerToken = token.Status.Token
	return config, nil
}

// ServiceAccountKubeconfig writes the same as a file and returns its path.
func (c *Cluster) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	config, err := c.ServiceAccountConfig(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	const one = "cluster"
	out, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{one: {
			Server:                   config.Host,
			CertificateAuthorityData: config.CAData,
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{one: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{one: {Cluster: one, AuthInfo: one, Namespace: namespace}},
		CurrentContext: one,
	})
	if err != nil {
		return "", fmt.Errorf("encoding the kubeconfig: %w", err)
	}
	// A file of its own each time: a process may still be reading the last one.
	file, err := os.CreateTemp(c.Dir, namespace+"-"+name+"-*.kubeconfig")
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	_, err = file.Write(out)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return file.Name(), nil
}
