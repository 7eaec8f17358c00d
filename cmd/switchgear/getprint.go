package main

import (
	"encoding/json"
	"fmt"
	"io"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/internal/columns"
)

// getItem is what is known of an item here; the columns say what to look for in
// the rest.
type getItem struct {
	Namespace         string `json:"namespace"`
	Name              string `json:"name"`
	CreationTimestamp string `json:"creationTimestamp"`
	Mode              string `json:"mode"`
	Status            any    `json:"status"`
}

// object is the resource as far as its columns can see it.
func (i getItem) object() unstructured.Unstructured {
	metadata := map[string]any{"namespace": i.Namespace, "name": i.Name}
	if i.CreationTimestamp != "" {
		metadata["creationTimestamp"] = i.CreationTimestamp
	}
	return unstructured.Unstructured{Object: map[string]any{
		"metadata": metadata, "spec": map[string]any{"mode": i.Mode}, "status": i.Status,
	}}
}

// raw reports whether the items are printed as they came.
func (o *getOptions) raw() bool { return o.output == "json" || o.output == "yaml" }

// printRaw prints JSON as it is, or as YAML.
func (o *getOptions) printRaw(w io.Writer, raw []byte) error {
	text, err := yaml.JSONToYAML(raw)
	if o.output == "json" {
		text, err = json.MarshalIndent(json.RawMessage(raw), "", "    ")
		text = append(text, '\n')
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return fmt.Errorf("printing the items: %w", err)
	}
	return nil
}

// printTable prints items in the columns of their resource.
func (o *getOptions) printTable(w io.Writer, d *apiextensionsv1.CustomResourceDefinition, items []json.RawMessage) error {
	objects := make([]unstructured.Unstructured, len(items))
	for i, raw := range items {
		var item getItem
		if err := json.Unmarshal(raw, &item); err != nil {
			return fmt.Errorf("reading an item: %w", err)
		}
		objects[i] = item.object()
	}
	return columns.Print(w, d, objects, columns.Options{WithNamespace: o.allNamespaces, Wide: o.output == "wide"})
}
