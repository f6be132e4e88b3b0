package analyze

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// exprKind is the clause that an expression stands in.
type exprKind int

const (
	kindNone exprKind = iota
	kindOther
	kindJoinOn
	kindFromSubselect
	kindFromFunction
	kindWhere
	kindHaving
	kindFilter
	kindWindowPartition
	kindWindowOrder
	kindWindowFrame
	kindSelectTarget
	kindInsertTarget
	kindUpdateSource
	kindUpdateTarget
	kindGroupBy
	kindOrderBy
	kindDistinctOn
	kindLimit
	kindOffset
	kindReturning
	kindValues
	kindValuesSingle
	kindCheck
	kindDefault
	kindIndexExpr
	kindIndexPred
	kindGenerated
	kindDomainCheck
	kindExecute
	kindMergeWhen
)

// constant
var kindNames = map[exprKind]string{
	kindJoinOn: "JOIN/ON", kindFromSubselect: "sub-SELECT in FROM", kindFromFunction: "function in FROM", kindWhere: "WHERE",
	kindHaving: "HAVING", kindFilter: "FILTER", kindWindowPartition: "window PARTITION BY", kindWindowOrder: "window ORDER BY",
	kindWindowFrame: "window frame", kindSelectTarget: "SELECT", kindInsertTarget: "INSERT", kindUpdateSource: "UPDATE",
	kindUpdateTarget: "UPDATE", kindGroupBy: "GROUP BY", kindOrderBy: "ORDER BY", kindDistinctOn: "DISTINCT ON", kindLimit: "LIMIT",
	kindOffset: "OFFSET", kindReturning: "RETURNING", kindValues: "VALUES", kindValuesSingle: "VALUES",
	kindCheck: "check constraints", kindDefault: "DEFAULT expressions", kindIndexExpr: "index expressions",
	kindIndexPred: "index predicates", kindGenerated: "column generation expressions", kindDomainCheck: "check constraints", kindExecute: "EXECUTE parameters", kindMergeWhen: "MERGE WHEN conditions",
}

func (k exprKind) construct() string { return kindNames[k] }

// expr transforms an expression of a clause.
func (p *pstate) expr(n *pg.Node, k exprKind) node.Node {
	old := p.kind
	p.kind = k
	e := p.exprRec(n)
	p.kind = old
	return e
}

func (p *pstate) exprList(l []*pg.Node, k exprKind) []node.Node {
	out := make([]node.Node, len(l))
	for i, n := range l {
		out[i] = p.expr(n, k)
	}
	return out
}

func loc(l int32) node.Location { return node.Location(l) }

