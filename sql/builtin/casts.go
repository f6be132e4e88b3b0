package builtin

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

func toInt(v int64, lo, hi int64, typ string) (datum.Datum, error) {
	if v < lo || v > hi {
		return datum.Null(), outOfRange(typ)
	}
	return datum.Int(v), nil
}

func floatToInt(f float64, lo, hi float64, typ string) (datum.Datum, error) {
	f = math.RoundToEven(f)
	if math.IsNaN(f) || f < lo || f >= -lo {
		return datum.Null(), outOfRange(typ)
	}
	return datum.Int(int64(f)), nil
}

func addCasts(r funcs) {
	cut := func(lo, hi int64, typ string) scalarFunc {
		return func(c *Call) (datum.Datum, error) { return toInt(c.Args[0].Int, lo, hi, typ) }
	}
	same := func(c *Call) (datum.Datum, error) { return c.Args[0], nil }
	r.scalar("i2toi4", func(c *Call) (datum.Datum, error) { return datum.Int(int64(int16(c.Args[0].Int))), nil })
	r.scalar("i4toi2", func(c *Call) (datum.Datum, error) {
		return toInt(int64(int32(c.Args[0].Int)), math.MinInt16, math.MaxInt16, "smallint")
	})
	r.scalar("int28", func(c *Call) (datum.Datum, error) { return datum.Int(int64(int16(c.Args[0].Int))), nil })
	r.scalar("int48", func(c *Call) (datum.Datum, error) { return datum.Int(int64(int32(c.Args[0].Int))), nil })
	r.scalar("int82", cut(math.MinInt16, math.MaxInt16, "smallint"))
	r.scalar("int84", cut(math.MinInt32, math.MaxInt32, "integer"))
	r.scalar("i8tooid", cut(0, math.MaxUint32, "OID"))
	r.scalar("oidtoi8", func(c *Call) (datum.Datum, error) { return datum.Int(int64(uint32(c.Args[0].Int))), nil })
	r.scalar("xid8toxid", func(c *Call) (datum.Datum, error) { return datum.Int(int64(uint32(c.Args[0].Int))), nil })
	r.scalar("int4_bool", func(c *Call) (datum.Datum, error) { return datum.Bool(int32(c.Args[0].Int) != 0), nil })
	r.scalar("bool_int4", same)
	r.scalar("chartoi4", func(c *Call) (datum.Datum, error) { return datum.Int(int64(int8(c.Args[0].Int))), nil })
	r.scalar("i4tochar", func(c *Call) (datum.Datum, error) {
		v := int32(c.Args[0].Int)
		if v < math.MinInt8 || v > math.MaxInt8 {
			return datum.Null(), outOfRange("\"char\"")
		}
		return datum.Int(int64(uint8(v))), nil
	})
	intFloat := func(name string, f func(d datum.Datum) float64, four bool) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			if four {
				return datum.Float4(float32(f(c.Args[0]))), nil
			}
			return datum.Float8(f(c.Args[0])), nil
		})
	}
	i2 := func(d datum.Datum) float64 { return float64(int16(d.Int)) }
	i4 := func(d datum.Datum) float64 { return float64(int32(d.Int)) }
	i8 := func(d datum.Datum) float64 { return float64(d.Int) }
	intFloat("i2tod", i2, false)
	intFloat("i4tod", i4, false)
	intFloat("i8tod", i8, false)
	intFloat("i2tof", i2, true)
	intFloat("i4tof", i4, true)
	r.scalar("i8tof", func(c *Call) (datum.Datum, error) { return datum.Float4(float32(c.Args[0].Int)), nil })
	for name, p := range map[string]struct {
		lo  float64
		typ string
	}{"i2": {-1 << 15, "smallint"}, "i4": {-1 << 31, "integer"}, "i8": {-1 << 63, "bigint"}} {
		r.scalar("dto"+name, func(c *Call) (datum.Datum, error) { return floatToInt(c.Args[0].Float8(), p.lo, 0, p.typ) })
		r.scalar("fto"+name, func(c *Call) (datum.Datum, error) {
			return floatToInt(float64(c.Args[0].Float4()), p.lo, 0, p.typ)
		})
	}
	r.scalar("ftod", func(c *Call) (datum.Datum, error) { return datum.Float8(float64(c.Args[0].Float4())), nil })
	r.scalar("dtof", func(c *Call) (datum.Datum, error) {
		v, err := narrow(c.Args[0].Float8(), 0, func(a, _ float64) (float64, error) { return a, nil })
		return datum.Float4(v), err
	})
	addNumericCasts(r)
	addTextCasts(r)
}

