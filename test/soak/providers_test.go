package soak

import (
	"fmt"
	"os"
	"sync"

	"github.com/switchgear/switchgear/test/providersim"
)

// provider is a simulated provider at one address, which may be gone for a while.
type provider struct {
	options providersim.Options
	addr    string

	mu sync.Mutex
	in *providersim.Instance // guarded by mu; nil while it is gone
}

// Ports of providers are below those that a system gives to outgoing connections,
// so that none takes a provider's place while that is gone.
const (
	firstPort = 20000
	numPorts  = 10000
)

// newProvider starts a provider on a port that is free.
func newProvider(name string) (*provider, error) {
	for i := range numPorts {
		p := &provider{options: healthy(name), addr: fmt.Sprintf("127.0.0.1:%d", firstPort+(os.Getpid()+i)%numPorts)}
		if p.come() == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("provider %s: no port from %d to %d is free", name, firstPort, firstPort+numPorts-1)
}

// come listens, at the same address each time.
func (p *provider) come() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in != nil {
		return nil
	}
	in, err := providersim.Listen(p.addr, p.options)
	if err != nil {
		return fmt.Errorf("provider %s: %w", p.options.Name, err)
	}
	p.in = in
	return nil
}

// leave closes the listener and every connection.
func (p *provider) leave() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in == nil {
		return nil
	}
	in := p.in
	p.in = nil
	if err := in.Close(); err != nil {
		return fmt.Errorf("provider %s: %w", p.options.Name, err)
	}
	return nil
}

// live calls f if the provider is there.
func (p *provider) live(f func(*providersim.Instance) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in == nil {
		return nil
	}
	return f(p.in)
}

func (p *provider) setFault(f providersim.Fault) error {
	return p.live(func(in *providersim.Instance) error { return in.SetFault(f) })
}

func (p *provider) heal() error {
	return p.live(func(in *providersim.Instance) error { in.Heal(); return nil })
}

func (p *provider) running() (n int) {
	_ = p.live(func(in *providersim.Instance) error { n = in.Running(); return nil }) // it gives no error
	return n
}

// lastKey is the credential of the last request.
func (p *provider) lastKey() (key string) {
	_ = p.live(func(in *providersim.Instance) error { // it gives no error
		if log := in.Requests(); len(log) > 0 {
			key = log[len(log)-1].Header.Get("Authorization")
		}
		return nil
	})
	return key
}
