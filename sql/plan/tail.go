package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// tail adds DISTINCT, ORDER BY, row locks, LIMIT, and the modification, and builds
// the cheapest plan.
func (r *root) tail(in *rel) (Plan, error) {
	q := r.q
	keys := r.clauseKeys(q.SortClause, q.TargetList)
	if len(q.DistinctClause) > 0 {
		in = r.distinctPaths(in, keys)
	}
	if len(keys) > 0 {
		in = r.orderPaths(in, keys)
	}
	out := r.upperRel(in.rows)
	for _, p := range in.paths {
		if !p.needs.empty() {
			continue
		}
		if len(q.RowMarks) > 0 {
			p = r.lockPath(p)
		}
		if q.LimitCount != nil || q.LimitOffset != nil {
			p = r.limitPath(p)
		}
		out.add(p)
	}
	best := fractional(out.paths, r.fraction)
	if r.byIndex && best == nil {
		return nil, nil
	}
	r.top = best
	p, err := r.build(best)
	if err != nil {
		return nil, err
	}
	if q.CommandType != node.CmdSelect {
		if p, err = r.addModify(p); err != nil {
			return nil, err
		}
	}
	r.final = p.Common().TargetList
	if q.CommandType == node.CmdSelect {
		r.final = q.TargetList
	}
	c := p.Common()
	c.InitPlan = append(c.InitPlan, r.inits...)
	for _, ip := range r.inits {
		c.StartupCost += ip.StartupCost + ip.PerCallCost
		c.TotalCost += ip.StartupCost + ip.PerCallCost
	}
	r.inits = nil
	return p, nil
}

// orderPaths sorts what is not in order.
func (r *root) orderPaths(in *rel, keys []sortKey) *rel {
	out := r.upperRel(in.rows)
	for _, p := range in.paths {
		n := commonKeys(p.keys, keys)
		if r.byIndex && n < len(keys) {
			continue
		}
		if n == len(keys) || p == in.cheapest {
			out.add(r.sorted(p, keys, r.limitTuples))
		}
		if n < len(keys) && n > 0 && !r.set.NoIncrementalSort {
			out.add(r.incremental(p, keys, n, r.limitTuples))
		}
	}
	r.finishRel(out)
	return out
}

// incremental sorts groups of rows that agree in the first n keys, by which p is
// in order.
func (r *root) incremental(p *path, keys []sortKey, n int, limit float64) *path {
	rows := math.Max(p.rows, 2)
	groups := math.Min(rows, defaultDistinct)
	var exprs []node.Node
	known := true
	for _, k := range keys[:n] {
		e := k.ec.top().members[0].e
		if varsOf(e).has(0) {
			known = false
		}
		exprs = append(exprs, e)
	}
	if known {
		groups = r.groups(exprs, rows)
	}
	per := rows / groups
	run := (p.total - p.startup)
	startup, sortRun := r.sortCost(1.5*per, p.width, limit, 0)
	groupStartup, groupRun, groupInput := startup, sortRun, run/groups
	s := &path{rel: p.rel, rows: p.rows, width: p.width, keys: keys, needs: p.needs, keepsRows: false, passes: true}
	s.startup = groupStartup + p.startup + groupInput
	runCost := groupRun + (groupRun+groupStartup)*(groups-1) + groupInput*(groups-1)
	runCost += r.set.CPUTupleCost * rows
	runCost += 2 * r.set.CPUTupleCost * groups
	s.total = s.startup + runCost
	s.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		plain, err := r.makeSort(in, keys)
		if err != nil {
			return nil, err
		}
		return &IncrementalSort{Sort: *plain.(*Sort), PresortedCols: n}, nil
	}
	return s
}

