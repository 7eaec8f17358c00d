package circuit

import "time"

// Vitals are what a health score is made from.
type Vitals struct {
	State State
	// Calls and Failures are the window's; outside Closed, those at the trip.
	Calls, Failures int
	// SinceFailure is the time since the last failure. It counts while not
	// closed.
	SinceFailure time.Duration
	// Running and Queued are the bulkhead's, of Concurrent and Queue at most;
	// Concurrent 0 is no bulkhead.
	Running, Concurrent int
	Queued, Queue       int
}

// HealthScore is a circuit's health, from 0 to 100, as a pure function:
//
//	  50 % state        Closed 100, HalfOpen 50, Open 0
//	+ 30 % failure rate steps: ≤ 1 % 100, ≤ 5 % 90, ≤ 10 % 80, ≤ 20 % 60,
//	                    ≤ 50 % 30, above 0; under 5 calls, 100 − 20 a failure
//	+ 10 % recovery     not open 100; else by the time since the last failure:
//	                    < 1 min 80, < 2 min 60, < 5 min 40, then 20
//	+ 10 % utilisation  the mean of two steps: running ≤ 50 % 100, ≤ 70 % 90,
//	                    ≤ 85 % 80, ≤ 95 % 60, then 40; queued ≤ 30 % 100,
//	                    ≤ 60 % 80, ≤ 80 % 60, then 30; no bulkhead 100
//
// rounded down. An open circuit scores at most 20, one with a failure rate
// above 50 % at most 40. From 90 a score is excellent, from 70 good, from 50
// fair, from 30 poor, below critical.
func HealthScore(v Vitals) int {
	state := [...]int{Closed: 100, HalfOpen: 50, Open: 0}[v.State]
	score := 50*state + 30*rateScore(v) + 10*recoveryScore(v) + 5*runningScore(v) + 5*queueScore(v)
	score /= 100
	if v.State == Open {
		score = min(score, 20)
	}
	if 2*v.Failures > v.Calls {
		score = min(score, 40)
	}
	return score
}

// step is a score that holds up to a percentage, inclusive.
type step struct{ upTo, score int }

// stepped scores part of whole by the first step that covers it.
func stepped(part, whole int, steps []step, beyond int) int {
	for _, s := range steps {
		if part*100 <= s.upTo*whole {
			return s.score
		}
	}
	return beyond
}

var (
	rateSteps    = []step{{1, 100}, {5, 90}, {10, 80}, {20, 60}, {50, 30}}
	runningSteps = []step{{50, 100}, {70, 90}, {85, 80}, {95, 60}}
	queueSteps   = []step{{30, 100}, {60, 80}, {80, 60}}
)

func rateScore(v Vitals) int {
	if v.Calls < 5 {
		return max(0, 100-20*v.Failures)
	}
	return stepped(v.Failures, v.Calls, rateSteps, 0)
}

func recoveryScore(v Vitals) int {
	switch {
	case v.State != Open:
		return 100
	case v.SinceFailure < time.Minute:
		return 80
	case v.SinceFailure < 2*time.Minute:
		return 60
	case v.SinceFailure < 5*time.Minute:
		return 40
	}
	return 20
}

func runningScore(v Vitals) int {
	if v.Concurrent == 0 {
		return 100
	}
	return stepped(v.Running, v.Concurrent, runningSteps, 40)
}

func queueScore(v Vitals) int {
	if v.Concurrent == 0 || v.Queued == 0 {
		return 100
	}
	return stepped(v.Queued, v.Queue, queueSteps, 30)
}
