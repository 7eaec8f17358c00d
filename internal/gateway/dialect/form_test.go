package dialect

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"runtime"
	"strings"
	"testing"
)

const formType = "multipart/form-data; boundary=b"

// formOf writes parts, each a header and a content, as a form with the boundary b.
func formOf(parts ...[2]string) string {
	var s strings.Builder
	for _, p := range parts {
		s.WriteString("--b\r\n" + p[0] + "\r\n\r\n" + p[1] + "\r\n")
	}
	return s.String() + "--b--\r\n"
}

// field and file are headers of parts as clients write them.
func field(name string) string { return `Content-Disposition: form-data; name="` + name + `"` }

func file(name string) string {
	return `Content-Disposition: form-data; name="` + name + `"; filename="a.wav"` + "\r\nContent-Type: audio/wav"
}

func TestParseForm(t *testing.T) {
	model := [2]string{field("model"), "whisper-1"}
	audio := [2]string{file("file"), "RIFF\x00\r\n\r\n--a\r\n--B\r\nname=\"model\""}
	for _, tc := range []struct {
		name, kind, body string
		want             string
		err              error
	}{
		{name: "the model first", body: formOf(model, audio), want: "whisper-1"},
		{name: "the model last", body: formOf(audio, [2]string{field("language"), "en"}, model), want: "whisper-1"},
		{name: "the model alone", body: formOf(model), want: "whisper-1"},
		{name: "no model", body: formOf(audio, [2]string{field("purpose"), "batch"})},
		{name: "an empty file", body: formOf([2]string{file("file"), ""}, model), want: "whisper-1"},
		{name: "without quotes", body: formOf([2]string{"Content-Disposition: form-data; name=model", "m"}), want: "m"},
		{name: "in other letters", body: formOf([2]string{"CONTENT-DISPOSITION:FORM-DATA;NAME=\"model\"", "m"}), want: "m"},
		{name: "with more headers", body: formOf([2]string{"Content-Type: text/plain\r\n" + field("model") + "\r\nContent-Length: 1\r\nContent-Transfer-Encoding: 8bit", "m"}), want: "m"},
		{name: "with spaces", body: formOf([2]string{"Content-Disposition: form-data ; name = \"model\" ; ", "m"}), want: "m"},
		{name: "a name that has model in it", body: formOf([2]string{field("model[]"), "x"}, [2]string{field("a;name=model"), "x"}, model), want: "whisper-1"},
		{name: "something before and after", body: "before\r\n" + formOf(model) + "after", want: "whisper-1"},
		{name: "a boundary in quotes", kind: `multipart/form-data; boundary="b"; charset=utf-8`, body: formOf(model), want: "whisper-1"},
		{name: "a type in capitals", kind: "Multipart/Form-Data; Boundary=b", body: formOf(model), want: "whisper-1"},
		{name: "a file's name with quotes", body: formOf([2]string{`Content-Disposition: form-data; name="file"; filename="a \"great\" song.wav"`, "x"}, model), want: "whisper-1"},
		{name: "a file's name with backslashes", body: formOf([2]string{`Content-Disposition: form-data; name="file"; filename="C:\\a\\"; filename*=UTF-8''a`, "x"}, model), want: "whisper-1"},

		{name: "two models", body: formOf(model, audio, model), err: ErrDuplicateModel},
		{name: "an empty model", body: formOf([2]string{field("model"), ""}), err: ErrNoModel},
		{name: "a model that is no Unicode", body: formOf([2]string{field("model"), "a\xff"}), err: ErrNoModel},
		{name: "a long model", body: formOf([2]string{field("model"), strings.Repeat("m", 2000)}), err: ErrNoModel},
		{name: "a model of two lines", body: formOf([2]string{field("model"), "a\r\nb"}), err: ErrOddPart},
		{name: "a model in a file", body: formOf([2]string{file("model"), "m"}), err: ErrOddPart},
		{name: "an encoded model", body: formOf([2]string{field("model") + "\r\nContent-Transfer-Encoding: base64", "bQ=="}), err: ErrOddPart},
		{name: "a model in capitals", body: formOf(model, [2]string{field("Model"), "m"}), err: ErrOddKey},
		{name: "two names", body: formOf([2]string{field("x") + `; name="model"`, "m"}), err: ErrOddPart},
		{name: "two headers with names", body: formOf([2]string{field("x") + "\r\n" + field("model"), "m"}), err: ErrOddPart},
		{name: "a name with a backslash", body: formOf([2]string{field(`mod\el`), "m"}), err: ErrOddPart},
		{name: "an extended name", body: formOf([2]string{field("x") + "; name*=UTF-8''model", "m"}), err: ErrOddPart},
		{name: "a file's name that may end before", body: formOf([2]string{field("x") + `; filename="a\"; name="model"`, "m"}), err: ErrOddPart},
		{name: "a name without its end", body: formOf([2]string{`Content-Disposition: form-data; name="model`, "m"}), err: ErrOddPart},
		{name: "a name and more", body: formOf([2]string{field("x") + `"model"`, "m"}), err: ErrOddPart},
		{name: "no name", body: formOf([2]string{"Content-Disposition: form-data", "m"}), err: ErrOddPart},
		{name: "an attachment", body: formOf([2]string{`Content-Disposition: attachment; name="model"`, "m"}), err: ErrOddPart},
		{name: "no disposition", body: formOf([2]string{"Content-Type: text/plain", "m"}), err: ErrNotForm},
		{name: "a folded header", body: formOf([2]string{"Content-Disposition: form-data;\r\n name=\"model\"", "m"}), err: ErrOddPart},
		{name: "a space before the colon", body: formOf([2]string{field("x") + "\r\nContent-Disposition : form-data; name=model", "m"}), err: ErrNotForm},
		{name: "no header", body: "--b\r\n\r\nm\r\n--b--\r\n", err: ErrNotForm},
		{name: "a header alone", body: "--b\r\n" + field("x") + "\r\n--b--\r\n", err: ErrNotForm},
		{name: "a long header", body: formOf([2]string{field("x") + "\r\nX: " + strings.Repeat("x", 9000), "m"}), err: ErrNotForm},
		{name: "many parts", body: formOf(slicesOf([2]string{field("x"), ""}, 1001)...), err: ErrNotForm},
		{name: "as many parts as there may be", body: formOf(slicesOf([2]string{field("x"), ""}, 1000)...)},

		{name: "cut", body: formOf(model)[:40], err: ErrNotForm},
		{name: "a line within a line's end", body: "--b\r\n--b\r\n" + field("model") + "\r\n\r\nm\r\n--b--\r\n", err: ErrNotForm},
		{name: "a beginning that ends with LF", body: "\n" + formOf(model), err: ErrNotForm},
		{name: "without its end", body: strings.TrimSuffix(formOf(model), "--b--\r\n"), err: ErrNotForm},
		{name: "no part", body: "--b--\r\n", err: ErrNotForm},
		{name: "JSON", body: `{"model":"m"}`, err: ErrNotForm},
		{name: "lines that end with LF", body: strings.ReplaceAll(formOf(model), "\r\n", "\n"), err: ErrNotForm},
		{name: "one line that ends with LF", body: formOf([2]string{field("x"), "1\n--b\n" + field("model") + "\n\nm"}), err: ErrNotForm},
		{name: "a line that only begins so", body: formOf([2]string{field("x"), "1\r\n--bb\r\n" + field("model") + "\r\n\r\nm"}), err: ErrNotForm},
		{name: "another boundary", kind: "multipart/form-data; boundary=c", body: formOf(model), err: ErrNotForm},
		{name: "no boundary", kind: "multipart/form-data", body: formOf(model), err: ErrContentType},
		{name: "two boundaries", kind: formType + "; boundary=c", body: formOf(model), err: ErrContentType},
		{name: "an extended boundary", kind: formType + "; boundary*=UTF-8''c", body: formOf(model), err: ErrContentType},
		{name: "an odd boundary", kind: `multipart/form-data; boundary="b\"c"`, body: formOf(model), err: ErrContentType},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kind := tc.kind
			if kind == "" {
				kind = formType
			}
			got, err := Lookup("/audio/transcriptions").ParseRequest(kind, []byte(tc.body))
			if !errors.Is(err, tc.err) || got.Model != tc.want {
				t.Fatalf("model %q, %v; want %q, %v", got.Model, err, tc.want, tc.err)
			}
		})
	}
}

