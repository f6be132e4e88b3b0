package analyze

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// sameNodes compares raw trees, locations aside.
func sameNodes(a, b []*pg.Node) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameRaw(a[i], b[i]) {
			return false
		}
	}
	return true
}

func sameRaw(a, b *pg.Node) bool {
	x, y := proto.Clone(a), proto.Clone(b)
	clearLocations(x.ProtoReflect())
	clearLocations(y.ProtoReflect())
	return proto.Equal(x, y)
}

func clearLocations(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Name() == "location":
			m.Clear(f)
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				clearLocations(v.List().Get(i).Message())
			}
		case f.Message() != nil && !f.IsMap():
			clearLocations(v.Message())
		}
		return true
	})
}

// unifyHypothetical brings each direct argument and the ordering column that it
// stands for to one type.
func (p *pstate) unifyHypothetical(args []node.Node, order int, name string, in []oid.OID, loc int) {
	direct := len(args) - order
	if direct != order {
		p.throw(p.err(loc, pgerr.UndefinedFunction, "function %s does not exist", p.funcText(name, in, nil)).
			WithHint("To use the hypothetical-set aggregate %s, the number of hypothetical direct arguments (here %d) must match the number of ordering columns (here %d).",
				name, direct, order))
	}
	for i := range order {
		a, b := &args[direct+i], &args[i]
		t := p.commonType([]node.Node{*a, *b}, "WITHIN GROUP")
		*a, *b = p.toCommon(*a, t, "WITHIN GROUP"), p.toCommon(*b, t, "WITHIN GROUP")
	}
}

// aggArgs fills in an aggregate's arguments, ORDER BY and DISTINCT, and finds the
// level that it belongs to.
func (p *pstate) aggArgs(g *node.Aggref, fc *pg.FuncCall, f *Function, args []node.Node) {
	for _, a := range args {
		g.Aggargtypes = append(g.Aggargtypes, node.ExprType(a))
	}
	save := p.nextResno
	p.nextResno = 1
	var tl []*node.TargetEntry
	if fc.AggWithinGroup {
		n := len(args) - len(fc.AggOrder)
		g.Aggdirectargs = args[:n:n]
		if n == 0 {
			g.Aggdirectargs = nil
		}
		for i, a := range args[n:] {
			te := p.entry(a, "")
			tl = append(tl, te)
			g.Aggorder = p.addSort(te, g.Aggorder, tl, fc.AggOrder[i].GetSortBy())
		}
	} else {
		for _, a := range args {
			tl = append(tl, p.entry(a, ""))
		}
		g.Aggorder = p.sortClause(fc.AggOrder, &tl, kindOrderBy, true)
		if fc.AggDistinct {
			g.Aggdistinct = p.aggDistinct(tl, g.Aggorder)
		}
	}
	p.nextResno = save
	g.Args = tl
	p.placeAggregate(g, int(g.Location), "aggregate functions")
}

func (p *pstate) aggDistinct(tl []*node.TargetEntry, order []*node.SortGroupClause) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, s := range order {
		te := byRef(s.TleSortGroupRef, tl)
		if te.Resjunk {
			p.fail(node.ExprLocation(te.Expr), pgerr.InvalidColumnReference, "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list")
		}
		c := *s
		out = append(out, &c)
	}
	for _, te := range tl {
		if te.Resjunk || inClause(te, out) != nil {
			continue
		}
		s := p.groupEntry(te, tl, order, node.ExprLocation(te.Expr))
		if s.Sortop == 0 {
			p.throw(p.err(node.ExprLocation(te.Expr), pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", p.typeName(node.ExprType(te.Expr))).
				WithDetail("Aggregates with DISTINCT must be able to sort their inputs."))
		}
		out = append(out, s)
	}
	return out
}

func (p *pstate) groupingFunc(x *pg.GroupingFunc) node.Node {
	if len(x.Args) > 31 {
		p.fail(int(x.Location), pgerr.TooManyArguments, "GROUPING must have fewer than 32 arguments")
	}
	g := &node.GroupingFunc{Args: p.recList(x.Args), Location: loc(x.Location)}
	p.placeAggregate(g, int(x.Location), "grouping operations")
	return g
}

