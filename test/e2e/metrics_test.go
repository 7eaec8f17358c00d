package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/test/providersim"
)

// scrape GETs /metrics with a token; empty: without one. The listener may open
// a little after the process has become ready.
func (op *operator) scrape(t *testing.T, token string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, op.MetricsURL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	// The certificate is the operator's own make.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	var a answer
	eventually(t, "/metrics answers", func() error {
		a, err = sendWith(&http.Client{Timeout: 20 * time.Second, Transport: transport}, r)
		return err
	})
	return a
}

// token makes a ServiceAccount, with that ClusterRole if one is named, and
// returns a token of its.
func (p *place) token(name, role string) string {
	p.t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: p.ns, Name: name}}
	if err := admin.Create(p.t.Context(), sa); err != nil {
		p.t.Fatal(err)
	}
	if role != "" {
		if err := admin.Create(p.t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: p.ns + "-" + name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: p.ns, Name: name}},
		}); err != nil {
			p.t.Fatal(err)
		}
	}
	config, err := cluster.ServiceAccountConfig(p.t.Context(), p.ns, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return config.BearerToken
}

// TestMetricsAreForThoseWhoMay: the API server says who a scraper is and what
// it may.
func TestMetricsAreForThoseWhoMay(t *testing.T) {
	p := sharePlace(t)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"nobody":               {"", http.StatusUnauthorized},
		"an account":           {p.token("visitor", ""), http.StatusForbidden},
		"the installed reader": {p.token("prometheus", "switchgear-metrics-reader"), http.StatusOK},
	} {
		if got := p.op.scrape(t, c.token); got.status != c.want {
			t.Errorf("%s gets %d, want %d", name, got.status, c.want)
		} else if shown := strings.Contains(got.body, "switchgear_"); shown != (c.want == http.StatusOK) {
			t.Errorf("%s gets %d, and sees metrics: %t", name, got.status, shown)
		}
	}
	// A TokenReview that ends in an error is passed on as one.
	if got := p.op.scrape(t, "made-up"); got.status < http.StatusBadRequest || strings.Contains(got.body, "switchgear_") {
		t.Errorf("a made-up token gets %d %s", got.status, got.body)
	}
	plain := strings.Replace(p.op.MetricsURL, "https://", "http://", 1) + "/metrics"
	if got, err := fetch(t, plain); err == nil && got.status == http.StatusOK {
		t.Error("metrics are served without TLS")
	}
}

// TestMetricsTellTheStory drives one circuit and looks for it in every series.
func TestMetricsTellTheStory(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("default", stuck+", bulkhead: {}"), policy("unused", ""), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "policy/unused", "route/chat")
	p.wantAnswers(p.asks(2, "gpt-4o"), "200 only")
	sim.SetFault(providersim.Fault{Status: 500})
	p.wantAnswers(p.asks(1, "gpt-4o"), "500 only")
	p.wantAnswers(p.asks(3, "gpt-4o"), "503 circuit_open")

	raw := []byte(p.op.scrape(t, p.token("prometheus", "switchgear-metrics-reader")).body)
	families := parseMetrics(t, raw)
	circuit := fmt.Sprintf(`namespace=%s,policy=default,circuit=%s/gpt-4o`, p.ns, sim.URL)
	backend := fmt.Sprintf(`namespace=%s,route=chat,backend=only`, p.ns)
	for series, want := range map[string]float64{
		"switchgear_requests_total{" + backend + ",class=Success}":                                 2,
		"switchgear_requests_total{" + backend + ",class=ServerError}":                             1,
		"switchgear_requests_total{" + backend + ",class=CircuitOpen}":                             3,
		"switchgear_attempt_duration_seconds{" + backend + "}":                                     3,
		"switchgear_tokens_total{" + backend + ",direction=output}":                                16,
		"gen_ai_client_token_usage{" + backend + "," + call(sim) + ",gen_ai_token_type=output}":    2,
		"gen_ai_client_operation_duration_seconds{" + backend + "," + call(sim) + ",error_type=}":  2,
		"switchgear_circuit_state{" + circuit + "}":                                                2,
		"switchgear_circuit_health_score{" + circuit + "}":                                         20,
		"switchgear_circuit_transitions_total{" + circuit + ",to=Open,reason=ConsecutiveFailures}": 1,
		"switchgear_circuit_refusals_total{" + circuit + ",reason=CircuitOpen}":                    3,
		"switchgear_bulkhead_running{" + circuit + "}":                                             0,
		"switchgear_bulkhead_queued{" + circuit + "}":                                              0,
		"switchgear_bulkhead_wait_seconds_total{" + circuit + "}":                                  0,
		"switchgear_config_last_apply_successful{}":                                                1,
		"switchgear_leader{}": 1,
	} {
		if got, found := value(families, series); !found || got != want {
			t.Errorf("%s is %v (there: %t), want %v", series, got, found, want)
		}
	}
	if at, _ := value(families, "switchgear_config_last_applied_timestamp_seconds{}"); time.Since(time.Unix(int64(at), 0)) > time.Hour {
		t.Errorf("the last configuration was applied at %v", at)
	}
	if n := len(families["switchgear_build_info"].GetMetric()); n != 1 {
		t.Errorf("there are %d series of switchgear_build_info, want 1", n)
	}
	if strings.Contains(string(raw), `policy="unused"`) {
		t.Error("there are series for a policy that no call has used")
	}
	wellFormed(t, raw, families)
}

// call are the labels that OpenTelemetry's conventions have for the story's calls.
func call(sim *providersim.Server) string {
	host, port, _ := strings.Cut(strings.TrimPrefix(sim.URL, "http://"), ":")
	return "gen_ai_operation_name=chat,gen_ai_provider_name=openai,gen_ai_request_model=gpt-4o,server_address=" + host + ",server_port=" + port
}

// wellFormed is what `promtool check metrics` looks at, for our own series.
func wellFormed(t *testing.T, raw []byte, families map[string]*dto.MetricFamily) {
	t.Helper()
	problems, err := promlint.New(bytes.NewReader(raw)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "switchgear_") || strings.HasPrefix(p.Metric, "gen_ai_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for name, f := range families {
		if !strings.HasPrefix(name, "switchgear_") {
			continue
		}
		seen := map[string]bool{}
		for _, m := range f.GetMetric() {
			l := seriesOf(m)
			if seen[l] {
				t.Errorf("%s{%s} is there twice", name, l)
			}
			seen[l] = true
		}
	}
}

// value finds a series by its name and all of its labels, in whatever order. Of
// a histogram it is the count.
func value(families map[string]*dto.MetricFamily, series string) (float64, bool) {
	name, rest, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	want := slices.Sorted(strings.SplitSeq(rest, ","))
	for _, m := range families[name].GetMetric() {
		if strings.Join(want, ",") != seriesOf(m) {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.GetCounter().GetValue(), true
		case m.Gauge != nil:
			return m.GetGauge().GetValue(), true
		case m.Histogram != nil:
			return float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

// seriesOf are the labels of a series in one form.
func seriesOf(m *dto.Metric) string {
	var out []string
	for name, value := range labels(m) {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}
