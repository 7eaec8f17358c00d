// Package gateway is the data plane: it routes a request to a backend, asks
// the backend's circuit for a permit, calls the provider, classifies the
// outcome and records it.
//
// It owns everything that lies on a request's path: the live configuration,
// the proxy, the connections to providers, the listener, the metrics and the
// observation of its circuits. It imports nothing of Kubernetes and nothing of
// the rest of the project but its own sub-packages, so that it runs the same
// under the operator, standalone and in tests; the linter enforces that.
//
// A newcomer reads snapshot.go (what can be configured), proxy.go (what happens
// to a request), class.go (what an outcome means) and circuit/breaker.go (when a
// circuit opens).
package gateway
