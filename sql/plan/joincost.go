package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

// allowed reports whether a join path may take parameters: from what its outer
// joins or LATERAL references must get from outside, or as the middle of a star.
func (r *root) allowed(x *joining, needs relids, outer, inner *path) bool {
	if needs.empty() {
		return true
	}
	var sources relids
	for _, s := range r.specials {
		if x.j.ids.overlaps(s.minR) && !x.j.ids.overlaps(s.minL) {
			sources = sources.union(r.allIDs.minus(s.minR))
		}
		if s.kind == node.JoinFull && x.j.ids.overlaps(s.minL) && !x.j.ids.overlaps(s.minR) {
			sources = sources.union(r.allIDs.minus(s.minL))
		}
	}
	for k := range x.j.ids.each() {
		if b := r.rels[k]; b != nil {
			sources = sources.union(b.lateral)
		}
	}
	if needs.overlaps(sources) {
		return true
	}
	return inner != nil && inner.needs.overlaps(x.o.ids) && !inner.needs.in(x.o.ids)
}

// enforced reports whether conditions that a path checks say q already.
func enforced(covered []*qual, q *qual) bool {
	return slices.ContainsFunc(covered, q.impliedBy)
}

func (r *root) nestLoop(x *joining, outer, inner *path, keys []sortKey) {
	needs := outer.needs.union(inner.needs).minus(x.o.ids).minus(x.i.ids)
	if inner.needs.overlaps(x.i.ids) || outer.needs.overlaps(x.i.ids) || !r.allowed(x, needs, outer, inner) {
		return
	}
	quals := x.quals
	if inner.needs.overlaps(x.o.ids) {
		quals = slices.DeleteFunc(slices.Clone(quals), func(q *qual) bool { return enforced(inner.covered, q) && q.need.in(x.i.ids.union(inner.needs)) })
	}
	p := &path{rel: x.j, keys: keys, needs: needs, rows: x.j.rows, width: x.j.width}
	if !needs.empty() {
		p.rows = r.joinParamRows(x, outer, inner)
		p.covered = append(slices.Clone(outer.covered), inner.covered...)
	}
	n := outer.rows
	again, againTotal := inner.again()
	p.startup = outer.startup + inner.startup
	run := outer.total - outer.startup
	if n > 1 {
		run += (n - 1) * again
	}
	first, next := inner.total-inner.startup, againTotal-again
	var tuples float64
	if x.was == node.JoinSemi || x.was == node.JoinAnti || x.unique {
		matched := math.RoundToEven(n * x.matched)
		left := n - matched
		frac := 2 / (x.matches + 1)
		tuples = matched * inner.rows * frac
		if r.indexed(x, inner) {
			run += first * frac
			if matched > 1 {
				run += (matched - 1) * next * frac
			}
			run += left * next / inner.rows
		} else {
			tuples += left * inner.rows
			run += first
			if left >= 1 {
				left--
			} else {
				matched--
			}
			if matched > 0 {
				run += matched * next * frac
			}
			if left > 0 {
				run += left * next
			}
		}
	} else {
		run += first
		if n > 1 {
			run += (n - 1) * next
		}
		tuples = n * inner.rows
	}
	c := r.qualCost(quals)
	p.startup += c.startup
	run += (r.set.CPUTupleCost + c.per) * tuples
	if r.set.NoNestLoop {
		p.startup += disabled
	}
	p.total = p.startup + run
	p.make = func() (Plan, error) { return r.makeNest(x, outer, inner, quals) }
	x.j.add(p)
}

