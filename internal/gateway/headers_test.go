package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMergeQuery(t *testing.T) {
	version := url.Values{"api-version": {"7"}}
	for _, tc := range []struct {
		name, client string
		backend      url.Values
		want         string
	}{
		{"nothing", "", nil, ""},
		{"the client's, untouched", "b=2&a=%31&a=+&x;y", nil, "b=2&a=%31&a=+&x;y"},
		{"the backend's", "", version, "api-version=7"},
		{"both", "b=2&a=1", version, "a=1&api-version=7&b=2"},
		{"the backend's win", "api-version=6&api-version=5", version, "api-version=7"},
		{"the backend's win over an escaped name", "api%2Dversion=6", version, "api-version=7"},
		{"other capitals are another name", "Api-Version=6", version, "Api-Version=6&api-version=7"},
		{"several of the backend's", "t=3", url.Values{"t": {"1", "2"}}, "t=1&t=2"},
		{"what must be escaped", "q=a%20b", url.Values{"k": {"&=é"}}, "k=%26%3D%C3%A9&q=a+b"},
		{"an odd separator", "api-version=6;a=1", version, "api-version=7"},
		{"a broken escape", "a=%zz&b=1", version, "api-version=7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mergeQuery(tc.client, tc.backend); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRetryAfterSeconds(t *testing.T) {
	for in, want := range map[time.Duration]string{
		1: "1", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 29500 * time.Millisecond: "30", time.Hour: "3600",
	} {
		if got := retryAfterSeconds(in); got != want {
			t.Errorf("%v: got %s, want %s", in, got, want)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for _, tc := range []struct {
		name  string
		sent  []string
		taken bool
	}{
		{"printable", []string{"a-Z_0.9~!"}, true},
		{"the longest", []string{strings.Repeat("x", 128)}, true},
		{"longer", []string{strings.Repeat("x", 129)}, false},
		{"none", nil, false},
		{"empty", []string{""}, false},
		{"two", []string{"a", "b"}, false},
		{"a space", []string{"a b"}, false},
		{"a tab", []string{"a\tb"}, false},
		{"a line", []string{"a\nb"}, false},
		{"a control", []string{"a\x7f"}, false},
		{"not ASCII", []string{"é"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := requestID(http.Header{headerRequestID: tc.sent})
			if tc.taken && got != tc.sent[0] || !tc.taken && !made.MatchString(got) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestHasDotSegments(t *testing.T) {
	for path, want := range map[string]bool{
		"/a/b": false, "/": false, "": false, "/a..b/..c/d..": false, "/...": false,
		"/..": true, "/a/../b": true, "/a/.": true, "./a": true, "..": true,
	} {
		if got := hasDotSegments(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}
