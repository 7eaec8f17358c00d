package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
)

// documentedClass is a row of the table in docs/failures.md.
type documentedClass struct{ class, signs, records, again, next, gets, label, test string }

// documentedClasses reads the table.
func documentedClasses(t *testing.T) []documentedClass {
	t.Helper()
	page, err := os.ReadFile("../../docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []documentedClass
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 10 || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| class ") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, documentedClass{cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8]})
	}
	return rows
}

// TestTheTableOfClasses in docs/failures.md says what the code does, for each
// class once, and names tests that there are.
func TestTheTableOfClasses(t *testing.T) {
	tests := testNames(t)
	var names []string
	for _, row := range documentedClasses(t) {
		names = append(names, row.class)
		class, ok := gateway.ParseClass(row.class)
		if !ok {
			t.Errorf("%s: there is no such class", row.class)
			continue
		}
		records, again, next := class.Row()
		if row.records != records {
			t.Errorf("%s: to the circuit it is %q, the code says %q", row.class, row.records, records)
		}
		if got, _, _ := strings.Cut(row.again, ","); got != again {
			t.Errorf("%s: the same backend is asked again %q, the code says %q", row.class, row.again, again)
		}
		if got, _, _ := strings.Cut(row.next, ","); got != next {
			t.Errorf("%s: the next backend is asked %q, the code says %q", row.class, row.next, next)
		}
		if want := "`class=\"" + class.String() + "\"`"; row.label != want {
			t.Errorf("%s: its label is %s, want %s", row.class, row.label, want)
		}
		for _, c := range classRows[row.class] {
			if c.code != "" && !strings.Contains(row.gets, "`"+c.code+"`") {
				t.Errorf("%s: by %q the client gets %s, which the table does not say", row.class, c.sign, c.code)
			}
		}
		for named := range strings.SplitSeq(row.test, ", ") {
			test, sub, _ := strings.Cut(strings.Trim(named, "`"), "/")
			if !slices.Contains(tests, test) {
				t.Errorf("%s: there is no test %s", row.class, test)
			}
			if test == "TestFailureClasses" && (sub != row.class || len(classRows[sub]) == 0) {
				t.Errorf("%s: %s has no cases of it", row.class, row.test)
			}
		}
	}
	slices.Sort(names)
	want := slices.Sorted(slices.Values(gateway.Classes()))
	if !slices.Equal(names, want) {
		t.Errorf("the table has the classes %v, want %v", names, want)
	}
}

// testNames are the names of the package's tests.
func testNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
