package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is the gateway, built with the race detector where that is possible:
// then a race shows as an exit code other than 0.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	// What a developer's shell says to the SDKs is not for these.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OPENAI_") || strings.HasPrefix(name, "ANTHROPIC_") {
			_ = os.Unsetenv(name) // the environment's own names are valid
		}
	}
	dir, err := os.MkdirTemp("", "switchgear-sdk-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "switchgear")
	if err := build(binary); err != nil {
		return fail(err)
	}
	return m.Run()
}

func build(out string) error {
	args := []string{"build", "-C", "../..", "-o", out}
	cgo, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err == nil && strings.TrimSpace(string(cgo)) == "1" {
		args = append(args, "-race")
	}
	if text, err := exec.Command("go", append(args, "./cmd/switchgear")...).CombinedOutput(); err != nil {
		return fmt.Errorf("building switchgear: %w\n%s", err, text)
	}
	return nil
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
