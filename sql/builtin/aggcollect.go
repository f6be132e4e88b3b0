package builtin

import (
	"bytes"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"math"
)

// stringAgg is string_agg; the delimiter of the first value is not used.
type stringAgg struct {
	any bool
	buf []byte
}

func (s *stringAgg) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	if s.any && !a[1].Null {
		s.buf = append(s.buf, a[1].Bytes...)
	}
	s.any = true
	if len(s.buf)+len(a[0].Bytes) > maxText {
		return pgerr.New(pgerr.ProgramLimitExceeded, "out of memory")
	}
	s.buf = append(s.buf, a[0].Bytes...)
	return nil
}

func (s *stringAgg) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	return datum.Bytes(bytes.Clone(s.buf)), nil
}

// arrayAgg is array_agg of values, or of arrays (nested).
type arrayAgg struct {
	typ    oid.OID
	st     array.Elem
	elems  []datum.Datum
	any    bool
	nested bool
	dims   []array.Dim
	n      int32
}

func (s *arrayAgg) Step(a []datum.Datum) error {
	s.any = true
	if !s.nested {
		s.elems = append(s.elems, a[0].Clone())
		return nil
	}
	if a[0].Null {
		return pgerr.New(pgerr.NullValueNotAllowed, "cannot accumulate null arrays")
	}
	x, err := array.Parse(bytes.Clone(a[0].Bytes), s.st)
	if err != nil {
		return err
	}
	if len(x.Dims) == 0 {
		return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate empty arrays")
	}
	if s.n > 0 {
		same := len(x.Dims) == len(s.dims)
		for i := range x.Dims {
			same = same && x.Dims[i] == s.dims[i]
		}
		if !same {
			return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate arrays of different dimensionality")
		}
	}
	s.dims = x.Dims
	s.n++
	s.elems = append(s.elems, x.Elems...)
	return nil
}

func (s *arrayAgg) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	a := array.Of(s.typ, s.elems)
	if s.nested {
		a.Dims = append([]array.Dim{{Len: s.n, Lower: 1}}, s.dims...)
	}
	return buildArray(a, s.st)
}

func addCollect(add func(trans, final string, f func(c *AggCall) AggState)) {
	add("string_agg_transfn", "string_agg_finalfn", func(*AggCall) AggState { return &stringAgg{} })
	add("bytea_string_agg_transfn", "bytea_string_agg_finalfn", func(*AggCall) AggState { return &stringAgg{} })
	mk := func(nested bool) func(c *AggCall) AggState {
		return func(c *AggCall) AggState {
			typ := c.ArgTypes[0]
			if nested {
				ti, _ := c.Env.Type(typ)
				typ = ti.Elem
			}
			st, err := c.Env.ElemInfo(typ)
			if err != nil {
				return failedAgg{err}
			}
			return &arrayAgg{typ: typ, st: st, nested: nested}
		}
	}
	add("array_agg_transfn", "array_agg_finalfn", mk(false))
	add("array_agg_array_transfn", "array_agg_array_finalfn", mk(true))
}

// regression serves the two-argument statistics; the first argument is Y.
type regression struct {
	kind                   string
	n, sx, sxx, sy, syy, p float64
}

func (s *regression) Step(a []datum.Datum) error {
	if a[0].Null || a[1].Null {
		return nil
	}
	y, x := a[0].Float8(), a[1].Float8()
	s.n++
	s.sx += x
	s.sy += y
	if s.n > 1 {
		tx, ty := x*s.n-s.sx, y*s.n-s.sy
		sc := 1 / (s.n * (s.n - 1))
		s.sxx += tx * tx * sc
		s.syy += ty * ty * sc
		s.p += tx * ty * sc
	} else if math.IsInf(x+y, 0) || math.IsNaN(x+y) {
		s.sxx, s.syy, s.p = math.NaN(), math.NaN(), math.NaN()
	}
	return nil
}

func (s *regression) Final() (datum.Datum, error) {
	if s.n < 1 || s.kind == "covar_samp" && s.n < 2 {
		return datum.Null(), nil
	}
	v := 0.0
	switch s.kind {
	case "sxx":
		v = s.sxx
	case "syy":
		v = s.syy
	case "sxy":
		v = s.p
	case "avgx":
		v = s.sx / s.n
	case "avgy":
		v = s.sy / s.n
	case "covar_pop":
		v = s.p / s.n
	case "covar_samp":
		v = s.p / (s.n - 1)
	case "corr":
		if s.sxx == 0 || s.syy == 0 {
			return datum.Null(), nil
		}
		v = s.p / math.Sqrt(s.sxx*s.syy)
	default:
		if s.sxx == 0 {
			return datum.Null(), nil
		}
		switch s.kind {
		case "r2":
			if v = 1; s.syy != 0 {
				v = s.p * s.p / (s.sxx * s.syy)
			}
		case "slope":
			v = s.p / s.sxx
		case "intercept":
			v = (s.sy - s.sx*s.p/s.sxx) / s.n
		}
	}
	return datum.Float8(v), nil
}
