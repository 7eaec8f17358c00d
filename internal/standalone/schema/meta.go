package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// readMeta reads metadata, of which the schemas say nothing; nil where it cannot
// be read.
func readMeta(object map[string]any) (*metav1.ObjectMeta, []Fault) {
	meta, found, paths, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, metaFaults(object, err)
	}
	if !found {
		return &metav1.ObjectMeta{}, nil
	}
	var faults []Fault
	for _, path := range paths {
		faults = append(faults, unknown(path))
	}
	return meta, faults
}

func unknown(path string) Fault { return Fault{path, "unknown field"} }

// metaFaults says why metadata cannot be read. Mostly it is a label such as true
// that has lost its quotes.
func metaFaults(object map[string]any, err error) []Fault {
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return nil // the schemas do say that it is an object
	}
	var faults []Fault
	for _, name := range []string{"labels", "annotations"} {
		values, _ := metadata[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if _, ok := values[key].(string); !ok {
				faults = append(faults, Fault{
					Field:   fmt.Sprintf("metadata.%s[%s]", name, key),
					Message: fmt.Sprintf("is %v: must be a string: put it in quotes", values[key]),
				})
			}
		}
	}
	if faults != nil {
		return faults
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return []Fault{{"metadata." + wrong.Field, fmt.Sprintf("must not be of type %s", wrong.Value)}}
	}
	return []Fault{{"metadata", err.Error()}}
}
