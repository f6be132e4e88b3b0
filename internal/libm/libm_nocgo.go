//go:build !cgo

package libm

import "math"

// Cbrt is math.Cbrt as the platform computes it.
func Cbrt(x float64) float64 { return math.Cbrt(x) }

// Exp is math.Exp as the platform computes it.
func Exp(x float64) float64 { return math.Exp(x) }

// Log is math.Log as the platform computes it.
func Log(x float64) float64 { return math.Log(x) }

// Log10 is math.Log10 as the platform computes it.
func Log10(x float64) float64 { return math.Log10(x) }

// Sin is math.Sin as the platform computes it.
func Sin(x float64) float64 { return math.Sin(x) }

// Cos is math.Cos as the platform computes it.
func Cos(x float64) float64 { return math.Cos(x) }

// Tan is math.Tan as the platform computes it.
func Tan(x float64) float64 { return math.Tan(x) }

// Asin is math.Asin as the platform computes it.
func Asin(x float64) float64 { return math.Asin(x) }

// Acos is math.Acos as the platform computes it.
func Acos(x float64) float64 { return math.Acos(x) }

// Atan is math.Atan as the platform computes it.
func Atan(x float64) float64 { return math.Atan(x) }

// Sinh is math.Sinh as the platform computes it.
func Sinh(x float64) float64 { return math.Sinh(x) }

// Cosh is math.Cosh as the platform computes it.
func Cosh(x float64) float64 { return math.Cosh(x) }

// Tanh is math.Tanh as the platform computes it.
func Tanh(x float64) float64 { return math.Tanh(x) }

// Asinh is math.Asinh as the platform computes it.
func Asinh(x float64) float64 { return math.Asinh(x) }

// Acosh is math.Acosh as the platform computes it.
func Acosh(x float64) float64 { return math.Acosh(x) }

// Atanh is math.Atanh as the platform computes it.
func Atanh(x float64) float64 { return math.Atanh(x) }

// Pow is math.Pow as the platform computes it.
func Pow(x, y float64) float64 { return math.Pow(x, y) }

// Atan2 is math.Atan2 as the platform computes it.
func Atan2(x, y float64) float64 { return math.Atan2(x, y) }
