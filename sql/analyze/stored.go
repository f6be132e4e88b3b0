package analyze

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// Use is what a stored expression is for.
type Use int

// Uses of stored expressions.
const (
	UseDefault   Use = Use(kindDefault)
	UseCheck     Use = Use(kindCheck)
	UseIndexExpr Use = Use(kindIndexExpr)
	UseIndexPred Use = Use(kindIndexPred)
	UseGenerated Use = Use(kindGenerated)
	UseOther     Use = Use(kindOther)
	UseExecute   Use = Use(kindExecute)
)

// Expr analyzes an expression over one table's columns (Varno 1); rel may be nil
// and may be a table that is not in the catalogs yet. The result is coerced to
// boolean for checks and predicates.
func Expr(cat Catalog, text string, n *pg.Node, rel *Relation, use Use) (e node.Node, err error) {
	defer catch(&err)
	p := (&analyzer{cat: cat, text: text}).newState(nil)
	if rel != nil {
		p.namespace = append(p.namespace, p.relationItem(rel, nil, false, true, 1))
	}
	e = p.expr(n, exprKind(use))
	switch use {
	case UseCheck:
		e = p.coerceBoolean(e, "CHECK")
	case UseIndexPred:
		e = p.coerceBoolean(e, "WHERE")
	}
	p.assignExprCollations(e)
	return e, nil
}

// DomainCheck analyzes a check constraint of a domain, in which VALUE is value.
func DomainCheck(cat Catalog, text string, n *pg.Node, value *node.CoerceToDomainValue) (e node.Node, err error) {
	defer catch(&err)
	p := (&analyzer{cat: cat, text: text}).newState(nil)
	p.domainValue = value
	e = p.coerceBoolean(p.expr(n, kindCheck), "CHECK")
	p.assignExprCollations(e)
	return e, nil
}

// ExprFor is Expr for a default or generated column: coerced to the column.
func ExprFor(cat Catalog, text string, n *pg.Node, rel *Relation, use Use, c *Column) (e node.Node, err error) {
	defer catch(&err)
	p := (&analyzer{cat: cat, text: text}).newState(nil)
	if rel != nil {
		p.namespace = append(p.namespace, p.relationItem(rel, nil, false, true, 1))
	}
	e = p.expr(n, exprKind(use))
	from := node.ExprType(e)
	r := p.coerceTo(e, from, c.Type, c.TypMod, node.CoercionAssignment, node.CoerceImplicitCast, -1)
	if r == nil {
		p.throw(pgerr.New(pgerr.DatatypeMismatch, `column "%s" is of type %s but default expression is of type %s`, c.Name, p.typeName(c.Type), p.typeName(from)).
			WithHint("You will need to rewrite or cast the expression."))
	}
	p.assignExprCollations(r)
	return r, nil
}

// Coerce casts an analyzed expression; nil if there is no cast in that context.
func Coerce(cat Catalog, e node.Node, to oid.OID, mod int32, ctx node.CoercionContext) (r node.Node, err error) {
	defer catch(&err)
	form := node.CoerceImplicitCast
	if ctx == node.CoercionExplicit {
		form = node.CoerceExplicitCast
	}
	p := (&analyzer{cat: cat}).newState(nil)
	r = p.coerceTo(e, node.ExprType(e), to, mod, ctx, form, -1)
	if r != nil {
		p.assignExprCollations(r)
	}
	return r, nil
}

// ExpandViews replaces every view in q by its stored query, through all levels.
// What changes a view changes the table below it.
func ExpandViews(cat Catalog, q *node.Query) (out *node.Query, err error) {
	defer catch(&err)
	a := &analyzer{cat: cat}
	return a.expandViews(a.changeViews(q), nil), nil
}

func (a *analyzer) expandViews(q *node.Query, open []oid.OID) *node.Query {
	q = a.expandSearchCycle(q)
	used := joined(q)
	return node.Mutate(q, func(n node.Node) (node.Node, bool) {
		t, ok := n.(*node.RangeTblEntry)
		if !ok || t.Rtekind != node.RTERelation || t.Relkind != 'v' || !used[t] {
			return nil, false
		}
		return a.expandView(t, open), true
	}).(*node.Query)
}

