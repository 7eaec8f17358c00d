package circuit

import (
	"testing"
	"time"
)

func TestHealthScore(t *testing.T) {
	idle := Vitals{}
	rate := func(failures, calls int) Vitals { return Vitals{Calls: calls, Failures: failures} }
	load := func(running, queued int) Vitals {
		return Vitals{Running: running, Concurrent: 100, Queued: queued, Queue: 100}
	}
	open := func(since time.Duration) Vitals {
		return Vitals{State: Open, Calls: 100, Failures: 100, SinceFailure: since, Running: 96, Concurrent: 100, Queued: 81, Queue: 100}
	}
	// 50 for closed, 10 for recovery, 10 for utilisation, 30 × the step.
	tests := map[string]struct {
		vitals Vitals
		want   int
	}{
		"idle":               {idle, 100},
		"no failures of 100": {rate(0, 100), 100},
		"1 %":                {rate(1, 100), 100},
		"2 %":                {rate(2, 100), 97},
		"5 %":                {rate(5, 100), 97},
		"6 %":                {rate(6, 100), 94},
		"10 %":               {rate(10, 100), 94},
		"11 %":               {rate(11, 100), 88},
		"20 %":               {rate(20, 100), 88},
		"21 %":               {rate(21, 100), 79},
		"50 %":               {rate(50, 100), 79},
		"51 % is capped":     {rate(51, 100), 40},
		"all failed":         {rate(100, 100), 40},
		"1 of 3":             {rate(1, 3), 94},
		"1 of 4":             {rate(1, 4), 94},
		"2 of 4":             {rate(2, 4), 88},
		"2 of 3 is capped":   {rate(2, 3), 40},
		"1 of 5 is 20 %":     {rate(1, 5), 88},

		"half-open after a mild trip": {Vitals{State: HalfOpen, Calls: 100, Failures: 50}, 54},
		"half-open, all had failed":   {Vitals{State: HalfOpen, Calls: 5, Failures: 5}, 40},
		"half-open, no failure":       {Vitals{State: HalfOpen}, 75},
		"open by a hand":              {Vitals{State: Open}, 20},

		"open, just failed": {open(0), 11},
		"open, 59 s":        {open(time.Minute - 1), 11},
		"open, 1 min":       {open(time.Minute), 9},
		"open, 2 min":       {open(2 * time.Minute), 7},
		"open, 5 min":       {open(5 * time.Minute), 5},
		"open, 1 h":         {open(time.Hour), 5},

		"50 % running":          {load(50, 0), 100},
		"51 % running":          {load(51, 0), 99},
		"70 % running":          {load(70, 0), 99},
		"71 % running":          {load(71, 0), 99},
		"85 % running":          {load(85, 0), 99},
		"86 % running":          {load(86, 0), 98},
		"95 % running":          {load(95, 0), 98},
		"96 % running":          {load(96, 0), 97},
		"30 % queued":           {load(100, 30), 97},
		"60 % queued":           {load(100, 60), 96},
		"80 % queued":           {load(100, 80), 95},
		"81 % queued":           {load(100, 81), 93},
		"full":                  {load(100, 100), 93},
		"no bulkhead":           {Vitals{Running: 10000}, 100},
		"a bulkhead, no queue":  {Vitals{Running: 1, Concurrent: 10}, 100},
		"a queue that was shut": {Vitals{Running: 1, Concurrent: 10, Queued: 3}, 96},
	}
	for name, tt := range tests {
		if got := HealthScore(tt.vitals); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestHealthScoreStaysWithinItsBounds(t *testing.T) {
	for state := Closed; state <= Open; state++ {
		for failures := range 30 {
			for load := range 30 {
				v := Vitals{state, 29, failures, time.Duration(load) * 20 * time.Second, load, 29, load, 29}
				score := HealthScore(v)
				if score < 0 || score > 100 || state == Open && score > 20 || failures > 14 && score > 40 {
					t.Fatalf("%+v scores %d", v, score)
				}
			}
		}
	}
}

func TestHealthOfACircuit(t *testing.T) {
	r := newRig(t, base())
	want := func(moment string, score int, atRest bool) {
		t.Helper()
		if o := r.observe(); o.HealthScore != score || o.AtRest != atRest {
			t.Errorf("%s: %d, at rest %v; want %d, %v", moment, o.HealthScore, o.AtRest, score, atRest)
		}
	}
	want("new", 100, true)
	r.play("S S S S S S S S S F")
	want("1 failure of 10", 94, false)
	r.play("S")
	want("the run has ended", 94, true)
	r.play("F F")
	want("3 failures of 13", 79, false)
	r.play("F")
	want("open at 4 of 14", 20, false)
	r.play("+20s")
	want("as it was at the trip", 20, false)
	r.play("+10s settle")
	want("half-open", 54, false)
	r.play("S")
	want("closed, with a new window", 100, true)
}

func TestAnIdleCircuitIsHealthyAgain(t *testing.T) {
	r := newRig(t, base())
	r.play("F")
	if got := r.observe().HealthScore; got != 40 {
		t.Errorf("1 failure of 1: %d, want 40", got)
	}
	r.play("+10s")
	if got := r.observe().HealthScore; got != 100 {
		t.Errorf("idle for a window: %d, want 100", got)
	}
}
