package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// relayBuffer is how much of an answer is on its way at a time.
const relayBuffer = 32 << 10

// relay sends an answer to the client as it comes, after the part that was read
// already: that of a path route, whose body means nothing to the gateway, or one
// too large to be held. Where it breaks off, so does the client's connection:
// there is no other way left to say so.
func (a *attempt) relay(resp *http.Response, begun []byte) {
	c := a.classify(resp)
	if own := a.ownError(c); own != nil {
		a.log(c, resp.StatusCode, nil)
		a.end(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()))
		a.x.fail(a.b, own)
		return
	}
	a.x.commit(a.b)
	copyResponseHeaders(a.x.w.Header(), resp.Header)
	a.x.w.WriteHeader(resp.StatusCode)
	cut, err := a.copy(resp, begun)
	if err != nil {
		c = cut
	}
	if c != Success {
		a.log(c, resp.StatusCode, err)
	}
	a.end(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Trailer {
		if !strings.HasPrefix(name, "X-Switchgear-") {
			a.x.w.Header()[http.TrailerPrefix+name] = values
		}
	}
}

// classify finds the class of an answer whose body is not looked at.
func (a *attempt) classify(resp *http.Response) Class {
	if isSuccess(resp.StatusCode) || resp.StatusCode == http.StatusNotModified {
		return Success
	}
	return classifyStatus(a.b.Backend, resp.StatusCode, dialect.Error{})
}

// copy moves the body to the client. An error comes with the class of the
// interruption.
func (a *attempt) copy(resp *http.Response, begun []byte) (Class, error) {
	events := isSuccess(resp.StatusCode) && isEventStream(resp.Header)
	t := &a.b.Policy.Timeouts
	limit := newPatience(t.Attempt, "timeouts.attempt")
	limit.left -= a.x.g.now() - a.begun
	if events {
		limit = newPatience(t.StreamIdle, "timeouts.streamIdle")
		a.x.dog.set(limitTotal, a.begun, t.StreamTotal, "timeouts.streamTotal")
		a.x.client.dirty = true // the headers go out at once
	}
	a.x.dog.lift(limitPhase)
	client := &a.x.client
	if err := client.write(begun); err != nil {
		return ClientGone, fmt.Errorf("answering the client: %w", err)
	}
	buf := make([]byte, relayBuffer)
	live := events || resp.ContentLength < 0
	silent := true
	for {
		if live {
			if err := client.flush(); err != nil {
				return ClientGone, fmt.Errorf("answering the client: %w", err)
			}
		}
		client.idle()
		var n int
		err := a.x.dog.await(&limit, func() (err error) {
			n, err = resp.Body.Read(buf)
			return err //nolint:wrapcheck // wrapped below
		})
		if events && n > 0 {
			limit.left = limit.of
			if silent {
				silent = false
				a.permit.FirstToken(a.x.g.now())
			}
		}
		if werr := client.write(buf[:n]); werr != nil {
			return ClientGone, fmt.Errorf("answering the client: %w", werr)
		}
		switch {
		case err == io.EOF:
			return Success, nil
		case err != nil && events:
			return a.interruption(StreamError, StreamError, false), fmt.Errorf("reading the stream: %w", err)
		case err != nil:
			return a.interruption(InvalidResponse, Timeout, false), fmt.Errorf("reading the answer: %w", err)
		}
	}
}
