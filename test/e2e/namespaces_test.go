package e2e

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestSetOfNamespaces: with a Role in each of its namespaces, and no right in any
// other, the operator does there all that it does elsewhere. What the log of an
// operator must never say, which stop looks for, is that something was forbidden.
func TestSetOfNamespaces(t *testing.T) {
	clusterOfItsOwn(t)
	for _, ns := range []string{"team-a", "team-b", "outside"} {
		makeNamespace(t, metav1.ObjectMeta{Name: ns})
	}
	if err := cluster.InstallFrom(t.Context(), "namespaces"); err != nil {
		t.Fatal(err)
	}
	op := startOperator(t, testenv.OperatorOptions{Args: []string{"--namespace=team-a", "--namespace=team-b", "--default-namespace=team-a"}})
	sim := providersim.Start(t, providersim.Options{Name: "only", APIKey: "good"})
	places := map[string]*place{}
	for _, ns := range []string{"team-a", "team-b", "outside"} {
		p := &place{t: t, ns: ns, op: op}
		p.kubectl("create", "secret", "generic", "key", "--from-literal=key=good")
		p.kubectl("label", "secret", "key", v1alpha1.CredentialsLabel+"="+v1alpha1.CredentialsLabelValue)
		p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("only", sim, "credentials: {secretRef: {name: key, key: key}}")))
		places[ns] = p
	}
	a, b, outside := places["team-a"], places["team-b"], places["outside"]
	for _, p := range []*place{a, b} {
		p.waitReady("policy/default", "route/chat")
		p.wantAnswers(p.asks(1, "gpt-4o"), "200 only")
	}
	outside.wantAnswers(outside.asks(1, "gpt-4o"), "404 model_not_found")

	// An edit is seen, and what is missing is looked for past the cache.
	a.kubectl("create", "secret", "generic", "unlabelled", "--from-literal=key=good")
	a.apply(route("other", "gpt-5", backend("only", sim, "credentials: {secretRef: {name: unlabelled, key: key}}")))
	a.waitCondition("other", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotLabelled)
	a.kubectl("label", "secret", "unlabelled", v1alpha1.CredentialsLabel+"="+v1alpha1.CredentialsLabelValue)
	a.waitReady("route/other")

	sim.SetFault(providersim.Fault{Status: 503})
	a.ask("gpt-4o")
	a.waitState("default", v1alpha1.CircuitOpen)
	a.event("default", "CircuitOpened")
	if s := b.policy("default").Status.State; s != v1alpha1.CircuitClosed {
		t.Errorf("the circuit of team-b is %s: it is another", s)
	}
	if s := outside.policy("default").Status; s.ObservedGeneration != 0 || len(s.Conditions) > 0 {
		t.Errorf("the operator wrote a status outside its namespaces: %+v", s)
	}
	if replicas := getReplicas(t); replicas[op.Pod]["READY"] != "True" {
		t.Errorf("the replica's report: %v", replicas)
	}
	scraper := a.token("scraper", "switchgear-metrics-reader")
	if got := op.scrape(t, scraper); got.status != 200 || !strings.Contains(got.body, "switchgear_leader 1") {
		t.Errorf("the metrics answer %s", got)
	}
}
