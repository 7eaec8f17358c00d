package gateway_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"

	dto "github.com/prometheus/client_model/go"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// series are those of a histogram: its labels, those that are empty left out, and
// how often it was told what in all.
func (r *bubbleRig) series(metric string) []string {
	r.t.Helper()
	synctest.Wait()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != metric || f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, m := range f.GetMetric() {
			text := ""
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" {
					text += l.GetName() + "=" + l.GetValue() + " "
				}
			}
			out = append(out, fmt.Sprintf("%s%d×%v", text, m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()))
		}
	}
	slices.Sort(out)
	return out
}

// TestTheConventionsMetrics of each call of a provider, with names out of the
// configuration alone.
func TestTheConventionsMetrics(t *testing.T) {
	tune := func(s *streamSetup) {
		s.Retry.MaxAttempts = 1
		s.Backend = func(n int, b *gateway.Backend) {
			if n == 1 {
				b.Model = "up"
			}
		}
	}
	inBubble(t, tune, 2, func(r *bubbleRig) {
		snapshot := newStreamSetup(t, func(s *streamSetup) { balanced(s); tune(s) }).snapshot(t, []string{"http://b0", "http://b1"})
		snapshot.Routes[0].Matches[0].Pattern = "gpt*"
		r.gw.Apply(snapshot)
		r.fault(0, providersim.Fault{Status: 404, HeaderDelay: 2 * second})
		r.ask(asking{"", chatWhole.path, `{"model":"gpt-of-a-client","messages":[]}`})
		r.ask(asking{"", chatWhole.path, `{"model":"gpt-of-another","messages":[]}`})
		r.ask(pathGet)
		const (
			of    = "backend=%s gen_ai_operation_name=chat gen_ai_provider_name=openai gen_ai_request_model=%s "
			token = "gen_ai_token_type=%s namespace=default route=gpt server_address=%s server_port=80 2×%d"
		)
		input := 0
		for _, req := range r.sims[1].Requests()[:2] {
			input += 1 + len(req.Body)/4
		}
		for metric, want := range map[string][]string{
			"gen_ai_client_operation_duration_seconds": {
				"backend=b0 error_type=ModelUnavailable gen_ai_operation_name=chat gen_ai_provider_name=openai gen_ai_request_model=gpt* namespace=default route=gpt server_address=b0 server_port=80 2×4",
				"backend=b1 gen_ai_operation_name=chat gen_ai_provider_name=openai gen_ai_request_model=up namespace=default route=gpt server_address=b1 server_port=80 2×0",
			},
			"gen_ai_client_token_usage": {
				fmt.Sprintf(of+token, "b1", "up", "input", "b1", input),
				fmt.Sprintf(of+token, "b1", "up", "output", "b1", 16),
			},
		} {
			if d := cmp.Diff(want, r.series(metric)); d != "" {
				t.Errorf("%s: %s", metric, d)
			}
		}
		r.gw.Apply(&gateway.Snapshot{})
		for _, metric := range []string{"gen_ai_client_operation_duration_seconds", "gen_ai_client_token_usage"} {
			if got := r.series(metric); len(got) != 0 {
				t.Errorf("without the route there is %q", got)
			}
		}
	})
}

func TestProvidersAreKnownByTheirHosts(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.openai.com/v1":                               "openai api.openai.com 443",
		"https://x.openai.azure.com/openai/v1":                    "azure.ai.openai x.openai.azure.com 443",
		"https://evil-openai.azure.com.example":                   "openai evil-openai.azure.com.example 443",
		"https://bedrock-runtime.eu-west-1.amazonaws.com/openai":  "aws.bedrock bedrock-runtime.eu-west-1.amazonaws.com 443",
		"https://api.mistral.ai:8443/v1":                          "mistral_ai api.mistral.ai 8443",
		"http://vllm.models.svc/v1":                               "openai vllm.models.svc 80",
		"https://generativelanguage.googleapis.com/v1beta/openai": "gcp.gemini generativelanguage.googleapis.com 443",
		"http://[::1]:9101/v1":                                    "openai ::1 9101",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		provider, address, port := gateway.PeerOf(gateway.OpenAI, u)
		if got := fmt.Sprintf("%s %s %d", provider, address, port); got != want {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
	if provider, _, _ := gateway.PeerOf(gateway.Anthropic, &url.URL{Scheme: "https", Host: "api.anthropic.com"}); provider != "anthropic" {
		t.Errorf("Anthropic's is %s", provider)
	}
}
