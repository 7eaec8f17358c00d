package gateway

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// rateLimited are the things that providers count.
var rateLimited = [...]string{"requests", "tokens", "input_tokens", "output_tokens"}

// rateLimitHeaders are those in which providers tell what they allow, by what
// they count (its index). Most OpenAI-compatible providers use OpenAI's names.
var rateLimitHeaders = [...]struct {
	counts           int
	limit, remaining string
}{
	{0, "X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests"},
	{1, "X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens"},
	{0, "Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Remaining"},
	{1, "Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Tokens-Remaining"},
	{2, "Anthropic-Ratelimit-Input-Tokens-Limit", "Anthropic-Ratelimit-Input-Tokens-Remaining"},
	{3, "Anthropic-Ratelimit-Output-Tokens-Limit", "Anthropic-Ratelimit-Output-Tokens-Remaining"},
}

// rateLimits are what a provider last said that it allows a backend.
type rateLimits [len(rateLimited)]struct{ limit, remaining told }

// told is a number that may not have been told yet. It is kept one up.
type told struct{ plusOne atomic.Int64 }

func (t *told) read(h http.Header, name string) {
	values := h[name]
	if len(values) == 0 {
		return
	}
	if n, err := strconv.ParseInt(values[0], 10, 62); err == nil && n >= 0 {
		t.plusOne.Store(n + 1)
	}
}

func (l *rateLimits) read(h http.Header) {
	for i := range rateLimitHeaders {
		header := &rateLimitHeaders[i]
		l[header.counts].limit.read(h, header.limit)
		l[header.counts].remaining.read(h, header.remaining)
	}
}

func (l *rateLimits) collect(ch chan<- prometheus.Metric, id backendID) {
	send := func(d *prometheus.Desc, t *told, resource string) {
		if n := t.plusOne.Load(); n > 0 {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n-1), id.namespace, id.route, id.backend, resource)
		}
	}
	for i, resource := range rateLimited {
		send(limitDesc, &l[i].limit, resource)
		send(remainingDesc, &l[i].remaining, resource)
	}
}
