package builtin

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/libm"
	"github.com/pgmini/pgmini/pgerr"
)

func errFloatOver() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
}
func errFloatUnder() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
}

type floatOp func(a, b float64) (float64, error)

func checkSum(a, b, v float64) (float64, error) {
	if math.IsInf(v, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, errFloatOver()
	}
	return v, nil
}

func floatAdd(a, b float64) (float64, error) { return checkSum(a, b, a+b) }
func floatSub(a, b float64) (float64, error) { return checkSum(a, b, a-b) }
func floatMul(a, b float64) (float64, error) {
	v := a * b
	if v == 0 && a != 0 && b != 0 {
		return 0, errFloatUnder()
	}
	return checkSum(a, b, v)
}
func floatDiv(a, b float64) (float64, error) {
	if b == 0 && !math.IsNaN(a) {
		return 0, divZero()
	}
	v := a / b
	if v == 0 && a != 0 && !math.IsInf(b, 0) {
		return 0, errFloatUnder()
	}
	return checkSum(a, a, v)
}

// narrow rounds to float4 and checks that nothing was lost to the range.
func narrow(a, b float64, f floatOp) (float32, error) {
	v, err := f(a, b)
	if err != nil {
		return 0, err
	}
	w := float32(v)
	if math.IsInf(float64(w), 0) && !math.IsInf(v, 0) {
		return 0, errFloatOver()
	}
	if w == 0 && v != 0 {
		return 0, errFloatUnder()
	}
	return w, nil
}

func addFloat(r funcs) {
	for n, f := range map[string]floatOp{"pl": floatAdd, "mi": floatSub, "mul": floatMul, "div": floatDiv} {
		r.batch("float8"+n, func(c *Call) (datum.Datum, error) {
			v, err := f(c.Args[0].Float8(), c.Args[1].Float8())
			return datum.Float8(v), err
		}, liftErr2(func(a, b int64) (int64, error) {
			v, err := f(math.Float64frombits(uint64(a)), math.Float64frombits(uint64(b)))
			return int64(math.Float64bits(v)), err
		}))
		r.scalar("float4"+n, func(c *Call) (datum.Datum, error) {
			v, err := narrow(float64(c.Args[0].Float4()), float64(c.Args[1].Float4()), f)
			return datum.Float4(v), err
		})
		r.scalar("float48"+n, func(c *Call) (datum.Datum, error) {
			v, err := f(float64(c.Args[0].Float4()), c.Args[1].Float8())
			return datum.Float8(v), err
		})
		r.scalar("float84"+n, func(c *Call) (datum.Datum, error) {
			v, err := f(c.Args[0].Float8(), float64(c.Args[1].Float4()))
			return datum.Float8(v), err
		})
	}
	r.scalar("float8um", func(c *Call) (datum.Datum, error) { return datum.Float8(-c.Args[0].Float8()), nil })
	r.scalar("float4um", func(c *Call) (datum.Datum, error) { return datum.Float4(-c.Args[0].Float4()), nil })
	r.scalar("float8up", func(c *Call) (datum.Datum, error) { return c.Args[0], nil })
	r.scalar("float4up", func(c *Call) (datum.Datum, error) { return c.Args[0], nil })
	r.scalar("float8abs", func(c *Call) (datum.Datum, error) { return datum.Float8(math.Abs(c.Args[0].Float8())), nil })
	r.scalar("float4abs", func(c *Call) (datum.Datum, error) {
		return datum.Float4(float32(math.Abs(float64(c.Args[0].Float4())))), nil
	})
	addFloatMath(r)
	addTrig(r)
}

