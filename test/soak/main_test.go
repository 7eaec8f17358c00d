package soak

import (
	"context"
	"flag"
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
	cluster *testenv.Cluster
	// kube is an administrator's client, whom no fault befalls.
	kube client.Client
	// binary is the operator, built with the race detector where that is possible.
	binary string
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	log.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "switchgear-soak-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "switchgear")
	built := make(chan error, 1)
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
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// prepare installs what an administrator would.
func prepare(ctx context.Context) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	cluster.Config.QPS = -1
	var err error
	if kube, err = client.New(cluster.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	return cluster.Install(ctx)
}
