// Package controller is the control plane: it turns the resources in the API
// server into the gateway's live configuration, and what the gateway observes
// into the resources' status and Events.
//
// The way down runs on every replica: [SnapshotReconciler] lists everything
// from the cache, compiles it and applies it. The way up runs on the leader:
// the status reconcilers fetch, compute with a pure function, compare with what
// is there and write once, within the [WriteBudget]. Nothing here is on a
// request's path, and the gateway goes on without any of it.
package controller
