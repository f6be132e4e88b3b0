package analyze

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// strength of a collation's derivation.
type strength int

const (
	collNone strength = iota
	collImplicit
	collConflict
	collExplicit
)

// collation state of one expression under assignment.
type collState struct {
	coll, other oid.OID
	s           strength
	at, otherAt int
}

// assignQueryCollations assigns the collations of every expression of a query's
// own level.
func (p *pstate) assignQueryCollations(q *node.Query) {
	for _, te := range q.TargetList {
		p.assignExprCollations(te.Expr)
	}
	for _, te := range q.ReturningList {
		p.assignExprCollations(te.Expr)
	}
	if q.Jointree != nil {
		p.assignJoinTree(q.Jointree)
	}
	p.assignExprCollations(q.HavingQual)
	p.assignExprCollations(q.LimitOffset)
	p.assignExprCollations(q.LimitCount)
	for _, w := range q.WindowClause {
		p.assignExprCollations(w.StartOffset)
		p.assignExprCollations(w.EndOffset)
	}
	if c := q.OnConflict; c != nil {
		for _, e := range c.ArbiterElems {
			p.assignExprCollations(e.Expr)
		}
		p.assignExprCollations(c.ArbiterWhere)
		for _, te := range c.OnConflictSet {
			p.assignExprCollations(te.Expr)
		}
		p.assignExprCollations(c.OnConflictWhere)
	}
}

func (p *pstate) assignJoinTree(n node.Node) {
	switch x := n.(type) {
	case *node.FromExpr:
		for _, c := range x.Fromlist {
			p.assignJoinTree(c)
		}
		p.assignExprCollations(x.Quals)
	case *node.JoinExpr:
		p.assignJoinTree(x.Larg)
		p.assignJoinTree(x.Rarg)
		p.assignExprCollations(x.Quals)
	}
}

// assignExprCollations assigns the collations inside one expression, in place:
// the tree is still the analyzer's own.
func (p *pstate) assignExprCollations(e node.Node) {
	if e != nil {
		p.collWalk(e)
	}
}

// commonCollation is the collation that a set of expressions shares.
func (p *pstate) commonCollation(l []node.Node, noneOK bool) oid.OID {
	st := collState{s: collNone, at: -1, otherAt: -1}
	for _, e := range l {
		p.merge(&st, p.collWalk(e))
	}
	if st.s == collConflict {
		if noneOK {
			return 0
		}
		p.mismatch(st.coll, st.other, st.otherAt)
	}
	return st.coll
}

func (p *pstate) collName(c oid.OID) string { return must(p.cat.CollationName(c)) }

func (p *pstate) mismatch(a, b oid.OID, at int) {
	p.throw(p.err(at, pgerr.CollationMismatch, `collation mismatch between implicit collations "%s" and "%s"`, p.collName(a), p.collName(b)).
		WithHint("You can choose the collation by applying the COLLATE clause to one or both expressions."))
}

func (p *pstate) merge(into *collState, c collState) {
	switch {
	case c.s > into.s:
		*into = c
	case c.s < into.s || c.coll == into.coll:
	case c.s == collImplicit:
		if into.coll == oid.DefaultCollation {
			*into = c
		} else if c.coll != oid.DefaultCollation {
			into.s, into.other, into.otherAt = collConflict, c.coll, c.at
		}
	case c.s == collExplicit:
		p.fail(c.at, pgerr.CollationMismatch, `collation mismatch between explicit collations "%s" and "%s"`, p.collName(into.coll), p.collName(c.coll))
	}
}

// inputCollation is where a node keeps the collation that its function is to
// use; nil if it has none.
func inputCollation(n node.Node) *oid.OID {
	switch x := n.(type) {
	case *node.Aggref:
		return &x.Inputcollid
	case *node.WindowFunc:
		return &x.Inputcollid
	case *node.FuncExpr:
		return &x.Inputcollid
	case *node.OpExpr:
		return &x.Inputcollid
	case *node.DistinctExpr:
		return &x.Inputcollid
	case *node.NullIfExpr:
		return &x.Inputcollid
	case *node.ScalarArrayOpExpr:
		return &x.Inputcollid
	case *node.MinMaxExpr:
		return &x.Inputcollid
	}
	return nil
}

