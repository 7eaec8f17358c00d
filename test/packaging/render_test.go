package packaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kustomize renders a directory as `kubectl kustomize` does.
func kustomize(ctx context.Context, dir string) ([]*unstructured.Unstructured, error) {
	out, err := cluster.Kubectl(ctx, "kustomize", dir)
	if err != nil {
		return nil, err
	}
	return decode([]byte(out))
}

// decode reads the objects of a YAML file.
func decode(b []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(b), 4096); ; {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading object %d: %w", len(out), err)
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}

// apply is `kubectl apply --server-side` that refuses unknown fields, with more
// arguments.
func apply(ctx context.Context, objects []*unstructured.Unstructured, args ...string) (string, error) {
	var b bytes.Buffer
	for _, o := range objects {
		one, err := yaml.Marshal(o.Object)
		if err != nil {
			return "", fmt.Errorf("encoding %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		fmt.Fprintf(&b, "---\n%s", one)
	}
	return cluster.KubectlInput(ctx, b.Bytes(), append([]string{"apply", "--server-side", "--validate=strict", "-f", "-"}, args...)...)
}

// find returns the one object of that kind and name in the default installation.
func find[T any](t *testing.T, kind, name string) *T {
	t.Helper()
	return findIn[T](t, installed, kind, name)
}

func findIn[T any](t *testing.T, objects []*unstructured.Unstructured, kind, name string) *T {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() != kind || o.GetName() != name {
			continue
		}
		out := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, out, true); err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}
