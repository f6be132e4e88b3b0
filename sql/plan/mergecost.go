package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
)

// sortMerge adds merge joins of both cheapest sides, sorted, one for each key that
// may come first.
func (r *root) sortMerge(x *joining) {
	if len(x.merge) == 0 {
		return
	}
	outer, inner := x.o.cheapest, x.i.cheapest
	if x.uniqueO != nil {
		outer = x.uniqueO
	}
	if x.uniqueI != nil {
		inner = x.uniqueI
	}
	if outer == nil || inner == nil || outer.needs.overlaps(x.i.ids) || inner.needs.overlaps(x.o.ids) {
		return
	}
	all := r.mergeOrder(x)
	for i := range all {
		keys := slices.Clone(all)
		if i > 0 {
			keys = slices.Insert(slices.Delete(keys, i, i+1), 0, all[i])
		}
		quals := r.clausesFor(x, keys)
		r.mergeJoin(x, outer, inner, r.joinKeys(x, keys), quals, keys, r.innerKeys(x, quals, keys))
	}
}

// mergeOrder is the order of the outer side by all merge conditions: the order
// that the query wants if they give it, the most popular keys first otherwise.
func (r *root) mergeOrder(x *joining) []sortKey {
	var keys []sortKey
	for _, q := range x.merge {
		k := r.sideKey(x, q, true)
		if !slices.ContainsFunc(keys, func(o sortKey) bool { return o.ec.top() == k.ec.top() }) {
			keys = append(keys, k)
		}
	}
	var out []sortKey
	if len(r.query) > 0 {
		every := true
		for _, w := range r.query {
			every = every && slices.ContainsFunc(keys, func(k sortKey) bool { return k.ec.top() == w.ec.top() })
		}
		if every {
			out = append(out, r.query...)
		}
	}
	score := func(k sortKey) int {
		n := 0
		for _, m := range k.ec.top().members {
			if !m.ids.empty() && !m.ids.overlaps(x.j.ids) {
				n++
			}
		}
		return n
	}
	slices.SortStableFunc(keys, func(a, b sortKey) int { return score(b) - score(a) })
	for _, k := range keys {
		if !slices.ContainsFunc(out, func(o sortKey) bool { return o.ec.top() == k.ec.top() }) {
			out = append(out, k)
		}
	}
	return out
}

// sideKey is the sort key of one side of a merge condition.
func (r *root) sideKey(x *joining, q *qual, outer bool) sortKey {
	left := q.leftR.in(x.o.ids) == outer
	e := q.right
	if left {
		e = q.left
	}
	return sortKey{ec: r.sideClass(q, left), e: e, family: q.equal[0], collation: q.e.(*node.OpExpr).Inputcollid}
}

// clausesFor are the merge conditions that an order of the outer side can serve,
// in that order.
func (r *root) clausesFor(x *joining, keys []sortKey) []*qual {
	var out []*qual
	for _, k := range keys {
		found := false
		for _, q := range x.merge {
			if r.sideKey(x, q, true).ec.top() == k.ec.top() && q.equal[0] == k.family {
				out, found = append(out, q), true
			}
		}
		if !found {
			break
		}
	}
	return out
}

// innerKeys is the order that the inner side needs.
func (r *root) innerKeys(x *joining, quals []*qual, outer []sortKey) []sortKey {
	var out []sortKey
	for _, q := range quals {
		o, k := r.sideKey(x, q, true), r.sideKey(x, q, false)
		for _, w := range outer {
			if w.ec.top() == o.ec.top() {
				k.desc, k.nullsFirst = w.desc, w.nullsFirst
			}
		}
		if !slices.ContainsFunc(out, func(l sortKey) bool { return l.ec.top() == k.ec.top() }) {
			out = append(out, k)
		}
	}
	return out
}

