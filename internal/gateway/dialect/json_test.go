package dialect

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestBracketsAloneDoNotOverflowTheStack would end the test binary: a stack
// overflow cannot be recovered from.
func TestBracketsAloneDoNotOverflowTheStack(t *testing.T) {
	const size = 32 << 20
	for _, open := range []string{"[", `{"a":`} {
		deep := []byte(`{"model":"m","error":{"message":"x"},"choices":[],"x":` + strings.Repeat(open, size/len(open)))
		if _, err := ParseRequest(deep); !errors.Is(err, ErrNotJSON) {
			t.Errorf("a request of %q: %v, want %v", open, err, ErrNotJSON)
		}
		if _, ok := ParseError(deep); ok {
			t.Errorf("a body of %q holds an error", open)
		}
		if _, _, isError, isAnswer := Lookup("/chat/completions").ReadAnswer(deep); isError || isAnswer {
			t.Errorf("a body of %q is taken for an answer", open)
		}
		if m := newChatJudge(1).Event(nil, deep); m != Malformed {
			t.Errorf("an event of %q has marks %b", open, m)
		}
	}
}

func TestValidKnowsHowDeepAValueIs(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tc := range []struct {
		name, data string
		want       bool
	}{
		{"as deep as may be", nest(maxDepth), true},
		{"one deeper", nest(maxDepth + 1), false},
		{"many beside one another", "[" + strings.Repeat("{},", 3*maxDepth) + "{}]", true},
		{"brackets within a text", `["` + strings.Repeat(`[{\"`, 3*maxDepth) + `"]`, true},
		{"a text that ends with a backslash", `["` + strings.Repeat(`[`, 3*maxDepth) + `\\",` + nest(maxDepth) + `]`, false},
		{"a text that does not end", `["` + strings.Repeat(`[`, 3*maxDepth), false},
		{"nothing", ``, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := valid([]byte(tc.data)); got != tc.want {
				t.Errorf("valid: %v, want %v", got, tc.want)
			}
			if tc.want && !json.Valid([]byte(tc.data)) {
				t.Error("the case itself is wrong")
			}
		})
	}
}
