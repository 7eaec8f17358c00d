package controller

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/config/crd"
)

// schemaNode is what matters here of a schema, in a CustomResourceDefinition and
// in what the API server publishes alike: which fields there are.
type schemaNode struct {
	Properties           map[string]*schemaNode  `json:"properties"`
	Items                *schemaNode             `json:"items"`
	AdditionalProperties json.RawMessage         `json:"additionalProperties"` // a schema or a bool
	Kinds                []struct{ Kind string } `json:"x-kubernetes-group-version-kind"`
}

// ownKinds are the schemas of the kinds as this binary was built with them.
func ownKinds() (map[string]*schemaNode, error) {
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the built-in definitions: %w", err)
	}
	out := map[string]*schemaNode{}
	for _, file := range files {
		raw, err := crd.Bases.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the built-in definition %s: %w", file, err)
		}
		var d apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("reading the built-in definition %s: %w", file, err)
		}
		for _, v := range d.Spec.Versions {
			if v.Name != v1alpha1.GroupVersion.Version {
				continue
			}
			raw, err := json.Marshal(v.Schema.OpenAPIV3Schema)
			if err != nil {
				return nil, fmt.Errorf("reading the built-in schema of %s: %w", d.Spec.Names.Kind, err)
			}
			node := &schemaNode{}
			if err := json.Unmarshal(raw, node); err != nil {
				return nil, fmt.Errorf("reading the built-in schema of %s: %w", d.Spec.Names.Kind, err)
			}
			delete(node.Properties, "metadata") // the API server's own
			out[d.Spec.Names.Kind] = node
		}
	}
	return out, nil
}

// servedKinds reads them from the OpenAPI document of the group and version.
func servedKinds(document []byte) (map[string]*schemaNode, error) {
	var d struct {
		Components struct {
			Schemas map[string]*schemaNode `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("reading what the API server says of its kinds: %w", err)
	}
	out := map[string]*schemaNode{}
	for _, s := range d.Components.Schemas {
		if len(s.Kinds) == 1 {
			out[s.Kinds[0].Kind] = s
		}
	}
	return out, nil
}

// maxLacking bounds what is told of one kind.
const maxLacking = 3

// lacking says what is in own and not in served, in words; nil: nothing. What
// served has beyond that is a newer version's.
func lacking(own, served map[string]*schemaNode) []string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(own)) {
		if served[kind] == nil {
			out = append(out, kind+" is not there")
			continue
		}
		fields := own[kind].beyond(served[kind], "")
		if len(fields) > maxLacking {
			fields = append(fields[:maxLacking], fmt.Sprintf("%d more", len(fields)-maxLacking))
		}
		if len(fields) > 0 {
			out = append(out, kind+" has no "+strings.Join(fields, ", "))
		}
	}
	return out
}

// beyond returns the paths of the fields that other lacks, without those within.
func (n *schemaNode) beyond(other *schemaNode, path string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if other.Properties[name] == nil {
			out = append(out, at)
			continue
		}
		out = append(out, n.Properties[name].beyond(other.Properties[name], at)...)
	}
	for _, pair := range [][2]*schemaNode{{n.Items, other.Items}, {n.values(), other.values()}} {
		if pair[0] != nil && pair[1] != nil {
			out = append(out, pair[0].beyond(pair[1], path+"[]")...)
		}
	}
	return out
}

// values is the schema of a map's values, if it is one.
func (n *schemaNode) values() *schemaNode {
	v := &schemaNode{}
	if len(n.AdditionalProperties) == 0 || json.Unmarshal(n.AdditionalProperties, v) != nil {
		return nil
	}
	return v
}
