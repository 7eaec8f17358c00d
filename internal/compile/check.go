package compile

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

const (
	// minDuration is the shortest duration that most fields may have.
	minDuration = 10 * time.Millisecond
	// minLongDuration is the shortest for resetTimeout, window and streamIdle.
	minLongDuration = 100 * time.Millisecond
	maxDuration     = 24 * time.Hour
)

// checker collects what is wrong with one spec. The API server has looked
// before; this second look is for files, for objects older than the schema, and
// for what takes more than one field and a profile to know.
type checker struct {
	problems []Problem
	backend  int // which backend is being looked at; -1: none
}

func newChecker() *checker { return &checker{backend: -1} }

// fail says that a field has a wrong value, and what would be right.
func (c *checker) fail(field string, value any, want string) {
	c.wrong(field, fmt.Sprintf("is %#v: %s", value, want))
}

// wrong says anything else about a field.
func (c *checker) wrong(field, what string) {
	path := "spec." + field
	if c.backend >= 0 {
		path = fmt.Sprintf("spec.backends[%d].%s", c.backend, field)
	}
	c.problems = append(c.problems, Problem{
		Condition: v1alpha1.ConditionAccepted,
		Reason:    v1alpha1.ReasonInvalid,
		Message:   path + " " + what,
	})
}

// duration reads a duration that has to be from shortest to 24h; one that is not
// is 0.
func (c *checker) duration(field string, d v1alpha1.Duration, shortest time.Duration) time.Duration {
	v, err := d.Duration()
	if err != nil || v < shortest || v > maxDuration {
		c.fail(field, d, fmt.Sprintf("must be a duration from %s to 24h, such as 30s, 1h30m or 500ms", v1alpha1.DurationOf(shortest)))
		return 0
	}
	return v
}

// number reads an integer that has to be from lo to hi.
func (c *checker) number(field string, n, lo, hi int32) int {
	if n < lo || n > hi {
		c.fail(field, n, fmt.Sprintf("must be from %d to %d", lo, hi))
	}
	return int(n)
}

// reference checks that a reference names something.
func (c *checker) reference(field, name string) {
	if name == "" {
		c.wrong(field, "is empty: must be a name")
	}
}

// headerName checks the name of a header that is sent to a provider.
func (c *checker) headerName(field, name string) {
	lower := strings.ToLower(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		c.fail(field, name, "must be a header's name")
	case connectionHeaders[lower] || strings.HasPrefix(lower, "x-switchgear-"):
		c.fail(field, name, "must not be a header of the connection (Host, Content-Length, Transfer-Encoding, Connection and the like), nor begin with x-switchgear-")
	}
}

// connectionHeaders are not for a route's author to set.
var connectionHeaders = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "connection": true,
	"keep-alive": true, "proxy-connection": true, "proxy-authenticate": true, "te": true,
	"trailer": true, "upgrade": true,
}

// credentialHeaders carry credentials, which belong in Secrets.
var credentialHeaders = map[string]bool{
	"authorization": true, "proxy-authorization": true, "x-api-key": true, "api-key": true, "cookie": true,
}

// printable reports whether s is printable ASCII without spaces, and not empty.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
