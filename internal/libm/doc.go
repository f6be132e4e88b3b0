// Package libm is the mathematical functions of the C library where there is one:
// the last digit of sin or cbrt is the library's choice, and PostgreSQL on the
// same machine asks the same library. Without cgo it is Go's package math.
package libm
