package analyze

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// targetSQL92 finds a target by output name or position, else as SQL99 does.
func (p *pstate) targetSQL92(n *pg.Node, tl *[]*node.TargetEntry, k exprKind) *node.TargetEntry {
	if c := n.GetColumnRef(); c != nil && len(c.Fields) == 1 && c.Fields[0].GetString_() != nil {
		name, at := str(c.Fields[0]), int(c.Location)
		if k == kindGroupBy && p.column(name, at) != nil {
			name = ""
		}
		if name != "" {
			var found *node.TargetEntry
			for _, te := range *tl {
				if te.Resjunk || te.Resname != name {
					continue
				}
				if found != nil && !node.Equal(found.Expr, te.Expr) {
					p.fail(at, pgerr.AmbiguousColumn, `%s "%s" is ambiguous`, k.construct(), name)
				}
				if found == nil {
					found = te
				}
			}
			if found != nil {
				return found
			}
		}
	}
	if c := n.GetAConst(); c != nil {
		v, ok := c.Val.(*pg.A_Const_Ival)
		if !ok {
			p.fail(int(c.Location), pgerr.SyntaxError, "non-integer constant in %s", k.construct())
		}
		for _, te := range *tl {
			if !te.Resjunk && te.Resno == int(v.Ival.Ival) {
				return te
			}
		}
		p.fail(int(c.Location), pgerr.InvalidColumnReference, "%s position %d is not in select list", k.construct(), v.Ival.Ival)
	}
	return p.targetSQL99(n, tl, k)
}

func (p *pstate) targetSQL99(n *pg.Node, tl *[]*node.TargetEntry, k exprKind) *node.TargetEntry {
	e := p.expr(n, k)
	for _, te := range *tl {
		if node.Equal(stripImplicit(te.Expr), e) {
			return te
		}
	}
	te := p.entry(e, "")
	te.Resjunk = true
	*tl = append(*tl, te)
	return te
}

func stripImplicit(e node.Node) node.Node {
	switch x := e.(type) {
	case *node.FuncExpr:
		if x.Funcformat == node.CoerceImplicitCast {
			return stripImplicit(x.Args[0])
		}
	case *node.RelabelType:
		if x.Relabelformat == node.CoerceImplicitCast {
			return stripImplicit(x.Arg)
		}
	case *node.CoerceViaIO:
		if x.Coerceformat == node.CoerceImplicitCast {
			return stripImplicit(x.Arg)
		}
	case *node.CoerceToDomain:
		if x.Coercionformat == node.CoerceImplicitCast {
			return stripImplicit(x.Arg)
		}
	}
	return e
}

// sortRef is te's reference number, assigned when first needed.
func sortRef(te *node.TargetEntry, tl []*node.TargetEntry) int {
	if te.Ressortgroupref == 0 {
		most := 0
		for _, o := range tl {
			most = max(most, o.Ressortgroupref)
		}
		te.Ressortgroupref = most + 1
	}
	return te.Ressortgroupref
}

func inClause(te *node.TargetEntry, l []*node.SortGroupClause) *node.SortGroupClause {
	if te.Ressortgroupref == 0 {
		return nil
	}
	for _, s := range l {
		if s.TleSortGroupRef == te.Ressortgroupref {
			return s
		}
	}
	return nil
}

// sortClause transforms ORDER BY; sql99 forbids names and positions.
func (p *pstate) sortClause(l []*pg.Node, tl *[]*node.TargetEntry, k exprKind, sql99 bool) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, n := range l {
		sb := n.GetSortBy()
		var te *node.TargetEntry
		if sql99 {
			te = p.targetSQL99(sb.Node, tl, k)
		} else {
			te = p.targetSQL92(sb.Node, tl, k)
		}
		out = p.addSort(te, out, *tl, sb)
	}
	return out
}