func addFloatMath(r funcs) {
	r.float1("dround", math.RoundToEven)
	r.float1("dtrunc", math.Trunc)
	r.float1("dceil", math.Ceil)
	r.float1("dfloor", math.Floor)
	r.float1("dsign", func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	})
	r.float1("dcbrt", libm.Cbrt)
	r.floatErr("degrees", func(x float64) (float64, error) { return floatDiv(x, math.Pi/180) })
	r.float1("radians", func(x float64) float64 { return x * (math.Pi / 180) })
	r.float1("dsinh", libm.Sinh)
	r.float1("dasinh", libm.Asinh)
	r.float1("dtanh", libm.Tanh)
	r.float1("dcosh", libm.Cosh)
	r.float1("datan", libm.Atan)
	r.floatErr("dsqrt", func(x float64) (float64, error) {
		if x < 0 {
			return 0, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
		}
		return math.Sqrt(x), nil
	})
	r.floatErr("dexp", func(x float64) (float64, error) {
		v := libm.Exp(x)
		if math.IsInf(v, 0) && !math.IsInf(x, 0) {
			return 0, errFloatOver()
		}
		if v == 0 && !math.IsInf(x, 0) {
			return 0, errFloatUnder()
		}
		return v, nil
	})
	logs := func(f func(float64) float64) func(x float64) (float64, error) {
		return func(x float64) (float64, error) {
			switch {
			case x == 0:
				return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
			case x < 0:
				return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
			}
			return f(x), nil
		}
	}
	r.floatErr("dlog1", logs(libm.Log))
	r.floatErr("dlog10", logs(libm.Log10))
	r.float2("dpow", floatPow)
	r.float2("datan2", func(a, b float64) (float64, error) { return libm.Atan2(a, b), nil })
	r.scalar("dpi", func(*Call) (datum.Datum, error) { return datum.Float8(math.Pi), nil })
	r.scalar("width_bucket_float8", widthBucketFloat)
	for _, n := range []string{"float8_float8", "float4_float8"} {
		four := n[5] == '4'
		r.scalar("in_range_"+n, func(c *Call) (datum.Datum, error) { return inRangeFloat(c, four) })
	}
}

func inRangeFloat(c *Call, four bool) (datum.Datum, error) {
	v, b, off := c.Args[0].Float8(), c.Args[1].Float8(), c.Args[2].Float8()
	if four {
		v, b = float64(c.Args[0].Float4()), float64(c.Args[1].Float4())
	}
	sub, less := c.Args[3].Bool(), c.Args[4].Bool()
	if math.IsNaN(off) || off < 0 {
		return datum.Null(), errFrameOffset()
	}
	switch {
	case math.IsNaN(v):
		return datum.Bool(math.IsNaN(b) || !less), nil
	case math.IsNaN(b):
		return datum.Bool(less), nil
	case math.IsInf(off, 0) && math.IsInf(b, 0) && (b > 0) == sub:
		return datum.Bool(true), nil
	}
	if sub {
		off = -off
	}
	if less {
		return datum.Bool(v <= b+off), nil
	}
	return datum.Bool(v >= b+off), nil
}

func (r funcs) float1(name string, f func(float64) float64) {
	r.scalar(name, func(c *Call) (datum.Datum, error) { return datum.Float8(f(c.Args[0].Float8())), nil })
}

func (r funcs) floatErr(name string, f func(float64) (float64, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := f(c.Args[0].Float8())
		return datum.Float8(v), err
	})
}

func (r funcs) float2(name string, f floatOp) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := f(c.Args[0].Float8(), c.Args[1].Float8())
		return datum.Float8(v), err
	})
}

func floatPow(a, b float64) (float64, error) {
	switch {
	case math.IsNaN(a):
		if b == 0 {
			return 1, nil
		}
		return a, nil
	case math.IsNaN(b):
		if a == 1 {
			return 1, nil
		}
		return b, nil
	case a == 0 && b < 0:
		return 0, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
	case a < 0 && math.Floor(b) != b:
		return 0, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
	}
	v := libm.Pow(a, b)
	if !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		if math.IsInf(v, 0) {
			return 0, errFloatOver()
		}
		if v == 0 && a != 0 {
			return 0, errFloatUnder()
		}
	}
	return v, nil
}

