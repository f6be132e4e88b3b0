//go:build !invariants && !race

// Package invariants says whether expensive assertions run: in builds with the
// tag invariants, and under the race detector. They must not change the path
// that the code takes.
package invariants

// Enabled says that expensive assertions run.
const Enabled = false
