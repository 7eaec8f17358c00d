package standalone

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	k8syaml "sigs.k8s.io/yaml"
)

// document is one YAML document of a file.
type document struct {
	value any // as JSON would have it, with kubectl's reading of YAML
	lines lines
	// problems are those of the YAML, without a file.
	problems []Problem
}

// readDocuments reads all documents of a file. Those that hold nothing are left
// out; those that cannot be read are problems without a file.
func readDocuments(raw []byte) ([]document, []Problem) {
	var (
		out      []document
		problems []Problem
	)
	for _, part := range split(raw) {
		var d document
		asJSON, err := k8syaml.YAMLToJSONStrict(part.text)
		if err != nil {
			found := syntaxProblems(err, part.before)
			// If a key that is there twice is all, the rest can be looked at.
			if asJSON, err = k8syaml.YAMLToJSON(part.text); err != nil {
				problems = append(problems, found...)
				continue
			}
			d.problems = found
		}
		if err := utiljson.Unmarshal(asJSON, &d.value); err != nil {
			problems = append(problems, Problem{Line: part.before + 1, Message: err.Error()})
			continue
		}
		if d.value == nil {
			continue
		}
		d.lines.before = part.before
		// The second reading gives places only. Where it fails, which the first
		// did not, everything is on the first line.
		_ = yaml.Unmarshal(part.text, &d.lines.root)
		out = append(out, d)
	}
	return out, problems
}

// part is the text of one document, and how many lines of the file come before.
type part struct {
	text   []byte
	before int
}

// split cuts a file where a line begins a document (---) or ends one (...).
func split(raw []byte) []part {
	var out []part
	current := part{}
	line := 0
	for text := range bytes.Lines(raw) {
		marker := strings.TrimRight(string(text[:min(len(text), 4)]), " \t\r\n")
		if marker == "---" || marker == "..." {
			out = append(out, current)
			current = part{before: line}
		}
		line++
		if marker == "..." {
			current.before = line
			continue
		}
		current.text = append(current.text, text...)
	}
	return append(out, current)
}

// atLine finds the place in an error of the YAML library.
var atLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// syntaxProblems takes an error of the YAML library apart.
func syntaxProblems(err error, before int) []Problem {
	var out []Problem
	text := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n")
	for message := range strings.SplitSeq(text, "\n") {
		message = strings.TrimSpace(message)
		line := 1
		if m := atLine.FindStringSubmatch(message); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits
			message = message[len(m[0]):]
		}
		out = append(out, Problem{Line: before + line, Message: "YAML: " + strings.TrimPrefix(message, "yaml: ")})
	}
	return out
}
