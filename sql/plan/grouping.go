package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// aggCosts is what the aggregates of a query cost.
type aggCosts struct {
	trans, final cost
	space        float64
	count        int
}

// aggregates adds up the costs of the query's aggregates.
func (r *root) aggregates() *aggCosts {
	c := &aggCosts{}
	var seen []node.Node
	see := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			a, ok := n.(*node.Aggref)
			if !ok {
				return true
			}
			if slices.ContainsFunc(seen, func(o node.Node) bool { return node.Equal(o, a) }) {
				return false
			}
			seen = append(seen, a)
			r.aggregate(c, a)
			return false
		})
	}
	for _, te := range r.q.TargetList {
		see(te.Expr)
	}
	see(r.q.HavingQual)
	return c
}

func (r *root) aggregate(c *aggCosts, a *node.Aggref) {
	info, err := r.cat.Aggregate(a.Aggfnoid)
	if err != nil {
		return
	}
	c.count++
	op := r.set.CPUOperatorCost
	fn := func(id oid.OID) float64 {
		if id == oid.Invalid {
			return 0
		}
		if f, err := r.cat.Func(id); err == nil {
			return f.Cost * op
		}
		return op
	}
	c.trans.per += fn(info.Trans)
	c.final.per += fn(info.Final)
	for _, te := range a.Args {
		c.trans.add(r.exprCost(te.Expr))
	}
	if a.Aggfilter != nil {
		c.trans.add(r.exprCost(a.Aggfilter))
	}
	ti, ok := r.cat.Type(info.Type)
	switch {
	case ok && ti.ByVal:
	case info.Type == oid.Internal:
		if info.Space > 0 {
			c.space += info.Space
		} else {
			c.space += 8192
		}
	default:
		w := r.typeWidth(info.Type, -1)
		if info.Space > 0 {
			w = info.Space
		} else if len(a.Args) > 0 && node.ExprType(a.Args[0].Expr) == info.Type {
			w = r.exprWidth(a.Args[0].Expr)
		}
		c.space += maxAlign(w) + 2*8
	}
}

// aggResult is an aggregation's cost and the rows it returns.
type aggResult struct{ startup, total, rows float64 }

// aggCost is the cost of aggregating rows of a width that cost startup and total.
func (r *root) aggCost(s AggStrategy, a *aggCosts, cols int, groups float64, quals []node.Node, startup, total, rows, width float64) aggResult {
	if a == nil {
		a = &aggCosts{}
	}
	out := aggResult{rows: groups}
	op, tup := r.set.CPUOperatorCost, r.set.CPUTupleCost
	switch s {
	case AggPlain:
		out.startup = total + a.trans.startup + a.trans.per*rows + a.final.startup + a.final.per
		out.total, out.rows = out.startup+tup, 1
	case AggSorted, AggMixed:
		out.startup, out.total = startup, total
		if s == AggMixed && r.set.NoHashAgg {
			out.startup, out.total = out.startup+disabled, out.total+disabled
		}
		out.total += a.trans.startup + a.trans.per*rows + op*float64(cols)*rows + a.final.startup + a.final.per*groups + tup*groups
	default:
		out.startup = total
		if r.set.NoHashAgg {
			out.startup += disabled
		}
		out.startup += a.trans.startup + a.trans.per*rows + op*float64(cols)*rows + a.final.startup
		out.total = out.startup + a.final.per*groups + tup*groups
	}
	if s == AggHashed || s == AggMixed {
		r.spillCost(&out, a, groups, rows, width)
	}
	if len(quals) > 0 {
		c := r.listCost(quals)
		out.startup += c.startup
		out.total += c.startup + out.rows*c.per
		out.rows = clamp(out.rows * r.listSel(quals, nil))
	}
	return out
}

// entrySize is what a group takes in a hash table.
func entrySize(aggs int, width, space float64) float64 {
	n := 24 + 16 + 16 + maxAlign(width) + 16 + 16*float64(aggs)
	if space > 0 {
		n += 16 + space
	}
	return n
}

// spillCost adds the cost of groups that do not fit in memory.
func (r *root) spillCost(out *aggResult, a *aggCosts, groups, rows, width float64) {
	entry := entrySize(a.count, width, a.space)
	mem := r.set.hashMem()
	limit, parts := mem, 0.0
	if groups*entry >= mem {
		parts = math.Floor(math.Min(1.5*groups*entry/mem, mem/8192*0.25))
		parts = math.Exp2(math.Ceil(math.Log2(math.Max(4, math.Min(parts, 1024)))))
		if part := 8192 * (parts + 1); mem > 4*part {
			limit = mem - part
		} else {
			limit = mem * 0.75
		}
	}
	most := math.Max(1, math.Floor(limit/entry))
	batches := math.Max(math.Ceil(math.Max(groups*entry/limit, groups/most)), 1)
	depth := math.Ceil(math.Log(batches) / math.Log(math.Max(parts, 2)))
	pages := rowBytes(rows, width) / 8192 * depth
	out.startup += pages * r.set.RandomPageCost
	out.total += pages*r.set.RandomPageCost + 2*pages*r.set.SeqPageCost
	spill := depth * rows * 2 * r.set.CPUTupleCost
	out.startup, out.total = out.startup+spill, out.total+spill
}

