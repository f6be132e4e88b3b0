package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// indexPaths adds the scans of b's indexes, plain and by bitmaps.
func (r *root) indexPaths(b *rel) {
	var maps, joinMaps []*path
	for _, ix := range b.indexes {
		ix.predOK = len(ix.Pred) == 0 || r.impliedBy(b, ix, b.quals)
		if !ix.predOK {
			continue
		}
		own := r.matches(b, ix, r.unimplied(b, ix), false)
		maps = append(maps, r.indexScans(b, ix, own)...)
		joins := r.matches(b, ix, r.movables(b), true)
		classes := r.classMatches(b, ix)
		joinMaps = append(joinMaps, r.indexJoins(b, ix, own, joins, classes)...)
	}
	maps = append(maps, r.orPaths(b, b.quals, nil)...)
	if t := r.chooseBitmaps(b, maps, nil); t != nil {
		r.bitmapPath(b, t, nil)
	}
	var sets []relids
	for _, p := range joinMaps {
		if !slices.ContainsFunc(sets, p.needs.equal) {
			sets = append(sets, p.needs)
		}
	}
	for _, s := range sets {
		list := slices.Clone(maps)
		var these []*path
		for _, p := range joinMaps {
			if p.needs.in(s) {
				these = append(these, p)
			}
		}
		if t := r.chooseBitmaps(b, append(these, list...), s); t != nil {
			needs := t.needs()
			r.bitmapPath(b, t, needs)
		}
	}
}

// unimplied are b's conditions without those that the index's own condition
// guarantees.
func (r *root) unimplied(b *rel, ix *Index) []*qual {
	if len(ix.Pred) == 0 {
		return b.quals
	}
	preds := r.indexPreds(b, ix)
	var out []*qual
	for _, q := range b.quals {
		if !slices.ContainsFunc(preds, func(p node.Node) bool { return r.implies(p, q.e) }) {
			out = append(out, q)
		}
	}
	return out
}

func (r *root) movables(b *rel) []*qual {
	var out []*qual
	for _, q := range r.joinQuals {
		if r.movable(q, b) {
			out = append(out, q)
		}
	}
	return out
}

// indexJoins adds scans of ix by values of other entries: for each set of entries
// that conditions need, and for unions of such sets.
func (r *root) indexJoins(b *rel, ix *Index, own, joins, classes [][]match) []*path {
	var maps []*path
	var done []relids
	clauses := 0
	for c := range joins {
		clauses += len(joins[c]) + len(classes[c])
	}
	try := func(s relids) {
		if slices.ContainsFunc(done, s.equal) || s.overlaps(b.ids) {
			return
		}
		done = append(done, s)
		set := make([][]match, len(own))
		for c := range set {
			for _, m := range joins[c] {
				if m.src.in(s) {
					set[c] = append(set[c], m)
				}
			}
			for _, m := range classes[c] {
				if m.src.in(s) {
					set[c] = append(set[c], m)
					break
				}
			}
			set[c] = append(set[c], own[c]...)
		}
		maps = append(maps, r.indexScans(b, ix, set)...)
	}
	for c := range joins {
		for _, list := range [][]match{joins[c], classes[c]} {
			for _, m := range list {
				if slices.ContainsFunc(done, m.src.equal) {
					continue
				}
				for _, old := range slices.Clone(done) {
					if old.in(m.src) || m.src.in(old) || r.classUsed(m, old, joins, classes) {
						continue
					}
					if len(done) >= 10*clauses {
						break
					}
					try(old.union(m.src))
				}
				try(m.src)
			}
		}
	}
	return maps
}

// classUsed reports whether the class of m gives a condition for old already.
func (r *root) classUsed(m match, old relids, joins, classes [][]match) bool {
	if m.q.parent == nil {
		return false
	}
	for c := range classes {
		for _, o := range classes[c] {
			if o.q.parent != nil && o.q.parent.top() == m.q.parent.top() && o.src.in(old) {
				return true
			}
		}
	}
	return false
}

