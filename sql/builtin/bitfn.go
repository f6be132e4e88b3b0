package builtin

import (
	"bytes"
	"math"
	"math/bits"
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// bitList is a bit string with a byte for each bit.
type bitList []byte

func bitsOf(c *Call, i int) bitList {
	n, data := types.Bits(arg(c, i))
	out := make(bitList, n)
	for k := range out {
		out[k] = data[k/8] >> (7 - k%8) & 1
	}
	return out
}

func (l bitList) datum() (datum.Datum, error) {
	data := make([]byte, (len(l)+7)/8)
	for k, b := range l {
		data[k/8] |= b << (7 - k%8)
	}
	return datum.Bytes(types.MakeBits(len(l), data)), nil
}

// sub is n bits from the 1-based start; n < 0: to the end.
func (l bitList) sub(start, n int) bitList {
	end := len(l) + 1
	if n >= 0 {
		end = min(end, start+n)
	}
	if start = max(start, 1); start >= end {
		return nil
	}
	return l[start-1 : end-1]
}

func addBits(r funcs) {
	compare, _ := cmp.ByProc("bitcmp")
	r.family("bit", "", compare, nil)
	r.scalar("bitcmp", func(c *Call) (datum.Datum, error) { return datum.Int(int64(compare(c.Args[0], c.Args[1]))), nil })
	for _, varying := range []bool{false, true} {
		name := "bit"
		if varying {
			name = "varbit"
		}
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			b, err := types.FitBits(arg(c, 0), int32(c.Args[1].Int), varying, c.Args[2].Bool())
			return datum.Bytes(b), err
		})
	}
	for _, name := range []string{"and", "or", "xor"} {
		f := func(c *Call) (datum.Datum, error) { return combineBits(name, c) }
		r.scalar("bit_"+name, f)
		r.scalar("bit"+name, f)
	}
	r.scalar("bitnot", func(c *Call) (datum.Datum, error) {
		a := bitsOf(c, 0)
		for i := range a {
			a[i] ^= 1
		}
		return a.datum()
	})
	r.scalar("bitcat", func(c *Call) (datum.Datum, error) { return append(bitsOf(c, 0), bitsOf(c, 1)...).datum() })
	shift := func(left bool) scalarFunc {
		return func(c *Call) (datum.Datum, error) {
			a, by := bitsOf(c, 0), argInt(c, 1)
			if !left {
				by = -by
			}
			out := make(bitList, len(a))
			for i := range a {
				if k := i + by; k >= 0 && k < len(a) {
					out[i] = a[k]
				}
			}
			return out.datum()
		}
	}
	r.scalar("bitshiftleft", shift(true))
	r.scalar("bitshiftright", shift(false))
	addBitParts(r)
	addBitNumbers(r)
}

// combineBits is bit string and, or, xor.
func combineBits(op string, c *Call) (datum.Datum, error) {
	a, b := bitsOf(c, 0), bitsOf(c, 1)
	if len(a) != len(b) {
		return datum.Null(), pgerr.New(pgerr.StringDataLengthMismatch, "cannot %s bit strings of different sizes", strings.ToUpper(op))
	}
	for i := range a {
		switch op {
		case "and":
			a[i] &= b[i]
		case "or":
			a[i] |= b[i]
		default:
			a[i] ^= b[i]
		}
	}
	return a.datum()
}

// bitStringAgg is bit_and, bit_or and bit_xor of bit strings.
type bitStringAgg struct {
	op  string
	acc datum.Datum
	any bool
}

func (s *bitStringAgg) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	if !s.any {
		s.any, s.acc = true, a[0].Clone()
		return nil
	}
	var err error
	s.acc, err = combineBits(s.op, &Call{Args: []datum.Datum{s.acc, a[0]}})
	return err
}

func (s *bitStringAgg) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	return s.acc, nil
}

func addBitStringAggs(add func(trans, final string, f func(c *AggCall) AggState)) {
	for _, op := range []string{"and", "or", "xor"} {
		for _, name := range []string{"bit_" + op, "bit" + op} {
			add(name, "", func(*AggCall) AggState { return &bitStringAgg{op: op} })
		}
	}
}

