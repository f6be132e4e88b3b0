package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// match is a condition that an index can use.
type match struct {
	q   *qual
	key IndexKey
	e   node.Node // the condition, with the index column on the left
	src relids    // entries whose rows give the value
}

// indexPaths adds scans of every index of b, with its own conditions, and with
// join conditions from joins, whose other sides become parameters.
func (r *root) indexPaths(b *rel, joins []*qual) {
	for _, ix := range b.indexes {
		if len(ix.Pred) > 0 && !r.implied(b, ix) {
			continue
		}
		own := r.matches(b, ix, b.quals, nil)
		if len(joins) == 0 {
			r.indexPath(b, ix, own)
			continue
		}
		// One path for each set of outer relations that some condition needs.
		var sets []relids
		all := r.matches(b, ix, append(slices.Clone(b.quals), joins...), b.ids)
		for _, m := range flat(all) {
			if !m.src.empty() && !slices.ContainsFunc(sets, func(s relids) bool { return s.equal(m.src) }) {
				sets = append(sets, m.src)
			}
		}
		var union relids
		for _, s := range sets {
			union = union.union(s)
		}
		if len(sets) > 1 {
			sets = append(sets, union)
		}
		for _, s := range sets {
			var ms [][]match
			for _, col := range all {
				var keep []match
				for _, m := range col {
					if m.src.in(s) {
						keep = append(keep, m)
					}
				}
				ms = append(ms, keep)
			}
			r.indexPath(b, ix, ms)
		}
	}
}

func flat(ms [][]match) []match {
	var out []match
	for _, m := range ms {
		out = append(out, m...)
	}
	return out
}

// implied reports whether b's conditions imply the predicate of a partial index.
// implies reports whether p is true wherever q is.
// rangeImplies handles comparisons of the same column with constants.
// matches finds the conditions that the columns of ix can use.
func (r *root) matches(b *rel, ix *Index, quals []*qual, joined relids) [][]match {
	info := ix.Rel.Index
	out := make([][]match, info.KeyCols)
	expr := 0
	for c := range info.KeyCols {
		var col node.Node
		if info.AttNums[c] == 0 {
			col = replaceVars(ix.Exprs[expr], 1, func(v *node.Var) node.Node {
				w := *v
				w.Varno, w.Varnosyn = b.rti, b.rti
				return &w
			})
			col = r.fold(col)
			expr++
		}
		is := func(e node.Node) bool {
			e = bare(e)
			if col != nil {
				return node.Equal(e, bare(col))
			}
			v, ok := e.(*node.Var)
			return ok && v.Varno == b.rti && v.Varattno == int(info.AttNums[c]) && v.Varlevelsup == 0
		}
		for _, q := range quals {
			if q.volatile {
				continue
			}
			if m, ok := r.match(b, ix, c, q, is); ok && (m.src.empty() || joined != nil) {
				out[c] = append(out[c], m)
			}
		}
	}
	return out
}

// match checks whether column c of ix can use q.
func (r *root) match(b *rel, ix *Index, c int, q *qual, is func(node.Node) bool) (match, bool) {
	info := ix.Rel.Index
	key := IndexKey{Col: c + 1, Collation: info.Collations[c]}
	switch x := q.e.(type) {
	case *node.NullTest:
		if x.Argisrow || !is(x.Arg) {
			return match{}, false
		}
		key.IsNull, key.IsNotNull = x.Nulltesttype == node.IsNull, x.Nulltesttype == node.IsNotNull
		return match{q: q, key: key, e: x}, true
	case *node.OpExpr:
		if len(x.Args) != 2 {
			return match{}, false
		}
		op, left, right := x.Opno, x.Args[0], x.Args[1]
		if !is(left) {
			o, err := r.cat.Operator(op)
			if err != nil || o.Commutator == oid.Invalid || !is(right) {
				return match{}, false
			}
			op, left, right = o.Commutator, right, left
		}
		src := varsOf(right)
		if src.overlaps(b.ids) || !r.family(ix, c, op, &key) || !collates(info.Collations[c], x.Inputcollid) {
			return match{}, false
		}
		key.Op, key.Value = op, right
		e := *x
		e.Opno, e.Args = op, []node.Node{left, right}
		if op != x.Opno {
			if o, err := r.cat.Operator(op); err == nil {
				e.Opfuncid = o.Func
			}
		}
		return match{q: q, key: key, e: &e, src: src}, true
	case *node.ScalarArrayOpExpr:
		if !x.UseOr || !is(x.Args[0]) || !r.family(ix, c, x.Opno, &key) || !collates(info.Collations[c], x.Inputcollid) {
			return match{}, false
		}
		src := varsOf(x.Args[1])
		if src.overlaps(b.ids) {
			return match{}, false
		}
		key.Op, key.Value, key.Array = x.Opno, x.Args[1], true
		return match{q: q, key: key, e: x, src: src}, true
	}
	return match{}, false
}

