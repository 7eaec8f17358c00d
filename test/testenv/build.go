package testenv

import (
	"fmt"
	"os/exec"
	"strings"
)

// BuildOperator builds the operator for tests, with the race detector where that
// is possible: then a race shows as an exit code other than 0, and in the log.
func BuildOperator(out string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	args := []string{"build", "-o", out}
	cgo, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err == nil && strings.TrimSpace(string(cgo)) == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/switchgear")...)
	cmd.Dir = root
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the operator: %w: %s", err, b)
	}
	return nil
}