func addBitParts(r funcs) {
	negative := func() (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
	}
	r.scalar("bitlength", func(c *Call) (datum.Datum, error) { return datum.Int(int64(len(bitsOf(c, 0)))), nil })
	r.scalar("bitoctetlength", func(c *Call) (datum.Datum, error) { return datum.Int(int64(len(bitsOf(c, 0))+7) / 8), nil })
	r.scalar("bitsubstr_no_len", func(c *Call) (datum.Datum, error) { return bitsOf(c, 0).sub(argInt(c, 1), -1).datum() })
	r.scalar("bitsubstr", func(c *Call) (datum.Datum, error) {
		if argInt(c, 2) < 0 {
			return negative()
		}
		return bitsOf(c, 0).sub(argInt(c, 1), argInt(c, 2)).datum()
	})
	overlay := func(c *Call) (datum.Datum, error) {
		a, b, start := bitsOf(c, 0), bitsOf(c, 1), argInt(c, 2)
		n := len(b)
		if len(c.Args) > 3 {
			n = argInt(c, 3)
		}
		if start <= 0 {
			return negative()
		}
		if start+n > math.MaxInt32 || start+n < math.MinInt32 {
			return datum.Null(), outOfRange("integer")
		}
		out := append(append(bitList{}, a.sub(1, start-1)...), b...)
		return append(out, a.sub(start+n, -1)...).datum()
	}
	r.scalar("bitoverlay", overlay)
	r.scalar("bitoverlay_no_len", overlay)
	r.scalar("bitposition", func(c *Call) (datum.Datum, error) {
		a, b := bitsOf(c, 0), bitsOf(c, 1)
		if len(a) == 0 {
			return datum.Int(0), nil
		}
		return datum.Int(int64(bytes.Index(a, b) + 1)), nil
	})
	index := func(c *Call, a bitList) (int, error) {
		i := argInt(c, 1)
		if i < 0 || i >= len(a) {
			return 0, pgerr.New(pgerr.ArraySubscriptError, "bit index %d out of valid range (0..%d)", i, len(a)-1)
		}
		return i, nil
	}
	r.scalar("bitgetbit", func(c *Call) (datum.Datum, error) {
		a := bitsOf(c, 0)
		i, err := index(c, a)
		if err != nil {
			return datum.Null(), err
		}
		return datum.Int(int64(a[i])), nil
	})
	r.scalar("bitsetbit", func(c *Call) (datum.Datum, error) {
		a := bitsOf(c, 0)
		i, err := index(c, a)
		if err != nil {
			return datum.Null(), err
		}
		if v := argInt(c, 2); v != 0 && v != 1 {
			return datum.Null(), pgerr.New(pgerr.InvalidParameterValue, "new bit must be 0 or 1")
		}
		a[i] = byte(argInt(c, 2))
		return a.datum()
	})
	r.scalar("bit_bit_count", func(c *Call) (datum.Datum, error) {
		n := 0
		_, data := types.Bits(arg(c, 0))
		for _, b := range data {
			n += bits.OnesCount8(b)
		}
		return datum.Int(int64(n)), nil
	})
}

// addBitNumbers: casts between bit strings and integers.
func addBitNumbers(r funcs) {
	to := func(name, typ string, width int) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			a := bitsOf(c, 0)
			if len(a) > width {
				return datum.Null(), outOfRange(typ)
			}
			v := uint64(0)
			for _, b := range a {
				v = v<<1 | uint64(b)
			}
			if width == 32 {
				return datum.Int(int64(int32(v))), nil
			}
			return datum.Int(int64(v)), nil
		})
	}
	to("bittoint4", "integer", 32)
	to("bittoint8", "bigint", 64)
	for _, name := range []string{"bitfromint4", "bitfromint8"} {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			v, n := c.Args[0].Int, argInt(c, 1)
			if name == "bitfromint4" {
				v = int64(int32(v))
			}
			if n <= 0 {
				n = 1
			}
			if n > types.MaxBits {
				return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "bit string length exceeds the maximum allowed (%d)", types.MaxBits)
			}
			out := make(bitList, n)
			for i := range out {
				out[n-1-i] = byte(v >> min(i, 63) & 1)
			}
			return out.datum()
		})
	}
}
