package dialect

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzWalker: what the walker calls whole is what encoding/json calls valid.
func FuzzWalker(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"\u00e9\n",{"b":{}}]}`, ` [ ] `, `"x"`, `01`, `1.`, `-`, `1e`, `"\x"`, `"\u12g4"`,
		"\"\t\"", `{"a" 1}`, `{"a":1,}`, `[1 2]`, `{} {}`, `tru`, ``, `{"\u0061":1}`, "\"\xff\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := walker{data: data}
		w.skip()
		if want := json.Valid(data) && !nestedBeyond(data, maxDepth); w.whole() != want {
			t.Errorf("whole is %v, want %v: %q", !want, want, data)
		}
	})
}

func TestNoTextIsTooDeepForTheWalker(t *testing.T) {
	for n, want := range map[int]bool{maxDepth: true, maxDepth + 1: false, 1_000_000: false} {
		w := walker{data: []byte(strings.Repeat("[", n) + strings.Repeat("]", n))}
		w.skip()
		if w.whole() != want {
			t.Errorf("%d levels: whole is %v", n, !want)
		}
	}
}

func TestAWalkedKeyIsReadWithItsEscapes(t *testing.T) {
	w := walker{data: []byte(`{"cho\u0069ces":1,"b":[]}`)}
	var keys []string
	w.object(func(key []byte) {
		keys = append(keys, string(key))
		w.skip()
	})
	if got := strings.Join(keys, " "); got != "choices b" || !w.whole() {
		t.Errorf("keys %q, whole %v", got, w.whole())
	}
}
