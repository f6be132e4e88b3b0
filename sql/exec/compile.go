package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// expr compiles one expression.
func (c *compiler) expr(n node.Node) (expr, error) {
	switch e := n.(type) {
	case *node.Var:
		i, err := c.scope.column(e)
		return column(i), err
	case *node.Const:
		d := e.Constvalue
		if e.Constisnull {
			d = datum.Null()
		}
		ref, err := c.byRef(e.Consttype)
		return newConstant(d, ref), err
	case *node.Param:
		if m, ok := c.multi[e.Paramid]; ok && e.Paramkind == node.ParamExec {
			return m, nil
		}
		ref, err := c.byRef(e.Paramtype)
		return &param{constant: constant{byRef: ref}, ext: e.Paramkind == node.ParamExtern, num: e.Paramid}, err
	case *node.FuncExpr:
		return c.function(e.Funcid, e.Args, e.Funcresulttype, e.Inputcollid, e.Funcvariadic)
	case *node.OpExpr:
		return c.operator(e.Opno, e.Opfuncid, e.Args, e.Opresulttype, e.Inputcollid)
	case *node.BoolExpr:
		return c.boolean(e)
	case *node.RelabelType:
		return c.expr(e.Arg)
	case *node.CollateExpr:
		return c.expr(e.Arg)
	case *node.NullTest:
		return c.nullTest(e)
	case *node.BooleanTest:
		arg, err := c.expr(e.Arg)
		return &boolTest{arg: arg, kind: e.Booltesttype}, err
	case *node.Aggref:
		return c.aggs.aggref(e)
	case *node.GroupingFunc:
		return c.aggs.grouping(e)
	case *node.WindowFunc:
		return c.wins.window(e)
	case *node.PlaceHolderVar:
		return c.expr(e.Phexpr)
	case *node.SubPlan:
		return c.subPlan(e)
	case *node.AlternativeSubPlan:
		return c.expr(e.Subplans[0])
	}
	return c.rare(n)
}

// rare compiles what expr does not.
func (c *compiler) rare(n node.Node) (expr, error) {
	switch e := n.(type) {
	case *node.DistinctExpr:
		eq, err := c.operator(e.Opno, e.Opfuncid, e.Args, e.Opresulttype, e.Inputcollid)
		if err != nil {
			return nil, err
		}
		return &distinct{eq: eq.(*call)}, nil
	case *node.NullIfExpr:
		return c.nullIf(e)
	case *node.ScalarArrayOpExpr:
		return c.anyAll(e)
	case *node.CaseExpr:
		return c.caseExpr(e)
	case *node.CaseTestExpr:
		if c.caseV == nil {
			return nil, pgerr.New(pgerr.InternalError, "CaseTestExpr outside of CASE")
		}
		return c.caseV, nil
	case *node.CoerceToDomainValue:
		if c.domV == nil {
			return nil, pgerr.New(pgerr.InternalError, "CoerceToDomainValue outside of a domain check")
		}
		return c.domV, nil
	case *node.CoalesceExpr:
		args, err := c.exprs(e.Args)
		if err != nil {
			return nil, err
		}
		ref, err := c.byRef(e.Coalescetype)
		return &coalesce{args: args, byRef: ref}, err
	case *node.MinMaxExpr:
		return c.minMax(e)
	case *node.CoerceViaIO:
		return c.viaIO(e)
	case *node.ArrayCoerceExpr:
		return c.arrayCoerce(e)
	case *node.ArrayExpr:
		return c.arrayExpr(e)
	case *node.RowExpr:
		return c.rowExpr(e)
	case *node.RowCompareExpr:
		return c.rowCompare(e)
	case *node.FieldSelect:
		return c.fieldSelect(e)
	case *node.SubscriptingRef:
		return c.subscript(e)
	case *node.SQLValueFunction:
		return c.sqlValue(e)
	case *node.NextValueExpr:
		return c.nextValue(e)
	case *node.CoerceToDomain:
		return c.domain(e)
	case *node.SetToDefault:
		ref, err := c.byRef(e.TypeId)
		return newConstant(datum.Null(), ref), err
	}
	return nil, pgerr.NotYet("expression %T", n)
}

