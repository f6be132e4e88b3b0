package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// viaIO is CoerceViaIO: the output function of one type, then the input function
// of another.
type viaIO struct {
	arg   expr
	out   func([]byte, datum.Datum) ([]byte, error)
	in    func([]byte) (datum.Datum, error)
	byRef bool
	res   types.Vec
}

func (e *viaIO) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.res, b.N, e.byRef)
	for _, i := range sel {
		if v.Nulls[i] {
			put(&e.res, i, datum.Null())
			continue
		}
		s, err := e.out(nil, at(v, i))
		if err != nil {
			return nil, err
		}
		d, err := e.in(s)
		if err != nil {
			return nil, err
		}
		put(&e.res, i, d)
	}
	return &e.res, nil
}

// arrayCoerce is ArrayCoerceExpr: it converts each element.
type arrayCoerce struct {
	arg      expr
	elem     expr // over caseSlot
	slot     *caseSlot
	from, to array.Elem
	toType   oid.OID
	fromRef  bool
	out      types.Vec
	in       types.Vec
	one      Batch
}

func (e *arrayCoerce) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, true)
	for _, i := range sel {
		if v.Nulls[i] {
			put(&e.out, i, datum.Null())
			continue
		}
		a, err := array.Parse(v.Bytes[i], e.from)
		if err != nil {
			return nil, err
		}
		conv := make([]datum.Datum, len(a.Elems))
		for k, d := range a.Elems {
			grow(&e.in, 1, e.fromRef)
			put(&e.in, 0, d)
			e.slot.v = &e.in
			e.one.N = 1
			r, err := e.elem.eval(x, &e.one, all(1))
			if err != nil {
				return nil, err
			}
			conv[k] = at(r, 0).Clone()
		}
		a.Elems, a.Type = conv, e.toType
		e.out.Nulls[i], e.out.Bytes[i] = false, array.Build(a, e.to)
	}
	return &e.out, nil
}

// arrayExpr is ARRAY[…].
type arrayExpr struct {
	args  []expr
	elem  array.Elem
	typ   oid.OID
	multi bool // the arguments are arrays
	vecs  []*types.Vec
	out   types.Vec
}

func (e *arrayExpr) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	for k, a := range e.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		e.vecs[k] = v
	}
	grow(&e.out, b.N, true)
	vals := make([]datum.Datum, len(e.args))
	for _, i := range sel {
		for k, v := range e.vecs {
			vals[k] = at(v, i)
		}
		a := array.Of(e.typ, vals)
		if e.multi {
			var err error
			if a, err = e.nest(vals); err != nil {
				return nil, err
			}
		}
		e.out.Nulls[i], e.out.Bytes[i] = false, array.Build(a, e.elem)
	}
	return &e.out, nil
}

// nest joins arrays of equal dimensions into one with one dimension more. NULL
// and empty arrays count as empty.
func (e *arrayExpr) nest(vals []datum.Datum) (array.Array, error) {
	out := array.Array{Type: e.typ}
	var dims []array.Dim
	empty := false
	for k, d := range vals {
		var a array.Array
		if !d.Null {
			var err error
			if a, err = array.Parse(d.Bytes, e.elem); err != nil {
				return a, err
			}
		}
		if len(a.Dims) == 0 {
			empty = true
			continue
		}
		if dims == nil {
			dims = a.Dims
		}
		same := len(dims) == len(a.Dims) && !(empty && k > 0)
		for j := 0; same && j < len(dims); j++ {
			same = dims[j] == a.Dims[j]
		}
		if !same {
			return a, pgerr.New(pgerr.ArraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")
		}
		out.Elems = append(out.Elems, a.Elems...)
	}
	if dims == nil {
		return out, nil
	}
	if empty {
		return out, pgerr.New(pgerr.ArraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")
	}
	if len(dims)+1 > array.MaxDim {
		return out, pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(dims)+1, array.MaxDim)
	}
	out.Dims = append([]array.Dim{{Len: int32(len(vals)), Lower: 1}}, dims...)
	return out, nil
}

// anyAll is ScalarArrayOpExpr: scalar op ANY (array), or ALL.
type anyAll struct {
	fn         *call // over two vectors that we set
	scalar     expr
	arr        expr
	any        bool
	elem       array.Elem
	l, r       types.Vec
	lRef, rRef bool
	set        map[string]struct{} // for a constant array and a hashable operator
	setInt     map[int64]struct{}
	setNull    bool
	key        func([]byte, datum.Datum) []byte
	buf        []byte
	one        Batch
	out        types.Vec
}

func (e *anyAll) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.scalar.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, false)
	if e.setInt != nil || e.set != nil {
		e.lookup(v, sel)
		return &e.out, nil
	}
	a, err := e.arr.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	for _, i := range sel {
		d, err := e.row(x, v, a, i)
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}

