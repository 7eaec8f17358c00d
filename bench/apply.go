package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/testenv"
)

const (
	applyRoutes    = 1000
	applyNamespace = "bench"
	editsPerRound  = 20
	applyTimeout   = 2 * time.Minute
)

// apply measures how long it takes from an accepted change to the first request
// that is served by it, on a real API server with many routes.
func apply(ctx context.Context, rounds int, binary string) error {
	cluster, err := testenv.Start(testenv.Options{WithoutCRDs: true})
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop() }()
	if err := cluster.Install(ctx); err != nil {
		return err
	}
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	var log strings.Builder
	op, err := cluster.StartOperator(ctx, testenv.OperatorOptions{
		Binary: binary, Log: &log, Args: []string{"--allow-backend-cidr=127.0.0.0/8", "--grace-period=1s", "--log-level=error"},
	})
	if err != nil {
		return err
	}
	defer func() { _ = op.Stop(context.WithoutCancel(ctx)) }()
	a := &applied{gateway: op.GatewayURL, upstream: up.url}
	if a.client, err = newKubeClient(cluster.Config); err != nil {
		return err
	}
	if err := a.fill(ctx); err != nil {
		return err
	}
	var times []time.Duration
	for range rounds * editsPerRound {
		d, err := a.edit(ctx)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	t := newTable(fmt.Sprintf("Apply to live, %d routes, %d edits", applyRoutes, len(times)), "from the API server's answer to the first request served so", "time")
	t.row("p50", percentile(times, 50).Round(100*time.Microsecond).String())
	t.row("p99", percentile(times, 99).Round(100*time.Microsecond).String())
	target(fmt.Sprintf("apply to live, %d routes, p99", applyRoutes), float64(percentile(times, 99))/1e6, 100, "ms")
	return nil
}

type applied struct {
	client   client.Client
	gateway  string
	upstream string
	edits    int
}

func newKubeClient(config *rest.Config) (client.Client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	return c, v1alpha1.AddToScheme(c.Scheme())
}

func (a *applied) fill(ctx context.Context) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: applyNamespace}}
	if err := a.client.Create(ctx, ns); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, applyRoutes)
	slots := make(chan struct{}, 16)
	for i := range applyRoutes {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := a.client.Create(ctx, a.route(i, "first")); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	for i := range applyRoutes {
		if err := a.waitFor(ctx, i, "first"); err != nil {
			return err
		}
	}
	return nil
}

func (a *applied) route(i int, backend string) *v1alpha1.ProviderRoute {
	return &v1alpha1.ProviderRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: applyNamespace, Name: fmt.Sprintf("route-%d", i)},
		Spec: v1alpha1.ProviderRouteSpec{
			Models:   []string{fmt.Sprintf("model-%d", i)},
			Backends: []v1alpha1.Backend{{Name: backend, Type: v1alpha1.BackendOpenAI, URL: a.upstream + "/v1"}},
		},
	}
}

// edit renames one route's backend and waits until the gateway says so.
func (a *applied) edit(ctx context.Context) (time.Duration, error) {
	a.edits++
	i := a.edits * 7 % applyRoutes
	name := fmt.Sprintf("edit-%d", a.edits)
	var route v1alpha1.ProviderRoute
	if err := a.client.Get(ctx, client.ObjectKeyFromObject(a.route(i, "")), &route); err != nil {
		return 0, err
	}
	patch := client.MergeFrom(route.DeepCopy())
	route.Spec.Backends[0].Name = name
	if err := a.client.Patch(ctx, &route, patch); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := a.waitFor(ctx, i, name); err != nil {
		return 0, err
	}
	return time.Since(begun), nil
}

func (a *applied) waitFor(ctx context.Context, i int, backend string) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	body := fmt.Sprintf(`{"model":"model-%d"}`, i)
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.gateway+"/ns/"+applyNamespace+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.Header.Get("X-Switchgear-Backend") == backend {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("route %d was not served by %s in time", i, backend)
		case <-time.After(time.Millisecond):
		}
	}
}