func collates(index, op oid.OID) bool {
	return index == oid.Invalid || index == op || op == oid.Invalid
}

// family finds the operator in the index column's family.
func (r *root) family(ix *Index, c int, op oid.OID, key *IndexKey) bool {
	fams, err := r.cat.Families(op)
	if err != nil {
		return false
	}
	for _, f := range fams {
		if f.Family == ix.Rel.Index.OpFamily[c] {
			key.Strategy, key.RightType = f.Strategy, f.Right
			return true
		}
	}
	return false
}

// indexPath adds the scans of ix with the given conditions: plain, index-only,
// bitmap, forward and backward.
func (r *root) indexPath(b *rel, ix *Index, cols [][]match) {
	var use []match
	var src relids
	equal := 0 // leading columns with =
	sel := 1.0
	boundary := 1.0
	open := true
	for c, ms := range cols {
		eq := false
		for _, m := range ms {
			use = append(use, m)
			src = src.union(m.src)
			s := r.matchSel(m)
			sel *= s
			if open {
				boundary *= s
			}
			eq = eq || m.key.Strategy == 3 && !m.key.Array || m.key.IsNull
		}
		if eq && equal == c {
			equal++
		} else {
			open = false
		}
	}
	keys := r.indexOrder(b, ix, false)
	useful := len(use) > 0 || r.wantsOrder(keys)
	only := !r.set.NoIndexOnlyScan && r.covers(b, ix)
	if !useful && !only {
		return
	}
	unique := ix.Rel.Index.Unique && equal == ix.Rel.Index.KeyCols && ix.Rel.Index.Immediate && allEqual(use)
	tuples := clamp(sel * b.tuples)
	if unique {
		tuples = 1
	}
	rest := b.quals
	for _, m := range use {
		rest = without(rest, m.q)
	}
	rows := clamp(tuples * r.selectivity(rest, b.ids))
	if src.empty() {
		rows = math.Min(rows, b.rows)
		if !unique {
			rows = b.rows
		}
	}
	loops := r.loops(src)
	icost, istart := r.indexCost(ix, boundary*b.tuples, len(use), loops)
	heap := r.heapCost(b, tuples, r.correlation(b, ix, len(cols)), loops)
	cpu := tuples * (r.set.CPUTupleCost + r.qualCost(rest))
	for _, backward := range []bool{false, true} {
		order := keys
		if backward {
			if order = r.indexOrder(b, ix, true); !r.wantsOrder(order) {
				break
			}
		}
		if arrayed(use) {
			order = nil
		}
		p := &path{rows: rows, startup: istart, total: icost + heap + cpu, keys: order, needs: src, unique: unique, covered: joinsOf(use)}
		if r.set.NoIndexScan {
			p.startup, p.total = p.startup+disabled, p.total+disabled
		}
		p.make = func() (Plan, error) { return r.makeIndexScan(b, ix, use, rest, backward, unique), nil }
		b.add(p)
		if only {
			o := *p
			o.total = icost + heap*(1-b.visible) + cpu
			o.make = func() (Plan, error) { return r.makeIndexOnly(b, ix, use, rest, backward, unique), nil }
			b.add(&o)
		}
	}
	if len(use) > 0 && !unique {
		r.bitmapPath(b, []bitmapPart{{ix: ix, use: use, sel: sel, cost: icost}}, rest, src, rows)
	}
}

