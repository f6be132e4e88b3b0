package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// joining is one way round of joining two relations: what its paths share.
type joining struct {
	j, o, i  *rel
	kind     node.JoinType // of the plan
	was      node.JoinType // of the join as it is meant
	s        *special
	quals    []*qual
	unique   bool // at most one inner row matches an outer one
	matched  float64
	matches  float64
	merge    []*qual
	uniqueO  *path // the outer side, made unique
	uniqueI  *path
	mustHave bool
}

// joinPaths adds the joins of o (outer) and i (inner) to j.
func (r *root) joinPaths(j, o, i *rel, kind node.JoinType, s *special, quals []*qual) {
	if r.lateralTo(i, o) {
		return // the outer side cannot wait for the inner
	}
	x := &joining{j: j, o: o, i: i, kind: kind, was: kind, s: s, quals: quals}
	r.allPaths(x)
}

// uniqueJoins joins with the right side of a semi join made unique: then it is an
// inner join, either way round.
func (r *root) uniqueJoins(j, a, b *rel, u *path, s *special, quals []*qual) {
	if !r.lateralTo(b, a) {
		r.allPaths(&joining{j: j, o: a, i: b, kind: node.JoinInner, was: node.JoinInner, s: s, quals: quals, uniqueI: u})
	}
	if !r.lateralTo(a, b) {
		r.allPaths(&joining{j: j, o: b, i: a, kind: node.JoinInner, was: node.JoinInner, s: s, quals: quals, uniqueO: u})
	}
}

func (r *root) allPaths(x *joining) {
	switch {
	case x.uniqueI != nil:
		x.unique = x.s.minL.in(x.o.ids)
	case x.was == node.JoinSemi || x.was == node.JoinAnti:
		x.unique = false
	default:
		x.unique = r.innerUnique(x)
	}
	if x.was == node.JoinSemi || x.was == node.JoinAnti || x.unique {
		r.semiFactors(x)
	}
	x.merge = r.mergeQuals(x)
	if r.mergeAllowed(x) {
		r.sortMerge(x)
		r.unsortedOuter(x)
	} else {
		r.unsortedOuter(x)
	}
	r.hashPaths(x)
}

// mergeQuals are the conditions that a merge join could use.
func (r *root) mergeQuals(x *joining) []*qual {
	var out []*qual
	x.mustHave = true
	for _, q := range x.quals {
		if x.kind != node.JoinInner && x.kind != node.JoinSemi && q.pushed && x.was != node.JoinSemi {
			continue
		}
		if q.equal == nil || !r.splits(q, x.o, x.i) || !r.mergeTypes(q) {
			if k, ok := isConst(q.e); !ok || k == nil {
				x.mustHave = false
			}
			continue
		}
		if l := r.sideClass(q, true); l == nil || l.top().constant || r.sideClass(q, false).top().constant {
			x.mustHave = false
			continue
		}
		out = append(out, q)
	}
	return out
}

// mergeTypes reports whether the executor can merge by q: both sides are of one
// type.
func (r *root) mergeTypes(q *qual) bool {
	return node.ExprType(bare(q.left)) == node.ExprType(bare(q.right)) || comparable(node.ExprType(q.left), node.ExprType(q.right)) && node.ExprType(q.left) == node.ExprType(q.right)
}