func addNumericCasts(r funcs) {
	r.scalar("int2_numeric", func(c *Call) (datum.Datum, error) { return numDatum(numeric.FromInt(int64(int16(c.Args[0].Int))), nil) })
	r.scalar("int4_numeric", func(c *Call) (datum.Datum, error) { return numDatum(numeric.FromInt(int64(int32(c.Args[0].Int))), nil) })
	r.scalar("int8_numeric", func(c *Call) (datum.Datum, error) { return numDatum(numeric.FromInt(c.Args[0].Int), nil) })
	r.scalar("float8_numeric", func(c *Call) (datum.Datum, error) { return numDatum(numeric.FromFloat(c.Args[0].Float8(), 15), nil) })
	r.scalar("float4_numeric", func(c *Call) (datum.Datum, error) {
		return numDatum(numeric.FromFloat(float64(c.Args[0].Float4()), 6), nil)
	})
	toInteger := func(name, typ string, lo, hi int64) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			n, err := num(c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			switch n.Kind {
			case numeric.NaN:
				return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot convert NaN to %s", typ)
			case numeric.PosInf, numeric.NegInf:
				return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to %s", typ)
			}
			v, ok := numeric.Int64(n)
			if !ok {
				return datum.Null(), outOfRange(typ)
			}
			return toInt(v, lo, hi, typ)
		})
	}
	toInteger("numeric_int2", "smallint", math.MinInt16, math.MaxInt16)
	toInteger("numeric_int4", "integer", math.MinInt32, math.MaxInt32)
	toInteger("numeric_int8", "bigint", math.MinInt64, math.MaxInt64)
	viaText := func(name string, bits int) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			n, err := num(c.Args[0])
			if err != nil {
				return datum.Null(), err
			}
			v, err := types.ParseFloat(n.AppendText(nil), bits)
			if bits == 32 {
				return datum.Float4(float32(v)), err
			}
			return datum.Float8(v), err
		})
	}
	viaText("numeric_float8", 64)
	viaText("numeric_float4", 32)
	r.scalar("numeric_float8_no_overflow", func(c *Call) (datum.Datum, error) {
		n, err := num(c.Args[0])
		return datum.Float8(n.Float64()), err
	})
}

func addTextCasts(r funcs) {
	same := func(c *Call) (datum.Datum, error) { return c.Args[0], nil }
	trim := func(c *Call) (datum.Datum, error) {
		b := c.Args[0].Bytes
		for len(b) > 0 && b[len(b)-1] == ' ' {
			b = b[:len(b)-1]
		}
		return datum.Bytes(b), nil
	}
	clip := func(c *Call) (datum.Datum, error) { return datum.Bytes(types.ClipName(c.Args[0].Bytes)), nil }
	r.scalar("rtrim1", func(c *Call) (datum.Datum, error) { return trim(c) })
	r.scalar("name_text", same)
	r.scalar("text_name", clip)
	r.scalar("bpchar_name", func(c *Call) (datum.Datum, error) {
		d, _ := trim(c)
		return datum.Bytes(types.ClipName(d.Bytes)), nil
	})
	r.scalar("name_bpchar", same)
	charText := func(c *Call) (datum.Datum, error) {
		return datum.Bytes(types.AppendChar([]byte{}, byte(c.Args[0].Int))), nil
	}
	r.scalar("char_text", charText)
	r.scalar("char_bpchar", func(c *Call) (datum.Datum, error) { return charText(c) })
	r.scalar("text_char", func(c *Call) (datum.Datum, error) {
		f, _ := types.In("charin")
		return f(nil, c.Args[0].Bytes, 0, -1)
	})
	r.scalar("booltext", func(c *Call) (datum.Datum, error) {
		if c.Args[0].Bool() {
			return text("true")
		}
		return text("false")
	})
	r.scalar("varchar", func(c *Call) (datum.Datum, error) {
		b, err := types.CoerceVarchar(c.Args[0].Bytes, int32(c.Args[1].Int), c.Args[2].Bool())
		return datum.Bytes(b), err
	})
	r.scalar("bpchar", func(c *Call) (datum.Datum, error) {
		b, err := types.CoerceBpchar(c.Args[0].Bytes, int32(c.Args[1].Int), c.Args[2].Bool())
		return datum.Bytes(b), err
	})
	r.scalar("text_regclass", func(c *Call) (datum.Datum, error) {
		o, err := c.Env.Reg(types.RegClass, c.Args[0].Bytes)
		return datum.Int(int64(o)), err
	})
}
