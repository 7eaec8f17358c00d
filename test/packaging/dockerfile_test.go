package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stage is one FROM of the Dockerfile.
type stage struct {
	base         string
	instructions []instruction
}

type instruction struct{ name, args string }

// all returns the arguments of every instruction of that name.
func (s stage) all(name string) []string {
	var out []string
	for _, i := range s.instructions {
		if i.name == name {
			out = append(out, i.args)
		}
	}
	return out
}

// dockerfile reads the stages of the Dockerfile.
func dockerfile(t *testing.T) []stage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var stages []stage
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		name, args := fields[0], strings.Join(fields[1:], " ")
		if name == "FROM" {
			stages = append(stages, stage{base: args})
			continue
		}
		if len(stages) == 0 {
			t.Fatalf("the Dockerfile begins with %s", name)
		}
		last := &stages[len(stages)-1]
		last.instructions = append(last.instructions, instruction{name, args})
	}
	return stages
}
