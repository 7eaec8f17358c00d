// Package fleet makes one state per circuit out of what all replicas report:
// [Describe] writes a replica's report, [Read] reads another's, and [Merge] puts
// several together with what this process observes itself.
//
// It does no I/O and reads no clock. It may import the API's types, the
// observations of internal/gateway and internal/status, and nothing that talks
// to an API server.
package fleet
