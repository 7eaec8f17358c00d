package soak

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// namespace has all policies and routes of the soak.
const namespace = "team-soak"

// maxConcurrent is the most that any edit lets the bulkheads of the policy default
// run. Those of the other refuse nothing while that observes.
const maxConcurrent = 6

// healthy is how a provider answers that is well: slowly enough for faults to
// meet an answer that has begun.
func healthy(name string) providersim.Options {
	return providersim.Options{Name: name, Tokens: 12, Latency: 5 * time.Millisecond, TokenDelay: 10 * time.Millisecond}
}

// manifests are what an administrator applies before it all begins: two routes
// that stand in for one another across the dialects, and one that is alone. Two
// more reach a provider whose circuits nobody probes while the other is well.
const manifests = `
apiVersion: v1
kind: Secret
metadata: {name: openai, labels: {switchgear.dev/credentials: "true"}}
stringData: {api-key: key-0}
---
apiVersion: switchgear.dev/v1alpha1
kind: CircuitPolicy
metadata: {name: default}
spec:
  failureThreshold: 3
  successThreshold: 2
  window: 5s
  resetTimeout: 1s
  resetBackoff: {multiplier: 2, max: 3s}
  sharing: Fleet
  timeouts: {connect: 1s, firstToken: 2s, attempt: 2s, streamIdle: 1s, streamTotal: 10s}
  bulkhead: {maxConcurrent: 4, maxQueued: 8, queueTimeout: 1s}
---
apiVersion: switchgear.dev/v1alpha1
kind: CircuitPolicy
metadata: {name: lone}
spec:
  failureThreshold: 0
  failureRate: {percent: 50, minimumRequests: 5}
  successThreshold: 1
  window: 5s
  resetTimeout: 500ms
  resetBackoff: {max: 2s}
  rateLimit: {action: Cooldown}
  timeouts: {connect: 1s, firstToken: 2s, attempt: 2s, streamIdle: 1s, streamTotal: 10s}
  bulkhead: {maxConcurrent: 2, maxQueued: 4, queueTimeout: 1s}
---
apiVersion: switchgear.dev/v1alpha1
kind: ProviderRoute
metadata: {name: gpt}
spec:
  models: [gpt]
  timeout: 8s
  retry: {maxAttempts: 2, initialDelay: 50ms, maxDelay: 200ms}
  backends:
  - {name: first, type: OpenAI, priority: 0, url: "http://FIRST/v1", credentials: {secretRef: {name: openai, key: api-key}}}
  - {name: second, type: Anthropic, priority: 1, url: "http://SECOND"}
---
apiVersion: switchgear.dev/v1alpha1
kind: ProviderRoute
metadata: {name: claude}
spec:
  models: [claude]
  timeout: 8s
  streamRecovery: Buffer
  backends:
  - {name: second, type: Anthropic, priority: 0, url: "http://SECOND"}
  - {name: first, type: OpenAI, priority: 1, url: "http://FIRST/v1", credentials: {secretRef: {name: openai, key: api-key}}}
---
apiVersion: switchgear.dev/v1alpha1
kind: ProviderRoute
metadata: {name: lone}
spec:
  models: [lone]
  timeout: 8s
  retry: {maxAttempts: 2, initialDelay: 50ms, maxDelay: 200ms}
  backends:
  - {name: third, type: OpenAI, url: "http://THIRD/v1", circuitPolicyRef: {name: lone}}
---
apiVersion: switchgear.dev/v1alpha1
kind: ProviderRoute
metadata: {name: only-first}
spec:
  models: [gpt, claude]
  headers: [{name: x-soak, value: first}]
  backends:
  - {name: first, type: OpenAI, url: "http://FIRST/v1", credentials: {secretRef: {name: openai, key: api-key}}}
---
apiVersion: switchgear.dev/v1alpha1
kind: ProviderRoute
metadata: {name: only-second}
spec:
  models: [gpt, claude]
  headers: [{name: x-soak, value: second}]
  backends:
  - {name: second, type: Anthropic, url: "http://SECOND"}
`

// models are what clients ask for.
var models = []string{"gpt", "claude", "lone"}

// stage is all that takes part beside the clients.
type stage struct {
	record    *record
	providers []*provider
	replicas  []*replica
	running   sync.WaitGroup
}

// setStage applies the manifests. The replicas are started after it.
func setStage(ctx context.Context, r *record) (*stage, error) {
	s := &stage{record: r}
	for _, name := range []string{"first", "second", "third"} {
		p, err := newProvider(name)
		if err != nil {
			return s, err
		}
		s.providers = append(s.providers, p)
	}
	if err := kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return s, err
	}
	yaml := manifests
	for _, p := range s.providers {
		yaml = strings.ReplaceAll(yaml, "//"+strings.ToUpper(p.options.Name), "//"+p.addr)
	}
	_, err := cluster.KubectlInput(ctx, []byte(yaml), "-n", namespace, "apply", "--server-side", "-f", "-")
	return s, err
}

// provider finds one by its name.
func (s *stage) provider(name string) *provider {
	for _, p := range s.providers {
		if p.options.Name == name {
			return p
		}
	}
	panic("no provider " + name)
}

// whole are the answers of all providers.
func (s *stage) whole() []string {
	var out []string
	for _, p := range s.providers {
		out = append(out, providersim.New(p.options).Answer())
	}
	return out
}

// patch changes an object as an administrator would, by a JSON merge patch or, if
// it begins with a bracket, a JSON patch.
func patch(ctx context.Context, kind, name, raw string) error {
	var o client.Object
	switch kind {
	case "policy":
		o = &v1alpha1.CircuitPolicy{}
	case "route":
		o = &v1alpha1.ProviderRoute{}
	default:
		o = &corev1.Secret{}
	}
	o.SetNamespace(namespace)
	o.SetName(name)
	how := types.MergePatchType
	if strings.HasPrefix(raw, "[") {
		how = types.JSONPatchType
	}
	if err := kube.Patch(ctx, o, client.RawPatch(how, []byte(raw))); err != nil {
		return fmt.Errorf("patching %s %s: %w", kind, name, err)
	}
	return nil
}
