package exec

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// smallSet is how many elements a constant array may have before = ANY is
// answered from a set (PostgreSQL: MIN_ARRAY_SIZE_FOR_HASHED_SAOP).
const smallSet = 9

func (c *compiler) anyAll(e *node.ScalarArrayOpExpr) (expr, error) {
	scalar, err := c.expr(e.Args[0])
	if err != nil {
		return nil, err
	}
	arr, err := c.expr(e.Args[1])
	if err != nil {
		return nil, err
	}
	arrType := node.ExprType(e.Args[1])
	elem, elemType, err := c.arrayInfo(arrType)
	if err != nil {
		return nil, err
	}
	lType := node.ExprType(e.Args[0])
	lRef, err := c.byRef(lType)
	if err != nil {
		return nil, err
	}
	out := &anyAll{scalar: scalar, arr: arr, any: e.UseOr, elem: elem, lRef: lRef, rRef: !elem.ByVal}
	fn := e.Opfuncid
	if fn == oid.Invalid {
		if fn, err = c.x.Cat.OpFunc(e.Opno); err != nil {
			return nil, err
		}
	}
	f, err := c.functionOf(fn, []expr{fixedVec{&out.l}, fixedVec{&out.r}}, []oid.OID{lType, elemType}, oid.Bool, e.Inputcollid, false)
	if err != nil {
		return nil, err
	}
	out.fn = f.(*call)
	if k, ok := arr.(*constant); ok && e.UseOr && e.Hashfuncid != oid.Invalid && !k.d.Null && out.fn.strict {
		return out, c.constantSet(out, k.d.Bytes, lType, elemType)
	}
	return out, nil
}

// constantSet prepares the elements of a constant array for lookups.
func (c *compiler) constantSet(out *anyAll, payload []byte, l, r oid.OID) error {
	if array.Count(payload) < smallSet || l != r {
		return nil
	}
	enc, ok := c.x.encoderFor(l)
	if !ok {
		return nil
	}
	a, err := array.Parse(payload, out.elem)
	if err != nil {
		return err
	}
	ints := out.elem.ByVal && l != oid.Float4 && l != oid.Float8
	if ints {
		out.setInt = make(map[int64]struct{}, len(a.Elems))
	} else {
		out.set, out.key = make(map[string]struct{}, len(a.Elems)), enc
	}
	for _, d := range a.Elems {
		switch {
		case d.Null:
			out.setNull = true
		case ints:
			out.setInt[d.Int] = struct{}{}
		default:
			out.set[string(enc(nil, d))] = struct{}{}
		}
	}
	return nil
}

// subscript is a fetch of an array element or slice, or an assignment to one.
type subscript struct {
	arr, val     expr
	upper, lower []expr // nil elements: omitted bound of a slice
	slice        bool
	elem         array.Elem
	elemType     oid.OID
	name         bool // of a name: a fixed array of 64 characters from 0
	byRef        bool
	out          types.Vec
	up, lo       []*types.Vec
}

func (c *compiler) subscript(e *node.SubscriptingRef) (expr, error) {
	out := &subscript{slice: len(e.Reflowerindexpr) > 0}
	var err error
	if out.arr, err = c.expr(e.Refexpr); err != nil {
		return nil, err
	}
	if e.Refassgnexpr != nil {
		if out.val, err = c.expr(e.Refassgnexpr); err != nil {
			return nil, err
		}
	}
	if out.upper, err = c.bounds(e.Refupperindexpr); err != nil {
		return nil, err
	}
	if out.lower, err = c.bounds(e.Reflowerindexpr); err != nil {
		return nil, err
	}
	out.up, out.lo = make([]*types.Vec, len(out.upper)), make([]*types.Vec, len(out.lower))
	if out.elem, out.elemType, err = c.arrayInfo(e.Refcontainertype); err != nil {
		return nil, err
	}
	t := e.Refrestype
	if out.val != nil {
		t = e.Refcontainertype
	}
	if out.name = e.Refcontainertype == oid.Name; out.name && out.val != nil {
		return nil, pgerr.NotYet("assignment to a character of a name")
	}
	out.byRef, err = c.byRef(t)
	return out, err
}

