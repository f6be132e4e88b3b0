package builtin

import (
	"bytes"
	"math"
	"sort"
	"strconv"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// parseArray takes argument i apart.
func parseArray(c *Call, i int) (array.Array, array.Elem, error) {
	st, err := c.Env.ElemInfo(array.Type(arg(c, i)))
	if err != nil {
		return array.Array{}, st, err
	}
	a, err := array.Parse(arg(c, i), st)
	return a, st, err
}

func buildArray(a array.Array, st array.Elem) (datum.Datum, error) {
	n := int64(1)
	for _, d := range a.Dims {
		n *= int64(d.Len)
	}
	if n > array.MaxElems {
		return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", array.MaxElems)
	}
	return datum.Bytes(array.Build(a, st)), nil
}

// elemTypeOf is the element type of an array argument, also of a NULL one.
func elemTypeOf(c *Call, i int) oid.OID {
	if !c.Args[i].Null {
		return array.Type(arg(c, i))
	}
	if ti, ok := c.Env.Type(c.ArgTypes[i]); ok {
		return ti.Elem
	}
	return 0
}

func dimArg(c *Call) (array.Dim, bool) {
	ds, err := array.Dims(arg(c, 0))
	n := argInt(c, 1)
	if err != nil || n < 1 || n > len(ds) {
		return array.Dim{}, false
	}
	return ds[n-1], true
}

func addArrays(r funcs) {
	dim := func(name string, f func(d array.Dim) int32) {
		r.scalar(name, func(c *Call) (datum.Datum, error) {
			d, ok := dimArg(c)
			if !ok {
				return datum.Null(), nil
			}
			return datum.Int(int64(f(d))), nil
		})
	}
	dim("array_length", func(d array.Dim) int32 { return d.Len })
	dim("array_lower", func(d array.Dim) int32 { return d.Lower })
	dim("array_upper", array.Dim.Upper)
	r.scalar("array_cardinality", func(c *Call) (datum.Datum, error) { return datum.Int(int64(array.Count(arg(c, 0)))), nil })
	r.scalar("array_ndims", func(c *Call) (datum.Datum, error) {
		ds, err := array.Dims(arg(c, 0))
		if err != nil || len(ds) == 0 {
			return datum.Null(), err
		}
		return datum.Int(int64(len(ds))), nil
	})
	r.scalar("array_dims", func(c *Call) (datum.Datum, error) {
		ds, err := array.Dims(arg(c, 0))
		if err != nil || len(ds) == 0 {
			return datum.Null(), err
		}
		var s []byte
		for _, d := range ds {
			s = strconv.AppendInt(append(s, '['), int64(d.Lower), 10)
			s = append(strconv.AppendInt(append(s, ':'), int64(d.Upper()), 10), ']')
		}
		return bytesDatum(s)
	})
	r.scalar("array_append", func(c *Call) (datum.Datum, error) { return push(c, 0, 1, false) })
	r.scalar("array_prepend", func(c *Call) (datum.Datum, error) { return push(c, 1, 0, true) })
	r.scalar("array_cat", arrayCat)
	r.scalar("arraycontains", func(c *Call) (datum.Datum, error) { return contains(c, 0, 1, false) })
	r.scalar("arraycontained", func(c *Call) (datum.Datum, error) { return contains(c, 1, 0, false) })
	r.scalar("arrayoverlap", func(c *Call) (datum.Datum, error) { return contains(c, 0, 1, true) })
	r.scalar("array_position", arrayPosition)
	r.scalar("array_position_start", arrayPosition)
	r.scalar("array_positions", arrayPositions)
	r.scalar("array_remove", func(c *Call) (datum.Datum, error) { return arrayReplace(c, true) })
	r.scalar("array_replace", func(c *Call) (datum.Datum, error) { return arrayReplace(c, false) })
	r.scalar("array_to_text", arrayToText)
	r.scalar("array_to_text_null", arrayToText)
	r.scalar("text_to_array", textToArray)
	r.scalar("text_to_array_null", textToArray)
	r.scalar("array_fill", arrayFill)
	r.scalar("array_fill_with_lower_bounds", arrayFill)
	r.scalar("trim_array", trimArray)
	r.scalar("width_bucket_array", widthBucketArray)
}

// push adds an element at the end or the front.
func push(c *Call, arr, el int, front bool) (datum.Datum, error) {
	typ := elemTypeOf(c, arr)
	st, err := c.Env.ElemInfo(typ)
	if err != nil {
		return datum.Null(), err
	}
	a := array.Array{Type: typ}
	if !c.Args[arr].Null {
		if a, err = array.Parse(arg(c, arr), st); err != nil {
			return datum.Null(), err
		}
	}
	switch len(a.Dims) {
	case 0:
		a.Dims = []array.Dim{{Len: 0, Lower: 1}}
	case 1:
	default:
		return datum.Null(), pgerr.New(pgerr.DataException, "argument must be empty or one-dimensional array")
	}
	if front {
		a.Elems = append([]datum.Datum{c.Args[el]}, a.Elems...)
	} else {
		a.Elems = append(a.Elems, c.Args[el])
	}
	a.Dims[0].Len++
	return buildArray(a, st)
}

func arrayCat(c *Call) (datum.Datum, error) {
	switch {
	case c.Args[0].Null:
		return c.Args[1], nil
	case c.Args[1].Null:
		return c.Args[0], nil
	}
	a, st, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	b, _, err := parseArray(c, 1)
	if err != nil {
		return datum.Null(), err
	}
	bad := func(format string, x ...any) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "cannot concatenate incompatible arrays").WithDetail(format, x...)
	}
	if a.Type != b.Type {
		return datum.Null(), pgerr.New(pgerr.DatatypeMismatch, "cannot concatenate incompatible arrays").
			WithDetail("Arrays with element types %s and %s are not compatible for concatenation.", c.Env.FormatType(a.Type, -1), c.Env.FormatType(b.Type, -1))
	}
	na, nb := len(a.Dims), len(b.Dims)
	switch {
	case na == 0:
		return c.Args[1], nil
	case nb == 0:
		return c.Args[0], nil
	case na != nb && na != nb-1 && na != nb+1:
		return bad("Arrays of %d and %d dimensions are not compatible for concatenation.", na, nb)
	}
	sameTail := func(x, y []array.Dim) bool {
		for i := range x {
			if x[i] != y[i] {
				return false
			}
		}
		return true
	}
	out := array.Array{Type: a.Type, Elems: append(append([]datum.Datum{}, a.Elems...), b.Elems...)}
	switch {
	case na == nb:
		if !sameTail(a.Dims[1:], b.Dims[1:]) {
			return bad("Arrays with differing element dimensions are not compatible for concatenation.")
		}
		out.Dims = a.Dims
		out.Dims[0].Len += b.Dims[0].Len
	case na == nb-1:
		if !sameTail(a.Dims, b.Dims[1:]) {
			return bad("Arrays with differing dimensions are not compatible for concatenation.")
		}
		out.Dims = b.Dims
		out.Dims[0].Len++
	default:
		if !sameTail(a.Dims[1:], b.Dims) {
			return bad("Arrays with differing dimensions are not compatible for concatenation.")
		}
		out.Dims = a.Dims
		out.Dims[0].Len++
	}
	return buildArray(out, st)
}

