package providersim

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tidwall/gjson"
)

// exchange is one request on its way through the sim. It belongs to the
// goroutine that serves the request; only cancel is called by others.
type exchange struct {
	sim     *Sim
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	cancel  context.CancelCauseFunc
	control *http.ResponseController
	entry   *entry
	target  endpoint

	body     []byte
	form     *form // nil: the body is none
	model    string
	stream   bool
	fault    Fault
	switched <-chan struct{}
}

// serve takes the request to its end. The error says why the connection must
// end with it; nil means that an answer was written.
func (x *exchange) serve() error {
	x.identify()
	if x.target.op == opUnknown {
		return x.fail(http.StatusNotFound, "Unknown request URL: "+x.r.Method+" "+x.r.URL.Path)
	}
	if x.target.method != "" && x.r.Method != x.target.method {
		x.w.Header().Set("Allow", x.target.method)
		return x.fail(http.StatusMethodNotAllowed, "Not allowed to "+x.r.Method+" on "+x.r.URL.Path)
	}
	if !x.sim.authorized(x.r) {
		return x.fail(http.StatusUnauthorized, "Incorrect API key provided.")
	}
	if f, ok := x.sim.faults.pickEarly(); ok {
		x.setFault(f)
		return x.answerEarly()
	}

	body, tooLarge, err := readBody(x.r)
	if err != nil {
		return x.cause(errLeft)
	}
	if tooLarge {
		return x.fail(http.StatusRequestEntityTooLarge, "Request too large.")
	}
	x.read(body)
	f, switched := x.sim.faults.pick(x.model, x.stream)
	x.switched = switched
	x.setFault(f)
	if err := x.wait(x.sim.options.Latency+f.HeaderDelay, nil); err != nil {
		return err
	}
	if done, err := x.instead(); done || err != nil {
		return err
	}
	return x.answer()
}

// read takes from the body what faults and the log go by.
func (x *exchange) read(body []byte) {
	x.body = body
	switch x.target.op {
	case opEcho:
		x.stream = x.r.URL.Query().Get("stream") == "true"
	case opModels:
	default:
		x.form = readForm(x.r.Header.Get("Content-Type"), body)
		x.model = x.field("model")
		if x.model == "" {
			x.model = x.target.deployment
		}
		x.stream = x.target.op.streams() && x.field("stream") == "true"
	}
	x.sim.log.update(func() {
		x.sim.log.keep(x.entry, body)
		x.entry.Model, x.entry.Stream = x.model, x.stream
	})
}

func (x *exchange) setFault(f Fault) {
	x.fault = f
	x.sim.log.decide(x.entry, f.label())
}

// answer writes the answer of a healthy provider, bent by the fault where the
// fault lies in the answer.
func (x *exchange) answer() error {
	if x.target.op == opFiles {
		return x.answerFiles()
	}
	c, problem := x.newCall()
	if problem != "" {
		return x.fail(http.StatusBadRequest, problem)
	}
	if x.stream {
		return x.writeStream(c.streamed())
	}
	return x.writeWhole(c.contentType(), c.whole())
}

// wait lets d pass. With an idle function, that is called every
// KeepAliveEvery meanwhile.
func (x *exchange) wait(d time.Duration, idle func() error) error {
	if d <= 0 {
		return x.cause(nil)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	return x.waitFor(timer.C, nil, idle)
}

// waitFor waits for a tick or a closed channel; nil channels mean forever.
func (x *exchange) waitFor(tick <-chan time.Time, closed <-chan struct{}, idle func() error) error {
	var beat <-chan time.Time
	if idle != nil && x.fault.KeepAlive != "" {
		ticker := time.NewTicker(x.fault.keepAliveEvery())
		defer ticker.Stop()
		beat = ticker.C
	}
	for {
		select {
		case <-tick:
			return nil
		case <-closed:
			return nil
		case <-x.ctx.Done():
			return x.cause(errLeft)
		case <-beat:
			if err := idle(); err != nil {
				return err
			}
		}
	}
}

// cause is why the exchange was cancelled, or otherwise where it was not. That
// net/http cancels a context without a cause means that the client left.
func (x *exchange) cause(otherwise error) error {
	err := context.Cause(x.ctx)
	switch {
	case err == nil:
		return otherwise
	case errors.Is(err, errClosed), errors.Is(err, errDropped):
		return err
	default:
		return errLeft
	}
}

// end writes the outcome into the log.
func (x *exchange) end(err error) {
	x.sim.log.end(x.entry, func() {
		x.entry.Finished = err == nil || errors.Is(err, errAbort)
		x.entry.ClientLeft = errors.Is(err, errLeft)
		if errors.Is(err, errDropped) {
			x.entry.Fault = "drop"
		}
	})
}

// validJSON tells whether the body is one JSON object.
func (x *exchange) validJSON() bool {
	return gjson.ValidBytes(x.body) && bytes.HasPrefix(bytes.TrimSpace(x.body), []byte("{"))
}
