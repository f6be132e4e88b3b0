package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

// bitmapTree is how the bitmap of a scan is made: an index scan, or trees that are
// intersected or united.
type bitmapTree struct {
	scan *path
	or   bool
	kids []*bitmapTree
	from *qual // the OR that it answers
}

func (t *bitmapTree) needs() relids {
	if t.scan != nil {
		return t.scan.needs
	}
	var s relids
	for _, k := range t.kids {
		s = s.union(k.needs())
	}
	return s
}

func (t *bitmapTree) pages() float64 {
	if t.scan != nil {
		return t.scan.ix.Pages
	}
	n := 0.0
	for _, k := range t.kids {
		n += k.pages()
	}
	return n
}

// cost is what making the bitmap costs, and which share of the table it names.
func (r *root) treeCost(t *bitmapTree) (cost, sel float64) {
	op := r.set.CPUOperatorCost
	if t.scan != nil {
		return t.scan.indexCost + 0.1*op*t.scan.rows, t.scan.indexSel
	}
	if !t.or {
		sel = 1
	}
	for i, k := range t.kids {
		c, s := r.treeCost(k)
		cost += c
		if i > 0 && (!t.or || k.scan == nil) {
			cost += 100 * op
		}
		if t.or {
			sel += s
		} else {
			sel *= s
		}
	}
	return cost, math.Min(sel, 1)
}

// bitmapCost is the cost of a bitmap heap scan.
func (r *root) bitmapCost(b *rel, t *bitmapTree, needs relids) (startup, total, rows float64) {
	cost, sel := r.treeCost(t)
	tuples := clamp(sel * b.tuples)
	loops := r.loops(b, needs)
	size := math.Max(b.pages, 1)
	pages := 2 * size * tuples / (2*size + tuples)
	heap := math.Min(pages, b.pages)
	if loops > 1 {
		pages = r.fetched(tuples*loops, b.pages, t.pages()) / loops
	}
	if limit := math.Max(16, math.Floor(r.set.WorkMem/(40+8+8))); limit < heap {
		// Beyond work_mem the bitmap names whole pages.
		exact := math.Max(0, limit-heap/2)
		lossy := heap - exact
		if lossy > 0 {
			tuples = clamp(sel * (exact/heap*b.tuples + lossy/heap*b.tuples/math.Max(sel, 1e-9)*1))
			tuples = math.Min(tuples, b.tuples)
		}
	}
	if pages >= size {
		pages = size
	} else {
		pages = math.Ceil(pages)
	}
	per := r.set.RandomPageCost
	if pages >= 2 {
		per -= (r.set.RandomPageCost - r.set.SeqPageCost) * math.Sqrt(pages/size)
	}
	quals := b.quals
	rows = b.rows
	if !needs.empty() {
		in := r.info(b, needs)
		rows = in.rows
		quals = append(slices.Clone(in.quals), quals...)
	}
	c := r.qualCost(quals)
	startup = cost + c.startup
	total = startup + pages*per + (r.set.CPUTupleCost+c.per)*tuples
	if r.set.NoBitmapScan {
		startup, total = startup+disabled, total+disabled
	}
	return startup, total, rows
}

// bitmapPath adds the scan of the table by a bitmap.
func (r *root) bitmapPath(b *rel, t *bitmapTree, needs relids) {
	needs = needs.union(b.lateral)
	p := &path{rel: b, needs: needs, bitmap: t}
	p.startup, p.total, p.rows = r.bitmapCost(b, t, needs)
	if !needs.empty() {
		p.covered = r.info(b, needs).quals
	}
	p.make = func() (Plan, error) { return r.makeBitmap(b, t, p), nil }
	b.add(p)
}

// usage is a candidate for a bitmap with the conditions that it answers.
type usage struct {
	t     *bitmapTree
	quals []*qual
	preds []node.Node
	cost  float64
	sel   float64
}

func (r *root) usageOf(b *rel, t *bitmapTree) usage {
	u := usage{t: t}
	u.cost, u.sel = r.treeCost(t)
	var walk func(t *bitmapTree)
	walk = func(t *bitmapTree) {
		if t.from != nil && !slices.Contains(u.quals, t.from) {
			u.quals = append(u.quals, t.from)
		}
		if t.scan != nil {
			for _, m := range t.scan.use {
				if !slices.Contains(u.quals, m.q) {
					u.quals = append(u.quals, m.q)
				}
			}
			u.preds = append(u.preds, r.indexPreds(b, t.scan.ix)...)
		}
		for _, k := range t.kids {
			walk(k)
		}
	}
	walk(t)
	return u
}

