package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/testenv"
)

var (
	// cluster is the one control plane of this package's tests.
	cluster *testenv.Cluster
	// admin is an administrator's client.
	admin client.Client
	// binary is the operator, built with the race detector where that is
	// possible: then a race shows as an exit code other than 0, and in the log.
	binary string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	log.SetLogger(logr.Discard())
	built := make(chan error, 1)
	dir, err := os.MkdirTemp("", "switchgear-e2e-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "switchgear")
	go func() { built <- testenv.BuildOperator(binary) }()

	if cluster, err = testenv.Start(testenv.Options{}); err != nil {
		return fail(err)
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			fail(err)
		}
	}()
	if err := prepare(context.Background()); err != nil {
		return fail(err)
	}
	if err := <-built; err != nil {
		return fail(err)
	}
	code := m.Run()
	if err := shared.stop(); err != nil {
		return fail(err)
	}
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// prepare installs what an administrator would, and so the operator's rights.
func prepare(ctx context.Context) error {
	var err error
	if admin, err = administrator(cluster); err != nil {
		return err
	}
	return cluster.Install(ctx)
}

func administrator(c *testenv.Cluster) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c.Config.QPS = -1
	return client.New(c.Config, client.Options{Scheme: scheme})
}

// clusterOfItsOwn gives the test a control plane with nothing but the kinds, for
// what must not meet the usual installation. While it lasts it is this package's
// cluster, so the test must not be parallel.
func clusterOfItsOwn(t *testing.T) {
	t.Helper()
	c, err := testenv.Start(testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	usual, usualAdmin := cluster, admin
	t.Cleanup(func() {
		cluster, admin = usual, usualAdmin
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	cluster = c
	if admin, err = administrator(c); err != nil {
		t.Fatal(err)
	}
}
