package fleet

import (
	"cmp"
	"slices"
	"time"
)

const (
	// Heartbeat is how often a replica reports at least.
	Heartbeat = 10 * time.Second
	// Expiry is how long a report counts after it was last seen to change.
	Expiry = 30 * time.Second
	// Retention is for how long an expired report is kept.
	Retention = 10 * time.Minute
)

// Roll is the list of the other replicas' reports. Its instants are by the clock
// of this process, which alone decides how old a report is: that of another
// replica may be wrong.
type Roll struct{ entries map[string]*entry }

type entry struct {
	version string    // the object's resourceVersion
	seen    time.Time // when that was first seen
	report  *Report   // nil: that version cannot be used
	last    *Report   // that could be used
}

// NewRoll returns an empty roll.
func NewRoll() *Roll { return &Roll{entries: map[string]*entry{}} }

// Last returns the last report of a replica that could be read, however old it
// is; nil if there is none.
func (r *Roll) Last(name string) *Report {
	if e := r.entries[name]; e != nil {
		return e.last
	}
	return nil
}

// Known reports whether this version of the report has been taken already.
func (r *Roll) Known(name, version string) bool {
	e := r.entries[name]
	return e != nil && e.version == version
}

// Has reports whether any report of a replica was taken.
func (r *Roll) Has(name string) bool { return r.entries[name] != nil }

// Take takes a version of a report, or what is wrong with it. The report before
// counts no more in either case.
func (r *Roll) Take(name, version string, report *Report, err error, now time.Time) {
	last := report
	if err != nil {
		report, last = nil, r.Last(name)
	}
	r.entries[name] = &entry{version: version, seen: now, report: report, last: last}
}

// Forget drops a replica that has no object any more.
func (r *Roll) Forget(name string) { delete(r.entries, name) }

// Live returns the reports that count, by the replicas' names.
func (r *Roll) Live(now time.Time) []*Report {
	var out []*Report
	for _, e := range r.entries {
		if e.report != nil && e.report.Serving && now.Sub(e.seen) < Expiry {
			out = append(out, e.report)
		}
	}
	slices.SortFunc(out, func(a, b *Report) int { return cmp.Compare(a.Replica, b.Replica) })
	return out
}

// Complete reports whether every replica's report is recent, those that cannot
// be read aside.
func (r *Roll) Complete(now time.Time) bool {
	for _, e := range r.entries {
		if now.Sub(e.seen) >= Expiry {
			return false
		}
	}
	return true
}

// Age returns how long ago a replica's report was seen to change.
func (r *Roll) Age(name string, now time.Time) time.Duration {
	if e := r.entries[name]; e != nil {
		return now.Sub(e.seen)
	}
	return 0
}

// Census counts the replicas on the roll by what has become of them.
func (r *Roll) Census(now time.Time) Census {
	var c Census
	for _, e := range r.entries {
		switch {
		case now.Sub(e.seen) >= Expiry:
			c.Expired++
		case e.report == nil:
			c.Ignored++
		case !e.report.Serving:
			c.Draining++
		default:
			c.Serving++
		}
	}
	return c
}

// Census is how many of the other replicas serve, drain, have a report that is
// too old, or one that cannot be read.
type Census struct{ Serving, Draining, Expired, Ignored int }
