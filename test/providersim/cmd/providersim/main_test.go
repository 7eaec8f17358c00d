package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asProgram, in the environment, makes the test binary be the program.
const asProgram = "PROVIDERSIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func TestProgramSaysWhereItListensAndEndsOnASignal(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := program(t, "--name", "openai-sim", "--tokens", "2", "--latency", "1ms")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
		if err != nil || !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Fatalf("first line %q, %v", line, err)
		}
		resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m"}`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Contains(body, []byte(`"openai-sim: word1"`)) {
			t.Errorf("got %s, %v", body, err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after %v: %v", signal, err)
		}
	}
}

func TestWrongFlagsAreOneLineAndExitCodeOne(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--nope"}, "providersim: flag provided but not defined: -nope; see --help\n"},
		{[]string{"--tokens", "0"}, "providersim: --tokens: want 1 or more, got 0\n"},
		{[]string{"--ca-file", "ca.pem"}, "providersim: --ca-file: there is no CA without --tls or --http2\n"},
		{[]string{"extra"}, "providersim: \"extra\" is not a flag; see --help\n"},
	} {
		cmd := program(t, c.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // The exit code is looked at below.
		if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != c.want {
			t.Errorf("%v: exit %d, %q", c.args, code, stderr.String())
		}
	}
}
