package packaging

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/switchgear/switchgear/test/testenv"
)

// namespace is where the default installation lives.
const namespace = "switchgear-system"

var (
	// cluster is the one control plane of this package's tests. It has of the
	// default installation what the rest of it needs to be judged: the kinds, the
	// namespace, the ServiceAccount and the roles.
	cluster *testenv.Cluster
	// admin is an administrator's client.
	admin client.Client
	// root is the project's directory.
	root string
	// installed is the default installation as config/default renders to it.
	installed []*unstructured.Unstructured
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	log.SetLogger(logr.Discard())
	c, err := testenv.Start(testenv.Options{WithoutCRDs: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	c.Config.QPS = -1
	cluster = c
	if err := prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func prepare(ctx context.Context) (err error) {
	if root, err = testenv.Root(); err != nil {
		return err
	}
	if admin, err = client.New(cluster.Config, client.Options{}); err != nil {
		return err
	}
	if installed, err = kustomize(ctx, filepath.Join(root, "config", "default")); err != nil {
		return err
	}
	var first []*unstructured.Unstructured
	for _, o := range installed {
		if slices.Contains([]string{
			"CustomResourceDefinition", "Namespace", "ServiceAccount",
			"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
		}, o.GetKind()) {
			first = append(first, o)
		}
	}
	if _, err := apply(ctx, first); err != nil {
		return err
	}
	_, err = cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	return err
}
