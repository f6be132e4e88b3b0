package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// exhaustive is up to how many items all join orders are tried; beyond it the
// cheapest pair is joined first, again and again.
const exhaustive = 8

// planGroup makes the paths of a group.
func (r *root) planGroup(g *group) (*rel, error) {
	base := make([]*rel, len(g.items))
	for i, it := range g.items {
		var err error
		if base[i], err = r.planItem(it, g); err != nil {
			return nil, err
		}
	}
	if len(base) == 1 {
		return r.filtered(base[0], leftover(g.quals, base[0].ids)), nil
	}
	for _, b := range base {
		if b.table != nil {
			r.indexPaths(b, r.joinQuals(g.quals, b))
		}
	}
	var final *rel
	if len(base) <= exhaustive {
		final = r.allOrders(g, base)
	} else {
		final = r.greedy(g, base)
	}
	return final, nil
}

// leftover are conditions of a group that no member took: those without
// variables, and volatile ones.
func leftover(quals []*qual, ids relids) []*qual {
	var out []*qual
	for _, q := range quals {
		if q.volatile || q.need.empty() {
			out = append(out, q)
		}
	}
	return out
}

// planItem makes the relation of an item with the group's conditions on it alone.
func (r *root) planItem(it *item, g *group) (*rel, error) {
	if it.left == nil {
		var own []*qual
		for _, q := range g.quals {
			if !q.volatile && !q.need.empty() && q.need.in(it.ids) {
				own = append(own, q)
			}
		}
		return r.baseRel(it.rti, own)
	}
	left, err := r.planGroup(it.left)
	if err != nil {
		return nil, err
	}
	right, err := r.planGroup(it.right)
	if err != nil {
		return nil, err
	}
	if right.table != nil && right.rti != 0 {
		r.indexPaths(right, r.joinQuals(it.on, right))
	}
	j := &rel{ids: it.ids}
	j.rows = r.joinRows(it.kind, left, right, it.on)
	r.joinPaths(j, left, right, it.kind, it.on, it.above)
	j.rows = clamp(j.rows * r.selectivity(it.above, j.ids))
	for _, p := range j.paths {
		p.rows = j.rows
	}
	return j, nil
}

// joinQuals are the conditions that relate b to others.
func (r *root) joinQuals(quals []*qual, b *rel) []*qual {
	var out []*qual
	for _, q := range quals {
		if q.need.overlaps(b.ids) && !q.need.in(b.ids) && !q.volatile {
			out = append(out, q)
		}
	}
	return out
}

// filtered puts conditions that apply to nothing in particular over b.
func (r *root) filtered(b *rel, quals []*qual) *rel {
	if len(quals) == 0 {
		return b
	}
	out := &rel{ids: b.ids, rows: clamp(b.rows * r.selectivity(quals, b.ids)), rti: b.rti, table: b.table}
	for _, p := range b.paths {
		q := *p
		q.rows = out.rows
		q.total += p.rows * r.qualCost(quals)
		inner := p.make
		q.make = func() (Plan, error) {
			plan, err := inner()
			if err != nil {
				return nil, err
			}
			return r.gate(plan, quals), nil
		}
		out.add(&q)
	}
	return out
}

// gate adds conditions to a plan: those without variables are checked once, in
// front of it.
func (r *root) gate(p Plan, quals []*qual) Plan {
	var once, each []node.Node
	for _, q := range quals {
		if q.volatile {
			each = append(each, q.e)
		} else {
			once = append(once, r.nestParams(q.e))
		}
	}
	c := p.Common()
	if len(each) > 0 {
		c.Qual = append(c.Qual, each...)
	}
	if len(once) == 0 {
		return p
	}
	res := &Result{Node: Node{StartupCost: c.StartupCost, TotalCost: c.TotalCost, Rows: c.Rows, Width: c.Width, Left: p, TargetList: slices.Clone(c.TargetList)}, ResConstantQual: once}
	return res
}