func (c *compiler) operator(op, fn oid.OID, args []node.Node, ret, coll oid.OID) (expr, error) {
	if fn == oid.Invalid {
		var err error
		if fn, err = c.x.Cat.OpFunc(op); err != nil {
			return nil, err
		}
	}
	return c.function(fn, args, ret, coll, false)
}

func (c *compiler) boolean(e *node.BoolExpr) (expr, error) {
	args, err := c.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	if e.Boolop == node.NotExpr {
		return &not{arg: args[0]}, nil
	}
	return &boolAnd{args: args, or: e.Boolop == node.OrExpr}, nil
}

func (c *compiler) nullTest(e *node.NullTest) (expr, error) {
	arg, err := c.expr(e.Arg)
	if err != nil {
		return nil, err
	}
	t := &nullTest{arg: arg, want: e.Nulltesttype == node.IsNull}
	if e.Argisrow {
		t.row = func(d datum.Datum) (bool, error) {
			vals, _, err := c.x.deformRow(d)
			if err != nil {
				return false, err
			}
			for _, v := range vals {
				if v.Null != t.want {
					return false, nil
				}
			}
			return true, nil
		}
	}
	return t, nil
}

func (c *compiler) nullIf(e *node.NullIfExpr) (expr, error) {
	eq, err := c.operator(e.Opno, e.Opfuncid, e.Args, oid.Bool, e.Inputcollid)
	if err != nil {
		return nil, err
	}
	ref, err := c.byRef(node.ExprType(e.Args[0]))
	return &distinct{eq: eq.(*call), none: true, byRef: ref}, err
}

func (c *compiler) caseExpr(e *node.CaseExpr) (expr, error) {
	ref, err := c.byRef(e.Casetype)
	if err != nil {
		return nil, err
	}
	out := &caseExpr{byRef: ref}
	inner := *c
	if e.Arg != nil {
		if out.arg, err = c.expr(e.Arg); err != nil {
			return nil, err
		}
		out.slot = &caseSlot{}
		inner.caseV = out.slot
	}
	for _, w := range e.Args {
		when, err := inner.expr(w.Expr)
		if err != nil {
			return nil, err
		}
		then, err := c.expr(w.Result)
		if err != nil {
			return nil, err
		}
		out.when, out.then = append(out.when, when), append(out.then, then)
	}
	if e.Defresult == nil {
		out.def = newConstant(datum.Null(), ref)
		return out, nil
	}
	out.def, err = c.expr(e.Defresult)
	return out, err
}

func (c *compiler) minMax(e *node.MinMaxExpr) (expr, error) {
	args, err := c.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	cmp, err := c.x.Cat.DefaultOrder(e.Minmaxtype, e.Inputcollid)
	if err != nil {
		return nil, err
	}
	ref, err := c.byRef(e.Minmaxtype)
	sign := 1
	if e.Op == node.IsLeast {
		sign = -1
	}
	return &minMax{args: args, cmp: cmp, sign: sign, byRef: ref}, err
}

func (c *compiler) viaIO(e *node.CoerceViaIO) (expr, error) {
	arg, err := c.expr(e.Arg)
	if err != nil {
		return nil, err
	}
	from, to := node.ExprType(e.Arg), e.Resulttype
	ref, err := c.byRef(to)
	if err != nil {
		return nil, err
	}
	env := &c.x.Env.Env
	return &viaIO{
		arg:   arg,
		out:   func(dst []byte, d datum.Datum) ([]byte, error) { return env.Output(dst, from, d) },
		in:    func(s []byte) (datum.Datum, error) { return env.Input(to, s, -1) },
		byRef: ref,
	}, nil
}

