// Command bench measures Switchgear beside its peers, on loopback, and prints
// tables in Markdown. What counts are the ratios within one run: rounds of all
// subjects are interleaved, and every figure is the median of its rounds.
//
// It is a module of its own, so that the peers stay out of the project's go.mod.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	role := flag.String("role", "", "run as one of the processes that are measured (the program starts them itself)")
	target := flag.String("target", "", "where that process sends requests on to")
	rounds := flag.Int("rounds", 7, "rounds of every measurement, at least 5")
	only := flag.String("only", "", "comma-separated: engine, proxy, apply; empty: all")
	binary := flag.String("operator", "../bin/switchgear", "path of the built switchgear, for apply")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *role != "" {
		err = play(ctx, *role, *target)
	} else {
		err = run(ctx, max(*rounds, 5), *only, *binary)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, only, binary string) error {
	fmt.Printf("%s, %s/%s, %d CPUs, %d rounds, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), rounds, time.Now().UTC().Format(time.DateOnly))
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"engine", func() error { engine(rounds); return nil }},
		{"proxy", func() error { return proxies(ctx, rounds) }},
		{"apply", func() error { return apply(ctx, rounds, binary) }},
	} {
		if only != "" && !slices.Contains(strings.Split(only, ","), part.name) {
			continue
		}
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
