package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// groupingPlanner plans one query level: its joins, and everything above them.
func (r *root) groupingPlanner() (Plan, error) {
	q := r.q
	if err := r.expandTlist(); err != nil {
		return nil, err
	}
	r.limitFraction()
	r.moveHaving()
	r.orderWindows()
	final, err := r.joinPlanner()
	if err != nil {
		return nil, err
	}
	if final == nil || final.cheapest == nil || !final.cheapest.needs.empty() {
		if r.fullJoin {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions")
		}
		return nil, pgerr.NotYet("this combination of LATERAL references")
	}
	grouped := q.HasAggs || len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil
	if grouped {
		r.removeDependentGroups()
		if final, err = r.groupPaths(final); err != nil {
			return nil, err
		}
	}
	if len(q.WindowClause) > 0 && q.HasWindowFuncs {
		final = r.windowPaths(final, grouped)
	}
	if final, err = r.targetPaths(final); err != nil {
		return nil, err
	}
	return r.tail(final)
}

// joinPlanner plans FROM and WHERE.
func (r *root) joinPlanner() (*rel, error) {
	q := r.q
	q.Jointree = r.reduceOuter(q.Jointree, nil, nil).(*node.FromExpr)
	r.allIDs = treeRels(q.Jointree)
	r.baseQuals = map[int][]*qual{}
	r.markTargets()
	if len(q.Jointree.Fromlist) == 0 {
		return r.noFrom(), nil
	}
	for rti := range r.allIDs.each() {
		r.rtis = append(r.rtis, rti)
	}
	r.collectNeeded()
	p, err := r.deconstruct(q.Jointree, false)
	if err != nil {
		return nil, err
	}
	r.outerConstants()
	r.baseEqualities()
	r.needQuals()
	r.queryKeys()
	if err := r.baseRels(); err != nil {
		return nil, err
	}
	return r.joinList(p.list)
}

// baseRels makes the base relations: all sizes first, then their paths, which look
// at the sizes of others.
func (r *root) baseRels() error {
	if r.allIDs.count() == 1 {
		r.gateQuals(r.allIDs.first())
	}
	for _, rti := range r.rtis {
		if _, err := r.baseRel(rti); err != nil {
			return err
		}
	}
	r.dropUniqueSemis()
	for _, rti := range r.rtis {
		r.scanPaths(r.rels[rti])
	}
	return nil
}

// gateQuals: a query of one entry checks conditions without variables there.
func (r *root) gateQuals(rti int) {
	for _, q := range r.joinQuals {
		if q.pseudo {
			r.baseQuals[rti] = append(r.baseQuals[rti], q)
		}
	}
}

// noFrom is a query without FROM: one row.
func (r *root) noFrom() *rel {
	b := &rel{rows: 1}
	quals := andList(r.q.Jointree.Quals)
	c := r.listCost(quals)
	p := &path{rows: 1, startup: c.startup + c.per, total: c.startup + c.per + r.set.CPUTupleCost}
	p.make = func() (Plan, error) { return &Result{ResConstantQual: quals}, nil }
	b.add(p)
	r.finishRel(b)
	return b
}

// collectNeeded lists the variables that nodes above the scans use, and where.
func (r *root) collectNeeded() {
	r.needed = nil
	top := single(0)
	for _, te := range r.q.TargetList {
		r.need(te.Expr, top)
	}
	r.need(r.q.HavingQual, top)
	for _, rti := range r.rtis {
		at := single(rti)
		r.lateralVars(r.rte(rti), func(e node.Node) { r.need(e, at) })
	}
}

// need notes that e is evaluated where the entries at are joined.
func (r *root) need(e node.Node, at relids) {
	if e == nil {
		return
	}
	node.Walk(e, func(n node.Node) bool {
		if v, ok := n.(*node.Var); ok && v.Varlevelsup == 0 && v.Varno > 0 {
			i := slices.IndexFunc(r.needed, func(o neededVar) bool { return o.v.Varno == v.Varno && o.v.Varattno == v.Varattno })
			if i < 0 {
				c := *v
				r.needed = append(r.needed, neededVar{v: &c})
				i = len(r.needed) - 1
			}
			r.needed[i].at = r.needed[i].at.union(at)
		}
		_, sub := n.(*node.Query)
		return !sub
	})
}

