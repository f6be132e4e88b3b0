package libm

import (
	"math"
	"testing"
)

// TestAgree: whichever library it is, the values are those of package math but
// for the last digits.
func TestAgree(t *testing.T) {
	for name, f := range map[string][2]func(float64) float64{"cbrt": {Cbrt, math.Cbrt}, "exp": {Exp, math.Exp}, "log": {Log, math.Log},
		"log10": {Log10, math.Log10}, "sin": {Sin, math.Sin}, "cos": {Cos, math.Cos}, "tan": {Tan, math.Tan}, "asin": {Asin, math.Asin},
		"acos": {Acos, math.Acos}, "atan": {Atan, math.Atan}, "sinh": {Sinh, math.Sinh}, "cosh": {Cosh, math.Cosh}, "tanh": {Tanh, math.Tanh},
		"asinh": {Asinh, math.Asinh}, "atanh": {Atanh, math.Atanh}, "acosh": {func(x float64) float64 { return Acosh(x + 1) }, func(x float64) float64 { return math.Acosh(x + 1) }},
		"pow":   {func(x float64) float64 { return Pow(x, 2.5) }, func(x float64) float64 { return math.Pow(x, 2.5) }},
		"atan2": {func(x float64) float64 { return Atan2(x, 3) }, func(x float64) float64 { return math.Atan2(x, 3) }}} {
		for _, x := range []float64{0.001, 0.25, 0.5, 0.999} {
			if a, b := f[0](x), f[1](x); math.Abs(a-b) > 1e-14*math.Abs(b) {
				t.Errorf("%s(%v) = %v, package math says %v", name, x, a, b)
			}
		}
	}
}