// loops is how often a scan is run that takes values of the entries src.
func (r *root) loops(src relids) float64 {
	n := 1.0
	for rti, o := range r.rels {
		if src.has(rti) {
			n = math.Max(n, o.rows)
		}
	}
	return n
}

// correlation is how far the table is in the index's order.
func (r *root) correlation(b *rel, ix *Index, cols int) float64 {
	a := ix.Rel.Index.AttNums[0]
	if a == 0 || b.table == nil {
		return 0
	}
	st, err := r.cat.Column(b.table.OID, int(a))
	switch {
	case err != nil || st == nil:
		return 0
	case cols > 1:
		return 0.75 * st.Correlation
	}
	return st.Correlation
}

func allEqual(use []match) bool {
	for _, m := range use {
		if m.key.Array || m.key.IsNull {
			return false
		}
	}
	return true
}

func arrayed(use []match) bool {
	return slices.ContainsFunc(use, func(m match) bool { return m.key.Array })
}

func (r *root) matchSel(m match) float64 {
	if m.src.empty() {
		return r.qualSel(m.q, nil)
	}
	// A join condition limits this side to one value of the other.
	if m.key.Strategy == 3 {
		var nd float64
		switch e := m.e.(type) {
		case *node.OpExpr:
			nd, _ = r.distinct(e.Args[0])
		case *node.ScalarArrayOpExpr:
			nd, _ = r.distinct(e.Args[0])
		}
		if m.key.Array {
			nd /= 10
		}
		return 1 / math.Max(nd, 1)
	}
	return defaultIneq
}

// indexCost is the cost of reading the entries themselves.
func (r *root) indexCost(ix *Index, entries float64, quals int, loops float64) (total, startup float64) {
	entries = math.Max(1, math.Round(entries))
	pages := 1.0
	if ix.Tuples > 0 && ix.Pages > 1 {
		pages = math.Max(1, math.Ceil(entries/ix.Tuples*ix.Pages))
	}
	startup = (math.Ceil(math.Log2(math.Max(ix.Tuples, 2))) + (ix.TreeHeight+1)*50) * r.set.CPUOperatorCost
	io := pages * r.set.RandomPageCost
	if loops > 1 {
		io = r.fetched(pages*loops, math.Max(ix.Pages, 1)) * r.set.RandomPageCost / loops
	}
	return startup + io + entries*(r.set.CPUIndexTupleCost+float64(quals)*r.set.CPUOperatorCost), startup
}

// fetched is the number of distinct pages that n random fetches of a relation of
// the given pages read, with a cache (Mackert and Lohman).
func (r *root) fetched(n, pages float64) float64 {
	t := math.Max(pages, 1)
	f := 2 * t * n / (2*t + n)
	return math.Min(math.Ceil(f), t)
}

func (r *root) heapCost(b *rel, tuples, corr, loops float64) float64 {
	if tuples <= 0 {
		return 0
	}
	maxIO := r.fetched(tuples*loops, b.pages) * r.set.RandomPageCost / loops
	pages := math.Ceil(tuples / math.Max(b.tuples, 1) * b.pages)
	minIO := r.set.RandomPageCost
	if pages > 1 {
		minIO += (pages - 1) * r.set.SeqPageCost
	}
	if loops > 1 {
		minIO = math.Min(minIO, maxIO)
	}
	return maxIO + corr*corr*(minIO-maxIO)
}

