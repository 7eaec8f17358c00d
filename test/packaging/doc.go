// Package packaging checks what users install and apply, against a real API
// server: the manifests that config/ renders to, the rights that they give, and
// the samples.
package packaging