// mergeAllowed: a RIGHT or FULL join must check all its conditions by merging.
func (r *root) mergeAllowed(x *joining) bool {
	if x.kind == node.JoinRight || x.kind == node.JoinFull {
		return x.mustHave && (x.kind != node.JoinFull || len(x.merge) > 0)
	}
	return true
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

// semiFactors estimates which share of the outer rows has a match and how many
// matches those have.
func (r *root) semiFactors(x *joining) {
	var quals []*qual
	for _, q := range x.quals {
		if x.kind == node.JoinInner || x.kind == node.JoinSemi || !q.pushed {
			quals = append(quals, q)
		}
	}
	c := &joinContext{kind: node.JoinInner, left: x.o.ids, right: x.i.ids, outerRows: x.o.rows, innerRows: x.i.rows}
	if x.s != nil {
		c.kind, c.left, c.right = x.s.kind, x.s.synL, x.s.synR
	}
	x.matched = r.selectivity(quals, c)
	c.kind = node.JoinInner
	n := r.selectivity(quals, c)
	x.matches = 1
	if x.matched > 0 {
		x.matches = n * x.i.rows / x.matched
		if x.matches < 1 {
			x.matches = 1
		}
	}
}

// innerUnique reports whether at most one inner row can match an outer one.
func (r *root) innerUnique(x *joining) bool {
	if x.kind == node.JoinFull && false {
		return false
	}
	return r.uniqueFor(x.i, x.o, x.quals, x.kind)
}

// uniqueFor reports whether the conditions name all columns of a unique key of b.
func (r *root) uniqueFor(b, o *rel, quals []*qual, kind node.JoinType) bool {
	if b.rti == 0 {
		return false
	}
	var cols []*qual
	for _, q := range quals {
		if q.pushed && kind != node.JoinInner && kind != node.JoinSemi || q.equal == nil || !r.splits(q, o, b) {
			continue
		}
		cols = append(cols, q)
	}
	if len(cols) == 0 {
		return false
	}
	side := func(q *qual) node.Node {
		if q.leftR.in(b.ids) {
			return q.left
		}
		return q.right
	}
	if b.table != nil {
		return slices.ContainsFunc(b.indexes, func(ix *Index) bool { return r.uniqueIndex(b, ix, cols, side) })
	}
	if b.subroot != nil {
		return r.uniqueSubquery(b, cols, side)
	}
	return false
}

func (r *root) uniqueIndex(b *rel, ix *Index, cols []*qual, side func(*qual) node.Node) bool {
	info := ix.Rel.Index
	if !info.Unique || !info.Immediate || len(ix.Pred) > 0 && !ix.predOK {
		return false
	}
	for c := range info.KeyCols {
		ok := slices.ContainsFunc(cols, func(q *qual) bool {
			return slices.Contains(q.equal, info.OpFamily[c]) && r.isColumn(b, ix, c, side(q)) && collates(info.Collations[c], q.e.(*node.OpExpr).Inputcollid)
		})
		ok = ok || slices.ContainsFunc(b.quals, func(q *qual) bool {
			return q.equal != nil && slices.Contains(q.equal, info.OpFamily[c]) &&
				(r.isColumn(b, ix, c, q.left) && varsOf(q.right).empty() || r.isColumn(b, ix, c, q.right) && varsOf(q.left).empty())
		})
		if !ok {
			return false
		}
	}
	return true
}

// uniqueSubquery reports whether a subquery's grouping makes the columns unique.
func (r *root) uniqueSubquery(b *rel, cols []*qual, side func(*qual) node.Node) bool {
	q := b.rte.Subquery
	has := func(ref int) bool {
		for _, te := range q.TargetList {
			if te.Ressortgroupref == ref && ref != 0 {
				return slices.ContainsFunc(cols, func(c *qual) bool {
					v, ok := bare(side(c)).(*node.Var)
					return ok && v.Varattno == te.Resno
				})
			}
		}
		return false
	}
	all := func(list []*node.SortGroupClause) bool {
		return !slices.ContainsFunc(list, func(c *node.SortGroupClause) bool { return !has(c.TleSortGroupRef) })
	}
	switch {
	case len(q.DistinctClause) > 0:
		return all(q.DistinctClause)
	case q.HasTargetSRFs:
		return false
	case len(q.GroupClause) > 0 && len(q.GroupingSets) == 0:
		return all(q.GroupClause)
	case len(q.GroupingSets) > 0:
		return false
	case q.HasAggs || q.HavingQual != nil:
		return true
	}
	return false
}

// uniquePath makes the rows of b unique by the columns that semi join s compares,
// nil if that cannot be done.
func (r *root) uniquePath(b *rel, s *special) *path {
	if p, ok := b.unique[s]; ok {
		return p
	}
	p := r.makeUnique(b, s)
	b.unique[s] = p
	return p
}

func (r *root) makeUnique(b *rel, s *special) *path {
	if !s.canHash && !s.canSort || len(s.rightExprs) == 0 || b.cheapest == nil || !b.cheapest.needs.empty() {
		return nil
	}
	in := b.cheapest
	if b.rti != 0 && r.alreadyUnique(b, s) {
		c := *in
		return &c
	}
	rows := r.groups(s.rightExprs, b.rows)
	n := len(s.rightExprs)
	op := r.set.CPUOperatorCost
	var best *path
	if s.canSort {
		var keys []sortKey
		for i, e := range s.rightExprs {
			fams := r.equalFamilies(s.rightOps[i])
			if len(fams) == 0 {
				return nil
			}
			t := r.classType(fams[0], node.ExprType(e))
			keys = appendKey(keys, sortKey{ec: r.classOf(e, fams[0], s.rightCollate[i], t), e: e, family: fams[0], collation: s.rightCollate[i]})
		}
		startup, run := r.sortCost(b.rows, b.width, -1, 0)
		best = &path{rel: b, rows: rows, width: b.width, startup: in.total + startup, total: in.total + startup + run + op*b.rows*float64(n), passes: true}
		best.make = func() (Plan, error) {
			p, err := r.build(in)
			if err != nil {
				return nil, err
			}
			if p, err = r.makeSort(p, keys); err != nil {
				return nil, err
			}
			c := p.Common()
			c.StartupCost, c.TotalCost, c.Rows, c.Width = in.total+startup, in.total+startup+run, b.rows, int(b.width)
			u := &Unique{Node: *outline(p)}
			u.UniqColIdx, u.UniqOperators, u.UniqCollations = r.uniqueColumns(c.TargetList, s)
			return u, nil
		}
	}
	if s.canHash && !r.set.NoHashAgg {
		a := r.aggCost(AggHashed, nil, n, rows, nil, in.startup, in.total, b.rows, in.width)
		if best == nil || a.total < best.total {
			best = &path{rel: b, rows: rows, width: b.width, startup: a.startup, total: a.total}
			best.make = func() (Plan, error) {
				p, err := r.build(in)
				if err != nil {
					return nil, err
				}
				for _, e := range s.rightExprs {
					if findTarget(p.Common().TargetList, e) < 0 {
						p = project(p, append(slices.Clone(p.Common().TargetList), &node.TargetEntry{Expr: e, Resno: len(p.Common().TargetList) + 1}))
					}
				}
				g := &Agg{Node: *outline(p), AggStrategy: AggHashed, NumGroups: rows, FirstRows: true}
				g.GrpColIdx, g.GrpOperators, g.GrpCollations = r.uniqueColumns(p.Common().TargetList, s)
				return g, nil
			}
		}
	}
	return best
}

// uniqueColumns finds the columns of a semi join's right side in a target list.
func (r *root) uniqueColumns(list []*node.TargetEntry, s *special) (cols []int, ops, colls []oid.OID) {
	for i, e := range s.rightExprs {
		op := s.rightOps[i]
		t := node.ExprType(e)
		for _, f := range r.equalFamilies(op) {
			if o, err := r.cat.FamilyOperator(f, t, t, 3); err == nil && o != oid.Invalid {
				op = o
			}
		}
		cols, ops, colls = append(cols, findTarget(list, e)+1), append(ops, op), append(colls, s.rightCollate[i])
	}
	return
}

// alreadyUnique reports whether b has no duplicates in the columns anyway.
func (r *root) alreadyUnique(b *rel, s *special) bool {
	var cols []*qual
	for i, e := range s.rightExprs {
		cols = append(cols, &qual{left: e, equal: r.equalFamilies(s.rightOps[i]), e: &node.OpExpr{Inputcollid: s.rightCollate[i]}})
	}
	side := func(q *qual) node.Node { return q.left }
	if b.table != nil {
		return slices.ContainsFunc(b.indexes, func(ix *Index) bool { return r.uniqueIndex(b, ix, cols, side) })
	}
	return b.subroot != nil && r.uniqueSubquery(b, cols, side)
}
