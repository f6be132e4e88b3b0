package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// groupingPlanner plans everything above the joins.
func (r *root) groupingPlanner() (Plan, error) {
	q := r.q
	if err := r.expandTlist(); err != nil {
		return nil, err
	}
	g, err := r.deconstruct(q.Jointree, nil)
	if err != nil {
		return nil, err
	}
	r.collectNeeded(g)
	r.collectWanted(g)
	var final *rel
	if len(g.items) == 0 {
		final = r.noFrom(g)
	} else if final, err = r.planGroup(g); err != nil {
		return nil, err
	}
	if final == nil || final.cheapest(nil, 0) == nil {
		return nil, pgerr.NotYet("this combination of LATERAL references")
	}
	grouped := q.HasAggs || len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil
	p, have, err := r.choosePath(final, grouped)
	if err != nil {
		return nil, err
	}
	if grouped {
		if p, have, err = r.addGrouping(p, have); err != nil {
			return nil, err
		}
	}
	if len(q.WindowClause) > 0 && q.HasWindowFuncs {
		if p, have, err = r.addWindows(p, have); err != nil {
			return nil, err
		}
	}
	if p, err = r.addTarget(p); err != nil {
		return nil, err
	}
	return r.addTail(p, have)
}

// noFrom is a query without FROM: one row.
func (r *root) noFrom(g *group) *rel {
	b := &rel{rows: 1}
	b.add(&path{rows: 1, total: r.set.CPUTupleCost, make: func() (Plan, error) {
		s := &Result{}
		s.ResConstantQual = r.quals(g.quals)
		return s, nil
	}})
	return b
}

// collectNeeded lists the variables that nodes above the scans use.
func (r *root) collectNeeded(g *group) {
	r.needed = nil
	add := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			v, ok := n.(*node.Var)
			if ok && v.Varlevelsup == 0 && v.Varno > 0 && !slices.ContainsFunc(r.needed, func(o *node.Var) bool { return o.Varno == v.Varno && o.Varattno == v.Varattno }) {
				c := *v
				r.needed = append(r.needed, &c)
			}
			_, sub := n.(*node.Query)
			return !sub
		})
	}
	for _, te := range r.q.TargetList {
		add(te.Expr)
	}
	add(r.q.HavingQual)
	for _, m := range r.q.RowMarks {
		if r.rte(m.Rti).Rtekind == node.RTERelation {
			add(&node.Var{Varno: m.Rti, Varattno: -1, Vartype: oid.Tid, Vartypmod: -1, Varnosyn: m.Rti, Varattnosyn: -1, Location: -1})
		}
	}
	var walk func(g *group)
	walk = func(g *group) {
		for _, q := range g.quals {
			if q.need.count() > 1 || q.volatile {
				add(q.e)
			}
		}
		for _, it := range g.items {
			for _, q := range it.on {
				add(q.e)
			}
			for _, q := range it.above {
				add(q.e)
			}
			if it.left != nil {
				walk(it.left)
				walk(it.right)
				continue
			}
			r.lateralVars(r.rte(it.rti), add)
		}
	}
	walk(g)
}

// lateralVars calls add for the variables of this level that an entry's function
// or subquery refers to.
func (r *root) lateralVars(rte *node.RangeTblEntry, add func(node.Node)) {
	for _, f := range rte.Functions {
		add(f.Funcexpr)
	}
	for _, row := range rte.ValuesLists {
		for _, e := range row {
			add(e)
		}
	}
	if rte.Subquery == nil {
		return
	}
	node.WalkLevels(rte.Subquery, func(n node.Node, level int) bool {
		if v, ok := n.(*node.Var); ok && v.Varlevelsup == level+1 {
			c := *v
			c.Varlevelsup = 0
			add(&c)
		}
		return true
	})
}

