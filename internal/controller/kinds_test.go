package controller

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// node is a schema in JSON.
func node(t *testing.T, text string) *schemaNode {
	t.Helper()
	n := &schemaNode{}
	if err := json.Unmarshal([]byte(text), n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatKindsLack(t *testing.T) {
	const (
		leaf   = `{"type": "string"}`
		sub    = `{"properties": {"x": ` + leaf + `, "y": ` + leaf + `}}`
		subOld = `{"properties": {"x": ` + leaf + `}}`
	)
	object := func(field, schema string) string {
		return fmt.Sprintf(`{"properties": {"spec": {"properties": {%q: %s}}}}`, field, schema)
	}
	for name, c := range map[string]struct {
		own, served string // served empty: not there
		want        []string
	}{
		"the same":                {object("a", sub), object("a", sub), nil},
		"newer":                   {object("a", subOld), object("a", sub), nil},
		"not there":               {object("a", sub), "", []string{"Kind is not there"}},
		"a field":                 {object("a", sub), object("a", subOld), []string{"Kind has no spec.a.y"}},
		"a whole one":             {object("a", sub), object("b", sub), []string{"Kind has no spec.a"}},
		"in a list":               {object("a", `{"items": `+sub+`}`), object("a", `{"items": `+subOld+`}`), []string{"Kind has no spec.a[].y"}},
		"in a map":                {object("a", `{"additionalProperties": `+sub+`}`), object("a", `{"additionalProperties": `+subOld+`}`), []string{"Kind has no spec.a[].y"}},
		"in what is open anyway":  {object("a", `{"additionalProperties": `+sub+`}`), object("a", `{"additionalProperties": true}`), nil},
		"more than need be named": {`{"properties": {"a": {}, "b": {}, "c": {}, "d": {}, "e": {}}}`, `{}`, []string{"Kind has no a, b, c, 2 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			served := map[string]*schemaNode{"Another": node(t, `{}`)}
			if c.served != "" {
				served["Kind"] = node(t, c.served)
			}
			if diff := cmp.Diff(c.want, lacking(map[string]*schemaNode{"Kind": node(t, c.own)}, served)); diff != "" {
				t.Errorf("what is lacking (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKindsOfThisVersionLackNothing: what the real API server publishes of the
// definitions in config/crd is what the binary was built with.
func TestKindsOfThisVersionLackNothing(t *testing.T) {
	k, err := NewKindCheck(apiServer)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.check(nil); err == nil {
		t.Error("it is content before it has asked")
	}
	waitFor(t, "the kinds to be published", func() error {
		lacks, err := k.look()
		if err == nil && len(lacks) > 0 {
			err = fmt.Errorf("%q", lacks)
		}
		return err
	})
	if len(k.own) != 3 {
		t.Errorf("the binary knows %d kinds", len(k.own))
	}
	for kind, n := range k.own {
		if n.Properties["spec"] == nil && n.Properties["status"] == nil {
			t.Errorf("%s has neither spec nor status", kind)
		}
	}
}