// placeAggregate decides the level of an aggregate: that of the innermost
// column in it; and refuses it where none may stand.
func (p *pstate) placeAggregate(g node.Node, at int, what string) {
	level := -1
	nested, inner := -1, -1
	node.WalkLevels(g, func(n node.Node, sub int) bool {
		if n == g {
			return true
		}
		up := -1
		switch x := n.(type) {
		case *node.Var:
			up = x.Varlevelsup - sub
		case *node.Aggref:
			up = x.Agglevelsup - sub
			if up >= 0 && (nested < 0 || up < nested) {
				nested, inner = up, int(x.Location)
			}
			return false
		case *node.GroupingFunc:
			up = x.Agglevelsup - sub
		}
		if up >= 0 && (level < 0 || up < level) {
			level = up
		}
		return true
	})
	if level < 0 {
		level = 0
		if nested >= 0 {
			level = nested
		}
	}
	if nested == level && what == "aggregate functions" {
		p.fail(inner, pgerr.GroupingError, "aggregate function calls cannot be nested")
	}
	switch x := g.(type) {
	case *node.Aggref:
		x.Agglevelsup = level
		for _, te := range x.Args {
			if p.returnsSet(te.Expr) {
				p.throw(p.err(node.ExprLocation(te.Expr), pgerr.FeatureNotSupported, "aggregate function calls cannot contain set-returning function calls").
					WithHint("You might be able to move the set-returning function into a LATERAL FROM item."))
			}
			win := at
			if has(te.Expr, func(n node.Node) bool {
				w, ok := n.(*node.WindowFunc)
				if ok {
					win = int(w.Location)
				}
				return ok
			}) {
				p.fail(win, pgerr.GroupingError, "aggregate function calls cannot contain window function calls")
			}
		}
	case *node.GroupingFunc:
		x.Agglevelsup = level
	}
	q := p.levelsUp(level)
	q.hasAggs = true
	bad := ""
	switch q.kind {
	case kindNone, kindOther, kindHaving, kindWindowPartition, kindWindowOrder, kindSelectTarget, kindOrderBy, kindDistinctOn:
		return
	case kindJoinOn:
		bad = "JOIN conditions"
	case kindFromSubselect:
		p.fail(at, pgerr.GroupingError, "%s are not allowed in FROM clause of their own query level", what)
	case kindFromFunction:
		bad = "functions in FROM"
	case kindWindowFrame:
		bad = "window frame"
	default:
		bad = q.kind.construct()
	}
	p.fail(at, pgerr.GroupingError, "%s are not allowed in %s", what, bad)
}

// checkGrouping refuses ungrouped columns in a grouped query.
func (p *pstate) checkGrouping(q *node.Query) {
	hasRTEJoin := false
	for _, r := range p.rtable {
		hasRTEJoin = hasRTEJoin || r.Rtekind == node.RTEJoin
	}
	if p.hasAggs {
		p.checkRecursiveAggregates(q)
	}
	flat := func(n node.Node) node.Node {
		if hasRTEJoin {
			return p.flattenJoins(n)
		}
		return n
	}
	c := &groupCheck{p: p, q: q}
	for _, s := range q.GroupClause {
		c.group = append(c.group, flat(byRef(s.TleSortGroupRef, q.TargetList).Expr))
	}
	for _, te := range q.TargetList {
		c.check(flat(te.Expr), 0)
	}
	c.check(flat(q.HavingQual), 0)
}

// flattenJoins replaces join columns by what they stand for.
func (p *pstate) flattenJoins(n node.Node) node.Node {
	return node.MutateLevels(n, func(k node.Node, level int) (node.Node, bool) {
		v, ok := k.(*node.Var)
		if !ok || v.Varlevelsup != level || v.Varno < 1 || v.Varno > len(p.rtable) {
			return nil, false
		}
		r := p.rtable[v.Varno-1]
		if r.Rtekind != node.RTEJoin || v.Varattno < 1 {
			return v, true
		}
		e := p.flattenJoins(r.Joinaliasvars[v.Varattno-1])
		if level > 0 {
			e = node.IncrementSublevelsUp(e, level, 0)
		}
		if w, ok := e.(*node.Var); ok {
			c := *w
			c.Location = v.Location
			return &c, true
		}
		return e, true
	})
}

