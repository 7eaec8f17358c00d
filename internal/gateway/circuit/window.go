package circuit

import "time"

// buckets is how many steps a window is forgotten in.
const buckets = 10

// tally counts calls that ended.
type tally struct {
	calls, failures, slow int
	labels                [maxLabels]int // failures, by label
}

func (t *tally) count(failed, slow bool, label int) {
	t.calls++
	if slow {
		t.slow++
	}
	if failed {
		t.failures++
		t.labels[label]++
	}
}

func (t *tally) add(o *tally) {
	t.calls += o.calls
	t.failures += o.failures
	t.slow += o.slow
	for i, n := range o.labels {
		t.labels[i] += n
	}
}

func (t *tally) sub(o *tally) {
	t.calls -= o.calls
	t.failures -= o.failures
	t.slow -= o.slow
	for i, n := range o.labels {
		t.labels[i] -= n
	}
}

// window counts the calls that ended within the last length, give or take a
// bucket. Each step forgets the oldest bucket alone.
type window struct {
	width  time.Duration // of a bucket
	head   int64         // number of the newest bucket: its start divided by width
	ring   [buckets]tally
	latest [buckets]time.Duration // when the last call of each bucket ended
	sum    tally                  // of the whole ring
}

func newWindow(length, now time.Duration) window {
	width := max(length/buckets, 1)
	return window{width: width, head: int64(now / width)}
}

func (w *window) at(n int64) *tally { return &w.ring[n%buckets] }

// advance forgets what has left the window at now.
func (w *window) advance(now time.Duration) {
	n := int64(now / w.width)
	if n-w.head >= buckets {
		*w = window{width: w.width, head: n}
		return
	}
	for w.head < n {
		w.head++
		oldest := w.at(w.head)
		w.sum.sub(oldest)
		*oldest = tally{}
	}
}

// record counts one call that ended now. The label matters for a failure.
func (w *window) record(now time.Duration, failed, slow bool, label int) {
	w.advance(now)
	i := w.head % buckets
	w.latest[i] = now
	w.ring[i].count(failed, slow, label)
	w.sum.count(failed, slow, label)
}

// total returns the counts at now and changes nothing.
func (w *window) total(now time.Duration) tally {
	n := int64(now / w.width)
	if n-w.head >= buckets {
		return tally{}
	}
	sum := w.sum
	for i := w.head + 1; i <= n; i++ {
		sum.sub(w.at(i))
	}
	return sum
}

// resized returns a window of another length that knows what this one knew and
// the new one has room for. A bucket's calls count as of the last of them, so
// that none is forgotten before its time; what this one had forgotten stays so.
func (w *window) resized(length, now time.Duration) window {
	w.advance(now)
	out := newWindow(length, now)
	for n := max(w.head-buckets+1, 0); n <= w.head; n++ {
		old, latest := w.at(n), min(w.latest[n%buckets], now)
		to := int64(latest / out.width)
		if old.calls == 0 || out.head-to >= buckets {
			continue
		}
		out.at(to).add(old)
		out.latest[to%buckets] = latest
		out.sum.add(old)
	}
	return out
}