// mergePaths adds merge joins with an outer path that is in order.
func (r *root) mergePaths(x *joining, o, inner *path, keys []sortKey) {
	quals := r.clausesFor(x, o.keys)
	all := x.kind == node.JoinRight || x.kind == node.JoinFull
	if len(quals) == 0 || all && len(quals) != len(x.merge) {
		return
	}
	want := r.innerKeys(x, quals, o.keys)
	r.mergeJoin(x, o, inner, keys, quals, nil, want)
	if x.uniqueI != nil {
		return
	}
	var total, quick *path
	if ordered(inner.keys, want) {
		total, quick = inner, inner
	}
	for n := len(want); n > 0; n-- {
		trial := want[:n]
		used := quals
		if n < len(want) {
			used = r.trimClauses(x, quals, trial)
		}
		if p := cheapestOrdered(x.i.paths, trial, nil, false); p != nil && (total == nil || strictlyCheaper(p, total, false)) && len(used) > 0 {
			r.mergeJoin(x, o, p, keys, used, nil, nil)
			total = p
		}
		if p := cheapestOrdered(x.i.paths, trial, nil, true); p != nil && (quick == nil || strictlyCheaper(p, quick, true)) && len(used) > 0 {
			if p != total {
				r.mergeJoin(x, o, p, keys, used, nil, nil)
			}
			quick = p
		}
		if all {
			break
		}
	}
}

// trimClauses are the conditions that an order of the inner side can serve.
func (r *root) trimClauses(x *joining, quals []*qual, keys []sortKey) []*qual {
	var out []*qual
	for _, q := range quals {
		if !slices.ContainsFunc(keys, func(k sortKey) bool { return k.ec.top() == r.sideKey(x, q, false).ec.top() }) {
			break
		}
		out = append(out, q)
	}
	return out
}

// mergeJoin adds a merge join; okeys and ikeys are orders that the sides must be
// sorted into.
func (r *root) mergeJoin(x *joining, outer, inner *path, keys []sortKey, quals []*qual, okeys, ikeys []sortKey) {
	needs := outer.needs.union(inner.needs)
	if len(quals) == 0 || !r.allowed(x, needs, outer, nil) {
		return
	}
	order := outer.keys
	if okeys != nil {
		order = okeys
	}
	p := &path{rel: x.j, keys: keys, needs: needs, rows: x.j.rows, width: x.j.width}
	if !needs.empty() {
		p.rows = r.joinParamRows(x, outer, inner)
		p.covered = append(slices.Clone(outer.covered), inner.covered...)
	}
	os, oe, is, ie := 0.0, 1.0, 0.0, 1.0
	if x.kind != node.JoinFull {
		os, oe, is, ie = r.scanShares(x, quals[0], order[0])
		if x.kind == node.JoinLeft || x.kind == node.JoinAnti {
			os, oe = 0, 1
		} else if x.kind == node.JoinRight {
			is, ie = 0, 1
		}
	}
	oskip, iskip := math.RoundToEven(outer.rows*os), math.RoundToEven(inner.rows*is)
	orows, irows := clamp(outer.rows*oe), clamp(inner.rows*ie)
	os, is, oe, ie = oskip/outer.rows, iskip/inner.rows, orows/outer.rows, irows/inner.rows
	so, si := r.sorted(outer, okeys, -1), r.sorted(inner, ikeys, -1)
	p.startup = so.startup + (so.total-so.startup)*os + si.startup + (si.total-si.startup)*is
	run := (so.total - so.startup) * (oe - os)
	innerRun := (si.total - si.startup) * (ie - is)
	skip := (x.was == node.JoinSemi || x.was == node.JoinAnti || x.unique) && len(quals) == len(x.quals)
	tuples := r.approxRows(x, outer, inner, quals)
	again := 0.0
	if !skip && x.uniqueO == nil {
		again = math.Max(0, tuples-inner.rows)
	}
	ratio := 1 + again/irows
	plain, kept := innerRun*ratio, innerRun+r.set.CPUOperatorCost*irows*ratio
	material := false
	switch {
	case skip:
	case !r.set.NoMaterial && kept < plain:
		material = true
	case si == inner && !inner.marks:
		material = true
	case !r.set.NoMaterial && si != inner && rowBytes(inner.rows, inner.width) > r.set.WorkMem:
		material = true
	}
	if material {
		run += kept
	} else {
		run += plain
	}
	mc, all := r.qualCost(quals), r.qualCost(x.quals)
	p.startup += mc.startup + mc.per*(oskip+iskip*ratio)
	run += mc.per * (orows - oskip + (irows-iskip)*ratio)
	p.startup += all.startup - mc.startup
	run += (r.set.CPUTupleCost + all.per - mc.per) * tuples
	if r.set.NoMergeJoin {
		p.startup += disabled
	}
	p.total = p.startup + run
	p.make = func() (Plan, error) { return r.makeMerge(x, so, si, quals, order, material, skip) }
	x.j.add(p)
}