// indexScans adds the plain scans of ix with the given conditions and returns
// those that may be part of a bitmap.
func (r *root) indexScans(b *rel, ix *Index, cols [][]match) []*path {
	var out []*path
	var use []match
	lower := false
	for c, ms := range cols {
		for _, m := range ms {
			if m.key.Array && c > 0 {
				lower = true
				continue
			}
			use = append(use, m)
		}
	}
	out = r.addIndexScans(b, ix, use, true, false)
	if lower {
		out = append(out, r.addIndexScans(b, ix, slices.Concat(cols...), false, false)...)
	}
	return out
}

// addIndexScans adds the scans with exactly the conditions use. bitmapOnly: they
// are only made for a bitmap.
func (r *root) addIndexScans(b *rel, ix *Index, use []match, inOrder, bitmapOnly bool) []*path {
	needs := b.lateral
	for _, m := range use {
		needs = needs.union(m.src)
	}
	var maps []*path
	only := !bitmapOnly && r.covers(b, ix)
	made := false
	for _, backward := range []bool{false, true} {
		var keys []sortKey
		if inOrder && !bitmapOnly {
			keys = r.useful(b, r.indexOrder(b, ix, backward))
		}
		if backward && len(keys) == 0 || len(use) == 0 && len(keys) == 0 && !only && len(ix.Pred) == 0 {
			continue
		}
		if arrayed(use) && len(keys) > 0 && !slices.ContainsFunc(use, func(m match) bool { return m.key.Array && m.key.Col == 1 }) {
			keys = nil
		}
		p := r.indexPath(b, ix, use, keys, needs, only)
		p.make = func() (Plan, error) {
			if p.only {
				return r.makeIndexOnly(b, ix, use, p, backward), nil
			}
			return r.makeIndexScan(b, ix, use, p, backward), nil
		}
		made = true
		if !bitmapOnly && !r.set.noIndex(only) {
			b.add(p)
		} else if !bitmapOnly {
			p.startup, p.total = p.startup+disabled, p.total+disabled
			b.add(p)
		}
		if len(p.keys) == 0 || p.indexSel < 1 {
			maps = append(maps, p)
		}
	}
	_ = made
	return maps
}

func (s *Settings) noIndex(only bool) bool { return s.NoIndexScan }

func arrayed(use []match) bool {
	return slices.ContainsFunc(use, func(m match) bool { return m.key.Array })
}

// indexPath computes the cost of an index scan.
func (r *root) indexPath(b *rel, ix *Index, use []match, keys []sortKey, needs relids, only bool) *path {
	p := &path{rel: b, keys: keys, needs: needs, ix: ix, use: use, only: only, width: b.width, rows: b.rows, marks: true}
	quals := b.quals
	if !needs.empty() {
		in := r.info(b, needs)
		p.rows, p.covered = in.rows, in.quals
		quals = append(slices.Clone(in.quals), quals...)
	}
	loops := r.loops(b, needs)
	startup, total, sel, corr := r.btreeCost(b, ix, use, loops)
	p.indexCost, p.indexSel = total, sel
	fetched := clamp(sel * b.tuples)
	share := 1.0
	if only {
		share = 1 - b.visible
	}
	rnd, seq := r.set.RandomPageCost, r.set.SeqPageCost
	var worst, least float64
	if loops > 1 {
		worst = math.Ceil(r.fetched(fetched*loops, b.pages, ix.Pages)*share) * rnd / loops
		pages := math.Ceil(sel * b.pages)
		least = math.Ceil(r.fetched(pages*loops, b.pages, ix.Pages)*share) * rnd / loops
	} else {
		worst = math.Ceil(r.fetched(fetched, b.pages, ix.Pages)*share) * rnd
		if pages := math.Ceil(math.Ceil(sel*b.pages) * share); pages > 0 {
			least = rnd + (pages-1)*seq
		}
	}
	var rest []*qual
	for _, q := range quals {
		if q.pseudo || usedBy(q, use) || len(ix.Pred) > 0 && !slices.Contains(r.unimplied(b, ix), q) && slices.Contains(b.quals, q) {
			continue
		}
		rest = append(rest, q)
	}
	c := r.qualCost(rest)
	run := total - startup
	run += worst + corr*corr*(least-worst)
	p.startup = startup + c.startup
	run += (r.set.CPUTupleCost + c.per) * fetched
	p.total = p.startup + run
	return p
}