func addTrig(r funcs) {
	finite := func(f func(float64) float64) func(float64) (float64, error) {
		return func(x float64) (float64, error) {
			if math.IsInf(x, 0) {
				return 0, pgerr.New(pgerr.NumericValueOutOfRange, "input is out of range")
			}
			return f(x), nil
		}
	}
	within := func(f func(float64) float64, lo, hi float64) func(float64) (float64, error) {
		return func(x float64) (float64, error) {
			if x < lo || x > hi {
				return 0, pgerr.New(pgerr.NumericValueOutOfRange, "input is out of range")
			}
			return f(x), nil
		}
	}
	r.floatErr("dsin", finite(libm.Sin))
	r.floatErr("dcos", finite(libm.Cos))
	r.floatErr("dtan", finite(libm.Tan))
	r.floatErr("dcot", finite(func(x float64) float64 { return 1 / libm.Tan(x) }))
	r.floatErr("dasin", within(libm.Asin, -1, 1))
	r.floatErr("dacos", within(libm.Acos, -1, 1))
	r.floatErr("dacosh", within(libm.Acosh, 1, math.Inf(1)))
	r.floatErr("datanh", within(libm.Atanh, -1, 1))
	r.floatErr("dasind", within(asind, -1, 1))
	r.floatErr("dacosd", within(acosd, -1, 1))
	r.float1("datand", func(x float64) float64 { return libm.Atan(x) / libm.Atan(1) * 45 })
	r.float2("datan2d", func(a, b float64) (float64, error) { return libm.Atan2(a, b) / libm.Atan(1) * 45, nil })
	r.floatErr("dsind", finite(sind))
	r.floatErr("dcosd", finite(cosd))
	r.floatErr("dtand", finite(func(x float64) float64 { return positiveZero(sind(x) / cosd(x)) }))
	r.floatErr("dcotd", finite(func(x float64) float64 { return positiveZero(cosd(x) / sind(x)) }))
}

func positiveZero(x float64) float64 {
	if x == 0 {
		return 0
	}
	return x
}

// The functions in degrees are exact at the multiples of 30 and 45 degrees where
// the result is rational: each half of the first quadrant is scaled by its value
// at 30 or 60 degrees.

func radians(x float64) float64 { return x * (math.Pi / 180) }

func sindQ1(x float64) float64 {
	if x <= 30 {
		return libm.Sin(radians(x)) / libm.Sin(radians(30)) / 2
	}
	return 1 - (1-libm.Cos(radians(90-x)))/(1-libm.Cos(radians(60)))/2
}

func sind(x float64) float64 {
	s := 1.0
	x = math.Mod(x, 360)
	if math.Signbit(x) {
		x, s = -x, -s
	}
	if x > 180 {
		x, s = 360-x, -s
	}
	if x > 90 {
		x = 180 - x
	}
	if x > 30 {
		return s * (1 - (1-libm.Cos(radians(90-x)))/(1-libm.Cos(radians(60)))/2)
	}
	return s * sindQ1(x)
}

func cosd(x float64) float64 {
	s := 1.0
	x = math.Abs(math.Mod(x, 360))
	if x > 180 {
		x = 360 - x
	}
	if x > 90 {
		x, s = 180-x, -s
	}
	if x <= 60 {
		return s * (1 - (1-libm.Cos(radians(x)))/(1-libm.Cos(radians(60)))/2)
	}
	return s * sindQ1(90-x)
}

func asind(x float64) float64 {
	if x < 0 {
		return -asind(-x)
	}
	if x <= 0.5 {
		return libm.Asin(x) / libm.Asin(0.5) * 30
	}
	return 90 - libm.Acos(x)/libm.Acos(0.5)*60
}

func acosd(x float64) float64 {
	if x < 0 {
		return 90 + asind(-x)
	}
	if x <= 0.5 {
		return 90 - libm.Asin(x)/libm.Asin(0.5)*30
	}
	return libm.Acos(x) / libm.Acos(0.5) * 60
}

func widthBucketFloat(c *Call) (datum.Datum, error) {
	v, lo, hi, n := c.Args[0].Float8(), c.Args[1].Float8(), c.Args[2].Float8(), int32(c.Args[3].Int)
	bad := func(m string) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.InvalidArgumentForWidthBucketFunction, "%s", m)
	}
	switch {
	case n <= 0:
		return bad("count must be greater than zero")
	case math.IsNaN(v) || math.IsNaN(lo) || math.IsNaN(hi):
		return bad("operand, lower bound, and upper bound cannot be NaN")
	case math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return bad("lower and upper bounds must be finite")
	case lo == hi:
		return bad("lower bound cannot equal upper bound")
	}
	k := int64(0)
	if lo < hi {
		switch {
		case v < lo:
		case v >= hi:
			k = int64(n) + 1
		default:
			k = min(int64(float64(n)*((v-lo)/(hi-lo))), int64(n)-1) + 1
		}
	} else {
		switch {
		case v > lo:
		case v <= hi:
			k = int64(n) + 1
		default:
			k = min(int64(float64(n)*((lo-v)/(lo-hi))), int64(n)-1) + 1
		}
	}
	if k > math.MaxInt32 {
		return datum.Null(), outOfRange("integer")
	}
	return datum.Int(k), nil
}