// joinParamRows estimates the rows of a join that takes parameters.
func (r *root) joinParamRows(x *joining, outer, inner *path) float64 {
	needs := outer.needs.union(inner.needs).minus(x.j.ids)
	for _, in := range x.j.infos {
		if in.needs.equal(needs) {
			return in.rows
		}
	}
	c := joinContextOf(x.o, x.i, x.s)
	quals := slices.DeleteFunc(slices.Clone(x.quals), func(q *qual) bool { return enforced(inner.covered, q) })
	rows := outer.rows * inner.rows * r.selectivity(quals, c)
	if x.was == node.JoinSemi || x.was == node.JoinAnti {
		rows = outer.rows
	}
	if x.was == node.JoinLeft {
		rows = math.Max(rows, outer.rows)
	}
	rows = math.Min(clamp(rows), x.j.rows)
	x.j.infos = append(x.j.infos, &paramInfo{needs: needs, rows: rows})
	return rows
}

// indexed reports whether an index checks all the join conditions that an inner
// path takes parameters for.
func (r *root) indexed(x *joining, p *path) bool {
	if p.needs.empty() {
		return false
	}
	use := p.use
	switch {
	case p.ix != nil:
	case p.bitmap != nil && p.bitmap.scan != nil:
		use = p.bitmap.scan.use
	default:
		return false
	}
	one := false
	for _, q := range p.covered {
		if !q.need.in(x.j.ids) {
			continue
		}
		if !usedBy(q, use) {
			return false
		}
		one = true
	}
	return one
}

// tableSize is how many buckets and batches a hash table of rows has, as far as
// it is known before.
func (r *root) tableSize(rows, width float64, skew bool) (buckets, batches float64) {
	if rows <= 0 {
		rows = 1000
	}
	size := 16 + 16 + maxAlign(width)
	bytes := rows * size
	mem := r.set.hashMem()
	if skew {
		per := size + 8*8 + 4 + 16
		n := math.Floor(mem / per)
		n = math.Floor(n * 2 / 100)
		if n > 0 {
			mem -= n * per
		}
	}
	pow := func(n float64) float64 { return math.Exp2(math.Ceil(math.Log2(math.Max(n, 1)))) }
	most := math.Min(math.Exp2(math.Floor(math.Log2(mem/8))), 1<<30)
	buckets = pow(math.Max(1024, math.Min(math.Ceil(rows), most)))
	if bytes+8*buckets <= mem {
		return buckets, 1
	}
	per := size + 8
	buckets = 1
	if mem > per {
		buckets = pow(math.Floor(mem / per))
	}
	buckets = pow(math.Min(buckets, most))
	batches = math.Min(math.Ceil(bytes/(mem-8*buckets)), most)
	return buckets, pow(math.Max(2, batches))
}

// hashMem is the memory of a hash table.
func (s *Settings) hashMem() float64 {
	m := s.HashMemMultiplier
	if m == 0 {
		m = 2
	}
	return s.WorkMem * m
}

func (r *root) hashPaths(x *joining) {
	var eq []*qual
	for _, q := range x.quals {
		if q.canHash && r.splits(q, x.o, x.i) && !(x.kind != node.JoinInner && x.kind != node.JoinSemi && q.pushed) {
			eq = append(eq, q)
		}
	}
	if len(eq) == 0 {
		return
	}
	lo, li := x.o.cheapest, x.i.cheapest
	if lo == nil || li == nil || lo.needs.overlaps(x.i.ids) || li.needs.overlaps(x.o.ids) {
		return
	}
	fast := x.o.quickest
	switch {
	case x.uniqueO != nil:
		r.hashJoin(x, x.uniqueO, li, eq)
	case x.uniqueI != nil:
		r.hashJoin(x, lo, x.uniqueI, eq)
		if fast != nil && fast != lo {
			r.hashJoin(x, fast, x.uniqueI, eq)
		}
	default:
		if fast != nil {
			r.hashJoin(x, fast, li, eq)
		}
		for _, o := range x.o.params {
			for _, i := range x.i.params {
				if o.needs.overlaps(x.i.ids) || i.needs.overlaps(x.o.ids) || o == fast && i == li {
					continue
				}
				r.hashJoin(x, o, i, eq)
			}
		}
	}
}