// exprRec transforms an expression in the current clause.
func (p *pstate) exprRec(n *pg.Node) node.Node {
	switch x := n.GetNode().(type) {
	case nil:
		return nil
	case *pg.Node_ColumnRef:
		return p.columnRef(x.ColumnRef)
	case *pg.Node_ParamRef:
		return p.paramRef(x.ParamRef)
	case *pg.Node_AConst:
		return p.constant(x.AConst)
	case *pg.Node_AIndirection:
		return p.indirection(x.AIndirection)
	case *pg.Node_AArrayExpr:
		return p.arrayExpr(x.AArrayExpr, 0, 0, -1)
	case *pg.Node_TypeCast:
		return p.typeCast(x.TypeCast)
	case *pg.Node_CollateClause:
		return p.collate(x.CollateClause)
	case *pg.Node_AExpr:
		return p.aExpr(x.AExpr)
	case *pg.Node_BoolExpr:
		return p.boolExpr(x.BoolExpr)
	case *pg.Node_FuncCall:
		return p.funcCall(x.FuncCall)
	case *pg.Node_NamedArgExpr:
		return &node.NamedArgExpr{Arg: p.exprRec(x.NamedArgExpr.Arg), Name: x.NamedArgExpr.Name, Argnumber: -1, Location: loc(x.NamedArgExpr.Location)}
	case *pg.Node_SubLink:
		return p.subLink(x.SubLink)
	case *pg.Node_CaseExpr:
		return p.caseExpr(x.CaseExpr)
	case *pg.Node_RowExpr:
		return p.rowExpr(x.RowExpr)
	case *pg.Node_CoalesceExpr:
		before := p.lastSRF
		args := p.recList(x.CoalesceExpr.Args)
		t := p.commonType(args, "COALESCE")
		for i := range args {
			args[i] = p.toCommon(args[i], t, "COALESCE")
		}
		p.refuseSRF(before, "COALESCE")
		return &node.CoalesceExpr{Coalescetype: t, Args: args, Location: loc(x.CoalesceExpr.Location)}
	case *pg.Node_MinMaxExpr:
		return p.minMax(x.MinMaxExpr)
	case *pg.Node_NullTest:
		e := p.exprRec(x.NullTest.Arg)
		return &node.NullTest{Arg: e, Nulltesttype: node.NullTestType(x.NullTest.Nulltesttype - 1), Argisrow: p.rowType(node.ExprType(e)), Location: loc(x.NullTest.Location)}
	case *pg.Node_BooleanTest:
		names := [...]string{"IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"}
		k := int(x.BooleanTest.Booltesttype) - 1
		e := p.coerceBoolean(p.exprRec(x.BooleanTest.Arg), names[k])
		return &node.BooleanTest{Arg: e, Booltesttype: node.BoolTestType(k), Location: loc(x.BooleanTest.Location)}
	case *pg.Node_SqlvalueFunction:
		return p.valueFunction(x.SqlvalueFunction)
	case *pg.Node_GroupingFunc:
		return p.groupingFunc(x.GroupingFunc)
	case *pg.Node_SetToDefault:
		return &node.SetToDefault{TypeId: oid.Unknown, TypeMod: -1, Location: loc(x.SetToDefault.Location)}
	case *pg.Node_MultiAssignRef:
		return p.multiAssignRef(x.MultiAssignRef)
	case *pg.Node_CurrentOfExpr:
		return &node.CurrentOfExpr{Cvarno: p.target.index, CursorName: x.CurrentOfExpr.CursorName, CursorParam: int(x.CurrentOfExpr.CursorParam)}
	}
	what := strings.TrimPrefix(strings.TrimPrefix(strings.SplitN(n.String(), ":", 2)[0], "{"), "node")
	p.notYet(-1, "expression %s", what)
	return nil
}

func (p *pstate) recList(l []*pg.Node) []node.Node {
	out := make([]node.Node, len(l))
	for i, n := range l {
		out[i] = p.exprRec(n)
	}
	return out
}

func (p *pstate) constant(c *pg.A_Const) node.Node {
	k := &node.Const{Consttypmod: -1, Location: loc(c.Location)}
	byval := func(t oid.OID, n int, v int64) {
		k.Consttype, k.Constlen, k.Constbyval, k.Constvalue = t, n, true, datum.Int(v)
	}
	switch v := c.Val.(type) {
	case nil:
		k.Consttype, k.Constlen, k.Constisnull, k.Constvalue = oid.Unknown, -2, true, datum.Null()
	case *pg.A_Const_Ival:
		byval(oid.Int4, 4, int64(v.Ival.Ival))
	case *pg.A_Const_Boolval:
		b := int64(0)
		if v.Boolval.Boolval {
			b = 1
		}
		byval(oid.Bool, 1, b)
	case *pg.A_Const_Sval:
		k.Consttype, k.Constlen, k.Constvalue = oid.Unknown, -2, datum.String(v.Sval.Sval)
	case *pg.A_Const_Fval:
		if i, err := strconv.ParseInt(v.Fval.Fval, 10, 64); err == nil {
			if i == int64(int32(i)) {
				byval(oid.Int4, 4, i)
			} else {
				byval(oid.Int8, 8, i)
			}
			break
		}
		t := p.typ(oid.Numeric)
		d, err := p.cat.Input(t, -1, v.Fval.Fval)
		p.throwAt(err, int(c.Location))
		k.Consttype, k.Constlen, k.Constvalue = oid.Numeric, -1, d
	case *pg.A_Const_Bsval:
		p.bitDigits(v.Bsval.Bsval, int(c.Location))
		t := p.typ(oid.Bit)
		d, err := p.cat.Input(t, -1, v.Bsval.Bsval)
		p.throwAt(err, int(c.Location))
		k.Consttype, k.Constlen, k.Constvalue = oid.Bit, -1, d
	}
	return k
}

