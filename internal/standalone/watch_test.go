package standalone

import (
	"context"
	"os"
	"testing"
	"time"
)

// do does things to files, in their order.
func do(t *testing.T, steps ...error) {
	t.Helper()
	for i, err := range steps {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}

// TestEditsAreSeen edits files in the ways in which files are edited. The
// deadline is well before the regular reading, so it must have been news of the
// change that did it.
func TestEditsAreSeen(t *testing.T) {
	text := func(model string) []byte { return []byte(aRoute("a", model, "")) }
	for name, c := range map[string]struct {
		files map[string]string
		links map[string]string // made before the start: name to target
		paths []string
		edit  func(t *testing.T, model string)
	}{
		"written in place": {
			files: map[string]string{"conf/a.yaml": aRoute("a", "m", "")}, paths: []string{"conf"},
			edit: func(t *testing.T, model string) { do(t, os.WriteFile("conf/a.yaml", text(model), 0o600)) },
		},
		"a named file, replaced by another, as editors do": {
			files: map[string]string{"conf/a.yaml": aRoute("a", "m", "")}, paths: []string{"conf/a.yaml"},
			edit: func(t *testing.T, model string) {
				do(t, os.WriteFile("conf/a.yaml.new", text(model), 0o600), os.Rename("conf/a.yaml.new", "conf/a.yaml"))
			},
		},
		"moved out of the way first, as editors with backups do": {
			files: map[string]string{"conf/a.yaml": aRoute("a", "m", "")}, paths: []string{"conf"},
			edit: func(t *testing.T, model string) {
				do(t, os.Rename("conf/a.yaml", "conf/a.yaml~"), os.WriteFile("conf/a.yaml", text(model), 0o600))
			},
		},
		"another file": {
			files: map[string]string{"conf/a.yaml": aRoute("a", "m", "")}, paths: []string{"conf"},
			edit: func(t *testing.T, model string) {
				do(t, os.WriteFile("conf/"+model+".yaml", text(model), 0o600), removeOthers("conf", model+".yaml"))
			},
		},
		"a folder, as Kubernetes mounts a ConfigMap": {
			files: map[string]string{"conf/..1/a.yaml": aRoute("a", "m", "")},
			links: map[string]string{"conf/..data": "..1", "conf/a.yaml": "..data/a.yaml"}, paths: []string{"conf"},
			edit: swapData,
		},
		"a file of a folder that Kubernetes mounts": {
			files: map[string]string{"conf/..1/a.yaml": aRoute("a", "m", "")},
			links: map[string]string{"conf/..data": "..1", "conf/a.yaml": "..data/a.yaml"}, paths: []string{"conf/a.yaml"},
			edit: swapData,
		},
		"where a link leads to": {
			files: map[string]string{"elsewhere/a": aRoute("a", "m", "")},
			links: map[string]string{"conf/a.yaml": "../elsewhere/a"}, paths: []string{"conf"},
			edit: func(t *testing.T, model string) { do(t, os.WriteFile("elsewhere/a", text(model), 0o600)) },
		},
		"the folder that a link leads to": {
			files: map[string]string{"v0/a.yaml": aRoute("a", "m", "")},
			links: map[string]string{"conf": "v0"}, paths: []string{"conf"},
			edit: func(t *testing.T, model string) {
				do(t, os.Mkdir("v"+model, 0o755), os.WriteFile("v"+model+"/a.yaml", text(model), 0o600),
					os.Symlink("v"+model, "conf.new"), os.Rename("conf.new", "conf"))
			},
		},
		"a folder that is made anew": {
			files: map[string]string{"up/conf/a.yaml": aRoute("a", "m", "")}, paths: []string{"up/conf"},
			edit: func(t *testing.T, model string) {
				do(t, os.RemoveAll("up/conf"), os.Mkdir("up/conf", 0o755), os.WriteFile("up/conf/a.yaml", text(model), 0o600))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, c.files)
			for from, to := range c.links {
				do(t, os.MkdirAll("conf", 0o755))
				if from == "conf" {
					do(t, os.Remove("conf"))
				}
				do(t, os.Symlink(to, from))
			}
			r := startHere(t, c.paths...)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				r.Run(ctx)
			}()
			// Twice: what watches must watch what the first edit has left.
			for _, model := range []string{"second", "third"} {
				c.edit(t, model)
				r.wantModel(model)
			}
			cancel()
			<-ended
		})
	}
}

// wantModel waits until route a serves the model.
func (r *rig) wantModel(model string) {
	r.t.Helper()
	deadline := time.After(poll / 2)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for r.gateway.model("a") != model {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("route a serves %q, want %q", r.gateway.model("a"), model)
		}
	}
}

// swapData does as the kubelet does: a new folder, and the link ..data renamed
// over the old one.
func swapData(t *testing.T, model string) {
	t.Helper()
	old, err := os.Readlink("conf/..data")
	do(t, err, os.Mkdir("conf/.."+model, 0o755),
		os.WriteFile("conf/.."+model+"/a.yaml", []byte(aRoute("a", model, "")), 0o600),
		os.Symlink(".."+model, "conf/..data_tmp"), os.Rename("conf/..data_tmp", "conf/..data"),
		os.RemoveAll("conf/"+old))
}

// removeOthers removes all files of a folder but one.
func removeOthers(folder, but string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != but {
			if err := os.Remove(folder + "/" + e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}
