package compile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// defaultNamespace is that of objects that name none.
const defaultNamespace = "team-a"

// start is when the first object of a cluster was made.
var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// cluster plays the API server and the process before it: it numbers and dates
// what is applied, and compiles it with what the last time left. Each new object
// is a second younger than the one before it, unless it brings an age, or a UID,
// along.
type cluster struct {
	t       *testing.T
	options compile.Options
	in      compile.Input
	last    *compile.LastGood
	made    map[string]int // how often an object was made, by kind, namespace and name
	writes  int
}

func newCluster(t *testing.T, o compile.Options) *cluster {
	return &cluster{t: t, options: o, made: map[string]int{}}
}

// apply makes or replaces the objects of a YAML text.
func (c *cluster) apply(text string) {
	c.t.Helper()
	r := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			c.t.Fatal(err)
		}
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &meta); err != nil {
			c.t.Fatalf("%v in\n%s", err, doc)
		}
		switch meta.Kind {
		case "": // comments alone
		case "CircuitPolicy":
			c.in.Policies = put(c, meta.Kind, c.in.Policies, decode[v1alpha1.CircuitPolicy](c.t, doc))
		case "ProviderRoute":
			c.in.Routes = put(c, meta.Kind, c.in.Routes, decode[v1alpha1.ProviderRoute](c.t, doc))
		case "Secret":
			c.in.Secrets = put(c, meta.Kind, c.in.Secrets, withData(decode[corev1.Secret](c.t, doc)))
		default:
			c.t.Fatalf("the kind %q is not known", meta.Kind)
		}
	}
}

// delete takes an object of the default namespace away.
func (c *cluster) delete(kind, name string) {
	c.t.Helper()
	before := len(c.in.Policies) + len(c.in.Routes) + len(c.in.Secrets)
	switch kind {
	case "CircuitPolicy":
		c.in.Policies = without(c.in.Policies, name)
	case "ProviderRoute":
		c.in.Routes = without(c.in.Routes, name)
	case "Secret":
		c.in.Secrets = without(c.in.Secrets, name)
	}
	if len(c.in.Policies)+len(c.in.Routes)+len(c.in.Secrets) != before-1 {
		c.t.Fatalf("there is no %s %q to delete", kind, name)
	}
}

// compile makes the configuration of what there is now.
func (c *cluster) compile() *compile.Result {
	r := compile.Compile(c.in, c.last, c.options)
	c.last = r.LastGood
	return r
}

func decode[T any](t *testing.T, doc []byte) *T {
	t.Helper()
	o := new(T)
	if err := yaml.UnmarshalStrict(doc, o); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return o
}

// withData moves a Secret's stringData to its data.
func withData(s *corev1.Secret) *corev1.Secret {
	for key, value := range s.StringData {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
	return s
}

// put replaces an object's former version, or adds the object as a new one.
func put[T metav1.Object](c *cluster, kind string, all []T, o T) []T {
	if o.GetNamespace() == "" {
		o.SetNamespace(defaultNamespace)
	}
	c.writes++
	o.SetResourceVersion(strconv.Itoa(c.writes))
	i := slices.IndexFunc(all, func(other T) bool { return keyOf(other) == keyOf(o) })
	if i >= 0 {
		o.SetUID(all[i].GetUID())
		o.SetCreationTimestamp(all[i].GetCreationTimestamp())
		o.SetGeneration(all[i].GetGeneration() + 1)
		return append(slices.Delete(slices.Clone(all), i, i+1), o)
	}
	name := keyOf(o).String()
	c.made[kind+name]++
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprintf("%s#%d", name, c.made[kind+name])))
	}
	o.SetGeneration(1)
	if age := o.GetCreationTimestamp(); age.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(start.Add(time.Duration(c.writes) * time.Second)))
	}
	return append(slices.Clone(all), o)
}

func without[T metav1.Object](all []T, name string) []T {
	return slices.DeleteFunc(slices.Clone(all), func(o T) bool {
		return o.GetNamespace() == defaultNamespace && o.GetName() == name
	})
}

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// key is the key of an object of the default namespace.
func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: defaultNamespace, Name: name}
}