func slicesOf(p [2]string, n int) [][2]string {
	out := make([][2]string, n)
	for i := range out {
		out[i] = p
	}
	return out
}

// TestWithModelInAForm changes the part that holds the model, and nothing else.
func TestWithModelInAForm(t *testing.T) {
	audio := [2]string{file("file"), "RIFF\x00\r\n"}
	for _, position := range []int{0, 1} {
		parts := [][2]string{audio, audio}
		parts[position] = [2]string{field("model") + "\r\nContent-Length: 9", "whisper-1"}
		body := []byte(formOf(parts...))
		r, err := Lookup("/audio/transcriptions").ParseRequest(formType, body)
		if err != nil {
			t.Fatal(err)
		}
		parts[position] = [2]string{field("model"), "other"}
		if got := bytes.Join(r.WithModel(body, "other"), nil); string(got) != formOf(parts...) {
			t.Errorf("got %q", got)
		}
		for _, same := range []string{"", "whisper-1"} {
			if got := bytes.Join(r.WithModel(body, same), nil); !bytes.Equal(got, body) {
				t.Errorf("with the model %q the body changed: %q", same, got)
			}
		}
	}
	body := []byte(formOf(audio))
	r, err := Lookup("/audio/transcriptions").ParseRequest(formType, body)
	if got := bytes.Join(r.WithModel(body, "other"), nil); err != nil || !bytes.Equal(got, body) {
		t.Errorf("a form that names no model became %q (%v)", got, err)
	}
}