// groupPaths puts aggregation over the joined relation.
func (r *root) groupPaths(in *rel) (*rel, error) {
	r.setGroupingCols()
	q := r.q
	sets, err := r.groupingSets()
	if err != nil {
		return nil, err
	}
	var exprs []node.Node
	for _, c := range q.GroupClause {
		exprs = append(exprs, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	list := r.groupInput(exprs)
	rel := r.groupInputs(in, list, exprs)
	g := &grouping{exprs: exprs, sets: sets, list: list, costs: r.aggregates(), having: andList(q.HavingQual), groups: 1}
	rows := rel.cheapest.rows
	switch {
	case sets != nil:
		g.groups = 0
		for _, s := range sets {
			var e []node.Node
			for _, k := range s {
				e = append(e, exprs[k])
			}
			g.groups += r.groups(e, rows)
		}
	case len(exprs) > 0:
		g.groups = r.groups(exprs, rows)
	}
	keys := r.clauseKeys(q.GroupClause, q.TargetList)
	sortable := !slices.ContainsFunc(q.GroupClause, func(c *node.SortGroupClause) bool { return c.Sortop == oid.Invalid })
	hashable := !slices.ContainsFunc(q.GroupClause, func(c *node.SortGroupClause) bool { return !c.Hashable })
	out := r.upperRel(g.groups)
	if p := r.minMaxPath(); p != nil {
		out.add(p)
	}
	switch {
	case len(exprs) == 0 && sets == nil:
		out.add(r.aggPath(rel.cheapest, g, AggPlain, nil))
	case sets != nil:
		strategy := AggHashed
		if slices.ContainsFunc(sets, func(s []int) bool { return len(s) == 0 }) {
			strategy = AggMixed
		}
		out.add(r.aggPath(rel.cheapest, g, strategy, nil))
	default:
		if sortable {
			for _, p := range rel.paths {
				n := commonKeys(p.keys, keys)
				if n == len(keys) || p == rel.cheapest {
					s := r.sorted(p, keys, -1)
					out.add(r.aggPath(s, g, AggSorted, s.keys))
				}
				if n > 0 && n < len(keys) && !r.set.NoIncrementalSort {
					out.add(r.aggPath(r.incremental(p, keys, n, -1), g, AggSorted, keys))
				}
			}
		}
		if hashable && !r.orderedAggs() {
			out.add(r.aggPath(rel.cheapest, g, AggHashed, nil))
		}
	}
	r.finishRel(out)
	if len(out.paths) == 0 {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "could not implement GROUP BY").
			WithDetail("Some of the datatypes only support hashing, while others only support sorting.")
	}
	return out, nil
}

// orderedAggs reports whether an aggregate wants its input in an order, or without
// duplicates.
func (r *root) orderedAggs() bool {
	any := func(e node.Node) bool {
		return e != nil && node.Any(e, func(n node.Node) bool {
			a, ok := n.(*node.Aggref)
			return ok && (len(a.Aggorder) > 0 || len(a.Aggdistinct) > 0)
		})
	}
	return slices.ContainsFunc(r.q.TargetList, func(te *node.TargetEntry) bool { return any(te.Expr) }) || any(r.q.HavingQual)
}

// grouping is what the ways to aggregate share.
type grouping struct {
	exprs  []node.Node
	sets   [][]int
	list   []*node.TargetEntry
	costs  *aggCosts
	having []node.Node
	groups float64
}

// groupInput lists what aggregation reads: the grouping columns, then variables.
func (r *root) groupInput(exprs []node.Node) []*node.TargetEntry {
	in := slices.Clone(exprs)
	see := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			if slices.ContainsFunc(exprs, func(g node.Node) bool { return node.Equal(g, n) }) {
				return false
			}
			if v, ok := n.(*node.Var); ok && v.Varno > 0 {
				in = append(in, v)
			}
			return true
		})
	}
	for _, te := range r.q.TargetList {
		see(te.Expr)
	}
	see(r.q.HavingQual)
	return inputTlist(in)
}

