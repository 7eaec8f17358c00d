package gateway

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// sent is an event as a test remembers it.
type sent struct {
	Raw, Name, Data string
	Comment         bool
}

func copyOf(e *event) sent { return sent{string(e.raw), string(e.name), string(e.data), e.comment} }

// readEvents takes all events out of a stream, the way a stream does it.
func readEvents(src io.Reader) ([]sent, error) {
	var r eventReader
	var out []sent
	for {
		if e := r.next(); e != nil {
			out = append(out, copyOf(e))
			continue
		}
		err := r.fill(src)
		if errors.Is(err, io.EOF) {
			if e := r.rest(); e != nil {
				out = append(out, copyOf(e))
			}
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

func TestEventReader(t *testing.T) {
	for _, tc := range []struct {
		name, stream string
		want         []sent
	}{
		{"nothing", "", nil},
		{"blank lines alone", "\n\r\n\n", nil},
		{"one", "data: a\n\n", []sent{{"data: a\n\n", "", "a", false}}},
		{"two", "data: a\n\ndata: b\n\n", []sent{{"data: a\n\n", "", "a", false}, {"data: b\n\n", "", "b", false}}},
		{"named", "event: ping\ndata: {}\n\n", []sent{{"event: ping\ndata: {}\n\n", "ping", "{}", false}}},
		{"the last name wins", "event: a\nevent: b\ndata: c\n\n", []sent{{"event: a\nevent: b\ndata: c\n\n", "b", "c", false}}},
		{"CRLF", "event: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
			[]sent{{"event: a\r\ndata: b\r\n\r\n", "a", "b", false}, {"data: c\r\n\r\n", "", "c", false}}},
		{"mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\n\n",
			[]sent{{"data: a\r\n\n", "", "a", false}, {"data: b\n\r\n", "", "b", false}, {"data: c\n\n", "", "c", false}}},
		{"more blank lines than needed", "\n\ndata: a\n\n\n\r\n\ndata: b\n\n",
			[]sent{{"data: a\n\n", "", "a", false}, {"data: b\n\n", "", "b", false}}},
		{"several lines of data", "data: a\ndata:b\ndata\ndata: \ndata:  c\n\n",
			[]sent{{"data: a\ndata:b\ndata\ndata: \ndata:  c\n\n", "", "a\nb\n\n\n c", false}}},
		{"a first line of data that is empty", "data\ndata: a\n\n", []sent{{"data\ndata: a\n\n", "", "\na", false}}},
		{"data that is empty", "data:\n\n", []sent{{"data:\n\n", "", "", false}}},
		{"without a space, and with colons", "data:{\"a\":1}\n\n", []sent{{"data:{\"a\":1}\n\n", "", `{"a":1}`, false}}},
		{"a comment", ": keep-alive\n\n", []sent{{": keep-alive\n\n", "", "", true}}},
		{"a comment within an event", "data: a\n: x\ndata: b\n\n", []sent{{"data: a\n: x\ndata: b\n\n", "", "a\nb", false}}},
		{"a retry time, which no client sees", "retry: 3000\n\n", []sent{{"retry: 3000\n\n", "", "", true}}},
		{"a name without data, which no client sees", "event: a\nid: 7\n\n", []sent{{"event: a\nid: 7\n\n", "a", "", true}}},
		{"fields that nobody knows", "dataset: x\ndata: a\n data: b\n\n", []sent{{"dataset: x\ndata: a\n data: b\n\n", "", "a", false}}},
		{"byte order mark", "\uFEFFdata: a\n\n\uFEFFdata: b\n\n",
			[]sent{{"\uFEFFdata: a\n\n", "", "a", false}, {"\uFEFFdata: b\n\n", "", "", true}}},
		{"byte order mark alone", "\uFEFF\n\ndata: b\n\n", []sent{{"\uFEFF\n\n", "", "", true}, {"data: b\n\n", "", "b", false}}},
		{"no blank line at the end", "data: a\n\ndata: b\n", []sent{{"data: a\n\n", "", "a", false}, {"data: b\n\n", "", "b", false}}},
		{"no end of the last line", "event: a\r\ndata: b", []sent{{"event: a\r\ndata: b\n\n", "a", "b", false}}},
		{"half of the last line end", "data: b\n\r", []sent{{"data: b\n\n", "", "b", false}}},
		{"a CR within a line is no line end", "data: a\rb\n\n", []sent{{"data: a\rb\n\n", "", "a\rb", false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"at once":       strings.NewReader(tc.stream),
				"byte by byte":  iotest.OneByteReader(strings.NewReader(tc.stream)),
				"in halves":     iotest.HalfReader(strings.NewReader(tc.stream)),
				"with the end":  iotest.DataErrReader(strings.NewReader(tc.stream)),
				"one and an io": iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(tc.stream))),
			} {
				got, err := readEvents(src)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

func TestEventReaderHoldsOneEventOfAMebibyte(t *testing.T) {
	const frame = len("data: ") + len("\n\n")
	for _, tc := range []struct {
		name   string
		length int
		want   error
	}{
		{"just as large as may be", maxEvent - frame, nil},
		{"one byte larger", maxEvent - frame + 1, errEventTooLarge},
		{"much larger", 4 * maxEvent, errEventTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stream := "data: a\n\ndata: " + strings.Repeat("x", tc.length) + "\n\ndata: b\n\n"
			got, err := readEvents(strings.NewReader(stream))
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			want := 3
			if tc.want != nil {
				want = 1
			}
			if len(got) != want {
				t.Fatalf("%d events, want %d", len(got), want)
			}
			if tc.want == nil && len(got[1].Data) != tc.length {
				t.Errorf("%d bytes of data, want %d", len(got[1].Data), tc.length)
			}
		})
	}
}

func TestEventReaderNeverHoldsMoreThanItsLimit(t *testing.T) {
	for name, unit := range map[string]string{
		"one endless line": "x", "endless lines": "data: x\n", "endless blank lines": "\n", "endless events": "data: x\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			src := iotest.HalfReader(strings.NewReader(strings.Repeat(unit, 3*maxEvent/len(unit))))
			var r eventReader
			for {
				if r.next() != nil {
					continue
				}
				err := r.fill(src)
				if len(r.buf) > maxEvent || len(r.joined) > maxEvent {
					t.Fatalf("a buffer of %d and %d bytes", len(r.buf), len(r.joined))
				}
				if err != nil {
					return
				}
			}
		})
	}
}

func TestEventReaderKeepsUpWithManySmallEvents(t *testing.T) {
	const n = 50_000
	got, err := readEvents(iotest.HalfReader(strings.NewReader(strings.Repeat("data: x\n\n", n))))
	if err != nil || len(got) != n {
		t.Fatalf("%d events, %v; want %d", len(got), err, n)
	}
}

func TestEventReaderGivesAnErrorOnceItsEventsAreRead(t *testing.T) {
	broken := errors.New("broken")
	got, err := readEvents(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Fatalf("%d events, %v; want the whole one, and the error", len(got), err)
	}
}

// referenceEvents reads a stream line by line, slowly and plainly.
func referenceEvents(stream []byte) []sent {
	var out []sent
	var lines [][]byte
	first := true
	dispatch := func() {
		if len(lines) == 0 {
			return
		}
		e := sent{Comment: true}
		var data []string
		for i, line := range lines {
			if first && i == 0 {
				line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			}
			name, value, _ := strings.Cut(string(line), ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "event":
				e.Name = value
			case "data":
				e.Comment = false
				data = append(data, value)
			}
		}
		first = false
		e.Data = strings.Join(data, "\n")
		out = append(out, e)
		lines = nil
	}
	for line := range bytes.SplitSeq(stream, []byte{'\n'}) {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) > 0 {
			lines = append(lines, line)
			continue
		}
		dispatch()
	}
	dispatch()
	return out
}

// chopped gives out its bytes in pieces of the given sizes, over and over.
type chopped struct {
	left  []byte
	sizes []byte
	at    int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(c.sizes) > 0 {
		n += int(c.sizes[c.at%len(c.sizes)])
		c.at++
	}
	n = copy(p, c.left[:min(n, len(c.left))])
	c.left = c.left[n:]
	return n, nil
}

// FuzzEventReader splits a stream at will: the events are the same as those of
// one read, and as those that the reference finds; nothing is lost in between.
func FuzzEventReader(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "event: x\r\ndata: y\r\n\r\n", ": c\n\ndata: 1\ndata: 2\n\n", "\uFEFFdata: a\n\n", "data: a\n\r",
		"\n\r\n\ndata\n\ndata:", "retry: 1\n\nid: 2\n\n", "data: a\r\n\ndata: b\n\r\n",
	} {
		f.Add([]byte(s), []byte{})
		f.Add([]byte(s), []byte{1, 0, 3})
	}
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		whole, err := readEvents(bytes.NewReader(stream))
		if err != nil {
			return // larger than one event may be
		}
		split, err := readEvents(&chopped{left: bytes.Clone(stream), sizes: sizes})
		if err != nil {
			t.Fatalf("split: %v", err)
		}
		if d := cmp.Diff(whole, split); d != "" {
			t.Fatalf("split otherwise the stream reads otherwise:\n%s", d)
		}
		checkNothingLost(t, stream, whole)
		if lone := bytes.ReplaceAll(stream, []byte("\r\n"), nil); bytes.IndexByte(lone, '\r') >= 0 {
			return // the reference does not know what stands between lone CRs either
		}
		want := referenceEvents(stream)
		if len(want) != len(whole) {
			t.Fatalf("%d events, want %d", len(whole), len(want))
		}
		for i := range want {
			want[i].Raw = whole[i].Raw
		}
		if d := cmp.Diff(want, whole); d != "" {
			t.Fatal(d)
		}
	})
}

// checkNothingLost makes sure that the events are the stream, but for blank
// lines between them and the line ends at its end.
func checkNothingLost(t *testing.T, stream []byte, events []sent) {
	t.Helper()
	rest := string(stream)
	for i, e := range events {
		rest = strings.TrimLeft(rest, "\r\n")
		after, ok := strings.CutPrefix(rest, e.Raw)
		if !ok && i == len(events)-1 {
			if strings.TrimRight(rest, "\r\n") != strings.TrimRight(e.Raw, "\r\n") {
				t.Fatalf("the last event is %q of %q", e.Raw, rest)
			}
			return
		}
		if !ok {
			t.Fatalf("event %d is %q, the stream goes on with %q", i, e.Raw, rest)
		}
		rest = after
	}
	if strings.Trim(rest, "\r\n") != "" {
		t.Fatalf("%q was left out", rest)
	}
}
