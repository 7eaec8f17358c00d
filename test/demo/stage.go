package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

const (
	namespace = "team-a"
	// preferredListen is easy to remember; another port is taken where it is not
	// free.
	preferredListen = "127.0.0.1:8080"
	stopTimeout     = 20 * time.Second
)

// stage is all that runs.
type stage struct {
	cluster           *testenv.Cluster
	operator          *testenv.Operator // the replica that clients ask
	second            *testenv.Operator
	sweden, anthropic *provider
	clients           *clients
	logFile           *os.File
}

// setStage starts everything but the clients. What it returns must be struck,
// with an error too.
func setStage(ctx context.Context, say *narrator, bin string) (*stage, error) {
	s := &stage{}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return s, fmt.Errorf("finding %s: %w", bin, err)
	}
	say.line("Starting etcd and kube-apiserver.")
	if s.cluster, err = testenv.Start(testenv.Options{WithoutCRDs: true}); err != nil {
		return s, err
	}
	say.line("kubectl apply --server-side -k config/default")
	if err := s.cluster.Install(ctx); err != nil {
		return s, err
	}
	say.line("Starting two simulated providers.")
	sim := filepath.Join(bin, "providersim")
	if s.sweden, err = startProvider(sim, "sweden", "key-of-sweden"); err != nil {
		return s, err
	}
	if s.anthropic, err = startProvider(sim, "anthropic", "key-of-anthropic"); err != nil {
		return s, err
	}
	say.block("sweden at " + s.sweden.url + ", which speaks OpenAI's dialect\nanthropic at " + s.anthropic.url + ", which speaks Anthropic's")
	say.line("Starting two replicas of the operator, signed in as its own ServiceAccount.")
	return s, s.startOperator(ctx, filepath.Join(bin, "switchgear"))
}

func (s *stage) startOperator(ctx context.Context, binary string) error {
	var err error
	if s.logFile, err = os.Create(filepath.Join(s.cluster.Dir, "operator.log")); err != nil {
		return fmt.Errorf("making the operator's log: %w", err)
	}
	o := testenv.OperatorOptions{
		Binary: binary, Pod: "switchgear-a", Listen: preferredListen, Log: s.logFile,
		// Providers are on loopback and speak plain HTTP, in this demo only.
		Args: []string{"--allow-backend-cidr=127.0.0.0/8", "--allow-plaintext-credentials", "--grace-period=5s", "--shutdown-delay=0s"},
	}
	if s.operator, err = s.cluster.StartOperator(ctx, o); err != nil {
		o.Listen = ""
		if s.operator, err = s.cluster.StartOperator(ctx, o); err != nil {
			return err
		}
	}
	o.Pod, o.Listen = "switchgear-b", ""
	if s.second, err = s.cluster.StartOperator(ctx, o); err != nil {
		return err
	}
	if err := s.operator.WaitReady(ctx); err != nil {
		return err
	}
	return s.second.WaitReady(ctx)
}

// strike ends everything, in the reverse order.
func (s *stage) strike() error {
	var errs []error
	if s.clients != nil {
		s.clients.stop()
	}
	for _, o := range []*testenv.Operator{s.operator, s.second} {
		if o != nil {
			ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
			defer cancel()
			errs = append(errs, o.Stop(ctx))
		}
	}
	for _, p := range []*provider{s.sweden, s.anthropic} {
		if p != nil {
			p.stop()
		}
	}
	if s.logFile != nil {
		errs = append(errs, s.logFile.Close())
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop())
	}
	return errors.Join(errs...)
}

// logTail is the end of what the operator has printed.
func (s *stage) logTail() string {
	if s.logFile == nil {
		return ""
	}
	const lines = 30
	b, err := os.ReadFile(s.logFile.Name())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (s *stage) kubectlDir() string { return filepath.Dir(s.cluster.KubectlPath) }

// applySamples applies config/samples as they are but for two things: the URLs
// are those of the simulated providers, and a circuit stays open for seconds.
func (s *stage) applySamples(ctx context.Context) error {
	root, err := testenv.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(s.cluster.Dir, "samples")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a directory for the samples: %w", err)
	}
	samples, err := relative(dir, filepath.Join(root, "config", "samples"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "resources:\n- %s\npatches:\n", samples)
	replace := func(kind, name, path, value string) {
		fmt.Fprintf(&b, "- target: {kind: %s, name: %s}\n  patch: '[{\"op\": \"add\", \"path\": %q, \"value\": %q}]'\n", kind, name, path, value)
	}
	replace("ProviderRoute", "azure-openai", "/spec/backends/0/url", s.sweden.url+"/v1")
	replace("ProviderRoute", "azure-openai", "/spec/backends/1/url", s.anthropic.url)
	for _, route := range []string{"openai", "mini", "mini-batch"} {
		replace("ProviderRoute", route, "/spec/backends/0/url", s.sweden.url+"/v1")
	}
	replace("ProviderRoute", "anthropic", "/spec/backends/0/url", s.anthropic.url)
	replace("CircuitPolicy", "default", "/spec/resetTimeout", "5s")
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the samples' overlay: %w", err)
	}
	_, err = s.kubectl(ctx, "apply", "-k", dir)
	return err
}

// relative is the way between two directories, whatever links lead there:
// kustomize takes no absolute paths.
func relative(from, to string) (string, error) {
	for _, dir := range []*string{&from, &to} {
		resolved, err := filepath.EvalSymlinks(*dir)
		if err != nil {
			return "", fmt.Errorf("finding the samples: %w", err)
		}
		*dir = resolved
	}
	path, err := filepath.Rel(from, to)
	if err != nil {
		return "", fmt.Errorf("finding the samples: %w", err)
	}
	return path, nil
}

// createSecret makes a credential that the operator may use.
func (s *stage) createSecret(ctx context.Context, name, key, value string) error {
	if _, err := s.kubectl(ctx, "create", "secret", "generic", name, "--from-literal="+key+"="+value); err != nil {
		return err
	}
	_, err := s.kubectl(ctx, "label", "secret", name, "switchgear.dev/credentials=true")
	return err
}

func (s *stage) kubectl(ctx context.Context, args ...string) (string, error) {
	return s.cluster.Kubectl(ctx, append([]string{"-n", namespace}, args...)...)
}
