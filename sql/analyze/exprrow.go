package analyze

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// inList turns x IN (…) into an array comparison where all elements agree, else
// into ORs.
func (p *pstate) inList(x *pg.A_Expr) node.Node {
	at := int(x.Location)
	useOr := str(x.Name[0]) != "<>"
	l := p.exprRec(x.Lexpr)
	var all, consts, vars []node.Node
	for _, n := range x.Rexpr.GetList().GetItems() {
		e := p.exprRec(n)
		all = append(all, e)
		if hasVar(e) {
			vars = append(vars, e)
		} else {
			consts = append(consts, e)
		}
	}
	var result node.Node
	if len(consts) > 1 {
		t := p.commonType(append([]node.Node{l}, consts...), "")
		if t != 0 && t != oid.Record && !p.typeOK([]node.Node{l}, consts, t) {
			t = 0
		}
		if arr := oid.Invalid; t != 0 && t != oid.Record {
			if arr = p.arrayOf(t); arr != 0 {
				els := make([]node.Node, len(consts))
				for i, e := range consts {
					els[i] = p.toCommon(e, t, "IN")
				}
				result = p.makeArrayOp(x.Name, useOr, l, &node.ArrayExpr{ArrayTypeid: arr, ElementTypeid: t, Elements: els, Location: -1}, at)
				all = vars
			}
		}
	}
	for _, e := range all {
		var c node.Node
		lr, ok1 := l.(*node.RowExpr)
		rr, ok2 := e.(*node.RowExpr)
		if ok1 && ok2 {
			c = p.rowCompare(x.Name, append([]node.Node(nil), lr.Args...), rr.Args, at)
		} else {
			c = p.makeOp(x.Name, l, e, at)
		}
		c = p.coerceBoolean(c, "IN")
		if result == nil {
			result = c
		} else if useOr {
			result = &node.BoolExpr{Boolop: node.OrExpr, Args: []node.Node{result, c}, Location: node.Location(at)}
		} else {
			result = &node.BoolExpr{Boolop: node.AndExpr, Args: []node.Node{result, c}, Location: node.Location(at)}
		}
	}
	return result
}

func (p *pstate) typeOK(a, b []node.Node, t oid.OID) bool {
	for _, e := range append(a, b...) {
		if !p.can(node.ExprType(e), t, node.CoercionImplicit) {
			return false
		}
	}
	return true
}

// hasVar tells whether e holds a column of its own query level.
func hasVar(e node.Node) bool {
	found := false
	node.WalkLevels(e, func(n node.Node, level int) bool {
		if v, ok := n.(*node.Var); ok && v.Varlevelsup == level {
			found = true
		}
		return !found
	})
	return found
}

func (p *pstate) between(x *pg.A_Expr) node.Node {
	b := x.Rexpr.GetList().GetItems()
	op := func(name string, r *pg.Node) *pg.Node {
		return pg.MakeAExprNode(pg.A_Expr_Kind_AEXPR_OP, opName(name), x.Lexpr, r, x.Location)
	}
	join := func(t pg.BoolExprType, args ...*pg.Node) *pg.Node {
		return &pg.Node{Node: &pg.Node_BoolExpr{BoolExpr: &pg.BoolExpr{Boolop: t, Args: args, Location: x.Location}}}
	}
	and, or := pg.BoolExprType_AND_EXPR, pg.BoolExprType_OR_EXPR
	switch x.Kind {
	case pg.A_Expr_Kind_AEXPR_BETWEEN:
		return p.exprRec(join(and, op(">=", b[0]), op("<=", b[1])))
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		return p.exprRec(join(or, op("<", b[0]), op(">", b[1])))
	case pg.A_Expr_Kind_AEXPR_BETWEEN_SYM:
		return p.exprRec(join(or, join(and, op(">=", b[0]), op("<=", b[1])), join(and, op(">=", b[1]), op("<=", b[0]))))
	}
	return p.exprRec(join(and, join(or, op("<", b[0]), op(">", b[1])), join(or, op("<", b[1]), op(">", b[0]))))
}

func (p *pstate) minMax(x *pg.MinMaxExpr) node.Node {
	name := "GREATEST"
	if x.Op == pg.MinMaxOp_IS_LEAST {
		name = "LEAST"
	}
	args := p.recList(x.Args)
	t := p.commonType(args, name)
	for i := range args {
		args[i] = p.toCommon(args[i], t, name)
	}
	return &node.MinMaxExpr{Minmaxtype: t, Op: node.MinMaxOp(x.Op - 1), Args: args, Location: loc(x.Location)}
}

