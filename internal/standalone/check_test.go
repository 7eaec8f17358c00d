package standalone

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/compile"
)

// The parts that most cases are made of.
const (
	policyHead = "apiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: {name: "
	routeHead  = "apiVersion: switchgear.dev/v1alpha1\nkind: ProviderRoute\nmetadata: {name: "
	secretHead = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {switchgear.dev/credentials: \"true\"}}\n"

	goodRoute  = routeHead + "r}\nspec:\n  models: [m]\n  backends:\n  - {name: a, type: OpenAI, url: \"https://a.example/v1\"}\n"
	goodSecret = secretHead + "stringData: {k: v}\n"
)

// aRoute is a route whose one backend has some more fields.
func aRoute(name, model, more string) string {
	return routeHead + name + "}\nspec:\n  models: [" + model + "]\n  backends:\n  - name: a\n    type: OpenAI\n    url: https://a.example/v1\n" + more
}

// write writes files into the working directory, which is the test's own.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func environment(name string) (string, bool) {
	value, ok := map[string]string{"KEY": "sk-1"}[name]
	return value, ok
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		paths   []string // default: the folder
		want    []string
		objects int
	}{
		"nothing wrong": {
			files:   map[string]string{"a.yaml": goodRoute + "---\n" + goodSecret, "b.yml": policyHead + "p}\n", "c.json": `{"apiVersion": "switchgear.dev/v1alpha1", "kind": "CircuitPolicy", "metadata": {"name": "q"}}`},
			objects: 4,
		},
		"kinds of others": {
			files: map[string]string{
				"a.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n---\napiVersion: switchgear.dev/v1\nkind: CircuitPolicy\nmetadata: {name: yy}\n---\napiVersion: v1\nkind: List\nitems: []\n",
				"b.yaml": "kind: CircuitPolicy\n---\napiVersion: a/b/c\nkind: Secret\n---\napiVersion: v1\n---\n- 1\n---\ntext\n",
			},
			want: []string{
				"a.yaml:1: ConfigMap/x: kind: is ConfigMap: must be CircuitPolicy, ProviderRoute or Secret; keep other kinds in other files",
				"a.yaml:5: CircuitPolicy/yy: apiVersion: is switchgear.dev/v1: must be switchgear.dev/v1alpha1 for this kind",
				"a.yaml:10: List: kind: is List: give each of its items a document of its own, with --- between them",
				"b.yaml:1: apiVersion: must be set: a file holds objects as kubectl would apply them",
				"b.yaml:3: apiVersion: unexpected GroupVersion string: a/b/c",
				"b.yaml:6: kind: must be set: a file holds objects as kubectl would apply them",
				"b.yaml:8: must be an object with apiVersion, kind and metadata",
				"b.yaml:10: must be an object with apiVersion, kind and metadata",
			},
		},
		"a kustomization is passed over": {
			files: map[string]string{
				"kustomization.yaml": "resources: [a.yaml]\n", // it needs no kind
				"kustomization.yml":  "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
				"a.yaml":             policyHead + "p}\n",
			},
			objects: 1,
		},
		"hidden files, folders and other files are passed over": {
			files:   map[string]string{"a.yaml": policyHead + "p}\n", ".b.yaml": "x", "c.txt": "x", "d/e.yaml": "x", "f.yaml/g.yaml": "x", "a.yaml~": "x"},
			objects: 1,
		},
		"a file named is read whatever it is called": {
			files: map[string]string{".b": policyHead + "p}\n", "c.txt": policyHead + "p}\n"},
			paths: []string{".b", "./c.txt", "c.txt"},
			want:  []string{"c.txt:3: CircuitPolicy/p: metadata.name: there is a CircuitPolicy of this name already, at .b:1"},
		},
		"paths that lead nowhere": {
			files: map[string]string{"d/readme.txt": "x", "e.yaml": " \n"},
			paths: []string{"nope.yaml", "nope", "d", "e.yaml"},
			want: []string{
				"d: the folder has no file that ends in .yaml, .yml or .json",
				"e.yaml: the file is empty: remove it if that is what is meant",
				"nope: no such file or directory",
				"nope.yaml: no such file or directory",
			},
		},
		"metadata": {
			files: map[string]string{"a.yaml": "apiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata:\n  name: A_b\n  title: x\n  labels: {l: \"not a label!\"}\n" +
				"---\n" + policyHead + "p, annotations: {a: 1}, labels: {l: true}}\n" +
				"---\napiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\n" +
				"---\napiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: {generateName: p-}\n" +
				"---\n" + policyHead + "p2, namespace: A.b}\n" +
				"---\n" + policyHead + "5}\n" +
				"---\n" + policyHead + "p3, finalizers: no}\n" +
				"---\napiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: [p]\n"},
			want: []string{
				`a.yaml:4: CircuitPolicy/A_b: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
				"a.yaml:5: CircuitPolicy/A_b: metadata.title: unknown field",
				`a.yaml:6: CircuitPolicy/A_b: metadata.labels: Invalid value: "not a label!": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
				"a.yaml:10: CircuitPolicy/p: metadata.annotations[a]: is 1: must be a string: put it in quotes",
				"a.yaml:10: CircuitPolicy/p: metadata.labels[l]: is true: must be a string: put it in quotes",
				"a.yaml:12: CircuitPolicy: " + skipped,
				"a.yaml:12: CircuitPolicy: metadata.name: Required value: name or generateName is required",
				"a.yaml:15: CircuitPolicy: " + skipped,
				"a.yaml:17: CircuitPolicy: metadata.name: Required value: name or generateName is required",
				`a.yaml:21: CircuitPolicy/p2: metadata.namespace: Invalid value: "A.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
				"a.yaml:25: CircuitPolicy: metadata.name: must not be of type number",
				"a.yaml:29: CircuitPolicy/p3: metadata.finalizers: must not be of type bool",
				"a.yaml:31: CircuitPolicy: " + skipped,
				`a.yaml:33: CircuitPolicy: metadata: Invalid value: "array": metadata in body must be of type object: "array"`,
			},
		},
		"what kubectl get -o yaml prints": {
			files: map[string]string{"a.yaml": policyHead + "p, uid: u, resourceVersion: \"7\", generation: 3, creationTimestamp: \"2026-11-01T00:00:00Z\", managedFields: [{manager: m, operation: Apply}]}\n" +
				"spec: {mode: Enforce}\nstatus: {state: Open, unknown: 1}\n"},
			objects: 1,
		},
		"the schema, all at once": {
			files: map[string]string{"a.yaml": policyHead + "p}\nspec:\n  failureThreshold: 1001\n  window: 25h\n  treshold: 1\n  bulkhead:\n    maxQueud: 1\n---\n" + policyHead + "q}\nspec:\n  failureThreshold: \"5\"\n  resetTimeout: 10m\n  resetBackoff: {max: 5m}\n"},
			want: []string{
				"a.yaml:5: CircuitPolicy/p: spec.failureThreshold: Invalid value: 1001: spec.failureThreshold in body should be less than or equal to 1000",
				`a.yaml:6: CircuitPolicy/p: spec.window: Invalid value: "25h": must be from 100ms to 24h`,
				"a.yaml:7: CircuitPolicy/p: spec.treshold: unknown field",
				"a.yaml:9: CircuitPolicy/p: spec.bulkhead.maxQueud: unknown field",
				"a.yaml:11: CircuitPolicy/q: " + skipped,
				`a.yaml:15: CircuitPolicy/q: spec.failureThreshold: Invalid value: "string": spec.failureThreshold in body must be of type integer: "string"`,
			},
		},
		"a rule of two fields": {
			files: map[string]string{"a.yaml": policyHead + "p}\nspec:\n  resetTimeout: 10m\n  resetBackoff: {max: 5m}\n"},
			want:  []string{"a.yaml:4: CircuitPolicy/p: spec: Invalid value: resetBackoff.max must be at least resetTimeout"},
		},
		"a rule of the object": {
			files: map[string]string{"a.yaml": policyHead + "default}\nspec: {scope: Policy}\n"},
			want:  []string{"a.yaml:1: CircuitPolicy/default: Invalid value: the policy named default must not have scope Policy: all backends of the namespace that name no policy would share one circuit"},
		},
		"what is required": {
			files: map[string]string{"a.yaml": routeHead + "r}\nspec:\n  backends:\n  - name: a\n"},
			want: []string{
				"a.yaml:1: ProviderRoute/r: " + skipped,
				"a.yaml:6: ProviderRoute/r: spec.backends[0].type: Required value",
				"a.yaml:6: ProviderRoute/r: spec.backends[0].url: Required value",
			},
		},
		"a key twice": {
			files: map[string]string{"a.yaml": policyHead + "p}\nspec:\n  window: 10s\n  window: 25h\n"},
			want: []string{
				`a.yaml:5: CircuitPolicy/p: spec.window: Invalid value: "25h": must be from 100ms to 24h`,
				`a.yaml:6: CircuitPolicy/p: YAML: key "window" already set in map`,
			},
		},
		"YAML that is broken": {
			files: map[string]string{"a.yaml": "# c\na: {\n---\n" + policyHead + "p}\n"},
			want:  []string{"a.yaml:2: YAML: did not find expected node content"},
		},
		"names twice": {
			files: map[string]string{
				"a.yaml": policyHead + "p}\n---\n" + policyHead + "p, namespace: other}\n---\n" + policyHead + "p}\n",
				"b.yaml": policyHead + "p, namespace: default}\n---\n" + goodSecret,
			},
			want: []string{
				"a.yaml:11: CircuitPolicy/p: metadata.name: there is a CircuitPolicy of this name already, at a.yaml:1",
				"b.yaml:3: CircuitPolicy/p: metadata.name: there is a CircuitPolicy of this name already, at a.yaml:1",
			},
		},
		"Secrets": {
			files: map[string]string{"a.yaml": secretHead + "stringData:\n  a: ${KEY}\n  b: ${NOPE} ${NADA}\n  c: ${NOPE:-d}\n  d: secret-value ${\n  e: 5\ndata:\n  f: c2VjcmV0\n  g: secret-value\n  h: [secret-value]\n  i/j: c2VjcmV0\nsecretData: {k: secret-value}\n"},
			want: []string{
				"a.yaml:6: Secret/s: stringData[b]: the environment variable NADA is not set",
				"a.yaml:6: Secret/s: stringData[b]: the environment variable NOPE is not set",
				"a.yaml:8: Secret/s: stringData[d]: has a ${ without the name of an environment variable and a } after it: write $${ for ${ itself",
				`a.yaml:9: Secret/s: stringData.e: Invalid value: "integer": stringData.e in body must be of type string: "integer"`,
				"a.yaml:12: Secret/s: data[g]: must be base64: plain text belongs in stringData",
				`a.yaml:13: Secret/s: data.h: Invalid value: "array": data.h in body must be of type string: "array"`,
				"a.yaml:14: Secret/s: data[i/j]: is not a key: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
				"a.yaml:15: Secret/s: secretData: unknown field",
			},
		},
		"references that lead nowhere": {
			files: map[string]string{
				"a.yaml": aRoute("r", "m", "    credentials: {secretRef: {name: s, key: other}}\n    circuitPolicyRef:\n      name: gone\n"),
				"b.yaml": aRoute("r2", "m2", "    credentials: {secretRef: {name: gone, key: k}}\n"),
				"c.yaml": goodSecret,
			},
			want: []string{
				`a.yaml:10: ProviderRoute/r: spec.backends[0].credentials.secretRef: the Secret "s" has no key "other", only "k"`,
				`a.yaml:11: ProviderRoute/r: spec.backends[0].circuitPolicyRef: there is no CircuitPolicy "gone" in the namespace: the built-in defaults are in force`,
				`b.yaml:10: ProviderRoute/r2: spec.backends[0].credentials.secretRef: there is no Secret "gone" in the namespace with the label switchgear.dev/credentials=true`,
			},
		},
		"a Secret without consent": {
			files: map[string]string{
				"a.yaml": aRoute("r", "m", "    credentials: {secretRef: {name: s, key: k}}\n"),
				"b.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: v}\n",
			},
			want: []string{`a.yaml:10: ProviderRoute/r: spec.backends[0].credentials.secretRef: the Secret "s" lacks the label by which its owner lets it be used, switchgear.dev/credentials: "true"`},
		},
		"references to what is broken are not said again": {
			files: map[string]string{
				"a.yaml": aRoute("r", "m", "    credentials: {secretRef: {name: s, key: k}}\n    circuitPolicyRef: {name: p}\n"),
				"b.yaml": secretHead + "stringData: {k: \"${NOPE}\"}\n---\n" + policyHead + "p}\nspec: {window: 25h}\n",
			},
			want: []string{
				"b.yaml:4: Secret/s: stringData[k]: the environment variable NOPE is not set",
				`b.yaml:9: CircuitPolicy/p: spec.window: Invalid value: "25h": must be from 100ms to 24h`,
			},
		},
		"two routes for one model": {
			files: map[string]string{"a.yaml": aRoute("a", "m", ""), "b.yaml": aRoute("b", "m", "")},
			want:  []string{`b.yaml:5: ProviderRoute/b: spec.models: "m" is claimed by the ProviderRoute "a", which is of the same age and first by name`},
		},
		"a credential in the clear": {
			files: map[string]string{
				"a.yaml": strings.ReplaceAll(aRoute("a", "m", "    credentials: {secretRef: {name: s, key: k}}\n"), "https:", "http:"),
				"b.yaml": strings.ReplaceAll(aRoute("b", "m2", "    credentials: {secretRef: {name: s, key: k}}\n"), "https://a.example", "http://127.0.0.1:9101"),
				"c.yaml": goodSecret,
			},
			want: []string{"a.yaml:9: ProviderRoute/a: spec.backends[0].url: http://a.example would get a credential unencrypted: use https://, or permit it with --allow-plaintext-credentials"},
		},
		"a warning is not an error": {
			files: map[string]string{"a.yaml": aRoute("a", "m", "  - {name: b, type: OpenAI, url: \"https://a.example/v1\"}\n")},
			want:  []string{`a.yaml:6: ProviderRoute/a: spec.backends: warning: "a" shares the circuit a.example/m with "b", so that the fallback would be refused together with the first: give them CircuitPolicies of their own, or a narrower scope`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, c.files)
			if c.paths == nil {
				c.paths = []string{"."}
			}
			s, err := New(Options{Paths: c.paths, LookupEnv: environment, Compile: compile.Options{
				AllowLoopbackPlaintext: true, AllowBackendCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			}})
			if err != nil {
				t.Fatal(err)
			}
			report := s.Check(t.Context())
			if diff := cmp.Diff(c.want, texts(report.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if c.want == nil && report.Objects != c.objects {
				t.Errorf("%d objects, want %d", report.Objects, c.objects)
			}
			if strings.Contains(strings.Join(texts(report.Problems), "\n"), "secret-value") {
				t.Error("a problem shows a Secret's value")
			}
		})
	}
}
