package builtin

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/pgerr"
)

func num(d datum.Datum) (numeric.Num, error) { return numeric.Decode(d.Bytes) }

func numDatum(n numeric.Num, err error) (datum.Datum, error) {
	if err != nil {
		return datum.Null(), err
	}
	b, err := n.Encode()
	return datum.Bytes(b), err
}

func (r funcs) num1(name string, f func(a numeric.Num) (numeric.Num, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		a, err := num(c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		return numDatum(f(a))
	})
}

func (r funcs) num2(name string, f func(a, b numeric.Num) (numeric.Num, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		a, err := num(c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		b, err := num(c.Args[1])
		if err != nil {
			return datum.Null(), err
		}
		return numDatum(f(a, b))
	})
}

func noErr2(f func(a, b numeric.Num) numeric.Num) func(a, b numeric.Num) (numeric.Num, error) {
	return func(a, b numeric.Num) (numeric.Num, error) { return f(a, b), nil }
}

func noErr1(f func(a numeric.Num) numeric.Num) func(a numeric.Num) (numeric.Num, error) {
	return func(a numeric.Num) (numeric.Num, error) { return f(a), nil }
}

func addNumeric(r funcs) {
	r.num2("numeric_add", noErr2(numeric.Add))
	r.num2("numeric_sub", noErr2(numeric.Sub))
	r.num2("numeric_mul", noErr2(numeric.Mul))
	r.num2("numeric_div", numeric.Div)
	r.num2("numeric_div_trunc", numeric.DivTrunc)
	r.num2("numeric_mod", numeric.Mod)
	r.num2("numeric_power", numeric.Power)
	r.num2("numeric_log", numeric.Log)
	r.num2("numeric_gcd", noErr2(numeric.GCD))
	r.num2("numeric_lcm", noErr2(numeric.LCM))
	r.num1("numeric_abs", noErr1(numeric.Abs))
	r.num1("numeric_uminus", noErr1(numeric.Negate))
	r.num1("numeric_uplus", noErr1(func(a numeric.Num) numeric.Num { return a }))
	r.num1("numeric_ceil", noErr1(numeric.Ceil))
	r.num1("numeric_floor", noErr1(numeric.Floor))
	r.num1("numeric_sqrt", numeric.Sqrt)
	r.num1("numeric_exp", numeric.Exp)
	r.num1("numeric_ln", numeric.Ln)
	r.num1("numeric_sign", func(a numeric.Num) (numeric.Num, error) {
		if a.Kind == numeric.NaN {
			return a, nil
		}
		return numeric.FromInt(int64(a.Sign())), nil
	})
	r.num1("numeric_inc", func(a numeric.Num) (numeric.Num, error) { return numeric.Add(a, numeric.FromInt(1)), nil })
	r.num1("numeric_trim_scale", func(a numeric.Num) (numeric.Num, error) {
		a.Scale = numeric.MinScale(a)
		return a, nil
	})
	scaled := func(name string, f func(n numeric.Num, scale int) numeric.Num) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			a, err := num(c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			s := 0
			if len(c.Args) > 1 {
				s = min(max(int(int32(c.Args[1].Int)), -131072), numeric.MaxScale)
			}
			return numDatum(f(a, s), nil)
		})
	}
	scaled("numeric_round", numeric.Round)
	scaled("numeric_trunc", numeric.Trunc)
	r.scalar("numeric_scale", func(c *Call) (datum.Datum, error) { return scaleOf(c, func(n numeric.Num) int { return n.Scale }) })
	r.scalar("numeric_min_scale", func(c *Call) (datum.Datum, error) { return scaleOf(c, numeric.MinScale) })
	r.scalar("numeric_fac", func(c *Call) (datum.Datum, error) { return numDatum(numeric.Factorial(c.Args[0].Int)) })
	r.scalar("numeric", func(c *Call) (datum.Datum, error) {
		a, err := num(c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		return numDatum(numeric.ApplyTypMod(a, int32(c.Args[1].Int)))
	})
	r.scalar("width_bucket_numeric", widthBucketNumeric)
	r.scalar("in_range_numeric_numeric", inRangeNumeric)
	r.scalar("numeric_pg_lsn", func(c *Call) (datum.Datum, error) {
		a, err := num(c.Args[0])
		if err != nil {
			return datum.Null(), err
		}
		v, ok := numUint64(a)
		switch {
		case a.Kind == numeric.NaN:
			return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot convert NaN to pg_lsn")
		case a.Kind != numeric.Finite:
			return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to pg_lsn")
		case !ok:
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "pg_lsn out of range")
		}
		return datum.Int(int64(v)), nil
	})
}

