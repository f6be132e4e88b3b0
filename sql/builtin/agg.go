package builtin

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/datum/numeric"
	"github.com/pgmini/pgmini/sql/types"
)

func buildAggregates() map[aggKey]*Agg {
	m := map[aggKey]*Agg{}
	add := func(trans, final string, f func(c *AggCall) AggState) { m[aggKey{trans, final}] = &Agg{New: f} }
	add("int8inc", "", func(*AggCall) AggState { return &countAll{} })
	add("int8inc_any", "", func(*AggCall) AggState { return &countArg{} })
	add("int8inc_float8_float8", "", func(*AggCall) AggState { return &countBoth{} })
	add("int2_sum", "", func(*AggCall) AggState { return &sumInt{width: 16} })
	add("int4_sum", "", func(*AggCall) AggState { return &sumInt{width: 32} })
	add("int2_avg_accum", "int8_avg", func(*AggCall) AggState { return &sumInt{width: 16, avg: true} })
	add("int4_avg_accum", "int8_avg", func(*AggCall) AggState { return &sumInt{width: 32, avg: true} })
	add("int8_avg_accum", "numeric_poly_sum", func(*AggCall) AggState { return &sumBig{} })
	add("int8_avg_accum", "numeric_poly_avg", func(*AggCall) AggState { return &sumBig{avg: true} })
	add("numeric_avg_accum", "numeric_sum", func(*AggCall) AggState { return &sumNum{kind: "sum"} })
	add("numeric_avg_accum", "numeric_avg", func(*AggCall) AggState { return &sumNum{kind: "avg"} })
	for _, k := range []string{"var_pop", "var_samp", "stddev_pop", "stddev_samp"} {
		add("numeric_accum", "numeric_"+k, func(*AggCall) AggState { return &sumNum{kind: k} })
		for _, t := range []string{"int2_accum", "int4_accum"} {
			add(t, "numeric_poly_"+k, func(*AggCall) AggState { return &sumNum{kind: k, ints: true} })
		}
		add("int8_accum", "numeric_"+k, func(*AggCall) AggState { return &sumNum{kind: k, ints: true} })
		add("float8_accum", "float8_"+k, func(*AggCall) AggState { return &momentsAgg{kind: k} })
		add("float4_accum", "float8_"+k, func(*AggCall) AggState { return &momentsAgg{kind: k, four: true} })
	}
	add("float8_accum", "float8_avg", func(*AggCall) AggState { return &momentsAgg{kind: "avg"} })
	add("float4_accum", "float8_avg", func(*AggCall) AggState { return &momentsAgg{kind: "avg", four: true} })
	add("float8pl", "", func(*AggCall) AggState { return &sumFloat{} })
	add("float4pl", "", func(*AggCall) AggState { return &sumFloat{four: true} })
	add("interval_pl", "", func(*AggCall) AggState { return &sumSpanAgg{} })
	add("interval_accum", "interval_avg", func(*AggCall) AggState { return &sumSpanAgg{avg: true} })
	add("booland_statefunc", "", func(*AggCall) AggState { return &boolAgg{all: true} })
	add("boolor_statefunc", "", func(*AggCall) AggState { return &boolAgg{} })
	addExtremes(add)
	addBitAggs(add)
	addCollect(add)
	addJSONAggs(add)
	addBitStringAggs(add)
	for _, k := range []string{"sxx", "syy", "sxy", "avgx", "avgy", "r2", "slope", "intercept"} {
		add("float8_regr_accum", "float8_regr_"+k, func(*AggCall) AggState { return &regression{kind: k} })
	}
	for _, k := range []string{"covar_pop", "covar_samp", "corr"} {
		add("float8_regr_accum", "float8_"+k, func(*AggCall) AggState { return &regression{kind: k} })
	}
	return m
}

type countAll struct{ n int64 }

func (s *countAll) Step([]datum.Datum) error    { s.n++; return nil }
func (s *countAll) Final() (datum.Datum, error) { return datum.Int(s.n), nil }
func (s *countAll) StepBatch(_ []types.Vec, sel []int32) error {
	s.n += int64(len(sel))
	return nil
}

