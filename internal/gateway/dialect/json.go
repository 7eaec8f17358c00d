package dialect

import (
	"bytes"
	"unsafe"

	"github.com/tidwall/gjson"
)

// maxDepth is how deep JSON may be nested. The check for validity calls itself
// for each level, and a body of brackets alone would overflow the stack, which
// ends the process.
const maxDepth = 1000

// valid reports whether data is one JSON value, not nested too deep.
func valid(data []byte) bool {
	return !nestedBeyond(data, maxDepth) && gjson.ValidBytes(data)
}

func nestedBeyond(data []byte, limit int) bool {
	if len(data) <= limit || bytes.Count(data, []byte{'['})+bytes.Count(data, []byte{'{'}) <= limit {
		return false
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
			if depth > limit {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// text views bytes as a string without a copy. The result lives no longer than
// the bytes stay unchanged.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
