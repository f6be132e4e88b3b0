package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// variable is an expression with what the statistics know of it.
type variable struct {
	e      node.Node
	rel    *rel // the one relation that it is of, nil if it has no variables or several
	att    int  // its column, if it is one
	stats  *ColumnStats
	unique bool
	kind   node.RTEKind
	isVar  bool
}

// examine finds the statistics of an expression.
func (r *root) examine(e node.Node) variable {
	e = bare(e)
	out := variable{e: e}
	ids := varsOf(e)
	if r.only != nil {
		ids = ids.intersect(r.only.ids)
	}
	if ids.count() != 1 {
		return out
	}
	b := r.rels[ids.first()]
	if b == nil {
		return out
	}
	out.rel, out.kind = b, b.rte.Rtekind
	v, ok := e.(*node.Var)
	if !ok {
		r.examineExpr(&out, b)
		return out
	}
	out.isVar, out.att = true, v.Varattno
	switch {
	case b.table != nil && v.Varattno > 0:
		out.stats = r.column(b.table.OID, v.Varattno)
		out.unique = b.uniqueColumn(v.Varattno)
	case b.subroot != nil && b.rte.Subquery != nil && v.Varattno > 0:
		r.examineSubquery(&out, b)
	}
	return out
}

// uniqueColumn reports whether a unique index is on the column alone.
func (b *rel) uniqueColumn(att int) bool {
	return slices.ContainsFunc(b.indexes, func(ix *Index) bool {
		return ix.Rel.Index.Unique && ix.Rel.Index.KeyCols == 1 && int(ix.Rel.Index.AttNums[0]) == att && (len(ix.Pred) == 0 || ix.predOK)
	})
}

// examineExpr looks for an index on the expression, which has statistics.
func (r *root) examineExpr(out *variable, b *rel) {
	for _, ix := range b.indexes {
		if len(ix.Pred) > 0 {
			continue
		}
		k := 0
		for c, a := range ix.Rel.Index.AttNums {
			if a != 0 || c >= ix.Rel.Index.KeyCols {
				continue
			}
			if k < len(ix.Exprs) && node.Equal(bare(r.indexExpr(b, ix, k)), out.e) {
				if out.stats == nil {
					out.stats = r.column(ix.Rel.OID, c+1)
				}
				out.unique = out.unique || ix.Rel.Index.Unique && ix.Rel.Index.KeyCols == 1 && len(ix.Pred) == 0
			}
			k++
		}
	}
}

// examineSubquery follows a subquery's column to the column that it is.
func (r *root) examineSubquery(out *variable, b *rel) {
	q := b.subroot.q
	if q.SetOperations != nil || len(q.GroupingSets) > 0 {
		return
	}
	for _, te := range q.TargetList {
		if te.Resno != out.att || te.Resjunk {
			continue
		}
		if len(q.DistinctClause) == 1 && te.Ressortgroupref == q.DistinctClause[0].TleSortGroupRef ||
			len(q.DistinctClause) == 0 && len(q.GroupClause) == 1 && te.Ressortgroupref == q.GroupClause[0].TleSortGroupRef && te.Ressortgroupref != 0 {
			out.unique = true
			return
		}
		if len(q.DistinctClause) > 0 || len(q.GroupClause) > 0 {
			return
		}
		if v, ok := te.Expr.(*node.Var); ok && v.Varlevelsup == 0 {
			in := b.subroot.examine(v)
			out.stats = in.stats
		}
		return
	}
}

// numDistinct estimates how many values a variable has; sure says that it is no
// guess.
func (r *root) numDistinct(v variable) (n float64, sure bool) {
	d, null := 0.0, 0.0
	switch {
	case v.stats != nil:
		d, null = v.stats.Distinct, v.stats.NullFrac
	case node.ExprType(v.e) == oid.Bool:
		d = 2
	case v.rel != nil && v.kind == node.RTEValues:
		d = -1
	case v.isVar && v.att == -1:
		d = -1
	case v.isVar && v.att == -6:
		d = 1
	}
	if v.unique {
		d = -1 * (1 - null)
	}
	if d > 0 {
		return clamp(d), true
	}
	if v.rel == nil || v.rel.tuples <= 0 {
		return defaultDistinct, false
	}
	if d < 0 {
		return clamp(-d * v.rel.tuples), true
	}
	if v.rel.tuples < defaultDistinct {
		return clamp(v.rel.tuples), true
	}
	return defaultDistinct, false
}

