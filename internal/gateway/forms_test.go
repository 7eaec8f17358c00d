package gateway_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// Parts of forms. %s stands for the model.
const (
	filePart  = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\x00\xff\r\n--a\r\n\r\n"
	fieldPart = "--b\r\nContent-Disposition: form-data; name=language\r\n\r\nen\r\n"
	modelPart = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n%s\r\n"
	formEnd   = "--b--\r\n"
)

// TestTheModelOfAForm is found wherever it stands, and replaced by the backend's;
// the rest arrives byte for byte, under the same boundary, with its new length.
func TestTheModelOfAForm(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]string{
		"first":  modelPart + filePart + fieldPart + formEnd,
		"amid":   fieldPart + modelPart + filePart + formEnd,
		"last":   filePart + fieldPart + modelPart + formEnd,
		"alone":  modelPart + formEnd,
		"longer": filePart + strings.Repeat(fieldPart, 100) + modelPart + formEnd,
	} {
		for backend, want := range map[string]string{"": "gpt", "gpt": "gpt", "whisper-large-v3": "whisper-large-v3"} {
			t.Run(name+", for the backend's model "+backend, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{Name: "sim"})
				r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), func(b *gateway.Backend) { b.Model = backend })...)
				got := r.send(http.MethodPost, "/v1/audio/transcriptions", strings.Replace(form, "%s", "gpt", 1), "Content-Type", formType)
				if got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"text":"sim heard `) {
					t.Errorf("status %d: %s", got.status, got.body)
				}
				seen := sim.Requests()[0]
				if d := cmp.Diff(strings.Replace(form, "%s", want, 1), string(seen.Body)); d != "" {
					t.Errorf("the provider got (-want +got):\n%s", d)
				}
				if n := strconv.Itoa(len(seen.Body)); seen.Header.Get("Content-Length") != n {
					t.Errorf("the provider got a length of %q, want %s", seen.Header.Get("Content-Length"), n)
				}
				if seen.Model != want || seen.Header.Get("Content-Type") != formType {
					t.Errorf("the provider read the model %q, in a %s", seen.Model, seen.Header.Get("Content-Type"))
				}
				r.wantEnd("Success", "Success")
			})
		}
	}
}

// TestWhereNoModelIsNamedNoneIsPutIn: the provider has a default of its own.
func TestWhereNoModelIsNamedNoneIsPutIn(t *testing.T) {
	t.Parallel()
	for path, of := range map[string][2]string{
		"/v1/moderations": {"application/json", `{"input":"Hi"}`},
		"/v1/files":       {formType, filePart + fieldPart + formEnd},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			route := anyRoute(t, sim.URL, newPolicy(t))
			route.Backends[0].Model = "other"
			r := newRig(t, nil, route)
			if got := r.send(http.MethodPost, path, of[1], "Content-Type", of[0]); got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			if got := string(sim.Requests()[0].Body); got != of[1] {
				t.Errorf("the provider got %s", got)
			}
		})
	}
}

// TestFormsThatAreRefused before any provider is asked: what another reader might
// find another model in.
func TestFormsThatAreRefused(t *testing.T) {
	t.Parallel()
	whole := strings.Replace(modelPart+filePart+formEnd, "%s", "gpt", 1)
	for _, tc := range []struct{ name, kind, body string }{
		{"cut", formType, whole[:len(whole)-4]},
		{"of another boundary", "multipart/form-data; boundary=c", whole},
		{"of no boundary", "multipart/form-data", whole},
		{"of two types", formType + ", application/json", whole},
		{"two models", formType, strings.Replace(modelPart, "%s", "other", 1) + whole},
		{"a model with two names", formType, strings.Replace(whole, `name="model"`, `name="x"; name="model"`, 1)},
		{"an encoded model", formType, strings.Replace(whole, "\r\n\r\ngpt", "\r\nContent-Transfer-Encoding: base64\r\n\r\nZ3B0", 1)},
		{"JSON", formType, chatDoor.body},
		{"a form that is said to be JSON", "application/json", whole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, nil, append(doorRoutes(t, sim.URL, newPolicy(t)), anyRoute(t, sim.URL, newPolicy(t)))...)
			got := r.send(http.MethodPost, "/v1/audio/transcriptions", tc.body, "Content-Type", tc.kind)
			got.wantOwn(t, chatDoor, http.StatusBadRequest, "invalid_body")
			if sim.Count() != 0 {
				t.Error("the provider was asked")
			}
			r.wantIdle()
		})
	}
}
