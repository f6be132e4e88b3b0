package exec

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/pgerr"
)

func subscriptErr(format string, a ...any) *pgerr.Error {
	return pgerr.New(pgerr.ArraySubscriptError, format, a...)
}

// bound is subscript k of row i.
type bound struct {
	lo, hi     int64
	noLo, noHi bool // omitted bounds of a slice
}

// boundsOf reads the subscripts of row i; of an element both bounds are the same.
func (e *subscript) boundsOf(i int32) ([]bound, error) {
	out := make([]bound, len(e.up))
	for k := range out {
		b := &out[k]
		if b.noHi = e.slice && e.upper[k] == nil; !b.noHi {
			if e.up[k].Nulls[i] {
				return nil, pgerr.New(pgerr.NullValueNotAllowed, "array subscript in assignment must not be null")
			}
			b.hi = e.up[k].Ints[i]
		}
		b.lo = b.hi
		if !e.slice {
			continue
		}
		if b.noLo = e.lower[k] == nil; !b.noLo {
			if e.lo[k].Nulls[i] {
				return nil, pgerr.New(pgerr.NullValueNotAllowed, "array subscript in assignment must not be null")
			}
			b.lo = e.lo[k].Ints[i]
		}
	}
	return out, nil
}

// assign replaces an element or a slice. A one-dimensional array grows as needed,
// others keep their bounds.
func (e *subscript) assign(d, val datum.Datum, i int32) (datum.Datum, error) {
	bs, err := e.boundsOf(i)
	if err != nil {
		return d, err
	}
	a := array.Array{Type: e.elemType}
	if !d.Null {
		if a, err = array.Parse(d.Bytes, e.elem); err != nil {
			return d, err
		}
	}
	src := []datum.Datum{val}
	if e.slice {
		if val.Null { // nothing to assign
			return datum.Bytes(array.Build(a, e.elem)), nil
		}
		v, err := array.Parse(val.Bytes, e.elem)
		if err != nil {
			return d, err
		}
		src = v.Elems
	}
	if len(a.Dims) == 0 {
		err = e.fillEmpty(&a, bs, src)
	} else {
		err = e.fill(&a, bs, src)
	}
	if err != nil {
		return d, err
	}
	return datum.Bytes(array.Build(a, e.elem)), nil
}

// fillEmpty makes the array of the subscripts' bounds.
func (e *subscript) fillEmpty(a *array.Array, bs []bound, src []datum.Datum) error {
	n := int64(1)
	for _, b := range bs {
		if b.noLo || b.noHi {
			return subscriptErr("array slice subscript must provide both boundaries").
				WithDetail("When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
		}
		size := b.hi - b.lo + 1
		if size < 0 || size > array.MaxElems || n*size > array.MaxElems {
			return arrayTooBig()
		}
		n *= size
		a.Dims = append(a.Dims, array.Dim{Len: int32(size), Lower: int32(b.lo)})
	}
	if int64(len(src)) < n {
		return subscriptErr("source array too small")
	}
	a.Elems = src[:n]
	return nil
}

func arrayTooBig() error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", array.MaxElems)
}

func (e *subscript) fill(a *array.Array, bs []bound, src []datum.Datum) error {
	if len(a.Dims) < len(bs) || !e.slice && len(a.Dims) != len(bs) {
		return subscriptErr("wrong number of array subscripts")
	}
	for k, dim := range a.Dims {
		if k == len(bs) {
			bs = append(bs, bound{noLo: true, noHi: true})
		}
		b := &bs[k]
		if b.noLo {
			b.lo = int64(dim.Lower)
		}
		if b.noHi {
			b.hi = int64(dim.Upper())
		}
		if b.lo > b.hi {
			return subscriptErr("upper bound cannot be less than lower bound")
		}
		if len(a.Dims) > 1 && (b.lo < int64(dim.Lower) || b.hi > int64(dim.Upper())) {
			return subscriptErr("array subscript out of range")
		}
	}
	if len(a.Dims) == 1 {
		if err := widen(a, bs[0]); err != nil {
			return err
		}
	}
	n := int64(1)
	for _, b := range bs {
		n *= b.hi - b.lo + 1
	}
	if n > int64(len(src)) {
		return subscriptErr("source array too small")
	}
	a.Elems = slices.Clone(a.Elems)
	put := 0
	var walk func(k, base int)
	walk = func(k, base int) {
		for s := bs[k].lo; s <= bs[k].hi; s++ {
			at := base*int(a.Dims[k].Len) + int(s-int64(a.Dims[k].Lower))
			if k == len(bs)-1 {
				a.Elems[at] = src[put]
				put++
				continue
			}
			walk(k+1, at)
		}
	}
	walk(0, 0)
	return nil
}

// widen extends a one-dimensional array with NULLs until it holds b.
func widen(a *array.Array, b bound) error {
	dim := &a.Dims[0]
	before := max(int64(dim.Lower)-b.lo, 0)
	after := max(b.hi-int64(dim.Upper()), 0)
	if before > array.MaxElems || after > array.MaxElems || before+after+int64(dim.Len) > array.MaxElems {
		return arrayTooBig()
	}
	elems := make([]datum.Datum, 0, before+after+int64(dim.Len))
	for range before {
		elems = append(elems, datum.Null())
	}
	elems = append(elems, a.Elems...)
	for range after {
		elems = append(elems, datum.Null())
	}
	a.Elems, dim.Lower, dim.Len = elems, dim.Lower-int32(before), int32(len(elems))
	return nil
}
