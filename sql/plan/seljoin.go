package plan

import (
	"math"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// joinSel is the selectivity of a comparison of two relations' columns.
func (r *root) joinSel(o Operator, l, rt node.Node, coll oid.OID, j *joinContext) float64 {
	a, b := r.examine(l), r.examine(rt)
	reversed := a.rel != nil && a.rel.ids.in(j.right) || b.rel != nil && b.rel.ids.in(j.left)
	switch o.Join {
	case "eqjoinsel":
		return r.equalJoin(a, b, coll, j, reversed)
	case "neqjoinsel":
		if j.kind == node.JoinSemi || j.kind == node.JoinAnti {
			if reversed {
				a = b
			}
			if a.stats != nil {
				return 1 - a.stats.NullFrac
			}
			return 1
		}
		return 1 - r.equalJoin(a, b, coll, j, reversed)
	case "scalarltjoinsel", "scalarlejoinsel", "scalargtjoinsel", "scalargejoinsel":
		return defaultIneq
	case "likejoinsel", "regexeqjoinsel", "iclikejoinsel", "icregexeqjoinsel":
		return defaultMatch
	case "nlikejoinsel", "regexnejoinsel", "icnlikejoinsel", "icregexnejoinsel":
		return 1 - defaultMatch
	case "matchingjoinsel":
		return 0.01
	case "contjoinsel":
		return 0.001
	case "arraycontjoinsel":
		return 0.005
	}
	return defaultBool
}

// sidedStats is one side of an equality of columns.
type sidedStats struct {
	v    variable
	nd   float64
	sure bool
	null float64
}

func (r *root) side(v variable) sidedStats {
	s := sidedStats{v: v}
	s.nd, s.sure = r.numDistinct(v)
	if v.stats != nil {
		s.null = v.stats.NullFrac
	}
	return s
}

func (s sidedStats) common() int {
	if s.v.stats == nil {
		return 0
	}
	return len(s.v.stats.Common)
}

func (r *root) equalJoin(a, b variable, coll oid.OID, j *joinContext, reversed bool) float64 {
	x, y := r.side(a), r.side(b)
	inner := probability(r.equalInner(x, y, coll))
	if j.kind != node.JoinSemi && j.kind != node.JoinAnti {
		return inner
	}
	if reversed {
		x, y = y, x
	}
	s := r.equalSemi(x, y, coll, j.innerRows)
	return probability(math.Min(s, j.innerRows*inner))
}

// matches pairs the most common values of both sides.
func (r *root) commonMatches(x, y sidedStats, limit int, coll oid.OID) (n int, product, fx, fy float64) {
	sx, sy := x.v.stats, y.v.stats
	cmp, err := r.cat.Compare(sx.Type, coll)
	if err != nil {
		return 0, 0, 0, 0
	}
	if !comparable(sx.Type, sy.Type) {
		return 0, 0, 0, 0
	}
	taken := make([]bool, len(sy.Common))
	for i, v := range sx.Common {
		for k := range limit {
			if !taken[k] && cmp(v, sy.Common[k]) == 0 {
				taken[k] = true
				n++
				product += sx.CommonFreq[i] * sy.CommonFreq[k]
				fx += sx.CommonFreq[i]
				fy += sy.CommonFreq[k]
				break
			}
		}
	}
	return n, product, fx, fy
}

// comparable reports whether values of both types are compared as one type's.
func comparable(a, b oid.OID) bool {
	ints := func(t oid.OID) bool { return t == oid.Int2 || t == oid.Int4 || t == oid.Int8 }
	text := func(t oid.OID) bool { return t == oid.Text || t == oid.Varchar }
	return a == b || ints(a) && ints(b) || text(a) && text(b)
}

func (r *root) equalInner(x, y sidedStats, coll oid.OID) float64 {
	if x.common() == 0 || y.common() == 0 {
		return (1 - x.null) * (1 - y.null) / math.Max(x.nd, y.nd)
	}
	n, product, fx, fy := r.commonMatches(x, y, y.common(), coll)
	product, fx, fy = probability(product), probability(fx), probability(fy)
	ux, uy := -fx, -fy
	for _, f := range x.v.stats.CommonFreq {
		ux += f
	}
	for _, f := range y.v.stats.CommonFreq {
		uy += f
	}
	ux, uy = probability(ux), probability(uy)
	ox, oy := probability(1-x.null-fx-ux), probability(1-y.null-fy-uy)
	total := func(u, o, otherO, otherU, nd float64, common int) float64 {
		t := product
		if nd > float64(common) {
			t += u * otherO / (nd - float64(common))
		}
		if nd > float64(n) {
			t += o * (otherO + otherU) / (nd - float64(n))
		}
		return t
	}
	return math.Min(total(ux, ox, oy, uy, y.nd, y.common()), total(uy, oy, ox, ux, x.nd, x.common()))
}

// equalSemi is the share of the left rows that have a match.
func (r *root) equalSemi(x, y sidedStats, coll oid.OID, innerRows float64) float64 {
	if y.v.rel != nil && y.nd >= y.v.rel.rows {
		y.nd, y.sure = y.v.rel.rows, true
	}
	if y.nd >= innerRows {
		y.nd, y.sure = innerRows, true
	}
	share := func() float64 {
		if !x.sure || !y.sure {
			return 0.5
		}
		if x.nd <= y.nd || y.nd < 0 {
			return 1
		}
		return y.nd / x.nd
	}
	if x.common() == 0 || y.common() == 0 {
		return share() * (1 - x.null)
	}
	limit := y.common()
	if float64(limit) > y.nd {
		limit = int(y.nd)
	}
	n, _, fx, _ := r.commonMatches(x, y, limit, coll)
	fx = probability(fx)
	x.nd, y.nd = x.nd-float64(n), y.nd-float64(n)
	return fx + share()*probability(1-fx-x.null)
}

// bucketStats estimates the share of the rows in a hash key's fullest likely
// bucket, and the share of its most common value.
func (r *root) bucketStats(key node.Node, buckets float64) (size, common float64) {
	v := r.examine(key)
	if v.stats != nil && len(v.stats.CommonFreq) > 0 {
		common = v.stats.CommonFreq[0]
	}
	nd, sure := r.numDistinct(v)
	if !sure {
		return math.Max(0.1, common), common
	}
	null := 0.0
	if v.stats != nil {
		null = v.stats.NullFrac
	}
	avg := (1 - null) / nd
	if v.rel != nil && v.rel.tuples > 0 {
		nd = clamp(nd * v.rel.rows / v.rel.tuples)
	}
	size = 1 / math.Min(nd, buckets)
	if avg > 0 && common > avg {
		size *= common / avg
	}
	return math.Min(1, math.Max(1e-6, size)), common
}

// groupVar is one expression that groups are made by.
type groupVar struct {
	v  variable
	nd float64
}

// groups estimates how many groups the expressions make of rows.
func (r *root) groups(list []node.Node, rows float64) float64 {
	rows = clamp(rows)
	if len(list) == 0 {
		return 1
	}
	n := 1.0
	sets := 1.0
	var vars []groupVar
	for _, e := range list {
		if s := r.setRows(e); s > sets {
			sets = s
		}
		if node.ExprType(e) == oid.Bool {
			n *= 2
			continue
		}
		v := r.examine(e)
		if v.stats != nil || v.unique {
			vars = r.addGroupVar(vars, v)
			continue
		}
		some := false
		node.Walk(e, func(m node.Node) bool {
			if x, ok := m.(*node.Var); ok && x.Varlevelsup == 0 {
				some = true
				vars = r.addGroupVar(vars, r.examine(x))
			}
			return true
		})
		if !some && r.hasVolatile(e) {
			return rows
		}
	}
	for len(vars) > 0 {
		b := vars[0].v.rel
		distinct, most, count := 1.0, 0.0, 0
		var rest []groupVar
		for _, g := range vars {
			if g.v.rel != b {
				rest = append(rest, g)
				continue
			}
			distinct *= g.nd
			most = math.Max(most, g.nd)
			count++
		}
		vars = rest
		if b == nil || b.tuples <= 0 {
			n *= distinct
			continue
		}
		limit := b.tuples
		if count > 1 {
			limit = math.Min(math.Max(limit*0.1, most), b.tuples)
		}
		distinct = math.Min(distinct, limit)
		if distinct > 0 && b.rows < b.tuples {
			distinct *= 1 - math.Pow((b.tuples-b.rows)/b.tuples, b.tuples/distinct)
		}
		n *= clamp(distinct)
	}
	n = math.Ceil(n * sets)
	return math.Max(1, math.Min(n, rows))
}

// addGroupVar adds v unless an expression that is equal to it is there.
func (r *root) addGroupVar(vars []groupVar, v variable) []groupVar {
	nd, _ := r.numDistinct(v)
	for i, g := range vars {
		if node.Equal(g.v.e, v.e) {
			return vars
		}
		if r.knownEqual(g.v.e, v.e) && g.v.rel != v.rel {
			if nd < g.nd {
				vars[i] = groupVar{v, nd}
			}
			return vars
		}
	}
	return append(vars, groupVar{v, nd})
}

// knownEqual reports whether a class holds both expressions.
func (r *root) knownEqual(a, b node.Node) bool {
	for _, c := range r.classes {
		x, y := false, false
		for _, m := range c.members {
			x, y = x || node.Equal(bare(m.e), a), y || node.Equal(bare(m.e), b)
		}
		if x && y {
			return true
		}
	}
	return false
}
