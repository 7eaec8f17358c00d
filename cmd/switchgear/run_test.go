package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

// routeTo is a route for the model m to a provider, under the policy p.
func routeTo(url, more string) string {
	return "apiVersion: switchgear.dev/v1alpha1\nkind: ProviderRoute\nmetadata: {name: r}\nspec:\n  models: [m]\n" +
		"  backends:\n  - {name: a, type: OpenAI, url: \"" + url + "/v1\", circuitPolicyRef: {name: p}}\n" + more
}

// policy is the policy p, which opens for an hour after so many failures.
func policy(threshold int) string {
	return goodPolicy + fmt.Sprintf("spec: {failureThreshold: %d, failureRate: {percent: 0}, resetTimeout: 1h, resetBackoff: {max: 1h}}\n", threshold)
}

func TestRunServes(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{Name: "sim"})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(5)})
	p := startRun(t, "--log-level=debug")
	if got := p.mustChat(); got.status != http.StatusOK || got.backend != "a" || !strings.Contains(got.body, sim.Answer()) {
		t.Errorf("the answer is %+v", got)
	}
	for path, want := range map[string]string{
		"/healthz": "ok",
		"/readyz":  "ok",
		"/metrics": `switchgear_requests_total{backend="a",class="Success",namespace="default",route="r"} 1`,
	} {
		if code, body := p.get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d %q, want %q", path, code, body, want)
		}
	}
	for _, metric := range []string{"switchgear_config_last_apply_successful 1", "switchgear_build_info{", "go_goroutines ", "process_open_fds "} {
		if _, body := p.get("/metrics"); !strings.Contains(body, "\n"+metric) {
			t.Errorf("there is no metric %q", metric)
		}
	}
	p.cancel()
	err := <-p.ended
	p.ended <- err
	if err != nil || !strings.Contains(p.log.String(), "msg=Stopped") {
		t.Errorf("the end is %v", err)
	}
}

func TestRunDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := map[string]string{"a.yaml": goodRoute}
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		want  []string // the lines of stderr that are not of the log
	}{
		"problems": {
			files: map[string]string{
				"a.yaml": goodPolicy + "spec: {window: 25h, treshold: 1}\n",
				"b.yaml": routeTo("https://a.example", "  - {name: b, type: OpenAI, url: \"https://b.example/v1\", credentials: {secretRef: {name: s, key: k}}}\n"),
				"c.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\nstringData:\n  k: ${SWITCHGEAR_TEST_UNSET}\n",
			},
			want: []string{
				"a.yaml:4: CircuitPolicy/p: spec.treshold: unknown field",
				`a.yaml:4: CircuitPolicy/p: spec.window: Invalid value: "25h": must be from 100ms to 24h`,
				`b.yaml:8: ProviderRoute/r: spec.backends[1].credentials.secretRef: there is no Secret "s" in the namespace with the label switchgear.dev/credentials=true`,
				"c.yaml:5: Secret/t: stringData[k]: the environment variable SWITCHGEAR_TEST_UNSET is not set",
				"switchgear: the configuration has 4 problems",
			},
		},
		"no files":          {want: []string{"switchgear: there are no files: name files or folders with -f"}},
		"no gateway's port": {files: good, args: []string{"--listen", taken.Addr().String()}, want: []string{"switchgear: running the gateway: opening the gateway's listener: listening for clients: listen tcp " + taken.Addr().String() + ": bind: address already in use"}},
		"no admin's port":   {files: good, args: []string{"--admin", taken.Addr().String()}, want: []string{"switchgear: --admin \"" + taken.Addr().String() + "\": listen tcp " + taken.Addr().String() + ": bind: address already in use; give another address, or 0 for none"}},
		"no debug's port":   {files: good, args: []string{"--debug-listen", taken.Addr().String()}, want: []string{"switchgear: --debug-listen \"" + taken.Addr().String() + "\": listen tcp " + taken.Addr().String() + ": bind: address already in use"}},
		"a wrong flag":      {files: good, args: []string{"--max-body-bytes=0"}, want: []string{"switchgear: --max-body-bytes 0: want a number of bytes above 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeFiles(t, c.files)
			args := []string{"run", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}
			if c.files != nil {
				args = append(args, "-f", ".")
			}
			var stdout, stderr bytes.Buffer
			if code := run(append(args, c.args...), &stdout, &stderr); code != 1 || stdout.Len() > 0 {
				t.Errorf("exit code %d, stdout %q", code, stdout.String())
			}
			var got []string
			for line := range strings.Lines(stderr.String()) {
				if !strings.HasPrefix(line, "time=") {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheAdminListenerOperates looks at an open circuit through edits, and resets
// it.
func TestTheAdminListenerOperates(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Status, Status: http.StatusServiceUnavailable})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(2)})
	p := startRun(t)
	p.wait("the circuit to open", func() bool { return p.mustChat().code == "circuit_open" })
	sim.Heal()
	p.edit(applied, map[string]string{"p.yaml": policy(3)})

	status, body := p.get("/circuits/default/p")
	for path, want := range map[string]string{"status.state": "Open", "status.observedGeneration": "2", "status.effective.failureThreshold": "3", `status.conditions.#(type=="Ready").status`: "True"} {
		if got := gjson.Get(body, path).String(); status != http.StatusOK || got != want {
			t.Errorf("%s is %q, want %q, in %d %s", path, got, want, status, body)
		}
	}
	if _, body := p.get("/routes"); gjson.Get(body, "items.0.status.backends.0.state").String() != "Open" {
		t.Errorf("the routes are %s", body)
	}
	response, err := http.Post("http://"+p.admin+"/circuits/default/p/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := p.mustChat(); response.StatusCode != http.StatusOK || got.status != http.StatusOK {
		t.Errorf("the reset answers %d, and the next request gets %+v", response.StatusCode, got)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"get", "circuits", "--admin", "http://" + p.admin}, &stdout, &stderr); code != 0 || !regexp.MustCompile(`(?m)^p +Closed `).MatchString(stdout.String()) {
		t.Errorf("get exits with %d and prints\n%s%s", code, stdout.String(), stderr.String())
	}
}

func TestCircuitsOffRefuseNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Status, Status: http.StatusServiceUnavailable})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, "  retry: {maxAttempts: 1}\n"), "p.yaml": policy(2)})
	p := startRun(t, "--circuits=off")
	for range 5 {
		if got := p.mustChat(); got.code != "" {
			t.Errorf("the answer is %+v, want the provider's own", got)
		}
	}
	if sim.Count() != 5 {
		t.Errorf("the provider saw %d requests of 5", sim.Count())
	}
	if _, body := p.get("/circuits/default/p"); !strings.Contains(body, "circuits=off") {
		t.Errorf("the status does not say that circuits are off: %s", body)
	}
}

// TestTheSamplesWork runs the quick start, but for the ports of the providers.
func TestTheSamplesWork(t *testing.T) {
	primary := providersim.Start(t, providersim.Options{Name: "primary"})
	secondary := providersim.Start(t, providersim.Options{Name: "secondary"})
	files, err := filepath.Glob(filepath.Join(samples, "standalone", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the samples are %q (%v)", files, err)
	}
	dir := t.TempDir()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("http://127.0.0.1:9101", primary.URL, "http://127.0.0.1:9102", secondary.URL, "gpt-4o-*", "m").Replace(string(raw))
		writeFiles(t, map[string]string{filepath.Join(dir, filepath.Base(file)): text})
	}
	t.Chdir(dir)
	t.Setenv("OPENAI_API_KEY", "sk-of-the-test")
	p := startRun(t)
	if got := p.mustChat(); got.status != http.StatusOK || got.backend != "primary" {
		t.Errorf("at first the answer is %+v", got)
	}
	if got := primary.Requests()[0].Header.Get("Authorization"); got != "Bearer sk-of-the-test" {
		t.Errorf("the provider got the credential %q", got)
	}
	primary.SetFault(providersim.Fault{Kind: providersim.Status, Status: http.StatusServiceUnavailable})
	p.wait("the circuit to open", func() bool { return p.mustChat().backend == "secondary" })
	p.logged(`msg="Circuit changed state" namespace=default policy=primary .* from=Closed to=Open .* message="3 consecutive failures`)
}

// TestAnAnnotationResets as in a cluster, and the status says which request was
// the last.
func TestAnAnnotationResets(t *testing.T) {
	t.Chdir(t.TempDir())
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Status, Status: http.StatusServiceUnavailable})
	writeFiles(t, map[string]string{"a.yaml": routeTo(sim.URL, ""), "p.yaml": policy(2)})
	p := startRun(t)
	p.wait("the circuit to open", func() bool { return p.mustChat().code == "circuit_open" })
	sim.Heal()
	annotated := strings.Replace(policy(2), "{name: p", `{annotations: {switchgear.dev/reset-requested-at: "noon"}, name: p`, 1)
	p.edit(applied, map[string]string{"p.yaml": annotated})
	p.wait("the circuit to be reset", func() bool {
		_, body := p.get("/circuits/default/p")
		return gjson.Get(body, "status.state").String() == "Closed" && gjson.Get(body, "status.lastReset").String() == "noon"
	})
}
