package standalone

import (
	"fmt"
	"regexp"
	"strings"
)

// variable is the name of an environment variable.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the environment's values into a text: ${NAME}, or ${NAME:-text}
// for a default where NAME is unset or empty. $${ stands for ${ itself. The
// second result says what cannot be put in, and shows nothing of the text, which
// is a secret.
func expand(text string, lookup func(string) (string, bool)) (string, []string) {
	var (
		out        strings.Builder
		complaints []string
	)
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), complaints
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			out.WriteString(escaped + "${")
			text = rest
			continue
		}
		out.WriteString(before)
		expression, after, closed := strings.Cut(rest, "}")
		name, fallback, hasFallback := strings.Cut(expression, ":-")
		if !closed || !variable.MatchString(name) {
			complaints = append(complaints, "has a ${ without the name of an environment variable and a } after it: write $${ for ${ itself")
			return "", complaints
		}
		value, set := lookup(name)
		switch {
		case hasFallback && value == "":
			value = fallback
		case !set:
			complaints = append(complaints, fmt.Sprintf("the environment variable %s is not set", name))
		}
		out.WriteString(value)
		text = after
	}
}
