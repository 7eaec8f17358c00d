package status

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// maxConditionMessage keeps a status readable, in bytes; the API server allows
// 32 KiB.
const maxConditionMessage = 2048

// conditions builds an object's conditions for one generation. All conditions
// are set through it, so that they agree about the generation, and so that
// lastTransitionTime moves only when a status does.
type conditions struct {
	generation int64
	now        time.Time
	before     []metav1.Condition
	list       []metav1.Condition
}

func (c *conditions) set(kind string, ok bool, reason, message string) {
	n := metav1.Condition{
		Type:               kind,
		Status:             metav1.ConditionFalse,
		ObservedGeneration: c.generation,
		LastTransitionTime: *seconds(c.now),
		Reason:             reason,
		Message:            Clip(message, maxConditionMessage),
	}
	if ok {
		n.Status = metav1.ConditionTrue
	}
	if old := meta.FindStatusCondition(c.before, kind); old != nil && old.Status == n.Status {
		n.LastTransitionTime = old.LastTransitionTime
	}
	c.list = append(c.list, n)
}

// setFromProblems sets a condition from the problems that bear on it: False
// with the first one's reason, or True, with a warning's reason if there is one.
func (c *conditions) setFromProblems(kind string, ok bool, problems []compile.Problem, reason, message string) {
	var messages []string
	for _, p := range problems {
		if p.Condition != kind || p.Warning == !ok {
			continue
		}
		if len(messages) == 0 {
			reason = p.Reason
		}
		messages = append(messages, p.Message)
	}
	if len(messages) > 0 {
		message = strings.Join(messages, "; ")
	}
	c.set(kind, ok, reason, message)
}

// setProgrammed says whether the gateway serves this generation, on every
// replica. Once all have, that is not taken back for the generation: a replica
// that comes later serves nothing before it has it.
func (c *conditions) setProgrammed(live int64, reach Reach) {
	old := meta.FindStatusCondition(c.before, v1alpha1.ConditionProgrammed)
	reached := old != nil && old.Status == metav1.ConditionTrue && old.ObservedGeneration == c.generation
	switch {
	case live == c.generation && (reached || len(reach.Behind) == 0):
		c.set(v1alpha1.ConditionProgrammed, true, v1alpha1.ReasonProgrammed, "This generation is live.")
	case live == c.generation:
		c.set(v1alpha1.ConditionProgrammed, false, v1alpha1.ReasonNotProgrammed, reach.message())
	case live == 0:
		c.set(v1alpha1.ConditionProgrammed, false, v1alpha1.ReasonNotProgrammed, "Nothing of this object is live: see the condition Accepted.")
	default:
		c.set(v1alpha1.ConditionProgrammed, false, v1alpha1.ReasonNotProgrammed,
			fmt.Sprintf("Generation %d serves on; generation %d is not accepted: see the condition Accepted.", live, c.generation))
	}
}

// setReady sums up the conditions that were set before it.
func (c *conditions) setReady() {
	for _, n := range c.list {
		if n.Status != metav1.ConditionTrue {
			c.set(v1alpha1.ConditionReady, false, n.Reason, fmt.Sprintf("%s is False: %s", n.Type, n.Message))
			return
		}
	}
	c.set(v1alpha1.ConditionReady, true, v1alpha1.ReasonReady, "Accepted and live.")
}

// seconds is the time as the API server gives it back; nil for the zero time.
func seconds(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}
