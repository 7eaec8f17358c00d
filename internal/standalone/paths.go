package standalone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// extensions are those of the files that are read in a folder.
var extensions = []string{".yaml", ".yml", ".json"}

// passedOver are files in a folder that say nothing to us: they list the others.
var passedOver = []string{"kustomization.yaml", "kustomization.yml"}

// found is what the paths lead to: text by file name.
type found struct {
	texts map[string][]byte
	// unreadable are files and folders that ought to be there.
	unreadable []Problem
}

// find reads all files that the paths name. Of a folder it reads the YAML and
// JSON files, those that begin with a dot, kustomize's own and folders in it left
// out.
func find(paths []string) *found {
	f := &found{texts: map[string][]byte{}}
	for _, path := range paths {
		path = filepath.Clean(path)
		if isFolder(path) {
			f.folder(path)
		} else {
			f.file(path)
		}
	}
	return f
}

func (f *found) folder(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	empty := true
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !slices.Contains(extensions, filepath.Ext(e.Name())) || slices.Contains(passedOver, e.Name()) {
			continue
		}
		file := filepath.Join(path, e.Name())
		if isFolder(file) {
			continue
		}
		f.file(file)
		empty = false
	}
	if empty {
		f.unreadable = append(f.unreadable, Problem{File: path, Message: "the folder has no file that ends in .yaml, .yml or .json"})
	}
}

func (f *found) file(path string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	f.texts[path] = raw
}

func (f *found) fail(path string, err error) {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // the path is said already
	}
	f.unreadable = append(f.unreadable, Problem{File: path, Message: err.Error()})
}

// covers reports whether a file is, or would be in, one that cannot be read.
func (f *found) covers(file string) bool {
	return slices.ContainsFunc(f.unreadable, func(p Problem) bool {
		return p.File == file || p.File == filepath.Dir(file)
	})
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
