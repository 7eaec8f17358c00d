package packaging

import (
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testVersion is what the image is built with here.
const testVersion = "v1.2.3-test"

var (
	buildOnce sync.Once
	built     string
	errBuild  error
)

// imageBinary builds the operator as the Dockerfile does, from the files that
// it copies and by the command that it runs, and returns the binary's path.
func imageBinary(t *testing.T) string {
	t.Helper()
	stages := dockerfile(t)
	buildOnce.Do(func() { built, errBuild = buildImage(stages[0], filepath.Join(cluster.Dir, "image")) })
	if errBuild != nil {
		t.Fatal(errBuild)
	}
	return built
}

func buildImage(build stage, dir string) (string, error) {
	src, out := filepath.Join(dir, "src"), filepath.Join(dir, "out")
	for _, c := range build.all("COPY") {
		paths := strings.Fields(c)
		for _, p := range paths[:len(paths)-1] {
			if err := copySource(p, src); err != nil {
				return "", fmt.Errorf("COPY %s: %w", c, err)
			}
		}
	}
	runs := build.all("RUN")
	command := strings.ReplaceAll(runs[len(runs)-1], "/out/", out+"/")
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "VERSION="+testVersion)
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("RUN %s: %w: %s", command, err, b)
	}
	return filepath.Join(out, "switchgear"), nil
}

// copySource copies what .dockerignore lets through: no tests.
func copySource(path, to string) error {
	return filepath.WalkDir(filepath.Join(root, path), func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o600)
	})
}

// TestImageHoldsAStaticBinary: the image has neither a loader nor a C library.
func TestImageHoldsAStaticBinary(t *testing.T) {
	t.Parallel()
	binary := imageBinary(t)
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a segment %s: it is not static", p.Type)
		}
	}
	out, err := exec.CommandContext(t.Context(), binary, "--version").Output()
	if want := "switchgear " + testVersion + " ("; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("--version prints %q (%v), want %q…: the build argument VERSION is lost", out, err, want)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-trimpath", Value: "true"}) {
		t.Errorf("the binary names paths of the machine that built it: %v", info.Settings)
	}
}

// TestImageRunsAsNobody: the Pod asks for runAsNonRoot, which the kubelet can
// check of a numeric user only, and starts the binary by its path.
func TestImageRunsAsNobody(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	if !strings.HasPrefix(stages[0].base, "--platform=$BUILDPLATFORM ") {
		t.Errorf("the first stage is %q: with buildx it would be emulated", stages[0].base)
	}
	final := stages[len(stages)-1]
	if final.base != "gcr.io/distroless/static:nonroot" {
		t.Errorf("the image is built on %s, want distroless/static:nonroot", final.base)
	}
	path := deployment(t).Spec.Template.Spec.Containers[0].Command[0]
	want := []instruction{
		{"COPY", "--from=build /out/switchgear " + path},
		{"USER", "65532:65532"},
		{"ENTRYPOINT", `["` + path + `"]`},
	}
	if diff := cmp.Diff(want, final.instructions, cmp.AllowUnexported(instruction{})); diff != "" {
		t.Errorf("the image (-want +got):\n%s", diff)
	}
}