type countArg struct{ n int64 }

func (s *countArg) Step(a []datum.Datum) error {
	s.n += b2i(!a[0].Null)
	return nil
}
func (s *countArg) Final() (datum.Datum, error) { return datum.Int(s.n), nil }
func (s *countArg) StepBatch(a []types.Vec, sel []int32) error {
	for _, i := range sel {
		s.n += b2i(!a[0].IsNull(i))
	}
	return nil
}

type countBoth struct{ n int64 }

func (s *countBoth) Step(a []datum.Datum) error {
	s.n += b2i(!a[0].Null && !a[1].Null)
	return nil
}
func (s *countBoth) Final() (datum.Datum, error) { return datum.Int(s.n), nil }

// sumInt sums int2 and int4, exactly, in 64 bits.
type sumInt struct {
	n, sum int64
	width  int
	avg    bool
}

func (s *sumInt) add(v int64) {
	if s.width == 16 {
		v = int64(int16(v))
	} else {
		v = int64(int32(v))
	}
	s.n++
	s.sum += v
}

func (s *sumInt) Step(a []datum.Datum) error {
	if !a[0].Null {
		s.add(a[0].Int)
	}
	return nil
}

func (s *sumInt) StepBatch(a []types.Vec, sel []int32) error {
	v := &a[0]
	m := mask(v)
	for _, i := range sel {
		if v.Nulls == nil || !v.Nulls[i&m] {
			s.add(v.Ints[i&m])
		}
	}
	return nil
}

func (s *sumInt) Final() (datum.Datum, error) {
	if s.n == 0 {
		return datum.Null(), nil
	}
	if s.avg {
		return numDatum(numeric.Div(numeric.FromInt(s.sum), numeric.FromInt(s.n)))
	}
	return datum.Int(s.sum), nil
}

// sumBig sums int8 in 128 bits (hi:lo, two's complement).
type sumBig struct {
	n   int64
	hi  int64
	lo  uint64
	avg bool
}

func (s *sumBig) add(v int64) {
	s.n++
	lo := s.lo + uint64(v)
	if lo < s.lo {
		s.hi++
	}
	s.lo = lo
	s.hi += v >> 63
}

func (s *sumBig) Step(a []datum.Datum) error {
	if !a[0].Null {
		s.add(a[0].Int)
	}
	return nil
}

func (s *sumBig) StepBatch(a []types.Vec, sel []int32) error {
	v := &a[0]
	m := mask(v)
	for _, i := range sel {
		if v.Nulls == nil || !v.Nulls[i&m] {
			s.add(v.Ints[i&m])
		}
	}
	return nil
}

func (s *sumBig) total() numeric.Num {
	two64 := numeric.Mul(numeric.FromUint(1<<63), numeric.FromInt(2))
	return numeric.Add(numeric.Mul(numeric.FromInt(s.hi), two64), numeric.FromUint(s.lo))
}

func (s *sumBig) Final() (datum.Datum, error) {
	if s.n == 0 {
		return datum.Null(), nil
	}
	if s.avg {
		return numDatum(numeric.Div(s.total(), numeric.FromInt(s.n)))
	}
	return numDatum(s.total(), nil)
}

// sumNum keeps N, ΣX and, for variances, ΣX², exactly.
type sumNum struct {
	kind  string
	ints  bool
	n     int64
	x, xx numeric.Num
}

func (s *sumNum) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	var v numeric.Num
	if s.ints {
		v = numeric.FromInt(a[0].Int)
	} else {
		var err error
		if v, err = num(a[0]); err != nil {
			return err
		}
	}
	s.n++
	s.x = numeric.Add(s.x, v)
	if s.kind != "sum" && s.kind != "avg" {
		s.xx = numeric.Add(s.xx, numeric.Mul(v, v))
	}
	return nil
}