func (c *compiler) arrayCoerce(e *node.ArrayCoerceExpr) (expr, error) {
	arg, err := c.expr(e.Arg)
	if err != nil {
		return nil, err
	}
	fromInfo, ok1 := c.x.Cat.Type(node.ExprType(e.Arg))
	toInfo, ok2 := c.x.Cat.Type(e.Resulttype)
	if !ok1 || !ok2 {
		return nil, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", e.Resulttype)
	}
	out := &arrayCoerce{arg: arg, slot: &caseSlot{}, toType: toInfo.Elem}
	inner := *c
	inner.caseV = out.slot
	if out.elem, err = inner.expr(e.Elemexpr); err != nil {
		return nil, err
	}
	if out.from, err = c.x.elem(fromInfo.Elem); err != nil {
		return nil, err
	}
	out.fromRef = !out.from.ByVal
	out.to, err = c.x.elem(toInfo.Elem)
	return out, err
}

func (c *compiler) arrayExpr(e *node.ArrayExpr) (expr, error) {
	args, err := c.exprs(e.Elements)
	if err != nil {
		return nil, err
	}
	elem, err := c.x.elem(e.ElementTypeid)
	return &arrayExpr{args: args, elem: elem, typ: e.ElementTypeid, multi: e.Multidims, vecs: make([]*types.Vec, len(args))}, err
}

func (c *compiler) rowExpr(e *node.RowExpr) (expr, error) {
	args, err := c.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	desc := &access.TupleDesc{TypeID: oid.Record, TypMod: -1}
	if e.RowTypeid != oid.Record {
		if desc, err = c.x.Cat.RowType(e.RowTypeid, -1); err != nil {
			return nil, err
		}
	} else {
		for i, a := range e.Args {
			attr, err := c.x.attr(node.ExprType(a), int16(i+1))
			if err != nil {
				return nil, err
			}
			if i < len(e.Colnames) {
				attr.Name = e.Colnames[i]
			}
			desc.Attrs = append(desc.Attrs, attr)
		}
		desc = c.x.Cat.Bless(desc)
	}
	n := len(desc.Attrs)
	form := func(vals []datum.Datum) (datum.Datum, error) {
		for len(vals) < n {
			vals = append(vals, datum.Null())
		}
		return access.FormComposite(desc, vals)
	}
	return &rowExpr{args: args, form: form, vecs: make([]*types.Vec, len(args))}, nil
}

func (c *compiler) fieldSelect(e *node.FieldSelect) (expr, error) {
	arg, err := c.expr(e.Arg)
	if err != nil {
		return nil, err
	}
	ref, err := c.byRef(e.Resulttype)
	field := func(d datum.Datum) (datum.Datum, error) {
		vals, _, err := c.x.deformRow(d)
		if err != nil || e.Fieldnum > len(vals) {
			return datum.Null(), err
		}
		return vals[e.Fieldnum-1], nil
	}
	return &fieldSelect{arg: arg, field: field, byRef: ref}, err
}

func (c *compiler) sqlValue(e *node.SQLValueFunction) (expr, error) {
	// Each of these words is a function of pg_proc, or a cast of one.
	src, cut := "", oid.Invalid
	switch e.Op {
	case node.SVFOpCurrentTimestamp, node.SVFOpCurrentTimestampN:
		src = "now"
	case node.SVFOpLocaltimestamp, node.SVFOpLocaltimestampN:
		src, cut = "now", oid.Timestamp
	case node.SVFOpCurrentDate:
		src, cut = "now", oid.Date
	case node.SVFOpLocaltime, node.SVFOpLocaltimeN:
		src, cut = "now", oid.Time
	case node.SVFOpCurrentTime, node.SVFOpCurrentTimeN:
		src, cut = "now", oid.TimeTZ
	case node.SVFOpCurrentRole, node.SVFOpCurrentUser, node.SVFOpUser:
		src = "current_user"
	case node.SVFOpSessionUser:
		src = "session_user"
	case node.SVFOpCurrentCatalog:
		src = "current_database"
	case node.SVFOpCurrentSchema:
		src = "current_schema"
	}
	fn, ok := builtin.Lookup(src)
	if !ok || fn.Scalar == nil {
		return nil, pgerr.NotYet("%s", src)
	}
	ref, err := c.byRef(e.Type)
	if err != nil {
		return nil, err
	}
	out := &call{fn: fn, byRef: ref, c: builtin.Call{RetType: e.Type}}
	if cut == oid.Invalid && e.Typmod < 0 {
		return out, nil
	}
	out.byRef = false
	env := &c.x.Env.Env
	if cut == oid.Invalid {
		cut = e.Type
	}
	return &viaIO{
		arg:   out,
		out:   func(dst []byte, d datum.Datum) ([]byte, error) { return env.Output(dst, oid.TimestampTZ, d) },
		in:    func(s []byte) (datum.Datum, error) { return env.Input(cut, s, e.Typmod) },
		byRef: ref,
	}, nil
}

