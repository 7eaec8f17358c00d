package sdk

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// recording is a file with all that a form must not stumble over.
var recording = []byte("RIFF\x00\xff\r\n--\r\n\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother\r\n" + strings.Repeat("\x00", 100_000))

func transcription() openai.AudioTranscriptionNewParams {
	return openai.AudioTranscriptionNewParams{Model: stage.OpenAIModel, File: openai.File(bytes.NewReader(recording), `my "great" talk.wav`, "audio/wav")}
}

// heard is what the simulated provider says of it, after its name.
var heard = fmt.Sprintf(" heard %d bytes of my \"great\" talk.wav", len(recording))

func TestSpeech(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	sounds := map[string]string{}
	for name, client := range map[string]openai.Client{
		"gateway": openAIClient(s.URL, "sk-client"), "provider": openAIClient(s.Primary.URL, stage.ProviderKey),
	} {
		resp, err := client.Audio.Speech.New(t.Context(), openai.AudioSpeechNewParams{
			Model: stage.OpenAIModel, Input: "Hello", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")},
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sound, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it has been read
		if err != nil || resp.Header.Get("Content-Type") != "audio/mpeg" {
			t.Errorf("%s: %v, %v", name, resp.Header, err)
		}
		sounds[name] = string(sound)
	}
	if sounds["gateway"] != sounds["provider"] || !strings.HasPrefix(sounds["gateway"], "\xff\xfb") {
		t.Errorf("got %q", sounds)
	}
}

// TestTranscription: the file arrives whole, at the fallback too.
func TestTranscription(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client")
	t.Run("whole", func(t *testing.T) {
		got, err := client.Audio.Transcriptions.New(t.Context(), transcription())
		if err != nil || got.Text != "primary"+heard {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("streamed", func(t *testing.T) {
		stream := client.Audio.Transcriptions.NewStreaming(t.Context(), transcription())
		defer stream.Close()
		text, done := "", ""
		for stream.Next() {
			text += stream.Current().Delta
			done = stream.Current().Text
		}
		if stream.Err() != nil || text != "primary"+heard || done != text {
			t.Errorf("got %q, %q, %v", text, done, stream.Err())
		}
	})
	t.Run("translated", func(t *testing.T) {
		got, err := client.Audio.Translations.New(t.Context(), openai.AudioTranslationNewParams{ //nolint:staticcheck // deprecated, and still called
			Model: stage.OpenAIModel, File: openai.File(bytes.NewReader(recording), `my "great" talk.wav`, "audio/wav"),
		})
		if err != nil || got.Text != "primary"+heard {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("by the fallback", func(t *testing.T) {
		if err := s.Primary.SetFault(providersim.Fault{Status: 500}); err != nil {
			t.Fatal(err)
		}
		got, err := client.Audio.Transcriptions.New(t.Context(), transcription())
		if err != nil || got.Text != "fallback"+heard {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client")
	picture := func() io.Reader { return openai.File(bytes.NewReader(recording), "a.png", "image/png") }
	for name, draw := range map[string]func() (*openai.ImagesResponse, error){
		"generated": func() (*openai.ImagesResponse, error) {
			return client.Images.Generate(t.Context(), openai.ImageGenerateParams{Model: stage.OpenAIModel, Prompt: "Hello"})
		},
		"edited": func() (*openai.ImagesResponse, error) {
			return client.Images.Edit(t.Context(), openai.ImageEditParams{
				Model: stage.OpenAIModel, Prompt: "Hello", Image: openai.ImageEditParamsImageUnion{OfFile: picture()},
			})
		},
		"varied": func() (*openai.ImagesResponse, error) {
			return client.Images.NewVariation(t.Context(), openai.ImageNewVariationParams{Model: stage.OpenAIModel, Image: picture()}) //nolint:staticcheck // deprecated, and still called
		},
	} {
		got, err := draw()
		if err != nil || len(got.Data) != 1 {
			t.Errorf("%s: got %+v, %v", name, got, err)
			continue
		}
		drawn, err := base64.StdEncoding.DecodeString(got.Data[0].B64JSON)
		if want := "\x89PNG primary " + stage.OpenAIModel + " 0"; err != nil || !strings.HasPrefix(string(drawn), want) {
			t.Errorf("%s: got %q, %v", name, drawn, err)
		}
		if name != "generated" && !strings.HasSuffix(string(drawn), fmt.Sprintf("of %d bytes of a.png", len(recording))) {
			t.Errorf("%s: it was made of %q", name, drawn)
		}
	}
}