func (c *compiler) bounds(list []node.Node) ([]expr, error) {
	out := make([]expr, len(list))
	for i, n := range list {
		if n == nil {
			continue
		}
		var err error
		if out[i], err = c.expr(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *subscript) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.arr.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	var val *types.Vec
	if e.val != nil {
		if val, err = e.val.eval(x, b, sel); err != nil {
			return nil, err
		}
	}
	for _, set := range []struct {
		from []expr
		to   []*types.Vec
	}{{e.upper, e.up}, {e.lower, e.lo}} {
		for k, n := range set.from {
			if n != nil {
				if set.to[k], err = n.eval(x, b, sel); err != nil {
					return nil, err
				}
			}
		}
	}
	grow(&e.out, b.N, e.byRef)
	for _, i := range sel {
		var d datum.Datum
		if e.val != nil {
			d, err = e.assign(at(v, i), at(val, i), i)
		} else {
			d, err = e.fetch(at(v, i), i)
		}
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}

// fetch reads an element or a slice; anything outside is NULL or empty.
func (e *subscript) fetch(d datum.Datum, i int32) (datum.Datum, error) {
	if d.Null {
		return d, nil
	}
	for k := range e.up {
		if e.up[k] != nil && e.up[k].Nulls[i] || e.slice && e.lo[k] != nil && e.lo[k].Nulls[i] {
			return datum.Null(), nil
		}
	}
	if e.name {
		return nameChar(d.Bytes, e.up[0].Ints[i]), nil
	}
	a, err := array.Parse(d.Bytes, e.elem)
	if err != nil {
		return datum.Null(), err
	}
	if e.slice {
		return e.cut(a, i), nil
	}
	if len(a.Dims) != len(e.up) {
		return datum.Null(), nil
	}
	at := 0
	for k, dim := range a.Dims {
		s := e.up[k].Ints[i] - int64(dim.Lower)
		if s < 0 || s >= int64(dim.Len) {
			return datum.Null(), nil
		}
		at = at*int(dim.Len) + int(s)
	}
	return a.Elems[at], nil
}

// nameChar is character at of a name, NUL behind its end, NULL outside.
func nameChar(b []byte, at int64) datum.Datum {
	const nameLen = 64
	switch {
	case at < 0 || at >= nameLen:
		return datum.Null()
	case at < int64(len(b)):
		return datum.Int(int64(b[at]))
	}
	return datum.Int(0)
}

// cut reads a slice: its dimensions are the overlap with the array's, and
// subscripts start at 1.
func (e *subscript) cut(a array.Array, i int32) datum.Datum {
	empty := datum.Bytes(array.Build(array.Array{Type: e.elemType}, e.elem))
	if len(a.Dims) == 0 || len(e.up) > len(a.Dims) {
		return empty
	}
	from, n := make([]int, len(a.Dims)), make([]int, len(a.Dims))
	out := array.Array{Type: e.elemType}
	for k, dim := range a.Dims {
		lo, hi := int64(dim.Lower), int64(dim.Upper())
		if k < len(e.up) {
			if e.up[k] != nil {
				hi = min(hi, e.up[k].Ints[i])
			}
			if e.lo[k] != nil {
				lo = max(lo, e.lo[k].Ints[i])
			}
		}
		if hi < lo {
			return empty
		}
		from[k], n[k] = int(lo-int64(dim.Lower)), int(hi-lo+1)
		out.Dims = append(out.Dims, array.Dim{Len: int32(n[k]), Lower: 1})
	}
	var walk func(k, base int)
	walk = func(k, base int) {
		for j := range n[k] {
			at := base*int(a.Dims[k].Len) + from[k] + j
			if k == len(n)-1 {
				out.Elems = append(out.Elems, a.Elems[at])
				continue
			}
			walk(k+1, at)
		}
	}
	walk(0, 0)
	return datum.Bytes(array.Build(out, e.elem))
}

// rowCmp is (a, b) op (c, d).
type rowCmp struct {
	l, r   []expr
	cmp    []func(a, b datum.Datum) int
	kind   node.RowCompareType
	lv, rv []*types.Vec
	out    types.Vec
}

func (c *compiler) rowCompare(e *node.RowCompareExpr) (expr, error) {
	out := &rowCmp{kind: e.Rctype}
	var err error
	if out.l, err = c.exprs(e.Largs); err != nil {
		return nil, err
	}
	if out.r, err = c.exprs(e.Rargs); err != nil {
		return nil, err
	}
	for i, op := range e.Opnos {
		cmp, err := c.x.Cat.Order(op, e.Inputcollids[i])
		if err != nil {
			return nil, err
		}
		out.cmp = append(out.cmp, cmp)
	}
	out.lv, out.rv = make([]*types.Vec, len(out.l)), make([]*types.Vec, len(out.r))
	return out, nil
}

func (e *rowCmp) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	for k := range e.l {
		var err error
		if e.lv[k], err = e.l[k].eval(x, b, sel); err != nil {
			return nil, err
		}
		if e.rv[k], err = e.r[k].eval(x, b, sel); err != nil {
			return nil, err
		}
	}
	grow(&e.out, b.N, false)
rows:
	for _, i := range sel {
		order := 0
		for k, cmp := range e.cmp {
			if e.lv[k].Nulls[i] || e.rv[k].Nulls[i] {
				put(&e.out, i, datum.Null())
				continue rows
			}
			if order = cmp(at(e.lv[k], i), at(e.rv[k], i)); order != 0 {
				break
			}
		}
		put(&e.out, i, datum.Bool(e.holds(order)))
	}
	return &e.out, nil
}

func (e *rowCmp) holds(order int) bool {
	switch e.kind {
	case node.RowCompareLT:
		return order < 0
	case node.RowCompareLE:
		return order <= 0
	case node.RowCompareGE:
		return order >= 0
	case node.RowCompareGT:
		return order > 0
	case node.RowCompareEQ:
		return order == 0
	}
	return order != 0
}

// subPlan compiles a planned subquery.
func (c *compiler) subPlan(e *node.SubPlan) (expr, error) {
	n, err := c.x.subplan(e.PlanId)
	if err != nil {
		return nil, err
	}
	ref, err := c.byRef(node.ExprType(e))
	if err != nil {
		return nil, err
	}
	out := &subPlan{kind: e.SubLinkType, plan: n, parPar: e.ParParam, params: e.ParamIds, byRef: ref}
	if out.args, err = c.exprs(e.Args); err != nil {
		return nil, err
	}
	out.vecs = make([]*types.Vec, len(out.args))
	// A level above may have changed the others since the last run.
	ext := c.x.Stmt.Subplans[e.PlanId-1].Common().ExtParam
	out.changed = newParamSet(append(slices.Clone(e.ParParam), ext...)...)
	if e.SubLinkType == node.ArraySublink {
		out.elemTyp = e.FirstColType
		if out.elem, err = c.x.elem(e.FirstColType); err != nil {
			return nil, err
		}
	}
	if e.Testexpr == nil {
		return out, nil
	}
	if e.UseHashTable {
		if out.hash, err = c.hashedSub(e); err != nil || out.hash != nil {
			if out.hash != nil {
				out.hash.ext = ext
			}
			return out, err
		}
	}
	out.test, err = c.expr(e.Testexpr)
	return out, err
}

// hashedSub prepares a hashed IN: the test is AND of "left = parameter". nil if
// the types do not allow it.
func (c *compiler) hashedSub(e *node.SubPlan) (*hashedSub, error) {
	ops := []node.Node{e.Testexpr}
	if and, ok := e.Testexpr.(*node.BoolExpr); ok && and.Boolop == node.AndExpr {
		ops = and.Args
	}
	h := &hashedSub{}
	for _, o := range ops {
		op, ok := o.(*node.OpExpr)
		if !ok || len(op.Args) != 2 {
			return nil, nil
		}
		lt, rt := node.ExprType(op.Args[0]), node.ExprType(op.Args[1])
		enc, ok := c.x.encoderFor(lt)
		if !ok || !c.x.sameKey(lt, rt) {
			return nil, nil
		}
		l, err := c.expr(op.Args[0])
		if err != nil {
			return nil, err
		}
		h.left, h.keys = append(h.left, l), append(h.keys, enc)
	}
	if len(h.left) != len(e.ParamIds) {
		return nil, nil
	}
	h.vecs = make([]*types.Vec, len(h.left))
	return h, nil
}

// sameKey reports whether values of types l and r that their equality operator
// calls equal have the same encoding.
func (x *Execution) sameKey(l, r oid.OID) bool {
	if l == r {
		return true
	}
	class := func(t oid.OID) int {
		switch t {
		case oid.Int2, oid.Int4, oid.Int8:
			return 1
		case oid.Text, oid.Varchar:
			return 2
		case oid.Float4, oid.Float8:
			return 3
		case oid.Oid, oid.RegClass, oid.RegProc, oid.RegType, oid.RegProcedure, oid.RegOper, oid.RegOperator, oid.RegNamespace, oid.RegRole:
			return 4
		case oid.Name:
			return 2
		}
		return 0
	}
	return class(l) != 0 && class(l) == class(r)
}
