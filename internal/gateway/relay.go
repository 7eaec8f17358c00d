package gateway

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// relayBuffer is how much of an answer is on its way at a time.
const relayBuffer = 32 << 10

// passOn handles the response of a path route, whose body means nothing to the
// gateway: it is the client's as it comes.
func (a *attempt) passOn(resp *http.Response) {
	c := Success
	if !isSuccess(resp.StatusCode) && resp.StatusCode != http.StatusNotModified {
		c = classifyStatus(a.b.Backend, resp.StatusCode, dialect.Error{})
	}
	if own := a.ownError(c); own != nil {
		a.end(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()))
		a.x.fail(a.b, own)
		return
	}
	a.relay(resp, nil)
}

// relay sends an answer to the client as it comes, after the part that was read
// already. Where it breaks off, so does the client's connection: there is no
// other way left to say so.
func (a *attempt) relay(resp *http.Response, begun []byte) {
	a.x.commit(a.b)
	events := isEventStream(resp.Header)
	if events {
		a.x.dog.set(limitTotal, a.begun, a.b.Policy.Timeouts.StreamTotal, "timeouts.streamTotal")
	}
	copyResponseHeaders(a.x.w.Header(), resp.Header)
	a.x.w.WriteHeader(resp.StatusCode)
	c, err := a.copy(resp, begun, events)
	if c == Success && !isSuccess(resp.StatusCode) && resp.StatusCode != http.StatusNotModified {
		c = classifyStatus(a.b.Backend, resp.StatusCode, dialect.Error{})
	}
	if c != Success {
		a.log(c, resp.StatusCode, err)
	}
	a.end(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Trailer {
		a.x.w.Header()[http.TrailerPrefix+name] = values
	}
}

// copy moves the body to the client and returns what became of it: Success,
// whatever the status said, or the class of the interruption with its error.
func (a *attempt) copy(resp *http.Response, begun []byte, events bool) (Class, error) {
	client := &a.x.client
	if err := client.write(begun); err != nil {
		return ClientGone, fmt.Errorf("answering the client: %w", err)
	}
	buf := make([]byte, relayBuffer)
	live := events || resp.ContentLength < 0
	silent := true
	for {
		if events {
			a.x.dog.set(limitPhase, a.x.g.now(), a.b.Policy.Timeouts.StreamIdle, "timeouts.streamIdle")
		}
		n, err := resp.Body.Read(buf)
		if events {
			a.x.dog.lift(limitPhase)
		}
		if events && silent && n > 0 {
			silent = false
			a.permit.FirstToken(a.x.g.now())
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
		if live {
			if err := client.flush(); err != nil {
				return ClientGone, fmt.Errorf("answering the client: %w", err)
			}
		}
	}
}
