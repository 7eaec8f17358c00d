package standalone

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// assembly is all objects of some versions, with none of them twice.
type assembly struct {
	objects map[identity]*object
	order   []*object
	clashes []clash
}

// clash is an object that is there twice. The first counts.
type clash struct{ first, second *object }

func (c clash) problem() Problem {
	return c.second.problem("metadata.name", fmt.Sprintf("there is a %s of this name already, at %s:%d", c.first.kind, c.first.file, c.first.lines.first()))
}

// assemble puts the objects of versions together, in the order of the files; nil
// is a file of which there is nothing.
func assemble(versions []*version) *assembly {
	a := &assembly{objects: map[identity]*object{}}
	for _, v := range versions {
		if v == nil {
			continue
		}
		for _, o := range v.objects {
			if first := a.objects[o.identity]; first != nil {
				a.clashes = append(a.clashes, clash{first, o})
				continue
			}
			a.objects[o.identity] = o
			a.order = append(a.order, o)
		}
	}
	return a
}

// input makes what compile wants, with the ledger's numbers.
func (a *assembly) input(l *ledger) compile.Input {
	var in compile.Input
	for _, o := range a.order {
		if o.value == nil {
			continue
		}
		switch value := l.number(o).(type) {
		case *v1alpha1.CircuitPolicy:
			in.Policies = append(in.Policies, value)
		case *v1alpha1.ProviderRoute:
			in.Routes = append(in.Routes, value)
		case *corev1.Secret:
			in.Secrets = append(in.Secrets, value)
		}
	}
	return in
}

// finding is a problem that compile has found with an object.
type finding struct {
	Problem
	object *object
}

// findings places the problems of a result.
func (a *assembly) findings(r *compile.Result) []finding {
	var out []finding
	add := func(kind string, name types.NamespacedName, problems []compile.Problem) {
		o := a.objects[identity{kind, name}]
		for _, p := range problems {
			if a.followsFromBroken(name.Namespace, p) {
				continue
			}
			field, message := splitField(p.Message)
			placed := o.problem(field, message)
			placed.Warning = p.Warning
			out = append(out, finding{placed, o})
		}
	}
	for name, result := range r.Policies {
		add("CircuitPolicy", name, result.Problems)
	}
	for name, result := range r.Routes {
		add("ProviderRoute", name, result.Problems)
	}
	return out
}

// followsFromBroken reports whether a reference leads nowhere only because the
// object that it names is broken, which is said already.
func (a *assembly) followsFromBroken(namespace string, p compile.Problem) bool {
	if p.Condition != v1alpha1.ConditionResolvedRefs {
		return false
	}
	for id, o := range a.objects {
		if o.value == nil && id.Namespace == namespace && strings.Contains(p.Message, id.kind+" "+strconv.Quote(id.Name)) {
			return true
		}
	}
	return false
}

// leadingField is the path with which compile's messages begin.
var leadingField = regexp.MustCompile(`^(spec(?:\.\w+|\[\d+\])*):? `)

// splitField splits compile's message into the field and what is said of it.
func splitField(message string) (string, string) {
	m := leadingField.FindStringSubmatch(message)
	if m == nil {
		return "", message
	}
	return m[1], message[len(m[0]):]
}
