package analyze

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// targetList transforms a select list or RETURNING; * is expanded.
func (p *pstate) targetList(l []*pg.Node, k exprKind) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, n := range l {
		rt := n.GetResTarget()
		if cr := rt.Val.GetColumnRef(); cr != nil && cr.Fields[len(cr.Fields)-1].GetAStar() != nil {
			out = append(out, p.starEntries(cr)...)
			continue
		}
		if ai := rt.Val.GetAIndirection(); ai != nil && ai.Indirection[len(ai.Indirection)-1].GetAStar() != nil {
			out = append(out, p.rowEntries(ai, k)...)
			continue
		}
		e := p.expr(rt.Val, k)
		name := rt.Name
		if name == "" {
			name = p.figureName(rt.Val)
		}
		out = append(out, p.entry(e, name))
	}
	return out
}

func (p *pstate) entry(e node.Node, name string) *node.TargetEntry {
	te := &node.TargetEntry{Expr: e, Resno: p.nextResno, Resname: name}
	p.nextResno++
	return te
}

// resolve gives untyped literals the type text.
func (p *pstate) resolveTargets(l []*node.TargetEntry) {
	for _, te := range l {
		if node.ExprType(te.Expr) == oid.Unknown {
			te.Expr = p.coerce(te.Expr, oid.Unknown, oid.Text, -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
		}
	}
}

// markOrigins notes which table column a target comes from.
func (p *pstate) markOrigins(l []*node.TargetEntry) {
	for _, te := range l {
		if v, ok := te.Expr.(*node.Var); ok {
			te.Resorigtbl, te.Resorigcol = p.origin(v, 0)
		}
	}
}

func (p *pstate) origin(v *node.Var, depth int) (oid.OID, int) {
	q := p.levelsUp(v.Varlevelsup)
	if v.Varno < 1 || v.Varno > len(q.rtable) || v.Varattno == 0 {
		if v.Varattno != 0 || v.Varno < 1 || v.Varno > len(q.rtable) {
			return 0, 0
		}
	}
	r := q.rtable[v.Varno-1]
	switch r.Rtekind {
	case node.RTERelation:
		return r.Relid, v.Varattno
	case node.RTESubquery:
		if v.Varattno > 0 {
			for _, te := range r.Subquery.TargetList {
				if te.Resno == v.Varattno {
					return te.Resorigtbl, te.Resorigcol
				}
			}
		}
	case node.RTECTE:
		if r.SelfReference || v.Varattno <= 0 {
			return 0, 0
		}
		if c := q.cteOf(r); c != nil {
			if cq, ok := c.Ctequery.(*node.Query); ok {
				l := cq.TargetList
				if cq.CommandType != node.CmdSelect {
					l = cq.ReturningList
				}
				if v.Varattno <= len(l) {
					return l[v.Varattno-1].Resorigtbl, l[v.Varattno-1].Resorigcol
				}
			}
		}
	case node.RTEJoin:
		if v.Varattno > 0 && v.Varattno <= len(r.Joinaliasvars) {
			if jv, ok := r.Joinaliasvars[v.Varattno-1].(*node.Var); ok {
				return q.origin(jv, depth+1)
			}
		}
	}
	return 0, 0
}

func (p *pstate) starEntries(cr *pg.ColumnRef) []*node.TargetEntry {
	at := int(cr.Location)
	var out []*node.TargetEntry
	if len(cr.Fields) == 1 {
		seen := false
		for _, it := range p.namespace {
			if !it.colVisible {
				continue
			}
			seen = true
			out = append(out, p.expandItem(p, it, 0, at)...)
		}
		if !seen {
			p.fail(at, pgerr.SyntaxError, "SELECT * with no tables specified is not valid")
		}
		return out
	}
	names := strs(cr.Fields[:len(cr.Fields)-1])
	schema := ""
	if len(names) > 1 {
		schema = names[len(names)-2]
	}
	it, q, up := p.item(schema, names[len(names)-1], at)
	if it == nil {
		p.noTable(schema, names[len(names)-1], at)
	}
	return p.expandItem(q, it, up, at)
}

func (p *pstate) expandItem(q *pstate, it *nsItem, up, at int) []*node.TargetEntry {
	var out []*node.TargetEntry
	if it.rte.Rtekind == node.RTERelation {
		it.rte.RequiredPerms |= node.AclSelect
	}
	for i, c := range it.cols {
		if c.dropped || c.noStar || i >= len(it.names.Colnames) {
			continue
		}
		v := plainVar(c)
		v.Varlevelsup, v.Location = up, node.Location(at)
		q.markRead(c.varno, c.attno)
		out = append(out, p.entry(v, it.names.Colnames[i]))
	}
	return out
}

// rowEntries expands (composite).*.
func (p *pstate) rowEntries(ai *pg.A_Indirection, k exprKind) []*node.TargetEntry {
	old := p.kind
	p.kind = k
	e := p.applyIndirection(p.exprRec(ai.Arg), ai.Indirection[:len(ai.Indirection)-1], nil)
	p.kind = old
	return p.expandRow(e, node.ExprLocation(e))
}

// expandList transforms a list of expressions in which t.* may stand.
func (p *pstate) expandList(l []*pg.Node, k exprKind) []node.Node {
	var out []node.Node
	for _, n := range l {
		if cr := n.GetColumnRef(); cr != nil && cr.Fields[len(cr.Fields)-1].GetAStar() != nil {
			save := p.nextResno
			for _, te := range p.starEntries(cr) {
				out = append(out, te.Expr)
			}
			p.nextResno = save
			continue
		}
		out = append(out, p.expr(n, k))
	}
	return out
}

// figureName is the column name of an unnamed target.
func (p *pstate) figureName(n *pg.Node) string {
	if s, _ := figure(n); s != "" {
		return s
	}
	return "?column?"
}

// figure yields a name and its strength: 2 is certain, 1 a type name's guess.
func figure(n *pg.Node) (string, int) {
	last := func(l []*pg.Node) string {
		for i := len(l) - 1; i >= 0; i-- {
			if s := l[i].GetString_(); s != nil {
				return s.Sval
			}
		}
		return ""
	}
	switch x := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		if s := last(x.ColumnRef.Fields); s != "" {
			return s, 2
		}
	case *pg.Node_AIndirection:
		if s := last(x.AIndirection.Indirection); s != "" {
			return s, 2
		}
		return figure(x.AIndirection.Arg)
	case *pg.Node_FuncCall:
		return last(x.FuncCall.Funcname), 2
	case *pg.Node_AExpr:
		if x.AExpr.Kind == pg.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
	case *pg.Node_TypeCast:
		if s, k := figure(x.TypeCast.Arg); k > 1 {
			return s, k
		}
		return last(x.TypeCast.TypeName.Names), 1
	case *pg.Node_CollateClause:
		return figure(x.CollateClause.Arg)
	case *pg.Node_GroupingFunc:
		return "grouping", 2
	case *pg.Node_SubLink:
		switch x.SubLink.SubLinkType {
		case pg.SubLinkType_EXISTS_SUBLINK:
			return "exists", 2
		case pg.SubLinkType_ARRAY_SUBLINK:
			return "array", 2
		case pg.SubLinkType_EXPR_SUBLINK:
			s := x.SubLink.Subselect.GetSelectStmt()
			for s != nil && s.Larg != nil {
				s = s.Larg
			}
			if s != nil && len(s.ValuesLists) > 0 {
				return "column1", 2
			}
			if s == nil || len(s.TargetList) == 0 {
				return "", 0
			}
			rt := s.TargetList[0].GetResTarget()
			if rt.Name != "" {
				return rt.Name, 2
			}
			return figure(rt.Val)
		}
	case *pg.Node_CaseExpr:
		if s, k := figure(x.CaseExpr.Defresult); k > 1 {
			return s, k
		}
		return "case", 1
	case *pg.Node_AArrayExpr:
		return "array", 2
	case *pg.Node_RowExpr:
		return "row", 2
	case *pg.Node_CoalesceExpr:
		return "coalesce", 2
	case *pg.Node_MinMaxExpr:
		if x.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			return "least", 2
		}
		return "greatest", 2
	case *pg.Node_SqlvalueFunction:
		names := [...]string{"current_date", "current_time", "current_time", "current_timestamp", "current_timestamp", "localtime",
			"localtime", "localtimestamp", "localtimestamp", "current_role", "current_user", "user", "session_user", "current_catalog", "current_schema"}
		if i := int(x.SqlvalueFunction.Op) - 1; i >= 0 && i < len(names) {
			return names[i], 2
		}
	}
	return "", 0
}