// equalConst is the selectivity of variable = d, or <> d.
func (r *root) equalConst(v variable, d datum.Datum, coll oid.OID, neg bool) float64 {
	null, s := 0.0, 0.0
	if v.stats != nil {
		null = v.stats.NullFrac
	}
	switch {
	case v.unique && v.rel != nil && v.rel.tuples >= 1:
		s = 1 / v.rel.tuples
	case v.stats != nil:
		s = r.commonSel(v, d, coll)
	default:
		nd, _ := r.numDistinct(v)
		s = 1 / nd
	}
	if neg {
		s = 1 - s - null
	}
	return probability(s)
}

func (r *root) commonSel(v variable, d datum.Datum, coll oid.OID) float64 {
	st := v.stats
	sum := 0.0
	if len(st.Common) > 0 {
		if coll == oid.Invalid {
			coll = collationOf(v.e)
		}
		if cmp, err := r.cat.Compare(st.Type, coll); err == nil {
			for i, k := range st.Common {
				if cmp(k, d) == 0 {
					return st.CommonFreq[i]
				}
			}
		}
		for _, f := range st.CommonFreq {
			sum += f
		}
	}
	s := probability(1 - sum - st.NullFrac)
	nd, _ := r.numDistinct(v)
	if nd -= float64(len(st.Common)); nd > 1 {
		s /= nd
	}
	if n := len(st.CommonFreq); n > 0 && s > st.CommonFreq[n-1] {
		s = st.CommonFreq[n-1]
	}
	return s
}

// rangeSel is the selectivity of variable < value, with gt of >, with eq of <= or
// >=.
func (r *root) rangeSel(v variable, val node.Node, gt, eq bool, coll oid.OID) float64 {
	d, ok := r.cat.Estimate(val)
	if !ok || !varsOf(val).empty() {
		return defaultIneq
	}
	if d.Null {
		return 0
	}
	return r.rangeConst(v, d, gt, eq, coll)
}

func (r *root) rangeConst(v variable, d datum.Datum, gt, eq bool, coll oid.OID) float64 {
	if v.isVar && v.att == -1 {
		return r.tidSel(v, d, gt, eq)
	}
	if v.stats == nil {
		return defaultIneq
	}
	st := v.stats
	cmp, err := r.cat.Compare(st.Type, coll)
	mcv, sum := 0.0, 0.0
	for i, k := range st.Common {
		sum += st.CommonFreq[i]
		if err != nil {
			continue
		}
		c := cmp(k, d)
		if c == 0 && eq || c < 0 && !gt || c > 0 && gt {
			mcv += st.CommonFreq[i]
		}
	}
	s := 1 - st.NullFrac - sum
	if h := r.histogramSel(v, d, gt, eq, coll); h >= 0 {
		s *= h
	} else {
		s *= 0.5
	}
	return probability(s + mcv)
}

// tidSel is the share of the table before or behind a tuple id.
func (r *root) tidSel(v variable, d datum.Datum, gt, eq bool) float64 {
	if v.rel == nil || v.rel.pages == 0 || len(d.Bytes) < 6 {
		return 1
	}
	block := float64(uint32(d.Bytes[0])<<16 | uint32(d.Bytes[1])<<24 | uint32(d.Bytes[2]) | uint32(d.Bytes[3])<<8)
	offset := float64(uint16(d.Bytes[4]) | uint16(d.Bytes[5])<<8)
	if density := v.rel.tuples / v.rel.pages; density > 0 {
		block += offset / density
	}
	s := block / v.rel.pages
	_ = eq
	if gt {
		s = 1 - s
	}
	return probability(s)
}

