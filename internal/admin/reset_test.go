package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// resetLog notes what is reset.
type resetLog struct{ done []string }

func (l *resetLog) Reset(id string) { l.done = append(l.done, id) }
func (l *resetLog) ResetAll()       { l.done = append(l.done, "all") }

func TestResetWithoutACluster(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		code int
		done string
	}{
		"one policy":     {"/circuits/team-a/openai/reset", http.StatusOK, "[uid-of-openai]"},
		"every circuit":  {"/circuits/reset", http.StatusOK, "[all]"},
		"no such policy": {"/circuits/team-a/nope/reset", http.StatusNotFound, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &resetLog{}
			r := newRig(t, Options{Resetter: log})
			r.apply([]*v1alpha1.CircuitPolicy{policy("team-a", "openai"), policy("team-a", "other")}, nil)
			if code, body := r.ask(http.MethodPost, c.path); code != c.code {
				t.Errorf("answered %d %s, want %d", code, body, c.code)
			}
			if got := fmt.Sprint(log.done); got != c.done {
				t.Errorf("reset %s, want %s", got, c.done)
			}
		})
	}
}

func TestResetAnswersWithTheItemAsItIsThen(t *testing.T) {
	r := newRig(t, Options{Resetter: &resetLog{}})
	r.apply([]*v1alpha1.CircuitPolicy{policy("team-a", "openai")}, nil)
	var item CircuitItem
	_, body := r.ask(http.MethodPost, "/circuits/team-a/openai/reset")
	if err := json.Unmarshal([]byte(body), &item); err != nil || item.Name != "openai" || item.Status.State != v1alpha1.CircuitClosed {
		t.Errorf("answered %s", body)
	}
	var all List[CircuitItem]
	_, body = r.ask(http.MethodPost, "/circuits/reset")
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all.Items) != 1 {
		t.Errorf("answered %s", body)
	}
}
