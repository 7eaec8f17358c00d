package gateway

import (
	"strings"
	"testing"
)

func TestStatusSet(t *testing.T) {
	for _, tc := range []struct {
		codes   string
		in, out []int
	}{
		{"", nil, []int{100, 200, 404, 500, 599}},
		{"503", []int{503}, []int{502, 504, 500, 303, 439, 567}},
		{"5xx", []int{500, 503, 529, 599}, []int{499, 600, 400}},
		{"5xx 408", []int{500, 599, 408}, []int{407, 409, 499}},
		{"100 599", []int{100, 599}, []int{99, 101, 598, 600}},
		{"1xx 4xx", []int{100, 199, 400, 499}, []int{200, 399, 500}},
		{"429 429 4xx", []int{400, 429, 499}, []int{500}},
	} {
		t.Run(tc.codes, func(t *testing.T) {
			s, err := ParseStatusSet(strings.Fields(tc.codes))
			if err != nil {
				t.Fatal(err)
			}
			for _, code := range tc.in {
				if !s.Contains(code) {
					t.Errorf("%d is missing", code)
				}
			}
			for _, code := range append(tc.out, -1, 0, 63, 64, 1000, 1<<20) {
				if s.Contains(code) {
					t.Errorf("%d is there", code)
				}
			}
		})
	}
}

func TestStatusSetRefuses(t *testing.T) {
	for _, code := range []string{"", "5", "50", "5000", "099", "600", "6xx", "0xx", "xxx", "5XX", "50x", "5x0", "x00", "abc", "-50", "5 0", "5\u00b93"} {
		if _, err := ParseStatusSet([]string{"503", code}); err == nil || !strings.Contains(err.Error(), "want a code such as 503 or a class such as 5xx") {
			t.Errorf("%q: %v", code, err)
		}
	}
}