// numUint64 rounds to an unsigned integer.
func numUint64(n numeric.Num) (uint64, bool) {
	if n.Kind != numeric.Finite || numeric.Round(n, 0).Sign() < 0 {
		return 0, false
	}
	if v, ok := numeric.Int64(n); ok {
		return uint64(v), true
	}
	v, ok := numeric.Int64(numeric.Sub(n, numeric.FromUint(1<<63)))
	if !ok || v < 0 {
		return 0, false
	}
	return uint64(v) + 1<<63, true
}

func scaleOf(c *Call, f func(numeric.Num) int) (datum.Datum, error) {
	a, err := num(c.Args[0])
	if err != nil || a.Kind != numeric.Finite {
		return datum.Null(), err
	}
	return datum.Int(int64(f(a))), nil
}

func widthBucketNumeric(c *Call) (datum.Datum, error) {
	var v [3]numeric.Num
	for i := range v {
		var err error
		if v[i], err = num(c.Args[i]); err != nil {
			return datum.Null(), err
		}
	}
	n := int64(int32(c.Args[3].Int))
	bad := func(m string) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.InvalidArgumentForWidthBucketFunction, "%s", m)
	}
	x, lo, hi := v[0], v[1], v[2]
	switch {
	case n <= 0:
		return bad("count must be greater than zero")
	case x.Kind == numeric.NaN || lo.Kind == numeric.NaN || hi.Kind == numeric.NaN:
		return bad("operand, lower bound, and upper bound cannot be NaN")
	case lo.Kind != numeric.Finite || hi.Kind != numeric.Finite:
		return bad("lower and upper bounds must be finite")
	case numeric.Cmp(lo, hi) == 0:
		return bad("lower bound cannot equal upper bound")
	}
	if numeric.Cmp(lo, hi) > 0 {
		x, lo, hi = numeric.Negate(x), numeric.Negate(lo), numeric.Negate(hi)
	}
	k := int64(0)
	switch {
	case numeric.Cmp(x, lo) < 0:
	case numeric.Cmp(x, hi) >= 0:
		k = n + 1
	default:
		q, err := numeric.DivTrunc(numeric.Mul(numeric.Sub(x, lo), numeric.FromInt(n)), numeric.Sub(hi, lo))
		if err != nil {
			return datum.Null(), err
		}
		k, _ = numeric.Int64(q)
		k++
	}
	if k > math.MaxInt32 {
		return datum.Null(), outOfRange("integer")
	}
	return datum.Int(k), nil
}

func inRangeNumeric(c *Call) (datum.Datum, error) {
	v, err := num(c.Args[0])
	if err != nil {
		return datum.Null(), err
	}
	b, err := num(c.Args[1])
	if err != nil {
		return datum.Null(), err
	}
	off, err := num(c.Args[2])
	if err != nil {
		return datum.Null(), err
	}
	sub, less := c.Args[3].Bool(), c.Args[4].Bool()
	if off.Kind == numeric.NaN || off.Sign() < 0 {
		return datum.Null(), errFrameOffset()
	}
	switch {
	case v.Kind == numeric.NaN:
		return datum.Bool(b.Kind == numeric.NaN || !less), nil
	case b.Kind == numeric.NaN:
		return datum.Bool(less), nil
	case off.Kind != numeric.Finite && (b.Kind == numeric.PosInf && sub || b.Kind == numeric.NegInf && !sub):
		return datum.Bool(true), nil
	}
	s := numeric.Add(b, off)
	if sub {
		s = numeric.Sub(b, off)
	}
	k := numeric.Cmp(v, s)
	return datum.Bool(less && k <= 0 || !less && k >= 0), nil
}

func tenNum() numeric.Num { return numeric.FromInt(10) }
