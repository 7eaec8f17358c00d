package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/admin"
)

// startAdmin serves the admin endpoints about some objects.
func startAdmin(t *testing.T) (url string) {
	t.Helper()
	age := metav1.NewTime(time.Now().Add(-3 * time.Hour))
	ready := []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
	circuit := func(namespace, name string, state v1alpha1.CircuitState) admin.Policy {
		p := &v1alpha1.CircuitPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: age}}
		p.Spec.Mode = v1alpha1.ModeEnforce
		p.Status = v1alpha1.CircuitPolicyStatus{
			State: state, HealthScore: 42, FailureCount: 3, Replicas: &v1alpha1.ReplicaSummary{Summary: "0/1"}, Conditions: ready,
		}
		return admin.Policy{Object: p}
	}
	route := &v1alpha1.ProviderRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "chat"}}
	route.Status = v1alpha1.ProviderRouteStatus{ModelsSummary: "gpt-4o", ActiveBackend: "openai", Conditions: ready}
	server := httptest.NewServer(admin.NewHandler(admin.Options{
		Feed: admin.NewFeed(),
		Source: func(context.Context) (admin.Objects, error) {
			return admin.Objects{
				Policies: []admin.Policy{circuit("team-b", "openai", "Open"), circuit("team-a", "openai", "Closed"), circuit("team-a", "azure", "HalfOpen")},
				Routes:   []admin.Route{{Object: route}},
			}, nil
		},
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// somethingElse is a server that is not an admin listener.
func somethingElse(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(nil)
	server.Close()
	return server.URL
}

// trying sets where get looks without --admin.
func trying(t *testing.T, urls ...string) {
	t.Helper()
	before := usualAdmins
	usualAdmins = urls
	t.Cleanup(func() { usualAdmins = before })
}

func TestGetPrintsWhatTheAdminListenerKnows(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "team-a")
	trying(t, nobody(t), somethingElse(t), startAdmin(t))
	const circuits = `
NAME     STATE      HEALTH   FAILURES   QUEUED   OPEN   READY   AGE
azure    HalfOpen   42       3          0        0/1    True    3h
openai   Closed     42       3          0        0/1    True    3h
`
	const routes = `
NAME   MODELS   ACTIVE   READY   AGE
chat   gpt-4o   openai   True    
`
	for args, want := range map[string]string{
		"circuits":        circuits,
		"circuitpolicies": circuits,
		"circuit openai": `
NAME     STATE    HEALTH   FAILURES   QUEUED   OPEN   READY   AGE
openai   Closed   42       3          0        0/1    True    3h
`,
		"circuits -n team-b -o wide": `
NAME     STATE   HEALTH   FAILURES   QUEUED   OPEN   READY   AGE   MODE      NEXT-PROBE   REASON
openai   Open    42       3          0        0/1    True    3h    Enforce                
`,
		"circuits -A": `
NAMESPACE   NAME     STATE      HEALTH   FAILURES   QUEUED   OPEN   READY   AGE
team-a      azure    HalfOpen   42       3          0        0/1    True    3h
team-a      openai   Closed     42       3          0        0/1    True    3h
team-b      openai   Open       42       3          0        0/1    True    3h
`,
		"routes": routes,
		"proute": routes,
		"routes -o json": `
{
    "items": [
        {
            "namespace": "team-a",
            "name": "chat",
            "status": {
                "modelsSummary": "gpt-4o",
                "activeBackend": "openai",
                "conditions": [
                    {
                        "type": "Ready",
                        "status": "True",
                        "lastTransitionTime": null,
                        "reason": "",
                        "message": ""
                    }
                ]
            }
        }
    ]
}
`,
		"routes -n team-b -o json": `
{
    "items": []
}
`,
		"route chat -o yaml": `
name: chat
namespace: team-a
status:
  activeBackend: openai
  conditions:
  - lastTransitionTime: null
    message: ""
    reason: ""
    status: "True"
    type: Ready
  modelsSummary: gpt-4o
`,
	} {
		t.Run(args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"get"}, strings.Fields(args)...), &stdout, &stderr)
			if code != 0 || stderr.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			if diff := cmp.Diff(want, "\n"+stdout.String()); diff != "" {
				t.Errorf("what is printed differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGetOfNothingSaysSo(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run([]string{"get", "--admin", startAdmin(t), "routes", "-n", "team-b"}, &stdout, &stderr)
	if want := "No resources found in team-b namespace.\n"; code != 0 || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q, want %q", code, stdout.String(), stderr.String(), want)
	}
}

func TestGetSaysWhatIsWrong(t *testing.T) {
	url := startAdmin(t)
	down, other := nobody(t), somethingElse(t)
	trying(t, down, other)
	for name, c := range map[string]struct {
		args string
		want []string // parts of the one line
	}{
		"no admin":        {"circuits", []string{"no admin listener answers at " + down + " or " + other, "switchgear run", "port-forward", "--admin URL"}},
		"nobody there":    {"circuits --admin " + down, []string{"no admin listener answers at " + down, "connection refused", "--admin-listen"}},
		"without scheme":  {"circuits --admin " + strings.TrimPrefix(down, "http://"), []string{"no admin listener answers at " + down}},
		"another server":  {"circuits --admin " + other, []string{"no admin listener answers at " + other, "something else that answers 404"}},
		"no such circuit": {"circuits nope -n team-a --admin " + url, []string{"there is no CircuitPolicy team-a/nope"}},
		"a path for name": {"circuits ../x -n team-a --admin " + url, []string{"there is no CircuitPolicy team-a/../x"}},
		"no name of it":   {"proutes --admin " + url, []string{`there is no kind "proutes"`}},
		"no such kind":    {"pods --admin " + url, []string{`there is no kind "pods"`, "circuits or routes"}},
		"no kind":         {"--admin " + url, []string{"arg"}},
		"no such format":  {"circuits -o table", []string{`-o "table"`, "wide, json or yaml"}},
		"one in all":      {"circuits openai -A", []string{"-n NAMESPACE in place of -A"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(append([]string{"get"}, strings.Fields(c.args)...), &stdout, &stderr); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || stdout.Len() > 0 {
				t.Errorf("stderr is %q, stdout %q; want one line on stderr", line, stdout.String())
			}
			for _, part := range c.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not say %q", line, part)
				}
			}
		})
	}
}
