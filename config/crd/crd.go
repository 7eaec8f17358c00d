// Package crd holds the CustomResourceDefinitions as controller-gen writes them,
// for those who need the API server's rules without an API server.
package crd

import "embed"

// Bases has one definition in each file of the folder bases.
//
//go:embed bases/*.yaml
var Bases embed.FS