// oneDim reports an array of at most one dimension.
func oneDim(a array.Array) bool { return len(a.Dims) <= 1 }

func contains(c *Call, outer, inner int, any bool) (datum.Datum, error) {
	a, _, err := parseArray(c, outer)
	if err != nil {
		return datum.Null(), err
	}
	b, _, err := parseArray(c, inner)
	if err != nil {
		return datum.Null(), err
	}
	if a.Type != b.Type {
		return datum.Null(), pgerr.New(pgerr.DatatypeMismatch, "cannot compare arrays of different element types")
	}
	f, err := c.Env.EqualType(a.Type)
	if err != nil {
		return datum.Null(), err
	}
	for _, x := range b.Elems {
		found := false
		for _, y := range a.Elems {
			if !x.Null && !y.Null && f(x, y) == 0 {
				found = true
				break
			}
		}
		if found == any {
			return datum.Bool(any), nil
		}
	}
	return datum.Bool(!any), nil
}

// searchIn prepares a search for argument 1 in array argument 0.
func searchIn(c *Call, what string) (a array.Array, st array.Elem, same func(d datum.Datum) bool, err error) {
	if a, st, err = parseArray(c, 0); err != nil {
		return
	}
	if len(a.Dims) > 1 {
		err = pgerr.New(pgerr.FeatureNotSupported, "%s", what)
		return
	}
	f, err := c.Env.EqualType(a.Type)
	want := c.Args[1]
	same = func(d datum.Datum) bool {
		if want.Null || d.Null {
			return want.Null && d.Null
		}
		return f(d, want) == 0
	}
	return a, st, same, err
}