// clauseKeys turns sort or group clauses into sort keys.
func (r *root) clauseKeys(list []*node.SortGroupClause, tlist []*node.TargetEntry) []sortKey {
	var out []sortKey
	for _, s := range list {
		e := refTarget(tlist, s.TleSortGroupRef)
		if e == nil || s.Sortop == oid.Invalid {
			return nil
		}
		fams, err := r.cat.Families(s.Sortop)
		if err != nil || len(fams) == 0 {
			return nil
		}
		k := sortKey{e: e, op: s.Sortop, family: fams[0].Family, collation: collationOf(e), desc: fams[0].Strategy == 5, nullsFirst: s.NullsFirst}
		if _, ok := isConst(e); ok {
			continue
		}
		if !slices.ContainsFunc(out, func(o sortKey) bool { return node.Equal(o.e, e) }) {
			out = append(out, k)
		}
	}
	return out
}

// refTarget is the expression that a sort or group clause names.
func refTarget(list []*node.TargetEntry, ref int) node.Node {
	for _, te := range list {
		if te.Ressortgroupref == ref {
			return te.Expr
		}
	}
	return nil
}

// collectWanted lists the orders that would save a sort.
func (r *root) collectWanted(g *group) {
	q := r.q
	r.wanted = nil
	for _, l := range [][]*node.SortGroupClause{q.SortClause, q.GroupClause, q.DistinctClause} {
		if k := r.clauseKeys(l, q.TargetList); len(k) > 0 {
			r.wanted = append(r.wanted, k)
		}
	}
	var walk func(g *group)
	walk = func(g *group) {
		quals := slices.Clone(g.quals)
		for _, it := range g.items {
			quals = append(quals, it.on...)
			if it.left != nil {
				walk(it.left)
				walk(it.right)
			}
		}
		for _, k := range quals {
			if len(k.families) == 0 || k.leftR == nil {
				continue
			}
			for _, e := range []node.Node{k.left, k.right} {
				r.wanted = append(r.wanted, []sortKey{{e: e, family: k.families[0].Family}})
			}
		}
	}
	walk(g)
}

// choosePath builds the best path of the joined relation for what comes above it.
func (r *root) choosePath(final *rel, grouped bool) (Plan, []sortKey, error) {
	q := r.q
	fraction := r.fraction
	limit := -1.0
	var want []sortKey
	switch {
	case grouped:
		fraction = 0
	case q.HasWindowFuncs:
		fraction = 0
	default:
		want = r.clauseKeys(q.SortClause, q.TargetList)
		if len(q.DistinctClause) > 0 {
			want = nil
		}
		if limit = r.limitRows(); limit > 0 && len(q.DistinctClause) == 0 && !q.HasTargetSRFs {
			if fraction = limit / math.Max(final.rows, 1); fraction > 1 {
				fraction = 0
			}
		}
	}
	best := final.cheapest(nil, fraction)
	if len(want) > 0 && !q.HasTargetSRFs {
		cost := func(p *path) float64 {
			if fraction > 0 && fraction < 1 {
				return p.startup + fraction*(p.total-p.startup)
			}
			return p.total
		}
		var bestSorted *path
		for _, p := range final.paths {
			if !p.needs.empty() {
				continue
			}
			s := r.sorted(p, want, limit)
			if bestSorted == nil || cost(s) < cost(bestSorted) {
				bestSorted, best = s, p
			}
		}
	}
	p, err := r.build(best)
	return p, best.keys, err
}

// limitRows is how many rows LIMIT and OFFSET let through, or -1.
func (r *root) limitRows() float64 {
	if r.q.LimitCount == nil {
		return -1
	}
	c, ok := r.cat.Estimate(r.q.LimitCount)
	if !ok {
		return 100
	}
	if c.Null {
		return -1
	}
	n := float64(c.Int)
	if r.q.LimitOffset != nil {
		if o, ok := r.cat.Estimate(r.q.LimitOffset); ok && !o.Null {
			n += float64(o.Int)
		}
	}
	return math.Max(n, 1)
}

