package compile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// secretUse is one key of a Secret, used as one thing.
type secretUse struct {
	types.NamespacedName
	key string
	ca  bool // a bundle of certificates; otherwise a credential
}

// secretValue is what a use comes to: a value, or a reason why there is none.
type secretValue struct {
	uid             types.UID // empty: there is no such Secret
	resourceVersion string
	value           string
	reason, message string
}

// secretIndex finds Secrets.
type secretIndex map[types.NamespacedName]*corev1.Secret

func newSecretIndex(secrets []*corev1.Secret) secretIndex {
	ix := make(secretIndex, len(secrets))
	for _, s := range secrets {
		ix[keyOf(s)] = s
	}
	return ix
}

// secret returns the value of a reference as it is now, read once for all who
// refer to it, and again only when the Secret has changed.
func (c *compilation) secret(namespace string, ref *v1alpha1.SecretKeyReference, ca bool) *secretValue {
	if ref == nil {
		return nil
	}
	use := secretUse{types.NamespacedName{Namespace: namespace, Name: ref.Name}, ref.Key, ca}
	if v := c.next.secrets[use]; v != nil {
		return v
	}
	s := c.secrets[use.NamespacedName]
	v := c.last.secrets[use]
	if !v.is(s) {
		v = readSecret(s, use)
	}
	c.next.secrets[use] = v
	return v
}

// is reports whether v was read from the Secret as it is now; nil is one that
// does not exist.
func (v *secretValue) is(s *corev1.Secret) bool {
	switch {
	case v == nil:
		return false
	case s == nil:
		return v.reason == v1alpha1.ReasonSecretNotFound
	}
	return s.UID != "" && s.ResourceVersion != "" && v.uid == s.UID && v.resourceVersion == s.ResourceVersion
}

func readSecret(s *corev1.Secret, use secretUse) *secretValue {
	if s == nil {
		return &secretValue{
			reason: v1alpha1.ReasonSecretNotFound,
			message: fmt.Sprintf("there is no Secret %q in the namespace with the label %s=%s",
				use.Name, v1alpha1.CredentialsLabel, v1alpha1.CredentialsLabelValue),
		}
	}
	v := &secretValue{uid: s.UID, resourceVersion: s.ResourceVersion}
	data := s.Data[use.key]
	switch {
	case s.Labels[v1alpha1.CredentialsLabel] != v1alpha1.CredentialsLabelValue:
		v.reason = v1alpha1.ReasonSecretNotLabelled
		v.message = fmt.Sprintf("the Secret %q lacks the label by which its owner lets it be used, %s: %q",
			use.Name, v1alpha1.CredentialsLabel, v1alpha1.CredentialsLabelValue)
	case s.Data[use.key] == nil:
		v.reason = v1alpha1.ReasonSecretKeyNotFound
		v.message = fmt.Sprintf("the Secret %q has no key %q, %s", use.Name, use.key, keysOf(s))
	case len(bytes.TrimSpace(data)) == 0:
		v.reason = v1alpha1.ReasonSecretKeyNotFound
		v.message = fmt.Sprintf("the key %q of the Secret %q is empty", use.key, use.Name)
	case use.ca:
		v.readBundle(data, use)
	default:
		v.readCredential(data, use)
	}
	return v
}

// readCredential takes a value without the white space around it: one that was
// made from a file mostly ends in a newline.
func (v *secretValue) readCredential(data []byte, use secretUse) {
	value := string(bytes.TrimSpace(data))
	if !httpguts.ValidHeaderFieldValue(value) {
		v.reason = v1alpha1.ReasonSecretInvalid
		v.message = fmt.Sprintf("the key %q of the Secret %q cannot be sent in a header: it must be one line without control characters", use.key, use.Name)
		return
	}
	v.value = value
}

// readBundle takes the certificates that can be read, if there is at least one,
// and nothing that stands beside them: the rest may be a private key, which has
// no business in a configuration that can be dumped.
func (v *secretValue) readBundle(data []byte, use secretUse) {
	var bundle []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
		}
	}
	v.value = string(bundle)
	if v.value == "" {
		v.reason = v1alpha1.ReasonSecretInvalid
		v.message = fmt.Sprintf("the key %q of the Secret %q holds no certificate: it must be one or more in PEM, -----BEGIN CERTIFICATE-----", use.key, use.Name)
	}
}

// keysOf names the keys that a Secret has, a few of them.
func keysOf(s *corev1.Secret) string {
	const shown = 5
	keys := slices.Sorted(maps.Keys(s.Data))
	if len(keys) == 0 {
		return "nor any other"
	}
	more := ""
	if len(keys) > shown {
		more = fmt.Sprintf(" and %d more", len(keys)-shown)
		keys = keys[:shown]
	}
	for i := range keys {
		keys[i] = strconv.Quote(keys[i])
	}
	return "only " + strings.Join(keys, ", ") + more
}
