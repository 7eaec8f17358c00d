package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

const (
	// relayBuffer is how much of an answer is on its way at a time.
	relayBuffer = 32 << 10
	// maxHeldRefusal bounds a refusal of a path route's backend that is held while
	// another is asked; a longer one is passed on as it comes.
	maxHeldRefusal = 1 << 20
)

// pathAnswer handles a response on a path route. Its body means nothing to the
// gateway; a refusal is held, in case that a repeat or the next backend makes
// good for it.
func (a *attempt) pathAnswer(resp *http.Response) ending {
	c := a.classify(resp)
	if c == Success || a.ownError(c) == nil && !FallbackClasses.Has(c) {
		return a.relay(resp, nil)
	}
	held := hold{budget: &a.x.g.budget}
	body, err := readHeld(resp.Body, resp.ContentLength, maxHeldRefusal, &held)
	if err != nil {
		defer held.free()
		return a.unheld(resp, body, err)
	}
	return a.refused(resp, dialect.Error{}, body, held)
}

// relay sends an answer to the client as it comes, after the part that was read
// already. Where it breaks off, so does the client's connection: there is no
// other way left to say so.
func (a *attempt) relay(resp *http.Response, begun []byte) ending {
	c := a.classify(resp)
	a.commit(resp.Header)
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
		a.x.ends(a.b, c)
		panic(http.ErrAbortHandler)
	}
	if len(resp.Trailer) > 0 {
		// The server gives a short answer a length, and that leaves no place for
		// trailers, unless its headers have gone out.
		a.x.client.dirty = true
		_ = a.x.client.flush() // a client that has left needs no answer
	}
	for name, values := range resp.Trailer {
		if !strings.HasPrefix(name, "X-Switchgear-") {
			a.x.w.Header()[http.TrailerPrefix+name] = values
		}
	}
	return ending{class: c, answered: true}
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
		limit = newPatience(t.FirstToken, "timeouts.firstToken")
		a.dog.set(limitTotal, a.begun, t.StreamTotal, "timeouts.streamTotal")
		a.x.client.dirty = true // the headers go out at once
	}
	a.dog.lift(limitPhase)
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
		err := a.dog.await(&limit, func() (err error) {
			n, err = resp.Body.Read(buf)
			return err //nolint:wrapcheck // wrapped below
		})
		if events && n > 0 {
			limit = newPatience(t.StreamIdle, "timeouts.streamIdle")
			if silent {
				silent = false
				a.firstToken()
			}
		}
		if werr := client.write(buf[:n]); werr != nil {
			return ClientGone, fmt.Errorf("answering the client: %w", werr)
		}
		switch {
		case errors.Is(err, io.EOF):
			return Success, nil
		case err != nil && events:
			return a.interruption(StreamError, StreamError, false), fmt.Errorf("reading the stream: %w", err)
		case err != nil:
			return a.interruption(InvalidResponse, Timeout, false), fmt.Errorf("reading the answer: %w", err)
		}
	}
}
