package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// versionHash gathers the identities of what a snapshot is made of: kind, name,
// UID and live generation, and the versions of the Secrets that are used. No
// value of a Secret goes into it.
type versionHash struct {
	hash hash.Hash
	buf  []byte // what is yet to go into hash
}

func newVersionHash() versionHash {
	return versionHash{hash: sha256.New(), buf: make([]byte, 0, 2*hashed)}
}

// hashed is how many bytes go into the hash at a time.
const hashed = 4096

// object adds an object. One that no API server has numbered is known by its
// spec.
func (v *versionHash) object(kind string, o metav1.Object, live int64, spec any) {
	v.add(kind, o.GetNamespace(), o.GetName(), string(o.GetUID()), strconv.FormatInt(live, 10))
	if o.GetUID() == "" {
		// The types of a spec always encode.
		text, _ := json.Marshal(spec)
		v.add(string(text))
	}
}

// secret adds what a reference leads to; nil adds nothing.
func (v *versionHash) secret(s *secretValue) {
	if s != nil {
		v.add(string(s.uid), s.resourceVersion, s.reason)
	}
}

func (v *versionHash) add(parts ...string) {
	for _, p := range parts {
		v.buf = strconv.AppendInt(v.buf, int64(len(p)), 10)
		v.buf = append(v.buf, ':')
		v.buf = append(v.buf, p...)
	}
	if len(v.buf) >= hashed {
		v.flush()
	}
}

func (v *versionHash) flush() {
	_, _ = v.hash.Write(v.buf) // a hash takes everything
	v.buf = v.buf[:0]
}

// String is the version, in 16 hexadecimal digits.
func (v *versionHash) String() string {
	v.flush()
	return hex.EncodeToString(v.hash.Sum(nil)[:8])
}
