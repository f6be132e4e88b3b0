//go:build cgo

package libm

// #cgo LDFLAGS: -lm
// #include <math.h>
import "C"

// Cbrt is math.Cbrt as the platform computes it.
func Cbrt(x float64) float64 { return float64(C.cbrt(C.double(x))) }

// Exp is math.Exp as the platform computes it.
func Exp(x float64) float64 { return float64(C.exp(C.double(x))) }

// Log is math.Log as the platform computes it.
func Log(x float64) float64 { return float64(C.log(C.double(x))) }

// Log10 is math.Log10 as the platform computes it.
func Log10(x float64) float64 { return float64(C.log10(C.double(x))) }

// Sin is math.Sin as the platform computes it.
func Sin(x float64) float64 { return float64(C.sin(C.double(x))) }

// Cos is math.Cos as the platform computes it.
func Cos(x float64) float64 { return float64(C.cos(C.double(x))) }

// Tan is math.Tan as the platform computes it.
func Tan(x float64) float64 { return float64(C.tan(C.double(x))) }

// Asin is math.Asin as the platform computes it.
func Asin(x float64) float64 { return float64(C.asin(C.double(x))) }

// Acos is math.Acos as the platform computes it.
func Acos(x float64) float64 { return float64(C.acos(C.double(x))) }

// Atan is math.Atan as the platform computes it.
func Atan(x float64) float64 { return float64(C.atan(C.double(x))) }

// Sinh is math.Sinh as the platform computes it.
func Sinh(x float64) float64 { return float64(C.sinh(C.double(x))) }

// Cosh is math.Cosh as the platform computes it.
func Cosh(x float64) float64 { return float64(C.cosh(C.double(x))) }

// Tanh is math.Tanh as the platform computes it.
func Tanh(x float64) float64 { return float64(C.tanh(C.double(x))) }

// Asinh is math.Asinh as the platform computes it.
func Asinh(x float64) float64 { return float64(C.asinh(C.double(x))) }

// Acosh is math.Acosh as the platform computes it.
func Acosh(x float64) float64 { return float64(C.acosh(C.double(x))) }

// Atanh is math.Atanh as the platform computes it.
func Atanh(x float64) float64 { return float64(C.atanh(C.double(x))) }

// Pow is math.Pow as the platform computes it.
func Pow(x, y float64) float64 { return float64(C.pow(C.double(x), C.double(y))) }

// Atan2 is math.Atan2 as the platform computes it.
func Atan2(x, y float64) float64 { return float64(C.atan2(C.double(x), C.double(y))) }
