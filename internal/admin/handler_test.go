package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/status"
)

// rig is a handler over a real gateway, without a cluster.
type rig struct {
	*Handler
	t       *testing.T
	gw      *gateway.Gateway
	last    *compile.LastGood
	objects atomic.Pointer[Objects]
	clock   time.Time
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{t: t, gw: gateway.New(gateway.Options{Logger: slog.New(slog.DiscardHandler)}), clock: noon.Truncate(time.Second)}
	t.Cleanup(r.gw.Close)
	o.Observer, o.Feed, o.Address = status.ObserveLocal(r.gw), NewFeed(), "127.0.0.1:0"
	o.Source = func(context.Context) (Objects, error) {
		if objects := r.objects.Load(); objects != nil {
			return *objects, nil
		}
		return Objects{}, ErrNotReady
	}
	r.Handler = NewHandler(o)
	r.statuses.now = func() time.Time { return r.clock }
	return r
}

// apply makes a configuration live.
func (r *rig) apply(policies []*v1alpha1.CircuitPolicy, routes []*v1alpha1.ProviderRoute) {
	r.t.Helper()
	result := compile.Compile(compile.Input{Policies: policies, Routes: routes}, r.last, compile.Options{})
	r.last = result.LastGood
	r.gw.Apply(result.Snapshot)
	objects := Compiled(policies, routes, result)
	r.objects.Store(&objects)
}

// ask sends a request and checks the answer's form.
func (r *rig) ask(method, path string) (code int, body string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, "http://localhost"+path, nil))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		r.t.Errorf("%s %s answers with %q", method, path, got)
	}
	return w.Code, w.Body.String()
}

// get decodes an answer that must be a good one.
func get[T any](r *rig, path string) (value T) {
	r.t.Helper()
	code, body := r.ask(http.MethodGet, path)
	if code != http.StatusOK {
		r.t.Fatalf("%s answers %d %s", path, code, body)
	}
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		r.t.Fatal(err)
	}
	return value
}

func policy(namespace, name string) *v1alpha1.CircuitPolicy {
	return &v1alpha1.CircuitPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name), Generation: 1},
		Spec: v1alpha1.CircuitPolicySpec{
			Mode: v1alpha1.ModeEnforce, Scope: v1alpha1.ScopeModel, Profile: v1alpha1.ProfileBalanced,
			FailureStatusCodes: []string{"5xx", "408"},
		},
	}
}

func route(namespace, name, model string) *v1alpha1.ProviderRoute {
	return &v1alpha1.ProviderRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name), Generation: 1},
		Spec: v1alpha1.ProviderRouteSpec{
			Models: []string{model},
			Backends: []v1alpha1.Backend{{
				Name: "openai", Type: v1alpha1.BackendOpenAI, URL: "https://api.example.com/v1",
				CircuitPolicyRef: &v1alpha1.CircuitPolicyReference{Name: "openai"},
			}},
		},
	}
}

// forcedOpen is a policy under an override.
func forcedOpen(namespace, name string) *v1alpha1.CircuitPolicy {
	p := policy(namespace, name)
	p.Spec.Override = &v1alpha1.Override{State: v1alpha1.OverrideOpen, Reason: "incident"}
	return p
}

func TestItemsAreThereAndSorted(t *testing.T) {
	r := newRig(t, Options{})
	r.apply(
		[]*v1alpha1.CircuitPolicy{policy("b", "openai"), policy("a", "z"), policy("a", "a")},
		[]*v1alpha1.ProviderRoute{route("b", "two", "gpt-2"), route("b", "one", "gpt-1")},
	)
	var got []string
	for _, item := range get[List[CircuitItem]](r, "/circuits").Items {
		got = append(got, item.Namespace+"/"+item.Name+" "+string(item.Mode)+" "+string(item.Status.State))
	}
	for _, item := range get[List[RouteItem]](r, "/routes").Items {
		got = append(got, item.Namespace+"/"+item.Name+" "+item.Status.ActiveBackend)
	}
	want := []string{"a/a Enforce Closed", "a/z Enforce Closed", "b/openai Enforce Closed", "b/one openai", "b/two openai"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items differ (-want +got):\n%s", diff)
	}
}

