package builtin

import (
	"math"
	"math/bits"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
)

func addChecked(a, b int64) (int64, bool) {
	s := a + b
	return s, (a >= 0) == (b >= 0) && (s >= 0) != (a >= 0)
}

func mulChecked(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, false
	}
	p := a * b
	return p, p/b != a || a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64
}

// arith registers the four operations of integers A and B whose result is the
// wider one, R.
func arith[A, B, R signed](r funcs, prefix, typ string) {
	fit := func(v int64, over bool) (int64, error) {
		if over || int64(R(v)) != v {
			return 0, outOfRange(typ)
		}
		return v, nil
	}
	r.ints(prefix+"pl", func(a, b int64) (int64, error) { return fit(addChecked(int64(A(a)), int64(B(b)))) })
	r.ints(prefix+"mi", func(a, b int64) (int64, error) {
		x, y := int64(A(a)), int64(B(b))
		d := x - y
		return fit(d, (x >= 0) != (y >= 0) && (d >= 0) != (x >= 0))
	})
	r.ints(prefix+"mul", func(a, b int64) (int64, error) { return fit(mulChecked(int64(A(a)), int64(B(b)))) })
	r.ints(prefix+"div", func(a, b int64) (int64, error) {
		x, y := int64(A(a)), int64(B(b))
		switch {
		case y == 0:
			return 0, divZero()
		case y == -1:
			return fit(-x, x == math.MinInt64)
		}
		return fit(x/y, false)
	})
}

// ints registers a function of two integers, with its batch form.
func (r funcs) ints(name string, f func(a, b int64) (int64, error)) {
	r.batch(name, func(c *Call) (datum.Datum, error) {
		v, err := f(c.Args[0].Int, c.Args[1].Int)
		return datum.Datum{Int: v}, err
	}, liftErr2(f))
}

func (r funcs) int1(name string, f func(a int64) (int64, error)) {
	r.scalar(name, func(c *Call) (datum.Datum, error) {
		v, err := f(c.Args[0].Int)
		return datum.Datum{Int: v}, err
	})
}

// one registers the functions of a single integer type.
func one[T signed](r funcs, p, typ string, width int) {
	minT := int64(math.MinInt64) >> (64 - width)
	r.ints(p+"mod", func(a, b int64) (int64, error) {
		if T(b) == 0 {
			return 0, divZero()
		}
		if T(b) == -1 {
			return 0, nil
		}
		return int64(T(a) % T(b)), nil
	})
	r.ints(p+"and", func(a, b int64) (int64, error) { return int64(T(a) & T(b)), nil })
	r.ints(p+"or", func(a, b int64) (int64, error) { return int64(T(a) | T(b)), nil })
	r.ints(p+"xor", func(a, b int64) (int64, error) { return int64(T(a) ^ T(b)), nil })
	shift := func(b int64) uint { return uint(int32(b)) & uint(max(width, 32)-1) }
	r.ints(p+"shl", func(a, b int64) (int64, error) { return int64(T(int64(T(a)) << shift(b))), nil })
	r.ints(p+"shr", func(a, b int64) (int64, error) { return int64(T(int64(T(a)) >> shift(b))), nil })
	r.int1(p+"not", func(a int64) (int64, error) { return int64(^T(a)), nil })
	r.int1(p+"up", func(a int64) (int64, error) { return a, nil })
	neg := func(a int64) (int64, error) {
		if int64(T(a)) == minT {
			return 0, outOfRange(typ)
		}
		return -int64(T(a)), nil
	}
	r.int1(p+"um", neg)
	abs := func(a int64) (int64, error) {
		if T(a) >= 0 {
			return int64(T(a)), nil
		}
		return neg(a)
	}
	r.int1(p+"abs", abs)
	gcd := func(a, b int64) (int64, error) {
		x, y := int64(T(a)), int64(T(b))
		for y != 0 {
			if y == -1 {
				x, y = 1, 0
				break
			}
			x, y = y, x%y
		}
		return abs(x)
	}
	r.ints(p+"gcd", gcd)
	r.ints(p+"lcm", func(a, b int64) (int64, error) {
		if T(a) == 0 || T(b) == 0 {
			return 0, nil
		}
		g, err := gcd(a, b)
		if err != nil {
			return 0, err
		}
		v, over := mulChecked(int64(T(a))/g, int64(T(b)))
		if over || int64(T(v)) != v {
			return 0, outOfRange(typ)
		}
		return abs(v)
	})
}

func addInt(r funcs) {
	arith[int16, int16, int16](r, "int2", "smallint")
	arith[int32, int32, int32](r, "int4", "integer")
	arith[int64, int64, int64](r, "int8", "bigint")
	arith[int16, int32, int32](r, "int24", "integer")
	arith[int32, int16, int32](r, "int42", "integer")
	arith[int16, int64, int64](r, "int28", "bigint")
	arith[int32, int64, int64](r, "int48", "bigint")
	arith[int64, int16, int64](r, "int82", "bigint")
	arith[int64, int32, int64](r, "int84", "bigint")
	one[int16](r, "int2", "smallint", 16)
	one[int32](r, "int4", "integer", 32)
	one[int64](r, "int8", "bigint", 64)
	inc := func(c *Call) (datum.Datum, error) {
		if c.Args[0].Int == math.MaxInt64 {
			return datum.Null(), outOfRange("bigint")
		}
		return datum.Int(c.Args[0].Int + 1), nil
	}
	r.scalar("int8inc", inc)
	r.scalar("int8inc_any", inc)
	r.scalar("int8inc_float8_float8", inc)
	r.int1("int4inc", func(a int64) (int64, error) {
		if int32(a) == math.MaxInt32 {
			return 0, outOfRange("integer")
		}
		return a + 1, nil
	})
	r.int1("int8_bit_count", func(a int64) (int64, error) { return int64(bits.OnesCount64(uint64(a))), nil })
	addInRange(r)
}

// addInRange: RANGE window frames over integers and floats.
func addInRange(r funcs) {
	ints := func(name string) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			v, b, off := c.Args[0].Int, c.Args[1].Int, c.Args[2].Int
			if off < 0 {
				return datum.Null(), errFrameOffset()
			}
			sub, less := c.Args[3].Bool(), c.Args[4].Bool()
			if sub {
				off = -off
			}
			s, over := addChecked(b, off)
			if over {
				return datum.Bool(sub != less), nil
			}
			if less {
				return datum.Bool(v <= s), nil
			}
			return datum.Bool(v >= s), nil
		})
	}
	for _, n := range []string{"int2_int2", "int2_int4", "int2_int8", "int4_int2", "int4_int4", "int4_int8", "int8_int8"} {
		ints("in_range_" + n)
	}
}

func errFrameOffset() error {
	return pgerr.New(pgerr.InvalidPrecedingOrFollowingSize, "invalid preceding or following size in window function")
}
