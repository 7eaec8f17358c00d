// Package circuit is the engine: a circuit breaker with a rolling window, a
// bulkhead in front of it, and the health score of both. It knows nothing of
// HTTP, providers or Kubernetes, and imports only the standard library.
//
// Instants are durations since a base that the caller holds, so that a test
// needs no clock and a request reads the clock once per edge.
package circuit
