// Package compile turns resources into the gateway's configuration: policies,
// routes and Secrets go in, a [gateway.Snapshot] and the problems of each object
// come out. It owns the defaults and profiles, the second look at what a spec
// holds, who wins a match, which calls share a circuit, and what goes on serving
// while a spec is invalid.
//
// It is pure: it does no I/O, reads no clock and keeps no state but what the
// caller hands back as [LastGood]. Equal inputs give equal results, in whatever
// order they stand. Of Kubernetes it may import types and nothing that talks to
// an API server.
//
// Where to look: policy.go and profile.go for policies; route.go and backend.go
// for what a route's spec may hold; match.go for conflicts; resolve.go and
// secret.go for references; circuitkey.go for the identity of circuits;
// objection.go for what the process itself refuses to call; lastgood.go for what is
// remembered from one time to the next.
package compile
