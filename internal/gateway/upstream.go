package gateway

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// upstream is how a backend is asked for what the client wants: in its own
// dialect.
type upstream struct {
	endpoint *dialect.Endpoint // nil on a path route
	// translation is nil where the client's dialect is the backend's; then nothing
	// but the model is changed, and the rest is not used.
	translation *dialect.Translation
	body        []byte
	hold        hold // of body
	dropped     []string
}

// upstream is how a backend is to be asked; express says it.
func (x *exchange) upstream(b *liveBackend) *upstream {
	up := &upstream{endpoint: x.endpoint}
	if b.Dialect != x.dialect {
		up.translation, _ = dialect.Translate(x.endpoint, b.Dialect)
		up.endpoint, up.hold.budget = up.translation.To, &x.g.budget
	}
	return up
}

// express says the request in the backend's dialect, if it has not been. An error
// means that it cannot be said, or not now.
func (x *exchange) express(up *upstream, b *liveBackend) *apiError {
	if up.translation == nil || up.body != nil {
		return nil
	}
	// While it is being written, a turn is there twice.
	if !up.hold.grow(2 * int64(len(x.body))) {
		return tooManyBodies()
	}
	var err error
	up.body, up.dropped, err = up.translation.Request(x.body, b.Model, dialect.Options{
		DefaultMaxTokens: b.DefaultMaxTokens, SupportsPrefill: b.SupportsPrefill,
	})
	if err != nil {
		up.free()
		return inexpressible(b, err)
	}
	if !up.hold.grow(int64(cap(up.body))) { // a short body, which became longer
		up.free()
		return tooManyBodies()
	}
	up.hold.shrink(int64(cap(up.body)))
	return nil
}

// free lets go of the translated body. It may be called again.
func (u *upstream) free() {
	u.body = nil
	u.hold.free()
}

// answer returns the client's answer for a backend's.
func (u *upstream) answer(body []byte) ([]byte, error) {
	if u.translation == nil {
		return body, nil
	}
	return u.translation.Answer(body, time.Now()) //nolint:wrapcheck // it is the reason, in words for the client
}

// resumesOn reports whether a stream that has broken off can go on with that
// backend: not in another dialect, whose events are counted otherwise.
func (x *exchange) resumesOn(b *liveBackend) bool {
	return b.SupportsPrefill && b.Dialect == x.dialect
}

// anthropicVersion is the version of the Messages API that is translated into.
const anthropicVersion = "2023-06-01"

// translatedHeaders returns a client's headers as a client of the backend's
// dialect would send them. A credential, which only passthrough lets through,
// moves to where that dialect has it.
func translatedHeaders(in http.Header, b *Backend) http.Header {
	out := make(http.Header, len(in)+1)
	for name, values := range in {
		switch {
		case credentialHeaders[name], strings.HasPrefix(name, "Anthropic-"), strings.HasPrefix(name, "Openai-"):
		default:
			out[name] = values
		}
	}
	key := cmp.Or(in.Get("X-Api-Key"), in.Get("Api-Key"), strings.TrimPrefix(in.Get("Authorization"), "Bearer "))
	if key != "" && b.AuthHeader != "" {
		out.Set(b.AuthHeader, b.AuthPrefix+key)
	}
	if b.Dialect == Anthropic {
		out["Anthropic-Version"] = []string{anthropicVersion}
	}
	return out
}

// inexpressible tells what of a request a backend could not be asked for.
func inexpressible(b *liveBackend, err error) *apiError {
	e := &apiError{status: http.StatusBadRequest, code: codeInexpressible,
		message: "backend " + b.Name + " speaks " + b.Dialect.String() + "'s dialect: " + err.Error()}
	if what, ok := errors.AsType[*dialect.InexpressibleError](err); ok {
		e.param = what.Parameter
	}
	return e
}
