// Package soak runs three operator processes against a real API server, with
// clients that ask on and on, while faults of every kind come at random: the
// providers', the API server's, the replicas', edits of policies and routes,
// another key in a Secret. A seed decides which faults come in which order.
//
// What must hold all along is looked at all along; what must hold once all is
// well again is looked at between the rounds, when every fault has ended:
//
//   - each request has one whole answer or one clear error in its dialect;
//   - a circuit goes from state to state as a breaker may, and in an unbroken
//     chain;
//   - a bulkhead never runs more than it may;
//   - status becomes what the replicas themselves say, in time;
//   - when nobody asks, no slot is held, nobody waits, nothing is buffered, no
//     goroutine and no memory is left over;
//   - when the providers are well, every circuit closes again: no permit is lost.
//
// `make soak` runs it for as long as one likes. Where to look: soak_test.go for
// the rounds, schedule_test.go for what happens when, settle_test.go for what
// must hold then, violation_test.go for how it is told.
package soak
