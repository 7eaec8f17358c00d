package sdk

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// TestAnOutageGoesUnnoticed has an application call without a pause, whole and
// streamed in turn, while the primary fails, its circuit opens, the fallback
// answers, and the primary heals: no call fails, and no SDK tries again.
func TestAnOutageGoesUnnoticed(t *testing.T) {
	for name, fault := range map[string]providersim.Fault{
		"errors": {Status: 503},
		"resets": {Kind: providersim.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(_ *testing.T, s *scene) { s.sitThrough(fault) })
		})
		t.Run(name+", with a fallback of the other dialect", func(t *testing.T) {
			onStage(t, func(_ *testing.T, s *scene) {
				s.model += stage.Across
				s.sitThrough(fault)
			})
		})
	}
}

const (
	callers = 8
	// calls are made before, in and after an outage each, at least.
	calls = 100
)

func (s *scene) sitThrough(fault providersim.Fault) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patiently)
	answers := s.callWithoutPause(ctx)
	defer func() {
		cancel()
		for range answers { // until the callers have ended
		}
	}()
	s.collect(ctx, answers, calls, s.Primary, s.Primary)

	s.fault(fault)
	began := time.Now()
	s.collect(ctx, answers, calls, s.Primary, s.Fallback)
	s.wantLeftAlone(time.Since(began))
	s.Primary.Heal()
	s.collect(ctx, answers, calls, s.Fallback, s.Primary)
	for _, p := range []*providersim.Instance{s.Primary, s.Fallback} {
		for _, r := range p.Requests() {
			if n := r.Header.Get("X-Stainless-Retry-Count"); n != "0" {
				s.t.Fatalf("the SDK had tried %s times before, by itself", n)
			}
		}
	}
}

// callWithoutPause calls until the context ends, and then closes the answers.
func (s *scene) callWithoutPause(ctx context.Context) <-chan string {
	answers := make(chan string)
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				ask := s.Ask
				if n%2 == 0 {
					ask = s.Stream
				}
				answer, err := ask(ctx, s.model)
				if err != nil {
					answer = "error: " + err.Error()
				}
				select {
				case answers <- answer:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(answers)
	}()
	return answers
}

// collect takes answers of both providers, at least n, until the last ones are all
// of the second.
func (s *scene) collect(ctx context.Context, answers <-chan string, n int, first, second *providersim.Instance) {
	s.t.Helper()
	inRow := 0
	for i := 0; i < n || inRow < 2*callers; i++ {
		select {
		case answer := <-answers:
			inRow++
			switch answer {
			case second.Answer():
			case first.Answer():
				inRow = 0
			default:
				s.t.Fatalf("call %d got %q", i, answer)
			}
		case <-ctx.Done():
			s.t.Fatalf("after %d more calls %q is not what comes", i, second.Answer())
		}
	}
}

// wantLeftAlone checks that the primary saw no more of an outage than what it
// takes to open its circuit, the calls that were under way then, and the probes,
// each twice.
func (s *scene) wantLeftAlone(outage time.Duration) {
	s.t.Helper()
	probes := int(outage/(450*time.Millisecond)) + 1
	seen := 0
	for _, r := range s.Primary.Requests() {
		if r.Fault != "" {
			seen++
		}
	}
	if most := 5 + 2*callers + 2*probes; seen < 5 || seen > most {
		s.t.Errorf("the primary saw %d calls in %v, want at least 5 and at most %d", seen, outage, most)
	}
}