// project makes p's target list list.
func project(p Plan, list []*node.TargetEntry) Plan {
	if !canProject(p) {
		o := outline(p)
		p = &Result{Node: *o}
	}
	p.Common().TargetList = list
	p.Common().Width = tlistWidth(list)
	return p
}

// inputTlist lists expressions for the input of a grouping or window node.
func inputTlist(exprs []node.Node) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, e := range exprs {
		if e != nil && findTarget(out, e) < 0 {
			out = append(out, &node.TargetEntry{Expr: e, Resno: len(out) + 1})
		}
	}
	return out
}

// addGrouping puts aggregation over p.
func (r *root) addGrouping(p Plan, have []sortKey) (Plan, []sortKey, error) {
	q := r.q
	var groupExprs []node.Node
	for _, c := range q.GroupClause {
		groupExprs = append(groupExprs, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	in := slices.Clone(groupExprs)
	vars := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			if slices.ContainsFunc(groupExprs, func(g node.Node) bool { return node.Equal(g, n) }) {
				return false
			}
			if v, ok := n.(*node.Var); ok && v.Varno > 0 {
				in = append(in, v)
			}
			return true
		})
	}
	for _, te := range q.TargetList {
		vars(te.Expr)
	}
	vars(q.HavingQual)
	list := inputTlist(in)
	rows := p.Common().Rows
	a := &Agg{}
	for i, c := range q.GroupClause {
		a.GrpColIdx = append(a.GrpColIdx, findTarget(list, groupExprs[i])+1)
		a.GrpOperators = append(a.GrpOperators, c.Eqop)
		a.GrpCollations = append(a.GrpCollations, collationOf(groupExprs[i]))
	}
	sets, err := r.groupingSets()
	if err != nil {
		return nil, nil, err
	}
	a.GroupingSets = sets
	a.NumGroups = 1
	if len(q.GroupClause) > 0 {
		a.NumGroups = r.groups(groupExprs, rows)
	}
	keys := r.clauseKeys(q.GroupClause, q.TargetList)
	sortable := len(keys) == len(q.GroupClause) && len(keys) > 0
	hashable := !slices.ContainsFunc(q.GroupClause, func(c *node.SortGroupClause) bool { return !c.Hashable }) && !r.set.NoHashAgg
	p = project(p, list)
	var order []sortKey
	switch {
	case len(q.GroupClause) == 0 && sets == nil:
		a.AggStrategy = AggPlain
	case sets != nil:
		a.AggStrategy = AggHashed
	case sortable && (ordered(have, keys) || !hashable):
		if !ordered(have, keys) {
			if p, err = r.makeSortOver(p, keys); err != nil {
				return nil, nil, err
			}
		}
		a.AggStrategy, order = AggSorted, keys
	default:
		a.AggStrategy = AggHashed
	}
	a.Left = p
	c := p.Common()
	a.Rows = a.NumGroups
	a.StartupCost = c.TotalCost + rows*r.set.CPUOperatorCost*float64(len(q.GroupClause)+1)
	a.TotalCost = a.StartupCost + a.NumGroups*r.set.CPUTupleCost
	if a.AggStrategy == AggSorted {
		a.StartupCost = c.StartupCost
	}
	a.Qual = andList(q.HavingQual)
	a.TargetList = r.groupedTlist()
	a.Width = tlistWidth(a.TargetList)
	r.setGroupingCols(a)
	return a, order, nil
}

// groupedTlist is what an Agg computes: the query's target list, or what its
// window functions and set-returning functions need.
func (r *root) groupedTlist() []*node.TargetEntry {
	q := r.q
	if !q.HasWindowFuncs && !q.HasTargetSRFs {
		return q.TargetList
	}
	var parts []node.Node
	for _, c := range append(slices.Clone(q.GroupClause), windowClauses(q)...) {
		if e := refTarget(q.TargetList, c.TleSortGroupRef); e != nil && !hasWindow(e) && !hasSet(e) {
			parts = append(parts, e)
		}
	}
	for _, te := range q.TargetList {
		parts = append(parts, r.pieces(te.Expr, parts)...)
	}
	return inputTlist(parts)
}

