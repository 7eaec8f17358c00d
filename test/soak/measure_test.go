package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/admin"
)

// lookLimit is how long a look at a process may take.
const lookLimit = 20 * time.Second

// look GETs a URL whole.
func look(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	resp, err := get(ctx, url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", url, err)
	}
	return string(body), nil
}

// scrape reads a process's own metrics, by series.
func scrape(ctx context.Context, p *process) (map[string]float64, error) {
	text, err := look(ctx, p.metricsURL())
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		i := strings.LastIndexByte(lines.Text(), ' ')
		if !strings.HasPrefix(lines.Text(), "switchgear_") || i < 0 {
			continue
		}
		if out[lines.Text()[:i]], err = strconv.ParseFloat(lines.Text()[i+1:], 64); err != nil {
			return nil, fmt.Errorf("reading %q: %w", lines.Text(), err)
		}
	}
	return out, nil
}

// held says what a process holds although nobody asks; nil: nothing.
func held(ctx context.Context, p *process) error {
	values, err := scrape(ctx, p)
	if err != nil {
		return err
	}
	missing := map[string]bool{"switchgear_bulkhead_running": true, "switchgear_bulkhead_queued": true, "switchgear_buffered_bytes": true}
	names := maps.Clone(missing)
	for series, n := range values {
		name, _, _ := strings.Cut(series, "{")
		if names[name] && n != 0 {
			return fmt.Errorf("%s is %v", series, n)
		}
		delete(missing, name)
	}
	if len(missing) > 0 {
		return fmt.Errorf("there is no series of %v", slices.Sorted(maps.Keys(missing)))
	}
	return nil
}

// resting is what a process needs when nobody asks.
type resting struct {
	goroutines int
	heap       int // bytes that are in use after a collection
	stacks     string
}

var (
	goroutinesLine = regexp.MustCompile(`(?m)^goroutine profile: total (\d+)$`)
	heapLine       = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
)

// rest measures it.
func rest(ctx context.Context, p *process) (*resting, error) {
	heap, err := look(ctx, p.debug+"/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return nil, err
	}
	stacks, err := look(ctx, p.debug+"/debug/pprof/goroutine?debug=1")
	if err != nil {
		return nil, err
	}
	out := &resting{stacks: stacks}
	for line, into := range map[*regexp.Regexp]*int{goroutinesLine: &out.goroutines, heapLine: &out.heap} {
		found := line.FindStringSubmatch(stacks + heap)
		if found == nil {
			return nil, fmt.Errorf("no line is like %s", line)
		}
		if *into, err = strconv.Atoi(found[1]); err != nil {
			return nil, fmt.Errorf("reading %q: %w", found[0], err)
		}
	}
	return out, nil
}

const (
	// strayGoroutines come and go, such as those of a connection to the API server
	// and of the look itself.
	strayGoroutines = 25
	// strayBytes allow for caches and pools that fill.
	strayBytes = 16 << 20
)

// grown says what has grown since an earlier measurement; nil: nothing has.
func (now *resting) grown(since *resting) error {
	if now.goroutines > since.goroutines+strayGoroutines {
		return fmt.Errorf("there were %d goroutines, and now %d", since.goroutines, now.goroutines)
	}
	if now.heap > since.heap+strayBytes {
		return fmt.Errorf("there were %d bytes in use, and now %d", since.heap, now.heap)
	}
	return nil
}

// circuits are what a process says of the soak's policies, by name.
func circuits(ctx context.Context, p *process) (map[string]admin.CircuitItem, error) {
	text, err := look(ctx, p.AdminURL+"/circuits")
	if err != nil {
		return nil, err
	}
	var list admin.List[admin.CircuitItem]
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("reading the circuits: %w", err)
	}
	out := map[string]admin.CircuitItem{}
	for _, i := range list.Items {
		if i.Namespace == namespace {
			out[i.Name] = i
		}
	}
	return out, nil
}
