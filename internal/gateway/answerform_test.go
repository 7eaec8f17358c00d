package gateway_test

import (
	"io"
	"net/http"
	"testing"
)

// TestAPathsAnswerKeepsItsForm: trailers, encodings, statuses without a body.
func TestAPathsAnswerKeepsItsForm(t *testing.T) {
	t.Parallel()
	const checksum = "900150983cd2"
	trailed := func(body string) func(s scripted) {
		return func(s scripted) {
			s.w.Header().Set("Trailer", "X-Checksum")
			s.send(body)
			s.w.Header().Set("X-Checksum", checksum)
		}
	}
	for _, tc := range []struct {
		name    string
		method  string
		play    func(s scripted)
		status  int
		header  map[string]string
		body    string
		trailer string
	}{
		{"a trailer", "GET", trailed("abc"), 200, nil, "abc", checksum},
		{"a trailer after much", "GET", trailed(block(100 << 10)), 200, nil, block(100 << 10), checksum},
		{"a trailer after nothing", "GET", trailed(""), 200, nil, "", checksum},
		{"304", "GET", func(s scripted) {
			s.w.Header().Set("Etag", `"v7"`)
			s.w.WriteHeader(http.StatusNotModified)
		}, 304, map[string]string{"Etag": `"v7"`}, "", ""},
		{"204", "GET", func(s scripted) { s.w.WriteHeader(http.StatusNoContent) }, 204, nil, "", ""},
		{"an answer to HEAD", "HEAD", func(s scripted) {
			s.w.Header().Set("Content-Length", "1234")
		}, 200, map[string]string{"Content-Length": "1234"}, "", ""},
		{"an encoding that the client asked for", "GET", func(s scripted) {
			s.w.Header().Set("Content-Encoding", s.r.Header.Get("Accept-Encoding"))
			s.send("abc")
		}, 200, map[string]string{"Content-Encoding": "br"}, "abc", ""},
		{"no type", "GET", func(s scripted) {
			s.w.Header()["Content-Type"] = nil
			s.send("<html>")
		}, 200, map[string]string{"Content-Type": ""}, "<html>", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, doorRoutes(t, script(t, tc.play), newPolicy(t))...)
			req, err := http.NewRequestWithContext(t.Context(), tc.method, r.url+"/ext/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", "br")
			resp, err := r.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tc.status || string(body) != tc.body {
				t.Errorf("status %d (%v): %.200q", resp.StatusCode, err, body)
			}
			reply{header: resp.Header}.wantHeaders(t, tc.header)
			if got := resp.Trailer.Get("X-Checksum"); got != tc.trailer {
				t.Errorf("the trailer is %q, want %q", got, tc.trailer)
			}
			r.wantEnd("Success", "Success")
		})
	}
}
