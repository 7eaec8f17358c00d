// Package columns prints objects as kubectl would: in the columns of their
// CustomResourceDefinition, through the API server's own making of tables and
// kubectl's own printing of them. The definitions are those in config/crd.
package columns

import (
	"context"
	"fmt"
	"io"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/config/crd"
)

// Options are how objects are printed.
type Options struct {
	WithNamespace bool // as with -A
	Wide          bool // as with -o wide
}

// Definition returns the definition of the resource with this plural name.
func Definition(plural string) (*apiextensionsv1.CustomResourceDefinition, error) {
	raw, err := crd.Bases.ReadFile("bases/switchgear.dev_" + plural + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the definition of %s: %w", plural, err)
	}
	d := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(raw, d); err != nil {
		return nil, fmt.Errorf("reading the definition of %s: %w", plural, err)
	}
	return d, nil
}

// Print prints objects of the resource. Of what the objects lack, the cells are
// empty.
func Print(w io.Writer, d *apiextensionsv1.CustomResourceDefinition, objects []unstructured.Unstructured, o Options) error {
	convertor, err := tableconvertor.New(d.Spec.Versions[0].AdditionalPrinterColumns)
	if err != nil {
		return fmt.Errorf("reading the columns of %s: %w", d.Spec.Names.Plural, err)
	}
	table, err := convertor.ConvertToTable(context.Background(), &unstructured.UnstructuredList{Items: objects}, nil)
	if err != nil {
		return fmt.Errorf("making a table of %s: %w", d.Spec.Names.Plural, err)
	}
	printer := printers.NewTablePrinter(printers.PrintOptions{WithNamespace: o.WithNamespace, Wide: o.Wide})
	if err := printer.PrintObj(table, w); err != nil {
		return fmt.Errorf("printing %s: %w", d.Spec.Names.Plural, err)
	}
	return nil
}