func (p *pstate) paramRef(r *pg.ParamRef) node.Node {
	q := &node.Param{Paramkind: node.ParamExtern, Paramid: int(r.Number), Paramtypmod: -1, Location: loc(r.Location)}
	if p.params == nil || r.Number <= 0 || r.Number > 65535 || int(r.Number) > len(p.params.Types) && !p.params.Infer {
		p.fail(int(r.Location), pgerr.UndefinedParameter, "there is no parameter $%d", r.Number)
	}
	for len(p.params.Types) < int(r.Number) {
		p.params.Types = append(p.params.Types, 0)
	}
	t := p.params.Types[r.Number-1]
	if t == 0 {
		if !p.params.Infer {
			p.fail(int(r.Location), pgerr.UndefinedParameter, "there is no parameter $%d", r.Number)
		}
		t = oid.Unknown
		p.params.Types[r.Number-1] = t
	}
	q.Paramtype, q.Paramcollid = t, p.typ(t).Collation
	return q
}

// coerceParam fixes the type of a parameter that has none yet; nil if q has one.
func (p *pstate) coerceParam(q *node.Param, to oid.OID, at int) node.Node {
	if q.Paramkind != node.ParamExtern || q.Paramtype != oid.Unknown || !p.params.Infer {
		return nil
	}
	t := &p.params.Types[q.Paramid-1]
	switch *t {
	case oid.Unknown:
		*t = to
	case to:
	default:
		p.throw(p.err(int(q.Location), pgerr.AmbiguousParameter, "inconsistent types deduced for parameter $%d", q.Paramid).
			WithDetail("%s versus %s", p.typeName(*t), p.typeName(to)))
	}
	n := *q
	n.Paramtype, n.Paramtypmod, n.Paramcollid = to, -1, p.typ(to).Collation
	if at >= 0 && (int(n.Location) < 0 || at < int(n.Location)) {
		n.Location = node.Location(at)
	}
	return &n
}

// checkParams fails if a parameter was used before its type was known.
func (a *analyzer) checkParams(q *node.Query) {
	if a.params == nil || !a.params.Infer {
		return
	}
	node.Walk(q, func(n node.Node) bool {
		x, ok := n.(*node.Param)
		if !ok || x.Paramkind != node.ParamExtern || x.Paramid > len(a.params.Types) {
			return true
		}
		t := a.params.Types[x.Paramid-1]
		// One without a type is the caller's to refuse.
		if t != oid.Unknown && t != 0 && x.Paramtype != t {
			a.fail(int(x.Location), pgerr.AmbiguousParameter, "could not determine data type of parameter $%d", x.Paramid)
		}
		return true
	})
}

func (p *pstate) indirection(x *pg.A_Indirection) node.Node {
	return p.applyIndirection(p.exprRec(x.Arg), x.Indirection, node.ExprLocation)
}

// applyIndirection applies subscripts and field selections in order.
func (p *pstate) applyIndirection(e node.Node, ind []*pg.Node, _ func(node.Node) int) node.Node {
	var subs []*pg.A_Indices
	flush := func() {
		if subs != nil {
			e = p.subscript(e, subs)
			subs = nil
		}
	}
	at := node.ExprLocation(e)
	for _, n := range ind {
		switch x := n.GetNode().(type) {
		case *pg.Node_AIndices:
			subs = append(subs, x.AIndices)
		case *pg.Node_AStar:
			if v, ok := e.(*node.Var); ok && v.Varattno == 0 {
				continue // t.* as a value is the row
			}
			p.fail(at, pgerr.FeatureNotSupported, "row expansion via \"*\" is not supported here")
		default:
			flush()
			f := p.fieldOf(e, str(n), at)
			if f == nil {
				p.noField(e, str(n), at)
			}
			e = f
		}
	}
	flush()
	return e
}

