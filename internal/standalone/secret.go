package standalone

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/util/validation"
)

// secretSchema is that of the one kind for which there is no definition in this
// project. It says nothing of the values, so that no message ever shows one.
func secretSchema() *apiextensions.JSONSchemaProps {
	values := apiextensions.JSONSchemaProps{
		Type:                 "object",
		AdditionalProperties: &apiextensions.JSONSchemaPropsOrBool{Allows: true, Schema: &apiextensions.JSONSchemaProps{Type: "string"}},
	}
	return &apiextensions.JSONSchemaProps{
		Type: "object",
		Properties: map[string]apiextensions.JSONSchemaProps{
			"apiVersion": {Type: "string"},
			"kind":       {Type: "string"},
			"metadata":   {Type: "object"},
			"type":       {Type: "string"},
			"immutable":  {Type: "boolean"},
			"data":       values,
			"stringData": values,
		},
	}
}

// secretData takes the values out of a Secret's content, with the environment's
// put in, and returns them as the API server would keep them: those of stringData
// win. What is not a string is the schema's to complain of.
func (r *reader) secretData(o *object, content map[string]any) (map[string][]byte, []Problem) {
	var problems []Problem
	out := map[string][]byte{}
	for _, from := range []string{"data", "stringData"} {
		values, _ := content[from].(map[string]any)
		delete(content, from)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			text, _ := values[key].(string)
			value, complaints := expand(text, r.lookupEnv)
			out[key] = []byte(value)
			if from == "data" && complaints == nil {
				var err error
				if out[key], err = base64.StdEncoding.DecodeString(value); err != nil {
					complaints = []string{"must be base64: plain text belongs in stringData"}
				}
			}
			if wrong := validation.IsConfigMapKey(key); wrong != nil {
				complaints = append(complaints, "is not a key: "+strings.Join(wrong, "; "))
			}
			for _, c := range complaints {
				problems = append(problems, o.problem(from+"["+key+"]", c))
			}
		}
	}
	return out, problems
}
