// Package stage is what the providers' official SDKs are tried on: `switchgear
// run` as a process, and two simulated providers behind it. Of the project it
// imports test/providersim alone, and no SDK.
package stage