func (s *sumNum) Final() (datum.Datum, error) {
	if s.n == 0 {
		return datum.Null(), nil
	}
	n := numeric.FromInt(s.n)
	switch s.kind {
	case "sum":
		return numDatum(s.x, nil)
	case "avg":
		if s.x.Kind != numeric.Finite {
			return numDatum(s.x, nil)
		}
		return numDatum(numeric.Div(s.x, n))
	}
	samp := s.kind == "var_samp" || s.kind == "stddev_samp"
	if samp && s.n <= 1 {
		return datum.Null(), nil
	}
	if s.x.Kind != numeric.Finite {
		return numDatum(numeric.Num{Kind: numeric.NaN}, nil)
	}
	d := numeric.Sub(numeric.Mul(n, s.xx), numeric.Mul(s.x, s.x))
	if d.Sign() <= 0 {
		return numDatum(numeric.Num{}, nil)
	}
	div := numeric.Mul(n, n)
	if samp {
		div = numeric.Mul(n, numeric.FromInt(s.n-1))
	}
	scale := numeric.DivScale(d, div)
	v := numeric.DivAt(d, div, scale)
	if s.kind == "stddev_pop" || s.kind == "stddev_samp" {
		v = numeric.SqrtAt(v, scale)
	}
	return numDatum(v, nil)
}

// momentsAgg keeps N, Σx and the sum of squared deviations (Youngs and Cramer).
type momentsAgg struct {
	kind    string
	four    bool
	n, x, q float64
}

func (s *momentsAgg) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	v := a[0].Float8()
	if s.four {
		v = float64(a[0].Float4())
	}
	return s.add(v)
}

func (s *momentsAgg) add(v float64) error {
	old, oldX := s.n, s.x
	s.n++
	s.x += v
	if old > 0 {
		t := v*s.n - s.x
		s.q += t * t / (s.n * old)
		if math.IsInf(s.x, 0) || math.IsInf(s.q, 0) {
			if !math.IsInf(oldX, 0) && !math.IsInf(v, 0) {
				return errFloatOver()
			}
			s.q = math.NaN()
		}
	} else if math.IsNaN(v) || math.IsInf(v, 0) {
		s.q = math.NaN()
	}
	return nil
}

func (s *momentsAgg) StepBatch(a []types.Vec, sel []int32) error {
	v := &a[0]
	m := mask(v)
	for _, i := range sel {
		if v.Nulls != nil && v.Nulls[i&m] {
			continue
		}
		d := datum.Datum{Int: v.Ints[i&m]}
		x := d.Float8()
		if s.four {
			x = float64(d.Float4())
		}
		if err := s.add(x); err != nil {
			return err
		}
	}
	return nil
}

func (s *momentsAgg) Final() (datum.Datum, error) {
	if s.n == 0 {
		return datum.Null(), nil
	}
	switch s.kind {
	case "avg":
		return datum.Float8(s.x / s.n), nil
	case "var_pop":
		return datum.Float8(s.q / s.n), nil
	case "stddev_pop":
		return datum.Float8(math.Sqrt(s.q / s.n)), nil
	}
	if s.n <= 1 {
		return datum.Null(), nil
	}
	if s.kind == "var_samp" {
		return datum.Float8(s.q / (s.n - 1)), nil
	}
	return datum.Float8(math.Sqrt(s.q / (s.n - 1))), nil
}

type sumFloat struct {
	four, any bool
	sum       float64
}

func (s *sumFloat) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	v := a[0].Float8()
	if s.four {
		v = float64(a[0].Float4())
	}
	if !s.any {
		s.any, s.sum = true, v
		return nil
	}
	if s.four {
		w, err := narrow(s.sum, v, floatAdd)
		s.sum = float64(w)
		return err
	}
	var err error
	s.sum, err = floatAdd(s.sum, v)
	return err
}

func (s *sumFloat) Final() (datum.Datum, error) {
	switch {
	case !s.any:
		return datum.Null(), nil
	case s.four:
		return datum.Float4(float32(s.sum)), nil
	}
	return datum.Float8(s.sum), nil
}

type sumSpanAgg struct {
	n   int64
	sum types.Span
	avg bool
}

func (s *sumSpanAgg) Step(a []datum.Datum) (err error) {
	if a[0].Null {
		return nil
	}
	s.n++
	s.sum, err = sumSpan(s.sum, types.ParseSpan(a[0].Bytes))
	return err
}

