// Command stage starts a gateway and two simulated providers for the SDKs of
// other languages. Its one line on stdout is JSON: where they are. It ends when
// its stdin does, and so with whoever started it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/switchgear/switchgear/test/sdk/stage"
)

func main() {
	binary := flag.String("switchgear", "bin/switchgear", "the gateway's binary")
	flag.Parse()
	if err := run(*binary, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "stage: %v\n", err)
		os.Exit(1)
	}
}

func run(binary string, stdin io.Reader, stdout io.Writer) error {
	s, err := stage.Start(binary)
	if err != nil {
		return err
	}
	err = json.NewEncoder(stdout).Encode(map[string]string{
		"url": s.URL, "primary": s.Primary.URL, "fallback": s.Fallback.URL, "providerKey": stage.ProviderKey,
	})
	if err == nil {
		_, err = io.Copy(io.Discard, stdin)
	}
	return errors.Join(err, s.Close())
}
