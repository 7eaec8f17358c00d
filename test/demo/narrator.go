package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// narrator tells the user what happens, with the time since the beginning.
type narrator struct {
	out   io.Writer
	begun time.Time
}

func newNarrator(out io.Writer) *narrator { return &narrator{out: out, begun: time.Now()} }

func (n *narrator) line(format string, args ...any) {
	_, _ = fmt.Fprintf(n.out, "\n[%5.1fs] %s\n", time.Since(n.begun).Seconds(), fmt.Sprintf(format, args...))
}

// block shows what a command printed, or commands to type.
func (n *narrator) block(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		_, _ = fmt.Fprint(n.out, "    ", line)
	}
}
