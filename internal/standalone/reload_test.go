package standalone

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// TestABrokenFileKeepsItsLastGood: whatever is wrong with an edit, what was live
// of the file serves on, the log says where it is wrong, the edit of another file
// goes live, and so does the mended one.
func TestABrokenFileKeepsItsLastGood(t *testing.T) {
	for name, c := range map[string]struct {
		edit string
		do   func(t *testing.T)
		want string
	}{
		"YAML":                   {edit: "spec: {", want: "a.yaml:1: YAML: did not find expected node content"},
		"an unknown field":       {edit: aRoute("a", "new", "  retries: 3\n"), want: "a.yaml:10: ProviderRoute/a: spec.retries: unknown field"},
		"a bound":                {edit: aRoute("a", "new", "  timeout: 48h\n"), want: "a.yaml:10: ProviderRoute/a: spec.timeout: Invalid value"},
		"one of two objects":     {edit: aRoute("a", "new", "") + "---\n" + policyHead + "P}\n", want: "a.yaml:13: CircuitPolicy/P: metadata.name: Invalid value"},
		"a name that is taken":   {edit: aRoute("a", "new", "") + "---\n" + policyHead + "p}\n", want: "c.yaml:3: CircuitPolicy/p: metadata.name: there is a CircuitPolicy of this name already, at a.yaml:11"},
		"a name twice":           {edit: aRoute("a", "new", "") + "---\n" + aRoute("a", "new2", ""), want: "a.yaml:13: ProviderRoute/a: metadata.name: there is a ProviderRoute of this name already, at a.yaml:1"},
		"a Secret that is not":   {edit: aRoute("a", "new", "    credentials: {secretRef: {name: gone, key: k}}\n"), want: "a.yaml:10: ProviderRoute/a: spec.backends[0].credentials.secretRef: there is no Secret"},
		"a policy that is not":   {edit: aRoute("a", "new", "    circuitPolicyRef: {name: gone}\n"), want: "a.yaml:10: ProviderRoute/a: spec.backends[0].circuitPolicyRef: there is no CircuitPolicy"},
		"a model that is taken":  {edit: aRoute("a", "new", "") + "---\n" + aRoute("a2", "b2", ""), want: "a.yaml:15: ProviderRoute/a2: spec.models: "},
		"an unset variable":      {edit: aRoute("a", "new", "") + "---\n" + secretHead + "stringData: {k: \"${NOPE}\"}\n", want: "a.yaml:14: Secret/s: stringData[k]: the environment variable NOPE is not set"},
		"a text that is gone":    {edit: "\n", want: "a.yaml: the file is empty"},
		"a link that leads away": {do: replaceByDanglingLink, want: "a.yaml: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"a.yaml": aRoute("a", "m", ""), "b.yaml": aRoute("b", "b1", ""), "c.yaml": policyHead + "p}\n"})
			if c.do != nil {
				c.do(t)
			}
			files := map[string]string{"b.yaml": aRoute("b", "b2", "")}
			if c.edit != "" {
				files["a.yaml"] = c.edit
			}
			r.wantLogged(r.edit(files), `level=ERROR msg="The configuration is broken: what was good of it serves on" problem=`, c.want)
			if a, b := r.gateway.model("a"), r.gateway.model("b"); a != "m" || b != "b2" {
				t.Errorf("routes a and b serve %q and %q, want the last good m and the edited b2", a, b)
			}
			if r.gateway.policyID("p") == "" {
				t.Error("the policy of another file is gone")
			}
			before := r.gateway.count()
			if log := r.edit(nil); log != "" || r.gateway.count() != before {
				t.Errorf("without an edit something is applied or logged again: %q", log)
			}
			if err := os.Remove("a.yaml"); err != nil {
				t.Fatal(err)
			}
			r.wantLogged(r.edit(map[string]string{"a.yaml": aRoute("a", "mended", "")}), "The configuration is whole again")
			if a := r.gateway.model("a"); a != "mended" {
				t.Errorf("after mending, route a serves %q", a)
			}
		})
	}
}

func replaceByDanglingLink(t *testing.T) {
	t.Helper()
	if err := os.Remove("a.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", "a.yaml"); err != nil {
		t.Fatal(err)
	}
}

