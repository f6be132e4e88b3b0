package analyze

import (
	"slices"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// recursion checks where a recursive WITH item may refer to itself: once, and
// only where more rows of the item can but add rows to the result.
type recursion struct {
	*pstate
	name string
	seen bool
}

// checkRecursion refuses what an item's UNION s may not hold; the first arm does
// not refer to the item.
func (p *pstate) checkRecursion(s *pg.SelectStmt, name string) {
	refuse := func(n *pg.Node, what string) {
		if n != nil {
			p.fail(rawLocation(n), pgerr.FeatureNotSupported, "%s in a recursive query is not implemented", what)
		}
	}
	first := func(l []*pg.Node) *pg.Node {
		if len(l) == 0 {
			return nil
		}
		return l[0]
	}
	(&recursion{pstate: p, name: name}).visit(s.Rarg.ProtoReflect(), "")
	refuse(first(s.SortClause), "ORDER BY")
	refuse(s.LimitOffset, "OFFSET")
	refuse(s.LimitCount, "LIMIT")
	refuse(first(s.LockingClause), "FOR UPDATE/SHARE")
}

// visit looks for references in m; inside names what they may not be within.
func (r *recursion) visit(m protoreflect.Message, inside string) {
	switch x := m.Interface().(type) {
	case *pg.RangeVar:
		r.reference(x, inside)
		return
	case *pg.SelectStmt:
		for _, n := range x.WithClause.GetCtes() {
			if n.GetCommonTableExpr().GetCtename() == r.name {
				return // another item of that name
			}
		}
		switch {
		case x.Op == pg.SetOperation_SETOP_INTERSECT && x.All:
			inside = "INTERSECT"
		case x.Op == pg.SetOperation_SETOP_EXCEPT:
			left := inside
			if x.All {
				left = "EXCEPT"
			}
			r.visit(x.Larg.ProtoReflect(), left)
			r.visit(x.Rarg.ProtoReflect(), "EXCEPT")
			return
		}
	case *pg.SubLink:
		r.visit(x.Subselect.ProtoReflect(), "a subquery")
		if x.Testexpr != nil {
			r.visit(x.Testexpr.ProtoReflect(), inside)
		}
		return
	case *pg.JoinExpr:
		left, right := inside, inside
		if x.Jointype == pg.JoinType_JOIN_FULL || x.Jointype == pg.JoinType_JOIN_RIGHT {
			left = "an outer join"
		}
		if x.Jointype == pg.JoinType_JOIN_FULL || x.Jointype == pg.JoinType_JOIN_LEFT {
			right = "an outer join"
		}
		r.visit(x.Larg.ProtoReflect(), left)
		r.visit(x.Rarg.ProtoReflect(), right)
		if x.Quals != nil {
			r.visit(x.Quals.ProtoReflect(), inside)
		}
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Kind() != protoreflect.MessageKind || !m.Has(f) {
			continue
		}
		if !f.IsList() {
			r.visit(m.Get(f).Message(), inside)
			continue
		}
		l := m.Get(f).List()
		for k := range l.Len() {
			r.visit(l.Get(k).Message(), inside)
		}
	}
}

func (r *recursion) reference(v *pg.RangeVar, inside string) {
	if v.Schemaname != "" || v.Relname != r.name {
		return
	}
	switch {
	case inside != "":
		r.fail(int(v.Location), pgerr.InvalidRecursion, `recursive reference to query "%s" must not appear within %s`, r.name, inside)
	case r.seen:
		r.fail(int(v.Location), pgerr.InvalidRecursion, `recursive reference to query "%s" must not appear more than once`, r.name)
	}
	r.seen = true
}

// checkRecursiveAggregates refuses aggregates in a query that reads the item that
// it is part of.
func (p *pstate) checkRecursiveAggregates(q *node.Query) {
	self := slices.ContainsFunc(p.rtable, func(t *node.RangeTblEntry) bool { return t.Rtekind == node.RTECTE && t.SelfReference })
	if !self {
		return
	}
	at := -1
	find := func(n node.Node) {
		node.WalkLevels(n, func(n node.Node, level int) bool {
			if g, ok := n.(*node.Aggref); ok && at < 0 && g.Agglevelsup == level {
				at = int(g.Location)
			}
			return at < 0
		})
	}
	for _, te := range q.TargetList {
		find(te.Expr)
	}
	if q.HavingQual != nil {
		find(q.HavingQual)
	}
	p.fail(at, pgerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term")
}
