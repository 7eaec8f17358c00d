package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestWhatIsWrongIsOneLineThatSaysWhatToDo(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "kubeconfig")
	t.Setenv("KUBECONFIG", nowhere)
	t.Setenv("HOME", t.TempDir())
	for name, c := range map[string]struct {
		args []string
		want []string // parts of the line
	}{
		"unknown command":      {[]string{"operate"}, []string{`unknown command "operate"`}},
		"unknown flag":         {[]string{"operator", "--lissten=:1"}, []string{"unknown flag: --lissten", "switchgear operator --help lists the flags"}},
		"malformed duration":   {[]string{"operator", "--grace-period=soon"}, []string{"--grace-period", "soon", "--help"}},
		"an argument":          {[]string{"operator", "now"}, []string{`"now"`}},
		"unreadable config":    {[]string{"operator", "--kubeconfig", nowhere}, []string{"reading the kubeconfig", nowhere, "point --kubeconfig or KUBECONFIG at a file that can be read"}},
		"no config":            {[]string{"operator", "--kubeconfig="}, []string{"there is no kubeconfig", "point --kubeconfig or KUBECONFIG at a file"}},
		"run, unknown flag":    {[]string{"run", "--lissten=:1"}, []string{"unknown flag: --lissten", "switchgear run --help lists the flags"}},
		"unknown level":        {[]string{"operator", "--log-level=loud"}, []string{`--log-level "loud"`, "debug, info, warn or error"}},
		"unknown format":       {[]string{"operator", "--log-format=xml"}, []string{`--log-format "xml"`, "text or json"}},
		"malformed network":    {[]string{"operator", "--allow-backend-cidr=10.0.0.1"}, []string{`--allow-backend-cidr "10.0.0.1"`, "10.0.0.0/8"}},
		"malformed namespace":  {[]string{"operator", "--namespace=Team"}, []string{`--namespace "Team"`, "lower case"}},
		"namespaces in one":    {[]string{"operator", "--namespace=a,b"}, []string{`--namespace "a,b"`}},
		"default not served":   {[]string{"operator", "--namespace=a", "--default-namespace=b"}, []string{`--default-namespace "b"`, "--namespace"}},
		"half a certificate":   {[]string{"operator", "--tls-cert-file=x"}, []string{"--tls-cert-file and --tls-key-file belong together"}},
		"no body":              {[]string{"operator", "--max-body-bytes=0"}, []string{"--max-body-bytes 0", "above 0"}},
		"unknown access log":   {[]string{"operator", "--access-log=some"}, []string{`--access-log "some"`, "off, all, or a number"}},
		"no lines a second":    {[]string{"run", "-f", ".", "--access-log=0"}, []string{`--access-log "0"`, "off, all, or a number"}},
		"negative delay":       {[]string{"operator", "--shutdown-delay=-1s"}, []string{"--shutdown-delay -1s", "0 or more"}},
		"a name that is none":  {[]string{"operator", "--replica-name=Not_a_name"}, []string{"--replica-name", "Not_a_name", "lower case"}},
		"negative grace":       {[]string{"operator", "--grace-period=-1s"}, []string{"--grace-period -1s", "0 or more"}},
		"admin without a port": {[]string{"operator", "--kubeconfig", kubeconfig(t), "--admin-listen=localhost"}, []string{`--admin-listen "localhost"`, "host:port", "0 for none"}},
		"admin port taken":     {[]string{"operator", "--kubeconfig", kubeconfig(t), "--admin-listen=" + taken(t)}, []string{"--admin-listen", "address already in use", "another address"}},
		"debug for everybody":  {[]string{"operator", "--debug-listen=0.0.0.0:6060"}, []string{`--debug-listen "0.0.0.0:6060"`, "loopback"}},
		"debug without a port": {[]string{"operator", "--debug-listen=localhost"}, []string{`--debug-listen "localhost"`, "host:port"}},
		"debug on all":         {[]string{"operator", "--debug-listen=:6060"}, []string{`--debug-listen ":6060"`, "loopback"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(c.args, &stdout, &stderr); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "switchgear: ") || stdout.Len() > 0 {
				t.Errorf("stderr is %q, stdout %q; want one line on stderr", line, stdout.String())
			}
			for _, part := range c.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not say %q", line, part)
				}
			}
		})
	}
}

// kubeconfig writes one that can be read and leads nowhere.
func kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	const text = `{"apiVersion":"v1","kind":"Config","current-context":"c",
		"contexts":[{"name":"c","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// taken is an address that somebody listens on.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
			t.Errorf("%v: exit code %d, stderr %q", args, code, stderr.String())
		}
		if line := stdout.String(); !regexp.MustCompile(`^switchgear \S+ \(revision \S+, go\S+\)\n$`).MatchString(line) {
			t.Errorf("%v prints %q", args, line)
		}
	}
}

func TestHelpNamesTheCommands(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(nil, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, command := range []string{"operator", "run", "validate", "get", "version"} {
		if !strings.Contains(stdout.String(), "\n  "+command+" ") {
			t.Errorf("the help does not name %s:\n%s", command, stdout.String())
		}
	}
}

func TestDebugListenerShowsTheConfiguration(t *testing.T) {
	server, err := newDebugServer("127.0.0.1:0", func() ([]byte, error) { return []byte(`{"Version":"v"}`), nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Start(ctx) }()
	for path, want := range map[string]string{"/debug/config": `{"Version":"v"}`, "/debug/pprof/cmdline": "test"} {
		response, err := http.Get("http://" + server.Listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s answers %d %q (%v)", path, response.StatusCode, body, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
