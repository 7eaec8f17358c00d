// Package e2e tests the operator as a user has it: a process, signed in to a
// real API server as its own ServiceAccount with the rights that config/rbac
// gives it, between clients and simulated providers on loopback.
//
// What a package can show by itself is tested there. Here is what only the
// process can show.
//
// Tests that need a process of their own that leads run one after the other; all
// others share one operator and run side by side, each in a namespace of its own.
package e2e
