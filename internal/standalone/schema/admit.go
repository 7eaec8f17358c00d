package schema

import (
	"context"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Fault is one thing that is wrong with an object.
type Fault struct {
	// Field is its path, such as "spec.backends[0].url"; empty: the object.
	Field string
	// Message is the API server's.
	Message string
}

// Admit gives an object its defaults, takes away what the schema does not know
// and the status, which is not for users to set, and returns all that the API
// server would have against it. The object is changed in place. Without faults
// it can be decoded into its type.
func (s *Schema) Admit(ctx context.Context, object map[string]any) []Fault {
	delete(object, "status")
	meta, faults := readMeta(object)
	for _, path := range pruning.PruneWithOptions(object, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		faults = append(faults, unknown(path))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)

	var errs field.ErrorList
	if meta != nil {
		errs = apivalidation.ValidateObjectMeta(meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	}
	errs = append(errs, validation.ValidateCustomResource(nil, object, s.openAPI)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	skipped := blocks(errs)
	if s.rules != nil && !skipped {
		broken, _ := s.rules.Validate(ctx, nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, broken...)
	}
	for _, err := range errs {
		f := Fault{err.Field, err.ErrorBody()}
		if f.Field == (*field.Path)(nil).String() {
			f.Field = ""
		}
		faults = append(faults, f)
	}
	if s.rules != nil && skipped {
		faults = append(faults, Fault{Message: Skipped})
	}
	return faults
}

// Skipped is said of an object that is too wrong for its rules to be evaluated.
const Skipped = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"

// blocks reports whether errors keep the API server from evaluating rules.
func blocks(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		default:
		}
	}
	return false
}
