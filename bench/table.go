package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// table prints rows in Markdown as they come.
type table struct{ columns int }

func newTable(title string, columns ...string) *table {
	fmt.Printf("\n### %s\n\n", title)
	t := &table{len(columns)}
	t.row(columns...)
	t.row(slices.Repeat([]string{"---"}, len(columns))...)
	return t
}

func (t *table) row(cells ...string) {
	for len(cells) < t.columns {
		cells = append(cells, "")
	}
	fmt.Printf("| %s |\n", strings.Join(cells, " | "))
}

// median is the middle value, and spread the least and the greatest.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

// percentile of durations that need not be sorted.
func percentile(v []time.Duration, p float64) time.Duration {
	s := slices.Sorted(slices.Values(v))
	return s[min(len(s)-1, int(p/100*float64(len(s))))]
}

func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }

func micros(d float64) string { return fmt.Sprintf("%.1f µs", d/1e3) }

func millis(d float64) string { return fmt.Sprintf("%.2f ms", d/1e6) }

func kibibytes(b float64) string { return fmt.Sprintf("%.1f KiB", b/1024) }

func mebibytes(b float64) string { return fmt.Sprintf("%.1f MiB", b/(1<<20)) }
