package gateway

import "fmt"

// StatusSet is a set of HTTP status codes. The zero value is empty.
type StatusSet [10]uint64 // bit n%64 of word n/64: status n, 100..599

// ParseStatusSet reads codes ("408") and classes ("5xx").
func ParseStatusSet(codes []string) (StatusSet, error) {
	var s StatusSet
	for _, c := range codes {
		if len(c) != 3 || c[0] < '1' || c[0] > '5' {
			return s, fmt.Errorf("status %q: want a code such as 503 or a class such as 5xx", c)
		}
		lo := int(c[0]-'0') * 100
		if c[1:] == "xx" {
			for n := lo; n < lo+100; n++ {
				s.add(n)
			}
			continue
		}
		if c[1] < '0' || c[1] > '9' || c[2] < '0' || c[2] > '9' {
			return s, fmt.Errorf("status %q: want a code such as 503 or a class such as 5xx", c)
		}
		s.add(lo + int(c[1]-'0')*10 + int(c[2]-'0'))
	}
	return s, nil
}

func (s *StatusSet) add(code int) { s[code/64] |= 1 << (code % 64) }

// Contains reports whether the set has the code.
func (s *StatusSet) Contains(code int) bool {
	return code >= 100 && code < 600 && s[code/64]&(1<<(code%64)) != 0
}
