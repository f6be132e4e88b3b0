//go:build invariants || race

package invariants

// Enabled says that expensive assertions run.
const Enabled = true