// allOrders tries all pairs of disjoint sets, smaller ones first.
func (r *root) allOrders(g *group, base []*rel) *rel {
	n := len(base)
	best := map[uint]*rel{}
	for i, b := range base {
		best[1<<i] = b
	}
	full := uint(1)<<n - 1
	for size := 2; size <= n; size++ {
		for set := uint(1); set <= full; set++ {
			if popcount(set) != size {
				continue
			}
			for _, connected := range []bool{true, false} {
				for a := (set - 1) & set; a > 0; a = (a - 1) & set {
					b := set &^ a
					l, rt := best[a], best[b]
					if l == nil || rt == nil || connected != r.connected(g, l, rt) {
						continue
					}
					j := best[set]
					if j == nil {
						j = &rel{ids: l.ids.union(rt.ids)}
						best[set] = j
					}
					r.innerJoin(g, j, l, rt, set == full)
				}
				if best[set] != nil && len(best[set].paths) > 0 {
					break
				}
			}
		}
	}
	return best[full]
}

func popcount(x uint) int {
	n := 0
	for ; x != 0; x &= x - 1 {
		n++
	}
	return n
}

// connected reports whether a condition relates the two sides.
func (r *root) connected(g *group, a, b *rel) bool {
	u := a.ids.union(b.ids)
	for _, q := range g.quals {
		if q.need.in(u) && q.need.overlaps(a.ids) && q.need.overlaps(b.ids) {
			return true
		}
	}
	return r.lateralTo(a, b) || r.lateralTo(b, a)
}

// lateralTo reports whether every path of b needs rows of a.
func (r *root) lateralTo(a, b *rel) bool {
	for _, p := range b.paths {
		if p.needs.overlaps(a.ids) {
			return b.cheapest(nil, 0) == nil
		}
	}
	return false
}

// greedy joins the pair with the fewest rows until one relation is left.
func (r *root) greedy(g *group, base []*rel) *rel {
	rels := slices.Clone(base)
	for len(rels) > 1 {
		var bestJ *rel
		bi, bk := -1, -1
		for _, connected := range []bool{true, false} {
			for i := range rels {
				for k := range rels {
					if i == k || connected != r.connected(g, rels[i], rels[k]) {
						continue
					}
					j := &rel{ids: rels[i].ids.union(rels[k].ids)}
					r.innerJoin(g, j, rels[i], rels[k], len(rels) == 2)
					r.innerJoin(g, j, rels[k], rels[i], len(rels) == 2)
					if len(j.paths) == 0 {
						continue
					}
					if bestJ == nil || j.rows < bestJ.rows || j.rows == bestJ.rows && j.paths[0].total < bestJ.paths[0].total {
						bestJ, bi, bk = j, i, k
					}
				}
			}
			if bestJ != nil {
				break
			}
		}
		if bestJ == nil {
			return nil
		}
		var next []*rel
		for i := range rels {
			if i != bi && i != bk {
				next = append(next, rels[i])
			}
		}
		rels = append(next, bestJ)
	}
	return rels[0]
}

// innerJoin adds the joins of l (outer) and rt (inner) to j. final says that
// conditions without variables are due.
func (r *root) innerJoin(g *group, j, l, rt *rel, final bool) {
	var quals []*qual
	for _, q := range g.quals {
		if !q.need.in(j.ids) || q.need.in(l.ids) && !q.need.empty() && !q.volatile || q.need.in(rt.ids) && !q.need.empty() && !q.volatile {
			continue
		}
		if (q.need.empty() || q.volatile) && !final {
			continue
		}
		quals = append(quals, q)
	}
	rows := r.joinRows(node.JoinInner, l, rt, quals)
	if j.rows == 0 {
		j.rows = rows
	}
	r.joinPaths(j, l, rt, node.JoinInner, quals, nil)
}

// joinRows estimates the size of a join.
func (r *root) joinRows(kind node.JoinType, l, rt *rel, quals []*qual) float64 {
	s := r.selectivity(quals, nil)
	rows := l.rows * rt.rows * s
	switch kind {
	case node.JoinLeft:
		rows = math.Max(rows, l.rows)
	case node.JoinFull:
		rows = math.Max(rows, math.Max(l.rows, rt.rows))
	case node.JoinSemi:
		rows = l.rows * math.Min(1, rt.rows*s)
	case node.JoinAnti:
		rows = l.rows * math.Max(0, 1-math.Min(1, rt.rows*s))
	}
	return clamp(rows)
}