// collWalk assigns collations in n and returns n's own.
func (p *pstate) collWalk(n node.Node) collState {
	at := node.ExprLocation(n)
	implicit := func(c oid.OID) collState {
		if c == 0 {
			return collState{at: at}
		}
		return collState{coll: c, s: collImplicit, at: at}
	}
	var st collState
	child := func(c node.Node) node.Node {
		if c != nil {
			p.merge(&st, p.collWalk(c))
		}
		return c
	}
	switch x := n.(type) {
	case *node.CollateExpr:
		p.collWalk(x.Arg)
		return collState{coll: x.CollOid, s: collExplicit, at: int(x.Location)}
	case *node.Var, *node.Const, *node.Param, *node.CaseTestExpr, *node.CoerceToDomainValue, *node.SetToDefault, *node.SQLValueFunction:
		return implicit(node.ExprCollation(n))
	case *node.Query:
		return collState{}
	case *node.FieldSelect:
		p.collWalk(x.Arg)
		return implicit(x.Resultcollid)
	case *node.RowExpr:
		p.collWalkAll(x.Args)
		return collState{}
	case *node.RowCompareExpr:
		p.rowCollations(x)
		return collState{}
	case *node.CoerceToDomain:
		p.collWalk(x.Arg)
		if t := p.typ(x.Resulttype); t.Collation == 0 {
			return collState{}
		} else if t.Collation != oid.DefaultCollation {
			x.Resultcollid = t.Collation
			return implicit(t.Collation)
		}
		st = p.collWalk(x.Arg)
	case *node.SubLink:
		if x.Testexpr != nil {
			p.collWalk(x.Testexpr)
		}
		if x.SubLinkType == node.ExprSublink || x.SubLinkType == node.ArraySublink {
			return implicit(node.ExprCollation(x))
		}
		return collState{}
	case *node.CaseExpr:
		p.collWalkAll([]node.Node{x.Arg})
		for _, w := range x.Args {
			p.collWalk(w.Expr)
			child(w.Result)
		}
		child(x.Defresult)
	case *node.Aggref:
		p.aggCollations(x, child)
	case *node.WindowFunc:
		for _, a := range x.Args {
			child(a)
		}
		if x.Aggfilter != nil {
			p.collWalk(x.Aggfilter)
		}
	case *node.SubscriptingRef:
		p.collWalkAll(x.Refupperindexpr)
		p.collWalkAll(x.Reflowerindexpr)
		child(x.Refexpr)
		if x.Refassgnexpr != nil {
			child(x.Refassgnexpr)
		}
	case *node.ArrayCoerceExpr:
		child(x.Arg)
		p.collWalk(x.Elemexpr)
	default:
		n.Children(child)
	}
	return p.settleColl(n, st, at)
}

func (p *pstate) collWalkAll(l []node.Node) {
	for _, n := range l {
		if n != nil {
			p.collWalk(n)
		}
	}
}

func (p *pstate) rowCollations(x *node.RowCompareExpr) {
	x.Inputcollids = nil
	for i := range x.Largs {
		x.Inputcollids = append(x.Inputcollids, p.commonCollation([]node.Node{x.Largs[i], x.Rargs[i]}, true))
	}
}

// aggCollations lets only the plain arguments of an aggregate decide.
func (p *pstate) aggCollations(x *node.Aggref, child func(node.Node) node.Node) {
	for _, d := range x.Aggdirectargs {
		p.collWalk(d)
	}
	for _, te := range x.Args {
		if te.Resjunk || x.Aggkind != node.AggKindNormal && len(x.Args) > 1 {
			p.collWalk(te.Expr)
		} else {
			child(te.Expr)
		}
	}
	if x.Aggfilter != nil {
		p.collWalk(x.Aggfilter)
	}
}

// settleColl stores what the children of n decided.
func (p *pstate) settleColl(n node.Node, st collState, at int) collState {
	in := inputCollation(n)
	if in != nil {
		*in = 0
		if st.s != collConflict {
			*in = st.coll
		}
	}
	t := node.ExprType(n)
	var tc oid.OID
	if t != 0 && t != oid.Unknown {
		if typ := must(p.cat.Type(t)); typ != nil {
			tc = typ.Collation
		}
	}
	switch n.(type) {
	case *node.BoolExpr, *node.NullTest, *node.BooleanTest, *node.ScalarArrayOpExpr, *node.TargetEntry, *node.NamedArgExpr:
		if tc == 0 {
			if _, ok := n.(*node.NamedArgExpr); !ok {
				return collState{}
			}
		}
	}
	if tc == 0 {
		node.SetExprCollation(n, 0)
		return collState{}
	}
	out := st
	if st.s == collNone { // nothing below has one: the type's
		out = collState{coll: tc, s: collImplicit, at: at}
	} else if st.s == collImplicit {
		out.at = at
	}
	if out.s == collConflict {
		node.SetExprCollation(n, 0)
	} else {
		node.SetExprCollation(n, out.coll)
	}
	return out
}