// scanShares estimates where a merge of two ordered sides begins and ends in each.
func (r *root) scanShares(x *joining, q *qual, k sortKey) (os, oe, is, ie float64) {
	os, oe, is, ie = 0, 1, 0, 1
	o, i := r.sides(q, x.o)
	ov, iv := r.examine(o), r.examine(i)
	if ov.stats == nil || iv.stats == nil || ov.rel == nil || iv.rel == nil {
		return
	}
	coll := q.e.(*node.OpExpr).Inputcollid
	omin, omax, ok1 := r.extremes(ov, k)
	imin, imax, ok2 := r.extremes(iv, k)
	if !ok1 || !ok2 {
		return
	}
	if !k.desc {
		oe, ie = r.rangeConst(ov, imax, false, true, coll), r.rangeConst(iv, omax, false, true, coll)
		os, is = r.rangeConst(ov, imin, false, false, coll), r.rangeConst(iv, omin, false, false, coll)
	} else {
		oe, ie = r.rangeConst(ov, imin, true, true, coll), r.rangeConst(iv, omin, true, true, coll)
		os, is = r.rangeConst(ov, imax, true, false, coll), r.rangeConst(iv, omax, true, false, coll)
	}
	switch {
	case oe > ie:
		oe = 1
	case oe < ie:
		ie = 1
	default:
		oe, ie = 1, 1
	}
	switch {
	case os < is:
		os = 0
	case os > is:
		is = 0
	default:
		os, is = 0, 0
	}
	if k.nullsFirst {
		os, oe = math.Min(1, os+ov.stats.NullFrac), math.Min(1, oe+ov.stats.NullFrac)
		is, ie = math.Min(1, is+iv.stats.NullFrac), math.Min(1, ie+iv.stats.NullFrac)
	}
	if os >= oe {
		os, oe = 0, 1
	}
	if is >= ie {
		is, ie = 0, 1
	}
	return
}

// extremes are the smallest and largest known value of a column.
func (r *root) extremes(v variable, k sortKey) (lo, hi datum.Datum, ok bool) {
	cmp, err := r.cat.Compare(v.stats.Type, k.collation)
	if err != nil {
		return
	}
	see := func(d datum.Datum) {
		if !ok || cmp(d, lo) < 0 {
			lo = d
		}
		if !ok || cmp(d, hi) > 0 {
			hi = d
		}
		ok = true
	}
	if n := len(v.stats.Histogram); n > 0 {
		see(v.stats.Histogram[0])
		see(v.stats.Histogram[n-1])
	}
	if ok || len(v.stats.Histogram) == 0 {
		sum := v.stats.NullFrac
		for _, f := range v.stats.CommonFreq {
			sum += f
		}
		if ok || sum > 0.99999 {
			for _, d := range v.stats.Common {
				see(d)
			}
		}
	}
	return
}

// sorted puts a sort on top of p unless it is in order. limit ≥ 0 is how many rows
// will be read.
func (r *root) sorted(p *path, keys []sortKey, limit float64) *path {
	if ordered(p.keys, keys) {
		return p
	}
	startup, run := r.sortCost(p.rows, p.width, limit, 0)
	s := &path{rel: p.rel, rows: p.rows, width: p.width, keys: keys, needs: p.needs, covered: p.covered, startup: p.total + startup,
		keepsRows: true, marks: true, passes: true}
	s.total = s.startup + run
	if r.set.NoSort {
		s.startup, s.total = s.startup+disabled, s.total+disabled
	}
	s.rescan = func() (float64, float64) { return 0, r.keptRescan(p.rows, p.width, r.set.CPUOperatorCost) }
	s.make = func() (Plan, error) {
		in, err := r.build(p)
		if err != nil {
			return nil, err
		}
		return r.makeSort(in, keys)
	}
	return s
}
