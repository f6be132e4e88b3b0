package plan

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// The functions about how a value is stored (pg_proc).
const (
	fnColumnSize        oid.OID = 1269
	fnColumnCompression oid.OID = 2121
)

// fold computes the parts of e that are constant, and drops what a constant
// decides (PostgreSQL: eval_const_expressions). An expression whose evaluation
// fails stays, so that its error comes only if it is run.
func (r *root) fold(e node.Node) node.Node {
	if e == nil {
		return nil
	}
	c := e.Copy()
	c.Children(func(k node.Node) node.Node {
		switch k.(type) {
		case *node.Query, *node.SortGroupClause:
			return k
		}
		return r.fold(k)
	})
	switch x := c.(type) {
	case *node.BoolExpr:
		return r.foldBool(x)
	case *node.CaseExpr:
		return r.foldCase(x)
	case *node.CoalesceExpr:
		return foldCoalesce(x)
	case *node.FuncExpr:
		if args, err := r.cat.Arguments(x); err == nil {
			x.Args = args
		}
		if x.Funcid == fnColumnSize || x.Funcid == fnColumnCompression {
			r.stmt.Stored = true
		}
		return r.foldCall(x, x.Funcid, x.Args, x.Funcretset)
	case *node.OpExpr:
		if x.Opfuncid == oid.Invalid {
			if o, err := r.cat.Operator(x.Opno); err == nil {
				x.Opfuncid = o.Func
			}
		}
		return r.foldCall(x, x.Opfuncid, x.Args, x.Opretset)
	case *node.RelabelType:
		return foldRelabel(x)
	case *node.CoerceViaIO:
		return r.foldConst(x, x.Arg, r.stableIO(x))
	case *node.ArrayCoerceExpr:
		return r.foldConst(x, x.Arg, true)
	case *node.ScalarArrayOpExpr:
		return r.foldAnyAll(x)
	case *node.NullTest:
		if k, ok := isConst(x.Arg); ok && !x.Argisrow {
			return boolConst(k.Constisnull == (x.Nulltesttype == node.IsNull))
		}
	case *node.ArrayExpr:
		return r.foldArray(x)
	case *node.CollateExpr:
		if k, ok := isConst(x.Arg); ok {
			d := *k
			d.Constcollid = x.CollOid
			return &d
		}
	case *node.DistinctExpr, *node.NullIfExpr, *node.MinMaxExpr, *node.RowCompareExpr, *node.BooleanTest, *node.SubscriptingRef:
		if allConst(c) && !r.mutable(c) {
			return r.eval(c)
		}
	}
	return c
}

func allConst(n node.Node) bool {
	ok := true
	n.Children(func(k node.Node) node.Node {
		if _, c := isConst(k); !c && k != nil {
			ok = false
		}
		return k
	})
	return ok
}

// mutable reports whether n calls a function that is not immutable.
func (r *root) mutable(n node.Node) bool {
	return node.Any(n, func(m node.Node) bool {
		id := oid.Invalid
		switch f := m.(type) {
		case *node.FuncExpr:
			id = f.Funcid
		case *node.OpExpr:
			id = f.Opfuncid
		case *node.SQLValueFunction, *node.NextValueExpr:
			return true
		}
		if id == 0 {
			return false
		}
		f, err := r.cat.Func(id)
		return err != nil || f.Volatile != 'i'
	})
}

// eval replaces e by its value; if that fails e stays.
func (r *root) eval(e node.Node) node.Node {
	d, err := r.cat.Eval(e)
	if err != nil {
		return e
	}
	t := node.ExprType(e)
	info, ok := r.cat.Type(t)
	if !ok {
		return e
	}
	return &node.Const{Consttype: t, Consttypmod: typmodOf(e), Constcollid: collationOf(e), Constlen: int(info.Len), Constbyval: info.ByVal,
		Constisnull: d.Null, Constvalue: d.Clone(), Location: -1}
}

func (r *root) nullOf(e node.Node) node.Node {
	t := node.ExprType(e)
	info, ok := r.cat.Type(t)
	if !ok {
		return e
	}
	k := &node.Const{Consttype: t, Consttypmod: -1, Constcollid: collationOf(e), Constlen: int(info.Len), Constbyval: info.ByVal, Constisnull: true, Location: -1}
	k.Constvalue.Null = true
	return k
}

func (r *root) foldCall(e node.Node, fn oid.OID, args []node.Node, set bool) node.Node {
	f, err := r.cat.Func(fn)
	if err != nil || set || node.ExprType(e) == oid.Record { // the function tells a record's columns
		return e
	}
	every := true
	for _, a := range args {
		k, ok := isConst(a)
		if ok && k.Constisnull && f.Strict {
			return r.nullOf(e)
		}
		every = every && ok
	}
	if every && f.Volatile == 'i' && f.Written {
		return r.eval(e)
	}
	return e
}