func (p *pstate) addSort(te *node.TargetEntry, l []*node.SortGroupClause, tl []*node.TargetEntry, sb *pg.SortBy) []*node.SortGroupClause {
	t := p.textIfUnknown(te)
	at := int(sb.Location)
	if at < 0 {
		at = node.ExprLocation(te.Expr)
	}
	s := &node.SortGroupClause{}
	reverse := false
	switch sb.SortbyDir {
	case pg.SortByDir_SORTBY_DESC:
		o := p.groupOperators(t, false, true, true, at)
		s.Eqop, s.Sortop, s.Hashable, reverse = o.eq, o.gt, o.hashable, true
	case pg.SortByDir_SORTBY_USING:
		o := p.operator(sb.UseOp, t, t, false, at)
		for _, m := range must(p.cat.OperatorFamilies(o.OID)) {
			if m.AM == oid.BtreeAM && (m.Strategy == 1 || m.Strategy == 5) {
				s.Eqop, reverse = must(p.cat.FamilyOperator(m.Family, m.Left, m.Right, 3)), m.Strategy == 5
				break
			}
		}
		if s.Eqop == 0 {
			p.throw(p.err(at, pgerr.WrongObjectType, "operator %s is not a valid ordering operator", opText(sb.UseOp)).
				WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families."))
		}
		s.Sortop, s.Hashable = o.OID, p.sortOperators(t).hashable
	default:
		o := p.groupOperators(t, true, true, false, at)
		s.Eqop, s.Sortop, s.Hashable = o.eq, o.lt, o.hashable
	}
	for _, old := range l {
		if te.Ressortgroupref != 0 && old.TleSortGroupRef == te.Ressortgroupref {
			return l
		}
	}
	s.TleSortGroupRef = sortRef(te, tl)
	switch sb.SortbyNulls {
	case pg.SortByNulls_SORTBY_NULLS_FIRST:
		s.NullsFirst = true
	case pg.SortByNulls_SORTBY_NULLS_LAST:
	default:
		s.NullsFirst = reverse
	}
	return append(l, s)
}

func (p *pstate) textIfUnknown(te *node.TargetEntry) oid.OID {
	t := node.ExprType(te.Expr)
	if t == oid.Unknown {
		te.Expr = p.coerce(te.Expr, t, oid.Text, -1, node.CoercionImplicit, node.CoerceImplicitCast, -1)
		t = oid.Text
	}
	return t
}

// groupEntry makes the clause of a grouping column, like the sort order if it is
// sorted by too.
func (p *pstate) groupEntry(te *node.TargetEntry, tl []*node.TargetEntry, sort []*node.SortGroupClause, at int) *node.SortGroupClause {
	t := p.textIfUnknown(te)
	if s := inClause(te, sort); s != nil {
		c := *s
		return &c
	}
	o := p.groupOperators(t, false, true, false, at)
	return &node.SortGroupClause{TleSortGroupRef: sortRef(te, tl), Eqop: o.eq, Sortop: o.lt, Hashable: o.hashable}
}

func (p *pstate) groupClause(l []*pg.Node, q *node.Query, tl *[]*node.TargetEntry, sort []*node.SortGroupClause, k exprKind, sql99 bool) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	one := func(n *pg.Node) int {
		var te *node.TargetEntry
		if sql99 {
			te = p.targetSQL99(n, tl, k)
		} else {
			te = p.targetSQL92(n, tl, k)
		}
		if inClause(te, out) == nil {
			out = append(out, p.groupEntry(te, *tl, sort, node.ExprLocation(te.Expr)))
		}
		return te.Ressortgroupref
	}
	for _, n := range l {
		if gs := n.GetGroupingSet(); gs != nil {
			q.GroupingSets = append(q.GroupingSets, p.groupingSet(gs, one))
			continue
		}
		if r := n.GetRowExpr(); r != nil && r.RowFormat == pg.CoercionForm_COERCE_IMPLICIT_CAST {
			for _, m := range r.Args {
				one(m)
			}
			continue
		}
		ref := one(n)
		if hasSets(l) {
			q.GroupingSets = append(q.GroupingSets, &node.GroupingSet{Kind: node.GroupingSetSimple, Content: node.IntList{ref}, Location: node.Location(-1)})
		}
	}
	return out
}

func hasSets(l []*pg.Node) bool {
	return slices.ContainsFunc(l, func(n *pg.Node) bool { return n.GetGroupingSet() != nil })
}

func (p *pstate) groupingSet(g *pg.GroupingSet, one func(*pg.Node) int) *node.GroupingSet {
	r := &node.GroupingSet{Kind: node.GroupingSetKind(g.Kind - 1), Location: loc(g.Location)}
	if r.Kind == node.GroupingSetEmpty {
		return r
	}
	var content node.List
	for _, n := range g.Content {
		if sub := n.GetGroupingSet(); sub != nil {
			s := p.groupingSet(sub, one)
			if r.Kind == node.GroupingSetSets && s.Kind == node.GroupingSetSets {
				content = append(content, s.Content.(node.List)...)
				continue
			}
			content = append(content, s)
			continue
		}
		refs := node.IntList{}
		at := int32(-1)
		if row := n.GetRowExpr(); row != nil {
			at = row.Location
			for _, m := range row.Args {
				refs = append(refs, one(m))
			}
		} else {
			refs = append(refs, one(n))
		}
		content = append(content, &node.GroupingSet{Kind: node.GroupingSetSimple, Content: refs, Location: loc(at)})
	}
	r.Content = content
	return r
}

