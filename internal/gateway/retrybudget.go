package gateway

import (
	"sync"
	"time"
)

const (
	// budgetSpan is how long a request counts as recent, in steps of budgetStep.
	budgetSpan = 10
	budgetStep = time.Second
	// freeRepeats are allowed in each step, however few requests there are.
	freeRepeats = 3
)

// retryBudget bounds a route's repeats by its recent requests, so that a
// provider that fails is not asked several times as often as one that works.
type retryBudget struct {
	mu    sync.Mutex
	step  int64                 // guarded by mu, as all below: the newest
	steps [budgetSpan]stepCount // by step modulo budgetSpan
	sum   stepCount
}

type stepCount struct{ requests, repeats int }

// request counts a request.
func (b *retryBudget) request(now time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(now).requests++
	b.sum.requests++
}

// take allows one more repeat, or reports that the budget is spent.
func (b *retryBudget) take(now time.Duration, percent int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.at(now)
	if s.repeats >= freeRepeats && (b.sum.repeats+1)*100 > percent*b.sum.requests {
		return false
	}
	s.repeats++
	b.sum.repeats++
	return true
}

// at returns the step of that time, having forgotten those that are too old.
func (b *retryBudget) at(now time.Duration) *stepCount {
	step := int64(now / budgetStep)
	for gone := max(b.step, step-budgetSpan); gone < step; gone++ {
		s := &b.steps[(gone+1)%budgetSpan]
		b.sum.requests -= s.requests
		b.sum.repeats -= s.repeats
		*s = stepCount{}
	}
	b.step = max(b.step, step)
	return &b.steps[b.step%budgetSpan]
}
