// Package status computes what a resource's status should be, from what
// compiling said of the resource, what is observed of its circuits, and the
// status it had. Whoever shows a status, the controllers in the resource and the
// admin listener in its answers, gets it here.
//
// It does no I/O and reads no clock. It may import the API's types, the results
// of internal/compile and the observations of internal/gateway, and nothing that
// talks to an API server.
package status
