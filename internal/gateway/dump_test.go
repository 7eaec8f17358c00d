package gateway_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestTheDump shows the live configuration, and no credential.
func TestTheDump(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{TLS: true})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), ownKey)...)
	dump, err := r.gw.DumpConfig()
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Version string
		Routes  []struct {
			Name     string
			Backends []struct{ Name, AuthHeader string }
		}
	}
	if err := json.Unmarshal(dump, &shown); err != nil {
		t.Fatalf("%v: %s", err, dump)
	}
	if shown.Version != "test" || len(shown.Routes) != 3 || shown.Routes[0].Name != "gpt" || shown.Routes[0].Backends[0].AuthHeader != "Authorization" {
		t.Errorf("the dump is %s", dump)
	}
	if strings.Contains(string(dump), "sk-own") {
		t.Errorf("the dump has the credential: %s", dump)
	}
	r.apply()
	if dump, err = r.gw.DumpConfig(); err != nil || strings.Contains(string(dump), "gpt") {
		t.Errorf("the dump of nothing is %s, %v", dump, err)
	}
}

// TestTheLogTellsNoSecret: neither credentials nor what is said to a model and by
// it, at any level.
func TestTheLogTellsNoSecret(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	log := &journal{}
	p := newPolicy(t, func(p *gateway.Policy) { p.Circuit.FailureThreshold = 1 })
	r := newRig(t, func(o *gateway.Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, doorRoutes(t, sim.URL, p, ownKey)...)
	for _, f := range []providersim.Fault{{}, {Status: 400, Message: "the completion"}, {Kind: providersim.ErrorBody, Message: "the completion"}, {Status: 401}} {
		sim.SetFault(f)
		for _, e := range modelDoors {
			e.body = strings.Replace(e.body, `"Hi"`, `"the prompt"`, 1)
			r.post(e, clientCredentials...)
		}
	}
	for _, text := range []string{"sk-own", "sk-client", "session=client", "the prompt", "the completion", sim.Answer()} {
		if log.count(text) != 0 {
			t.Errorf("the log tells %q", text)
		}
	}
	for _, text := range []string{"Attempt did not succeed", "Circuit changed state"} {
		if log.count(text) == 0 {
			t.Errorf("the log does not tell %q", text)
		}
	}
}
