package standalone

import (
	"context"

	"github.com/switchgear/switchgear/internal/compile"
)

// Report is what there is to say about files.
type Report struct {
	// Files are those that hold objects.
	Files, Objects int
	// Problems are sorted by file and line.
	Problems []Problem

	assembly *assembly
	input    compile.Input
	result   *compile.Result
}

// Check reads the files and says all that is wrong with them, at once.
func (s *Source) Check(ctx context.Context) *Report {
	r := &Report{Problems: s.refresh(ctx).unreadable}
	var versions []*version
	for _, name := range s.names() {
		v := s.files[name].latest
		versions = append(versions, v)
		r.Problems = append(r.Problems, v.problems...)
		r.Objects += len(v.objects)
		if len(v.objects) > 0 {
			r.Files++
		}
	}
	r.assembly = assemble(versions)
	for _, c := range r.assembly.clashes {
		r.Problems = append(r.Problems, c.problem())
	}
	r.input = r.assembly.input(&s.ledger)
	r.result = compile.Compile(r.input, nil, s.options.Compile)
	for _, f := range r.assembly.findings(r.result) {
		r.Problems = append(r.Problems, f.Problem)
	}
	r.Problems = sortProblems(r.Problems)
	return r
}

// Start reads the files for the first time and makes them live, unless the
// report has errors: nothing has ever been good then.
func (s *Source) Start(ctx context.Context) *Report {
	done := s.options.Metrics.Started()
	r := s.Check(ctx)
	if len(Errors(r.Problems)) > 0 {
		return r
	}
	for _, f := range s.files {
		f.good = f.latest
	}
	s.apply(r.assembly, r.input, r.result)
	s.report(r.Problems)
	done(nil)
	return r
}
