package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCircuitKeyString(t *testing.T) {
	for _, tc := range []struct {
		name string
		key  CircuitKey
		want string
	}{
		{"of a model", CircuitKey{Policy: "p", Origin: "https://api.openai.com", Credential: "openai/api-key", Model: "gpt-4o"}, "openai/api-key@api.openai.com/gpt-4o"},
		{"of a model, without a credential", CircuitKey{Policy: "p", Origin: "https://api.openai.com", Model: "gpt-4o"}, "api.openai.com/gpt-4o"},
		{"of a pattern", CircuitKey{Policy: "p", Origin: "https://api.openai.com", Model: "gpt-*"}, "api.openai.com/gpt-*"},
		{"of a provider", CircuitKey{Policy: "p", Origin: "https://api.openai.com:8443", Credential: "passthrough"}, "passthrough@api.openai.com:8443"},
		{"in plain text", CircuitKey{Policy: "p", Origin: "http://10.0.0.1:8080"}, "http://10.0.0.1:8080"},
		{"of the policy", CircuitKey{Policy: "p"}, "(policy)"},
		{"of all beyond the limit", CircuitKey{Policy: "p", Overflow: true}, "(overflow)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.key.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestSecretIsNotShown however it is printed, and whatever it is a part of.
func TestSecretIsNotShown(t *testing.T) {
	const value = "sk-very-secret"
	secret := Secret(value)
	credential := Credential{Kind: CredentialSecret, Key: secret}
	backend := &Backend{Name: "b", Credential: credential}
	for name, v := range map[string]any{
		"a secret": secret, "a pointer": &secret, "a credential": credential, "a backend": backend, "a value of a backend": *backend,
		"a list": []Secret{secret}, "a map": map[string]Secret{"k": secret}, "an error": fmt.Errorf("using %v", secret),
		"a route": &Route{Backends: []*Backend{backend}},
	} {
		for _, format := range []string{"%v", "%+v", "%#v"} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, value) {
				t.Errorf("%s as %s: %s", name, format, got)
			}
		}
		encoded, err := json.Marshal(v)
		if err != nil || strings.Contains(string(encoded), value) {
			t.Errorf("%s as JSON: %s, %v", name, encoded, err)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("Told", "value", v)
			if strings.Contains(log.String(), value) {
				t.Errorf("%s in a log: %s", name, log.String())
			}
		}
	}
	for format, want := range map[string]string{"%v": "(redacted)", "%s": "(redacted)", "%q": `"(redacted)"`, "%x": fmt.Sprintf("%x", "(redacted)")} {
		if got := fmt.Sprintf(format, secret); got != want {
			t.Errorf("as %s: %s, want %s", format, got, want)
		}
	}
	if string(secret) != value {
		t.Error("the value is lost to those who use it")
	}
}
