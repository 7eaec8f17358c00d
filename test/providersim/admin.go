package providersim

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// adminPrefix is where the sim is switched over HTTP. It is neither logged nor
// broken by faults, and needs no key.
const adminPrefix = "/_sim/"

// maxAdminBody bounds what PUT /_sim/fault takes, in bytes.
const maxAdminBody = 16 << 20

// serveAdmin serves
//
//	PUT    /_sim/fault     a Fault or a list of them; answers the list in force
//	GET    /_sim/fault     the list in force
//	DELETE /_sim/fault     heals
//	GET    /_sim/requests  {"count", "running", "maxRunning", "requests"}; ?last=N for the last N
//	DELETE /_sim/requests  empties the log
func (s *Sim) serveAdmin(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "PUT /_sim/fault":
		s.putFault(w, r)
	case "GET /_sim/fault":
		writeFaults(w, s.Faults())
	case "DELETE /_sim/fault":
		s.Heal()
		w.WriteHeader(http.StatusNoContent)
	case "GET /_sim/requests":
		s.getRequests(w, r)
	case "DELETE /_sim/requests":
		s.ClearRequests()
		w.WriteHeader(http.StatusNoContent)
	default:
		adminError(w, http.StatusNotFound, r.Method+" "+r.URL.Path+" is not served; there are PUT, GET and DELETE /_sim/fault, GET and DELETE /_sim/requests")
	}
}

func (s *Sim) putFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBody))
	if err != nil {
		adminError(w, http.StatusBadRequest, "reading the fault: "+err.Error())
		return
	}
	faults, err := parseFaults(body)
	if err == nil {
		err = s.SetFault(faults...)
	}
	if err != nil {
		adminError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeFaults(w, s.Faults())
}

func writeFaults(w http.ResponseWriter, faults []Fault) {
	if faults == nil {
		faults = []Fault{}
	}
	adminJSON(w, http.StatusOK, faults)
}

func (s *Sim) getRequests(w http.ResponseWriter, r *http.Request) {
	requests := s.Requests()
	if last := r.URL.Query().Get("last"); last != "" {
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 {
			adminError(w, http.StatusBadRequest, "last: want a whole number of requests, 0 or more, got "+strconv.Quote(last))
			return
		}
		requests = requests[max(0, len(requests)-n):]
	}
	adminJSON(w, http.StatusOK, struct {
		Count      int       `json:"count"`
		Running    int       `json:"running"`
		MaxRunning int       `json:"maxRunning"`
		Requests   []Request `json:"requests"`
	}{s.Count(), s.Running(), s.MaxRunning(), requests})
}

func adminError(w http.ResponseWriter, status int, message string) {
	adminJSON(w, status, map[string]string{"error": message})
}

func adminJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(value) // It fails only if the client has gone.
}
