package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/columns"
)

// usualAdmins are where `run` and `operator` have their admin listeners.
var usualAdmins = []string{"http://127.0.0.1:8081", "http://127.0.0.1:8082"}

// gettable are the kinds that can be asked for: by these names, and by those of
// the resource.
var gettable = []struct {
	names        []string
	plural, path string
}{
	{[]string{"circuits"}, "circuitpolicies", "/circuits"},
	{[]string{"routes", "route"}, "providerroutes", "/routes"},
}

// getOptions are the flags of get.
type getOptions struct {
	namespace, output, admin string
	allNamespaces            bool
}

func newGetCommand() *cobra.Command {
	o := &getOptions{}
	cmd := &cobra.Command{
		Use:   "get (circuits | routes) [NAME]",
		Short: "Print circuits or routes as kubectl would, from a running process's admin listener",
		Example: `  switchgear get circuits -A
  switchgear get routes -n team-a -o wide
  switchgear get circuits openai -o yaml`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.namespace, "namespace", "n", ownNamespace(), "namespace to look in")
	f.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "look in all namespaces")
	f.StringVarP(&o.output, "output", "o", "", "wide, json or yaml")
	f.StringVar(&o.admin, "admin", "", "URL of the admin listener (default "+strings.Join(usualAdmins, ", then ")+")")
	return cmd
}

func (o *getOptions) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if !slices.Contains([]string{"", "wide", "json", "yaml"}, o.output) {
		return fmt.Errorf("-o %q: want wide, json or yaml", o.output)
	}
	definition, path, err := lookUpKind(args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return o.getAll(ctx, definition, path, stdout, stderr)
	}
	if o.allNamespaces {
		return errors.New("one object is in one namespace: say -n NAMESPACE in place of -A")
	}
	item, err := o.ask(ctx, path+"/"+url.PathEscape(o.namespace)+"/"+url.PathEscape(args[1]))
	if err != nil {
		return err
	}
	if o.raw() {
		return o.printRaw(stdout, item)
	}
	return o.printTable(stdout, definition, []json.RawMessage{item})
}

// lookUpKind finds a kind by its name.
func lookUpKind(name string) (*apiextensionsv1.CustomResourceDefinition, string, error) {
	for _, kind := range gettable {
		d, err := columns.Definition(kind.plural)
		if err != nil {
			return nil, "", err
		}
		names := append([]string{d.Spec.Names.Plural, d.Spec.Names.Singular}, d.Spec.Names.ShortNames...)
		if slices.Contains(append(names, kind.names...), strings.ToLower(name)) {
			return d, kind.path, nil
		}
	}
	return nil, "", fmt.Errorf("there is no kind %q: want circuits or routes", name)
}

func (o *getOptions) getAll(ctx context.Context, d *apiextensionsv1.CustomResourceDefinition, path string, stdout, stderr io.Writer) error {
	body, err := o.ask(ctx, path)
	if err != nil {
		return err
	}
	var all admin.List[json.RawMessage]
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("reading the admin listener's answer: %w", err)
	}
	if !o.allNamespaces {
		if all.Items, err = within(all.Items, o.namespace); err != nil {
			return err
		}
	}
	switch {
	case o.raw():
		if body, err = json.Marshal(all); err != nil {
			return fmt.Errorf("printing the items: %w", err)
		}
		return o.printRaw(stdout, body)
	case len(all.Items) > 0:
		return o.printTable(stdout, d, all.Items)
	case o.allNamespaces:
		_, err = fmt.Fprintln(stderr, "No resources found")
	default:
		_, err = fmt.Fprintf(stderr, "No resources found in %s namespace.\n", o.namespace)
	}
	return err
}

// ask asks the admin listener that was named, or else the usual ones in turn.
func (o *getOptions) ask(ctx context.Context, path string) ([]byte, error) {
	candidates := usualAdmins
	if o.admin != "" {
		candidates = []string{o.admin}
		if !strings.Contains(o.admin, "://") {
			candidates[0] = "http://" + o.admin
		}
	}
	for _, base := range candidates {
		body, err := admin.Get(ctx, base, path)
		if !errors.Is(err, admin.ErrNoAdmin) {
			return body, err
		}
		if o.admin != "" {
			return nil, fmt.Errorf("%w; --admin wants the address that `run` was given as --admin, or `operator` as --admin-listen", err)
		}
	}
	return nil, fmt.Errorf("%w at %s: start `switchgear run`, or reach an operator's by "+
		"`kubectl -n switchgear-system port-forward deploy/switchgear-controller-manager 8082`, or say where it is with --admin URL",
		admin.ErrNoAdmin, strings.Join(candidates, " or "))
}

// within returns the items of one namespace.
func within(items []json.RawMessage, namespace string) ([]json.RawMessage, error) {
	kept := []json.RawMessage{}
	for _, raw := range items {
		var item getItem
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
		if item.Namespace == namespace {
			kept = append(kept, raw)
		}
	}
	return kept, nil
}