// histogramSel is the share of the histogram that is below (gt: above) d; -1 if
// there is no histogram.
func (r *root) histogramSel(v variable, d datum.Datum, gt, eq bool, coll oid.OID) float64 {
	h := v.stats.Histogram
	n := len(h)
	cmp, err := r.cat.Compare(v.stats.Type, coll)
	if n < 2 || err != nil {
		return -1
	}
	// below: value k is surely on the low side of the boundary.
	below := func(k datum.Datum) bool {
		c := cmp(k, d)
		return c < 0 || c == 0 && eq != gt
	}
	lo, hi := 0, n
	for lo < hi {
		if m := (lo + hi) / 2; below(h[m]) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	frac := 1.0
	switch {
	case lo <= 0:
		frac = 0
	case lo < n:
		eqSel := 0.0
		if lo == 1 || gt == eq {
			nd, _ := r.numDistinct(v)
			if nd -= float64(len(v.stats.Common)); nd > 1 {
				eqSel = 1 / nd
			}
		}
		part := r.between(v.stats.Type, h[lo-1], d, h[lo])
		frac = (float64(lo-1) + part) / float64(n-1)
		if lo == 1 {
			frac += eqSel * (1 - part)
		}
		if gt == eq {
			frac -= eqSel
		}
	}
	if gt {
		frac = 1 - frac
	}
	if r.endsKnown(v) {
		return probability(frac)
	}
	cut := 0.01 / float64(n-1)
	return math.Min(1-cut, math.Max(cut, frac))
}

// endsKnown reports whether an index tells the smallest and largest value.
func (r *root) endsKnown(v variable) bool {
	if v.rel == nil || !v.isVar {
		return false
	}
	return slices.ContainsFunc(v.rel.indexes, func(ix *Index) bool { return int(ix.Rel.Index.AttNums[0]) == v.att && len(ix.Pred) == 0 })
}

// between is where v lies between lo and hi.
func (r *root) between(t oid.OID, lo, v, hi datum.Datum) float64 {
	a, ok1 := r.cat.Scalar(t, lo)
	b, ok2 := r.cat.Scalar(t, v)
	c, ok3 := r.cat.Scalar(t, hi)
	if !ok1 || !ok2 || !ok3 {
		if x, y, z, ok := textScalars(t, lo, v, hi); ok {
			a, b, c = x, y, z
		} else {
			return 0.5
		}
	}
	switch {
	case c <= a:
		return 0.5
	case b <= a:
		return 0
	case b >= c:
		return 1
	}
	f := (b - a) / (c - a)
	if math.IsNaN(f) || f < 0 || f > 1 {
		return 0.5
	}
	return f
}

// textScalars maps strings to numbers: digits of a base that the range of their
// characters gives.
func textScalars(t oid.OID, lo, v, hi datum.Datum) (a, b, c float64, ok bool) {
	switch t {
	case oid.Text, oid.Varchar, oid.Bpchar, oid.Name:
	default:
		return 0, 0, 0, false
	}
	x, y, z := lo.Bytes, v.Bytes, hi.Bytes
	if t == oid.Name {
		cut := func(s []byte) []byte {
			if i := slices.Index(s, 0); i >= 0 {
				return s[:i]
			}
			return s
		}
		x, y, z = cut(x), cut(y), cut(z)
	}
	low, high := 255, 0
	if len(z) > 0 {
		low, high = int(z[0]), int(z[0])
	}
	for _, s := range [][]byte{x, z} {
		for _, k := range s {
			low, high = min(low, int(k)), max(high, int(k))
		}
	}
	widen := func(from, to int) {
		if low <= to && high >= from {
			low, high = min(low, from), max(high, to)
		}
	}
	widen('A', 'Z')
	widen('a', 'z')
	widen('0', '9')
	if high-low < 9 {
		low, high = ' ', 127
	}
	for len(x) > 0 && len(y) > 0 && len(z) > 0 && x[0] == y[0] && y[0] == z[0] {
		x, y, z = x[1:], y[1:], z[1:]
	}
	num := func(s []byte) float64 {
		base := float64(high - low + 1)
		n, denom := 0.0, base
		for _, k := range s[:min(len(s), 12)] {
			d := int(k)
			if d < low {
				d = low - 1
			} else if d > high {
				d = high + 1
			}
			n += float64(d-low) / denom
			denom *= base
		}
		return n
	}
	return num(x), num(y), num(z), true
}
