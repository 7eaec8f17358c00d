package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestSoundStreamsThrough: the client has the beginning before the provider has
// made the end, and nothing is held.
func TestSoundStreamsThrough(t *testing.T) {
	t.Parallel()
	heard := make(chan struct{})
	provider := script(t, func(s scripted) {
		s.w.Header().Set("Content-Type", "audio/mpeg")
		s.send("\xff\xfb begin")
		s.wait(heard)
		s.send(block(20 << 20))
	})
	r := newRig(t, nil, anyRoute(t, provider, newPolicy(t)))
	a := r.open("/v1/audio/speech", `{"model":"tts","input":"Hi"}`)
	begin := make([]byte, len("\xff\xfb begin"))
	if _, err := io.ReadFull(a.reader, begin); err != nil || string(begin) != "\xff\xfb begin" {
		t.Fatalf("heard %q, %v", begin, err)
	}
	if held := r.counts("switchgear_buffered_bytes", ""); len(held) != 0 {
		t.Errorf("%v bytes are held", held)
	}
	close(heard)
	if rest, err := io.ReadAll(a.reader); err != nil || len(rest) != 20<<20 {
		t.Errorf("the rest is %d bytes, %v", len(rest), err)
	}
	r.wantEnd("Success", "Success")
}

// TestAnOpaqueAnswerThatBreaksOff breaks the client's connection, and is a failure.
func TestAnOpaqueAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, kind, body, class string
	}{
		{"/v1/audio/speech", "application/json", `{"model":"tts","input":"Hi"}`, "InvalidResponse"},
		{"/v1/audio/transcriptions", formType, strings.Replace(modelPart+filePart, "%s", "w", 1) + strings.Replace(modelPart, `"model"`, `"stream"`, 1) + formEnd, "StreamError"},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 2})
			r := newRig(t, nil, anyRoute(t, sim.URL, newPolicy(t)))
			got := r.exchange(t.Context(), http.MethodPost, tc.path, strings.Replace(tc.body, "%s", "true", 1), "Content-Type", tc.kind)
			if got.err == nil {
				t.Errorf("status %d: %q, which looks whole", got.status, got.body)
			}
			r.wantEnd(tc.class, "Failure")
		})
	}
}

// TestATranscriptionThatIsCut is made good for: it was held.
func TestATranscriptionThatIsCut(t *testing.T) {
	inBubbleOfAny(t, nil, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Cut})
		body := strings.Replace(modelPart+filePart+formEnd, "%s", "w", 1)
		if a := r.request(http.MethodPost, "/v1/audio/transcriptions", body); a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"text":"b1 heard `) {
			t.Errorf("got %d: %s", a.status, a.body)
		}
		r.wantStory("b0@0s b0@500ms b1@500ms")
	})
}

// TestAStreamThatMeansNothing passes: events of pictures, of a transcription.
func TestAStreamThatMeansNothing(t *testing.T) {
	t.Parallel()
	const events = "event: image_generation.partial_image\ndata: {\"b64_json\":\"iVBO\"}\n\nevent: image_generation.completed\ndata: {}\n\n"
	provider := script(t, func(s scripted) {
		s.stream()
		s.send(events)
	})
	r := newRig(t, nil, anyRoute(t, provider, newPolicy(t)))
	got := r.send(http.MethodPost, "/v1/images/generations", `{"model":"i","prompt":"Hi","stream":true}`)
	if got.status != http.StatusOK || got.body != events {
		t.Errorf("status %d: %q", got.status, got.body)
	}
	r.wantEnd("Success", "Success")
}

// TestAnswersThatAreRead: a 200 of an endpoint whose answers have a known form is
// none if it has another.
func TestAnswersThatAreRead(t *testing.T) {
	t.Parallel()
	for path, answer := range map[string]string{
		"/v1/images/generations":    `{"data":[]}`,
		"/v1/moderations":           `{"results":[]}`,
		"/v1/embeddings":            `{"data":[]}`,
		"/v1/messages/count_tokens": `{"input_tokens":7}`,
	} {
		for body, whole := range map[string]bool{answer: true, `{"data":{},"results":{},"input_tokens":[]}`: false, "<html>": false, "": false} {
			t.Run(path+" "+body, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, nil, anyRoute(t, script(t, func(s scripted) { s.send(body) }), newPolicy(t)))
				got := r.send(http.MethodPost, path, `{"model":"m"}`)
				if whole {
					if got.status != http.StatusOK || got.body != body {
						t.Errorf("status %d: %q", got.status, got.body)
					}
					r.wantEnd("Success", "Success")
					return
				}
				if code := got.header.Get("X-Switchgear-Error"); got.status != http.StatusBadGateway || code != "upstream_unavailable" {
					t.Errorf("status %d %s: %q", got.status, code, got.body)
				}
				r.wantEnd("InvalidResponse", "Failure")
			})
		}
	}
}

// TestRefusalsElsewhere are told as the provider words them, and classified by
// what they say.
func TestRefusalsElsewhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path     string
		status         int
		body           string
		class, outcome string
		own            string // the gateway's code
	}{
		{"a bad request", "/v1/files", 400, `{"error":{"message":"no file"}}`, "Rejected", "Ignored", ""},
		{"a file that is not there", "/v1/files/x", 404, `{"error":{"message":"no such file"}}`, "ModelUnavailable", "Ignored", ""},
		{"a picture that is refused", "/v1/images/generations", 400, `{"error":{"code":"content_policy_violation"}}`, "ContentRefused", "Ignored", ""},
		{"a limit of billing", "/v1/images/generations", 400, `{"error":{"code":"billing_hard_limit_reached"}}`, "QuotaExhausted", "Throttled", "upstream_quota_exhausted"},
		{"a key for a call of a model", "/v1/audio/speech", 403, `{"error":{"message":"sk-own"}}`, "CredentialRejected", "Failure", "upstream_credential_rejected"},
		{"a key for anything else", "/v1/files", 403, `{"error":{"message":"sk-own"}}`, "CredentialRejected", "Ignored", "upstream_credential_rejected"},
		{"an outage", "/v1/files", 500, `{"error":{"message":"oops"}}`, "ServerError", "Failure", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			route := anyRoute(t, script(t, func(s scripted) {
				s.w.WriteHeader(tc.status)
				s.send(tc.body)
			}), newPolicy(t))
			ownKey(route.Backends[0])
			r := newRig(t, nil, route)
			got := r.send(http.MethodPost, tc.path, `{"model":"m"}`)
			if own := got.header.Get("X-Switchgear-Error"); own != tc.own {
				t.Errorf("the code is %q, want %q", own, tc.own)
			}
			if told := got.status == tc.status && got.body == tc.body; told != (tc.own == "") {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			r.wantEnd(tc.class, tc.outcome)
		})
	}
}
