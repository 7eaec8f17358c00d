package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// modulePath marks the project's root among all directories with a go.mod.
const modulePath = "module github.com/switchgear/switchgear\n"

// Root returns the project's root directory: the nearest one above the working
// directory that holds the project's go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && len(b) >= len(modulePath) && string(b[:len(modulePath)]) == modulePath {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not inside the project's source tree")
		}
		dir = parent
	}
}

// Assets returns the directory with kube-apiserver, etcd and kubectl. Its error
// says how to get them.
func Assets() (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	hint := "let KUBEBUILDER_ASSETS name a directory that has it"
	if dir == "" {
		root, err := Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "bin", "k8s")
		hint = "run `make cluster`, which builds it"
	}
	for _, name := range []string{"kube-apiserver", "etcd", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("no %s in %s: %s", name, dir, hint)
		}
	}
	return dir, nil
}