func (r *root) hashJoin(x *joining, outer, inner *path, eq []*qual) {
	needs := outer.needs.union(inner.needs)
	if !r.allowed(x, needs, outer, nil) {
		return
	}
	p := &path{rel: x.j, needs: needs, rows: x.j.rows, width: x.j.width}
	if !needs.empty() {
		p.rows = r.joinParamRows(x, outer, inner)
		p.covered = append(slices.Clone(outer.covered), inner.covered...)
	}
	op, n := r.set.CPUOperatorCost, float64(len(eq))
	p.startup = outer.startup + inner.total + (op*n+r.set.CPUTupleCost)*inner.rows
	run := outer.total - outer.startup + op*n*outer.rows
	buckets, batches := r.tableSize(inner.rows, inner.width, true)
	if batches > 1 {
		op, ip := pagesOf(outer.rows, outer.width), pagesOf(inner.rows, inner.width)
		p.startup += r.set.SeqPageCost * ip
		run += r.set.SeqPageCost * (ip + 2*op)
	}
	virtual := buckets * batches
	size, common := 1.0, 1.0
	if x.uniqueI != nil {
		size, common = 1/virtual, 0
	} else {
		for _, q := range eq {
			_, key := r.sides(q, x.o)
			s, c := r.bucketStats(key, virtual)
			size, common = math.Min(size, s), math.Min(common, c)
		}
	}
	if rowBytes(clamp(inner.rows*common), inner.width) > r.set.hashMem() {
		p.startup += disabled
	}
	hc, all := r.qualCost(eq), r.qualCost(x.quals)
	rest := cost{all.startup - hc.startup, all.per - hc.per}
	var tuples float64
	p.startup += hc.startup
	if x.was == node.JoinSemi || x.was == node.JoinAnti || x.unique {
		matched := math.RoundToEven(outer.rows * x.matched)
		frac := 2 / (x.matches + 1)
		run += hc.per * matched * clamp(inner.rows*size*frac) * 0.5
		run += hc.per * (outer.rows - matched) * clamp(inner.rows/virtual) * 0.05
		tuples = matched
		if x.was == node.JoinAnti {
			tuples = outer.rows - matched
		}
	} else {
		run += hc.per * outer.rows * clamp(inner.rows*size) * 0.5
		tuples = r.approxRows(x, outer, inner, eq)
	}
	p.startup += rest.startup
	run += (r.set.CPUTupleCost + rest.per) * tuples
	if r.set.NoHashJoin {
		p.startup += disabled
	}
	p.total = p.startup + run
	if batches == 1 {
		p.rescan = func() (float64, float64) { return 0, p.total - p.startup }
	}
	p.make = func() (Plan, error) { return r.makeHash(x, outer, inner, eq) }
	x.j.add(p)
}

// approxRows is how many pairs of rows pass some of a join's conditions.
func (r *root) approxRows(x *joining, outer, inner *path, quals []*qual) float64 {
	c := &joinContext{kind: node.JoinInner, left: x.o.ids, right: x.i.ids}
	s := 1.0
	for _, q := range quals {
		s *= r.qualSel(q, c)
	}
	return clamp(s * outer.rows * inner.rows)
}

// unsortedOuter adds nested loops, and merge joins that use the order that the
// outer side has.
func (r *root) unsortedOuter(x *joining) {
	loops := x.kind != node.JoinRight && x.kind != node.JoinFull
	inner := x.i.cheapest
	if inner != nil && inner.needs.overlaps(x.o.ids) {
		inner = nil
	}
	var kept *path
	switch {
	case x.uniqueI != nil:
		inner = x.uniqueI
	case loops && inner != nil && !r.set.NoMaterial && !inner.keepsRows:
		kept = r.material(inner)
	}
	for _, o := range x.o.paths {
		if o.needs.overlaps(x.i.ids) {
			continue
		}
		if x.uniqueO != nil {
			if o != x.o.cheapest {
				continue
			}
			o = x.uniqueO
		}
		keys := r.joinKeys(x, o.keys)
		switch {
		case x.uniqueI != nil:
			r.nestLoop(x, o, inner, keys)
		case loops:
			for _, i := range x.i.params {
				r.nestLoop(x, o, i, keys)
				if m := r.memoize(x, o, i); m != nil {
					r.nestLoop(x, o, m, keys)
				}
			}
			if kept != nil {
				r.nestLoop(x, o, kept, keys)
			}
		}
		if x.uniqueO != nil || inner == nil || !r.mergeAllowed(x) {
			continue
		}
		r.mergePaths(x, o, inner, keys)
	}
}

