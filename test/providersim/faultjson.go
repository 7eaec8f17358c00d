package providersim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// plainFault is Fault without its methods.
type plainFault Fault

// wireFault is Fault as JSON: its durations are strings such as "2s". The outer
// fields hide those of the same name inside.
type wireFault struct {
	plainFault
	HeaderDelay     json.RawMessage `json:"headerDelay,omitempty"`
	FirstTokenDelay json.RawMessage `json:"firstTokenDelay,omitempty"`
	TokenDelay      json.RawMessage `json:"tokenDelay,omitempty"`
	KeepAliveEvery  json.RawMessage `json:"keepAliveEvery,omitempty"`
}

func (w *wireFault) durations() []*json.RawMessage {
	return []*json.RawMessage{&w.HeaderDelay, &w.FirstTokenDelay, &w.TokenDelay, &w.KeepAliveEvery}
}

// MarshalJSON writes durations as strings.
func (f Fault) MarshalJSON() ([]byte, error) {
	w := wireFault{plainFault: plainFault(f)}
	raw := w.durations()
	for i, d := range f.durations() {
		if *d.value != 0 {
			*raw[i] = json.RawMessage(quote(d.value.String()))
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads durations as strings and refuses unknown fields.
func (f *Fault) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var w wireFault
	if err := dec.Decode(&w); err != nil {
		return explain(err)
	}
	out := Fault(w.plainFault)
	raw := w.durations()
	for i, d := range out.durations() {
		if len(*raw[i]) == 0 {
			continue
		}
		var text string
		err := json.Unmarshal(*raw[i], &text)
		if err == nil {
			*d.value, err = time.ParseDuration(text)
		}
		if err != nil {
			return fmt.Errorf(`%s: want a duration as a string, such as "2s" or "250ms", got %s`, d.name, *raw[i])
		}
	}
	*f = out
	return nil
}

// parseFaults reads one fault or a list of them.
func parseFaults(data []byte) ([]Fault, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		var faults []Fault
		return faults, explain(decodeOne(data, &faults))
	}
	var fault Fault
	if err := decodeOne(data, &fault); err != nil {
		return nil, explain(err)
	}
	return []Fault{fault}, nil
}

// decodeOne decodes a single JSON value and refuses what follows it.
func decodeOne(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("want one fault, or a list of them, and nothing after it")
	}
	return nil
}

// explain rewrites encoding/json's errors so that they say what would be right.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("unknown field %s: a fault has %s", field, list(fieldNames()))
	}
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := bad.Field[strings.LastIndex(bad.Field, ".")+1:]
		if field == "" {
			return fmt.Errorf(`want a fault as a JSON object, such as {"kind":"status","status":503}, got a %s`, bad.Value)
		}
		return fmt.Errorf("%s: want %s, got a %s", field, jsonName(bad.Type), bad.Value)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf(`not JSON (%w): want a fault such as {"kind":"status","status":503}`, err)
	}
	return err
}

func fieldNames() []string {
	var names []string
	for f := range reflect.TypeFor[Fault]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Map:
		return "an object of strings"
	default:
		return "a string"
	}
}