// joinPaths adds the ways to join l and rt to j. above are conditions for the
// joined rows.
func (r *root) joinPaths(j, l, rt *rel, kind node.JoinType, on, above []*qual) {
	for _, lp := range r.interesting(l) {
		for _, rp := range rt.paths {
			if rp.needs.empty() || rp.needs.overlaps(l.ids) {
				r.nestLoop(j, lp, rp, l, rt, kind, on, above)
			}
		}
	}
	lp, rp := l.cheapest(nil, 0), rt.cheapest(nil, 0)
	if lp == nil || rp == nil {
		return
	}
	if kind == node.JoinFull && len(on) > 0 {
		r.fullJoin = true
	}
	var eq []*qual
	for _, q := range on {
		if q.canHash && r.splits(q, l, rt) {
			eq = append(eq, q)
		}
	}
	if len(eq) > 0 {
		r.hashJoin(j, lp, rp, l, rt, kind, on, above, eq)
		if fast := l.cheapest(nil, 1e-9); fast != lp && fast != nil {
			r.hashJoin(j, fast, rp, l, rt, kind, on, above, eq)
		}
	}
	r.mergeJoin(j, lp, rp, l, rt, kind, on, above)
}

// interesting are the paths of an outer side worth trying.
func (r *root) interesting(l *rel) []*path {
	var out []*path
	for _, p := range l.paths {
		if p.needs.empty() {
			out = append(out, p)
		}
	}
	return out
}

// splits reports whether q compares something of l with something of rt.
func (r *root) splits(q *qual, l, rt *rel) bool {
	if q.leftR == nil {
		return false
	}
	return q.leftR.in(l.ids) && q.rightR.in(rt.ids) || q.leftR.in(rt.ids) && q.rightR.in(l.ids)
}

// sides orders the sides of q: first that of l.
func (r *root) sides(q *qual, l *rel) (outer, inner node.Node) {
	if q.leftR.in(l.ids) {
		return q.left, q.right
	}
	return q.right, q.left
}

func (r *root) nestLoop(j *rel, lp, rp *path, l, rt *rel, kind node.JoinType, on, above []*qual) {
	if kind == node.JoinFull || kind == node.JoinRight {
		return
	}
	needs := lp.needs.union(rp.needs.minus(l.ids))
	rest := on
	if rp.needs.overlaps(l.ids) {
		// Conditions that the inner path enforces by its parameters are not checked
		// again; makeNest finds out which.
		rest = on
	}
	rescan := rp.total
	material := false
	if rp.needs.empty() && !r.set.NoMaterial {
		bytes := rt.rows * float64(24+8*max(1, rt.width/8))
		mat := rp.rows*r.set.CPUOperatorCost + bytes/8192*0
		if mat < rescan && (rt.rti == 0 || rp.total > mat*2) {
			rescan, material = mat, true
		}
	}
	outerRows := math.Max(lp.rows, 1)
	pairs := outerRows * math.Max(rp.rows, 1)
	frac := 1.0
	if kind == node.JoinSemi || rp.unique && rp.needs.overlaps(l.ids) {
		frac = 0.5
		if rp.unique {
			frac = 1
		}
	}
	p := &path{rows: j.rows, keys: lp.keys, needs: needs}
	p.startup = lp.startup + rp.startup
	p.total = lp.total + rp.total + (outerRows-1)*rescan*frac + pairs*frac*(r.set.CPUTupleCost+r.qualCost(rest))
	if r.set.NoNestLoop {
		p.startup, p.total = p.startup+disabled, p.total+disabled
	}
	p.unique = lp.unique && rp.unique
	p.make = func() (Plan, error) { return r.makeNest(j, lp, rp, l, rt, kind, on, above, material) }
	j.add(p)
}

