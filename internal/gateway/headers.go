package gateway

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// hopByHop are the headers that belong to one connection (RFC 9110, 7.6.1).
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// credentialHeaders carry a client's own credentials.
var credentialHeaders = map[string]bool{
	"Authorization": true, "X-Api-Key": true, "Api-Key": true, "Cookie": true,
}

// droppedRequestHeaders are about the client's connection to the gateway. An
// Idempotency-Key would make the transport repeat calls behind the circuit's
// back.
var droppedRequestHeaders = map[string]bool{
	"Idempotency-Key": true, "X-Idempotency-Key": true, "Expect": true, "Content-Length": true, "Host": true,
	"Forwarded": true, "Accept-Encoding": true, headerRequestID: true,
}

// droppedResponseHeaders speak for the provider's origin or are the gateway's.
var droppedResponseHeaders = map[string]bool{
	"Alt-Svc": true, "Strict-Transport-Security": true, headerRequestID: true,
}

// requestHeaders returns the headers for a backend, made from a client's.
func requestHeaders(in http.Header, b *Backend, id string) http.Header {
	out := make(http.Header, len(in)+4)
	named := connectionHeaders(in)
	passthrough := b.Credential.Kind == CredentialPassthrough
	for name, values := range in {
		switch {
		case hopByHop[name], droppedRequestHeaders[name], named[name],
			credentialHeaders[name] && !passthrough,
			strings.HasPrefix(name, "X-Switchgear-"), strings.HasPrefix(name, "X-Forwarded-"):
			continue
		}
		out[name] = values
	}
	if b.Dialect != HTTP {
		// Events are parsed, and answers checked.
		out["Accept-Encoding"] = []string{"identity"}
	} else if ae := in["Accept-Encoding"]; ae != nil {
		out["Accept-Encoding"] = ae
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = nil // or the transport names itself
	}
	out[headerRequestID] = []string{id}
	for _, h := range b.Headers {
		out.Set(h.Name, h.Value)
	}
	if b.Credential.Kind == CredentialSecret {
		out.Set(b.AuthHeader, b.AuthPrefix+string(b.Credential.Key))
	}
	return out
}

// connectionHeaders are those that the Connection header names; nil for none.
func connectionHeaders(h http.Header) map[string]bool {
	var named map[string]bool
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if named == nil {
				named = map[string]bool{}
			}
			named[http.CanonicalHeaderKey(strings.TrimSpace(name))] = true
		}
	}
	return named
}

// copyResponseHeaders passes a provider's headers on to the client.
func copyResponseHeaders(out, in http.Header) {
	named := connectionHeaders(in)
	for name, values := range in {
		if hopByHop[name] || droppedResponseHeaders[name] || named[name] || strings.HasPrefix(name, "X-Switchgear-") {
			continue
		}
		out[name] = values
	}
	if _, ok := in["Content-Type"]; !ok {
		out["Content-Type"] = nil // or the server guesses one
	}
}

// mergeQuery adds a backend's parameters to the client's query; of one name the
// backend's win.
func mergeQuery(client string, backend url.Values) string {
	if len(backend) == 0 {
		return client
	}
	q, err := url.ParseQuery(client)
	if err != nil {
		q = url.Values{} // what cannot be read cannot be told apart from the backend's
	}
	maps.Copy(q, backend)
	return q.Encode()
}

// requestID takes the client's request ID where it is fit to be logged, and
// makes one otherwise.
func requestID(h http.Header) string {
	if ids := h[headerRequestID]; len(ids) == 1 && isPrintable(ids[0]) {
		return ids[0]
	}
	const length = 16
	id := strconv.FormatUint(rand.Uint64(), 16)
	return strings.Repeat("0", length-len(id)) + id
}

func isPrintable(s string) bool {
	const longest = 128
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// longestRetryAfter keeps a provider's nonsense out of the arithmetic.
const longestRetryAfter = 7 * 24 * time.Hour

// parseRetryAfter reads how long a provider asks to wait: in milliseconds, as
// OpenAI and Azure say it, or by Retry-After in seconds or as a date. Zero where it
// says nothing.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseFloat(h.Get(name), 64); err == nil {
			return max(bounded(ms/1000), 0)
		}
	}
	var wait time.Duration
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			wait = bounded(s)
		} else if at, err := http.ParseTime(v); err == nil {
			wait = min(at.Sub(now), longestRetryAfter)
		}
	}
	return max(wait, 0)
}

func bounded(seconds float64) time.Duration {
	if !(seconds < longestRetryAfter.Seconds()) { // NaN too
		return longestRetryAfter
	}
	return time.Duration(seconds * float64(time.Second))
}