const noSearchMulti = "searching for elements in multidimensional arrays is not supported"

func arrayPosition(c *Call) (datum.Datum, error) {
	if c.Args[0].Null {
		return datum.Null(), nil
	}
	a, _, same, err := searchIn(c, noSearchMulti)
	if err != nil {
		return datum.Null(), err
	}
	from := math.MinInt32
	if len(c.Args) > 2 {
		if c.Args[2].Null {
			return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "initial position must not be null")
		}
		from = argInt(c, 2)
	}
	for i, d := range a.Elems {
		if pos := int(a.Dims[0].Lower) + i; pos >= from && same(d) {
			return datum.Int(int64(pos)), nil
		}
	}
	return datum.Null(), nil
}

func arrayPositions(c *Call) (datum.Datum, error) {
	if c.Args[0].Null {
		return datum.Null(), nil
	}
	a, _, same, err := searchIn(c, noSearchMulti)
	if err != nil {
		return datum.Null(), err
	}
	var out []datum.Datum
	for i, d := range a.Elems {
		if same(d) {
			out = append(out, datum.Int(int64(a.Dims[0].Lower)+int64(i)))
		}
	}
	return buildArray(array.Of(oid.Int4, out), array.Elem{Len: 4, ByVal: true, Align: 'i'})
}

func arrayReplace(c *Call, remove bool) (datum.Datum, error) {
	if c.Args[0].Null {
		return datum.Null(), nil
	}
	a, st, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	if remove && len(a.Dims) > 1 {
		return datum.Null(), pgerr.New(pgerr.FeatureNotSupported, "removing elements from multidimensional arrays is not supported")
	}
	f, err := c.Env.EqualType(a.Type)
	if err != nil {
		return datum.Null(), err
	}
	want := c.Args[1]
	var out []datum.Datum
	hit := false
	for _, d := range a.Elems {
		if want.Null && d.Null || !want.Null && !d.Null && f(d, want) == 0 {
			hit = true
			if remove {
				continue
			}
			d = c.Args[2]
		}
		out = append(out, d)
	}
	if !hit {
		return c.Args[0], nil
	}
	if remove {
		if len(out) == 0 {
			return buildArray(array.Array{Type: a.Type}, st)
		}
		a.Dims[0].Len = int32(len(out))
	}
	a.Elems = out
	return buildArray(a, st)
}

func arrayToText(c *Call) (datum.Datum, error) {
	if c.Args[0].Null || c.Args[1].Null {
		return datum.Null(), nil
	}
	a, _, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	out := []byte{}
	f, err := c.Env.OutputFunc(a.Type)
	if err != nil {
		return datum.Null(), err
	}
	n := 0
	for _, d := range a.Elems {
		if d.Null && (len(c.Args) < 3 || c.Args[2].Null) {
			continue
		}
		if n > 0 {
			out = append(out, arg(c, 1)...)
		}
		n++
		if d.Null {
			out = append(out, arg(c, 2)...)
		} else if out, err = f(&c.Env.Env, out, d); err != nil {
			return datum.Null(), err
		}
	}
	return datum.Bytes(out), nil
}

