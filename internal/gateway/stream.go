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
	// translated writes the caller's events; nil: they are the provider's.
	translated dialect.Events

	held     heldEvents // what the client does not have yet
	buffer   bool       // held until the answer is whole
	resumes  bool       // goes on with what the client has
	usage    bool       // the client gets what it has cost, if that comes
	flows    bool       // the first output has come
	finished bool       // the answer is whole
	done     bool       // the end mark came
	skipped  bool       // a malformed event was left out
	refusal  []byte     // the provider's error event
	// transcript is kept where the stream can be resumed; otherwise it is nil.
	transcript dialect.Transcript
	// patience is streamIdle, which an event restores and a comment does not;
	// after the finish it is finishWait, which nothing restores.
	patience patience
}

// errClient marks that the client takes no more.
var errClient = errors.New("answering the client")

// errToldByProvider marks an error event; the judge has the error.
var errToldByProvider = errors.New("the provider told an error in its stream")

func (a *attempt) stream(resp *http.Response) ending {
	if encoded(resp.Header) {
		return a.broke(InvalidResponse, &invalidAnswerError{"its stream is compressed, though identity was asked for"})
	}
	s := a.newStream(resp)
	defer s.held.free()
	err := s.follow()
	a.cost.tokens = s.judge.Tokens()
	if s.finished && !errors.Is(err, errClient) && !errors.Is(err, errToldByProvider) {
		return s.complete()
	}
	return s.broken(err)
}

func (a *attempt) newStream(resp *http.Response) *stream {
	x, recovery := a.x, a.x.target.route.Recovery
	s := &stream{
		attempt: a, resp: resp, judge: a.up.endpoint.NewJudge(x.request),
		held:   heldEvents{hold: hold{budget: &x.g.budget}},
		buffer: recovery == RecoverByBuffering,
		usage:  a.up.translation != nil || !x.endpoint.HidesUsage(x.request),
	}
	if t := a.up.translation; t != nil {
		s.translated = t.Events(x.request, time.Now())
	} else if recovery == RecoverByResuming {
		if s.transcript = x.transcript; s.transcript == nil {
			s.transcript = x.endpoint.NewTranscript(x.request, x.body)
		}
		s.resumes = x.committed
	}
	return s
}

// follow passes events on until the answer is whole or broken off.
func (s *stream) follow() error {
	for {
		e, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case !e.comment:
			err = s.pass(e)
		case s.x.committed:
			err = s.write(e.raw)
		}
		if err != nil || s.done {
			return err
		}
	}
}