func (p *pstate) noField(e node.Node, name string, at int) {
	t := node.ExprType(e)
	if v, ok := e.(*node.Var); ok && v.Varattno == 0 {
		rte := p.levelsUp(v.Varlevelsup).rtable[v.Varno-1]
		p.fail(at, pgerr.UndefinedColumn, "column %s.%s does not exist", rte.Eref.Aliasname, name)
	}
	if p.composite(t) {
		p.fail(at, pgerr.UndefinedColumn, `column "%s" not found in data type %s`, name, p.typeName(t))
	}
	if t == oid.Record {
		p.fail(at, pgerr.UndefinedColumn, `could not identify column "%s" in record data type`, name)
	}
	p.fail(at, pgerr.WrongObjectType, `column notation .%s applied to type %s, which is not a composite type`, name, p.typeName(t))
}

// fieldOf selects a field of a composite value; nil if there is none.
func (p *pstate) fieldOf(e node.Node, name string, at int) node.Node {
	if v, ok := e.(*node.Var); ok && v.Varattno == 0 {
		up := p.levelsUp(v.Varlevelsup)
		for _, it := range up.namespace {
			if it.index == v.Varno {
				return up.scanColumns(p, it, name, at, v.Varlevelsup)
			}
		}
	}
	t := node.ExprType(e)
	for i, c := range p.fieldsOf(e) {
		if !c.Dropped && c.Name == name {
			if b := p.baseType(t); b != t {
				e = &node.RelabelType{Arg: e, Resulttype: b, Resulttypmod: -1, Relabelformat: node.CoerceImplicitCast, Location: -1}
			}
			return &node.FieldSelect{Arg: e, Fieldnum: i + 1, Resulttype: c.Type, Resulttypmod: c.TypMod, Resultcollid: c.Collation}
		}
	}
	return nil
}

