package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/standalone"
)

// addPaths defines the flag for files and folders. Arguments are paths too, so
// that a shell's -f *.yaml does what it says.
func addPaths(cmd *cobra.Command, paths *[]string) {
	cmd.Flags().StringArrayVarP(paths, "filename", "f", nil, "YAML or JSON file, or folder of such files (not of folders), with CircuitPolicies, ProviderRoutes and Secrets; may be repeated")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		*paths = append(*paths, args...)
		if len(*paths) == 0 {
			return errors.New("there are no files: name files or folders with -f")
		}
		return nil
	}
}

// loopback is where the backends of a laptop are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// standaloneCompile are the options of compile where there is no cluster.
func standaloneCompile(allowPlaintextCredentials bool, cidrs []netip.Prefix) compile.Options {
	return compile.Options{
		AllowPlaintextCredentials: allowPlaintextCredentials,
		AllowLoopbackPlaintext:    true,
		AllowBackendCIDRs:         slices.Concat(loopback, cidrs),
	}
}

// printProblems prints problems, one a line, and returns an error if any is more
// than a warning.
func printProblems(w io.Writer, problems []standalone.Problem) error {
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return fmt.Errorf("printing the problems: %w", err)
		}
	}
	switch n := len(standalone.Errors(problems)); n {
	case 0:
		return nil
	case 1:
		return errors.New("the configuration has a problem")
	default:
		return fmt.Errorf("the configuration has %d problems", n)
	}
}
