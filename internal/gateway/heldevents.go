package gateway

// heldEvents are the events of a stream that are held back, in memory that is
// taken from the process's budget.
type heldEvents struct {
	bytes  []byte
	events int
	hold   hold
}

// add holds one event more, or reports that there is no memory for it or that
// the answer is too long.
func (h *heldEvents) add(raw []byte) bool {
	need := len(h.bytes) + len(raw)
	if need > maxHeldAnswer {
		return false
	}
	if need > cap(h.bytes) {
		size := min(max(2*cap(h.bytes), need, 1<<10), maxHeldAnswer)
		if !h.hold.grow(int64(size)) {
			return false
		}
		grown := make([]byte, len(h.bytes), size)
		copy(grown, h.bytes)
		h.bytes = grown
	}
	h.bytes = append(h.bytes, raw...)
	h.events++
	return true
}

// free gives the memory back. It may be called again.
func (h *heldEvents) free() {
	h.bytes = nil
	h.hold.free()
}
