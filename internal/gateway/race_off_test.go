//go:build !race

package gateway_test

// crowdSize is how many clients come and go.
const crowdSize = 10_000
