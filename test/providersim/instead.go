package providersim

import (
	"net"
	"net/http"
)

// instead does what the fault puts in the place of an answer; done says that
// there is nothing left to do.
func (x *exchange) instead() (done bool, err error) {
	f := x.fault
	switch f.Kind {
	case Close:
		return true, errAbort
	case Reset:
		if f.AfterTokens == 0 {
			return true, x.reset()
		}
	case Hang:
		return true, x.waitFor(nil, nil, nil)
	case Hold:
		if f.AfterTokens == 0 {
			return false, x.waitFor(nil, x.switched, nil)
		}
	case Status:
		return true, x.answerStatus(f.Status)
	case Redirect:
		x.w.Header().Set("Location", f.Location)
		return true, x.canned(orDefault(f.Status, http.StatusFound), "text/html", "<html><body>Moved.</body></html>\n")
	case NotJSON:
		return true, x.canned(http.StatusOK, "text/html", "<html><body><h1>Welcome to "+x.sim.options.Name+"</h1></body></html>\n")
	case ErrorBody:
		return true, x.answerError(http.StatusOK)
	case ErrorEvent:
		if !x.stream {
			return true, x.answerError(http.StatusOK)
		}
	}
	return false, nil
}

// answerStatus answers an error body, or the fault's own.
func (x *exchange) answerStatus(status int) error {
	if x.fault.RetryAfter != "" {
		x.w.Header().Set("Retry-After", x.fault.RetryAfter)
	}
	return x.answerError(status)
}

// answerError answers the fault's error in the dialect. An error inside a 200
// reads like a 500's, or in Anthropic's dialect a 529's.
func (x *exchange) answerError(status int) error {
	e := x.problem(status)
	return x.canned(status, "application/json", string(e.body()))
}

// canned answers with this body, unless the fault has one.
func (x *exchange) canned(status int, contentType, body string) error {
	if x.fault.Body != "" {
		body = x.fault.Body
	}
	if x.fault.ContentType != "" {
		contentType = x.fault.ContentType
	}
	return x.writeBody(status, contentType, []byte(body))
}

// answerEarly answers before reading the body. HTTP/1 servers otherwise read
// some of it first.
func (x *exchange) answerEarly() error {
	if err := x.wait(x.sim.options.Latency+x.fault.HeaderDelay, nil); err != nil {
		return err
	}
	// HTTP/2 is full duplex anyway and answers that it is not supported.
	_ = x.control.EnableFullDuplex()
	if err := x.answerStatus(orDefault(x.fault.Status, http.StatusServiceUnavailable)); err != nil {
		return err
	}
	return x.flush()
}

type connKey struct{}

// reset makes the kernel answer with an RST instead of a FIN. Where the
// connection cannot be had it is merely closed.
func (x *exchange) reset() error {
	conn, ok := x.r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return errAbort
	}
	for {
		wrapped, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = wrapped.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // It fails only if the client has gone already.
	}
	_ = conn.Close()
	return errAbort
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
