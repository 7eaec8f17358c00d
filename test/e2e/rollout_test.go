package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestRolloutLosesNothing replaces two replicas, one after the other, under
// steady traffic through a balancer: no request fails, no stream is cut.
func TestRolloutLosesNothing(t *testing.T) {
	const delay = 4 * lookEvery
	flag := "--shutdown-delay=" + delay.String()
	f := startReplicas(t, 2, flag)
	p := newPlace(t, f.leader())
	sim := providersim.Start(t, providersim.Options{Name: "well", Latency: 10 * time.Millisecond, TokenDelay: 100 * time.Millisecond, Tokens: 20})
	p.apply(policy("default", ""), route("chat", "gpt-4o", backend("well", sim)))
	p.waitReady("policy/default", "route/chat")
	for _, op := range f.ops {
		p.by(op).eventually("the route is live on "+op.Pod, func() error {
			a, err := send(p.by(op).request("gpt-4o", false))
			if err != nil {
				return err
			}
			return equal(a.status, 200)
		})
	}
	b := newBalancer(t, f.ops...)
	crowd := startCrowd(t, b.url()+"/ns/"+p.ns)
	crowd.more(8)
	for _, old := range append([]*operator(nil), f.ops...) {
		fresh := f.start(testenv.OperatorOptions{Args: []string{flag}})
		b.add(fresh)
		crowd.more(4)
		ctx, cancel := context.WithTimeout(t.Context(), stopTimeout)
		defer cancel()
		if err := old.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		f.drop(old)
		crowd.more(4)
	}
	crowd.stop()
	whole, streams := crowd.whole.Load(), crowd.streams.Load()
	t.Logf("%d answers and %d streams, through two rollouts", whole, streams)
}

// crowd is clients that ask on and on, half of them for streams, on connections
// that they keep.
type crowd struct {
	t              *testing.T
	cancel         context.CancelFunc
	running        sync.WaitGroup
	whole, streams atomic.Int64
}

func startCrowd(t *testing.T, url string) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{t: t, cancel: cancel}
	for i := range 8 {
		stream := i%2 == 0
		transport := &http.Transport{MaxIdleConns: 1}
		client := &http.Client{Transport: transport, Timeout: patience}
		c.running.Go(func() {
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				if err := c.ask(client, url, stream); err != nil {
					t.Errorf("a client lost its answer (streamed: %t): %v", stream, err)
					return
				}
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *crowd) stop() {
	c.cancel()
	c.running.Wait()
}

// more waits for so many more streams.
func (c *crowd) more(n int64) {
	c.t.Helper()
	before := c.streams.Load()
	eventually(c.t, fmt.Sprintf("%d more streams", n), func() error {
		if got := c.streams.Load() - before; got < n {
			return fmt.Errorf("there are %d", got)
		}
		return nil
	})
}

// ask is not ended with the crowd: what was begun must come to its end.
func (c *crowd) ask(client *http.Client, url string, stream bool) error {
	body := fmt.Sprintf(`{"model": "gpt-4o", "stream": %t, "messages": [{"role": "user", "content": "Hello"}]}`, stream)
	resp, err := client.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("after %q: %w", answer, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", resp.Status, answer)
	case stream && !strings.HasSuffix(string(answer), "data: [DONE]\n\n"):
		return fmt.Errorf("the stream ends with %q", answer)
	case stream:
		c.streams.Add(1)
	default:
		c.whole.Add(1)
	}
	return nil
}
