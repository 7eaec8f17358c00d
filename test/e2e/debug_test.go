package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestDebugListener: it is off unless asked for, and shows the live
// configuration without what is secret in it. The operator here is a second
// replica, which does not lead, and serves all the same.
func TestDebugListener(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{Name: "openai", APIKey: "top-secret-key"})
	p.kubectl("create", "secret", "generic", "openai", "--from-literal=api-key=top-secret-key")
	p.kubectl("label", "secret", "openai", "switchgear.dev/credentials=true")
	p.apply(route("chat", "gpt-4o", backend("openai", sim, "credentials: {secretRef: {name: openai, key: api-key}}")))
	p.waitReady("route/chat")
	for _, url := range []string{p.op.GatewayURL, p.op.ProbesURL} {
		if got, err := fetch(t, url+"/debug/config"); err != nil || got.status != http.StatusNotFound {
			t.Errorf("%s/debug/config answers %v (%v)", url, got, err)
		}
	}

	address := freeAddress(t)
	second := &place{t: t, ns: p.ns, op: startOperator(t, testenv.OperatorOptions{Args: []string{"--debug-listen=" + address}})}
	second.wantAnswers(second.asks(1, "gpt-4o"), "200 openai")
	got, err := fetch(t, "http://"+address+"/debug/config")
	if err != nil || got.status != http.StatusOK || !gjson.Valid(got.body) {
		t.Fatalf("/debug/config answers %v (%v)", got, err)
	}
	dump := gjson.Parse(got.body).Get(`Routes.#(Namespace="` + p.ns + `")`)
	if dump.Get("Name").String() != "chat" || dump.Get("Backends.0.Credential.Key").String() != "(redacted)" {
		t.Errorf("the dump shows the route as %s", dump)
	}
	if strings.Contains(got.body, "top-secret-key") || strings.Contains(second.op.log.String(), "top-secret-key") {
		t.Error("the dump or the log shows the credential")
	}
	if got, err := fetch(t, "http://"+address+"/debug/pprof/goroutine?debug=1"); err != nil || !strings.HasPrefix(got.body, "goroutine profile:") {
		t.Errorf("/debug/pprof/goroutine answers %v (%v)", got, err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
