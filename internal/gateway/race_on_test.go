//go:build race

package gateway_test

// crowdSize is smaller where everything takes ten times as long.
const crowdSize = 2_000
