package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"

	"github.com/switchgear/switchgear/test/testenv"
)

// operatorMetrics are an operator's metrics that have no labels, and the counts of
// its summaries.
func operatorMetrics(ctx context.Context, op *testenv.Operator) (map[string]float64, error) {
	url := "http" + strings.TrimPrefix(op.MetricsURL, "https") + "/metrics"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	families, err := parseMetrics(text)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 0 {
				out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
				out[name+"_count"] = float64(m.GetSummary().GetSampleCount())
			}
		}
	}
	return out, nil
}

func parseMetrics(text []byte) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// writes are how many there were, by what was written.
type writes map[string]float64

func (w writes) total() (sum float64) {
	for _, n := range w {
		sum += n
	}
	return sum
}

func (w writes) since(before writes) writes {
	out := writes{}
	for what, n := range w {
		out[what] = n - before[what]
	}
	return out
}

// statusWrites are the leader's.
func (w writes) statusWrites() float64 {
	return w["circuitpolicies/status"] + w["providerroutes/status"] + w["events/"]
}

// writes is what the API server has been asked to write so far, by its own count,
// whoever asked.
func (s *stage) writes(ctx context.Context) (writes, error) {
	c, err := kubernetes.NewForConfig(s.cluster.Config)
	if err != nil {
		return nil, err
	}
	text, err := c.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	// Of some megabytes, the one family.
	const name = "apiserver_request_total"
	var lines bytes.Buffer
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(name+"{")) {
			lines.Write(line)
		}
	}
	families, err := parseMetrics(lines.Bytes())
	if err != nil {
		return nil, err
	}
	out := writes{}
	for _, m := range families[name].GetMetric() {
		l := map[string]string{}
		for _, pair := range m.GetLabel() {
			l[pair.GetName()] = pair.GetValue()
		}
		if !slices.Contains([]string{"GET", "LIST", "WATCH", "CONNECT"}, l["verb"]) {
			out[l["resource"]+"/"+l["subresource"]] += m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the API server counts no writes in %s", name)
	}
	return out, nil
}

// quietFor is how long the leader must have written nothing to be at rest.
const quietFor = 4 * time.Second

// rest waits until the leader writes no status and no Event any more.
func (s *stage) rest(ctx context.Context) error {
	var last float64
	since := time.Now()
	_, err := s.until(ctx, "the leader to be at rest", func() (bool, error) {
		if err := pause(ctx, time.Second); err != nil {
			return false, err
		}
		w, err := s.writes(ctx)
		if err != nil {
			return false, err
		}
		if n := w.statusWrites(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) >= quietFor, nil
	})
	return err
}

// sampleEvery is how often writes are counted while something goes on.
const sampleEvery = 5 * time.Second

// counted is what was written while something went on.
type counted struct {
	writes
	took time.Duration
	most float64 // a second, in the worst sample
}

// counting counts what is written while something is done. It goes on for a whole
// number of samples.
func (s *stage) counting(ctx context.Context, do func(context.Context) error) (out counted, err error) {
	first, err := s.writes(ctx)
	if err != nil {
		return out, err
	}
	begun, last, lastAt := time.Now(), first, time.Now()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for ended := false; !ended; {
		sample := time.After(sampleEvery)
		select {
		case err = <-done:
			done, ended = nil, true
			<-sample
		case <-sample:
		}
		now, countErr := s.writes(ctx)
		if countErr != nil {
			return out, countErr
		}
		out.most = max(out.most, now.since(last).total()/time.Since(lastAt).Seconds())
		last, lastAt = now, time.Now()
	}
	out.writes, out.took = last.since(first), time.Since(begun)
	return out, err
}

func writesTable() *table {
	return newTable("Writes to the API server, by its own count, a second",
		"while", "for", "all", fmt.Sprintf("most within %s", sampleEvery), "policies' status", "routes' status", "Events", "reports of replicas", "leases")
}

func (c counted) tell(t *table, while string) {
	a := func(what string) string { return fmt.Sprintf("%.2f", c.writes[what]/c.took.Seconds()) }
	t.row(while, c.took.Round(time.Second).String(), fmt.Sprintf("%.2f", c.total()/c.took.Seconds()), fmt.Sprintf("%.2f", c.most),
		a("circuitpolicies/status"), a("providerroutes/status"), a("events/"), a("gatewayreplicas/"), a("leases/"))
}
