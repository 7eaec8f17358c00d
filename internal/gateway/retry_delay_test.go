package gateway

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

func TestRetryDelay(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	defaults := Retry{InitialDelay: 500 * ms, MaxDelay: 10 * s, Multiplier: 2, JitterPercent: 25}
	steady := Retry{InitialDelay: 500 * ms, MaxDelay: 10 * s, Multiplier: 1}
	wild := Retry{InitialDelay: s, MaxDelay: 24 * time.Hour, Multiplier: 10, JitterPercent: 100}
	for _, tc := range []struct {
		name       string
		retry      Retry
		n          int
		retryAfter time.Duration
		random     float64
		want       time.Duration
	}{
		{"first", defaults, 1, 0, 0.5, 500 * ms},
		{"first, shortest", defaults, 1, 0, 0, 375 * ms},
		{"first, nearly longest", defaults, 1, 0, 0.9, 600 * ms},
		{"second", defaults, 2, 0, 0.5, s},
		{"third", defaults, 3, 0, 0.5, 2 * s},
		{"fifth", defaults, 5, 0, 0.5, 8 * s},
		{"sixth is bounded", defaults, 6, 0, 0.5, 10 * s},
		{"jitter is within the bound", defaults, 5, 0, 1, 10 * s},
		{"jitter shortens what is beyond the bound first", defaults, 6, 0, 0, 10 * s},
		{"steady", steady, 9, 0, 0.7, 500 * ms},
		{"nothing at all", wild, 1, 0, 0, 0},
		{"all jitter", wild, 1, 0, 0.999, 1998 * ms},
		{"more than a day", wild, 9, 0, 0.5, 24 * time.Hour},
		{"Retry-After below the delay", defaults, 2, 900 * ms, 0.5, s},
		{"Retry-After above the delay", defaults, 1, 2 * s, 0.5, 2250 * ms},
		{"Retry-After is a floor", defaults, 1, 2 * s, 0, 2 * s},
		{"Retry-After with the most of jitter", defaults, 1, 2 * s, 0.999, 2*s + 499500*time.Microsecond},
		{"Retry-After beyond maxDelay", defaults, 1, 20 * s, 0, 20 * s},
		{"Retry-After without jitter", steady, 1, 2 * s, 0.9, 2 * s},
		{"Retry-After in between", defaults, 1, 400 * ms, 0, 400 * ms},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.retry.delay(tc.n, tc.retryAfter, func() float64 { return tc.random })
			if (got - tc.want).Abs() > time.Microsecond {
				t.Errorf("delay %v, want %v", got, tc.want)
			}
		})
	}
}

// TestRetryDelayIsBounded whatever the settings, the attempt and the chance.
func TestRetryDelayIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		r := Retry{
			InitialDelay:  time.Duration(1 + random.Int64N(int64(24*time.Hour))),
			Multiplier:    1 + random.IntN(10),
			JitterPercent: random.IntN(101),
		}
		r.MaxDelay = r.InitialDelay + time.Duration(random.Int64N(int64(24*time.Hour)))
		var retryAfter time.Duration
		if random.IntN(2) == 0 {
			retryAfter = time.Duration(random.Int64N(int64(24 * time.Hour)))
		}
		n := 1 + random.IntN(9)
		wait := r.delay(n, retryAfter, random.Float64)
		jitter := time.Duration(float64(retryAfter) * float64(r.JitterPercent) / 100)
		if wait < retryAfter || wait < 0 || wait > max(r.MaxDelay, retryAfter+jitter) {
			t.Fatalf("delay %v of %+v at attempt %d, Retry-After %v", wait, r, n, retryAfter)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		headers map[string]string
		want    time.Duration
	}{
		{"none", nil, 0},
		{"seconds", map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{"a fraction of seconds", map[string]string{"Retry-After": "0.25"}, 250 * time.Millisecond},
		{"zero", map[string]string{"Retry-After": "0"}, 0},
		{"a date", map[string]string{"Retry-After": "Sun, 01 Mar 2026 12:01:30 GMT"}, 90 * time.Second},
		{"a date of RFC 850", map[string]string{"Retry-After": "Sunday, 01-Mar-26 12:00:09 GMT"}, 9 * time.Second},
		{"a date that is past", map[string]string{"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0},
		{"a date beyond all reason", map[string]string{"Retry-After": "Sun, 01 Mar 2626 12:00:00 GMT"}, longestRetryAfter},
		{"milliseconds of OpenAI", map[string]string{"Retry-After-Ms": "1500"}, 1500 * time.Millisecond},
		{"milliseconds of Azure", map[string]string{"X-Ms-Retry-After-Ms": "2500"}, 2500 * time.Millisecond},
		{"a fraction of milliseconds", map[string]string{"Retry-After-Ms": "0.5"}, 500 * time.Microsecond},
		{"milliseconds beside seconds", map[string]string{"Retry-After-Ms": "1500", "Retry-After": "2"}, 1500 * time.Millisecond},
		{"milliseconds that make no sense beside seconds", map[string]string{"Retry-After-Ms": "soon", "Retry-After": "2"}, 2 * time.Second},
		{"a negative number", map[string]string{"Retry-After": "-3"}, 0},
		{"words", map[string]string{"Retry-After": "soon"}, 0},
		{"no number", map[string]string{"Retry-After": "NaN"}, longestRetryAfter},
		{"infinity", map[string]string{"Retry-After": "1e400"}, 0},
		{"more than fits", map[string]string{"Retry-After": "1e300"}, longestRetryAfter},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			for name, value := range tc.headers {
				h.Set(name, value)
			}
			if got := parseRetryAfter(h, now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
