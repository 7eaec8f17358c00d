package main

import "fmt"

// outcome is a figure that the design sets a limit to.
type outcome struct {
	what       string
	got, limit float64
	unit       string
}

// outcomes are those of this run.
var outcomes []outcome

// target notes a figure that is to be at most the limit.
func target(what string, got, limit float64, unit string) {
	outcomes = append(outcomes, outcome{what, got, limit, unit})
}

// printTargets says of each whether it was met.
func printTargets() {
	if len(outcomes) == 0 {
		return
	}
	t := newTable("Targets", "what", "target", "this run", "met")
	for _, o := range outcomes {
		met := "yes"
		if !(o.got <= o.limit) { // NaN is not
			met = "**no**"
		}
		t.row(o.what, fmt.Sprintf("at most %g %s", o.limit, o.unit), fmt.Sprintf("%.2f", o.got), met)
	}
}