// next returns the next event, waiting for it if it must. What was passed on is
// flushed before each wait, and only then.
func (s *stream) next() (*event, error) {
	for {
		if e := s.events.next(); e != nil {
			return e, nil
		}
		if s.x.committed {
			if err := s.x.client.flush(); err != nil {
				return nil, fmt.Errorf("%w: %w", errClient, err)
			}
			s.x.client.idle()
		}
		err := s.fill()
		if errors.Is(err, io.EOF) {
			if e := s.events.rest(); e != nil {
				return e, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// fill waits for more of the stream. Until the first output the limits of the
// call are in force.
func (s *stream) fill() error {
	read := func() error { return s.events.fill(s.resp.Body) }
	if !s.flows {
		return read()
	}
	return s.dog.await(&s.patience, read)
}

// pass judges an event and passes it on, or holds it back for as long as the
// answer may still be another backend's.
func (s *stream) pass(e *event) error {
	mark := s.judge.Event(e.name, e.data)
	if mark.Has(dialect.Malformed) {
		return s.skip()
	}
	if mark.Has(dialect.Failed) {
		s.refusal = append([]byte(nil), e.raw...)
		return errToldByProvider
	}
	s.span.read(e.data)
	wasFinished := s.finished
	s.finished, s.done = mark.Has(dialect.Finish), mark.Has(dialect.Done)
	switch {
	case !s.finished:
		s.patience = newPatience(s.b.Policy.Timeouts.StreamIdle, "timeouts.streamIdle")
	case !wasFinished:
		s.cost.whole = s.x.g.now()
		s.patience = newPatience(finishWait, "the wait for the stream's end")
	}
	if mark&(dialect.Output|dialect.Finish) != 0 && !s.flows {
		s.flow(mark)
	}
	if mark.Has(dialect.Usage) && !s.usage {
		return nil
	}
	raw, err := s.forCaller(e)
	if err != nil {
		return err
	}
	return s.deliver(raw)
}

// forCaller returns what the client gets of an event.
func (s *stream) forCaller(e *event) ([]byte, error) {
	if s.translated == nil {
		return s.transcribe(e), nil
	}
	raw, err := s.translated.Event(e.name, e.data)
	if err != nil {
		return nil, &invalidAnswerError{err.Error()}
	}
	return raw, nil
}

// transcribe takes an event into the transcript, if one is kept, and returns
// what of it the client gets.
func (s *stream) transcribe(e *event) []byte {
	if s.transcript == nil {
		return e.raw
	}
	raw := e.raw
	if s.resumes {
		raw = s.transcript.Splice(e.name, e.data)
	} else {
		s.transcript.Record(e.name, e.data)
	}
	if n := s.transcript.Size(); n > maxHeldAnswer || !s.x.text.grow(int64(n)) {
		s.transcript.Drop()
	}
	s.x.letGo()
	return raw
}

// flow marks the first output: from now on the stream's own limits hold.
func (s *stream) flow(mark dialect.Mark) {
	s.flows = true
	s.dog.lift(limitPhase)
	s.dog.set(limitTotal, s.begun, s.b.Policy.Timeouts.StreamTotal, "timeouts.streamTotal")
	if mark.Has(dialect.Output) {
		s.firstToken()
	}
}

// deliver gives an event to the client, or holds it back.
func (s *stream) deliver(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	if s.x.committed {
		s.x.sent++
		return s.write(raw)
	}
	fits := s.held.add(raw)
	switch {
	case fits && !s.flows && len(s.held.bytes) > maxHeldEvents:
		return &invalidAnswerError{"its stream brought much and no output"}
	case fits && (!s.flows || s.buffer):
		return nil
	}
	if err := s.commit(); err != nil || fits {
		return err
	}
	s.x.sent++
	return s.write(raw)
}

// skip leaves out a malformed event, once, where nothing depends on it.
func (s *stream) skip() error {
	if s.skipped || s.judge.InToolArguments() {
		return &invalidAnswerError{"its stream holds an event that makes no sense"}
	}
	s.skipped = true
	return nil
}

// commit begins the client's answer with what was held back.
func (s *stream) commit() error {
	begun := s.x.pulse.stop()
	s.x.transcript = s.transcript
	s.attempt.commit(s.resp.Header)
	if !begun { // otherwise the pulse has made the headers
		delete(s.x.w.Header(), "Content-Length")
		s.x.w.WriteHeader(s.resp.StatusCode)
	}
	s.x.sent += s.held.events
	err := s.write(s.held.bytes)
	s.held.free()
	return err
}

func (s *stream) write(p []byte) error {
	if err := s.x.client.write(p); err != nil {
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return nil
}

// complete ends a whole answer. The provider's own end is read too, so that its
// connection can be used again.
func (s *stream) complete() ending {
	if !s.x.committed {
		_ = s.commit() // a client that has left needs no answer
	}
	if end := s.ending(); end != nil {
		_ = s.write(end)
	}
	_ = s.x.client.flush()
	s.end(Success, s.resp.StatusCode, 0)
	if s.dog.Err() == nil {
		end := newPatience(finishWait, "the wait for the stream's end")
		_ = s.dog.await(&end, func() error {
			_, err := io.CopyN(io.Discard, s.resp.Body, eventBuffer)
			return err //nolint:wrapcheck // nobody reads it
		})
	}
	return ending{class: Success, answered: true}
}

// ending is what the gateway writes itself after a whole answer.
func (s *stream) ending() []byte {
	switch {
	case s.translated != nil:
		return s.translated.End()
	case s.done:
		return nil
	}
	return s.judge.End()
}

// broken ends an answer that is not whole.
func (s *stream) broken(err error) ending {
	var e ending
	switch {
	case errors.Is(err, errClient):
		return s.gone(ClientGone, err)
	case errors.Is(err, errToldByProvider):
		if e = s.told(s.judge.Err()); e.reply.own == nil && s.translated == nil {
			e.reply.event = s.refusal
		}
	case !s.flows:
		if errors.Is(err, io.EOF) {
			err = &invalidAnswerError{"its stream ended before the answer was whole"}
		}
		e = s.broke(InvalidResponse, err)
	default:
		e = s.cut(err)
	}
	e.flowed = s.flows
	return e
}

// cut ends a stream that broke off after its first output.
func (s *stream) cut(err error) ending {
	c := s.interruption(StreamError, StreamError, false)
	if c == ClientGone {
		return s.gone(c, err)
	}
	own := &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
		message: "the stream of backend " + s.b.Name + " broke off"}
	if late, ok := s.dog.exceeded(); ok {
		own.status, own.code = http.StatusGatewayTimeout, codeUpstreamTimeout
		own.message += ": " + late.Error()
	}
	return s.failed(c, 0, 0, &reply{own: own}, err)
}
