package dialect

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       Request
		err        error
	}{
		{name: "plain", body: `{"model":"gpt-4o","messages":[]}`, want: Request{Model: "gpt-4o"}},
		{name: "streamed", body: `{"stream":true,"model":"m"}`, want: Request{Model: "m", Stream: true}},
		{name: "stream null", body: `{"stream":null,"model":"m"}`, want: Request{Model: "m"}},
		{name: "white space around", body: " \n {\"model\" : \"m\"} \n", want: Request{Model: "m"}},
		{name: "escaped key and value", body: `{"mod\u0065l":"g\u0070t"}`, want: Request{Model: "gpt"}},
		{name: "a nested model is none", body: `{"a":{"model":"x"}}`, err: ErrNoModel},
		{name: "empty model", body: `{"model":""}`, err: ErrNoModel},
		{name: "model of another type", body: `{"model":7}`, err: ErrNoModel},
		{name: "two models", body: `{"model":"a","model":"b"}`, err: ErrDuplicateModel},
		{name: "two models, one escaped", body: `{"model":"a","mod\u0065l":"b"}`, err: ErrDuplicateModel},
		{name: "stream of another type", body: `{"model":"a","stream":"yes"}`, err: ErrStreamNotBool},
		{name: "one of another type, one good", body: `{"model":7,"model":"b"}`, err: ErrNoModel},
		{name: "a model in capitals", body: `{"Model":"a"}`, err: ErrOddKey},
		{name: "another model in capitals", body: `{"model":"a","MODEL":"b"}`, err: ErrOddKey},
		{name: "stream in capitals", body: `{"model":"a","Stream":true}`, err: ErrOddKey},
		{name: "stream with a long s", body: `{"model":"a","\u017ftream":true}`, err: ErrOddKey},
		{name: "stream twice", body: `{"model":"a","stream":null,"stream":true}`, err: ErrDuplicateModel},
		{name: "stream as a number", body: `{"model":"a","stream":1}`, err: ErrStreamNotBool},
		{name: "stream as an object", body: `{"model":"a","stream":{}}`, err: ErrStreamNotBool},
		{name: "not streamed", body: `{"stream":false,"model":"m"}`, want: Request{Model: "m"}},
		{name: "a model that is no Unicode", body: "{\"model\":\"a\xff\"}", err: ErrNoModel},
		{name: "half a surrogate pair", body: `{"model":"a\ud800"}`, err: ErrNoModel},
		{name: "no Unicode elsewhere", body: "{\"model\":\"m\",\"x\":\"\xff\"}", want: Request{Model: "m"}},
		{name: "something after the object", body: `{"model":"a"}{}`, err: ErrNotJSON},
		{name: "null", body: `null`, err: ErrNotJSON},
		{name: "an array", body: `[1]`, err: ErrNotJSON},
		{name: "not JSON", body: `{"model":"a"`, err: ErrNotJSON},
		{name: "empty", body: ``, err: ErrNotJSON},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseRequest([]byte(tc.body))
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if got.Model != tc.want.Model || got.Stream != tc.want.Stream {
				t.Fatalf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestWithModelChangesNothingElse(t *testing.T) {
	const body = "  {\"a\":{\"model\":\"x\"}, \"model\" : \"old\" ,\"z\":1}\n"
	r, err := ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	join := func(parts [][]byte) string { return string(bytes.Join(parts, nil)) }
	got := join(r.WithModel([]byte(body), `ne"w`))
	if want := strings.Replace(body, `"old"`, `"ne\"w"`, 1); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if got := join(r.WithModel([]byte(body), "")); got != body {
		t.Fatalf("without another model the body changed: %s", got)
	}
}
