package gateway

import (
	"errors"
	"fmt"
	"io"
)

// firstRead is what is set aside for a body before any of it has come: a
// client that announces much and sends nothing holds no more than this.
const firstRead = 64 << 10

// The errors of readHeld, beside those of the reader.
var (
	errTooLarge   = errors.New("larger than the limit")
	errOverBudget = errors.New("the memory budget for held bodies is spent")
)

// readHeld reads all of r into memory that is taken from the hold as it comes.
// The length is what was announced, -1 if nothing was. At errTooLarge the part
// that was read is returned too.
func readHeld(r io.Reader, length, limit int64, h *hold) ([]byte, error) {
	if length > limit {
		return nil, errTooLarge
	}
	// Room for one byte more than announced finds the end without growing.
	size := min(max(length, 511)+1, firstRead)
	if !h.grow(size) {
		return nil, errOverBudget
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, fmt.Errorf("reading a body: %w", err)
		}
		if len(buf) < cap(buf) {
			continue
		}
		size = min(2*int64(cap(buf)), limit+1)
		if length >= 0 {
			size = min(size, length+1)
		}
		size = max(size, int64(cap(buf))+512)
		if !h.grow(size) {
			return buf, errOverBudget
		}
		grown := make([]byte, len(buf), size)
		copy(grown, buf)
		buf = grown
	}
}
