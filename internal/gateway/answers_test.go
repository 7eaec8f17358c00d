package gateway_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAnswersThatMakeNoSense never reach the client.
func TestAnswersThatMakeNoSense(t *testing.T) {
	type fault = providersim.Fault
	body := func(text string) fault { return fault{Status: 200, Body: text} }
	for _, tc := range []struct {
		name  string
		fault fault
	}{
		{"not JSON", fault{Kind: providersim.NotJSON}},
		{"JSON that is cut short", fault{Kind: providersim.Malformed}},
		{"nothing", fault{Kind: providersim.EmptyStream}},
		{"204", fault{Status: 204}},
		{"shorter than its length", fault{Kind: providersim.Cut}},
		{"reset on its way", fault{Kind: providersim.Reset, AfterTokens: 1}},
		{"gzip that nobody asked for", fault{Kind: providersim.Gzip}},
		{"an object of another kind", body(`{"object":"list"}`)},
		{"the right part of the wrong type", body(`{"choices":"","content":""}`)},
		{"an array", body(`[{"choices":[],"content":[]}]`)},
		{"two objects", body(`{"choices":[],"content":[]}{}`)},
		{"events that nobody asked for", fault{Status: 200, ContentType: "text/event-stream", Body: chunk("a") + chatFinish + chatDone}},
	} {
		checkClass(t, signCase{tc.name, modelDoors, tc.fault, "InvalidResponse", "Failure", 502, "upstream_unavailable"}, unchanged, noKey)
	}
}

// TestCallsThatBreak before the status line.
func TestCallsThatBreak(t *testing.T) {
	type fault = providersim.Fault
	hasty := func(p *gateway.Policy) { p.Timeouts.Attempt = shortly }
	for _, tc := range []signCase{
		{"reset", doors, fault{Kind: providersim.Reset}, "ConnectionError", "Failure", 502, "upstream_unavailable"},
		{"closed", doors, fault{Kind: providersim.Close}, "ConnectionError", "Failure", 502, "upstream_unavailable"},
		{"hanging", doors, fault{Kind: providersim.Hang}, "Timeout", "Failure", 504, "upstream_timeout"},
		{"a body that is late", modelDoors, fault{FirstTokenDelay: patiently}, "Timeout", "Failure", 504, "upstream_timeout"},
		{"a body that stalls", modelDoors, fault{Kind: providersim.Stall}, "Timeout", "Failure", 504, "upstream_timeout"},
	} {
		policy := unchanged
		if tc.class == "Timeout" {
			policy = hasty
		}
		checkClass(t, tc, policy, noKey)
	}
}

// TestAnswersOnAPathAreRelayed: they mean nothing to the gateway, and where one
// breaks off, so does the client's.
func TestAnswersOnAPathAreRelayed(t *testing.T) {
	type fault = providersim.Fault
	for _, tc := range []struct {
		name    string
		fault   fault
		broken  bool
		class   string
		outcome string
	}{
		{"not JSON", fault{Kind: providersim.NotJSON}, false, "Success", "Success"},
		{"gzip", fault{Kind: providersim.Gzip}, false, "Success", "Success"},
		{"nothing", fault{Kind: providersim.EmptyStream}, false, "Success", "Success"},
		{"204", fault{Status: 204}, false, "Success", "Success"},
		{"shorter than its length", fault{Kind: providersim.Cut}, true, "InvalidResponse", "Failure"},
		{"late", fault{FirstTokenDelay: patiently}, true, "Timeout", "Failure"},
		{"stalled", fault{Kind: providersim.Stall}, true, "Timeout", "Failure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(tc.fault)
			p := newPolicy(t, func(p *gateway.Policy) { p.Timeouts.Attempt = shortly })
			r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
			got := r.exchange(t.Context(), http.MethodPost, pathDoor.path, pathDoor.body)
			if (got.err != nil) != tc.broken {
				t.Errorf("status %d, error %v: want it broken off: %v", got.status, got.err, tc.broken)
			}
			if want := max(tc.fault.Status, http.StatusOK); !tc.broken && got.status != want {
				t.Errorf("status %d, want %d", got.status, want)
			}
			r.wantEnd(tc.class, tc.outcome)
		})
	}
}

// rawProvider answers each request with these bytes, after which it closes the
// connection if they do not keep it.
func rawProvider(t *testing.T, answer func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				read := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(read)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body) // a gateway that leaves is no error here
					answer(conn)
				}
			})
		}
	})
	return "http://" + l.Addr().String()
}