func windowClauses(q *node.Query) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, w := range q.WindowClause {
		out = append(out, w.PartitionClause...)
		out = append(out, w.OrderClause...)
	}
	return out
}

// pieces are the aggregates and variables that e is computed from; known is what
// is there already.
func (r *root) pieces(e node.Node, known []node.Node) []node.Node {
	var out []node.Node
	node.Walk(e, func(n node.Node) bool {
		if slices.ContainsFunc(known, func(k node.Node) bool { return node.Equal(k, n) }) {
			return false
		}
		switch x := n.(type) {
		case *node.Aggref, *node.GroupingFunc:
			out = append(out, n)
			return false
		case *node.Var:
			if x.Varno > 0 {
				out = append(out, x)
			}
		}
		return true
	})
	return out
}

func hasWindow(e node.Node) bool {
	return node.Any(e, func(n node.Node) bool { _, ok := n.(*node.WindowFunc); return ok })
}

func hasSet(e node.Node) bool {
	return node.Any(e, func(n node.Node) bool {
		switch f := n.(type) {
		case *node.FuncExpr:
			return f.Funcretset
		case *node.OpExpr:
			return f.Opretset
		}
		return false
	})
}

// makeSortOver sorts a plan.
func (r *root) makeSortOver(p Plan, keys []sortKey) (Plan, error) {
	c := p.Common()
	s, err := r.makeSort(p, keys)
	if err != nil {
		return nil, err
	}
	n := math.Max(c.Rows, 2)
	sc := s.Common()
	sc.Rows = c.Rows
	sc.StartupCost = c.TotalCost + 2*r.set.CPUOperatorCost*n*math.Log2(n)
	sc.TotalCost = sc.StartupCost + r.set.CPUOperatorCost*n
	return s, nil
}

// groupingSets expands GROUP BY's sets into lists of positions in GroupClause;
// nil if there are none.
func (r *root) groupingSets() ([][]int, error) {
	q := r.q
	if len(q.GroupingSets) == 0 {
		return nil, nil
	}
	pos := map[int]int{}
	for i, c := range q.GroupClause {
		pos[c.TleSortGroupRef] = i
	}
	sets := [][]int{{}}
	for _, gs := range q.GroupingSets {
		one, err := expandSet(gs)
		if err != nil {
			return nil, err
		}
		var next [][]int
		for _, a := range sets {
			for _, b := range one {
				next = append(next, append(slices.Clone(a), b...))
			}
		}
		sets = next
	}
	seen := map[string]bool{}
	var out [][]int
	for _, s := range sets {
		var ps []int
		key := make([]byte, len(q.GroupClause))
		for _, ref := range s {
			if p := pos[ref]; key[p] == 0 {
				key[p] = 1
				ps = append(ps, p)
			}
		}
		if q.GroupDistinct && seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		out = append(out, ps)
	}
	return out, nil
}