func (c *compiler) nextValue(e *node.NextValueExpr) (expr, error) {
	if c.x.Env.Seq == nil {
		return nil, pgerr.NotYet("sequences")
	}
	fn := &builtin.Func{Scalar: func(*builtin.Call) (datum.Datum, error) {
		v, err := c.x.Env.Seq.Next(c.x.Ctx, e.Seqid)
		return datum.Int(v), err
	}}
	return &call{fn: fn}, nil
}

func (c *compiler) domain(e *node.CoerceToDomain) (expr, error) {
	arg, err := c.expr(e.Arg)
	if err != nil {
		return nil, err
	}
	ref, err := c.byRef(e.Resulttype)
	check := &builtin.Func{Scalar: func(k *builtin.Call) (datum.Datum, error) {
		if c.x.Env.Catalog == nil {
			return k.Args[0], nil
		}
		return k.Args[0], c.x.Env.Catalog.CheckDomain(e.Resulttype, k.Args[0])
	}}
	return &call{fn: check, byRef: ref, args: []expr{arg}, vecs: make([]*types.Vec, 1),
		c: builtin.Call{Args: make([]datum.Datum, 1)}}, err
}

// attr describes a column of type t of a row that is no table's.
func (x *Execution) attr(t oid.OID, num int16) (access.Attr, error) {
	info, ok := x.Cat.Type(t)
	if !ok {
		return access.Attr{}, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", t)
	}
	return access.Attr{Type: t, Len: info.Len, ByVal: info.ByVal, Align: info.Align, Storage: info.Storage, TypMod: -1, Collation: info.Collation, Num: num}, nil
}

// deformRow takes a composite value apart.
func (x *Execution) deformRow(d datum.Datum) ([]datum.Datum, *access.TupleDesc, error) {
	t, typ, mod, err := access.CompositeTuple(d.Bytes)
	if err != nil {
		return nil, nil, err
	}
	desc, err := x.Cat.RowType(typ, mod)
	if err != nil {
		return nil, nil, err
	}
	vals := make([]datum.Datum, len(desc.Attrs))
	return vals, desc, access.Deform(desc, t, len(vals), vals, nil)
}

// arrayInfo is the element storage and element type of array type t.
func (c *compiler) arrayInfo(t oid.OID) (array.Elem, oid.OID, error) {
	info, ok := c.x.Cat.Type(t)
	if !ok {
		return array.Elem{}, 0, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", t)
	}
	for info.Base != 0 {
		if info, ok = c.x.Cat.Type(info.Base); !ok {
			return array.Elem{}, 0, pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", t)
		}
	}
	e, err := c.x.elem(info.Elem)
	return e, info.Elem, err
}

// formRecord makes an anonymous composite of a row.
func (x *Execution) formRecord(typs []oid.OID, row []datum.Datum) (datum.Datum, error) {
	desc := &access.TupleDesc{TypeID: oid.Record}
	for i, t := range typs {
		a, err := x.attr(t, int16(i+1))
		if err != nil {
			return datum.Null(), err
		}
		desc.Attrs = append(desc.Attrs, a)
	}
	return access.FormComposite(x.Cat.Bless(desc), row)
}
