package standalone

import "testing"

const placed = `# a comment

kind: ProviderRoute
metadata:
  labels:
    switchgear.dev/a: "1"
spec:
  models:
  - gpt-4o
  - gpt-4o-*
  backends:
  - name: one
    url: https://one
  - &two
    name: two
    credentials: {secretRef: {name: s,
      key: k}}
  - <<: *two
    name: three
  - *two
data:
  tls: a
  tls.crt: b
  tls.crt.old: c
`

func TestLineOfAField(t *testing.T) {
	t.Parallel()
	documents, problems := readDocuments([]byte("---\n" + placed))
	if len(documents) != 1 || problems != nil {
		t.Fatalf("%d documents, %v", len(documents), problems)
	}
	for field, want := range map[string]int{
		"":                                       3,
		"kind":                                   3,
		"metadata":                               4,
		"metadata.name":                          4, // what is missing is in what is there
		"metadata.labels":                        5,
		"metadata.labels[switchgear.dev/a]":      6,
		"metadata.labels.switchgear.dev/a":       6,
		"spec.timeout":                           7,
		"spec.models":                            8,
		"spec.models[1]":                         10,
		"spec.models[2]":                         8,
		"spec.models[x]":                         8,
		"spec.backends[0].url":                   13,
		"spec.backends[0].url.host":              13,
		"spec.backends[1]":                       14,
		"spec.backends[1].name":                  15,
		"spec.backends[1].credentials.secretRef": 16,
		"spec.backends[1].credentials.secretRef.key": 17,
		"spec.backends[2].name":                      19,
		"spec.backends[2].credentials.secretRef":     16,
		"spec.backends[3].name":                      15,
		"data.tls":                                   22,
		"data.tls.crt":                               23,
		"data[tls.crt]":                              23,
		"data.tls.crt.old":                           24,
		"nothing.of.this":                            3,
	} {
		if got := documents[0].lines.of(field) - 1; got != want {
			t.Errorf("%q is on line %d, want %d", field, got, want)
		}
	}
}
