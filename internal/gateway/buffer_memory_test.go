package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
)

// TestALongAnswerGoesOnUnbuffered from the limit on, be it its own or that of the
// process. What happens to it then happens as without a buffer.
func TestALongAnswerGoesOnUnbuffered(t *testing.T) {
	const mebibyte = 1 << 20
	large := chunk(block(mebibyte / 2))
	for _, tc := range []struct {
		name   string
		budget int64 // 0: the default
		held   int   // how many events are
	}{
		{"as long as one answer may be", 0, 31},
		{"as the budget allows", 4 * mebibyte, 3},
		{"with no memory but for the request", mebibyte / 1024, 0},
	} {
		for _, whole := range []bool{true, false} {
			if !whole && tc.budget == 0 {
				continue // megabytes once are enough
			}
			t.Run(tc.name+map[bool]string{true: ", whole", false: ", cut"}[whole], func(t *testing.T) {
				t.Parallel()
				more, seen := make(chan struct{}), make(chan struct{})
				first := script(t, func(s scripted) {
					s.stream()
					s.send(chatRole)
					s.send(strings.Repeat(large, tc.held))
					s.wait(more)
					s.send(large + large)
					s.wait(seen)
					if !whole {
						panic(http.ErrAbortHandler)
					}
					s.send(chatFinish + chatDone)
				})
				second := script(t, func(scripted) { t.Error("the second backend was asked, though the client has a part of the answer") })
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByBuffering)(s)
					s.Policy.Timeouts.StreamIdle = patiently
					s.Options.MaxBufferedBytes = tc.budget
				}, first, second)
				answered := make(chan *answer)
				go func() { answered <- r.open(chatEndpoint.path, chatEndpoint.body) }()
				r.eventually("all of it held", func() bool { return r.held() >= tc.held*len(large) })
				if held := r.held(); held > 16*mebibyte+1<<10 {
					t.Errorf("%d bytes are held", held)
				}
				close(more)
				a := <-answered
				a.wantHeaders(http.StatusOK, "b0", 1)
				if e := a.event(); e != chatRole {
					t.Fatalf("the answer begins with %.300q", e)
				}
				for range tc.held + 2 {
					if e := a.event(); e != large {
						t.Fatalf("got %d bytes, %.300q", len(e), e)
					}
				}
				r.wantNothingHeld()
				close(seen)
				if rest := a.whole(); whole && rest != chatFinish+chatDone {
					t.Errorf("the answer ends with %q", rest)
				} else if !whole {
					checkErrorEvent(t, chatEndpoint, rest, "upstream_unavailable", tc.held+3)
				}
				r.wantEnd(map[bool]string{true: "Success", false: "StreamError"}[whole], map[bool]string{true: "Success", false: "Failure"}[whole])
				r.wantRecovered(map[string]int{})
			})
		}
	}
}

func (r *streamRig) wantNothingHeld() {
	r.t.Helper()
	r.eventually("no memory held", func() bool { return r.held() == 0 })
}

// TestTheMemoryOfHeldAnswersIsShared: what one holds, another cannot, until it is
// given back.
func TestTheMemoryOfHeldAnswersIsShared(t *testing.T) {
	large := chunk(block(100 << 10))
	goOn := make(chan struct{})
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByBuffering)(s)
		s.Policy.Timeouts.StreamIdle = patiently
		s.Options.MaxBufferedBytes = 180 << 10
	}, script(t, func(s scripted) {
		s.stream()
		s.send(large)
		s.wait(goOn)
		s.send(chatFinish + chatDone)
	}))
	first := make(chan *answer)
	go func() { first <- r.open(chatEndpoint.path, chatEndpoint.body) }()
	r.eventually("the first held", func() bool { return r.held() >= len(large) })
	second := r.open(chatEndpoint.path, chatEndpoint.body) // its headers come at once
	if e := second.event(); e != large {
		t.Fatalf("got %.300q", e)
	}
	select {
	case <-first:
		t.Error("the first was not held")
	default:
	}
	close(goOn)
	for _, a := range []*answer{<-first, second} {
		if got := a.whole(); !strings.HasSuffix(got, chatFinish+chatDone) {
			t.Errorf("got %.300q", got)
		}
	}
	r.wantEnds(map[string]int{"Success": 2}, map[string]int{"Success": 2})
}

// TestNothingIsLeftHeldOfWhatWasNotTold: a refusal is held while another backend
// is asked, and given back when that answers.
func TestNothingIsLeftHeldOfWhatWasNotTold(t *testing.T) {
	for _, how := range []gateway.StreamRecovery{gateway.RecoverNothing, gateway.RecoverByResuming, gateway.RecoverByBuffering} {
		t.Run(how.String(), func(t *testing.T) {
			first := script(t, func(s scripted) {
				s.w.WriteHeader(http.StatusServiceUnavailable)
				s.send(`{"error":{"message":"` + block(100<<10) + `"}}`)
			})
			second := script(t, func(s scripted) {
				s.stream()
				s.send(chatRole + chunk("a") + chatFinish + chatDone)
			})
			r := newStreamRig(t, recovering(how), first, second)
			a := r.open(chatEndpoint.path, chatEndpoint.body)
			a.wantHeaders(http.StatusOK, "b1", 2)
			if got := a.whole(); got != chatRole+chunk("a")+chatFinish+chatDone {
				t.Errorf("got %q", got)
			}
			r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
		})
	}
}
