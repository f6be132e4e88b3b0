package plan

import (
	"math"

	"github.com/pgmini/pgmini/oid"
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

// joinContext is the join for which a selectivity is estimated; nil: conditions
// are filters of one relation.
type joinContext struct {
	kind       node.JoinType
	left       relids
	right      relids
	outerRows  float64
	innerRows  float64
	innerQuals bool
}

func probability(s float64) float64 { return math.Min(1, math.Max(0, s)) }

// selectivity is the share of rows that all quals keep. Two bounds of one
// expression are taken together as a range; all else as independent.
func (r *root) selectivity(quals []*qual, j *joinContext) float64 {
	if len(quals) == 1 {
		return r.qualSel(quals[0], j)
	}
	s := 1.0
	var ranges []*bounds
	for _, q := range quals {
		one := r.qualSel(q, j)
		if !q.pseudo && q.need.count() == 1 && r.addBound(&ranges, q.e, one) {
			continue
		}
		s *= one
	}
	return r.closeRanges(ranges, s)
}

// bounds are conditions that limit one expression from below and above.
type bounds struct {
	e          node.Node
	low, high  float64
	hasL, hasH bool
}

// addBound files e as a bound if it is one.
func (r *root) addBound(list *[]*bounds, e node.Node, sel float64) bool {
	op, ok := e.(*node.OpExpr)
	if !ok || len(op.Args) != 2 {
		return false
	}
	o, err := r.cat.Operator(op.Opno)
	if err != nil {
		return false
	}
	less := o.Restrict == "scalarltsel" || o.Restrict == "scalarlesel"
	if !less && o.Restrict != "scalargtsel" && o.Restrict != "scalargesel" {
		return false
	}
	v := op.Args[0]
	switch {
	case varsOf(op.Args[1]).empty() && !r.hasVolatile(op.Args[1]):
	case varsOf(op.Args[0]).empty() && !r.hasVolatile(op.Args[0]):
		v, less = op.Args[1], !less
	default:
		return false
	}
	var b *bounds
	for _, k := range *list {
		if node.Equal(k.e, v) {
			b = k
		}
	}
	if b == nil {
		b = &bounds{e: v}
		*list = append(*list, b)
	}
	if less {
		if !b.hasH || sel < b.high {
			b.hasH, b.high = true, sel
		}
	} else if !b.hasL || sel < b.low {
		b.hasL, b.low = true, sel
	}
	return true
}

func (r *root) closeRanges(list []*bounds, s float64) float64 {
	for _, b := range list {
		switch {
		case b.hasL && b.hasH:
			t := b.low + b.high - 1
			if b.low == defaultIneq || b.high == defaultIneq {
				t = defaultRange
			} else {
				t += r.nullSel(b.e)
				if t <= 0 {
					if t < -0.01 {
						t = defaultRange
					} else {
						t = 1e-10
					}
				}
			}
			s *= t
		case b.hasL:
			s *= b.low
		default:
			s *= b.high
		}
	}
	return s
}

// qualSel is the selectivity of one condition, remembered where that is allowed.
func (r *root) qualSel(q *qual, j *joinContext) float64 {
	if q.pseudo {
		if _, ok := isConst(q.e); !ok {
			return 1
		}
	}
	if q.spent {
		return 1
	}
	if q.need.count() <= 1 {
		j = nil
	}
	if j == nil {
		if q.sel < 0 {
			q.sel = probability(r.sel(q.e, nil))
		}
		return q.sel
	}
	if j.kind == node.JoinInner && q.joinSel >= 0 {
		return q.joinSel
	}
	s := probability(r.sel(q.e, j))
	if j.kind == node.JoinInner {
		q.joinSel = s
	}
	return s
}

// boundSel is the selectivity of conditions on b whose other sides are known.
func (r *root) boundSel(list []node.Node, b *rel) float64 {
	s := 1.0
	var ranges []*bounds
	saved := r.only
	r.only = b
	defer func() { r.only = saved }()
	for _, e := range list {
		one := probability(r.sel(e, nil))
		if len(list) > 1 && varsOf(e).count() == 1 && r.addBound(&ranges, e, one) {
			continue
		}
		s *= one
	}
	return r.closeRanges(ranges, s)
}

func (r *root) listSel(list []node.Node, j *joinContext) float64 {
	s := 1.0
	var ranges []*bounds
	for _, e := range list {
		one := probability(r.sel(e, j))
		if len(list) > 1 && varsOf(e).count() == 1 && r.addBound(&ranges, e, one) {
			continue
		}
		s *= one
	}
	return r.closeRanges(ranges, s)
}

// sel is the selectivity of a condition.
func (r *root) sel(e node.Node, j *joinContext) float64 {
	switch x := e.(type) {
	case *node.Const:
		if x.Constisnull || !x.Constvalue.Bool() {
			return 0
		}
		return 1
	case *node.Param:
		if d, ok := r.cat.Estimate(x); ok {
			if d.Null || !d.Bool() {
				return 0
			}
			return 1
		}
		return defaultBool
	case *node.BoolExpr:
		switch x.Boolop {
		case node.AndExpr:
			return r.listSel(x.Args, j)
		case node.OrExpr:
			s := 0.0
			for _, a := range x.Args {
				t := probability(r.sel(a, j))
				s = s + t - s*t
			}
			return s
		}
		return 1 - r.sel(x.Args[0], j)
	case *node.NullTest:
		null := r.nullSel(x.Arg)
		if x.Nulltesttype == node.IsNull {
			return null
		}
		return 1 - null
	case *node.OpExpr:
		return r.opSel(x.Opno, x.Args, x.Inputcollid, j)
	case *node.DistinctExpr:
		return 1 - r.opSel(x.Opno, x.Args, x.Inputcollid, j)
	case *node.ScalarArrayOpExpr:
		return r.anySel(x, j)
	case *node.Var:
		return r.boolSel(x)
	case *node.BooleanTest:
		return r.boolTestSel(x, j)
	case *node.RelabelType:
		return r.sel(x.Arg, j)
	case *node.CoerceToDomain:
		return r.sel(x.Arg, j)
	case *node.FuncExpr:
		return 0.3333333
	case *node.RowCompareExpr:
		return defaultIneq
	case *node.CurrentOfExpr:
		if b := r.rels[x.Cvarno]; b != nil && b.tuples > 0 {
			return 1 / b.tuples
		}
	}
	return defaultBool
}

// nullSel is the share of NULLs of an expression.
func (r *root) nullSel(e node.Node) float64 {
	v := r.examine(e)
	if v.stats != nil {
		return v.stats.NullFrac
	}
	if x, ok := e.(*node.Var); ok && x.Varattno < 0 {
		return 0
	}
	return defaultUnk
}

func (r *root) boolSel(e node.Node) float64 {
	v := r.examine(e)
	if v.stats == nil {
		return defaultBool
	}
	return r.equalConst(v, boolConst(true).Constvalue, oid.Invalid, false)
}

func (r *root) boolTestSel(x *node.BooleanTest, j *joinContext) float64 {
	v := r.examine(x.Arg)
	if v.stats != nil {
		null := v.stats.NullFrac
		t := (1 - null) / 2
		if len(v.stats.Common) > 0 {
			t = v.stats.CommonFreq[0]
			if !v.stats.Common[0].Bool() {
				t = 1 - null - t
			}
		}
		switch x.Booltesttype {
		case node.IsUnknown:
			return null
		case node.IsNotUnknown:
			return 1 - null
		case node.IsTrue:
			return probability(t)
		case node.IsNotTrue:
			return probability(1 - t)
		case node.IsFalse:
			return probability(1 - t - null)
		}
		return probability(t + null)
	}
	switch x.Booltesttype {
	case node.IsUnknown:
		return defaultUnk
	case node.IsNotUnknown:
		return 1 - defaultUnk
	case node.IsTrue, node.IsNotFalse:
		return r.sel(x.Arg, j)
	}
	return 1 - r.sel(x.Arg, j)
}

// opSel is the selectivity of an operator, by the estimator that pg_operator
// names.
func (r *root) opSel(op oid.OID, args []node.Node, coll oid.OID, j *joinContext) float64 {
	o, err := r.cat.Operator(op)
	if err != nil {
		return defaultBool
	}
	if len(args) == 2 && j != nil && varsOf(args[0]).union(varsOf(args[1])).count() > 1 {
		return r.joinSel(o, args[0], args[1], coll, j)
	}
	if len(args) != 2 {
		return defaultBool
	}
	return r.restrict(op, o, args[0], args[1], coll)
}

// restrict is the selectivity of a comparison of a column with a value.
func (r *root) restrict(op oid.OID, o Operator, l, rt node.Node, coll oid.OID) float64 {
	v, val, left, ok := r.variable(l, rt)
	switch o.Restrict {
	case "eqsel", "neqsel":
		neg := o.Restrict == "neqsel"
		if !ok {
			if neg {
				return 1 - defaultEq
			}
			return defaultEq
		}
		return r.equalSel(v, val, coll, neg)
	case "scalarltsel", "scalarlesel", "scalargtsel", "scalargesel":
		if !ok {
			return defaultIneq
		}
		gt := o.Restrict == "scalargtsel" || o.Restrict == "scalargesel"
		eq := o.Restrict == "scalarlesel" || o.Restrict == "scalargesel"
		if !left {
			gt = !gt
		}
		return r.rangeSel(v, val, gt, eq, coll)
	case "likesel", "iclikesel", "regexeqsel", "icregexeqsel", "nlikesel", "icnlikesel", "regexnesel", "icregexnesel", "prefixsel":
		return r.patternSel(op, o, v, val, left && ok, coll)
	case "matchingsel":
		return 0.01
	case "contsel":
		return 0.001
	case "areasel":
		return 0.005
	case "positionsel":
		return 0.1
	case "arraycontsel":
		return 0.005
	}
	return defaultBool
}

// variable finds the column side of a comparison; val is the other side, left
// says that the column is on the left.
func (r *root) variable(l, rt node.Node) (v variable, val node.Node, left, ok bool) {
	lv, rv := r.examine(l), r.examine(rt)
	if lv.rel != nil && rv.rel == nil {
		return lv, rt, true, true
	}
	if lv.rel == nil && rv.rel != nil {
		return rv, l, false, true
	}
	return variable{}, nil, false, false
}

func (r *root) equalSel(v variable, val node.Node, coll oid.OID, neg bool) float64 {
	if d, ok := r.cat.Estimate(val); ok && varsOf(val).empty() {
		if d.Null {
			return 0
		}
		s := r.equalConst(v, d, coll, neg)
		return s
	}
	null, s := 0.0, 0.0
	if v.stats != nil {
		null = v.stats.NullFrac
	}
	switch {
	case v.unique && v.rel != nil && v.rel.tuples >= 1:
		s = 1 / v.rel.tuples
	case v.stats != nil:
		s = 1 - null
		if nd, _ := r.numDistinct(v); nd > 1 {
			s /= nd
		}
		if f := v.stats.CommonFreq; len(f) > 0 && s > f[0] {
			s = f[0]
		}
	default:
		nd, _ := r.numDistinct(v)
		s = 1 / nd
	}
	if neg {
		s = 1 - s - null
	}
	return probability(s)
}

// anySel is the selectivity of column op ANY or ALL (array).
func (r *root) anySel(x *node.ScalarArrayOpExpr, j *joinContext) float64 {
	o, err := r.cat.Operator(x.Opno)
	if err != nil {
		return defaultBool
	}
	equal, unequal := o.Restrict == "eqsel", o.Restrict == "neqsel"
	var elems []node.Node
	arr := bare(x.Args[1])
	if a, ok := arr.(*node.ArrayExpr); ok {
		elems = a.Elements
	} else if d, ok := r.cat.Estimate(arr); ok && varsOf(arr).empty() {
		if d.Null {
			return 0
		}
		if vals, ok := r.cat.Elements(d); ok {
			for _, v := range vals {
				elems = append(elems, &node.Const{Consttype: o.Right, Consttypmod: -1, Constvalue: v, Constisnull: v.Null, Constbyval: v.Bytes == nil, Location: -1})
			}
		}
	}
	if elems == nil {
		p := &node.Param{Paramkind: node.ParamExec, Paramid: -1, Paramtype: o.Right, Location: -1}
		for range 10 {
			elems = append(elems, p)
		}
	}
	s, disjoint := 0.0, 0.0
	if !x.UseOr {
		s, disjoint = 1, 1
	}
	for _, e := range elems {
		t := probability(r.opSel(x.Opno, []node.Node{x.Args[0], e}, x.Inputcollid, j))
		if x.UseOr {
			s = s + t - s*t
			if equal {
				disjoint += t
			}
		} else {
			s *= t
			if unequal {
				disjoint += t - 1
			}
		}
	}
	if (x.UseOr && equal || !x.UseOr && unequal) && disjoint >= 0 && disjoint <= 1 {
		s = disjoint
	}
	return probability(s)
}
