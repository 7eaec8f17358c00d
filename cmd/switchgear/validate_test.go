package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samples are the files of the quick start.
var samples = filepath.Join("..", "..", "config", "samples")

const (
	goodPolicy = "apiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: {name: p}\n"
	goodRoute  = "apiVersion: switchgear.dev/v1alpha1\nkind: ProviderRoute\nmetadata: {name: r}\nspec:\n  models: [m]\n  backends:\n  - {name: a, type: OpenAI, url: \"https://a.example/v1\"}\n"
)

func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestValidate(t *testing.T) {
	absolute, err := filepath.Abs(samples)
	if err != nil {
		t.Fatal(err)
	}
	bad := goodPolicy + "spec: {window: 25h}\n"
	const found = `a.yaml:4: CircuitPolicy/p: spec.window: Invalid value: "25h": must be from 100ms to 24h` + "\n"
	for name, c := range map[string]struct {
		files          map[string]string
		args           []string
		code           int
		stdout, stderr string
	}{
		"a file":                {files: map[string]string{"a.yaml": goodPolicy}, args: []string{"-f", "a.yaml"}, stdout: "1 file, 1 object: valid\n"},
		"a folder":              {files: map[string]string{"a.yaml": goodPolicy, "b.yaml": goodRoute, "c.yaml": "# nothing\n"}, args: []string{"-f", "."}, stdout: "2 files, 2 objects: valid\n"},
		"files, as a shell has": {files: map[string]string{"a.yaml": goodPolicy, "b.yaml": goodRoute}, args: []string{"-f", "a.yaml", "b.yaml"}, stdout: "2 files, 2 objects: valid\n"},
		"more than one flag":    {files: map[string]string{"a.yaml": goodPolicy, "b.yaml": goodRoute}, args: []string{"-f", "a.yaml", "--filename=b.yaml"}, stdout: "2 files, 2 objects: valid\n"},
		"a problem":             {files: map[string]string{"a.yaml": bad}, args: []string{"-f", "a.yaml"}, code: 1, stdout: found, stderr: "switchgear: the configuration has a problem\n"},
		"two problems": {
			files: map[string]string{"a.yaml": bad, "b.yaml": "{"}, args: []string{"-f", "."}, code: 1,
			stdout: found + "b.yaml:1: YAML: did not find expected node content\n", stderr: "switchgear: the configuration has 2 problems\n",
		},
		"a warning": {
			files: map[string]string{"a.yaml": goodRoute + "  - {name: b, type: OpenAI, url: \"https://a.example/v1\"}\n"}, args: []string{"-f", "."},
			stdout: "a.yaml:6: ProviderRoute/r: spec.backends: warning: \"a\" shares the circuit a.example/m with \"b\", so that the fallback would be refused together with the first: give them CircuitPolicies of their own, or a narrower scope\n1 file, 1 object: valid\n",
		},
		"no such file": {args: []string{"-f", "nope.yaml"}, code: 1, stdout: "nope.yaml: no such file or directory\n", stderr: "switchgear: the configuration has a problem\n"},
		"no files":     {code: 1, stderr: "switchgear: there are no files: name files or folders with -f\n"},
		"another namespace": {
			files: map[string]string{"a.yaml": goodPolicy, "b.yaml": "apiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: {name: p, namespace: team-a}\n"},
			args:  []string{"-f", ".", "--default-namespace=team-a"}, code: 1,
			stdout: "b.yaml:3: CircuitPolicy/p: metadata.name: there is a CircuitPolicy of this name already, at a.yaml:1\n", stderr: "switchgear: the configuration has a problem\n",
		},
		"the samples of the quick start": {args: []string{"-f", filepath.Join(absolute, "standalone")}, stdout: "3 files, 4 objects: valid\n"},
		"the samples for a cluster":      {args: []string{"-f", absolute}, stdout: "7 files, 16 objects: valid\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeFiles(t, c.files)
			var stdout, stderr bytes.Buffer
			if code := run(append([]string{"validate"}, c.args...), &stdout, &stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if diff := cmp.Diff(c.stdout, stdout.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.stderr, stderr.String()); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}