type groupCheck struct {
	p      *pstate
	q      *node.Query
	group  []node.Node
	direct bool         // within direct arguments of an ordered-set aggregate
	deps   map[int]bool // range table entries whose primary key is grouped by
}

func (c *groupCheck) check(n node.Node, level int) {
	if n == nil {
		return
	}
	switch x := n.(type) {
	case *node.Const, *node.Param:
		return
	case *node.Aggref:
		if x.Agglevelsup == level {
			c.direct = true
			for _, d := range x.Aggdirectargs {
				c.check(d, level)
			}
			c.direct = false
			return
		}
		if x.Agglevelsup > level {
			return
		}
	case *node.GroupingFunc:
		if x.Agglevelsup == level {
			c.grouping(x)
			return
		}
	case *node.Query:
		level++
	}
	if level == 0 {
		for _, g := range c.group {
			if node.Equal(n, g) {
				return
			}
		}
	}
	if v, ok := n.(*node.Var); ok {
		if v.Varlevelsup == level {
			c.column(v, level)
		}
		return
	}
	n.Children(func(k node.Node) node.Node {
		c.check(k, level)
		return k
	})
}

func (c *groupCheck) grouping(g *node.GroupingFunc) {
	if len(g.Refs) > 0 {
		return
	}
	for _, a := range g.Args {
		ref := 0
		for i, e := range c.group {
			if node.Equal(c.p.flattenJoins(a), e) {
				ref = c.q.GroupClause[i].TleSortGroupRef
			}
		}
		if ref == 0 {
			c.p.fail(node.ExprLocation(a), pgerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level")
		}
		g.Refs = append(g.Refs, ref)
	}
}

func (c *groupCheck) column(v *node.Var, level int) {
	for _, g := range c.group {
		if w, ok := g.(*node.Var); ok && w.Varno == v.Varno && w.Varattno == v.Varattno && w.Varlevelsup == 0 {
			return
		}
	}
	r := c.p.rtable[v.Varno-1]
	if r.Rtekind == node.RTERelation && len(c.q.GroupingSets) == 0 && c.dependent(v.Varno, r) {
		return
	}
	name := "*"
	switch {
	case v.Varattno > 0 && v.Varattno <= len(r.Eref.Colnames):
		name = r.Eref.Colnames[v.Varattno-1]
	case v.Varattno < 0:
		name = systemColumns[-v.Varattno-1].name
	}
	if level == 0 {
		e := c.p.err(int(v.Location), pgerr.GroupingError, `column "%s.%s" must appear in the GROUP BY clause or be used in an aggregate function`, r.Eref.Aliasname, name)
		if c.direct {
			e.Detail = "Direct arguments of an ordered-set aggregate must use only grouped columns."
		}
		c.p.throw(e)
	}
	c.p.fail(int(v.Location), pgerr.GroupingError, `subquery uses ungrouped column "%s.%s" from outer query`, r.Eref.Aliasname, name)
}

// dependent tells whether the primary key of a table is among the grouping
// columns; the constraint then becomes a dependency of the query.
func (c *groupCheck) dependent(varno int, r *node.RangeTblEntry) bool {
	if c.deps[varno] {
		return true
	}
	for _, ix := range must(c.p.cat.UniqueIndexes(r.Relid)) {
		if !ix.Primary || ix.Deferrable {
			continue
		}
		for _, at := range ix.Attnums {
			found := false
			for _, g := range c.group {
				w, ok := g.(*node.Var)
				found = found || ok && w.Varno == varno && w.Varlevelsup == 0 && w.Varattno == at
			}
			if !found {
				return false
			}
		}
		if c.deps == nil {
			c.deps = map[int]bool{}
		}
		c.deps[varno] = true
		seen := false
		for _, d := range c.q.ConstraintDeps {
			seen = seen || d == ix.Constraint
		}
		if !seen {
			c.q.ConstraintDeps = append(c.q.ConstraintDeps, ix.Constraint)
		}
		return true
	}
	return false
}