// btreeCost is the cost of the index part of a scan, the share of the table that
// it fetches, and how far the table is in the index's order.
func (r *root) btreeCost(b *rel, ix *Index, use []match, loops float64) (startup, total, sel, corr float64) {
	info := ix.Rel.Index
	var bounds, all, values []node.Node
	col, equal, saop, null := 1, false, false, false
	scans, allScans := 1.0, 1.0
	open := true
	for _, m := range use {
		all = append(all, m.e)
		if m.key.Value != nil {
			values = append(values, m.key.Value)
		}
		n := 1.0
		if m.key.Array {
			n = r.arrayLength(m.key.Value)
			if n > 1 {
				allScans *= n
			}
		}
		if m.key.Col != col && open {
			if !equal || m.key.Col != col+1 {
				open = false
			}
			col, equal = m.key.Col, false
		}
		if !open {
			continue
		}
		switch {
		case m.key.Array:
			saop = true
			if n > 1 {
				scans *= n
			}
			equal = equal || m.key.Strategy == 3
		case m.key.IsNull:
			null, equal = true, true
		case m.key.Strategy == 3:
			equal = true
		}
		bounds = append(bounds, m.e)
	}
	tuples := 1.0
	if !(info.Unique && col == info.KeyCols && equal && open && !saop && !null && len(use) > 0) {
		tuples = math.RoundToEven(r.boundSel(r.withPreds(b, ix, bounds), b) * b.tuples / scans)
	}
	sel = r.boundSel(r.withPreds(b, ix, all), b)
	if tuples <= 0 {
		tuples = math.RoundToEven(sel * b.tuples / allScans)
	}
	tuples = math.Max(1, math.Min(tuples, ix.Tuples))
	pages := 1.0
	if ix.Pages > 1 && ix.Tuples > 1 {
		pages = math.Ceil(tuples * ix.Pages / ix.Tuples)
	}
	if n := allScans * loops; n > 1 {
		total = r.fetched(pages*n, ix.Pages, ix.Pages) * r.set.RandomPageCost / loops
	} else {
		total = pages * r.set.RandomPageCost
	}
	args := r.listCost(values)
	op := r.set.CPUOperatorCost
	startup = args.startup + args.per
	total += startup + tuples*allScans*(r.set.CPUIndexTupleCost+op*float64(len(all)))
	if ix.Tuples > 1 {
		d := math.Ceil(math.Log(ix.Tuples)/math.Log(2)) * op
		startup, total = startup+d, total+scans*d
	}
	d := (ix.TreeHeight + 1) * 50 * op
	startup, total = startup+d, total+scans*d
	return startup, total, sel, r.correlation(b, ix)
}

// withPreds adds the conditions of a partial index that the others do not imply.
func (r *root) withPreds(b *rel, ix *Index, list []node.Node) []node.Node {
	if len(ix.Pred) == 0 {
		return list
	}
	out := slices.Clone(list)
	var add []node.Node
	for _, p := range r.indexPreds(b, ix) {
		if !slices.ContainsFunc(list, func(q node.Node) bool { return r.implies(q, p) }) {
			add = append(add, p)
		}
	}
	return append(add, out...)
}

// correlation is how far the table is in the index's order.
func (r *root) correlation(b *rel, ix *Index) float64 {
	rel, att := b.table.OID, int(ix.Rel.Index.AttNums[0])
	if att == 0 {
		rel, att = ix.Rel.OID, 1
	}
	st := r.column(rel, att)
	if st == nil {
		return 0
	}
	c := st.Correlation
	if ix.Rel.Index.Options[0]&1 != 0 {
		c = -c
	}
	if ix.Rel.Index.KeyCols > 1 {
		c *= 0.75
	}
	return c
}

// loops is how often a scan is run that takes values of the entries src.
func (r *root) loops(b *rel, src relids) float64 {
	n := 0.0
	for rti := range src.each() {
		o := r.rels[rti]
		if o == nil || o.empty {
			continue
		}
		rows := o.rows
		for _, s := range r.specials {
			if s.kind == node.JoinSemi && b.ids.in(s.synL) && s.synR.has(rti) && len(s.rightExprs) > 0 {
				raw := 1.0
				for k := range s.synR.each() {
					if x := r.rels[k]; x != nil {
						raw *= x.rows
					}
				}
				rows = math.Min(rows, r.groups(s.rightExprs, raw))
			}
		}
		if n == 0 || rows < n {
			n = rows
		}
	}
	return math.Max(n, 1)
}