// aggPath aggregates in. Without aggregates, sorted input is only made unique.
func (r *root) aggPath(in *path, g *grouping, s AggStrategy, keys []sortKey) *path {
	q := r.q
	list := r.groupedTlist()
	c := r.aggCost(s, g.costs, len(g.exprs), g.groups, g.having, in.startup, in.total, in.rows, in.width)
	if g.sets != nil {
		c = r.setsCost(s, g, in)
	}
	if s == AggSorted && !q.HasAggs && g.sets == nil {
		c = aggResult{startup: in.startup, total: in.total + r.set.CPUOperatorCost*in.rows*float64(len(g.exprs)), rows: g.groups}
		if len(g.having) > 0 {
			hc := r.listCost(g.having)
			c.startup += hc.startup
			c.total += hc.startup + c.rows*hc.per
			c.rows = clamp(c.rows * r.listSel(g.having, nil))
		}
	}
	t := r.tlistCost(list)
	p := &path{rows: c.rows, width: r.tlistWidth(list), keys: keys, startup: c.startup + t.startup, total: c.total + t.startup + t.per*c.rows}
	p.make = func() (Plan, error) {
		plan, err := r.build(in)
		if err != nil {
			return nil, err
		}
		if !r.q.HasAggs && s == AggSorted && g.sets == nil {
			n := &Group{Node: Node{Left: plan, Qual: g.having, TargetList: list}}
			n.GrpColIdx, n.GrpOperators, n.GrpCollations = r.groupColumns(g, plan)
			return n, nil
		}
		a := &Agg{Node: Node{Left: plan, Qual: slices.Clone(g.having), TargetList: list}, AggStrategy: s, NumGroups: g.groups, GroupingSets: g.sets}
		if s == AggMixed {
			a.AggStrategy = AggHashed
		}
		a.GrpColIdx, a.GrpOperators, a.GrpCollations = r.groupColumns(g, plan)
		return a, nil
	}
	return p
}

func (r *root) groupColumns(g *grouping, in Plan) (cols []int, ops, colls []oid.OID) {
	for i, c := range r.q.GroupClause {
		cols = append(cols, findTarget(in.Common().TargetList, g.exprs[i])+1)
		ops, colls = append(ops, c.Eqop), append(colls, collationOf(g.exprs[i]))
	}
	return
}

// removeDependentGroups drops grouping columns of a table that all columns of its
// primary key determine.
func (r *root) removeDependentGroups() {
	q := r.q
	if len(q.GroupingSets) > 0 || len(q.GroupClause) < 2 {
		return
	}
	drop := map[int]bool{}
	for _, b := range r.rels {
		if b == nil || b.table == nil {
			continue
		}
		atts := map[int]bool{}
		for _, c := range q.GroupClause {
			if v, ok := refTarget(q.TargetList, c.TleSortGroupRef).(*node.Var); ok && v.Varno == b.rti {
				atts[v.Varattno] = true
			}
		}
		for _, ix := range b.indexes {
			info := ix.Rel.Index
			if !info.Primary || len(atts) <= info.KeyCols || !info.Immediate {
				continue
			}
			key := map[int]bool{}
			for _, a := range info.AttNums[:info.KeyCols] {
				key[int(a)] = true
			}
			all := true
			for a := range key {
				all = all && atts[a]
			}
			if !all {
				continue
			}
			for _, c := range q.GroupClause {
				if v, ok := refTarget(q.TargetList, c.TleSortGroupRef).(*node.Var); ok && v.Varno == b.rti && !key[v.Varattno] {
					drop[c.TleSortGroupRef] = true
				}
			}
		}
	}
	q.GroupClause = slices.DeleteFunc(slices.Clone(q.GroupClause), func(c *node.SortGroupClause) bool { return drop[c.TleSortGroupRef] })
}

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

// setsBeyond reports whether e calls a set-returning function that is not in one
// of known.
func setsBeyond(e node.Node, known []node.Node) bool {
	found := false
	node.Walk(e, func(n node.Node) bool {
		if slices.ContainsFunc(known, func(k node.Node) bool { return node.Equal(k, n) }) {
			return false
		}
		if f, ok := n.(*node.FuncExpr); ok && f.Funcretset {
			found = true
		}
		return !found
	})
	return found
}

// setsCost is the cost of one aggregation for each grouping set.
func (r *root) setsCost(s AggStrategy, g *grouping, in *path) aggResult {
	var out aggResult
	for i, set := range g.sets {
		var e []node.Node
		for _, k := range set {
			e = append(e, g.exprs[k])
		}
		strategy, n := AggHashed, r.groups(e, in.rows)
		if len(set) == 0 {
			strategy, n = AggSorted, 1
		}
		if i == 0 {
			out = r.aggCost(strategy, g.costs, len(set), n, g.having, in.startup, in.total, in.rows, in.width)
			continue
		}
		c := r.aggCost(strategy, g.costs, len(set), n, g.having, 0, 0, in.rows, in.width)
		out.total, out.rows = out.total+c.total, out.rows+c.rows
	}
	if s == AggMixed {
		out.startup = in.startup
	}
	return out
}

// groupInputs makes the paths below aggregation compute list; set-returning
// functions that are grouped by are expanded there.
func (r *root) groupInputs(in *rel, list []*node.TargetEntry, exprs []node.Node) *rel {
	out := r.upperRel(in.rows)
	sets := anySet(exprs)
	for _, p := range in.paths {
		switch {
		case !p.needs.empty():
		case sets:
			out.add(r.setPath(p, list))
		default:
			out.add(r.projected(p, list))
		}
	}
	if sets {
		r.q.HasTargetSRFs = slices.ContainsFunc(r.q.TargetList, func(te *node.TargetEntry) bool { return setsBeyond(te.Expr, exprs) })
	}
	r.finishRel(out)
	return out
}
