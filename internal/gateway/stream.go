package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

const (
	// maxHeldEvents bounds what a stream may send before its first output.
	maxHeldEvents = 1 << 20
	// finishWait is how long usage and the end mark may take after the finish.
	finishWait = 2 * time.Second
)

// stream is a streamed answer on its way to the client: every event is judged
// before it is passed on.
type stream struct {
	*attempt
	resp   *http.Response
	judge  dialect.Judge
	events eventReader

	held      []byte // events before the first output
	committed bool   // the client has the first output
	finished  bool   // the answer is whole
	done      bool   // the end mark came
	skipped   bool   // a malformed event was left out
	judged    int    // events that were judged
	// patience is streamIdle, which an event restores and a comment does not;
	// after the finish it is finishWait, which nothing restores.
	patience patience
}

// errClient marks that the client takes no more.
var errClient = errors.New("answering the client")

// errToldByProvider marks an error event; the judge has the error.
var errToldByProvider = errors.New("the provider told an error in its stream")

func (a *attempt) stream(resp *http.Response) {
	if encoded(resp.Header) {
		a.broke(InvalidResponse, &invalidAnswer{"its stream is compressed, though identity was asked for"})
		return
	}
	s := &stream{attempt: a, resp: resp, judge: a.x.endpoint.NewJudge(a.x.request)}
	err := s.follow()
	if s.finished && !errors.Is(err, errClient) && !errors.Is(err, errToldByProvider) {
		s.complete()
		return
	}
	s.broken(err)
}

// follow passes events on until the answer is whole or broken off.
func (s *stream) follow() error {
	for {
		e, err := s.next()
		if err != nil {
			return err
		}
		if e.comment {
			if s.committed {
				err = s.write(e.raw)
			}
		} else {
			err = s.pass(e)
		}
		if err != nil || s.done {
			return err
		}
	}
}

// next returns the next event, waiting for it if it must. What was passed on is
// flushed before each wait, and only then.
func (s *stream) next() (event, error) {
	for {
		if e, ok := s.events.next(); ok {
			return e, nil
		}
		if err := s.x.client.flush(); err != nil {
			return event{}, fmt.Errorf("%w: %w", errClient, err)
		}
		s.x.client.idle()
		err := s.fill()
		if err == io.EOF {
			if e, ok := s.events.rest(); ok {
				return e, nil
			}
		}
		if err != nil {
			return event{}, err
		}
	}
}

// fill waits for more of the stream. Until the first output the limits of the
// call are in force.
func (s *stream) fill() error {
	read := func() error { return s.events.fill(s.resp.Body) }
	if !s.committed {
		return read()
	}
	return s.x.dog.await(&s.patience, read)
}

// pass judges an event and passes it on, or holds it back while there is no
// output yet.
func (s *stream) pass(e event) error {
	s.judged++
	mark := s.judge.Event(e.name, e.data)
	if mark.Has(dialect.Malformed) {
		return s.skip()
	}
	if mark.Has(dialect.Failed) {
		s.held = append(s.held[:0], e.raw...)
		return errToldByProvider
	}
	wasFinished := s.finished
	s.finished, s.done = mark.Has(dialect.Finish), mark.Has(dialect.Done)
	switch {
	case !s.finished:
		s.patience = newPatience(s.b.Policy.Timeouts.StreamIdle, "timeouts.streamIdle")
	case !wasFinished:
		s.patience = newPatience(finishWait, "the wait for the stream's end")
	}
	if !s.committed {
		if len(s.held)+len(e.raw) > maxHeldEvents {
			return &invalidAnswer{"its stream brought much and no output"}
		}
		s.held = append(s.held, e.raw...)
		if mark&(dialect.Output|dialect.Finish) == 0 {
			return nil
		}
		return s.commit(mark)
	}
	return s.write(e.raw)
}

// skip leaves out a malformed event, once, where nothing depends on it.
func (s *stream) skip() error {
	if s.skipped || s.judge.InToolArguments() {
		return &invalidAnswer{"its stream holds an event that makes no sense"}
	}
	s.skipped = true
	return nil
}

// commit begins the client's answer with what was held back.
func (s *stream) commit(mark dialect.Mark) error {
	now := s.x.g.now()
	s.committed = true
	s.x.dog.lift(limitPhase)
	s.x.dog.set(limitTotal, s.begun, s.b.Policy.Timeouts.StreamTotal, "timeouts.streamTotal")
	if mark.Has(dialect.Output) {
		s.permit.FirstToken(now)
	}
	s.x.commit(s.b)
	h := s.x.w.Header()
	copyResponseHeaders(h, s.resp.Header)
	delete(h, "Content-Length")
	s.x.w.WriteHeader(s.resp.StatusCode)
	held := s.held
	s.held = nil
	return s.write(held)
}

func (s *stream) write(p []byte) error {
	if err := s.x.client.write(p); err != nil {
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return nil
}

// complete ends a whole answer. The provider's own end is read too, so that its
// connection can be used again.
func (s *stream) complete() {
	if end := s.judge.End(); !s.done && end != nil {
		_ = s.write(end)
	}
	_ = s.x.client.flush()
	s.end(Success, s.resp.StatusCode, 0)
	if s.x.dog.Err() == nil {
		end := newPatience(finishWait, "the wait for the stream's end")
		_ = s.x.dog.await(&end, func() error {
			_, err := io.CopyN(io.Discard, s.resp.Body, eventBuffer)
			return err //nolint:wrapcheck // nobody reads it
		})
	}
}

// broken ends an answer that is not whole: with an error of its own while the
// client has nothing yet, with an error event afterwards.
func (s *stream) broken(err error) {
	gone := errors.Is(err, errClient)
	told := errors.Is(err, errToldByProvider)
	switch {
	case gone:
		s.log(ClientGone, s.resp.StatusCode, err)
		s.end(ClientGone, s.resp.StatusCode, 0)
	case !s.committed && told:
		s.told(s.judge.Err())
	case !s.committed:
		if err == io.EOF {
			err = &invalidAnswer{"its stream ended before the answer was whole"}
		}
		s.broke(InvalidResponse, err)
	case told:
		s.toldLate()
	default:
		s.cut(err)
	}
}

// toldLate passes the provider's error event on as the last one.
func (s *stream) toldLate() {
	c := classifyError(s.judge.Err())
	s.log(c, s.resp.StatusCode, nil)
	s.end(c, 0, 0)
	event := s.held
	if own := s.ownError(c); own != nil {
		event = dialect.ErrorEvent(s.x.endpoint, s.judged-1, own.status, own.code, own.message)
	}
	s.last(event)
}

// cut tells a client in the middle of its answer that there will be no more.
func (s *stream) cut(err error) {
	c := s.interruption(StreamError, StreamError, false)
	s.log(c, s.resp.StatusCode, err)
	s.end(c, 0, 0)
	if c == ClientGone {
		return
	}
	status, code := http.StatusBadGateway, codeUpstreamDown
	message := "the stream of backend " + s.b.Name + " broke off"
	if e, ok := s.x.dog.exceeded(); ok {
		status, code = http.StatusGatewayTimeout, codeUpstreamTimeout
		message += ": " + e.Error()
	}
	s.last(dialect.ErrorEvent(s.x.endpoint, s.judged, status, code, message))
}

// last writes the event after which nothing follows.
func (s *stream) last(event []byte) {
	if s.write(event) == nil {
		_ = s.x.client.flush() // a client that has left needs no answer
	}
}
