package standalone

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/standalone/schema"
)

// resource is a policy, a route or a Secret.
type resource interface {
	metav1.Object
	runtime.Object
}

// kinds are those that files may hold.
var kinds = map[runtimeschema.GroupVersionKind]func() resource{
	v1alpha1.GroupVersion.WithKind("CircuitPolicy"): func() resource { return &v1alpha1.CircuitPolicy{} },
	v1alpha1.GroupVersion.WithKind("ProviderRoute"): func() resource { return &v1alpha1.ProviderRoute{} },
	corev1.SchemeGroupVersion.WithKind("Secret"):    func() resource { return &corev1.Secret{} },
}

// identity is what no two objects have in common.
type identity struct {
	kind string
	types.NamespacedName
}

// object is one object of a file.
type object struct {
	identity
	file  string
	lines *lines
	// value must not be changed; nil: the object is broken.
	value resource
}

// problem says what is wrong with a field of the object.
func (o *object) problem(field, message string) Problem {
	p := Problem{File: o.file, Line: o.lines.of(field), Object: o.kind, Field: field, Message: message}
	if o.Name != "" {
		p.Object += "/" + o.Name
	}
	return p
}

// reader makes objects of documents.
type reader struct {
	schemas          schema.Set
	defaultNamespace string
	lookupEnv        func(string) (string, bool)
}

func newReader(o *Options) (*reader, error) {
	all, err := schema.All()
	if err != nil {
		return nil, err
	}
	schemas := maps.Clone(all)
	if schemas[corev1.SchemeGroupVersion.WithKind("Secret")], err = schema.Of(secretSchema()); err != nil {
		return nil, fmt.Errorf("the schema of Secrets: %w", err)
	}
	return &reader{schemas, o.DefaultNamespace, o.LookupEnv}, nil
}

// version is what a file holds at a time.
type version struct {
	objects []*object
	// problems are those that can be seen in the file alone.
	problems []Problem
}

// read makes a version of a file's text.
func (r *reader) read(ctx context.Context, path string, raw []byte) *version {
	v := &version{}
	documents, problems := readDocuments(raw)
	for _, p := range problems {
		p.File = path
		v.problems = append(v.problems, p)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		v.problems = append(v.problems, Problem{File: path, Message: "the file is empty: remove it if that is what is meant"})
	}
	for i := range documents {
		o, problems := r.readObject(ctx, path, &documents[i])
		v.problems = append(v.problems, problems...)
		if o != nil {
			v.objects = append(v.objects, o)
		}
	}
	for _, c := range assemble([]*version{v}).clashes {
		v.problems = append(v.problems, c.problem())
	}
	return v
}

// readObject makes an object of a document; nil where nobody could say which one
// it is.
func (r *reader) readObject(ctx context.Context, path string, d *document) (*object, []Problem) {
	content, kind, complaint := typeOf(d.value)
	o := &object{identity: identity{kind: kind.Kind}, file: path, lines: &d.lines}
	if complaint != nil {
		return nil, []Problem{o.problem(complaint.Field, complaint.Message)}
	}
	o.name(content, r.defaultNamespace)
	if kinds[kind] == nil {
		f := foreign(kind)
		return nil, []Problem{o.problem(f.Field, f.Message)}
	}
	problems := o.located(d.problems)
	for _, f := range r.schemas[kind].Admit(ctx, content) {
		problems = append(problems, o.problem(f.Field, f.Message))
	}
	if o.Name == "" {
		return nil, problems
	}
	value := kinds[kind]()
	var data map[string][]byte
	if kind.Kind == "Secret" {
		found, complaints := r.secretData(o, content)
		data, problems = found, append(problems, complaints...)
	}
	if len(problems) > 0 {
		return o, problems
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, value); err != nil {
		return o, []Problem{o.problem("", err.Error())}
	}
	if s, ok := value.(*corev1.Secret); ok {
		s.Data = data
	}
	o.value = value
	return o, nil
}

// located says of problems with the YAML which object it is that has them.
func (o *object) located(problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		placed := o.problem("", p.Message)
		placed.Line = p.Line
		out = append(out, placed)
	}
	return out
}

// name finds out how the object is called, and puts it into its namespace.
func (o *object) name(content map[string]any, defaultNamespace string) {
	if content["metadata"] == nil {
		content["metadata"] = map[string]any{}
	}
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		return
	}
	o.Name, _ = metadata["name"].(string)
	if ns, found := metadata["namespace"]; !found || ns == nil || ns == "" {
		metadata["namespace"] = defaultNamespace
	}
	o.Namespace, _ = metadata["namespace"].(string)
}

// typeOf finds the kind of a document.
func typeOf(value any) (map[string]any, runtimeschema.GroupVersionKind, *schema.Fault) {
	var kind runtimeschema.GroupVersionKind
	content, ok := value.(map[string]any)
	if !ok {
		return nil, kind, &schema.Fault{Message: "must be an object with apiVersion, kind and metadata"}
	}
	for _, field := range []string{"apiVersion", "kind"} {
		if s, ok := content[field].(string); !ok || s == "" {
			return nil, kind, &schema.Fault{Field: field, Message: "must be set: a file holds objects as kubectl would apply them"}
		}
	}
	group, err := runtimeschema.ParseGroupVersion(content["apiVersion"].(string))
	if err != nil {
		return nil, kind, &schema.Fault{Field: "apiVersion", Message: err.Error()}
	}
	return content, group.WithKind(content["kind"].(string)), nil
}

// foreign says what to do about a kind that is not ours.
func foreign(kind runtimeschema.GroupVersionKind) schema.Fault {
	for known := range kinds {
		if known.Kind == kind.Kind {
			return schema.Fault{Field: "apiVersion", Message: fmt.Sprintf("is %s: must be %s for this kind", kind.GroupVersion(), known.GroupVersion())}
		}
	}
	if kind.Kind == "List" {
		return schema.Fault{Field: "kind", Message: "is List: give each of its items a document of its own, with --- between them"}
	}
	return schema.Fault{Field: "kind", Message: fmt.Sprintf("is %s: must be CircuitPolicy, ProviderRoute or Secret; keep other kinds in other files", kind.Kind)}
}
