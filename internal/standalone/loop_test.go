package standalone

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
)

// TestWhenFilesAreRead plays events at times, and looks at when files are read.
func TestWhenFilesAreRead(t *testing.T) {
	every := func(step, until int) []int {
		var out []int
		for at := 1000; at < 1000+until; at += step {
			out = append(out, at)
		}
		return out
	}
	for name, c := range map[string]struct {
		events []int // in ms
		lost   bool  // tell of lost events in place of events
		want   []int
	}{
		"at once, and then now and then":  {want: []int{0, 10000, 20000}},
		"soon after an event":             {events: []int{1000}, want: []int{0, 1100, 11100, 21100}},
		"soon after events were lost":     {events: []int{1000}, lost: true, want: []int{0, 1100, 11100, 21100}},
		"once for the events of one save": {events: []int{1000, 1010, 1040}, want: []int{0, 1140, 11140, 21140}},
		"for each save":                   {events: []int{1000, 2000}, want: []int{0, 1100, 2100, 12100, 22100}},
		"in a storm all the same":         {events: every(35, 1200), want: []int{0, 1500, 2025, 2290, 12290, 22290}},
		"before the next regular reading": {events: []int{9990}, want: []int{0, 10090, 20090}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events, errs := make(chan fsnotify.Event), make(chan error)
				ctx, cancel := context.WithCancel(t.Context())
				start, ended := time.Now(), make(chan struct{})
				var got []int
				go func() {
					defer close(ended)
					loop(ctx, events, errs, func() time.Duration {
						got = append(got, int(time.Since(start).Milliseconds()))
						return poll
					})
				}()
				for _, at := range c.events {
					time.Sleep(time.Duration(at)*time.Millisecond - time.Since(start))
					if c.lost {
						errs <- errors.New("queue overflow")
					} else {
						events <- fsnotify.Event{}
					}
				}
				time.Sleep(25*time.Second - time.Since(start))
				cancel()
				<-ended
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("the readings, in ms (-want +got):\n%s", diff)
				}
			})
		})
	}
}
