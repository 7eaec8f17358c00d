package providersim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxFiles is how many uploaded files are kept, the last ones.
const maxFiles = 100

// storedFile is a file that was uploaded.
type storedFile struct {
	id, name, purpose string
	created           int64
	content           []byte
}

func (f *storedFile) json() string {
	return fmt.Sprintf(`{"id":%s,"object":"file","bytes":%d,"created_at":%d,"filename":%s,"purpose":%s,"status":"processed"}`,
		quote(f.id), len(f.content), f.created, quote(f.name), quote(f.purpose))
}

// answerFiles serves /files and what is below.
func (x *exchange) answerFiles() error {
	id, what, _ := strings.Cut(strings.TrimPrefix(x.target.below, "/"), "/")
	if id == "" {
		switch x.r.Method {
		case http.MethodPost:
			return x.upload()
		case http.MethodGet:
			return x.writeWhole("application/json", x.sim.listFiles())
		}
		return x.fail(http.StatusMethodNotAllowed, "Not allowed to "+x.r.Method+" on "+x.r.URL.Path)
	}
	f := x.sim.file(id, x.r.Method == http.MethodDelete)
	switch {
	case f == nil:
		return x.fail(http.StatusNotFound, "No such File object: "+id)
	case x.r.Method == http.MethodDelete:
		return x.writeWhole("application/json", []byte(`{"id":`+quote(id)+`,"object":"file","deleted":true}`))
	case what == "content":
		return x.writeWhole("application/octet-stream", f.content)
	}
	return x.writeWhole("application/json", []byte(f.json()))
}

func (x *exchange) upload() error {
	if x.form == nil || x.form.broken || x.form.filename == "" {
		return x.fail(http.StatusBadRequest, "'file' is a required property")
	}
	f := &storedFile{x.id("file-"), x.form.filename, x.field("purpose"), time.Now().Unix(), x.form.file}
	x.sim.store(f)
	return x.writeWhole("application/json", []byte(f.json()))
}

func (s *Sim) store(f *storedFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
	s.files = s.files[max(0, len(s.files)-maxFiles):]
}

// file finds a file, and forgets it if told so; nil: there is none.
func (s *Sim) file(id string, forget bool) *storedFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.files, func(f *storedFile) bool { return f.id == id })
	if i < 0 {
		return nil
	}
	f := s.files[i]
	if forget {
		s.files = slices.Delete(s.files, i, i+1)
	}
	return f
}

func (s *Sim) listFiles() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]string, len(s.files))
	for i, f := range s.files {
		all[i] = f.json()
	}
	return []byte(`{"object":"list","data":[` + strings.Join(all, ",") + `],"has_more":false}`)
}