// distinct transforms SELECT DISTINCT: the sort columns first, then the rest.
func (p *pstate) distinctClause(tl []*node.TargetEntry, sort []*node.SortGroupClause) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, s := range sort {
		te := byRef(s.TleSortGroupRef, tl)
		if te.Resjunk {
			p.fail(node.ExprLocation(te.Expr), pgerr.InvalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list")
		}
		c := *s
		out = append(out, &c)
	}
	for _, te := range tl {
		if !te.Resjunk && inClause(te, out) == nil {
			out = append(out, p.groupEntry(te, tl, sort, node.ExprLocation(te.Expr)))
		}
	}
	if len(out) == 0 {
		p.fail(-1, pgerr.SyntaxError, "SELECT DISTINCT must have at least one column")
	}
	return out
}

func byRef(ref int, tl []*node.TargetEntry) *node.TargetEntry {
	for _, te := range tl {
		if te.Ressortgroupref == ref {
			return te
		}
	}
	panic("analyze: a sort clause refers to no target")
}

func (p *pstate) distinctOn(l []*pg.Node, tl *[]*node.TargetEntry, sort []*node.SortGroupClause) []*node.SortGroupClause {
	var refs []int
	ats := map[int]int{}
	for _, n := range l {
		te := p.targetSQL92(n, tl, kindDistinctOn)
		p.textIfUnknown(te)
		r := sortRef(te, *tl)
		refs = append(refs, r)
		ats[r] = node.ExprLocation(te.Expr)
	}
	var out []*node.SortGroupClause
	skipped := false
	for _, s := range sort {
		if !slices.Contains(refs, s.TleSortGroupRef) {
			skipped = true
			continue
		}
		if skipped {
			p.fail(ats[s.TleSortGroupRef], pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		}
		c := *s
		out = append(out, &c)
	}
	for _, r := range refs {
		te := byRef(r, *tl)
		if inClause(te, out) != nil {
			continue
		}
		if skipped {
			p.fail(ats[r], pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		}
		out = append(out, p.groupEntry(te, *tl, sort, ats[r]))
	}
	return out
}

// limit transforms LIMIT or OFFSET.
func (p *pstate) limit(n *pg.Node, k exprKind, ties bool) node.Node {
	if n == nil {
		return nil
	}
	if c := n.GetAConst(); k == kindLimit && c != nil && c.Isnull && ties {
		p.fail(-1, pgerr.InvalidRowCountInLimitClause, "row count cannot be null in FETCH FIRST ... WITH TIES clause")
	}
	e := p.coerceSpecific(p.expr(n, k), oid.Int8, -1, k.construct())
	if hasVar(e) {
		p.fail(firstVar(e), pgerr.InvalidColumnReference, "argument of %s must not contain variables", k.construct())
	}
	return e
}

func firstVar(e node.Node) int {
	at := -1
	node.Walk(e, func(n node.Node) bool {
		if v, ok := n.(*node.Var); ok && at < 0 {
			at = int(v.Location)
		}
		return at < 0
	})
	return at
}

// windows transforms the WINDOW clause and inline windows.
func (p *pstate) windowClauses(tl *[]*node.TargetEntry) []*node.WindowClause {
	var out []*node.WindowClause
	for i, d := range p.windows {
		find := func(name string) *node.WindowClause {
			for _, w := range out {
				if w.Name != "" && w.Name == name {
					return w
				}
			}
			return nil
		}
		if d.Name != "" && find(d.Name) != nil {
			p.fail(int(d.Location), pgerr.WindowingError, `window "%s" is already defined`, d.Name)
		}
		w := &node.WindowClause{Name: d.Name, Refname: d.Refname, FrameOptions: int(d.FrameOptions), Winref: i + 1}
		var ref *node.WindowClause
		if d.Refname != "" {
			if ref = find(d.Refname); ref == nil {
				p.fail(int(d.Location), pgerr.UndefinedObject, `window "%s" does not exist`, d.Refname)
			}
		}
		order := p.sortClause(d.OrderClause, tl, kindWindowOrder, true)
		w.PartitionClause = p.groupClause(d.PartitionClause, nil, tl, order, kindWindowPartition, true)
		w.OrderClause = order
		if ref != nil {
			if len(d.PartitionClause) > 0 {
				p.fail(int(d.Location), pgerr.WindowingError, `cannot override PARTITION BY clause of window "%s"`, d.Refname)
			}
			if len(d.OrderClause) > 0 && len(ref.OrderClause) > 0 {
				p.fail(int(d.Location), pgerr.WindowingError, `cannot override ORDER BY clause of window "%s"`, d.Refname)
			}
			if ref.FrameOptions != node.FrameDefaults && (len(d.OrderClause) > 0 || w.FrameOptions != node.FrameDefaults || d.Name != "") {
				p.fail(int(d.Location), pgerr.WindowingError, `cannot copy window "%s" because it has a frame clause`, d.Refname)
			}
			w.PartitionClause = ref.PartitionClause
			if len(order) == 0 {
				w.OrderClause, w.CopiedOrder = ref.OrderClause, true
			}
		}
		p.frame(w, d, *tl)
		out = append(out, w)
	}
	return out
}

func (p *pstate) frame(w *node.WindowClause, d *pg.WindowDef, tl []*node.TargetEntry) {
	inRange := w.FrameOptions&node.FrameRange != 0 && (d.StartOffset != nil || d.EndOffset != nil)
	var r rangeFrame
	if inRange {
		r = p.rangeColumn(w, d, tl)
	}
	offset := func(n *pg.Node, fn *oid.OID) node.Node {
		if n == nil {
			return nil
		}
		e := p.expr(n, kindWindowFrame)
		what := "ROWS"
		if inRange {
			what = "RANGE"
			e, *fn = p.rangeOffset(r, e)
		} else {
			if w.FrameOptions&node.FrameGroups != 0 {
				what = "GROUPS"
				if len(w.OrderClause) == 0 {
					p.fail(int(d.Location), pgerr.WindowingError, "GROUPS mode requires an ORDER BY clause")
				}
			}
			e = p.coerceSpecific(e, oid.Int8, -1, what)
		}
		if hasVar(e) {
			p.fail(firstVar(e), pgerr.InvalidColumnReference, "argument of %s must not contain variables", what)
		}
		return e
	}
	w.StartOffset = offset(d.StartOffset, &w.StartInRangeFunc)
	w.EndOffset = offset(d.EndOffset, &w.EndInRangeFunc)
}

// windowCall builds a WindowFunc.
func (p *pstate) windowCall(fc *pg.FuncCall, f *Function, args []node.Node, ret oid.OID, filter node.Node, at int) node.Node {
	if fc.AggDistinct {
		p.fail(at, pgerr.FeatureNotSupported, "DISTINCT is not implemented for window functions")
	}
	if f.Kind == 'a' && f.AggKind != 'n' && f.AggKind != 0 {
		p.fail(at, pgerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", f.Name)
	}
	if f.Kind == 'a' && len(args) == 0 && !fc.AggStar {
		p.fail(at, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", f.Name)
	}
	if len(fc.AggOrder) > 0 {
		p.fail(at, pgerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions")
	}
	if f.Kind == 'w' && filter != nil {
		p.fail(at, pgerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions")
	}
	switch p.kind {
	case kindSelectTarget, kindOrderBy, kindDistinctOn:
	case kindWindowFrame, kindWindowOrder, kindWindowPartition:
		p.fail(at, pgerr.WindowingError, "window functions are not allowed in window definitions")
	case kindJoinOn:
		p.fail(at, pgerr.WindowingError, "window functions are not allowed in JOIN conditions")
	case kindFromFunction:
		p.fail(at, pgerr.WindowingError, "window functions are not allowed in functions in FROM")
	default:
		p.fail(at, pgerr.WindowingError, "window functions are not allowed in %s", p.kind.construct())
	}
	for _, a := range args {
		if has(a, func(n node.Node) bool { _, ok := n.(*node.WindowFunc); return ok }) {
			p.fail(at, pgerr.WindowingError, "window function calls cannot be nested")
		}
	}
	w := &node.WindowFunc{Winfnoid: f.OID, Wintype: ret, Args: args, Aggfilter: filter, Winstar: fc.AggStar, Winagg: f.Kind == 'a', Location: node.Location(at)}
	p.hasWindowFuncs = true
	d := fc.Over
	if d.Name != "" {
		for i, o := range p.windows {
			if o.Name == d.Name {
				w.Winref = i + 1
				return w
			}
		}
		p.fail(int(d.Location), pgerr.UndefinedObject, `window "%s" does not exist`, d.Name)
	}
	for i, o := range p.windows {
		if o.Name == "" && o.Refname == d.Refname && o.FrameOptions == d.FrameOptions && sameNodes(o.PartitionClause, d.PartitionClause) &&
			sameNodes(o.OrderClause, d.OrderClause) && o.StartOffset == nil && d.StartOffset == nil && o.EndOffset == nil && d.EndOffset == nil {
			w.Winref = i + 1
			return w
		}
	}
	p.windows = append(p.windows, d)
	w.Winref = len(p.windows)
	return w
}

// has looks for a node of e's own level.
func has(e node.Node, f func(node.Node) bool) bool {
	return node.Any(e, func(n node.Node) bool {
		return f(n)
	})
}
