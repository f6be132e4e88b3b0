package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// expr is a compiled expression. eval computes it for the rows sel of b; the
// result is indexed like b's columns, holds undefined values outside sel, and is
// valid until the next eval of the same expr.
type expr interface {
	eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error)
}

// scope says in which column of a batch a Var is found.
type scope interface {
	// column returns the index in Batch.Cols, noting that it is needed.
	column(v *node.Var) (int, error)
}

// compiler turns expressions into exprs for batches of one scope.
type compiler struct {
	x     *Execution
	scope scope
	caseV *caseSlot           // the value that CaseTestExpr stands for
	domV  *caseSlot           // the value that CoerceToDomainValue stands for
	aggs  *aggScope           // where Aggref and GroupingFunc are found, in an Agg
	wins  *winScope           // where WindowFunc is found, in a WindowAgg
	multi map[int]multiColumn // parameters that a subquery of the same target list sets
}

// exprs compiles a list.
func (c *compiler) exprs(list []node.Node) ([]expr, error) {
	out := make([]expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = c.expr(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// byRef reports whether values of type t travel in Bytes.
func (c *compiler) byRef(t oid.OID) (bool, error) { return c.x.byRef(t) }

// column is a Var: the batch's own vector.
type column int

func (e column) eval(_ *Execution, b *Batch, _ []int32) (*types.Vec, error) { return b.Cols[e], nil }

// constant is a Const: a vector that holds the value everywhere.
type constant struct {
	v     types.Vec
	d     datum.Datum
	byRef bool
}

func (e *constant) eval(_ *Execution, b *Batch, _ []int32) (*types.Vec, error) {
	for have := len(e.v.Nulls); have < b.N; have = len(e.v.Nulls) {
		grow(&e.v, b.N, e.byRef)
		for i := range e.v.Nulls {
			put(&e.v, int32(i), e.d)
		}
	}
	return &e.v, nil
}

func newConstant(d datum.Datum, byRef bool) *constant { return &constant{d: d, byRef: byRef} }

// param is a Param: an external parameter or an executor slot, read when it is
// evaluated.
type param struct {
	constant
	ext  bool
	num  int
	last datum.Datum
}

func (e *param) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	var d datum.Datum
	if e.ext {
		if e.num > len(x.Params) {
			return nil, pgerr.New(pgerr.UndefinedObject, "no value found for parameter %d", e.num)
		}
		d = x.Params[e.num-1]
	} else {
		var err error
		if d, err = x.slots[e.num].value(x); err != nil {
			return nil, err
		}
	}
	grow(&e.v, b.N, e.byRef)
	for _, i := range sel {
		put(&e.v, i, d)
	}
	return &e.v, nil
}

// caseSlot carries the vector that a placeholder expression stands for.
type caseSlot struct{ v *types.Vec }

func (e *caseSlot) eval(*Execution, *Batch, []int32) (*types.Vec, error) { return e.v, nil }

// call is a function, operator or cast by function.
type call struct {
	fn     *builtin.Func
	strict bool
	byRef  bool
	args   []expr
	c      builtin.Call
	vecs   []*types.Vec
	batch  []types.Vec
	live   []int32
	out    types.Vec
}

func (e *call) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	for k, a := range e.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return nil, err
		}
		e.vecs[k] = v
	}
	grow(&e.out, b.N, e.byRef)
	if e.strict {
		sel = e.notNull(sel)
	}
	e.c.Env = x.Env
	if e.fn.Batch != nil && len(sel) > 1 {
		for k, v := range e.vecs {
			e.batch[k] = *v
		}
		return &e.out, e.fn.Batch(&e.c, e.batch, &e.out, sel)
	}
	args := e.c.Args
	for _, i := range sel {
		for k, v := range e.vecs {
			args[k] = at(v, i)
		}
		d, err := e.fn.Scalar(&e.c)
		if err != nil {
			return nil, err
		}
		put(&e.out, i, d)
	}
	return &e.out, nil
}

// notNull returns the rows of sel without a NULL argument and stores NULL as the
// result of the others.
func (e *call) notNull(sel []int32) []int32 {
	clean := true
	for _, v := range e.vecs {
		for _, i := range sel {
			if v.Nulls[i] {
				clean = false
			}
		}
	}
	if clean {
		for _, i := range sel {
			e.out.Nulls[i] = false
		}
		return sel
	}
	e.live = e.live[:0]
rows:
	for _, i := range sel {
		for _, v := range e.vecs {
			if v.Nulls[i] {
				e.out.Nulls[i] = true
				if e.byRef {
					e.out.Bytes[i] = nil
				}
				continue rows
			}
		}
		e.out.Nulls[i] = false
		e.live = append(e.live, i)
	}
	return e.live
}

// function compiles a call of the function id.
func (c *compiler) function(id oid.OID, args []node.Node, ret, coll oid.OID, variadic bool) (expr, error) {
	list, err := c.exprs(args)
	if err != nil {
		return nil, err
	}
	argTypes := make([]oid.OID, len(args))
	for i, a := range args {
		argTypes[i] = node.ExprType(a)
	}
	return c.functionOf(id, list, argTypes, ret, coll, variadic)
}

func (c *compiler) functionOf(id oid.OID, args []expr, argTypes []oid.OID, ret, coll oid.OID, variadic bool) (expr, error) {
	f, err := c.x.Cat.Func(id)
	if err != nil {
		return nil, err
	}
	if f.Impl == nil || f.Impl.Scalar == nil {
		return nil, pgerr.NotYet("function %s", f.Name)
	}
	byRef, err := c.byRef(ret)
	if err != nil {
		return nil, err
	}
	e := &call{fn: f.Impl, strict: f.Strict, byRef: byRef, args: args}
	e.c = builtin.Call{Args: make([]datum.Datum, len(args)), ArgTypes: argTypes, RetType: ret, Collation: coll, Env: c.x.Env}
	e.c.Variadic = variadic
	e.vecs = make([]*types.Vec, len(args))
	e.batch = make([]types.Vec, len(args))
	if f.Impl.Stored && len(args) == 1 {
		return &storedCall{call: e}, nil
	}
	return e, nil
}

// distinct is IS DISTINCT FROM: its equality operator, negated, with NULL as a
// value.
type distinct struct {
	eq    *call
	none  bool // NULLIF instead
	out   types.Vec
	byRef bool
	live  []int32
}

func (e *distinct) eval(x *Execution, b *Batch, sel []int32) (*types.Vec, error) {
	v, err := e.eq.eval(x, b, sel)
	if err != nil {
		return nil, err
	}
	l, r := e.eq.vecs[0], e.eq.vecs[1]
	grow(&e.out, b.N, e.byRef)
	for _, i := range sel {
		if e.none {
			if v.Nulls[i] || v.Ints[i] == 0 {
				put(&e.out, i, at(l, i))
			} else {
				put(&e.out, i, datum.Null())
			}
			continue
		}
		e.out.Nulls[i] = false
		switch {
		case l.Nulls[i] && r.Nulls[i]:
			e.out.Ints[i] = 0
		case l.Nulls[i] || r.Nulls[i]:
			e.out.Ints[i] = 1
		default:
			e.out.Ints[i] = 1 - v.Ints[i]&1
		}
	}
	return &e.out, nil
}
