package circuit

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzModel tells the engine and the model the same story and compares every
// answer, everything that can be seen after every deed, and what was told.
func FuzzModel(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(randomBytes(seed, 600))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareWithModel(t, tell(data)) })
}

func TestEngineAgreesWithModel(t *testing.T) {
	for seed := range uint64(200) {
		compareWithModel(t, tell(randomBytes(1000+seed, 900)))
	}
}

func compareWithModel(t *testing.T, story []deed) {
	t.Helper()
	a, m := newActor(t, 1), newModel()
	for i, s := range story {
		got, want := a.play(s), m.play(s)
		if got != want {
			t.Fatalf("deed %d, %+v: the engine answers %q, the model %q", i, s, got, want)
		}
		if got, want := a.see(), m.see(); !reflect.DeepEqual(got, want) {
			t.Fatalf("deed %d, %+v at %v (-model +engine)\n%s", i, s, a.now, cmp.Diff(want, got))
		}
	}
	if diff := cmp.Diff(m.told, a.story()); diff != "" {
		t.Fatalf("what was told (-model +engine)\n%s", diff)
	}
}

func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}