// lookup answers = ANY (constant) from the prepared set.
func (e *anyAll) lookup(v *types.Vec, sel []int32) {
	for _, i := range sel {
		if v.Nulls[i] {
			e.out.Nulls[i] = true
			continue
		}
		var ok bool
		if e.setInt != nil {
			_, ok = e.setInt[v.Ints[i]]
		} else {
			e.buf = e.key(e.buf[:0], at(v, i))
			_, ok = e.set[string(e.buf)]
		}
		put(&e.out, i, datum.Bool(ok))
		if !ok && e.setNull {
			e.out.Nulls[i] = true
		}
	}
}

// row compares one scalar with each element until the answer is known.
func (e *anyAll) row(x *Execution, v, a *types.Vec, i int32) (datum.Datum, error) {
	if a.Nulls[i] {
		return datum.Null(), nil
	}
	it, err := array.Walk(a.Bytes[i], e.elem)
	if err != nil {
		return datum.Null(), err
	}
	if it.Len() == 0 {
		return datum.Bool(!e.any), nil
	}
	if v.Nulls[i] && e.fn.strict {
		return datum.Null(), nil
	}
	null := false
	for {
		d, ok := it.Next()
		if !ok {
			break
		}
		grow(&e.l, 1, e.lRef)
		grow(&e.r, 1, e.rRef)
		put(&e.l, 0, at(v, i))
		put(&e.r, 0, d)
		e.one.N = 1
		r, err := e.fn.eval(x, &e.one, all(1))
		if err != nil {
			return datum.Null(), err
		}
		switch {
		case r.Nulls[0]:
			null = true
		case (r.Ints[0] != 0) == e.any:
			return datum.Bool(e.any), nil
		}
	}
	if null {
		return datum.Null(), nil
	}
	return datum.Bool(!e.any), nil
}

// fixedVec is an expression that yields a vector set by its owner.
type fixedVec struct{ v *types.Vec }

func (e fixedVec) eval(*Execution, *Batch, []int32) (*types.Vec, error) { return e.v, nil }

// rowExpr is ROW(…): a composite datum.
type rowExpr struct {
	args []expr
	form func([]datum.Datum) (datum.Datum, error)
	vecs []*types.Vec
	out  types.Vec
}

func (e *rowExpr) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	for k, a := range e.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		e.vecs[k] = v
	}
	grow(&e.out, b.N, true)
	vals := make([]datum.Datum, len(e.args))
	for _, i := range sel {
		for k, v := range e.vecs {
			vals[k] = at(v, i)
		}
		d, err := e.form(vals)
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}

// fieldSelect is (composite).field.
type fieldSelect struct {
	arg   expr
	field func(datum.Datum) (datum.Datum, error)
	byRef bool
	out   types.Vec
}

func (e *fieldSelect) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arg.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	grow(&e.out, b.N, e.byRef)
	for _, i := range sel {
		d := datum.Null()
		if !v.Nulls[i] {
			if d, err = e.field(at(v, i)); err != nil {
				return nil, err
			}
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}
