package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// listen follows what a process tells of its circuits, to the process's end, and
// looks at each step.
func (s *stage) listen(ctx context.Context, r *replica, p *process) {
	resp, err := get(ctx, p.AdminURL+"/events")
	if err != nil {
		s.record.violate("listening to %s: %v", r.name, err)
		return
	}
	s.running.Go(func() {
		defer resp.Body.Close()
		s.follow(r, resp)
		select {
		case <-ctx.Done():
		case <-p.ending:
		default:
			s.record.violate("%s tells no events any more, although it runs", r.name)
		}
	})
}

func (s *stage) follow(r *replica, resp *http.Response) {
	circuits, kind := chains{}, ""
	for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
		if after, found := strings.CutPrefix(scan.Text(), "event: "); found {
			kind = after
		}
		data, found := strings.CutPrefix(scan.Text(), "data: ")
		if !found || kind == "refusal" {
			continue
		}
		if kind == "missed" {
			circuits = chains{} // where they are is not known any more
			continue
		}
		var e struct {
			step
			Policy  string `json:"policy"`
			Circuit string `json:"circuit"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			s.record.violate("%s tells %q: %v", r.name, data, err)
			return
		}
		s.record.note("%s: %s %s: %s → %s (%s: %s)", r.name, e.Policy, e.Circuit, e.From, e.To, e.Reason, e.Message)
		if err := circuits.take(e.Policy+" "+e.Circuit, e.step); err != nil {
			s.record.violate("%s, %s %s: %v", r.name, e.Policy, e.Circuit, err)
		}
	}
}

// watch looks at all along what must hold at any moment, until the context ends.
func (s *stage) watch(ctx context.Context) {
	seen := map[string]int64{}
	for ctx.Err() == nil {
		s.pause(ctx, 250*time.Millisecond)
		s.lookAtStatus(ctx, seen)
		for _, r := range s.replicas {
			if r.inRotation() {
				s.lookAtBulkheads(ctx, r)
			}
		}
	}
}

// lookAtStatus: what status tells of a policy is legal too, and is never about an
// older spec than it was.
func (s *stage) lookAtStatus(ctx context.Context, seen map[string]int64) {
	var list v1alpha1.CircuitPolicyList
	if err := kube.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		if ctx.Err() == nil {
			s.record.violate("listing policies: %v", err)
		}
		return
	}
	for _, o := range list.Items {
		if t := o.Status.LastTransition; t != nil {
			if err := (step{t.From, t.To, t.Reason}).legal(); err != nil {
				s.record.violate("the status of %s: %v", o.Name, err)
			}
		}
		if o.Status.ObservedGeneration < seen[o.Name] {
			s.record.violate("the status of %s is about generation %d, after it was about %d", o.Name, o.Status.ObservedGeneration, seen[o.Name])
		}
		seen[o.Name] = o.Status.ObservedGeneration
	}
}

func (s *stage) lookAtBulkheads(ctx context.Context, r *replica) {
	values, err := scrape(ctx, r.now())
	if err != nil {
		return // it may just have been killed; that it answers is looked at elsewhere
	}
	for series, n := range values {
		if strings.HasPrefix(series, "switchgear_bulkhead_running{") && strings.Contains(series, `policy="default"`) && n > maxConcurrent {
			s.record.violate("%s: %s is %v, and never may be above %d", r.name, series, n, maxConcurrent)
		}
	}
}

func get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return resp, nil
}
