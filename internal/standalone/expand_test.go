package standalone

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"KEY": "sk-1", "_b2": "two", "EMPTY": "", "DOLLAR": "${KEY}"}[name]
		return value, ok
	}
	const malformed = "has a ${ without the name of an environment variable and a } after it: write $${ for ${ itself"
	for name, c := range map[string]struct {
		text, want string
		complaints []string
	}{
		"nothing to do":                {text: "sk-$1}{$", want: "sk-$1}{$"},
		"a variable":                   {text: "${KEY}", want: "sk-1"},
		"several, with text around":    {text: "<${KEY}-${_b2}>", want: "<sk-1-two>"},
		"one that is empty":            {text: "a${EMPTY}b", want: "ab"},
		"its value is not looked into": {text: "${DOLLAR}", want: "${KEY}"},
		"escaped":                      {text: "$${KEY} $$${KEY}", want: "${KEY} $${KEY}"},
		"a default not needed":         {text: "${KEY:-none}", want: "sk-1"},
		"a default for unset":          {text: "${NOPE:-none}", want: "none"},
		"a default for empty":          {text: "${EMPTY:-none}", want: "none"},
		"an empty default":             {text: "a${NOPE:-}b", want: "ab"},
		"unset":                        {text: "${NOPE}", complaints: []string{"the environment variable NOPE is not set"}},
		"two unset": {text: "${NOPE}${NADA}", complaints: []string{
			"the environment variable NOPE is not set", "the environment variable NADA is not set",
		}},
		"not closed":  {text: "secret ${KEY", complaints: []string{malformed}},
		"not a name":  {text: "${a secret}", complaints: []string{malformed}},
		"no name":     {text: "${}", complaints: []string{malformed}},
		"not a digit": {text: "${1}", complaints: []string{malformed}},
	} {
		t.Run(name, func(t *testing.T) {
			got, complaints := expand(c.text, lookup)
			if diff := cmp.Diff(c.complaints, complaints); diff != "" {
				t.Fatalf("complaints (-want +got):\n%s", diff)
			}
			if c.complaints == nil && got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
