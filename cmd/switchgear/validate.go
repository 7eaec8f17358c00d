package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/switchgear/switchgear/internal/standalone"
)

// validateOptions are the flags of validate.
type validateOptions struct {
	paths                     []string
	defaultNamespace          string
	allowPlaintextCredentials bool
	allowBackendCIDRs         []string
}

func newValidateCommand() *cobra.Command {
	o := &validateOptions{}
	cmd := &cobra.Command{
		Use:   "validate -f PATH...",
		Short: "Say all that is wrong with YAML files, without a cluster",
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	addPaths(cmd, &o.paths)
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.defaultNamespace, "default-namespace", "default", "namespace of objects that name none")
	addCIDRs(f, &o.allowBackendCIDRs)
	f.BoolVar(&o.allowPlaintextCredentials, "allow-plaintext-credentials", false, "find nothing wrong with credentials over plain http://")
	return cmd
}

func (o *validateOptions) run(ctx context.Context, stdout io.Writer) error {
	cidrs, err := parseCIDRs(o.allowBackendCIDRs)
	if err != nil {
		return err
	}
	source, err := standalone.New(standalone.Options{
		Paths:            o.paths,
		DefaultNamespace: o.defaultNamespace,
		Compile:          standaloneCompile(o.allowPlaintextCredentials, cidrs),
	})
	if err != nil {
		return fmt.Errorf("reading the built-in schemas: %w", err)
	}
	report := source.Check(ctx)
	if err := printProblems(stdout, report.Problems); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s, %s: valid\n", count(report.Files, "file"), count(report.Objects, "object"))
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
