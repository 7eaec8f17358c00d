package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCommandSaysWhatIsWrong: one line, exit code 1, at once. The package of the
// command tests each line; this is the process.
func TestCommandSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ args, want []string }{
		"no such kubeconfig":     {[]string{"operator", "--kubeconfig", filepath.Join(dir, "nowhere")}, []string{"reading the kubeconfig", "nowhere", "point --kubeconfig or KUBECONFIG at a file that can be read"}},
		"a kubeconfig of a sort": {[]string{"operator", "--kubeconfig", garbage}, []string{"reading the kubeconfig", "garbage"}},
		"no kubeconfig":          {[]string{"operator"}, []string{"there is no kubeconfig: point --kubeconfig or KUBECONFIG at a file"}},
		"an unknown flag":        {[]string{"operator", "--colour"}, []string{"unknown flag: --colour", "switchgear operator --help lists the flags"}},
		"debug for everybody":    {[]string{"operator", "--kubeconfig", cluster.Kubeconfig, "--debug-listen=0.0.0.0:6060"}, []string{"--debug-listen", "want a loopback address"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := command(t, dir, c.args...)
			if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "switchgear: ") {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 1 and one line on stderr", code, stdout, stderr)
			}
			for _, part := range c.want {
				if !strings.Contains(stderr, part) {
					t.Errorf("stderr is %q, want %q in it", stderr, part)
				}
			}
		})
	}
}

func TestCommandTellsItsVersion(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := command(t, t.TempDir(), "--version")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^switchgear \S+ \(revision \S+, go1\.\S+\)\n$`).MatchString(stdout) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// command runs the binary to its end, in an environment with no kubeconfig.
func command(t *testing.T, home string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = []string{"HOME=" + home}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}
