package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const profileFor = 8 * time.Second

// profile writes CPU and allocation profiles of the gateway, under the load of
// requests and under that of streams, for `go tool pprof`.
func profile(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	for _, load := range []struct {
		name string
		run  func(ctx context.Context, p *process) error
	}{
		{"requests", func(ctx context.Context, p *process) error {
			_, err := newAsker(p.url, plain, http.StatusOK).load(ctx, cpuRequests)
			return err
		}},
		{"streams", func(ctx context.Context, p *process) error { return manyStreams.run(ctx, p.url, plain).lost }},
	} {
		if err := profileUnder(ctx, dir, load.name, up, load.run); err != nil {
			return fmt.Errorf("%s: %w", load.name, err)
		}
	}
	return nil
}

func profileUnder(ctx context.Context, dir, name string, up *process, load func(context.Context, *process) error) error {
	p, err := start("gateway", up.url)
	if err != nil {
		return err
	}
	defer p.stop()
	profiled := make(chan error, 1)
	go func() {
		profiled <- save(fmt.Sprintf("%s/debug/pprof/profile?seconds=%.0f", p.debug, profileFor.Seconds()), filepath.Join(dir, name+".cpu"))
	}()
	for begun := time.Now(); time.Since(begun) < profileFor; {
		if err := load(ctx, p); err != nil {
			return err
		}
	}
	if err := <-profiled; err != nil {
		return err
	}
	return save(p.debug+"/debug/pprof/allocs", filepath.Join(dir, name+".allocs"))
}

func save(url, file string) error {
	text, err := get(url)
	if err != nil {
		return err
	}
	fmt.Println("Wrote", file)
	return os.WriteFile(file, []byte(text), 0o600)
}