// splitText cuts a string for string_to_array and string_to_table.
func splitText(c *Call) ([]datum.Datum, bool) {
	if c.Args[0].Null {
		return nil, false
	}
	s := arg(c, 0)
	var parts [][]byte
	switch {
	case len(s) == 0:
	case c.Args[1].Null:
		for len(s) > 0 {
			w := skip(s, 1)
			parts = append(parts, s[:w])
			s = s[w:]
		}
	case len(arg(c, 1)) == 0:
		parts = [][]byte{s}
	default:
		parts = bytes.Split(s, arg(c, 1))
	}
	out := make([]datum.Datum, len(parts))
	for i, p := range parts {
		out[i] = datum.Bytes(p)
		if len(c.Args) > 2 && !c.Args[2].Null && bytes.Equal(p, arg(c, 2)) {
			out[i] = datum.Null()
		}
	}
	return out, true
}

func textToArray(c *Call) (datum.Datum, error) {
	v, ok := splitText(c)
	if !ok {
		return datum.Null(), nil
	}
	return textArray(v), nil
}

func arrayFill(c *Call) (datum.Datum, error) {
	bad := func(m string) (datum.Datum, error) {
		return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "%s", m)
	}
	for i := 1; i < len(c.Args); i++ {
		if c.Args[i].Null {
			return bad("dimension array or low bound array cannot be null")
		}
	}
	lens, _, err := parseArray(c, 1)
	if err != nil {
		return datum.Null(), err
	}
	if !oneDim(lens) {
		return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
			WithDetail("Dimension array must be one dimensional.")
	}
	typ := c.ArgTypes[0]
	st, err := c.Env.ElemInfo(typ)
	if err != nil {
		return datum.Null(), err
	}
	a := array.Array{Type: typ}
	n := int64(1)
	for _, d := range lens.Elems {
		if d.Null {
			return bad("dimension values cannot be null")
		}
		a.Dims = append(a.Dims, array.Dim{Len: int32(d.Int), Lower: 1})
		if n *= int64(int32(d.Int)); n < 0 || n > array.MaxElems {
			return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", array.MaxElems)
		}
	}
	if len(a.Dims) > array.MaxDim {
		return datum.Null(), pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(a.Dims), array.MaxDim)
	}
	if len(c.Args) > 2 {
		lows, _, err := parseArray(c, 2)
		if err != nil {
			return datum.Null(), err
		}
		if len(lows.Elems) != len(a.Dims) {
			return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
				WithDetail("Low bound array has different size than dimensions array.")
		}
		for i, d := range lows.Elems {
			a.Dims[i].Lower = int32(d.Int)
		}
	}
	if n == 0 || len(a.Dims) == 0 {
		return buildArray(array.Array{Type: typ}, st)
	}
	a.Elems = make([]datum.Datum, n)
	for i := range a.Elems {
		a.Elems[i] = c.Args[0]
	}
	return buildArray(a, st)
}

func trimArray(c *Call) (datum.Datum, error) {
	a, st, err := parseArray(c, 0)
	if err != nil {
		return datum.Null(), err
	}
	have := 0
	if len(a.Dims) > 0 {
		have = int(a.Dims[0].Len)
	}
	n := argInt(c, 1)
	if n < 0 || n > have {
		return datum.Null(), pgerr.New(pgerr.ArrayElementError, "number of elements to trim must be between 0 and %d", have)
	}
	if have == n {
		return buildArray(array.Array{Type: a.Type}, st)
	}
	per := len(a.Elems) / have
	a.Elems = a.Elems[:(have-n)*per]
	a.Dims[0].Len -= int32(n)
	a.Dims[0].Lower = 1
	return buildArray(a, st)
}

func widthBucketArray(c *Call) (datum.Datum, error) {
	a, _, err := parseArray(c, 1)
	if err != nil {
		return datum.Null(), err
	}
	if len(a.Dims) > 1 {
		return datum.Null(), pgerr.New(pgerr.ArraySubscriptError, "thresholds must be one-dimensional array")
	}
	f, err := c.Env.CompareType(a.Type)
	if err != nil {
		return datum.Null(), err
	}
	for _, d := range a.Elems {
		if d.Null {
			return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "thresholds array must not contain NULLs")
		}
	}
	n := sort.Search(len(a.Elems), func(i int) bool { return f(c.Args[0], a.Elems[i]) < 0 }) // what is not sorted is not noticed
	return datum.Int(int64(n)), nil
}
