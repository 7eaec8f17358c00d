package standalone

import (
	"context"
	"errors"
	"slices"

	"github.com/switchgear/switchgear/internal/compile"
)

// errBroken is what an edit comes to that does not go live as it is.
var errBroken = errors.New("the configuration has problems")

// reload takes up what has changed in the files. Of a file that is broken, what
// was good last serves on, while the edits of others go live.
func (s *Source) reload(ctx context.Context) {
	done := s.options.Metrics.Started()
	c := s.refresh(ctx)
	if !c.any && slices.Equal(c.unreadable, s.unreadable) {
		return
	}
	s.unreadable = c.unreadable
	p := s.plan()
	if p.differs() || c.removed {
		for i, f := range p.files {
			f.good = p.chosen[i]
		}
		s.apply(p.assembly, p.input, p.result)
	}
	problems := sortProblems(slices.Concat(p.problems, c.unreadable))
	s.report(problems)
	if len(Errors(problems)) > 0 {
		done(errBroken)
		return
	}
	done(nil)
}

// plan is a choice of versions that can be live together.
type plan struct {
	names  []string
	files  []*file
	chosen []*version // of each file; nil: nothing of it
	// problems are those of what was not chosen, and those that remain.
	problems []Problem

	assembly *assembly
	input    compile.Input
	result   *compile.Result
}

// plan chooses the latest version of each file that is good, by itself and with
// the others. Where it is not, who has changed gives way; so what is live
// already never does. What only other files have made worse (a Secret that is
// gone, say) counts at once, as in a cluster.
func (s *Source) plan() *plan {
	p := &plan{names: s.names()}
	for _, name := range p.names {
		f := s.files[name]
		p.files = append(p.files, f)
		p.chosen = append(p.chosen, f.latest)
		if i := len(p.files) - 1; f.latest == nil || len(f.latest.problems) > 0 {
			p.giveWay(i)
		}
	}
	for {
		p.assembly = assemble(p.chosen)
		if p.settleClash() {
			continue
		}
		p.input = p.assembly.input(&s.ledger)
		p.result = compile.Compile(p.input, s.last, s.options.Compile)
		if !p.settleFindings() {
			return p
		}
	}
}

// changed reports whether the version that is chosen of a file is not live yet.
func (p *plan) changed(i int) bool { return p.chosen[i] != p.files[i].good }

// differs reports whether the plan is not what is live.
func (p *plan) differs() bool {
	for i := range p.files {
		if p.changed(i) {
			return true
		}
	}
	return false
}

// giveWay chooses what is live of a file in place of its latest version.
func (p *plan) giveWay(i int) {
	if latest := p.files[i].latest; latest != nil {
		p.problems = append(p.problems, latest.problems...)
	}
	p.chosen[i] = p.files[i].good
}

// settleClash settles the first of the clashes, and reports whether anybody has
// given way.
func (p *plan) settleClash() bool {
	for _, c := range p.assembly.clashes {
		for _, o := range []*object{c.second, c.first} {
			if i := slices.Index(p.names, o.file); p.changed(i) {
				p.problems = append(p.problems, c.problem())
				p.giveWay(i)
				return true
			}
		}
	}
	return false
}

// settleFindings has each file give way that has changed and with which the
// result finds something wrong. It reports whether anybody has.
func (p *plan) settleFindings() bool {
	var (
		wrong   []int
		remains []Problem
	)
	for _, f := range p.assembly.findings(p.result) {
		i := slices.Index(p.names, f.object.file)
		if f.Warning || !p.changed(i) {
			remains = append(remains, f.Problem)
			continue
		}
		p.problems = append(p.problems, f.Problem)
		wrong = append(wrong, i)
	}
	for _, i := range wrong {
		p.giveWay(i)
	}
	if wrong == nil {
		p.problems = append(p.problems, remains...)
	}
	return wrong != nil
}

// report logs problems that are new, and when there are none any more.
func (s *Source) report(problems []Problem) {
	for _, p := range problems {
		switch {
		case slices.Contains(s.reported, p):
		case p.Warning:
			s.log.Warn("The configuration is accepted with a warning", "problem", p.String())
		default:
			s.log.Error("The configuration is broken: what was good of it serves on", "problem", p.String())
		}
	}
	if len(Errors(s.reported)) > 0 && len(Errors(problems)) == 0 {
		s.log.Info("The configuration is whole again")
	}
	s.reported = problems
}