// TestAnswersOfNoHTTPServer are those that a well-behaved server cannot give.
func TestAnswersOfNoHTTPServer(t *testing.T) {
	write := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, text) } // the gateway may have left
	}
	for _, tc := range []struct {
		name   string
		answer func(net.Conn)
		class  string
	}{
		{"another protocol", write("SSH-2.0-OpenSSH_9.6\r\n"), "ConnectionError"},
		{"an endless header", func(conn net.Conn) {
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Endless: ")
			for err == nil {
				_, err = io.WriteString(conn, block(32<<10))
			}
		}, "ConnectionError"},
		{"endless headers", func(conn net.Conn) {
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for i := 0; err == nil; i++ {
				_, err = fmt.Fprintf(conn, "X-%d: %s\r\n", i, block(1<<10))
			}
		}, "ConnectionError"},
		{"a protocol that nobody asked for", write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), "InvalidResponse"},
		{"two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "ConnectionError"},
		{"a chunk of nonsense", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"), "InvalidResponse"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, doorRoutes(t, rawProvider(t, tc.answer), newPolicy(t))...)
			r.post(chatDoor).wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
			r.wantEnd(tc.class, "Failure")
		})
	}
}

// TestABodyLongerThanItsLength: what was announced is the answer, and what
// follows is never taken for the next one.
func TestABodyLongerThanItsLength(t *testing.T) {
	const answer = `{"choices":[],"content":[]}`
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, doorRoutes(t, rawProvider(t, func(conn net.Conn) {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", len(answer), answer)
			}), newPolicy(t))...)
			for range 3 {
				if got := r.post(e); got.status != http.StatusOK || got.body != answer {
					t.Fatalf("status %d (%v): %s", got.status, got.err, got.body)
				}
			}
			r.wantEnds(map[string]int{"Success": 3}, map[string]int{"Success": 3})
		})
	}
}

// TestAnswersTooLargeToBeHeld are passed on as they come, unchecked.
func TestAnswersTooLargeToBeHeld(t *testing.T) {
	const held, small = 16 << 20, 200 << 10
	for _, tc := range []struct {
		name      string
		size      int
		budget    int64 // 0: ample
		status    int
		announced bool
		cut       bool
		class     string
		outcome   string
	}{
		{"more than 16 MiB, announced", held + 1, 0, 200, true, false, "Success", "Success"},
		{"more than 16 MiB, not announced", held + 1, 0, 200, false, false, "Success", "Success"},
		{"more than the budget", small, small / 2, 200, true, false, "Success", "Success"},
		{"an error", small, small / 2, 500, false, false, "ServerError", "Failure"},
		{"cut on its way", small, small / 2, 200, true, true, "InvalidResponse", "Failure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer := block(tc.size)
			provider := script(t, func(s scripted) {
				if tc.announced {
					s.w.Header().Set("Content-Length", strconv.Itoa(tc.size))
				}
				s.w.WriteHeader(tc.status)
				if tc.cut {
					s.send(answer[1:])
					panic(http.ErrAbortHandler)
				}
				s.send(answer)
			})
			r := newRig(t, func(o *gateway.Options) { o.MaxBufferedBytes = tc.budget }, doorRoutes(t, provider, newPolicy(t))...)
			a := r.open(chatDoor.path, chatDoor.body)
			want, got := sha256.New(), sha256.New()
			_, _ = io.WriteString(want, answer) // a hash never fails
			_, err := io.Copy(got, a.reader)
			if a.resp.StatusCode != tc.status || (err != nil) != tc.cut {
				t.Errorf("status %d, error %v", a.resp.StatusCode, err)
			}
			if !tc.cut && !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Error("the client got another answer than the provider's")
			}
			r.wantEnd(tc.class, tc.outcome)
		})
	}
}

// TestALargeErrorOfTheOwnCredentialIsNotTold however much of it there is.
func TestALargeErrorOfTheOwnCredentialIsNotTold(t *testing.T) {
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			provider := script(t, func(s scripted) {
				s.w.Header().Set("Content-Length", strconv.Itoa(17<<20))
				s.w.WriteHeader(http.StatusUnauthorized)
				s.send("key sk-own of org-7" + block(64<<10))
				s.hang()
			})
			r := newRig(t, nil, doorRoutes(t, provider, newPolicy(t), ownKey)...)
			got := r.post(e)
			got.wantOwn(t, e, http.StatusBadGateway, "upstream_credential_rejected")
			if strings.Contains(got.body, "org-7") {
				t.Errorf("the client is told %.200s", got.body)
			}
			r.wantEnd("CredentialRejected", "Failure")
		})
	}
}

// TestAnAnswerBeforeTheBodyIsRead is the answer, whatever is left of the body.
func TestAnAnswerBeforeTheBodyIsRead(t *testing.T) {
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Kind: providersim.EarlyAnswer, Status: http.StatusServiceUnavailable, Message: "too busy to read"})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			got := r.post(padded(e, 8<<20))
			if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "too busy to read") {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			r.wantEnd("ServerError", "Failure")
		})
	}
}
