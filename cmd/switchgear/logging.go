package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// newLogger returns the logger for a level (debug, info, warn, error) and a
// format (text, json).
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("--log-format %q: want text or json", format)
	}
}

// useLogger has everything log through it, the Kubernetes libraries included.
// What those write at logr's V(1) and above is debug.
func useLogger(l *slog.Logger) {
	slog.SetDefault(l)
	bridge := logr.FromSlogHandler(l.Handler())
	ctrl.SetLogger(bridge)
	klog.SetLogger(bridge.WithName("kubernetes"))
}