// joined is the range table entries that q and the queries below it read from. A
// stored view's own query also has entries OLD and NEW for the view itself, which
// nothing reads.
func joined(q *node.Query) map[*node.RangeTblEntry]bool {
	used := map[*node.RangeTblEntry]bool{}
	var mark func(q *node.Query, n node.Node)
	mark = func(q *node.Query, n node.Node) {
		switch n := n.(type) {
		case *node.FromExpr:
			for _, f := range n.Fromlist {
				mark(q, f)
			}
		case *node.JoinExpr:
			mark(q, n.Larg)
			mark(q, n.Rarg)
		case *node.RangeTblRef:
			used[q.Rtable[n.Rtindex-1]] = true
		}
	}
	node.Walk(q, func(n node.Node) bool {
		if q, ok := n.(*node.Query); ok && q.Jointree != nil {
			mark(q, q.Jointree)
		}
		return true
	})
	return used
}

func (a *analyzer) expandView(t *node.RangeTblEntry, open []oid.OID) *node.RangeTblEntry {
	rel := must(a.cat.RelationByOID(t.Relid))
	for _, o := range open {
		if o == t.Relid {
			a.fail(-1, pgerr.InvalidObjectDefinition, `infinite recursion detected in rules for relation "%s"`, rel.Name)
		}
	}
	if rel == nil || rel.ViewRule == "" {
		a.fail(-1, pgerr.InternalError, "view %d has no rule", t.Relid)
	}
	sub := a.storedQuery(rel.Name, t.Relid, rel.ViewRule)
	sub = a.expandViews(sub, append(open[:len(open):len(open)], t.Relid))
	c := *t
	c.Rtekind, c.Subquery, c.SecurityBarrier, c.Inh = node.RTESubquery, sub, rel.SecurityBarrier, false
	c.Tablesample = nil
	return &c
}

// StoredQuery is the query of a view as its rule's action holds it, without the
// entries OLD and NEW.
func StoredQuery(cat Catalog, view oid.OID, action string) (q *node.Query, err error) {
	defer catch(&err)
	a := &analyzer{cat: cat}
	return a.storedQuery(must(cat.RelationByOID(view)).Name, view, action), nil
}

func (a *analyzer) storedQuery(name string, view oid.OID, action string) *node.Query {
	tree, err := node.Read(action)
	a.throw(err)
	l, ok := tree.(node.List)
	if !ok || len(l) != 1 {
		a.fail(-1, pgerr.DataCorrupted, `rule of view "%s" is not one query`, name)
	}
	sub, ok := l[0].(*node.Query)
	if !ok {
		a.fail(-1, pgerr.DataCorrupted, `rule of view "%s" is not a query`, name)
	}
	a.restoreArrayTypes(sub)
	dropOldNew(sub, view)
	return sub
}

// dropOldNew empties the entries for OLD and NEW that a stored rule begins with:
// nothing in a view's query refers to them.
func dropOldNew(q *node.Query, view oid.OID) {
	for i := 0; i < len(q.Rtable) && i < 2; i++ {
		if t := q.Rtable[i]; t.Rtekind == node.RTERelation && t.Relid == view {
			q.Rtable[i] = &node.RangeTblEntry{Rtekind: node.RTEResult, Eref: t.Eref}
		}
	}
}

// restoreArrayTypes fills in what the text form does not hold.
func (a *analyzer) restoreArrayTypes(n node.Node) {
	node.Walk(n, func(k node.Node) bool {
		if s, ok := k.(*node.SubLink); ok && s.SubLinkType == node.ArraySublink {
			if q, ok := s.Subselect.(*node.Query); ok && len(q.TargetList) > 0 {
				s.ArrayType = a.promotedArray(node.ExprType(q.TargetList[0].Expr))
			}
		}
		return true
	})
}