func (r *root) hashJoin(j *rel, lp, rp *path, l, rt *rel, kind node.JoinType, on, above, eq []*qual) {
	p := &path{rows: j.rows}
	op := r.set.CPUOperatorCost * float64(len(eq))
	p.startup = rp.total + rp.rows*(op+r.set.CPUTupleCost) + lp.startup
	pairs := math.Max(j.rows, 1)
	p.total = p.startup + lp.total - lp.startup + lp.rows*op + pairs*(r.set.CPUTupleCost+r.qualCost(on))
	p.total += rp.rows / 10 * r.set.CPUOperatorCost
	if r.set.NoHashJoin {
		p.startup, p.total = p.startup+disabled, p.total+disabled
	}
	p.make = func() (Plan, error) { return r.makeHash(j, lp, rp, l, rt, kind, on, above, eq) }
	j.add(p)
	// A left or full join may as well be built on the other side only as a right
	// join; inner joins come in both orders anyway.
}

func (r *root) mergeJoin(j *rel, lp, rp *path, l, rt *rel, kind node.JoinType, on, above []*qual) {
	var eq []*qual
	var lk, rk []sortKey
	for _, q := range on {
		if len(q.families) == 0 || !r.splits(q, l, rt) {
			continue
		}
		o, i := r.sides(q, l)
		f := q.families[0]
		lo, err1 := r.cat.FamilyOperator(f.Family, node.ExprType(bare(o)), node.ExprType(bare(o)), 1)
		io, err2 := r.cat.FamilyOperator(f.Family, node.ExprType(bare(i)), node.ExprType(bare(i)), 1)
		if err1 != nil || err2 != nil || lo == oid.Invalid || io == oid.Invalid || node.ExprType(bare(o)) != node.ExprType(bare(i)) {
			continue
		}
		coll := q.e.(*node.OpExpr).Inputcollid
		eq = append(eq, q)
		lk = append(lk, sortKey{e: o, op: lo, family: f.Family, collation: coll})
		rk = append(rk, sortKey{e: i, op: io, family: f.Family, collation: coll})
	}
	if len(eq) == 0 || kind == node.JoinSemi && false {
		return
	}
	if kind == node.JoinFull && len(eq) != len(on) {
		return
	}
	ls := r.sortedBest(l, lp, lk)
	rs := r.sortedBest(rt, rp, rk)
	p := &path{rows: j.rows, keys: ls.keys}
	p.startup = ls.startup + rs.startup
	p.total = ls.total + rs.total + (lp.rows+rp.rows)*r.set.CPUOperatorCost*float64(len(eq)) + j.rows*(r.set.CPUTupleCost+r.qualCost(on))
	if r.set.NoMergeJoin {
		p.startup, p.total = p.startup+disabled, p.total+disabled
	}
	if kind == node.JoinFull {
		p.keys = nil
	}
	p.make = func() (Plan, error) { return r.makeMerge(j, ls, rs, l, rt, kind, on, above, eq, lk) }
	j.add(p)
}

// sortedBest is the cheapest way to have b's rows in the given order.
func (r *root) sortedBest(b *rel, cheapest *path, keys []sortKey) *path {
	best := r.sorted(cheapest, keys, -1)
	for _, p := range b.paths {
		if p.needs.empty() && ordered(p.keys, keys) && p.total < best.total {
			best = p
		}
	}
	return best
}

// sorted puts a sort on top of p. limit ≥ 0 is how many rows will be read.
func (r *root) sorted(p *path, keys []sortKey, limit float64) *path {
	if ordered(p.keys, keys) {
		return p
	}
	n := math.Max(p.rows, 2)
	cmp := 2 * r.set.CPUOperatorCost
	cost := cmp * n * math.Log2(n)
	if limit > 0 && limit*2 < n {
		cost = cmp * n * math.Log2(2*limit)
	}
	s := &path{rel: p.rel, rows: p.rows, keys: keys, needs: p.needs}
	s.startup = p.total + cost
	s.total = s.startup + r.set.CPUOperatorCost*n
	if r.set.NoSort {
		s.startup, s.total = s.startup+disabled, s.total+disabled
	}
	s.make = func() (Plan, error) {
		in, err := p.make()
		if err != nil {
			return nil, err
		}
		costs(in, p)
		return r.makeSort(in, keys)
	}
	return s
}