// needQuals notes the variables of join conditions, and of classes that relate
// several entries.
func (r *root) needQuals() {
	for _, q := range r.joinQuals {
		r.need(q.e, q.req)
	}
	for _, c := range r.classes {
		if c.constant || len(c.members) < 2 || c.ids.count() < 2 {
			continue
		}
		for _, s := range c.sources {
			r.need(s.e, c.ids)
		}
	}
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
		t := r.classType(fams[0].Family, node.ExprType(e))
		k := sortKey{e: e, op: s.Sortop, family: fams[0].Family, collation: collationOf(e), desc: fams[0].Strategy == 5, nullsFirst: s.NullsFirst}
		k.ec = r.classOf(e, k.family, k.collation, t)
		out = appendKey(out, k)
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

// queryKeys is the order that would help most above the joins: that of grouping,
// else of windows, DISTINCT or ORDER BY.
func (r *root) queryKeys() {
	q := r.q
	sort := r.clauseKeys(q.SortClause, q.TargetList)
	switch {
	case len(q.GroupClause) > 0 && len(q.GroupingSets) == 0:
		q.GroupClause = groupOrder(q.GroupClause, q.SortClause)
		r.query = r.clauseKeys(q.GroupClause, q.TargetList)
	case q.HasAggs || len(q.GroupingSets) > 0:
	case q.HasWindowFuncs && len(q.WindowClause) > 0:
		w := q.WindowClause[0]
		r.query = r.clauseKeys(append(slices.Clone(w.PartitionClause), w.OrderClause...), q.TargetList)
	default:
		d := r.clauseKeys(q.DistinctClause, q.TargetList)
		if r.query = sort; len(d) > len(sort) {
			r.query = d
		}
	}
}

// groupOrder puts grouping columns in the order of ORDER BY, as far as that is a
// list of them.
func groupOrder(group, sort []*node.SortGroupClause) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, s := range sort {
		i := slices.IndexFunc(group, func(g *node.SortGroupClause) bool { return g.TleSortGroupRef == s.TleSortGroupRef })
		if i < 0 {
			break
		}
		c := *group[i]
		c.Sortop, c.NullsFirst = s.Sortop, s.NullsFirst
		out = append(out, &c)
	}
	if len(out) == 0 {
		return group
	}
	n := len(out)
	for _, g := range group {
		if !slices.ContainsFunc(out[:n], func(o *node.SortGroupClause) bool { return o.TleSortGroupRef == g.TleSortGroupRef }) {
			if g.Sortop == oid.Invalid {
				return group
			}
			out = append(out, g)
		}
	}
	return out
}

// limitFraction tells the planner how many rows LIMIT will read.
func (r *root) limitFraction() {
	q := r.q
	r.limitTuples = -1
	if q.LimitCount == nil {
		return
	}
	n := r.limitRows()
	if n < 0 {
		return
	}
	if _, ok := r.cat.Estimate(q.LimitCount); !ok {
		n = 0.1
	} else if !q.HasTargetSRFs {
		r.limitTuples = n
	}
	switch {
	case r.fraction <= 0:
		r.fraction = n
	case r.fraction >= 1 == (n >= 1):
		r.fraction = math.Min(r.fraction, n)
	case n >= 1:
		r.fraction = n
	}
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
	n := math.Max(float64(c.Int), 1)
	if r.q.LimitOffset != nil {
		if o, ok := r.cat.Estimate(r.q.LimitOffset); ok && !o.Null {
			n += math.Max(float64(o.Int), 0)
		}
	}
	return n
}

// projected makes a path compute list.
func (r *root) projected(p *path, list []*node.TargetEntry) *path {
	c := r.tlistCost(list)
	n := *p
	n.width = r.tlistWidth(list)
	if p.rel != nil && p.rel.empty {
		n.width = 0
	}
	n.startup += c.startup
	per := c.per
	if p.passes {
		per += r.set.CPUTupleCost
		if c.per == 0 && c.startup == 0 {
			per = 0
		}
		n.passes = false
	}
	n.total += c.startup + per*p.rows
	n.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		return project(in, list), nil
	}
	return &n
}

// upperRel is a relation above the joins.
func (r *root) upperRel(rows float64) *rel {
	return &rel{rows: rows, fast: r.fraction > 0, ids: r.allIDs}
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

// moveHaving moves conditions of HAVING that need no aggregate to WHERE.
func (r *root) moveHaving() {
	q := r.q
	if q.HavingQual == nil || len(q.GroupClause) == 0 || len(q.GroupingSets) > 0 {
		return
	}
	var keep, move []node.Node
	for _, e := range andList(q.HavingQual) {
		stay := r.hasVolatile(e) || hasSet(e) || node.Any(e, func(n node.Node) bool {
			switch n.(type) {
			case *node.Aggref, *node.SubPlan, *node.GroupingFunc:
				return true
			}
			return false
		})
		if stay {
			keep = append(keep, e)
		} else {
			move = append(move, e)
		}
	}
	if len(move) == 0 || len(q.Jointree.Fromlist) == 0 {
		return
	}
	f := *q.Jointree
	f.Quals = makeAnd(append(andList(f.Quals), move...))
	q.Jointree, q.HavingQual = &f, makeAnd(keep)
}

// orderWindows brings windows with a common order together, longer orders first.
func (r *root) orderWindows() {
	slices.SortStableFunc(r.q.WindowClause, func(a, b *node.WindowClause) int {
		x := append(slices.Clone(a.PartitionClause), a.OrderClause...)
		y := append(slices.Clone(b.PartitionClause), b.OrderClause...)
		for i := range min(len(x), len(y)) {
			switch {
			case x[i].TleSortGroupRef != y[i].TleSortGroupRef:
				return y[i].TleSortGroupRef - x[i].TleSortGroupRef
			case x[i].Sortop != y[i].Sortop:
				return int(y[i].Sortop) - int(x[i].Sortop)
			case x[i].NullsFirst != y[i].NullsFirst:
				if x[i].NullsFirst {
					return -1
				}
				return 1
			}
		}
		return len(y) - len(x)
	})
}