func TestItemHasTheFieldsOfTheResource(t *testing.T) {
	r := newRig(t, Options{})
	p := forcedOpen("team-a", "openai")
	p.CreationTimestamp = metav1.NewTime(noon)
	r.apply([]*v1alpha1.CircuitPolicy{p}, []*v1alpha1.ProviderRoute{route("team-a", "chat", "gpt-4o")})

	_, body := r.ask(http.MethodGet, "/routes/team-a/chat")
	want := `{
  "namespace": "team-a",
  "name": "chat",
  "status": {
    "observedGeneration": 1,
    "modelsSummary": "gpt-4o",
    "backends": [
      {
        "name": "openai",
        "circuit": "api.example.com/gpt-4o",
        "state": "Open",
        "failureCount": 0,
        "healthScore": 20
      }
    ],
    "conditions": [
`
	if !strings.HasPrefix(body, want) {
		t.Errorf("the route is\n%s\nwant it to begin with\n%s", body, want)
	}
	item := get[map[string]any](r, "/circuits/team-a/openai")
	if item["namespace"] != "team-a" || item["name"] != "openai" || item["mode"] != "Enforce" || item["creationTimestamp"] != "2026-05-04T12:00:00Z" {
		t.Errorf("the circuit's item is %v", item)
	}
	var fields []string
	for _, f := range []string{
		"observedGeneration", "state", "failureCount", "healthScore", "queued", "openCount",
		"effective", "replicas", "circuits", "conditions",
	} {
		if _, ok := item["status"].(map[string]any)[f]; !ok {
			fields = append(fields, f)
		}
	}
	if fields != nil {
		t.Errorf("the status lacks %v", fields)
	}
}

func TestWhatIsWrongIsSaidWithWhatWouldBeRight(t *testing.T) {
	r := newRig(t, Options{})
	r.apply(nil, nil)
	for name, c := range map[string]struct {
		method, path string
		status       int
		code         string
		message      string // part of it
	}{
		"no such policy":   {"GET", "/circuits/team-a/nope", 404, "not_found", "there is no CircuitPolicy team-a/nope: GET /circuits lists"},
		"no such route":    {"GET", "/routes/team-a/nope", 404, "not_found", "there is no ProviderRoute team-a/nope: GET /routes lists"},
		"no such path":     {"GET", "/nope", 404, "not_found", "want /circuits"},
		"no name":          {"GET", "/circuits/team-a", 404, "not_found", "/circuits/{namespace}/{name}"},
		"a wrong method":   {"DELETE", "/circuits/team-a/x", 405, "method_not_allowed", "want GET, HEAD"},
		"posting a list":   {"POST", "/routes", 405, "method_not_allowed", "want GET, HEAD"},
		"posting events":   {"POST", "/events", 405, "method_not_allowed", "want GET, HEAD"},
		"getting a reset":  {"GET", "/circuits/team-a/x/reset", 405, "method_not_allowed", "want POST"},
		"reset in cluster": {"POST", "/circuits/team-a/x/reset", 403, "use_the_resource", `kubectl annotate circuitpolicies --namespace team-a x --overwrite switchgear.dev/reset-requested-at="$(date)"`},
		"all in a cluster": {"POST", "/circuits/reset", 403, "use_the_resource", `kubectl annotate circuitpolicies --all --all-namespaces --overwrite switchgear.dev/reset-requested-at="$(date)"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, text := r.ask(c.method, c.path)
			var body ErrorBody
			if err := json.Unmarshal([]byte(text), &body); err != nil {
				t.Fatal(err)
			}
			if code != c.status || body.Error.Code != c.code || !strings.Contains(body.Error.Message, c.message) {
				t.Errorf("answered %d %+v, want %d %s: %s", code, body.Error, c.status, c.code, c.message)
			}
		})
	}
}

func TestBeforeTheFirstConfigurationNothingIsKnown(t *testing.T) {
	r := newRig(t, Options{})
	if code, body := r.ask(http.MethodGet, "/circuits"); code != http.StatusServiceUnavailable || !strings.Contains(body, "not_ready") {
		t.Errorf("answered %d %s", code, body)
	}
}

func TestUncompiledObjectIsShownAsItsResourceIs(t *testing.T) {
	r := newRig(t, Options{})
	p := policy("team-a", "openai")
	p.Status = v1alpha1.CircuitPolicyStatus{ObservedGeneration: 1, State: v1alpha1.CircuitHalfOpen}
	r.objects.Store(&Objects{Policies: []Policy{{Object: p}}})
	if item := get[CircuitItem](r, "/circuits/team-a/openai"); item.Status.State != v1alpha1.CircuitHalfOpen {
		t.Errorf("status is %+v", item.Status)
	}
}