// distinctPaths removes duplicates.
func (r *root) distinctPaths(in *rel, sortKeys []sortKey) *rel {
	q := r.q
	var exprs []node.Node
	for _, c := range q.DistinctClause {
		exprs = append(exprs, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	rows := r.groups(exprs, in.cheapest.rows)
	if len(q.GroupClause) > 0 || q.HasAggs || len(q.GroupingSets) > 0 {
		rows = in.cheapest.rows
	}
	out := r.upperRel(rows)
	keys := r.clauseKeys(q.DistinctClause, q.TargetList)
	sortable := !slices.ContainsFunc(q.DistinctClause, func(c *node.SortGroupClause) bool { return c.Sortop == oid.Invalid })
	hashable := !slices.ContainsFunc(q.DistinctClause, func(c *node.SortGroupClause) bool { return !c.Hashable })
	if sortable {
		need := keys
		if q.HasDistinctOn && len(keys) < len(sortKeys) {
			need = sortKeys
		}
		for _, p := range in.paths {
			if ordered(p.keys, need) {
				out.add(r.uniqueRows(p, rows, len(keys)))
			}
		}
		if len(keys) < len(sortKeys) {
			need = sortKeys
		}
		if !ordered(in.cheapest.keys, need) {
			out.add(r.uniqueRows(r.sorted(in.cheapest, need, -1), rows, len(keys)))
		}
	}
	if hashable && !q.HasDistinctOn && (len(out.paths) == 0 || !r.set.NoHashAgg) {
		p := in.cheapest
		a := r.aggCost(AggHashed, nil, len(q.DistinctClause), rows, nil, p.startup, p.total, p.rows, p.width)
		h := &path{rows: rows, width: p.width, startup: a.startup, total: a.total}
		h.make = func() (Plan, error) {
			plan, err := r.build(p)
			if err != nil {
				return nil, err
			}
			g := &Agg{Node: *outline(plan), AggStrategy: AggHashed, NumGroups: rows}
			g.GrpColIdx, g.GrpOperators, g.GrpCollations = r.distinctColumns(plan)
			return g, nil
		}
		out.add(h)
	}
	r.finishRel(out)
	return out
}

// distinctColumns finds the columns of DISTINCT in a plan's output.
func (r *root) distinctColumns(p Plan) (cols []int, ops, colls []oid.OID) {
	for _, c := range r.q.DistinctClause {
		e := refTarget(r.q.TargetList, c.TleSortGroupRef)
		list := p.Common().TargetList
		i := slices.IndexFunc(list, func(te *node.TargetEntry) bool { return te.Ressortgroupref == c.TleSortGroupRef })
		if i < 0 {
			i = findTarget(list, e)
		}
		cols, ops, colls = append(cols, i+1), append(ops, c.Eqop), append(colls, collationOf(e))
	}
	return
}

func (r *root) uniqueRows(p *path, rows float64, cols int) *path {
	u := &path{rows: rows, width: p.width, keys: p.keys, startup: p.startup, total: p.total + r.set.CPUOperatorCost*p.rows*float64(cols), passes: true}
	u.make = func() (Plan, error) {
		plan, err := r.build(p)
		if err != nil {
			return nil, err
		}
		n := &Unique{Node: *outline(plan)}
		n.UniqColIdx, n.UniqOperators, n.UniqCollations = r.distinctColumns(plan)
		return n, nil
	}
	return u
}

// limitPath passes on some of p's rows.
func (r *root) limitPath(p *path) *path {
	q := r.q
	l := *p
	l.rescan, l.keepsRows, l.passes = nil, p.keepsRows && false, true
	offset, count := 0.0, -1.0
	if q.LimitOffset != nil {
		if o, ok := r.cat.Estimate(q.LimitOffset); !ok {
			offset = -1
		} else if !o.Null {
			offset = math.Max(0, float64(o.Int))
		}
	}
	if q.LimitCount != nil {
		if c, ok := r.cat.Estimate(q.LimitCount); !ok {
			count = 0
		} else if !c.Null {
			count = math.Max(1, float64(c.Int))
		}
	}
	rows, startup, total := p.rows, p.startup, p.total
	if offset != 0 {
		n := offset
		if offset < 0 {
			n = clamp(p.rows * 0.1)
		}
		n = math.Min(n, rows)
		if p.rows > 0 {
			startup += (p.total - p.startup) * n / p.rows
		}
		if rows -= n; rows < 1 {
			rows = 1
		}
	}
	if count >= 0 {
		n := count
		if count == 0 {
			n = clamp(p.rows * 0.1)
		}
		n = math.Min(n, rows)
		if p.rows > 0 {
			total = startup + (p.total-p.startup)*n/p.rows
		}
		if rows = n; rows < 1 {
			rows = 1
		}
	}
	l.rows, l.startup, l.total = rows, startup, total
	l.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		return r.makeLimit(in), nil
	}
	return &l
}

func (r *root) makeLimit(p Plan) Plan {
	q := r.q
	l := &Limit{Node: *outline(p), LimitOffset: q.LimitOffset, LimitCount: q.LimitCount, WithTies: q.LimitOption == node.LimitOptionWithTies}
	if l.WithTies {
		for _, c := range q.SortClause {
			i := slices.IndexFunc(p.Common().TargetList, func(te *node.TargetEntry) bool { return te.Ressortgroupref == c.TleSortGroupRef })
			l.UniqColIdx, l.UniqOperators = append(l.UniqColIdx, i+1), append(l.UniqOperators, c.Eqop)
			l.UniqCollations = append(l.UniqCollations, oid.Invalid)
		}
	}
	return l
}

// lockPath locks p's rows.
func (r *root) lockPath(p *path) *path {
	if !slices.ContainsFunc(r.q.RowMarks, func(m *node.RowMarkClause) bool { return r.rte(m.Rti).Rtekind == node.RTERelation }) {
		return p
	}
	l := *p
	l.keys, l.passes, l.keepsRows, l.rescan = nil, true, false, nil
	l.total += r.set.CPUTupleCost * p.rows
	l.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		return r.addLockRows(in), nil
	}
	return &l
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
