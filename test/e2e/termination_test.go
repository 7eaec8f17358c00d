package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// leaseHolder is the replica that leads; empty: none does.
func leaseHolder(t *testing.T) string {
	t.Helper()
	lease := &coordinationv1.Lease{}
	key := client.ObjectKey{Namespace: testenv.OperatorNamespace, Name: "switchgear-leader"}
	if err := admin.Get(t.Context(), key, lease); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// TestTermination: SIGTERM gives the lease back, turns readiness red and closes
// the listener, and a stream that runs comes to its end.
func TestTermination(t *testing.T) {
	op := startOperator(t, testenv.OperatorOptions{})
	p := newPlace(t, op)
	sim := providersim.Start(t, providersim.Options{Name: "slow"})
	p.apply(route("chat", "gpt-4o", backend("slow", sim)))
	p.waitReady("route/chat")
	if leaseHolder(t) == "" {
		t.Fatal("nobody leads, although status was written")
	}
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	resp, err := httpClient.Do(p.request("gpt-4o", true))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	first, err := stream.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "data: ") {
		t.Fatalf("the stream begins with %q (%v)", first, err)
	}

	if err := op.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the listener is closed", func() error {
		conn, err := net.Dial("tcp", strings.TrimPrefix(op.GatewayURL, "http://"))
		if err != nil {
			return nil //nolint:nilerr // refused is what is waited for
		}
		_ = conn.Close()
		return fmt.Errorf("it takes connections")
	})
	if holder := leaseHolder(t); holder != "" {
		t.Errorf("the listener is closed, and %s still holds the lease: it goes first", holder)
	}
	ready, err := fetch(t, op.ProbesURL+"/readyz")
	if err != nil || ready.status != 500 || !strings.Contains(ready.body, "[-]not-terminating") {
		t.Errorf("readiness is %v %q (%v), want it red", ready, ready.body, err)
	}
	select {
	case <-op.Done():
		t.Fatalf("the process has ended with a stream running:\n%s", op.log.Tail())
	default:
	}

	sim.Heal()
	rest, err := io.ReadAll(stream)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") || strings.Contains(string(rest), "error") {
		t.Errorf("the stream ends with %q (%v), want it whole", rest, err)
	}
	select {
	case <-op.Done():
	case <-time.After(patience):
		t.Fatal("the process goes on although nothing runs on it any more")
	}
	if err := op.Stop(t.Context()); err != nil {
		t.Errorf("the exit code is not 0: %v", err)
	}
}
