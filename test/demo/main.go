// Command demo shows Switchgear at work: a real API server, two replicas of the
// operator as its own ServiceAccount, two simulated providers, the samples, and
// clients. It breaks a provider and heals it; all else that is seen happens by
// itself.
//
// `make demo` runs it. With --once it ends after the story, with exit code 0 only
// if every step was really seen.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

func main() {
	once := flag.Bool("once", false, "end after the story")
	bin := flag.String("bin", "bin", "directory with the built switchgear and providersim")
	flag.Parse()
	os.Exit(run(*bin, *once))
}

func run(bin string, once bool) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	say := newNarrator(os.Stdout)
	s, err := setStage(ctx, say, bin)
	defer func() {
		say.line("Stopping.")
		if err := s.strike(); err != nil {
			say.line("Stopping: %v", err)
		}
	}()
	if err == nil {
		err = tell(ctx, say, s)
	}
	if err == nil && !once {
		playOn(ctx, say, s)
		return 0
	}
	if ctx.Err() != nil {
		return 130 // by convention, interrupted
	}
	if err != nil {
		say.line("FAILED: %v", err)
		say.block(s.logTail())
		return 1
	}
	say.line("Every step was seen.")
	return 0
}

// playOn leaves everything running until the user has had enough.
func playOn(ctx context.Context, say *narrator, s *stage) {
	s.clients.pace(500 * time.Millisecond)
	say.line("Everything stays up, with a client that asks twice a second. Play on in another terminal:")
	say.block(fmt.Sprintf(`export KUBECONFIG=%[1]s
export PATH=%[2]s:$PATH

kubectl -n %[3]s get circuitpolicies -o wide -w
kubectl -n %[6]s get gatewayreplicas -w
kubectl -n %[3]s edit circuitpolicy default
kubectl -n %[3]s annotate circuitpolicies --all switchgear.dev/reset-requested-at="$(date)"

curl -i %[4]s/ns/%[3]s/v1/chat/completions -d '{"model": "azure/gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'

curl -X PUT %[5]s/_sim/fault -d '{"status": 429, "retryAfter": "20"}'    # break sweden
curl -X PUT %[5]s/_sim/fault -d '{"kind": "cut", "afterTokens": 3}'      # in another way
curl -X DELETE %[5]s/_sim/fault                                          # heal it`,
		s.cluster.Kubeconfig, s.kubectlDir(), namespace, s.operator.GatewayURL, s.sweden.url, testenv.OperatorNamespace))
	say.line("Ctrl-C ends all of it and leaves nothing behind.")
	select {
	case <-ctx.Done():
	case <-s.operator.Done():
		say.line("The operator has ended by itself:")
		say.block(s.logTail())
	}
}
