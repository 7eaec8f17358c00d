// Package schema judges an object as the API server does when it is created:
// the same schema, defaults and rules in the same order, with the same words.
// The schemas are those of the CustomResourceDefinitions in config/crd, and the
// machinery is the API server's own; this package holds neither a rule nor a
// message of its own but for what takes no schema to see.
package schema

import (
	"fmt"
	"io/fs"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/config/crd"
)

// Schema is what the API server knows of one kind. It is safe for concurrent
// use.
type Schema struct {
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator // nil: the schema has none
}

// Set has the schemas of several kinds.
type Set map[runtimeschema.GroupVersionKind]*Schema

// All returns the schemas of this project's kinds. They are made when they are
// first asked for, which takes some tens of milliseconds. The set must not be
// changed.
var All = sync.OnceValues(load)

func load() (Set, error) {
	out := Set{}
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the definitions: %w", err)
	}
	for _, file := range files {
		raw, err := crd.Bases.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the definition %s: %w", file, err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, definition); err != nil {
			return nil, fmt.Errorf("reading the definition %s: %w", file, err)
		}
		for i := range definition.Spec.Versions {
			v := &definition.Spec.Versions[i]
			kind := runtimeschema.GroupVersionKind{Group: definition.Spec.Group, Version: v.Name, Kind: definition.Spec.Names.Kind}
			if out[kind], err = ofVersion(v); err != nil {
				return nil, fmt.Errorf("the schema of %s: %w", kind, err)
			}
		}
	}
	return out, nil
}

func ofVersion(v *apiextensionsv1.CustomResourceDefinitionVersion) (*Schema, error) {
	internal := &apiextensions.CustomResourceValidation{}
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema, internal, nil); err != nil {
		return nil, fmt.Errorf("converting it: %w", err)
	}
	return Of(internal.OpenAPIV3Schema)
}

// Of returns the schema that p describes.
func Of(p *apiextensions.JSONSchemaProps) (*Schema, error) {
	structural, err := structuralschema.NewStructural(p)
	if err != nil {
		return nil, fmt.Errorf("its structure: %w", err)
	}
	structural = structural.DeepCopy() // pruning would change the definition's own defaults
	if err := defaulting.PruneDefaults(structural); err != nil {
		return nil, fmt.Errorf("its defaults: %w", err)
	}
	openAPI, _, err := validation.NewSchemaValidator(p)
	if err != nil {
		return nil, fmt.Errorf("its validation: %w", err)
	}
	return &Schema{structural, openAPI, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}
