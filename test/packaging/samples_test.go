package packaging

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// sampleFiles returns the samples by file name.
func sampleFiles(t *testing.T) map[string][]*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "config", "samples", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]*unstructured.Unstructured{}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := decode(b)
		if err != nil || len(objects) == 0 {
			t.Fatalf("%s has %d objects: %v", file, len(objects), err)
		}
		out[filepath.Base(file)] = objects
	}
	if len(out) == 0 {
		t.Fatal("there are no samples")
	}
	return out
}

func TestSamplesAreAccepted(t *testing.T) {
	t.Parallel()
	for file, objects := range sampleFiles(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			out, err := apply(t.Context(), objects, "--dry-run=server")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(out, " serverside-applied (server dry run)\n"); got != len(objects) {
				t.Errorf("%d of %d objects were accepted:\n%s", got, len(objects), out)
			}
		})
	}
}

func TestSamplesWithUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	for file, objects := range sampleFiles(t) {
		for _, o := range objects {
			if o.GetKind() == "Secret" {
				continue
			}
			wrong := o.DeepCopy()
			if err := unstructured.SetNestedField(wrong.Object, true, "spec", "retries"); err != nil {
				t.Fatal(err)
			}
			_, err := apply(t.Context(), []*unstructured.Unstructured{wrong}, "--dry-run=server")
			if err == nil || !strings.Contains(err.Error(), ".spec.retries: field not declared in schema") {
				t.Errorf("%s: %s %s with spec.retries: got %v, want the field refused", file, o.GetKind(), o.GetName(), err)
			}
		}
	}
}

// TestSamplesAreAppliedTogether: all but the placeholders of credentials, which
// would take the place of real ones.
func TestSamplesAreAppliedTogether(t *testing.T) {
	t.Parallel()
	var want []string
	for file, objects := range sampleFiles(t) {
		if file != "secrets.yaml" {
			want = append(want, kindsAndNames(objects)...)
		}
	}
	slices.Sort(want)
	objects, err := kustomize(t.Context(), filepath.Join(root, "config", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, kindsAndNames(objects)); diff != "" {
		t.Errorf("config/samples renders to (-want +got):\n%s", diff)
	}
}

// TestReferencesBetweenSamples: whatever a route names is among the samples, and
// every Secret bears its owner's consent and no real key.
func TestReferencesBetweenSamples(t *testing.T) {
	t.Parallel()
	var all []*unstructured.Unstructured
	for _, objects := range sampleFiles(t) {
		all = append(all, objects...)
	}
	routes := 0
	for _, o := range all {
		switch o.GetKind() {
		case "ProviderRoute":
			routes++
			for _, b := range findIn[v1alpha1.ProviderRoute](t, all, "ProviderRoute", o.GetName()).Spec.Backends {
				if b.CircuitPolicyRef != nil {
					findIn[v1alpha1.CircuitPolicy](t, all, "CircuitPolicy", b.CircuitPolicyRef.Name)
				}
				if b.Credentials == nil || b.Credentials.SecretRef == nil {
					continue
				}
				ref := b.Credentials.SecretRef
				if secret := findIn[corev1.Secret](t, all, "Secret", ref.Name); secret.StringData[ref.Key] == "" {
					t.Errorf("route %s: the Secret %s has no key %s", o.GetName(), ref.Name, ref.Key)
				}
			}
		case "Secret":
			secret := findIn[corev1.Secret](t, all, "Secret", o.GetName())
			if secret.Labels[v1alpha1.CredentialsLabel] != v1alpha1.CredentialsLabelValue {
				t.Errorf("the Secret %s lacks the label %s", secret.Name, v1alpha1.CredentialsLabel)
			}
			for key, value := range secret.StringData {
				if value != "REPLACE-ME" {
					t.Errorf("the Secret %s has something other than a placeholder under %s", secret.Name, key)
				}
			}
		}
	}
	if routes == 0 {
		t.Error("there is no route")
	}
}
