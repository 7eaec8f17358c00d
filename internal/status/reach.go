package status

import (
	"fmt"
	"strings"
)

// Reach says how far an object's present generation has got. The zero value is
// that of a process without others.
type Reach struct {
	// Replicas is how many there are, Behind those that do not serve it yet.
	Replicas int
	Behind   []string
}

// message counts the replicas and names some of those that are behind.
func (r Reach) message() string {
	const named = 3
	names := r.Behind[:min(len(r.Behind), named)]
	m := fmt.Sprintf("This generation is live on %d of %d replicas, and not yet on %s", r.Replicas-len(r.Behind), r.Replicas, strings.Join(names, ", "))
	if more := len(r.Behind) - len(names); more > 0 {
		m += fmt.Sprintf(" and %d more", more)
	}
	return m + "."
}