func (p *pstate) subscript(e node.Node, subs []*pg.A_Indices) node.Node {
	t, mod := p.baseTypeMod(node.ExprType(e), node.ExprTypmod(e))
	if t == oid.Int2Vector {
		t = oid.Int2Array
	} else if t == oid.OidVector {
		t = oid.OidArray
	}
	typ := p.typ(t)
	if typ.Subscript == 0 {
		p.fail(node.ExprLocation(e), pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", p.typeName(node.ExprType(e)))
	}
	if !typ.TrueArray && (t != oid.Name || len(subs) != 1 || subs[0].IsSlice) {
		p.notYet(node.ExprLocation(e), "subscripting of type %s", p.typeName(t))
	}
	r := &node.SubscriptingRef{Refcontainertype: t, Refelemtype: typ.Elem, Refrestype: typ.Elem, Reftypmod: mod, Refexpr: e}
	slice := false
	for _, s := range subs {
		slice = slice || s.IsSlice
	}
	if slice {
		r.Refrestype = t
	}
	one := func(n *pg.Node) node.Node {
		if n == nil {
			return nil
		}
		x := p.exprRec(n)
		at := node.ExprLocation(x)
		c := p.coerceTo(x, node.ExprType(x), oid.Int4, -1, node.CoercionAssignment, node.CoerceImplicitCast, -1)
		if c == nil {
			p.fail(at, pgerr.DatatypeMismatch, "array subscript must have type integer")
		}
		return c
	}
	for _, s := range subs {
		if slice {
			lo := one(s.Lidx)
			if !s.IsSlice {
				lo = intConst(1)
			}
			r.Reflowerindexpr = append(r.Reflowerindexpr, lo)
		}
		r.Refupperindexpr = append(r.Refupperindexpr, one(s.Uidx))
	}
	if len(r.Refupperindexpr) > 6 {
		p.fail(-1, pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(r.Refupperindexpr), 6)
	}
	return r
}

func (p *pstate) arrayExpr(x *pg.A_ArrayExpr, arrType, elType oid.OID, mod int32) node.Node {
	r := &node.ArrayExpr{Location: loc(x.Location)}
	var els []node.Node
	for _, n := range x.Elements {
		var e node.Node
		if sub := n.GetAArrayExpr(); sub != nil {
			e = p.arrayExpr(sub, arrType, elType, mod)
			r.Multidims = true
		} else {
			e = p.exprRec(n)
			if t := node.ExprType(e); !r.Multidims && t != oid.Int2Vector && t != oid.OidVector && p.elemType(t) != 0 {
				r.Multidims = true
			}
		}
		els = append(els, e)
	}
	cast, hard := oid.Invalid, false
	switch {
	case arrType != 0:
		cast, hard = elType, true
		if r.Multidims {
			cast = arrType
		}
	case len(els) == 0:
		p.throw(p.err(int(x.Location), pgerr.IndeterminateDatatype, "cannot determine type of empty array").
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."))
	default:
		cast = p.commonType(els, "ARRAY")
	}
	if arrType == 0 {
		if r.Multidims {
			arrType, elType = cast, p.elemType(cast)
			if elType == 0 {
				p.fail(int(x.Location), pgerr.UndefinedObject, "could not find element type for data type %s", p.typeName(cast))
			}
		} else {
			elType = cast
			if arrType = p.arrayOf(cast); arrType == 0 {
				p.fail(int(x.Location), pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(cast))
			}
		}
	}
	for i, e := range els {
		if !hard {
			els[i] = p.toCommon(e, cast, "ARRAY")
			continue
		}
		c := p.coerceTo(e, node.ExprType(e), cast, mod, node.CoercionExplicit, node.CoerceExplicitCast, -1)
		if c == nil {
			p.fail(node.ExprLocation(e), pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(node.ExprType(e)), p.typeName(cast))
		}
		els[i] = c
	}
	r.ArrayTypeid, r.ElementTypeid, r.Elements = arrType, elType, els
	return r
}

func (p *pstate) typeCast(x *pg.TypeCast) node.Node {
	t, mod := p.resolveType(x.TypeName)
	var e node.Node
	if arr := x.Arg.GetAArrayExpr(); arr != nil {
		base, bmod := p.baseTypeMod(t.OID, mod)
		if el := p.elemType(base); el != 0 {
			e = p.arrayExpr(arr, base, el, bmod)
		}
	}
	if e == nil {
		e = p.exprRec(x.Arg)
	}
	from := node.ExprType(e)
	at := int(x.Location)
	if at < 0 {
		at = int(x.TypeName.Location)
	}
	r := p.coerceTo(e, from, t.OID, mod, node.CoercionExplicit, node.CoerceExplicitCast, at)
	if r == nil {
		p.fail(at, pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(from), p.typeName(t.OID))
	}
	return r
}

func (p *pstate) collate(x *pg.CollateClause) node.Node {
	e := p.exprRec(x.Arg)
	t := node.ExprType(e)
	if t != oid.Unknown && p.typ(t).Collation == 0 {
		p.fail(int(x.Location), pgerr.DatatypeMismatch, "collations are not supported by type %s", p.typeName(t))
	}
	return &node.CollateExpr{Arg: e, CollOid: p.collation(x.Collname, int(x.Location)), Location: loc(x.Location)}
}

func (a *analyzer) collation(names []*pg.Node, at int) oid.OID {
	schema, name := a.deconstruct(names, at)
	c := must(a.cat.Collation(schema, name))
	if c == 0 {
		a.fail(at, pgerr.UndefinedObject, `collation "%s" for encoding "UTF8" does not exist`, strings.Join(strs(names), "."))
	}
	return c
}

func (p *pstate) boolExpr(x *pg.BoolExpr) node.Node {
	names := [...]string{"AND", "OR", "NOT"}
	op := node.BoolExprType(x.Boolop - 1)
	b := &node.BoolExpr{Boolop: op, Location: loc(x.Location)}
	for _, n := range x.Args {
		b.Args = append(b.Args, p.coerceBoolean(p.exprRec(n), names[op]))
	}
	return b
}

func opName(s string) []*pg.Node { return []*pg.Node{pg.MakeStrNode(s)} }

func (p *pstate) aExpr(x *pg.A_Expr) node.Node {
	at := int(x.Location)
	switch x.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		return p.opExpr(x)
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		l, r := p.exprRec(x.Lexpr), p.exprRec(x.Rexpr)
		return p.makeArrayOp(x.Name, x.Kind == pg.A_Expr_Kind_AEXPR_OP_ANY, l, r, at)
	case pg.A_Expr_Kind_AEXPR_DISTINCT, pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return p.distinct(x)
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		o := p.makeOp(x.Name, p.exprRec(x.Lexpr), p.exprRec(x.Rexpr), at).(*node.OpExpr)
		if o.Opresulttype != oid.Bool {
			p.fail(at, pgerr.DatatypeMismatch, "NULLIF requires = operator to yield boolean")
		}
		n := node.NullIfExpr(*o)
		n.Opresulttype = node.ExprType(o.Args[0])
		return &n
	case pg.A_Expr_Kind_AEXPR_IN:
		return p.inList(x)
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE, pg.A_Expr_Kind_AEXPR_SIMILAR:
		return p.makeOp(x.Name, p.exprRec(x.Lexpr), p.exprRec(x.Rexpr), at)
	}
	return p.between(x)
}

func (p *pstate) opExpr(x *pg.A_Expr) node.Node {
	at := int(x.Location)
	lrow := x.Lexpr.GetRowExpr()
	if sub := x.Rexpr.GetSubLink(); lrow != nil && sub != nil && sub.SubLinkType == pg.SubLinkType_EXPR_SUBLINK {
		return p.subLink(&pg.SubLink{SubLinkType: pg.SubLinkType_ROWCOMPARE_SUBLINK, Testexpr: x.Lexpr, OperName: x.Name,
			Location: x.Location, Subselect: sub.Subselect})
	}
	if rrow := x.Rexpr.GetRowExpr(); lrow != nil && rrow != nil {
		l, r := p.exprRec(x.Lexpr).(*node.RowExpr), p.exprRec(x.Rexpr).(*node.RowExpr)
		return p.rowCompare(x.Name, l.Args, r.Args, at)
	}
	var l node.Node
	if x.Lexpr != nil {
		l = p.exprRec(x.Lexpr)
	}
	return p.makeOp(x.Name, l, p.exprRec(x.Rexpr), at)
}

func (p *pstate) distinct(x *pg.A_Expr) node.Node {
	at := int(x.Location)
	isNull := func(n *pg.Node) bool { c := n.GetAConst(); return c != nil && c.Isnull }
	var e node.Node
	switch {
	case isNull(x.Rexpr), isNull(x.Lexpr):
		arg := x.Lexpr
		if isNull(x.Lexpr) && !isNull(x.Rexpr) {
			arg = x.Rexpr
		}
		a := p.exprRec(arg)
		t := node.IsNotNull
		if x.Kind == pg.A_Expr_Kind_AEXPR_NOT_DISTINCT {
			t = node.IsNull
		}
		return &node.NullTest{Arg: a, Nulltesttype: t, Location: node.Location(at)}
	}
	l, r := p.exprRec(x.Lexpr), p.exprRec(x.Rexpr)
	lr, ok1 := l.(*node.RowExpr)
	rr, ok2 := r.(*node.RowExpr)
	if ok1 && ok2 {
		if len(lr.Args) != len(rr.Args) {
			p.fail(at, pgerr.SyntaxError, "unequal number of entries in row expressions")
		}
		for i := range lr.Args {
			d := p.makeDistinct(x.Name, lr.Args[i], rr.Args[i], at)
			if e == nil {
				e = d
			} else {
				e = &node.BoolExpr{Boolop: node.OrExpr, Args: []node.Node{e, d}, Location: node.Location(at)}
			}
		}
	} else {
		e = p.makeDistinct(x.Name, l, r, at)
	}
	if x.Kind == pg.A_Expr_Kind_AEXPR_NOT_DISTINCT {
		e = &node.BoolExpr{Boolop: node.NotExpr, Args: []node.Node{e}, Location: node.Location(at)}
	}
	return e
}

func (p *pstate) makeDistinct(name []*pg.Node, l, r node.Node, at int) node.Node {
	o := p.makeOp(name, l, r, at).(*node.OpExpr)
	if o.Opresulttype != oid.Bool {
		p.fail(at, pgerr.DatatypeMismatch, "IS DISTINCT FROM requires = operator to yield boolean")
	}
	d := node.DistinctExpr(*o)
	return &d
}