func (r *root) foldConst(e, arg node.Node, ok bool) node.Node {
	if _, c := isConst(arg); !c || !ok {
		return e
	}
	return r.eval(e)
}

// stableIO reports whether a conversion through text depends on no setting: both
// types' input and output are immutable.
func (r *root) stableIO(x *node.CoerceViaIO) bool {
	for _, t := range []oid.OID{node.ExprType(x.Arg), x.Resulttype} {
		switch t {
		case oid.Text, oid.Varchar, oid.Bpchar, oid.Name, oid.Int2, oid.Int4, oid.Int8, oid.Bool, oid.Numeric, oid.Oid, oid.Unknown, oid.Cstring, oid.UUID:
		default:
			return false
		}
	}
	return true
}

func foldRelabel(x *node.RelabelType) node.Node {
	switch a := x.Arg.(type) {
	case *node.Const:
		k := *a
		k.Consttype, k.Consttypmod, k.Constcollid = x.Resulttype, x.Resulttypmod, x.Resultcollid
		return &k
	case *node.RelabelType:
		x.Arg = a.Arg
	}
	return x
}

func (r *root) foldBool(x *node.BoolExpr) node.Node {
	if x.Boolop == node.NotExpr {
		switch a := x.Args[0].(type) {
		case *node.Const:
			if a.Constisnull {
				return r.nullOf(x)
			}
			return boolConst(!a.Constvalue.Bool())
		case *node.BoolExpr:
			if a.Boolop == node.NotExpr {
				return a.Args[0]
			}
		case *node.OpExpr:
			if o, err := r.cat.Operator(a.Opno); err == nil && o.Negator != oid.Invalid {
				c := *a
				c.Opno, c.Opfuncid = o.Negator, oid.Invalid
				if n, err := r.cat.Operator(o.Negator); err == nil {
					c.Opfuncid = n.Func
				}
				return &c
			}
		case *node.NullTest:
			if !a.Argisrow {
				c := *a
				c.Nulltesttype = 1 - c.Nulltesttype
				return &c
			}
		}
		return x
	}
	or := x.Boolop == node.OrExpr
	var args []node.Node
	null := false
	for _, a := range x.Args {
		if b, ok := a.(*node.BoolExpr); ok && b.Boolop == x.Boolop {
			args = append(args, b.Args...)
			continue
		}
		k, ok := isConst(a)
		switch {
		case !ok:
			args = append(args, a)
		case k.Constisnull:
			null = true
		case k.Constvalue.Bool() == or:
			return boolConst(or)
		}
	}
	switch {
	case null && len(args) == 0:
		return r.nullOf(x)
	case null:
		args = append(args, r.nullOf(x))
	case len(args) == 0:
		return boolConst(!or)
	case len(args) == 1:
		return args[0]
	}
	x.Args = args
	return x
}

func (r *root) foldCase(x *node.CaseExpr) node.Node {
	if x.Arg != nil {
		return x
	}
	var arms []*node.CaseWhen
	for _, w := range x.Args {
		k, ok := isConst(w.Expr)
		if !ok {
			arms = append(arms, w)
			continue
		}
		if k.Constisnull || !k.Constvalue.Bool() {
			continue
		}
		if len(arms) == 0 {
			return w.Result
		}
		x.Args, x.Defresult = arms, w.Result
		return x
	}
	if len(arms) == 0 {
		if x.Defresult != nil {
			return x.Defresult
		}
		return r.nullOf(x)
	}
	x.Args = arms
	return x
}

func foldCoalesce(x *node.CoalesceExpr) node.Node {
	var args []node.Node
	for _, a := range x.Args {
		k, ok := isConst(a)
		if ok && k.Constisnull {
			continue
		}
		if ok && len(args) == 0 {
			return a
		}
		args = append(args, a)
		if ok {
			break
		}
	}
	if len(args) == 0 {
		return x.Args[0]
	}
	x.Args = args
	return x
}

func (r *root) foldAnyAll(x *node.ScalarArrayOpExpr) node.Node {
	if x.Opfuncid == oid.Invalid {
		if o, err := r.cat.Operator(x.Opno); err == nil {
			x.Opfuncid = o.Func
		}
	}
	if x.Hashfuncid == oid.Invalid && x.UseOr {
		if o, err := r.cat.Operator(x.Opno); err == nil && o.CanHash {
			x.Hashfuncid = x.Opfuncid
		}
	}
	if allConst(x) {
		if f, err := r.cat.Func(x.Opfuncid); err == nil && f.Volatile == 'i' {
			return r.eval(x)
		}
	}
	return x
}

func (r *root) foldArray(x *node.ArrayExpr) node.Node {
	if !allConst(x) {
		return x
	}
	return r.eval(x)
}
