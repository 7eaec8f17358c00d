package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// AccessLogAll is the value of Options.AccessLog that leaves nothing out.
const AccessLogAll = -1

// accessLog writes a line for each request, or for as many as it may.
type accessLog struct {
	log *slog.Logger
	// limit is how many lines a second may tell of requests that were answered
	// well, and how many of others; below 0: any number.
	limit int

	mu     sync.Mutex
	second time.Duration // guarded by mu: the one that is counted
	good   int           // guarded by mu
	bad    int           // guarded by mu
	// omitted counts what was left out, in all and since the last line.
	omitted, since uint64 // guarded by mu
}

// newAccessLog returns nil where nothing is to be logged.
func newAccessLog(log *slog.Logger, limit int) *accessLog {
	if limit == 0 {
		return nil
	}
	return &accessLog{log: log, limit: limit, second: -1}
}

// take reports whether one line more may be written, and how many were left out
// since the one before. Those of failures have a limit of their own, so that
// neither kind crowds out the other.
func (l *accessLog) take(failed bool, now time.Duration) (omitted uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Truncate(time.Second); second != l.second {
		l.second, l.good, l.bad = second, 0, 0
	}
	n := &l.good
	if failed {
		n = &l.bad
	}
	if l.limit > 0 && *n >= l.limit {
		l.omitted++
		l.since++
		return 0, false
	}
	*n++
	omitted, l.since = l.since, 0
	return omitted, true
}

func (l *accessLog) leftOut() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.omitted
}

// write tells of a request that has ended.
func (l *accessLog) write(x *exchange) {
	if l == nil || !l.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	now := x.g.now()
	omitted, ok := l.take(x.failed(), now)
	if !ok {
		return
	}
	var buf [20]slog.Attr
	attrs := append(buf[:0], slog.String("requestID", x.id))
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	number := func(key string, n int64) {
		if n != 0 {
			attrs = append(attrs, slog.Int64(key, n))
		}
	}
	if x.span != nil {
		text("traceID", x.span.SpanContext().TraceID().String())
	}
	text("method", knownMethod(x.r.Method))
	text("endpoint", x.served())
	if r := x.target.route; r != nil {
		text("namespace", r.Namespace)
		text("route", r.Name)
	}
	if b := x.sum.backend; b != nil {
		text("backend", b.Name)
		text("class", x.sum.class.String())
	}
	text("model", clipped(x.request.Model))
	attrs = append(attrs, slog.Bool("stream", x.request.Stream))
	number("status", int64(x.status.code))
	text("code", x.ownCode())
	attrs = append(attrs, slog.Int("attempts", x.attempts), slog.Float64("durationSeconds", (now-x.arrived).Seconds()))
	if x.sum.first != 0 {
		attrs = append(attrs, slog.Float64("firstTokenSeconds", (x.sum.first-x.arrived).Seconds()))
	}
	number("inputTokens", x.sum.tokens.Input)
	number("cachedInputTokens", x.sum.tokens.CacheRead)
	number("outputTokens", x.sum.tokens.Output)
	if omitted != 0 {
		attrs = append(attrs, slog.Uint64("omitted", omitted))
	}
	l.log.LogAttrs(context.Background(), slog.LevelInfo, "Request", attrs...)
}

// knownMethod keeps what a client calls a method out of logs and spans.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "_OTHER"
}