func (s *sumSpanAgg) Final() (datum.Datum, error) {
	switch {
	case s.n == 0:
		return datum.Null(), nil
	case s.avg:
		return spanResult(scaleSpan(s.sum, float64(s.n), true))
	}
	return s.sum.Datum(), nil
}

type boolAgg struct{ all, any, v bool }

func (s *boolAgg) Step(a []datum.Datum) error {
	if a[0].Null {
		return nil
	}
	if !s.any {
		s.any, s.v = true, a[0].Bool()
	} else if s.all {
		s.v = s.v && a[0].Bool()
	} else {
		s.v = s.v || a[0].Bool()
	}
	return nil
}

func (s *boolAgg) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	return datum.Bool(s.v), nil
}

// extreme is max (want 1) or min (want -1).
type extreme struct {
	f    cmp.Func
	want int
	any  bool
	v    datum.Datum
}

func (s *extreme) Step(a []datum.Datum) error {
	d := a[0]
	if d.Null || s.any && s.f(d, s.v)*s.want <= 0 {
		return nil
	}
	s.any = true
	s.v = datum.Datum{Int: d.Int, Bytes: append(s.v.Bytes[:0], d.Bytes...)}
	return nil
}

func (s *extreme) StepBatch(a []types.Vec, sel []int32) error {
	var one [1]datum.Datum
	for _, i := range sel {
		one[0] = a[0].Get(i)
		if err := s.Step(one[:]); err != nil {
			return err
		}
	}
	return nil
}

func (s *extreme) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	return s.v, nil
}

type failedAgg struct{ err error }

func (s failedAgg) Step([]datum.Datum) error    { return s.err }
func (s failedAgg) Final() (datum.Datum, error) { return datum.Null(), s.err }

func addExtremes(add func(trans, final string, f func(c *AggCall) AggState)) {
	for name, proc := range map[string]string{"int2": "btint2cmp", "int4": "btint4cmp", "int8": "btint8cmp", "float4": "btfloat4cmp",
		"float8": "btfloat8cmp", "oid": "btoidcmp", "text_": "bttextcmp", "bpchar_": "bpcharcmp", "date_": "date_cmp", "time_": "time_cmp",
		"timetz_": "timetz_cmp", "timestamp_": "timestamp_cmp", "timestamptz_": "timestamp_cmp", "interval_": "interval_cmp",
		"numeric_": "numeric_cmp", "tid": "bttidcmp", "pg_lsn_": "pg_lsn_cmp", "xid8_": "xid8cmp"} {
		f, _ := cmp.ByProc(proc)
		add(name+"larger", "", func(*AggCall) AggState { return &extreme{f: f, want: 1} })
		add(name+"smaller", "", func(*AggCall) AggState { return &extreme{f: f, want: -1} })
	}
	byType := func(want int) func(c *AggCall) AggState {
		return func(c *AggCall) AggState {
			f, err := c.Env.CompareType(c.ArgTypes[0])
			if err != nil {
				return failedAgg{err}
			}
			return &extreme{f: f, want: want}
		}
	}
	for _, p := range []string{"array_", "enum_"} {
		add(p+"larger", "", byType(1))
		add(p+"smaller", "", byType(-1))
	}
}

type bitAgg struct {
	f   func(a, b int64) int64
	any bool
	v   int64
}

func (s *bitAgg) Step(a []datum.Datum) error {
	switch {
	case a[0].Null:
	case !s.any:
		s.any, s.v = true, a[0].Int
	default:
		s.v = s.f(s.v, a[0].Int)
	}
	return nil
}

func (s *bitAgg) Final() (datum.Datum, error) {
	if !s.any {
		return datum.Null(), nil
	}
	return datum.Int(s.v), nil
}

func addBitAggs(add func(trans, final string, f func(c *AggCall) AggState)) {
	for n, f := range map[string]func(a, b int64) int64{
		"and": func(a, b int64) int64 { return a & b },
		"or":  func(a, b int64) int64 { return a | b },
		"xor": func(a, b int64) int64 { return a ^ b },
	} {
		for _, t := range []string{"int2", "int4", "int8"} {
			add(t+n, "", func(*AggCall) AggState { return &bitAgg{f: f} })
		}
	}
}