func sameSet(a, b usage) bool {
	in := func(x, y []*qual) bool {
		for _, q := range x {
			if !slices.Contains(y, q) {
				return false
			}
		}
		return true
	}
	preds := len(a.preds) == len(b.preds)
	for _, p := range a.preds {
		preds = preds && slices.ContainsFunc(b.preds, func(q node.Node) bool { return node.Equal(p, q) })
	}
	return preds && in(a.quals, b.quals) && in(b.quals, a.quals)
}

// chooseBitmaps picks the scans whose bitmaps are worth intersecting.
func (r *root) chooseBitmaps(b *rel, list []*path, needs relids) *bitmapTree {
	var uses []usage
	for _, p := range list {
		t := p.bitmap
		if t == nil {
			t = &bitmapTree{scan: p}
		}
		u := r.usageOf(b, t)
		i := slices.IndexFunc(uses, func(o usage) bool { return sameSet(o, u) })
		switch {
		case i < 0:
			uses = append(uses, u)
		case u.cost < uses[i].cost || u.cost == uses[i].cost && u.sel < uses[i].sel:
			uses[i] = u
		}
	}
	if len(uses) == 0 {
		return nil
	}
	slices.SortStableFunc(uses, func(x, y usage) int {
		switch {
		case x.cost < y.cost || x.cost == y.cost && x.sel < y.sel:
			return -1
		case x.cost > y.cost || x.sel > y.sel:
			return 1
		}
		return 0
	})
	total := func(t *bitmapTree) float64 {
		_, c, _ := r.bitmapCost(b, t, t.needs().union(b.lateral))
		return c
	}
	var best *bitmapTree
	bestCost := 0.0
	for i, u := range uses {
		t := u.t
		cost := total(t)
		have := slices.Clone(u.quals)
		preds := slices.Clone(u.preds)
		kids := []*bitmapTree{t}
		for _, o := range uses[i+1:] {
			if slices.ContainsFunc(o.quals, func(q *qual) bool { return slices.Contains(have, q) }) {
				continue
			}
			if len(o.preds) > 0 && !slices.ContainsFunc(o.preds, func(p node.Node) bool {
				return !slices.ContainsFunc(preds, func(x node.Node) bool { return r.implies(x, p) })
			}) {
				continue
			}
			try := &bitmapTree{kids: append(slices.Clone(kids), o.t)}
			if c := total(try); c < cost {
				cost, t, kids = c, try, try.kids
				have = append(have, o.quals...)
				preds = append(preds, o.preds...)
			}
		}
		if best == nil || cost < bestCost {
			best, bestCost = t, cost
		}
	}
	return best
}

// orPaths looks for ORs each of whose arms an index can answer, given the other
// conditions.
func (r *root) orPaths(b *rel, quals, others []*qual) []*path {
	var out []*path
	all := append(slices.Clone(quals), others...)
	for _, q := range quals {
		or, ok := q.e.(*node.BoolExpr)
		if !ok || or.Boolop != node.OrExpr {
			continue
		}
		t := &bitmapTree{or: true, from: q}
		for _, arm := range or.Args {
			var own []*qual
			for _, e := range andList(arm) {
				x := r.makeQual(e)
				x.req, x.pushed = x.need, true
				own = append(own, x)
			}
			list := r.armPaths(b, own, all)
			list = append(list, r.orPaths(b, own, all)...)
			k := r.chooseBitmaps(b, list, nil)
			if k == nil {
				t = nil
				break
			}
			if k.scan == nil && k.or && k.from != nil && false {
				t.kids = append(t.kids, k.kids...)
			} else {
				t.kids = append(t.kids, k)
			}
		}
		if t != nil {
			out = append(out, &path{bitmap: t})
		}
	}
	return out
}

// armPaths are the index scans that answer conditions of one arm.
func (r *root) armPaths(b *rel, own, others []*qual) []*path {
	var out []*path
	for _, ix := range b.indexes {
		if len(ix.Pred) > 0 && !r.impliedBy(b, ix, append(slices.Clone(own), others...)) {
			continue
		}
		cols := r.matches(b, ix, own, false)
		if len(slices.Concat(cols...)) == 0 {
			continue
		}
		more := r.matches(b, ix, others, false)
		for c := range cols {
			for _, m := range more[c] {
				if !slices.ContainsFunc(cols[c], func(o match) bool { return node.Equal(o.e, m.e) }) {
					cols[c] = append(cols[c], m)
				}
			}
		}
		out = append(out, r.addIndexScans(b, ix, slices.Concat(cols...), false, true)...)
	}
	return out
}