// TestALargeFormIsNotCopied while its model is found and replaced.
func TestALargeFormIsNotCopied(t *testing.T) {
	const large, little = 16 << 20, 64 << 10
	form := []byte(formOf([2]string{file("file"), strings.Repeat("\r\n--", large/4)}, [2]string{field("model"), "m"}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := parseForm("b", form)
	parts := r.WithModel(form, "other")
	runtime.ReadMemStats(&after)
	if err != nil || r.Model != "m" || len(parts) != 3 {
		t.Fatalf("model %q, %v, in %d parts", r.Model, err, len(parts))
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > little {
		t.Errorf("a form of %d bytes took %d", len(form), n)
	}
}

// FuzzParseForm compares with mime/multipart: of what is accepted, that reads the
// same model and no other, also after the model was replaced, and the other parts
// are as they were.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{
		formOf([2]string{field("model"), "m"}, [2]string{file("file"), "a\r\n--a"}), formOf([2]string{file("file"), ""}, [2]string{field("model"), "m"}),
		formOf([2]string{field("x"), "y"}), formOf([2]string{"content-disposition: form-data; name=model", "m"}),
		formOf([2]string{field("x") + `; filename="a\"b"`, "m"}), formOf([2]string{field("model") + "\r\nContent-Transfer-Encoding: binary", "m"}),
		"x\r\n--b\r\n" + field("model") + "\r\n\r\nm\r\n--b--", "--b\n\n--b--", "--b\r\n\r\n\r\n--b--", "--b--b\r\n", "--b \r\n" + field("model") + "\r\n\r\nm\r\n--b--",
	} {
		f.Add("b", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, boundary string, body []byte) {
		r, err := parseForm(boundary, body)
		if err != nil {
			if r.Model != "" {
				t.Fatalf("refused with %v, and yet the model is %q", err, r.Model)
			}
			return
		}
		want := readForm(t, boundary, body)
		if got := strings.Join(want["model"], "|"); got != r.Model {
			t.Fatalf("model %q, want %q: %q", r.Model, got, body)
		}
		const other = "another/model-1"
		got := readForm(t, boundary, bytes.Join(r.WithModel(body, other), nil))
		if r.Model != "" {
			want["model"] = []string{other}
		}
		if len(got) != len(want) {
			t.Fatalf("with another model there are %d names, want %d: %q", len(got), len(want), body)
		}
		for name, values := range want {
			if strings.Join(got[name], "|") != strings.Join(values, "|") {
				t.Fatalf("with another model %q is %q, want %q: %q", name, got[name], values, body)
			}
		}
	})
}

// readForm reads a form as another reader does.
func readForm(t *testing.T, boundary string, body []byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("accepted, and mime/multipart does not: %v: %q", err, body)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("accepted, and mime/multipart does not: %v: %q", err, body)
		}
		out[p.FormName()] = append(out[p.FormName()], string(content))
	}
}