// indexOrder is the order in which ix returns rows.
func (r *root) indexOrder(b *rel, ix *Index, backward bool) []sortKey {
	info := ix.Rel.Index
	var out []sortKey
	expr := 0
	for c := range info.KeyCols {
		var e node.Node
		if a := info.AttNums[c]; a != 0 {
			at := b.table.Desc.Attrs[a-1]
			e = &node.Var{Varno: b.rti, Varattno: int(a), Vartype: at.Type, Vartypmod: at.TypMod, Varcollid: at.Collation, Varnosyn: b.rti, Varattnosyn: int(a), Location: -1}
		} else {
			e = r.fold(replaceVars(ix.Exprs[expr], 1, func(v *node.Var) node.Node {
				w := *v
				w.Varno, w.Varnosyn = b.rti, b.rti
				return &w
			}))
			expr++
		}
		desc := info.Options[c]&1 != 0 != backward
		nulls := info.Options[c]&2 != 0 != backward
		out = append(out, sortKey{e: e, family: info.OpFamily[c], collation: info.Collations[c], desc: desc, nullsFirst: nulls})
	}
	return out
}

// wantsOrder reports whether an order helps the query: its ORDER BY, grouping or
// a merge join begins with the same key.
func (r *root) wantsOrder(keys []sortKey) bool {
	if len(keys) == 0 {
		return false
	}
	for _, w := range r.wanted {
		if len(w) > 0 && w[0].same(keys[0]) {
			return true
		}
	}
	return false
}

// covers reports whether ix holds every column of b that the query uses.
func (r *root) covers(b *rel, ix *Index) bool {
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
	if len(r.q.RowMarks) > 0 || r.q.ResultRelation == b.rti {
		return false
	}
	for _, v := range r.needed {
		if v.Varno == b.rti && !has(v.Varattno) {
			return false
		}
	}
	for _, q := range b.quals {
		ok := true
		node.Walk(q.e, func(n node.Node) bool {
			if v, is := n.(*node.Var); is && v.Varno == b.rti && !has(v.Varattno) {
				ok = false
			}
			return ok
		})
		if !ok {
			return false
		}
	}
	return true
}

func (r *root) keysOf(use []match) (keys []IndexKey, quals []node.Node) {
	for _, m := range use {
		k := m.key
		k.Value = r.nestParams(k.Value)
		keys, quals = append(keys, k), append(quals, r.nestParams(m.e))
	}
	return
}

func (r *root) makeIndexScan(b *rel, ix *Index, use []match, rest []*qual, backward, unique bool) Plan {
	s := &IndexScan{IndexID: ix.Rel.OID, Backward: backward, Unique: unique}
	s.IndexKeys, s.IndexQual = r.keysOf(use)
	r.fillScan(&s.Scan, b, rest)
	return s
}

func (r *root) makeIndexOnly(b *rel, ix *Index, use []match, rest []*qual, backward, unique bool) Plan {
	s := &IndexOnlyScan{IndexID: ix.Rel.OID, Backward: backward, Unique: unique}
	s.IndexKeys, s.IndexQual = r.keysOf(use)
	r.fillScan(&s.Scan, b, rest)
	s.RecheckQual = s.IndexQual
	for i := range ix.Rel.Index.AttNums {
		a := ix.Rel.Desc.Attrs[i]
		v := &node.Var{Varno: b.rti, Varattno: int(ix.Rel.Index.AttNums[i]), Vartype: a.Type, Vartypmod: a.TypMod, Varcollid: a.Collation, Location: -1}
		s.IndexTlist = append(s.IndexTlist, &node.TargetEntry{Expr: v, Resno: i + 1})
	}
	return s
}

// bitmapPart is one index scan of a bitmap.
// bitmapPath adds a bitmap scan over parts, which are ANDed.
// bitmapOrPaths looks for ORs each of whose arms an index can answer.
// armPart finds the best index for one arm of an OR.
// joinsOf are the join conditions among the used ones.
func joinsOf(use []match) []*qual {
	var out []*qual
	for _, m := range use {
		if !m.src.empty() {
			out = append(out, m.q)
		}
	}
	return out
}
