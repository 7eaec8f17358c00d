package standalone

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lines finds the line of a field in a document.
type lines struct {
	root   yaml.Node
	before int // lines of the file before the document
}

// first is the line on which the document's content begins.
func (l *lines) first() int {
	if len(l.root.Content) == 0 {
		return l.before + 1
	}
	return l.before + l.root.Content[0].Line
}

// of returns the line of a field such as "spec.backends[0].url": of its name or,
// if the document does not have it, of the nearest thing around it.
func (l *lines) of(field string) int {
	if len(l.root.Content) == 0 || field == "" {
		return l.first()
	}
	line := l.root.Content[0].Line
	at := l.root.Content[0]
	for at != nil && field != "" {
		if at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		var found int
		at, found, field = step(at, field)
		if at != nil {
			line = found
		}
	}
	return l.before + line
}

// step goes one step down a path: to a value, the line where it is named, and
// the rest of the path. It returns nil where the path leads nowhere.
func step(at *yaml.Node, path string) (*yaml.Node, int, string) {
	switch at.Kind {
	case yaml.MappingNode:
		return stepInto(at, strings.TrimPrefix(path, "."))
	case yaml.SequenceNode:
		digits, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
		i, err := strconv.Atoi(digits)
		if !ok || err != nil || i < 0 || i >= len(at.Content) {
			return nil, 0, ""
		}
		return at.Content[i], at.Content[i].Line, rest
	}
	return nil, 0, ""
}

// stepInto finds the longest key of a mapping that the path begins with: keys
// may have dots in them. A key may also stand in brackets.
func stepInto(at *yaml.Node, path string) (value *yaml.Node, line int, rest string) {
	longest := -1
	for i := 0; i+1 < len(at.Content); i += 2 {
		key := at.Content[i]
		if key.Tag == "!!merge" {
			continue
		}
		after, ok := strings.CutPrefix(path, "["+key.Value+"]")
		if !ok {
			after, ok = strings.CutPrefix(path, key.Value)
			ok = ok && (after == "" || after[0] == '.' || after[0] == '[')
		}
		if ok && len(key.Value) > longest {
			longest = len(key.Value)
			value, line, rest = at.Content[i+1], key.Line, after
		}
	}
	if value != nil {
		return value, line, rest
	}
	return stepIntoMerged(at, path)
}

// stepIntoMerged looks for the path in the mappings that are merged in (<<).
func stepIntoMerged(at *yaml.Node, path string) (*yaml.Node, int, string) {
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Tag != "!!merge" {
			continue
		}
		merged := []*yaml.Node{at.Content[i+1]}
		if merged[0].Kind == yaml.SequenceNode {
			merged = merged[0].Content
		}
		for _, m := range merged {
			if m.Kind == yaml.AliasNode {
				m = m.Alias
			}
			if m.Kind != yaml.MappingNode {
				continue
			}
			if value, line, rest := stepInto(m, path); value != nil {
				return value, line, rest
			}
		}
	}
	return nil, 0, ""
}