// joinKeys is the order that a join keeps of its outer side's.
func (r *root) joinKeys(x *joining, keys []sortKey) []sortKey {
	if x.kind == node.JoinFull || x.kind == node.JoinRight || len(keys) == 0 {
		return nil
	}
	return r.useful(x.j, keys)
}

// memoize keeps the inner rows of each set of parameters, for outer rows that
// have the same again; nil if that cannot help.
func (r *root) memoize(x *joining, outer, inner *path) *path {
	if r.set.NoMemoize || x.o.rows < 2 || inner.needs.empty() || !inner.needs.overlaps(x.o.ids) || len(inner.covered) == 0 && x.i.lateral.empty() ||
		x.was == node.JoinSemi || x.was == node.JoinAnti && !x.unique {
		return nil
	}
	if x.unique && len(inner.covered) < len(x.quals) {
		return nil
	}
	keys, binary := r.memoKeys(x, inner)
	if keys == nil {
		return nil
	}
	p := *inner
	p.startup, p.total = inner.startup+r.set.CPUTupleCost, inner.total+r.set.CPUTupleCost
	p.ix, p.bitmap, p.keepsRows = nil, nil, true
	calls := outer.rows
	p.rescan = func() (float64, float64) {
		entry := rowBytes(inner.rows, inner.width) + 24 + 24 + 16*inner.rows
		fit := math.Floor(r.set.hashMem() / entry)
		nd := r.groups(keys, calls)
		if slices.ContainsFunc(keys, func(e node.Node) bool { _, sure := r.numDistinct(r.examine(e)); return !sure }) {
			nd = calls
		}
		evict := 1 - math.Min(fit, nd)/nd
		hit := (calls - nd) / calls * (fit / math.Max(nd, fit))
		startup, total := inner.again()
		total = total*(1-hit) + r.set.CPUOperatorCost + r.set.CPUTupleCost*evict + r.set.CPUOperatorCost/10*evict*inner.rows + r.set.CPUOperatorCost*inner.rows + r.set.CPUTupleCost
		return startup*(1-hit) + r.set.CPUTupleCost, total
	}
	p.make = func() (Plan, error) {
		in, err := r.build(inner)
		if err != nil {
			return nil, err
		}
		return r.makeMemoize(in, keys, x.unique, binary)
	}
	return &p
}

// memoKeys are the outer expressions that an inner path's rows depend on, nil if
// they cannot be hashed.
func (r *root) memoKeys(x *joining, inner *path) (out []node.Node, binary bool) {
	add := func(e node.Node) bool {
		if !r.hashTypes(node.ExprType(e), node.ExprType(e)) {
			return false
		}
		if !slices.ContainsFunc(out, func(o node.Node) bool { return node.Equal(o, e) }) {
			out = append(out, e)
		}
		return true
	}
	for _, q := range inner.covered {
		op, ok := q.e.(*node.OpExpr)
		if !ok || len(op.Args) != 2 || !q.canHash {
			return nil, false
		}
		e := q.right
		if q.rightR.overlaps(x.i.ids) {
			e = q.left
		}
		if !add(e) {
			return nil, false
		}
	}
	for k := range x.i.ids.each() {
		if b := r.rels[k]; b != nil {
			for _, n := range b.needs {
				if binary = true; !add(n.expr) {
					return nil, false
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, false
	}
	return out, binary
}