func expandSet(n node.Node) ([][]int, error) {
	gs, ok := n.(*node.GroupingSet)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "unexpected node %T in GROUPING SETS", n)
	}
	var parts [][]int // of ROLLUP and CUBE
	var all [][]int
	switch gs.Kind {
	case node.GroupingSetEmpty:
		return [][]int{{}}, nil
	case node.GroupingSetSimple:
		return [][]int{gs.Content.(node.IntList)}, nil
	}
	for _, k := range gs.Content.(node.List) {
		e, err := expandSet(k)
		if err != nil {
			return nil, err
		}
		all = append(all, e...)
		parts = append(parts, e[0])
	}
	switch gs.Kind {
	case node.GroupingSetSets:
		return all, nil
	case node.GroupingSetRollup:
		var out [][]int
		for n := len(parts); n >= 0; n-- {
			out = append(out, slices.Concat(parts[:n]...))
		}
		return out, nil
	}
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var s []int
		for i := range parts {
			if mask&(1<<(len(parts)-1-i)) != 0 {
				s = append(s, parts[i]...)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// setGroupingCols tells GROUPING(…) calls the positions of their arguments.
func (r *root) setGroupingCols(a *Agg) {
	fix := func(e node.Node) node.Node {
		return node.Mutate(e, func(n node.Node) (node.Node, bool) {
			g, ok := n.(*node.GroupingFunc)
			if !ok {
				return nil, false
			}
			c := *g
			c.Cols = nil
			for _, ref := range g.Refs {
				c.Cols = append(c.Cols, slices.IndexFunc(r.q.GroupClause, func(k *node.SortGroupClause) bool { return k.TleSortGroupRef == ref }))
			}
			return &c, true
		})
	}
	if len(r.q.GroupingSets) == 0 {
		return
	}
	a.TargetList = mapTlist(a.TargetList, fix)
	r.q.TargetList = mapTlist(r.q.TargetList, fix)
	for i := range a.Qual {
		a.Qual[i] = fix(a.Qual[i])
	}
}

// addWindows puts a WindowAgg per window over p.
func (r *root) addWindows(p Plan, have []sortKey) (Plan, []sortKey, error) {
	q := r.q
	var base []node.Node
	for _, c := range windowClauses(q) {
		base = append(base, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	grouped := q.HasAggs || len(q.GroupClause) > 0
	for _, te := range q.TargetList {
		if grouped {
			for _, x := range p.Common().TargetList {
				base = append(base, x.Expr)
			}
			break
		}
		base = append(base, r.pieces(te.Expr, nil)...)
	}
	p = project(p, inputTlist(base))
	for _, w := range q.WindowClause {
		var funcs []node.Node
		for _, te := range q.TargetList {
			node.Walk(te.Expr, func(n node.Node) bool {
				if f, ok := n.(*node.WindowFunc); ok && f.Winref == w.Winref {
					funcs = append(funcs, f)
				}
				return true
			})
		}
		if len(funcs) == 0 {
			continue
		}
		keys := r.clauseKeys(append(slices.Clone(w.PartitionClause), w.OrderClause...), q.TargetList)
		if len(keys) > 0 && !ordered(have, keys) {
			var err error
			if p, err = r.makeSortOver(p, keys); err != nil {
				return nil, nil, err
			}
			have = keys
		}
		n := &WindowAgg{Winref: w.Winref, FrameOptions: w.FrameOptions, StartOffset: w.StartOffset, EndOffset: w.EndOffset}
		in := p.Common().TargetList
		for _, c := range w.PartitionClause {
			e := refTarget(q.TargetList, c.TleSortGroupRef)
			n.PartColIdx, n.PartOperators = append(n.PartColIdx, findTarget(in, e)+1), append(n.PartOperators, c.Eqop)
			n.PartCollations = append(n.PartCollations, collationOf(e))
		}
		for _, c := range w.OrderClause {
			e := refTarget(q.TargetList, c.TleSortGroupRef)
			n.OrdColIdx, n.OrdOperators = append(n.OrdColIdx, findTarget(in, e)+1), append(n.OrdOperators, c.Eqop)
			n.OrdCollations = append(n.OrdCollations, collationOf(e))
		}
		n.Node = Node{Left: p, Rows: p.Common().Rows, StartupCost: p.Common().StartupCost, TotalCost: p.Common().TotalCost + p.Common().Rows*r.set.CPUTupleCost}
		var exprs []node.Node
		for _, te := range in {
			exprs = append(exprs, te.Expr)
		}
		n.TargetList = inputTlist(append(exprs, funcs...))
		p = n
	}
	return p, have, nil
}

// addTarget makes p compute the query's target list; set-returning functions get
// a ProjectSet.
func (r *root) addTarget(p Plan) (Plan, error) {
	q := r.q
	if !q.HasTargetSRFs {
		return project(p, q.TargetList), nil
	}
	var inner, level []node.Node
	nested := false
	for _, te := range q.TargetList {
		if f, ok := te.Expr.(*node.FuncExpr); ok && f.Funcretset && !anySet(f.Args) {
			level = append(level, f)
			continue
		}
		if !hasSet(te.Expr) {
			level = append(level, te.Expr)
			continue
		}
		nested = true
		found := false
		node.Walk(te.Expr, func(n node.Node) bool {
			if f, ok := n.(*node.FuncExpr); ok && f.Funcretset {
				if anySet(f.Args) {
					return true
				}
				level = append(level, f)
				found = true
				return false
			}
			return true
		})
		if !found {
			return nil, pgerr.NotYet("this set-returning expression")
		}
		level = append(level, r.pieces(te.Expr, nil)...)
	}
	_ = inner
	if slices.ContainsFunc(q.TargetList, func(te *node.TargetEntry) bool { return depthOfSets(te.Expr) > 1 }) {
		return nil, pgerr.NotYet("a set-returning function of a set-returning function")
	}
	// The input passes what the functions and the other columns are made of.
	if _, isAgg := p.(*Agg); !isAgg {
		if _, isWin := p.(*WindowAgg); !isWin {
			var parts []node.Node
			for _, e := range level {
				parts = append(parts, r.pieces(e, nil)...)
			}
			p = project(p, inputTlist(parts))
		}
	}
	ps := &ProjectSet{Node: Node{Left: p, StartupCost: p.Common().StartupCost}}
	ps.Rows = p.Common().Rows
	for _, e := range level {
		ps.Rows = math.Max(ps.Rows, p.Common().Rows*r.setRows(e))
	}
	ps.TotalCost = p.Common().TotalCost + ps.Rows*r.set.CPUTupleCost
	if !nested {
		ps.TargetList = q.TargetList
		return ps, nil
	}
	ps.TargetList = inputTlist(level)
	o := outline(ps)
	res := &Result{Node: *o}
	res.TargetList = q.TargetList
	return res, nil
}

func anySet(args []node.Node) bool { return slices.ContainsFunc(args, hasSet) }

func depthOfSets(e node.Node) int {
	if f, ok := e.(*node.FuncExpr); ok && f.Funcretset {
		m := 0
		for _, a := range f.Args {
			m = max(m, depthOfSets(a))
		}
		return m + 1
	}
	m := 0
	e.Children(func(k node.Node) node.Node {
		if k != nil {
			m = max(m, depthOfSets(k))
		}
		return k
	})
	return m
}

// addTail adds DISTINCT, ORDER BY, row locks, LIMIT, and the modification.
func (r *root) addTail(p Plan, have []sortKey) (Plan, error) {
	q := r.q
	var err error
	sortKeys := r.clauseKeys(q.SortClause, q.TargetList)
	if len(q.DistinctClause) > 0 {
		if p, have, err = r.addDistinct(p, have, sortKeys); err != nil {
			return nil, err
		}
	}
	if len(sortKeys) > 0 && !(ordered(have, sortKeys) && !q.HasTargetSRFs) {
		if p, err = r.makeSortOver(p, sortKeys); err != nil {
			return nil, err
		}
	}
	if len(q.RowMarks) > 0 {
		p = r.addLockRows(p)
	}
	if q.LimitCount != nil || q.LimitOffset != nil {
		p = r.addLimit(p)
	}
	if q.CommandType != node.CmdSelect {
		if p, err = r.addModify(p); err != nil {
			return nil, err
		}
	}
	p.Common().InitPlan = append(p.Common().InitPlan, r.inits...)
	r.inits = nil
	return p, nil
}

func (r *root) addDistinct(p Plan, have, sortKeys []sortKey) (Plan, []sortKey, error) {
	q := r.q
	var cols []int
	var ops, colls []oid.OID
	var exprs []node.Node
	for _, c := range q.DistinctClause {
		e := refTarget(q.TargetList, c.TleSortGroupRef)
		i := slices.IndexFunc(p.Common().TargetList, func(te *node.TargetEntry) bool { return te.Ressortgroupref == c.TleSortGroupRef })
		if i < 0 {
			i = findTarget(p.Common().TargetList, e)
		}
		cols, ops, colls, exprs = append(cols, i+1), append(ops, c.Eqop), append(colls, collationOf(e)), append(exprs, e)
	}
	keys := r.clauseKeys(q.DistinctClause, q.TargetList)
	hashable := !slices.ContainsFunc(q.DistinctClause, func(c *node.SortGroupClause) bool { return !c.Hashable }) && !r.set.NoHashAgg
	rows := r.groups(exprs, p.Common().Rows)
	if q.HasDistinctOn || !hashable || ordered(have, keys) && len(keys) == len(q.DistinctClause) {
		want := keys
		if len(sortKeys) > 0 && (ordered(sortKeys, keys) || ordered(keys, sortKeys)) && len(sortKeys) >= len(keys) {
			want = sortKeys
		}
		if len(want) > 0 && !ordered(have, want) {
			var err error
			if p, err = r.makeSortOver(p, want); err != nil {
				return nil, nil, err
			}
			have = want
		}
		u := &Unique{Node: *outline(p), UniqColIdx: cols, UniqOperators: ops, UniqCollations: colls}
		u.Rows = rows
		return u, have, nil
	}
	a := &Agg{Node: *outline(p), AggStrategy: AggHashed, GrpColIdx: cols, GrpOperators: ops, GrpCollations: colls, NumGroups: rows}
	a.Rows = rows
	a.StartupCost = p.Common().TotalCost + p.Common().Rows*r.set.CPUOperatorCost*float64(len(cols))
	a.TotalCost = a.StartupCost + rows*r.set.CPUTupleCost
	return a, nil, nil
}

func (r *root) addLimit(p Plan) Plan {
	q := r.q
	l := &Limit{Node: *outline(p), LimitOffset: q.LimitOffset, LimitCount: q.LimitCount, WithTies: q.LimitOption == node.LimitOptionWithTies}
	if l.WithTies {
		for _, c := range q.SortClause {
			i := slices.IndexFunc(p.Common().TargetList, func(te *node.TargetEntry) bool { return te.Ressortgroupref == c.TleSortGroupRef })
			l.UniqColIdx, l.UniqOperators = append(l.UniqColIdx, i+1), append(l.UniqOperators, c.Eqop)
			l.UniqCollations = append(l.UniqCollations, oid.Invalid)
		}
	}
	if n := r.limitRows(); n > 0 && l.Rows > n {
		l.TotalCost = l.StartupCost + (l.TotalCost-l.StartupCost)*n/l.Rows
		l.Rows = n
	}
	return l
}

// addLockRows locks the rows of FOR UPDATE; their ctids are junk columns.
func (r *root) addLockRows(p Plan) Plan {
	c := p.Common()
	var marks []PlanRowMark
	list := slices.Clone(c.TargetList)
	for _, m := range r.q.RowMarks {
		if r.rte(m.Rti).Rtekind != node.RTERelation {
			continue
		}
		v := &node.Var{Varno: m.Rti, Varattno: -1, Vartype: oid.Tid, Vartypmod: -1, Varnosyn: m.Rti, Varattnosyn: -1, Location: -1}
		i := findTarget(list, v)
		if i < 0 {
			list = append(list, &node.TargetEntry{Expr: v, Resno: len(list) + 1, Resname: "ctid", Resjunk: true})
			i = len(list) - 1
		}
		mark := RowMark{Rti: m.Rti, Strength: m.Strength, Wait: m.WaitPolicy, Lock: true}
		r.stmt.RowMarks = append(r.stmt.RowMarks, mark)
		marks = append(marks, PlanRowMark{RowMark: mark, CtidAttno: i + 1})
	}
	if len(marks) == 0 {
		return p
	}
	l := &LockRows{Node: *outline(p), RowMarks: marks}
	l.TargetList = list
	return l
}
