package gateway

import (
	"net/http"
	"time"
)

const (
	// clientStall is how long a client may take nothing before it counts as gone.
	clientStall = 30 * time.Second
	// rearmAfter spares most writes the setting of a deadline.
	rearmAfter = clientStall / 8
	// clientChunk is written under one deadline.
	clientChunk = 64 << 10
)

// clientWriter writes to a client that may have stopped reading. The server's
// own WriteTimeout would cut healthy streams.
type clientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	armed   time.Time // zero: no deadline is set
	dirty   bool      // something was written since the last flush
}

func (c *clientWriter) write(p []byte) error {
	for len(p) > 0 {
		c.arm()
		n, err := c.w.Write(p[:min(len(p), clientChunk)])
		c.dirty = true
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// flush sends what was written.
func (c *clientWriter) flush() error {
	if !c.dirty {
		return nil
	}
	c.arm()
	c.dirty = false
	return c.control.Flush()
}

func (c *clientWriter) arm() {
	now := time.Now()
	if now.Sub(c.armed) < rearmAfter {
		return
	}
	c.armed = now
	_ = c.control.SetWriteDeadline(now.Add(clientStall + rearmAfter)) // not every writer has one
}

// release lifts the deadline, for the connection's next request.
func (c *clientWriter) release() {
	if !c.armed.IsZero() {
		_ = c.control.SetWriteDeadline(time.Time{})
	}
}
