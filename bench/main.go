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

// enoughRounds make a median that is worth telling.
const enoughRounds = 5

type options struct {
	rounds                   int
	only, operator, profiles string
}

func main() {
	var o options
	role := flag.String("role", "", "run as one of the processes that are measured (the program starts them itself)")
	target := flag.String("target", "", "where that process sends requests on to")
	flag.IntVar(&o.rounds, "rounds", 7, "rounds of every measurement; fewer than 5 are for trying out")
	flag.StringVar(&o.only, "only", "", "comma-separated: engine, requests, refusals, streams, translated, held; or scale or profile; empty: all but these two")
	flag.StringVar(&o.operator, "operator", "../bin/switchgear", "path of the built switchgear, for scale")
	flag.StringVar(&o.profiles, "profiles", "../bin/profiles", "where profile writes to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *role != "" {
		err = play(ctx, *role, *target)
	} else {
		err = run(ctx, o)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "switchgear-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the temporary directory
	fmt.Printf("%s, %s/%s, %d CPUs, %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	if o.only != "scale" { // which is one run
		fmt.Printf(", medians of %d rounds", o.rounds)
	}
	fmt.Println(".")
	if o.rounds < enoughRounds {
		fmt.Printf("\nFewer than %d rounds: for trying out, not for telling.\n", enoughRounds)
	}
	var ways []way
	if o.wants("requests") || o.wants("streams") {
		p := findPeers(dir)
		fmt.Printf("\n%s\n", strings.Join(p.notes, " "))
		ways = newWays(p)
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"engine", func() error { engine(o.rounds); return nil }},
		{"requests", func() error { return requests(ctx, o.rounds, ways) }},
		{"refusals", func() error { return refusals(ctx, o.rounds) }},
		{"streams", func() error { return streams(ctx, o.rounds, ways) }},
		{"translated", func() error { return translated(ctx, o.rounds) }},
		{"held", func() error { return heldMemory(ctx, o.rounds) }},
		{"scale", func() error { return scale(ctx, o.operator) }},
		{"profile", func() error { return profile(ctx, o.profiles) }},
	} {
		if !o.wants(part.name) {
			continue
		}
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	printTargets()
	return nil
}

// wants reports whether a part is to be run.
func (o options) wants(part string) bool {
	if o.only == "" {
		return part != "scale" && part != "profile"
	}
	return slices.Contains(strings.Split(o.only, ","), part)
}
