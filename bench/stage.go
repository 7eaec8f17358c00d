package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/testenv"
)

const stageNamespace = "bench"

// stage is a control plane with objects, operators and a provider.
type stage struct {
	cluster   *testenv.Cluster
	client    client.WithWatch
	http      *http.Client
	upstream  *process
	binary    string
	operators []*testenv.Operator
	objects   int      // so many policies, and as many routes
	statuses  statuses // of an object at rest
}

func newStage(ctx context.Context, binary string) (_ *stage, err error) {
	s := &stage{binary: binary, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fillers}}}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.cluster, err = testenv.Start(testenv.Options{WithoutCRDs: true}); err != nil {
		return nil, err
	}
	if err = s.cluster.Install(ctx); err != nil {
		return nil, err
	}
	if s.client, err = newKubeClient(s.cluster.Config); err != nil {
		return nil, err
	}
	if s.upstream, err = start("upstream", ""); err != nil {
		return nil, err
	}
	return s, s.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: stageNamespace}})
}

func newKubeClient(config *rest.Config) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	c, err := client.NewWithWatch(config, client.Options{})
	if err != nil {
		return nil, err
	}
	return c, v1alpha1.AddToScheme(c.Scheme())
}

// startOperators starts so many, and waits until they serve.
func (s *stage) startOperators(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for range n {
		op, err := s.cluster.StartOperator(ctx, testenv.OperatorOptions{
			Binary: s.binary, Log: os.Stderr,
			Args: []string{"--allow-backend-cidr=127.0.0.0/8", "--grace-period=1s", "--log-level=error", "--access-log=off", "--metrics-secure=false"},
		})
		if err != nil {
			return err
		}
		s.operators = append(s.operators, op)
	}
	for _, op := range s.operators {
		if err := op.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) stopOperators(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	for _, op := range s.operators {
		errs = append(errs, op.Stop(ctx))
	}
	s.operators = nil
	return errors.Join(errs...)
}

func (s *stage) close(ctx context.Context) {
	if err := s.stopOperators(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if s.upstream != nil {
		s.upstream.stop()
	}
	if s.cluster != nil {
		_ = s.cluster.Stop()
	}
}

// leader is the operator that writes status.
func (s *stage) leader(ctx context.Context) (*testenv.Operator, error) {
	var found *testenv.Operator
	_, err := s.until(ctx, "one of the operators to lead", func() (bool, error) {
		for _, op := range s.operators {
			m, err := operatorMetrics(ctx, op)
			if err != nil {
				return false, err
			}
			if m["switchgear_leader"] == 1 {
				found = op
			}
		}
		return found != nil, nil
	})
	return found, err
}

// until waits for something and returns how long that took.
func (s *stage) until(ctx context.Context, what string, is func() (bool, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for begun := time.Now(); ; {
		ok, err := is()
		if err != nil {
			return 0, fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return time.Since(begun), nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// ask asks a gateway for an object's model, or has the provider fail at it, and
// returns the status and who answered.
func (s *stage) ask(ctx context.Context, op *testenv.Operator, i int, fail bool) (status int, backend string, err error) {
	body := strings.NewReader(fmt.Sprintf(`{"model":%q}`, modelOf(i)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, op.GatewayURL+"/ns/"+stageNamespace+"/v1/chat/completions", body)
	if err != nil {
		return 0, "", err
	}
	if fail {
		req.Header.Set(failHeader, "1")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, "", err
	}
	return resp.StatusCode, resp.Header.Get("X-Switchgear-Backend"), nil
}
