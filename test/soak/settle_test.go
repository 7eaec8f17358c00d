package soak

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// settle looks at what must hold once every fault has ended. Clients have asked
// until now, and ask again after it. It reports whether all is well.
func (s *stage) settle(ctx context.Context, c *clients) bool {
	if !s.record.wait(ctx, patience, "one of the replicas leads", func() error {
		if s.leader() == nil {
			return fmt.Errorf("none does")
		}
		return nil
	}) {
		return false
	}
	begun := time.Now()
	for _, r := range s.replicas {
		for _, w := range probes() {
			c.ask(r, w) // so that one that has just started has something to show
		}
	}
	c.pause()
	if !s.record.wait(ctx, *within, "status is true", func() error { return s.statusIsTrue(ctx) }) {
		return false
	}
	s.record.tell("  status is true after %s", time.Since(begun).Round(time.Millisecond))
	if !s.nothingIsHeld(ctx) || !s.nothingHasGrown(ctx) {
		return false
	}
	c.resume(ctx)
	return s.allCloses(ctx, c)
}

// nothingIsHeld: nobody asks, so no slot is taken and no provider answers.
func (s *stage) nothingIsHeld(ctx context.Context) bool {
	for _, r := range s.replicas {
		if !s.record.wait(ctx, *within, r.name+" holds nothing", func() error { return held(ctx, r.now()) }) {
			return false
		}
	}
	for _, p := range s.providers {
		if !s.record.wait(ctx, *within, "provider "+p.options.Name+" answers nobody", func() error {
			if n := p.running(); n > 0 {
				return fmt.Errorf("it answers %d", n)
			}
			return nil
		}) {
			return false
		}
	}
	return true
}

// nothingHasGrown compares each process with what it was when nobody asked for
// the first time. Connections that wait to be used again are closed first: how
// many there are is chance.
func (s *stage) nothingHasGrown(ctx context.Context) bool {
	for _, p := range s.providers {
		if err := p.leave(); err != nil {
			s.record.violate("%v", err)
			return false
		}
		if err := p.come(); err != nil {
			s.record.violate("%v", err)
			return false
		}
	}
	for _, r := range s.replicas {
		p := r.now()
		var now *resting
		if !s.record.wait(ctx, *within, r.name+" needs no more than it did", func() (err error) {
			if now, err = rest(ctx, p); err != nil || p.resting == nil {
				return err
			}
			if err = now.grown(p.resting); err != nil {
				s.record.stacks = now.stacks
			}
			return err
		}) {
			s.record.t.Logf("the goroutines of %s:\n%s", r.name, s.record.stacks)
			return false
		}
		if p.resting == nil {
			p.resting = now
		}
		s.record.tell("  %s needs %d goroutines and %.1f MiB", r.name, now.goroutines, float64(now.heap)/(1<<20))
	}
	return true
}

// allCloses: with providers that are well, every circuit closes and every way to
// ask is answered, by each replica. The first provider is called with the key
// that is in the Secret now.
func (s *stage) allCloses(ctx context.Context, c *clients) bool {
	begun := time.Now()
	if !s.record.wait(ctx, *within, "every circuit closes", func() error { return s.allClosed(ctx, c) }) {
		return false
	}
	for _, r := range s.replicas {
		for _, w := range append(wants(), probes()...) {
			if !s.record.wait(ctx, *within, fmt.Sprintf("%s answers a request for %s", r.name, w), func() error {
				if outcome := c.ask(r, w); outcome != answered {
					return fmt.Errorf("it ends as %q", outcome)
				}
				return nil
			}) {
				return false
			}
		}
	}
	if !s.record.wait(ctx, *within, "the provider sees the key that is in the Secret", func() error { return s.keyArrives(ctx) }) {
		return false
	}
	s.record.tell("  every circuit is closed, every request answered after %s", time.Since(begun).Round(time.Millisecond))
	return true
}

// allClosed asks where a circuit is not closed, because one that stands in for
// another is probed by nobody while that is well.
func (s *stage) allClosed(ctx context.Context, c *clients) error {
	for _, r := range s.replicas {
		items, err := circuits(ctx, r.now())
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		for name, i := range items {
			if i.Status.State == closed {
				continue
			}
			for _, w := range probes() {
				c.ask(r, w)
			}
			return fmt.Errorf("on %s, %s is %s: %+v", r.name, name, i.Status.State, i.Status.Circuits)
		}
	}
	return nil
}

func (s *stage) keyArrives(ctx context.Context) error {
	var secret corev1.Secret
	if err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "openai"}, &secret); err != nil {
		return err
	}
	if got, want := s.provider("first").lastKey(), "Bearer "+string(secret.Data["api-key"]); got != want {
		return fmt.Errorf("it sees %q, and the Secret has %q", got, want)
	}
	return nil
}
