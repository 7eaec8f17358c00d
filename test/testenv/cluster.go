package testenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout allows for machines that are busy with other tests.
const startTimeout = 2 * time.Minute

// Options say how a control plane is started. The zero value is a good start.
type Options struct {
	// WithoutCRDs leaves Switchgear's CRDs out.
	WithoutCRDs bool
	// APIServerLog gets what the API server prints; nil: nobody does.
	APIServerLog io.Writer
}

// Cluster is a running control plane.
type Cluster struct {
	// Config signs in as an administrator.
	Config *rest.Config
	// Kubeconfig is the path of a file that does the same.
	Kubeconfig string
	// Dir holds the kubeconfigs; it goes with the cluster.
	Dir string
	// KubectlPath is the kubectl that belongs to the API server.
	KubectlPath string

	env *envtest.Environment
}

// Start starts a control plane on free loopback ports. The caller stops it.
func Start(o Options) (*Cluster, error) {
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory:    assets,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  startTimeout,
		ErrorIfCRDPathMissing:    true,
	}
	if !o.WithoutCRDs {
		root, err := Root()
		if err != nil {
			return nil, err
		}
		env.CRDDirectoryPaths = []string{filepath.Join(root, "config", "crd", "bases")}
	}
	server := env.ControlPlane.GetAPIServer()
	// By default envtest turns ServiceAccount admission off.
	server.Configure().Disable("disable-admission-plugins")
	if o.APIServerLog != nil {
		server.Out, server.Err = o.APIServerLog, o.APIServerLog
	}
	config, err := env.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the control plane: %w", err), stop(env))
	}
	c := &Cluster{Config: config, KubectlPath: filepath.Join(assets, "kubectl"), env: env}
	if err := c.writeKubeconfig(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) writeKubeconfig() error {
	dir, err := os.MkdirTemp("", "switchgear-cluster-")
	if err != nil {
		return fmt.Errorf("making a directory for kubeconfigs: %w", err)
	}
	c.Dir, c.Kubeconfig = dir, filepath.Join(dir, "admin.kubeconfig")
	if err := os.WriteFile(c.Kubeconfig, c.env.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// Stop ends the control plane and removes what it left on disk.
func (c *Cluster) Stop() error {
	return errors.Join(stop(c.env), os.RemoveAll(c.Dir))
}

func stop(env *envtest.Environment) error {
	if err := env.Stop(); err != nil {
		return fmt.Errorf("stopping the control plane: %w", err)
	}
	return nil
}
