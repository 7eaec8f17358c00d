package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProcessListensOnFourPorts: the gateway, the probes, the metrics, the admin
// listener, and nothing that nobody has asked for.
func TestProcessListensOnFourPorts(t *testing.T) {
	op := sharePlace(t).op
	var want []string
	for _, u := range []string{op.GatewayURL, op.ProbesURL, op.MetricsURL, op.AdminURL} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, parsed.Port())
	}
	slices.Sort(want)
	eventually(t, "the process listens on these ports", func() error {
		if diff := cmp.Diff(want, listeningPorts(t, op.PID)); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
}

// listeningPorts finds a process's listening sockets among those of its network
// namespace.
func listeningPorts(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	descriptors, err := filepath.Glob(dir + "/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, fd := range descriptors {
		if target, err := os.Readlink(fd); err == nil { // else it has been closed meanwhile
			sockets[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	var out []string
	for _, table := range []string{"/net/tcp", "/net/tcp6"} {
		b, err := os.ReadFile(dir + table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			// sl local_address rem_address st … inode; state 0A listens.
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !sockets[f[9]] {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strconv.FormatUint(port, 10))
		}
	}
	slices.Sort(out)
	return out
}
