//go:build race

package circuit

// checked makes misuse panic: a permit ended twice, a slot given back twice.
// Tests run with the race detector and so with this.
const checked = true
