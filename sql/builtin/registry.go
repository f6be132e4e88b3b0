package builtin

import (
	"sync"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

type (
	scalarFunc = func(c *Call) (datum.Datum, error)
	batchFunc  = func(c *Call, args []types.Vec, out *types.Vec, sel []int32) error
	funcs      map[string]*Func
	aggKey     struct{ trans, final string }
)

// registry is built once and never changes.
//
// constant
var registry = sync.OnceValue(func() funcs {
	r := funcs{}
	addCompare(r)
	addInt(r)
	addFloat(r)
	addNumeric(r)
	addCasts(r)
	addText(r)
	addUnicode(r)
	addLike(r)
	addRegexp(r)
	addFormat(r)
	addBytea(r)
	addDates(r)
	addDateFields(r)
	addToChar(r)
	addArrays(r)
	addSets(r)
	addSystem(r)
	addIO(r)
	addJSON(r)
	addBits(r)
	addStored(r)
	return r
})

// aggregates is built once and never changes.
//
// constant
var aggregates = sync.OnceValue(buildAggregates)

func (r funcs) scalar(name string, f scalarFunc) { r[name] = &Func{Scalar: f} }

func (r funcs) batch(name string, f scalarFunc, b batchFunc) { r[name] = &Func{Scalar: f, Batch: b} }

func (r funcs) set(name string, f func(c *Call) (Rows, error)) { r[name] = &Func{Set: f} }

// signed are the widths of by-value integers.
type signed interface{ ~int16 | ~int32 | ~int64 }

// mask makes i&mask the slot of row i: 0 for a constant column.
func mask(v *types.Vec) int32 {
	if v.Const {
		return 0
	}
	return -1
}

// rowCount is the number of rows a batch computes.
func rowCount(out *types.Vec, sel []int32) int {
	if sel != nil {
		return len(sel)
	}
	return len(out.Nulls)
}

// lift2 makes a batch form of a function of two by-value arguments that cannot
// fail.
func lift2(f func(a, b int64) int64) batchFunc {
	return func(_ *Call, args []types.Vec, out *types.Vec, sel []int32) error {
		a, b := &args[0], &args[1]
		am, bm := mask(a), mask(b)
		for k := range rowCount(out, sel) {
			i := int32(k)
			if sel != nil {
				i = sel[k]
			}
			if a.Nulls != nil && a.Nulls[i&am] || b.Nulls != nil && b.Nulls[i&bm] {
				out.Nulls[i] = true
				continue
			}
			out.Nulls[i] = false
			out.Ints[i] = f(a.Ints[i&am], b.Ints[i&bm])
		}
		return nil
	}
}

// liftErr2 is lift2 for functions that can fail.
func liftErr2(f func(a, b int64) (int64, error)) batchFunc {
	return func(_ *Call, args []types.Vec, out *types.Vec, sel []int32) error {
		a, b := &args[0], &args[1]
		am, bm := mask(a), mask(b)
		for k := range rowCount(out, sel) {
			i := int32(k)
			if sel != nil {
				i = sel[k]
			}
			if a.Nulls != nil && a.Nulls[i&am] || b.Nulls != nil && b.Nulls[i&bm] {
				out.Nulls[i] = true
				continue
			}
			v, err := f(a.Ints[i&am], b.Ints[i&bm])
			if err != nil {
				return err
			}
			out.Nulls[i] = false
			out.Ints[i] = v
		}
		return nil
	}
}

// liftBytes is lift2 for by-reference arguments and a by-value result.
func liftBytes(f func(a, b []byte) int64) batchFunc {
	return func(_ *Call, args []types.Vec, out *types.Vec, sel []int32) error {
		a, b := &args[0], &args[1]
		am, bm := mask(a), mask(b)
		for k := range rowCount(out, sel) {
			i := int32(k)
			if sel != nil {
				i = sel[k]
			}
			if a.Nulls != nil && a.Nulls[i&am] || b.Nulls != nil && b.Nulls[i&bm] {
				out.Nulls[i] = true
				continue
			}
			out.Nulls[i] = false
			out.Ints[i] = f(a.Bytes[i&am], b.Bytes[i&bm])
		}
		return nil
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Lift runs a scalar function over the rows of a batch: the form for functions
// without a Batch of their own. strict is pg_proc.proisstrict.
func Lift(f *Func, strict bool, c *Call, args []types.Vec, out *types.Vec, sel []int32) error {
	if f.Batch != nil && strict {
		return f.Batch(c, args, out, sel)
	}
	if cap(c.Args) < len(args) {
		c.Args = make([]datum.Datum, len(args))
	}
	c.Args = c.Args[:len(args)]
rows:
	for k := range rowCount(out, sel) {
		i := int32(k)
		if sel != nil {
			i = sel[k]
		}
		for j := range args {
			c.Args[j] = args[j].Get(i)
			if strict && c.Args[j].Null {
				out.Nulls[i] = true
				continue rows
			}
		}
		d, err := f.Scalar(c)
		if err != nil {
			return err
		}
		out.Set(i, d)
	}
	return nil
}

func outOfRange(typ string) error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "%s out of range", typ)
}

func divZero() error { return pgerr.New(pgerr.DivisionByZero, "division by zero") }

// needs answers when the session lacks a part that a function asks.
func needs(what string) (datum.Datum, error) { return datum.Null(), pgerr.NotYet("%s", what) }

func text(s string) (datum.Datum, error) { return datum.String(s), nil }
