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
		if r.fullJoin {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions")
		}
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
	r.markTargets()
	for _, te := range r.q.TargetList {
		add(te.Expr)
	}
	add(r.q.HavingQual)
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
// inputTlist lists expressions for the input of a grouping or window node.
// addGrouping puts aggregation over p.
// groupedTlist is what an Agg computes: the query's target list, or what its
// window functions and set-returning functions need.
// pieces are the aggregates and variables that e is computed from; known is what
// is there already.
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
// setGroupingCols tells GROUPING(…) calls the positions of their arguments.
// addWindows puts a WindowAgg per window over p.
// addTarget makes p compute the query's target list; set-returning functions get
// a ProjectSet.
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

// markTargets adds the junk ctids of FOR UPDATE to the target list, so that
// every node below LockRows carries them.
func (r *root) markTargets() {
	for _, m := range r.q.RowMarks {
		if r.rte(m.Rti).Rtekind != node.RTERelation {
			continue
		}
		if v := ctidOf(m.Rti); findTarget(r.q.TargetList, v) < 0 {
			r.q.TargetList = append(slices.Clone(r.q.TargetList),
				&node.TargetEntry{Expr: v, Resno: len(r.q.TargetList) + 1, Resname: "ctid", Resjunk: true})
		}
	}
}

func ctidOf(rti int) *node.Var {
	return &node.Var{Varno: rti, Varattno: -1, Vartype: oid.Tid, Vartypmod: -1, Varnosyn: rti, Varattnosyn: -1, Location: -1}
}

// addLockRows locks the rows of FOR UPDATE by the ctids of markTargets.
func (r *root) addLockRows(p Plan) Plan {
	var marks []PlanRowMark
	for _, m := range r.q.RowMarks {
		if r.rte(m.Rti).Rtekind != node.RTERelation {
			continue
		}
		mark := RowMark{Rti: m.Rti, Strength: m.Strength, Wait: m.WaitPolicy, Lock: true}
		r.stmt.RowMarks = append(r.stmt.RowMarks, mark)
		marks = append(marks, PlanRowMark{RowMark: mark, CtidAttno: findTarget(r.q.TargetList, ctidOf(m.Rti)) + 1})
	}
	if len(marks) == 0 {
		return p
	}
	return &LockRows{Node: *outline(p), RowMarks: marks}
}
