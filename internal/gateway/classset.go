package gateway

import "strings"

// ClassSet is a set of classes. The zero value is empty.
type ClassSet uint32 // bit c: class c

// With returns the set with further classes.
func (s ClassSet) With(classes ...Class) ClassSet {
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Has reports whether the class is in the set.
func (s ClassSet) Has(c Class) bool { return s&(1<<c) != 0 }

// String lists the names of the classes.
func (s ClassSet) String() string {
	var names []string
	for c := range numClasses {
		if s.Has(c) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}

// MarshalText lists the names of the classes, for dumps.
func (s ClassSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
