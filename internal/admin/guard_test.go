package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuardSaysByWhichNameToAsk(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8082":      "by an IP address or localhost\"",
		"localhost:8082":      "by an IP address or localhost\"",
		":8082":               "by an IP address or localhost\"",
		"gw.example.com:8082": "by an IP address or localhost or gw.example.com\"",
	} {
		r := httptest.NewRequest(http.MethodGet, "http://rebound.example.net/", nil)
		w := httptest.NewRecorder()
		newGuard(address, http.NotFoundHandler()).ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("listening on %s it says %s, want %s", address, w.Body, want)
		}
	}
}

func TestGuardKeepsPagesOut(t *testing.T) {
	for name, c := range map[string]struct {
		method, host string
		headers      map[string]string
		code         string // of the error; empty: it is let through
	}{
		"a program, by address":           {"GET", "127.0.0.1:8082", nil, ""},
		"a program, by IPv6 address":      {"GET", "[::1]:8082", nil, ""},
		"a program, without a port":       {"GET", "::1", nil, ""},
		"a program, by localhost":         {"GET", "localhost:8082", nil, ""},
		"by Localhost":                    {"GET", "Localhost", nil, ""},
		"through a forwarded port":        {"POST", "localhost:9999", nil, ""},
		"by the name that it was given":   {"GET", "gw.example.com:8082", nil, ""},
		"by an attacker's name":           {"GET", "rebound.example.net:8082", nil, "host_not_allowed"},
		"by a name that ends alike":       {"GET", "evil.localhost.example.net", nil, "host_not_allowed"},
		"by a name within localhost":      {"GET", "x.localhost", nil, "host_not_allowed"},
		"by no name":                      {"GET", "", nil, "host_not_allowed"},
		"reset, by an attacker's name":    {"POST", "rebound.example.net", nil, "host_not_allowed"},
		"a person types the address":      {"GET", "localhost:8082", map[string]string{"Sec-Fetch-Site": "none"}, ""},
		"its own page":                    {"POST", "localhost:8082", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8082"}, ""},
		"another site's page posts":       {"POST", "localhost:8082", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.net"}, "cross_site"},
		"another port's page posts":       {"POST", "localhost:8082", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, "cross_site"},
		"another site's page listens":     {"GET", "localhost:8082", map[string]string{"Sec-Fetch-Site": "cross-site"}, "cross_site"},
		"an old browser posts":            {"POST", "localhost:8082", map[string]string{"Origin": "https://evil.example.net"}, "cross_site"},
		"an old browser posts from null":  {"POST", "localhost:8082", map[string]string{"Origin": "null"}, "cross_site"},
		"an old browser posts from here":  {"POST", "localhost:8082", map[string]string{"Origin": "http://localhost:8082"}, ""},
		"from a port of the same address": {"POST", "localhost:8082", map[string]string{"Origin": "http://localhost:3000"}, "cross_site"},
	} {
		t.Run(name, func(t *testing.T) {
			reached := false
			g := newGuard("gw.example.com:8082", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			r := httptest.NewRequest(c.method, "http://localhost/", nil)
			r.Host = c.host
			for name, value := range c.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if c.code == "" {
				if !reached {
					t.Errorf("refused with %d %s", w.Code, w.Body)
				}
				return
			}
			var body ErrorBody
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if reached || w.Code != http.StatusForbidden || body.Error.Code != c.code || body.Error.Message == "" {
				t.Errorf("let through: %t; answered %d %+v, want 403 %s", reached, w.Code, body, c.code)
			}
		})
	}
}
