package gateway

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// takes counts how many repeats the budget allows at that time, of so many.
func takes(b *retryBudget, now time.Duration, percent, of int) int {
	allowed := 0
	for range of {
		if b.take(now, percent) {
			allowed++
		}
	}
	return allowed
}

func (b *retryBudget) requests(now time.Duration, n int) {
	for range n {
		b.request(now)
	}
}

func TestRetryBudget(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name    string
		percent int
		play    func(b *retryBudget)
		at      time.Duration
		want    int
	}{
		{"three a second without any request", 20, func(*retryBudget) {}, 5 * s, 3},
		{"three in the second, wherever it begins", 20, func(b *retryBudget) { takes(b, 5*s, 20, 2) }, 5*s + 999*time.Millisecond, 1},
		{"three in the next second again", 20, func(b *retryBudget) { takes(b, 5*s, 20, 9) }, 6 * s, 3},
		{"its percents", 20, func(b *retryBudget) { b.requests(5*s, 100) }, 5 * s, 20},
		{"its percents, over the last ten seconds", 20, func(b *retryBudget) {
			for at := range time.Duration(10) {
				b.requests(at*s, 50)
			}
		}, 9 * s, 100},
		{"what was taken is gone", 20, func(b *retryBudget) {
			b.requests(5*s, 100)
			takes(b, 5*s, 20, 15)
		}, 7 * s, 5},
		{"what was taken is gone, but for three a second", 20, func(b *retryBudget) {
			b.requests(5*s, 100)
			takes(b, 5*s, 20, 99)
		}, 7 * s, 3},
		{"the free ones are of the percents", 20, func(b *retryBudget) { b.requests(5*s, 10) }, 5 * s, 3},
		{"a request is recent for ten seconds", 50, func(b *retryBudget) { b.requests(5*s, 100) }, 14*s + 999*time.Millisecond, 50},
		{"and then forgotten", 50, func(b *retryBudget) { b.requests(5*s, 100) }, 15 * s, 3},
		{"a repeat is recent for ten seconds", 50, func(b *retryBudget) {
			takes(b, 5*s, 50, 3)
			b.requests(14*s, 100)
		}, 14 * s, 47},
		{"and then forgotten too", 50, func(b *retryBudget) {
			takes(b, 5*s, 50, 3)
			b.requests(14*s, 100)
		}, 15 * s, 50},
		{"a long silence", 50, func(b *retryBudget) { b.requests(5*s, 100) }, 1000 * time.Hour, 3},
		{"after a long silence", 50, func(b *retryBudget) {
			b.requests(5*s, 100)
			takes(b, 5*s, 50, 100)
			b.requests(1000*time.Hour, 10)
		}, 1000 * time.Hour, 5},
		{"a silence of exactly the span", 50, func(b *retryBudget) {
			b.requests(5*s, 100)
			b.requests(15*s, 20)
		}, 15 * s, 10},
		{"a clock that was read before another's", 50, func(b *retryBudget) {
			b.requests(9*s, 10)
			b.requests(8*s+900*time.Millisecond, 10) // counts as of now
			b.requests(0, 10)
		}, 9 * s, 15},
		{"no percents at all", 0, func(b *retryBudget) { b.requests(5*s, 1000) }, 5 * s, 3},
		{"a repeat for each request", 100, func(b *retryBudget) { b.requests(5*s, 40) }, 5 * s, 40},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b retryBudget
			tc.play(&b)
			if got := takes(&b, tc.at, tc.percent, 2000); got != tc.want {
				t.Errorf("%d repeats allowed, want %d", got, tc.want)
			}
		})
	}
}

// TestRetryBudgetAgainstAList of all that has happened, counted anew each time.
func TestRetryBudgetAgainstAList(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var b retryBudget
		var requests, repeats []int64 // the seconds in which they were
		recent := func(list []int64, now int64) (n, thisSecond int) {
			for _, at := range list {
				if at > now-budgetSpan {
					n++
				}
				if at == now {
					thisSecond++
				}
			}
			return n, thisSecond
		}
		now, percent := time.Duration(0), random.IntN(101)
		for range 600 {
			now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			if random.IntN(100) == 0 {
				now += time.Duration(random.Int64N(int64(25 * time.Second)))
			}
			second := int64(now / time.Second)
			if random.IntN(3) > 0 {
				b.request(now)
				requests = append(requests, second)
				continue
			}
			asked, _ := recent(requests, second)
			repeated, free := recent(repeats, second)
			want := free < 3 || (repeated+1)*100 <= percent*asked
			if got := b.take(now, percent); got != want {
				t.Fatalf("at %v, with %d requests and %d repeats (%d this second) at %d%%: allowed %v", now, asked, repeated, free, percent, got)
			}
			if want {
				repeats = append(repeats, second)
			}
		}
	}
}

// TestRetryBudgetConcurrently gives no more than it has, and counts every
// request.
func TestRetryBudgetConcurrently(t *testing.T) {
	const clients, each = 16, 250
	var b retryBudget
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() { b.requests(time.Second, each) })
	}
	wg.Wait()
	allowed := make([]int, clients)
	for i := range clients {
		wg.Go(func() { allowed[i] = takes(&b, time.Second, 10, each) })
	}
	wg.Wait()
	sum := 0
	for _, n := range allowed {
		sum += n
	}
	if want := clients * each / 10; sum != want {
		t.Errorf("%d repeats allowed, want %d", sum, want)
	}
}
