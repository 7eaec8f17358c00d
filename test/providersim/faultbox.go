package providersim

import (
	"fmt"
	"slices"
	"sync"
)

// faultBox holds the faults in force.
type faultBox struct {
	mu sync.Mutex
	// Guarded by mu. Requests counts down what is left of a limited fault.
	faults   []Fault
	switched chan struct{}
}

// SetFault puts these faults in force, in place of all that were. A request
// meets the first that fits it and is not used up, so that several with
// Requests set play one after the other. Requests already running keep the
// fault that they met, but for Hold, which lets go. On an error nothing changes.
func (s *Sim) SetFault(faults ...Fault) error {
	normal := make([]Fault, len(faults))
	for i, f := range faults {
		if err := f.Validate(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
		normal[i] = f.normal()
	}
	s.faults.replace(normal)
	return nil
}

// Heal ends all faults for requests to come, and lets go those on Hold.
func (s *Sim) Heal() { s.faults.replace(nil) }

// Faults returns the faults in force; Requests is what is left of each.
func (s *Sim) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.faults)
}

func (b *faultBox) replace(faults []Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = faults
	if b.switched != nil {
		close(b.switched)
		b.switched = nil
	}
}

// pick returns the fault for a request, the zero Fault for none, and a channel
// that is closed when the faults are switched.
func (b *faultBox) pick(model string, stream bool) (Fault, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.switched == nil {
		b.switched = make(chan struct{})
	}
	f, _ := b.take(func(f Fault) bool { return f.Kind != EarlyAnswer && f.meets(model, stream) })
	return f, b.switched
}

// pickEarly returns the fault for a request whose body has not been read.
func (b *faultBox) pickEarly() (Fault, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take(func(f Fault) bool { return f.Kind == EarlyAnswer })
}

// take uses the first fault that fits; b.mu is held.
func (b *faultBox) take(fits func(Fault) bool) (Fault, bool) {
	i := slices.IndexFunc(b.faults, fits)
	if i < 0 {
		return Fault{}, false
	}
	f := b.faults[i]
	switch f.Requests {
	case 0:
	case 1:
		b.faults = slices.Delete(b.faults, i, i+1)
	default:
		b.faults[i].Requests--
	}
	return f, true
}
