package dialect

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzWithUsage asks for the usage of whatever the gateway would route: beside
// that and the model, nothing of the request changes.
func FuzzWithUsage(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m"}`, "{\"model\":\"m\",\"a\":{\"}\":1}}\r\n ", `{"stream_options":{"x":[{}]},"model":"m"}`, `{"model":"m","stream_options":null}`,
		`{"model":"m","stream_options":7}`, `{"model":"m","stream_options":[]}`, `{"model":"m","stream_options":{"include_usage":{"a":1}}}`,
		`{"model":"m","stream\u005foptions":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest(body)
		if err != nil || r.Usage {
			return
		}
		got := bytes.Join(r.WithUsage(r.WithModel(body, "other")), nil)
		var is, was map[string]any
		if err := json.Unmarshal(got, &is); err != nil {
			t.Fatalf("%q became %q: %v", body, got, err)
		}
		if err := json.Unmarshal(body, &was); err != nil {
			return // a number beyond float64, which this test cannot compare
		}
		options, ok := was["stream_options"].(map[string]any)
		if !ok && was["stream_options"] != nil {
			if d := cmp.Diff(was["stream_options"], is["stream_options"]); d != "" {
				t.Fatalf("what the provider refuses became %q: %s", got, d)
			}
			return
		}
		if options == nil {
			options = map[string]any{}
		}
		if r.options && bytes.Count(body, []byte("stream"))+bytes.Count(body, []byte(`\u`)) > 1 {
			return // of two, it is unknown which the provider reads
		}
		options["include_usage"] = true
		was["stream_options"], was["model"] = options, "other"
		if d := cmp.Diff(was, is); d != "" {
			t.Fatalf("%q became %q: %s", body, got, d)
		}
	})
}
