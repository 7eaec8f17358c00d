package gateway

import (
	"sync/atomic"
)

// budget bounds the bytes of bodies and answers that the whole process holds.
type budget struct {
	limit int64
	used  atomic.Int64
}

// reserve takes n bytes, or none and reports false.
func (b *budget) reserve(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) release(n int64) { b.used.Add(-n) }

// hold is one holder's share of a budget.
type hold struct {
	budget *budget
	bytes  int64
}

// grow takes the share up to n bytes and reports whether there was room.
func (h *hold) grow(n int64) bool {
	if n <= h.bytes {
		return true
	}
	if !h.budget.reserve(n - h.bytes) {
		return false
	}
	h.bytes = n
	return true
}

// shrink gives back what the share has beyond n bytes.
func (h *hold) shrink(n int64) {
	if n < h.bytes {
		h.budget.release(h.bytes - n)
		h.bytes = n
	}
}

// free gives the share back. It may be called again, and on the zero value.
func (h *hold) free() {
	if h.bytes > 0 {
		h.budget.release(h.bytes)
		h.bytes = 0
	}
}
