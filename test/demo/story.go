package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

const (
	// patience is how long any one thing may take to be seen.
	patience = 60 * time.Second
	// enough answers to be sure of where they come from.
	enough = 20
)

// tell plays the story. It returns an error for the first step that does not
// come to pass.
func tell(ctx context.Context, say *narrator, s *stage) error {
	for _, step := range []func(context.Context, *narrator, *stage) error{
		apply, ask, breakSweden, healSweden, closeAgain, showEvents,
	} {
		if err := step(ctx, say, s); err != nil {
			return err
		}
	}
	return nil
}

func apply(ctx context.Context, say *narrator, s *stage) error {
	say.line("Applying the providers' keys and config/samples in namespace %s, with the simulated providers' URLs.", namespace)
	if _, err := s.cluster.Kubectl(ctx, "create", "namespace", namespace); err != nil {
		return err
	}
	for _, key := range []struct{ secret, key, value string }{
		{"azure-openai", "api-key", "key-of-sweden"},
		{"openai", "api-key", "key-of-sweden"},
		{"anthropic", "api-key", "key-of-anthropic"},
		{"weather", "token", "none"},
	} {
		if err := s.createSecret(ctx, key.secret, key.key, key.value); err != nil {
			return err
		}
	}
	if err := s.applySamples(ctx); err != nil {
		return err
	}
	for _, kind := range []string{"circuitpolicies", "providerroutes"} {
		if _, err := s.kubectl(ctx, "wait", kind, "--all", "--for=condition=Ready", "--timeout="+patience.String()); err != nil {
			return err
		}
	}
	if err := show(ctx, say, s); err != nil {
		return err
	}
	return showReplicas(ctx, say, s, "0")
}

// showReplicas shows what the replicas report, when so many circuits are open on
// the one that clients ask.
func showReplicas(ctx context.Context, say *narrator, s *stage, open string) error {
	in := []string{"-n", testenv.OperatorNamespace, "get", "gatewayreplicas"}
	err := eventually(ctx, "the replica's report", func() (bool, error) {
		got, err := s.cluster.Kubectl(ctx, append(in, s.operator.Pod, "-o=jsonpath={.status.openCircuits}")...)
		return got == open, err
	})
	if err != nil {
		return err
	}
	say.line("kubectl %s", strings.Join(in, " "))
	out, err := s.cluster.Kubectl(ctx, in...)
	say.block(out)
	return err
}

func ask(ctx context.Context, say *narrator, s *stage) error {
	say.line("A client asks for azure/gpt-4o ten times a second, whole and streamed in turn: an unmodified OpenAI client would do it so.")
	s.clients = startClients(ctx, s.operator.GatewayURL+"/ns/"+namespace+"/v1/chat/completions")
	s.clients.pace(100 * time.Millisecond)
	return s.answers(ctx, say, outcome{"sweden", 200, ""})
}

func breakSweden(ctx context.Context, say *narrator, s *stage) error {
	say.line("Sweden breaks: from now on it answers 503.")
	s.clients.forget()
	broken := time.Now()
	if err := s.sweden.breakDown(ctx, `{"status": 503}`); err != nil {
		return err
	}
	if err := s.state(ctx, "Open"); err != nil {
		return err
	}
	seen := s.clients.tally()
	for o := range seen {
		if o.status != http.StatusOK {
			return fmt.Errorf("a client was told of the outage: %s", describe(seen))
		}
	}
	say.line("The circuit is open, %.1f s later. Meanwhile its client got: %s. Sweden was asked again, then anthropic.",
		time.Since(broken).Seconds(), describe(seen))
	if err := show(ctx, say, s); err != nil {
		return err
	}
	if err := showReplicas(ctx, say, s, "1"); err != nil {
		return err
	}
	say.line("Nothing is sent to sweden now; the route goes on with anthropic.")
	if err := s.answers(ctx, say, outcome{"anthropic", 200, ""}); err != nil {
		return err
	}
	return showTranslation(ctx, say, s)
}

// showTranslation shows one exchange from both sides.
func showTranslation(ctx context.Context, say *narrator, s *stage) error {
	say.line("Its client speaks OpenAI's dialect still. The last that anthropic was asked, and the client got:")
	asked, err := s.anthropic.lastRequest(ctx)
	if err != nil {
		return err
	}
	if asked.Path != "/v1/messages" {
		return fmt.Errorf("anthropic was asked at %s", asked.Path)
	}
	say.block("POST " + asked.Path + "\n" + asked.Body)
	say.block(s.clients.lastWhole())
	return nil
}

func healSweden(ctx context.Context, say *narrator, s *stage) error {
	say.line("Sweden heals. The client pauses, so that the half-open circuit can be seen waiting for a probe.")
	s.clients.pace(0)
	if err := s.sweden.heal(ctx); err != nil {
		return err
	}
	if err := s.state(ctx, "HalfOpen"); err != nil {
		return err
	}
	return show(ctx, say, s)
}

func closeAgain(ctx context.Context, say *narrator, s *stage) error {
	say.line("The client goes on: its next calls are the probes.")
	s.clients.pace(100 * time.Millisecond)
	if err := s.state(ctx, "Closed"); err != nil {
		return err
	}
	say.line("The circuit is closed.")
	if err := show(ctx, say, s); err != nil {
		return err
	}
	return s.answers(ctx, say, outcome{"sweden", 200, ""})
}

func showEvents(ctx context.Context, say *narrator, s *stage) error {
	say.line("kubectl get events")
	want := []string{"CircuitOpened", "CircuitHalfOpen", "CircuitClosed"}
	var out string
	err := eventually(ctx, "the Events of all three transitions", func() (bool, error) {
		var err error
		out, err = s.kubectl(ctx, "get", "events", "--sort-by=.metadata.creationTimestamp",
			"-o=custom-columns=TYPE:.type,REASON:.reason,OBJECT:.involvedObject.name,MESSAGE:.message")
		for _, reason := range want {
			if !strings.Contains(out, reason) {
				return false, err
			}
		}
		return true, err
	})
	say.block(out)
	return err
}

// show prints the two tables that are the dashboard.
func show(ctx context.Context, say *narrator, s *stage) error {
	say.line("kubectl get circuitpolicies,providerroutes")
	out, err := s.kubectl(ctx, "get", "circuitpolicies,providerroutes")
	say.block(out)
	return err
}

// state waits until kubectl shows the default policy in a state.
func (s *stage) state(ctx context.Context, want string) error {
	return eventually(ctx, "the state "+want, func() (bool, error) {
		got, err := s.kubectl(ctx, "get", "circuitpolicy", "default", "-o=jsonpath={.status.state}")
		return got == want, err
	})
}

// answers waits until the clients got nothing but this, often enough.
func (s *stage) answers(ctx context.Context, say *narrator, want outcome) error {
	s.clients.forget()
	err := eventually(ctx, fmt.Sprintf("%d answers %s", enough, want), func() (bool, error) {
		seen := s.clients.tally()
		if len(seen) > 1 {
			return false, fmt.Errorf("the client got %s", describe(seen))
		}
		return seen[want] >= enough, nil
	})
	say.line("The client got: %s.", describe(s.clients.tally()))
	return err
}

// eventually polls until something is seen.
func eventually(ctx context.Context, what string, seen func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := seen()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
