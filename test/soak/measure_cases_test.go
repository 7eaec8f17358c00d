package soak

import "testing"

// TestGrown: little is let pass, and more is not.
func TestGrown(t *testing.T) {
	t.Parallel()
	since := &resting{goroutines: 100, heap: 8 << 20}
	for name, c := range map[string]struct {
		now  resting
		want bool
	}{
		"the same":        {*since, false},
		"less":            {resting{goroutines: 50, heap: 1 << 20}, false},
		"a few more":      {resting{goroutines: 100 + strayGoroutines, heap: since.heap + strayBytes}, false},
		"more goroutines": {resting{goroutines: 101 + strayGoroutines, heap: since.heap}, true},
		"more memory":     {resting{goroutines: 100, heap: since.heap + strayBytes + 1}, true},
	} {
		if err := c.now.grown(since); (err != nil) != c.want {
			t.Errorf("%s: %v, want an error: %t", name, err, c.want)
		}
	}
}
