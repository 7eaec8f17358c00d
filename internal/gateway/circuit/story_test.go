package circuit

import "time"

// deed is one thing that happens to a circuit. Stories made of them are told
// to the engine and to the model, and to the engine in several ways.
type deed struct {
	do     action
	n      int // which permit, slot or kind
	result Result
	d      time.Duration
	change func(s *Settings, now, unit time.Duration)
}

type action uint8

const (
	acquire action = iota
	firstToken
	end
	advance
	settle
	admits
	reconfigure
	warn
	reset
	save
	restore
	restart // another process restores
	enter
	leave
)

// weights is how a byte names an action: calls and time are most of a story.
var weights = [...]action{
	acquire, acquire, acquire, acquire, acquire, end, end, end, end, end, end,
	advance, advance, advance, advance, firstToken, firstToken, settle, admits,
	reconfigure, reconfigure, reconfigure, warn, reset, save, restore, restart,
	enter, enter, leave, acquire, end,
}

const longestStory = 400

// second is the unit of a story's times; all are multiples of 50 ms.
const second = time.Second

var (
	advances    = [...]time.Duration{0, 50, 100, 500, 950, 1000, 2000, 5000, 10000, 30000, 60000, 300000}
	retryAfters = [...]time.Duration{0, 0, 0, 1000, 7000, 40000, 1000000}
	outcomeDice = [...]Outcome{Failure, Failure, Failure, Success, Success, Success, Ignored, Throttled}
	labelDice   = [...]string{"HTTP 503", "timeout", "HTTP 500"}
)

// tell makes a story of bytes.
func tell(data []byte) []deed {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	var out []deed
	for len(data) > 0 && len(out) < longestStory {
		s := deed{do: weights[next()%len(weights)]}
		switch s.do {
		case firstToken, leave:
			s.n = next()
		case end:
			s.n = next()
			b := next()
			s.result = Result{
				Outcome:    outcomeDice[b%len(outcomeDice)],
				Label:      labelDice[b/8%len(labelDice)],
				RetryAfter: retryAfters[b/24%len(retryAfters)] * time.Millisecond,
			}
			switch s.result.Outcome {
			case Success, Ignored:
				s.result.RetryAfter = 0
			case Failure:
				s.result.Repeated = b/32%4 == 3
			}
		case advance:
			s.d = advances[next()%len(advances)] * time.Millisecond
		case reconfigure:
			field := next()
			s.change = changes[field%len(changes)](next())
			if field >= 200 { // two at once
				first, second := s.change, changes[next()%len(changes)](next())
				s.change = func(s *Settings, now, unit time.Duration) { first(s, now, unit); second(s, now, unit) }
			}
		}
		out = append(out, s)
	}
	return out
}

// pick returns the value of a list that a byte names.
func pick[T any](b int, values ...T) T { return values[b%len(values)] }

// changes are what a reconfiguration may change, the value named by a byte.
var changes = [...]func(b int) func(s *Settings, now, unit time.Duration){
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) { s.FailureThreshold = pick(b, 0, 1, 2, 3, 5) }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) {
			s.FailureRate = pick(b, RateRule{}, RateRule{50, 4}, RateRule{1, 1}, RateRule{100, 3}, RateRule{34, 6})
		}
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, unit time.Duration) {
			s.SlowCallRate = pick(b, SlowRule{}, SlowRule{50, 2 * unit, 2}, SlowRule{100, unit, 3}, SlowRule{30, 3 * unit, 5})
		}
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, unit time.Duration) { s.Window = pick[time.Duration](b, 10, 1, 20, 7, 60) * unit }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) { s.SuccessThreshold = pick(b, 1, 2, 3) }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, unit time.Duration) { s.ResetTimeout = pick[time.Duration](b, 30, 1, 5) * unit }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, unit time.Duration) {
			s.ResetBackoff = pick(b, Backoff{1, 300 * unit, 0}, Backoff{2, 300 * unit, 50}, Backoff{3, 40 * unit, 0}, Backoff{2, 4 * unit, 50})
		}
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) { s.MaxProbes = pick(b, 1, 2, 3) }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, unit time.Duration) { s.ProbeLease = pick[time.Duration](b, 60, 1, 5) * unit }
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) {
			s.Bulkhead = pick(b, BulkheadSettings{}, BulkheadSettings{1, 0, time.Hour}, BulkheadSettings{2, 1, time.Hour}, BulkheadSettings{3, 0, time.Hour})
		}
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, now, unit time.Duration) {
			s.Override.Kind = pick(b, NoOverride, ForceOpen, ForceClosed)
			s.Override.Until = pick(b/3, 0, now+2*unit, now+10*unit, now)
		}
	},
	func(b int) func(*Settings, time.Duration, time.Duration) {
		return func(s *Settings, _, _ time.Duration) { s.Mode = pick(b, Enforce, Observe, Enforce, Disabled) }
	},
}

// openingScene are the settings that a story begins with.
func openingScene(unit time.Duration) Settings {
	return Settings{
		FailureThreshold: 3,
		FailureRate:      RateRule{50, 6},
		SlowCallRate:     SlowRule{80, 2 * unit, 4},
		Window:           10 * unit,
		SuccessThreshold: 2,
		ResetTimeout:     5 * unit,
		ResetBackoff:     Backoff{2, 60 * unit, 50},
		MaxProbes:        1,
		ProbeLease:       5 * unit,
	}
}

// dice returns jitter whose arithmetic is exact.
func dice() func() float64 {
	n := 0
	return func() float64 {
		n++
		return [...]float64{.5, 0, .75, .25, .5}[n%5]
	}
}
