package admin

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	writeTimeout      = 30 * time.Second // of an answer; event streams have their own
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// NewServer returns a server for a handler, or for one that it is a part of. Its
// Shutdown ends the event streams.
func NewServer(handler http.Handler, feed *Feed) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	s.RegisterOnShutdown(feed.Close)
	return s
}
