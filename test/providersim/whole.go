package providersim

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
)

// writeWhole writes an unstreamed answer as its fault demands.
func (x *exchange) writeWhole(contentType string, body []byte) error {
	switch x.fault.Kind {
	case Malformed:
		body = body[:len(body)*2/3]
	case EmptyStream:
		body = nil
	case Gzip:
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(body) // Neither fails on a bytes.Buffer.
		_ = z.Close()
		body = zipped.Bytes()
		x.w.Header().Set("Content-Encoding", "gzip")
	}
	return x.writeBody(http.StatusOK, contentType, body)
}

// writeBody writes an answer with its length announced. The faults of the
// connection set in when half of it has been sent.
func (x *exchange) writeBody(status int, contentType string, body []byte) error {
	x.w.Header().Set("Content-Type", contentType)
	if status == http.StatusNoContent || x.r.Method == http.MethodHead {
		x.setHeader(status)
		return x.cause(nil)
	}
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if x.fault.FirstTokenDelay > 0 {
		if err := x.writeHeader(status); err != nil {
			return err
		}
		if err := x.wait(x.fault.FirstTokenDelay, nil); err != nil {
			return err
		}
	} else {
		x.setHeader(status)
	}
	rest := body
	if x.breaksBody() {
		rest = body[len(body)/2:]
		if err := x.breakBody(body[:len(body)/2]); err != nil {
			return err
		}
	}
	if _, err := x.w.Write(rest); err != nil {
		return x.cause(errLeft)
	}
	return nil
}

func (x *exchange) breaksBody() bool {
	switch x.fault.Kind {
	case Cut, Stall:
		return true
	case Reset, Hold:
		return x.fault.AfterTokens != 0
	default:
		return false
	}
}

func (x *exchange) breakBody(half []byte) error {
	if _, err := x.w.Write(half); err != nil {
		return x.cause(errLeft)
	}
	if err := x.flush(); err != nil {
		return err
	}
	switch x.fault.Kind {
	case Reset:
		return x.reset()
	case Stall:
		return x.waitFor(nil, nil, nil)
	case Hold:
		return x.waitFor(nil, x.switched, nil)
	default:
		return errAbort
	}
}
