package providersim_test

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

// upload posts a form with a file and these fields, names and values in turn.
func upload(t *testing.T, s *providersim.Server, path string, fields ...string) result {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "a.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("RIFF")) // neither fails on a bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	_ = w.Close()
	r := request(t, t.Context(), s, http.MethodPost, path, body.String())
	r.Header.Set("Content-Type", w.FormDataContentType())
	return do(s.Client(), r)
}

func TestMedia(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "a", Tokens: 2})
	if got := post(t, s, "/v1/audio/speech", `{"model":"tts","input":"Hi"}`); got.header.Get("Content-Type") != "audio/mpeg" || !strings.HasSuffix(got.body, "a: word1|Hi") {
		t.Errorf("speech: %v %q", got.header, got.body)
	}
	if got := upload(t, s, "/v1/audio/transcriptions", "model", "w"); gjson.Get(got.body, "text").String() != "a heard 4 bytes of a.wav" {
		t.Errorf("a transcription: %s", got.body)
	}
	if got := upload(t, s, "/v1/audio/translations", "model", "w", "response_format", "text"); got.body != "a heard 4 bytes of a.wav\n" {
		t.Errorf("a translation: %s", got.body)
	}
	streamed := events(upload(t, s, "/v1/audio/transcriptions", "stream", "true", "model", "w").body)
	if last := streamed[len(streamed)-1].data; len(streamed) != 7 || gjson.Get(last, "text").String() != "a heard 4 bytes of a.wav" {
		t.Errorf("a streamed transcription: %v", streamed)
	}
	if got := upload(t, s, "/v1/audio/transcriptions"); got.status != http.StatusBadRequest {
		t.Errorf("a transcription by no model: %d %s", got.status, got.body)
	}
	picture := upload(t, s, "/v1/images/edits", "model", "i", "n", "2")
	if got, err := base64.StdEncoding.DecodeString(gjson.Get(picture.body, "data.1.b64_json").String()); err != nil || !strings.HasSuffix(string(got), " a i 1 of 4 bytes of a.wav") {
		t.Errorf("pictures: %s", picture.body)
	}
	if got := post(t, s, "/v1/moderations", `{"input":"Hi"}`); gjson.Get(got.body, "results.#").Int() != 1 {
		t.Errorf("a moderation: %s", got.body)
	}
	if got := post(t, s, "/v1/messages/count_tokens", messageBody); gjson.Get(got.body, "input_tokens").Int() < 1 {
		t.Errorf("a count: %s", got.body)
	}
	if got := post(t, s, "/v1/batches", `{"input_file_id":"f"}`); gjson.Get(got.body, "id").String() != "job-a-9" {
		t.Errorf("a batch: %s", got.body)
	}
	if got := s.Requests()[1]; got.Model != "w" {
		t.Errorf("the log has the model %q", got.Model)
	}
}

func TestFiles(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Name: "a"})
	ask := func(method, path string) result { return do(s.Client(), request(t, t.Context(), s, method, path, "")) }
	got := upload(t, s, "/v1/files", "purpose", "batch")
	id := gjson.Get(got.body, "id").String()
	if id == "" || gjson.Get(got.body, "purpose").String() != "batch" || gjson.Get(got.body, "bytes").Int() != 4 {
		t.Fatalf("got %d: %s", got.status, got.body)
	}
	if got := ask(http.MethodGet, "/v1/files"); gjson.Get(got.body, "data.0.id").String() != id {
		t.Errorf("the list is %s", got.body)
	}
	if got := ask(http.MethodGet, "/v1/files/"+id); gjson.Get(got.body, "filename").String() != "a.wav" {
		t.Errorf("the file is %s", got.body)
	}
	if got := ask(http.MethodGet, "/v1/files/"+id+"/content"); got.body != "RIFF" {
		t.Errorf("its content is %q", got.body)
	}
	if got := ask(http.MethodDelete, "/v1/files/"+id); !gjson.Get(got.body, "deleted").Bool() {
		t.Errorf("deleted as %s", got.body)
	}
	if got := ask(http.MethodGet, "/v1/files/"+id); got.status != http.StatusNotFound {
		t.Errorf("a file that is gone: %d %s", got.status, got.body)
	}
}
