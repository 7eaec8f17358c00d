package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// project is what kubebuilder reads of PROJECT.
type project struct {
	Version, Domain, ProjectName, Repo, CLIVersion string
	Layout                                         []string
	Resources                                      []projectResource
}

type projectResource struct {
	API struct {
		CRDVersion string
		Namespaced bool
	}
	Controller                         bool
	Domain, Group, Kind, Path, Version string
}

// TestProjectListsTheKinds: kubebuilder and what is built on it find the kinds,
// their Go package and their controllers through PROJECT.
func TestProjectListsTheKinds(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "PROJECT"))
	if err != nil {
		t.Fatal(err)
	}
	var p project
	if err := yaml.UnmarshalStrict(b, &p); err != nil {
		t.Fatal(err)
	}
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(gomod), "module "+p.Repo+"\n") {
		t.Errorf("repo is %s, go.mod says otherwise", p.Repo)
	}
	var want, got []string
	for _, o := range installed {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, crd); err != nil {
			t.Fatal(err)
		}
		for _, v := range crd.Spec.Versions {
			want = append(want, strings.Join([]string{crd.Spec.Group, v.Name, crd.Spec.Names.Kind, string(crd.Spec.Scope)}, " "))
		}
	}
	for _, r := range p.Resources {
		group := strings.TrimPrefix(r.Group+"."+r.Domain, ".")
		scope := map[bool]string{true: "Namespaced", false: "Cluster"}[r.API.Namespaced]
		got = append(got, strings.Join([]string{group, r.Version, r.Kind, scope}, " "))
		r.looksRight(t, p.Repo)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the kinds (-installed +PROJECT):\n%s", diff)
	}
}

// looksRight finds the files of a resource where kubebuilder looks for them.
func (r projectResource) looksRight(t *testing.T, repo string) {
	t.Helper()
	dir, found := strings.CutPrefix(r.Path, repo+"/")
	name := strings.ToLower(r.Kind)
	files := []string{filepath.Join(dir, name+"_types.go")}
	if r.Controller {
		files = append(files, filepath.Join("internal", "controller", name+"_controller.go"))
	}
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(root, f)); err != nil || !found {
			t.Errorf("%s: %v (path %s)", r.Kind, err, r.Path)
		}
	}
}
