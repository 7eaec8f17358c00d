package compile_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/internal/compile"
)

var update = flag.Bool("update", false, "write the golden files")

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// variants are the cases that are compiled under other options as well, into
// out.VARIANT.yaml.
var variants = map[string]map[string]compile.Options{
	"addresses": {"allowed": {AllowBackendCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}}},
	"plaintext": {
		"allowed":  {AllowPlaintextCredentials: true, AllowBackendCIDRs: loopback},
		"loopback": {AllowLoopbackPlaintext: true, AllowBackendCIDRs: loopback},
	},
}

// TestGolden compiles what users write, testdata/CASE/in.yaml, and compares all
// that comes of it with out.yaml. The comments in in.yaml say what to look for.
// After -update, read the difference and judge it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/in.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the cases: %d, %v", len(files), err)
	}
	for _, in := range files {
		dir := filepath.Dir(in)
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			compileGolden(t, string(text), filepath.Join(dir, "out.yaml"), compile.Options{})
			for variant, o := range variants[name] {
				compileGolden(t, string(text), filepath.Join(dir, "out."+variant+".yaml"), o)
			}
		})
	}
}

func compileGolden(t *testing.T, objects, out string, o compile.Options) {
	t.Helper()
	c := newCluster(t, o)
	c.apply(objects)
	compareGolden(t, out, render(t, c.compile()))
}

// TestBuiltIn has all values of the policy of backends that have none, and of
// one that says nothing. The other golden files leave them out.
func TestBuiltIn(t *testing.T) {
	text, err := yaml.Marshal(map[string]any{
		"policy":    tree(reflect.ValueOf(*builtIn().policy)),
		"effective": builtIn().effective,
	})
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/built-in.yaml", string(text))
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another (-want +got):\n%s", file, diff)
	}
}
