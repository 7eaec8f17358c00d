package stage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/switchgear/switchgear/test/providersim"
)

// ProviderKey is the one credential that the providers take. The gateway has it;
// clients do not.
const ProviderKey = "sk-provider"

// Stage is a running gateway and its providers.
type Stage struct {
	// URL is a namespace's of the gateway: the base URL of Anthropic's SDKs. That of
	// OpenAI's is URL+"/v1".
	URL string
	// Primary and Fallback speak both dialects.
	Primary, Fallback *providersim.Instance

	dir     string // of the configuration
	gateway *process
}

// Start starts all three on free loopback ports, the gateway from the binary of
// that path. The caller closes them.
func Start(binary string) (*Stage, error) {
	s := &Stage{}
	if err := s.start(binary); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) start(binary string) (err error) {
	if s.Primary, err = listen("primary"); err != nil {
		return err
	}
	if s.Fallback, err = listen("fallback"); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "switchgear-sdk-"); err != nil {
		return err
	}
	file := filepath.Join(s.dir, "switchgear.yaml")
	if err := s.writeConfiguration(file); err != nil {
		return err
	}
	s.gateway, err = startProcess(binary, "run", "-f", file, "--listen=127.0.0.1:0", "--admin=", "--grace-period=100ms")
	if err != nil {
		return err
	}
	address, err := s.gateway.address()
	if err != nil {
		return err
	}
	s.URL = "http://" + address + "/ns/default"
	return nil
}

func listen(name string) (*providersim.Instance, error) {
	return providersim.Listen("127.0.0.1:0", providersim.Options{Name: name, APIKey: ProviderKey, Strict: true})
}

// Close ends it all, what still runs included. The error says so
// where the gateway did not end well: with a data race, say.
func (s *Stage) Close() error {
	var errs []error
	if s.gateway != nil {
		errs = append(errs, s.gateway.stop())
	}
	for _, p := range []*providersim.Instance{s.Primary, s.Fallback} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the stage: %w", err)
	}
	return nil
}