// TestAnEditWaitsForAnother: two files are edited, and the one that needs the
// other is saved first.
func TestAnEditWaitsForAnother(t *testing.T) {
	r := start(t, map[string]string{"a.yaml": aRoute("a", "m", ""), "z.yaml": policyHead + "other}\n"})
	r.wantLogged(r.edit(map[string]string{"a.yaml": aRoute("a", "new", "    circuitPolicyRef: {name: p}\n")}), `there is no CircuitPolicy`)
	if got := r.gateway.model("a"); got != "m" {
		t.Errorf("the route serves %q before its policy is there", got)
	}
	r.wantLogged(r.edit(map[string]string{"z.yaml": policyHead + "p}\n"}), "The configuration is whole again")
	if a := r.gateway.route("a"); a.Matches[0].Pattern != "new" || a.Backends[0].Policy.Name != "p" {
		t.Errorf("the route serves %q under %q", a.Matches[0].Pattern, a.Backends[0].Policy.Name)
	}
}

// TestALostReferenceCountsAtOnce: as in a cluster, and unlike a broken edit.
func TestALostReferenceCountsAtOnce(t *testing.T) {
	r := start(t, map[string]string{
		"a.yaml": aRoute("a", "m", "    credentials: {secretRef: {name: s, key: k}}\n    circuitPolicyRef: {name: p}\n"),
		"p.yaml": policyHead + "p}\n",
		"s.yaml": goodSecret,
	})
	r.wantLogged(r.edit(map[string]string{"s.yaml": "", "p.yaml": ""}),
		`a.yaml:10: ProviderRoute/a: spec.backends[0].credentials.secretRef: there is no Secret \"s\"`,
		`a.yaml:11: ProviderRoute/a: spec.backends[0].circuitPolicyRef: there is no CircuitPolicy \"p\"`)
	b := r.gateway.route("a").Backends[0]
	if b.Unavailable == "" || b.Credential.Key != "" || b.Policy.Name != "" {
		t.Errorf("the backend is %+v, want it unavailable, without the old credential, under the built-in policy", b)
	}
}

func TestFilesThatComeAndGo(t *testing.T) {
	r := start(t, map[string]string{"conf/a.yaml": aRoute("a", "m", ""), "conf/b.yaml": aRoute("b", "bb", ""), "c.yaml": aRoute("c", "o", "")}, "conf", "c.yaml")
	has := func(step, want string) {
		t.Helper()
		var got []string
		for name := range strings.SplitSeq("abcd", "") {
			if r.gateway.route(name) != nil {
				got = append(got, name)
			}
		}
		if strings.Join(got, "") != want {
			t.Errorf("%s: the routes are %q, want %q", step, got, want)
		}
	}
	has("at first", "abc")
	r.edit(map[string]string{"conf/d.yaml": aRoute("d", "p", "")})
	has("a file has come", "abcd")
	r.edit(map[string]string{"conf/a.yaml": ""})
	has("a file of the folder has gone", "bcd")
	r.wantLogged(r.edit(map[string]string{"c.yaml": ""}), "c.yaml: no such file or directory")
	has("a file that is named has gone", "bcd")
	r.wantLogged(r.edit(map[string]string{"conf/b.yaml": "", "conf/d.yaml": ""}), "conf: the folder has no file")
	has("the folder is empty", "bcd")
	if err := os.Remove("conf"); err != nil {
		t.Fatal(err)
	}
	r.wantLogged(r.edit(nil), "conf: no such file or directory")
	has("the folder has gone", "bcd")
	r.edit(map[string]string{"conf/b.yaml": aRoute("b", "bb", ""), "c.yaml": aRoute("c", "new", "")})
	has("all is back but one", "bc")
	if got := r.gateway.model("c"); got != "new" {
		t.Errorf("route c serves %q", got)
	}
}

func TestNothingStartsOfABrokenConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, map[string]string{"a.yaml": goodRoute, "b.yaml": policyHead + "P}\n"})
	g := &fakeGateway{}
	s := newTestSource(t, g)
	report := s.Start(t.Context())
	if len(report.Problems) != 1 || s.Current() != nil || g.count() != 0 {
		t.Errorf("problems %q, %d configurations applied, current %v", texts(report.Problems), g.count(), s.Current())
	}
}

func TestMetricsTellOfABrokenEdit(t *testing.T) {
	r := start(t, map[string]string{"a.yaml": goodRoute})
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.options.Metrics.Collectors()...)
	successful := func() float64 {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var found *dto.Metric
		for _, f := range families {
			if f.GetName() == "switchgear_config_last_apply_successful" {
				found = f.GetMetric()[0]
			}
		}
		return found.GetGauge().GetValue()
	}
	if got := successful(); got != 1 {
		t.Errorf("after the start it is %v", got)
	}
	r.edit(map[string]string{"a.yaml": "{"})
	if got := successful(); got != 0 {
		t.Errorf("after a broken edit it is %v", got)
	}
	r.edit(map[string]string{"a.yaml": goodRoute})
	if got := successful(); got != 1 {
		t.Errorf("after mending it is %v", got)
	}
}
