package standalone

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong, and where.
type Problem struct {
	File string
	Line int // 0: the file as a whole
	// Object is "Kind/name"; empty where no object could be read.
	Object string
	// Field is a path such as "spec.backends[0].url"; empty: no one field.
	Field   string
	Message string
	// Warning means that the object is accepted all the same.
	Warning bool
}

// String is the form in which editors and people find the place:
// "file:line: Kind/name: field: message".
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place += ":" + strconv.Itoa(p.Line)
	}
	parts := []string{place}
	for _, s := range []string{p.Object, p.Field} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Warning {
		parts = append(parts, "warning")
	}
	return strings.ReplaceAll(strings.Join(append(parts, p.Message), ": "), "\n", `\n`)
}

// sortProblems sorts by place, and leaves each problem once.
func sortProblems(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(problems)
}

// Errors returns the problems that are more than warnings.
func Errors(problems []Problem) []Problem {
	var out []Problem
	for _, p := range problems {
		if !p.Warning {
			out = append(out, p)
		}
	}
	return out
}