func (p *pstate) caseExpr(x *pg.CaseExpr) node.Node {
	c := &node.CaseExpr{Location: loc(x.Location)}
	before := p.lastSRF
	var test *node.CaseTestExpr
	if x.Arg != nil {
		arg := p.exprRec(x.Arg)
		if node.ExprType(arg) == oid.Unknown {
			arg = p.coerceTo(arg, oid.Unknown, oid.Text, -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
		}
		p.assignExprCollations(arg)
		c.Arg = arg
		test = &node.CaseTestExpr{TypeId: node.ExprType(arg), TypeMod: node.ExprTypmod(arg), Collation: node.ExprCollation(arg)}
	}
	results := []node.Node{nil}
	for _, n := range x.Args {
		w := n.GetCaseWhen()
		var cond node.Node
		if test != nil {
			cond = p.makeOp(opName("="), test, p.exprRec(w.Expr), int(w.Location))
		} else {
			cond = p.exprRec(w.Expr)
		}
		cond = p.coerceBoolean(cond, "CASE/WHEN")
		r := p.exprRec(w.Result)
		c.Args = append(c.Args, &node.CaseWhen{Expr: cond, Result: r, Location: loc(w.Location)})
		results = append(results, r)
	}
	c.Defresult = &node.Const{Consttype: oid.Unknown, Consttypmod: -1, Constlen: -2, Constisnull: true, Constvalue: datum.Null(), Location: -1}
	if x.Defresult != nil {
		c.Defresult = p.exprRec(x.Defresult)
	}
	results[0] = c.Defresult
	c.Casetype = p.commonType(results, "CASE")
	c.Defresult = p.toCommon(c.Defresult, c.Casetype, "CASE/ELSE")
	for _, w := range c.Args {
		w.Result = p.toCommon(w.Result, c.Casetype, "CASE/WHEN")
	}
	p.refuseSRF(before, "CASE")
	return c
}

func (p *pstate) rowExpr(x *pg.RowExpr) node.Node {
	r := &node.RowExpr{Args: p.expandList(x.Args, p.kind), RowTypeid: oid.Record, RowFormat: formOf(x.RowFormat), Location: loc(x.Location)}
	if len(r.Args) > 1664 {
		p.fail(int(x.Location), pgerr.TooManyColumns, "ROW expressions can have at most %d entries", 1664)
	}
	for i := range r.Args {
		r.Colnames = append(r.Colnames, "f"+strconv.Itoa(i+1))
	}
	return r
}

// rowCompare builds the comparison of two rows.
func (p *pstate) rowCompare(name []*pg.Node, l, r []node.Node, at int) node.Node {
	if len(l) != len(r) {
		p.fail(at, pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	if len(l) == 0 {
		p.fail(at, pgerr.FeatureNotSupported, "cannot compare rows of zero length")
	}
	var ops []*node.OpExpr
	for i := range l {
		o := p.makeOp(name, l[i], r[i], at).(*node.OpExpr)
		if o.Opresulttype != oid.Bool {
			p.fail(at, pgerr.DatatypeMismatch, "row comparison operator must yield type boolean, not type %s", p.typeName(o.Opresulttype))
		}
		if p.returnsSet(o) {
			p.fail(at, pgerr.DatatypeMismatch, "row comparison operator must not return a set")
		}
		ops = append(ops, o)
	}
	if len(ops) == 1 {
		return ops[0]
	}
	fams := make([][]FamilyMember, len(ops))
	var common [7]int
	for i, o := range ops {
		var seen [7]bool
		for _, m := range p.rowMembers(o.Opno) {
			if m.AM == oid.BtreeAM {
				fams[i] = append(fams[i], m)
				if !seen[m.Strategy] {
					seen[m.Strategy] = true
					common[m.Strategy]++
				}
			}
		}
	}
	rc := 0
	for s := 1; s <= 6; s++ {
		if common[s] == len(ops) {
			rc = s
			break
		}
	}
	if rc == 0 {
		p.throw(p.err(at, pgerr.FeatureNotSupported, "could not determine interpretation of row comparison operator %s", str(name[len(name)-1])).
			WithHint("Row comparison operators must be associated with btree operator families."))
	}
	if rc == 3 || rc == 6 {
		b := &node.BoolExpr{Boolop: node.AndExpr, Location: node.Location(at)}
		if rc == 6 {
			b.Boolop = node.OrExpr
		}
		for _, o := range ops {
			b.Args = append(b.Args, o)
		}
		return b
	}
	e := &node.RowCompareExpr{Rctype: node.RowCompareType(rc)}
	for i, o := range ops {
		for _, m := range fams[i] {
			if m.Strategy == rc {
				e.Opfamilies = append(e.Opfamilies, m.Family)
				break
			}
		}
		e.Opnos = append(e.Opnos, o.Opno)
		e.Largs = append(e.Largs, o.Args[0])
		e.Rargs = append(e.Rargs, o.Args[1])
	}
	return e
}

// rowMembers are the families that give an operator a meaning in a row
// comparison: a <> is the negator of a btree =.
func (p *pstate) rowMembers(opno oid.OID) []FamilyMember {
	members := must(p.cat.OperatorFamilies(opno))
	if hasBtree(members) {
		return members
	}
	if op := must(p.cat.Operator(opno)); op.Negator != 0 {
		for _, m := range must(p.cat.OperatorFamilies(op.Negator)) {
			if m.AM == oid.BtreeAM && m.Strategy == 3 {
				m.Strategy = 6
				members = append(members, m)
			}
		}
	}
	return members
}

func hasBtree(ms []FamilyMember) bool {
	for _, m := range ms {
		if m.AM == oid.BtreeAM {
			return true
		}
	}
	return false
}

// constant
var valueTypes = [...]oid.OID{oid.Date, oid.TimeTZ, oid.TimeTZ, oid.TimestampTZ, oid.TimestampTZ, oid.Time, oid.Time,
	oid.Timestamp, oid.Timestamp, oid.Name, oid.Name, oid.Name, oid.Name, oid.Name, oid.Name}

func (p *pstate) valueFunction(x *pg.SQLValueFunction) node.Node {
	op := int(x.Op) - 1
	v := &node.SQLValueFunction{Op: node.SQLValueFunctionOp(op), Typmod: x.Typmod, Location: loc(x.Location)}
	if op < 0 || op >= len(valueTypes) {
		p.notYet(int(x.Location), "this SQL value function")
	}
	v.Type = valueTypes[op]
	switch op {
	case 2, 4, 6, 8:
		if v.Typmod > 6 {
			v.Typmod = 6
		}
	}
	return v
}

func (p *pstate) subLink(x *pg.SubLink) node.Node {
	p.checkSubLinkPlace(int(x.Location))
	p.hasSubLinks = true
	s := &node.SubLink{SubLinkType: node.SubLinkType(x.SubLinkType - 1), Location: loc(x.Location)}
	q := p.subquery(x.Subselect, nil, false, true)
	if q.CommandType != node.CmdSelect {
		p.fail(int(x.Location), pgerr.InternalError, "unexpected non-SELECT command in SubLink")
	}
	s.Subselect = q
	var cols []*node.TargetEntry
	for _, te := range q.TargetList {
		if !te.Resjunk {
			cols = append(cols, te)
		}
	}
	switch s.SubLinkType {
	case node.ExistsSublink:
		return s
	case node.ExprSublink, node.ArraySublink:
		if len(cols) != 1 {
			p.fail(int(x.Location), pgerr.SyntaxError, "subquery must return only one column")
		}
		if s.SubLinkType == node.ArraySublink {
			t := node.ExprType(cols[0].Expr)
			if s.ArrayType = p.promotedArray(t); s.ArrayType == 0 {
				p.fail(int(x.Location), pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(t))
			}
		}
		return s
	case node.MultiexprSublink:
		return s
	}
	name := x.OperName
	if len(name) == 0 {
		name = opName("=")
	}
	l := p.exprRec(x.Testexpr)
	left := []node.Node{l}
	if row, ok := l.(*node.RowExpr); ok {
		left = row.Args
	}
	var right []node.Node
	for i, te := range cols {
		right = append(right, &node.Param{Paramkind: node.ParamSublink, Paramid: i + 1, Paramtype: node.ExprType(te.Expr),
			Paramtypmod: node.ExprTypmod(te.Expr), Paramcollid: node.ExprCollation(te.Expr), Location: -1})
	}
	if len(left) < len(right) {
		p.fail(int(x.Location), pgerr.SyntaxError, "subquery has too many columns")
	}
	if len(left) > len(right) {
		p.fail(int(x.Location), pgerr.SyntaxError, "subquery has too few columns")
	}
	s.OperName = strs(name)
	s.Testexpr = p.rowCompare(name, left, right, int(x.Location))
	return s
}

func (p *pstate) checkSubLinkPlace(at int) {
	switch p.kind {
	case kindCheck, kindDomainCheck:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in check constraint")
	case kindDefault:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in DEFAULT expression")
	case kindIndexExpr:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in index expression")
	case kindIndexPred:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in index predicate")
	case kindGenerated:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in column generation expression")
	case kindExecute:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use subquery in EXECUTE parameter")
	}
}
