//go:build !race

package circuit

const checked = false