// indexOrder is the order in which ix returns rows.
func (r *root) indexOrder(b *rel, ix *Index, backward bool) []sortKey {
	info := ix.Rel.Index
	var out []sortKey
	for c := range info.KeyCols {
		e := r.indexColumn(b, ix, c)
		desc := info.Options[c]&1 != 0 != backward
		nulls := info.Options[c]&2 != 0 != backward
		t := r.classType(info.OpFamily[c], node.ExprType(e))
		if t == oid.Invalid {
			break
		}
		cl := r.classOf(e, info.OpFamily[c], info.Collations[c], t)
		k := sortKey{ec: cl, e: e, family: info.OpFamily[c], collation: info.Collations[c], desc: desc, nullsFirst: nulls}
		out = appendKey(out, k)
	}
	return out
}

// appendKey adds a key unless it says nothing new.
func appendKey(keys []sortKey, k sortKey) []sortKey {
	if k.ec.top().constant && !k.ec.top().volatile {
		return keys
	}
	if slices.ContainsFunc(keys, func(o sortKey) bool { return o.ec.top() == k.ec.top() }) {
		return keys
	}
	return append(keys, k)
}

// classType is the type that a family compares values of type t as: t, or text
// for varchar.
func (r *root) classType(family, t oid.OID) oid.OID {
	for _, c := range []oid.OID{t, oid.Text, oid.Oid, oid.AnyArray, oid.AnyEnum, oid.Record} {
		if op, err := r.cat.FamilyOperator(family, c, c, 3); err == nil && op != oid.Invalid {
			return c
		}
	}
	return oid.Invalid
}

// useful cuts an order off where it stops helping the query: its ORDER BY or
// grouping, or a merge join.
func (r *root) useful(b *rel, keys []sortKey) []sortKey {
	n := commonKeys(keys, r.query)
	m := 0
	for m < len(keys) && r.mergeable(b, keys[m]) {
		m++
	}
	return keys[:max(n, m)]
}

// mergeable reports whether a merge join of b with something else could use the
// key.
func (r *root) mergeable(b *rel, k sortKey) bool {
	c := k.ec.top()
	if !c.constant && slices.ContainsFunc(c.members, func(m *member) bool { return !m.ids.empty() && !m.ids.overlaps(b.ids) }) {
		return true
	}
	for _, q := range r.joinQuals {
		if q.leftR != nil && q.equal != nil && q.need.overlaps(b.ids) && (r.sideClass(q, true).top() == c || r.sideClass(q, false).top() == c) {
			return true
		}
	}
	return false
}

// sideClass is the class of one side of a mergeable condition.
func (r *root) sideClass(q *qual, left bool) *eclass {
	if q.lec == nil && q.equal != nil {
		op := q.e.(*node.OpExpr)
		o, err := r.cat.Operator(op.Opno)
		if err != nil {
			return nil
		}
		q.lec = r.classOf(q.left, q.equal[0], op.Inputcollid, o.Left)
		q.rec = r.classOf(q.right, q.equal[0], op.Inputcollid, o.Right)
	}
	if left {
		return q.lec
	}
	return q.rec
}

// covers reports whether ix holds every column of b that the query uses.
func (r *root) covers(b *rel, ix *Index) bool {
	if r.set.NoIndexOnlyScan || len(r.q.RowMarks) > 0 || r.q.ResultRelation == b.rti {
		return false
	}
	has := func(att int) bool {
		for c, a := range ix.Rel.Index.AttNums {
			if int(a) == att && att > 0 {
				// A column whose class stores another type (name as cstring) does not
				// give the value back.
				return ix.Rel.Desc.Attrs[c].Type == b.table.Desc.Attrs[att-1].Type
			}
		}
		return false
	}
	ok := true
	see := func(e node.Node) {
		node.Walk(e, func(n node.Node) bool {
			if v, is := n.(*node.Var); is && v.Varno == b.rti && !has(v.Varattno) {
				ok = false
			}
			return ok
		})
	}
	for _, v := range r.needed {
		if v.v.Varno == b.rti && !has(v.v.Varattno) {
			return false
		}
	}
	for _, q := range r.unimplied(b, ix) {
		see(q.e)
	}
	return ok
}
