package plan

import (
	"math"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
)

// Default selectivities where nothing is known (PostgreSQL: utils/selfuncs.h).
const (
	defaultEq       = 0.005
	defaultIneq     = 0.3333333333333333
	defaultRange    = 0.005
	defaultMatch    = 0.005
	defaultUnk      = 0.005
	defaultBool     = 0.5
	defaultDistinct = 200
)

// selectivity is the share of rows that all quals keep, taken as independent.
// ids are the entries whose rows they filter. Two bounds of one column are a
// range.
func (r *root) selectivity(quals []*qual, ids relids) float64 {
	s := 1.0
	for _, q := range quals {
		s *= r.qualSel(q, ids)
	}
	return s
}

func (r *root) qualSel(q *qual, ids relids) float64 {
	if q.sel < 0 {
		q.sel = math.Min(1, math.Max(0, r.sel(q.e)))
	}
	return q.sel
}

// sel is the selectivity of a condition.
func (r *root) sel(e node.Node) float64 {
	switch x := e.(type) {
	case *node.Const:
		if x.Constisnull || !x.Constvalue.Bool() {
			return 0
		}
		return 1
	case *node.BoolExpr:
		switch x.Boolop {
		case node.AndExpr:
			s := 1.0
			for _, a := range x.Args {
				s *= r.sel(a)
			}
			return s
		case node.OrExpr:
			s := 0.0
			for _, a := range x.Args {
				t := r.sel(a)
				s = s + t - s*t
			}
			return s
		}
		return 1 - r.sel(x.Args[0])
	case *node.NullTest:
		null := defaultUnk
		if st := r.stats(x.Arg); st != nil {
			null = st.NullFrac
		}
		if x.Nulltesttype == node.IsNull {
			return null
		}
		return 1 - null
	case *node.OpExpr:
		return r.opSel(x)
	case *node.ScalarArrayOpExpr:
		return r.anySel(x)
	case *node.Var:
		if st := r.stats(x); st != nil {
			for i, v := range st.Common {
				if v.Bool() {
					return st.CommonFreq[i]
				}
			}
		}
		return defaultBool
	case *node.BooleanTest:
		return defaultBool
	case *node.RelabelType:
		return r.sel(x.Arg)
	case *node.FuncExpr:
		return 0.3333333
	}
	return defaultBool
}

// column returns the base relation and column that e is, if it is one.
func (r *root) column(e node.Node) (*rel, int) {
	for {
		switch x := e.(type) {
		case *node.RelabelType:
			e = x.Arg
			continue
		case *node.Var:
			if b := r.rels[x.Varno]; b != nil && x.Varattno > 0 && x.Varlevelsup == 0 {
				return b, x.Varattno
			}
		}
		return nil, 0
	}
}

// stats is what is known of the column that e is, or nil.
func (r *root) stats(e node.Node) *ColumnStats {
	b, att := r.column(e)
	if b == nil || b.table == nil {
		return nil
	}
	st, err := r.cat.Column(b.table.OID, att)
	if err != nil {
		return nil
	}
	return st
}

// distinct estimates how many values e has among its relation's rows.
func (r *root) distinct(e node.Node) (n float64, known bool) {
	b, att := r.column(e)
	if b == nil {
		if varsOf(e).empty() {
			return 1, true
		}
		return defaultDistinct, false
	}
	rows := math.Max(b.tuples, 1)
	if st := r.stats(e); st != nil && st.Distinct != 0 {
		if st.Distinct < 0 {
			return clamp(-st.Distinct * rows), true
		}
		return math.Min(st.Distinct, rows), true
	}
	for _, ix := range b.indexes {
		if ix.Rel.Index.Unique && ix.Rel.Index.KeyCols == 1 && int(ix.Rel.Index.AttNums[0]) == att && len(ix.Pred) == 0 {
			return rows, true
		}
	}
	if node.ExprType(e) == 16 {
		return 2, true
	}
	return math.Min(rows, defaultDistinct), false
}

func (r *root) opSel(x *node.OpExpr) float64 {
	o, err := r.cat.Operator(x.Opno)
	if err != nil || len(x.Args) != 2 {
		return defaultBool
	}
	l, rt := x.Args[0], x.Args[1]
	lv, rv := varsOf(l), varsOf(rt)
	if !lv.empty() && !rv.empty() && !lv.equal(rv) {
		return r.joinSel(o, l, rt)
	}
	flip := false
	if lv.empty() {
		l, rt, flip = rt, l, true
	}
	switch o.Restrict {
	case "eqsel":
		return r.eqSel(l, rt)
	case "neqsel":
		null := 0.0
		if st := r.stats(l); st != nil {
			null = st.NullFrac
		}
		return math.Max(0, 1-r.eqSel(l, rt)-null)
	case "scalarltsel", "scalarlesel":
		return r.rangeSel(l, rt, !flip)
	case "scalargtsel", "scalargesel":
		return r.rangeSel(l, rt, flip)
	case "likesel", "regexeqsel", "iclikesel", "icregexeqsel":
		return defaultMatch
	case "nlikesel", "regexnesel", "icnlikesel", "icregexnesel":
		return 1 - defaultMatch
	case "matchingsel":
		return 0.01
	}
	return defaultBool
}

