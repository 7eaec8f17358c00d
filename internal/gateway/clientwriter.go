package gateway

import (
	"errors"
	"net/http"
	"time"
)

const (
	// defaultClientStall is how long a client may take nothing before it counts
	// as gone.
	defaultClientStall = 30 * time.Second
	// clientChunk is written under one deadline.
	clientChunk = 64 << 10
)

// clientWriter writes to a client that may have stopped reading. The server's
// own WriteTimeout would cut healthy streams.
type clientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	// strict means that the deadline must be lifted while nothing is written: on
	// HTTP/2 it resets the stream when it passes, written to or not.
	strict bool
	armed  time.Time // zero: no deadline is set
	dirty  bool      // something was written since the last flush
}

func newClientWriter(w http.ResponseWriter, r *http.Request, stall time.Duration) clientWriter {
	return clientWriter{w: w, control: http.NewResponseController(w), stall: stall, strict: r.ProtoMajor >= 2}
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
	if err := c.control.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// arm puts the deadline at least the stall limit away. An eighth more spares
// most writes the setting of it.
func (c *clientWriter) arm() {
	now := time.Now()
	slack := c.stall / 8
	if now.Sub(c.armed) < slack {
		return
	}
	c.armed = now
	_ = c.control.SetWriteDeadline(now.Add(c.stall + slack)) // not every writer has one
}

// idle is called before a wait for something other than the client.
func (c *clientWriter) idle() {
	if c.strict && !c.armed.IsZero() {
		c.armed = time.Time{}
		_ = c.control.SetWriteDeadline(time.Time{})
	}
}

// release bounds what the server itself writes at the end; it lifts the
// deadline for the connection's next request.
func (c *clientWriter) release() {
	c.armed = time.Time{}
	c.arm()
}