// eqSel is the selectivity of column = value.
func (r *root) eqSel(col, val node.Node) float64 {
	b, att := r.column(col)
	if b != nil && b.table != nil {
		for _, ix := range b.indexes {
			if ix.Rel.Index.Unique && ix.Rel.Index.KeyCols == 1 && int(ix.Rel.Index.AttNums[0]) == att && len(ix.Pred) == 0 {
				return 1 / math.Max(b.tuples, 1)
			}
		}
	}
	st := r.stats(col)
	nd, known := r.distinct(col)
	if st == nil {
		if b == nil || !known && b.tuples > 0 && b.tuples < defaultDistinct {
			return math.Max(defaultEq, 1/math.Max(nd, 1))
		}
		return 1 / math.Max(nd, 1)
	}
	common := 0.0
	for _, f := range st.CommonFreq {
		common += f
	}
	if d, ok := r.cat.Estimate(val); ok {
		if d.Null {
			return 0
		}
		if st.Type == node.ExprType(val) || st.Type != 0 {
			if cmp, err := r.cat.Compare(st.Type, collationOf(col)); err == nil {
				for i, v := range st.Common {
					if cmp(v, d) == 0 {
						return st.CommonFreq[i]
					}
				}
			}
		}
		rest := nd - float64(len(st.Common))
		if rest < 1 {
			rest = 1
		}
		s := math.Max(0, 1-common-st.NullFrac) / rest
		if n := len(st.CommonFreq); n > 0 && s > st.CommonFreq[n-1] {
			s = st.CommonFreq[n-1]
		}
		return s
	}
	s := (1 - st.NullFrac) / math.Max(nd, 1)
	if len(st.CommonFreq) > 0 && s > st.CommonFreq[0] {
		s = st.CommonFreq[0]
	}
	return s
}

// rangeSel is the selectivity of column < value (less), or >.
func (r *root) rangeSel(col, val node.Node, less bool) float64 {
	st := r.stats(col)
	d, ok := r.cat.Estimate(val)
	if st == nil || !ok {
		return defaultIneq
	}
	if d.Null {
		return 0
	}
	cmp, err := r.cat.Compare(st.Type, collationOf(col))
	if err != nil {
		return defaultIneq
	}
	s, common := 0.0, 0.0
	for i, v := range st.Common {
		common += st.CommonFreq[i]
		if c := cmp(v, d); less && c < 0 || !less && c > 0 {
			s += st.CommonFreq[i]
		}
	}
	share := 0.5
	if n := len(st.Histogram); n >= 2 {
		lo, hi := 0, n
		for lo < hi {
			if m := (lo + hi) / 2; cmp(st.Histogram[m], d) < 0 {
				lo = m + 1
			} else {
				hi = m
			}
		}
		switch {
		case lo == 0:
			share = 0
		case lo >= n:
			share = 1
		default:
			share = (float64(lo-1) + between(st.Histogram[lo-1], d, st.Histogram[lo])) / float64(n-1)
		}
		if !less {
			share = 1 - share
		}
		share = math.Min(1-0.0001, math.Max(0.0001, share))
	} else if n == 0 && len(st.Common) > 0 {
		share = 0
	}
	return math.Min(1, s+share*math.Max(0, 1-common-st.NullFrac))
}

// between is where v lies between lo and hi, for by-value types; else the middle.
func between(lo, v, hi datum.Datum) float64 {
	if lo.Bytes != nil || v.Bytes != nil || hi.Int <= lo.Int {
		return 0.5
	}
	return math.Min(1, math.Max(0, float64(v.Int-lo.Int)/float64(hi.Int-lo.Int)))
}

// joinSel is the selectivity of a comparison of two relations' columns.
func (r *root) joinSel(o Operator, l, rt node.Node) float64 {
	switch o.Join {
	case "eqjoinsel":
		n1, _ := r.distinct(l)
		n2, _ := r.distinct(rt)
		s := 1 / math.Max(math.Max(n1, n2), 1)
		for _, e := range []node.Node{l, rt} {
			if st := r.stats(e); st != nil {
				s *= 1 - st.NullFrac
			}
		}
		return s
	case "neqjoinsel":
		n1, _ := r.distinct(l)
		n2, _ := r.distinct(rt)
		return 1 - 1/math.Max(math.Max(n1, n2), 1)
	case "likejoinsel", "regexeqjoinsel":
		return defaultMatch
	}
	if o.Restrict == "eqsel" {
		return defaultEq
	}
	return defaultIneq
}

func (r *root) anySel(x *node.ScalarArrayOpExpr) float64 {
	o, err := r.cat.Operator(x.Opno)
	if err != nil {
		return defaultBool
	}
	count := 10.0
	if a, ok := x.Args[1].(*node.ArrayExpr); ok {
		count = float64(len(a.Elements))
	} else if d, ok := r.cat.Estimate(x.Args[1]); ok && !d.Null && len(d.Bytes) >= 16 {
		count = float64(uint32(d.Bytes[12]) | uint32(d.Bytes[13])<<8 | uint32(d.Bytes[14])<<16)
	}
	one := defaultIneq
	if o.Restrict == "eqsel" {
		nd, _ := r.distinct(x.Args[0])
		one = 1 / math.Max(nd, 1)
	} else if o.Restrict == "neqsel" {
		one = 1 - defaultEq
	}
	if x.UseOr {
		return math.Min(1, one*count)
	}
	return math.Pow(one, count)
}

// groups estimates how many groups the expressions make of rows.
func (r *root) groups(list []node.Node, rows float64) float64 {
	n := 1.0
	for _, e := range list {
		vars := map[[2]int]*node.Var{}
		node.Walk(e, func(m node.Node) bool {
			if v, ok := m.(*node.Var); ok {
				vars[[2]int{v.Varno, v.Varattno}] = v
			}
			return true
		})
		for _, v := range vars {
			d, _ := r.distinct(v)
			n *= d
		}
	}
	return clamp(math.Min(n, rows))
}
