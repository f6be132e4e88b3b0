package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// costs copies a path's estimates to its plan.
func costs(p Plan, from *path) {
	c := p.Common()
	c.StartupCost, c.TotalCost, c.Rows = from.startup, from.total, from.rows
	if c.Width == 0 {
		c.Width = tlistWidth(c.TargetList)
	}
}

func tlistWidth(list []*node.TargetEntry) int {
	w := 0
	for _, te := range list {
		switch node.ExprType(te.Expr) {
		case oid.Bool, oid.Char:
			w++
		case oid.Int2:
			w += 2
		case oid.Int4, oid.Oid, oid.Float4, oid.Date, oid.Xid, oid.RegClass, oid.RegProc, oid.RegType, oid.Cid:
			w += 4
		case oid.Int8, oid.Float8, oid.Timestamp, oid.TimestampTZ, oid.PgLSN, oid.Time:
			w += 8
		case oid.Name:
			w += 64
		case oid.UUID, oid.Interval:
			w += 16
		case oid.Tid:
			w += 6
		default:
			w += 32
		}
	}
	return w
}

func (r *root) build(p *path) (Plan, error) {
	plan, err := p.make()
	if err != nil {
		return nil, err
	}
	costs(plan, p)
	return plan, nil
}

// joinNode sets what all joins have. covered are conditions that the join method
// itself checks.
func (r *root) joinNode(jn *Join, j *rel, kind node.JoinType, on, above, covered []*qual, left, right Plan) {
	jn.Jointype, jn.Left, jn.Right = kind, left, right
	jn.TargetList = r.varTlist(j.ids)
	rest := without(on, covered...)
	if kind == node.JoinInner {
		jn.JoinQual = r.quals(append(rest, above...))
		return
	}
	jn.JoinQual, jn.Qual = r.quals(rest), r.quals(above)
}

// makeNest builds a nested loop; variables of the outer side become parameters of
// the inner.
func (r *root) makeNest(j *rel, lp, rp *path, l, rt *rel, kind node.JoinType, on, above []*qual, material bool) (Plan, error) {
	left, err := r.build(lp)
	if err != nil {
		return nil, err
	}
	saved, claimed := r.outers, r.nest
	r.outers = r.outers.union(l.ids)
	r.nest = nil
	right, err := r.build(rp)
	if err != nil {
		return nil, err
	}
	r.outers = saved
	n := &NestLoop{}
	var later []NestLoopParam
	for _, np := range r.nest {
		if varsOf(np.Value).in(l.ids) {
			n.NestParams = append(n.NestParams, np)
		} else {
			later = append(later, np)
		}
	}
	r.nest = claimed
	for _, np := range later {
		if !slices.ContainsFunc(r.nest, func(o NestLoopParam) bool { return o.ParamNo == np.ParamNo }) {
			r.nest = append(r.nest, np)
		}
	}
	if material {
		m := &Material{Node: *outline(right)}
		right = m
	}
	r.joinNode(&n.Join, j, kind, on, above, rp.covered, left, right)
	n.InnerUnique = rp.unique && len(n.JoinQual) == 0 && kind != node.JoinAnti
	return n, nil
}

func (r *root) makeHash(j *rel, lp, rp *path, l, rt *rel, kind node.JoinType, on, above, eq []*qual) (Plan, error) {
	left, err := r.build(lp)
	if err != nil {
		return nil, err
	}
	right, err := r.build(rp)
	if err != nil {
		return nil, err
	}
	h := &Hash{Node: *outline(right)}
	h.StartupCost = h.TotalCost
	n := &HashJoin{}
	r.joinNode(&n.Join, j, kind, on, above, eq, left, h)
	for _, q := range eq {
		o, i := r.sides(q, l)
		op, coll, err := r.oriented(q, l)
		if err != nil {
			return nil, err
		}
		n.HashClauses = append(n.HashClauses, &node.OpExpr{Opno: op, Opresulttype: oid.Bool, Inputcollid: coll, Args: []node.Node{r.nestParams(o), r.nestParams(i)}, Location: -1})
		n.HashOperators, n.HashCollations = append(n.HashOperators, op), append(n.HashCollations, coll)
		n.HashKeys, h.HashKeys = append(n.HashKeys, r.nestParams(o)), append(h.HashKeys, r.nestParams(i))
	}
	return n, nil
}

// oriented is q's operator with l's side on the left.
func (r *root) oriented(q *qual, l *rel) (op, coll oid.OID, err error) {
	coll = q.e.(*node.OpExpr).Inputcollid
	if q.leftR.in(l.ids) {
		return q.op, coll, nil
	}
	o, err := r.cat.Operator(q.op)
	if err == nil && o.Commutator == oid.Invalid {
		err = pgerr.New(pgerr.InternalError, "could not find commutator for operator %d", q.op)
	}
	return o.Commutator, coll, err
}

func (r *root) makeMerge(j *rel, ls, rs *path, l, rt *rel, kind node.JoinType, on, above, eq []*qual, keys []sortKey) (Plan, error) {
	left, err := r.build(ls)
	if err != nil {
		return nil, err
	}
	right, err := r.build(rs)
	if err != nil {
		return nil, err
	}
	n := &MergeJoin{}
	r.joinNode(&n.Join, j, kind, on, above, eq, left, right)
	for i, q := range eq {
		o, in := r.sides(q, l)
		op, coll, err := r.oriented(q, l)
		if err != nil {
			return nil, err
		}
		n.MergeClauses = append(n.MergeClauses, &node.OpExpr{Opno: op, Opresulttype: oid.Bool, Inputcollid: coll, Args: []node.Node{o, in}, Location: -1})
		n.MergeKeys = append(n.MergeKeys, SortKey{SortOp: keys[i].op, Collation: coll})
	}
	return n, nil
}

// makeSort sorts a plan by expressions, adding those that are not in its target
// list.
func (r *root) makeSort(in Plan, keys []sortKey) (Plan, error) {
	c := in.Common()
	for _, k := range keys {
		if findTarget(c.TargetList, k.e) < 0 {
			if _, ok := in.(*Result); !ok && !canProject(in) {
				in = &Result{Node: *outline(in)}
				c = in.Common()
			}
			c.TargetList = append(slices.Clone(c.TargetList), &node.TargetEntry{Expr: k.e, Resno: len(c.TargetList) + 1, Resjunk: true})
		}
	}
	s := &Sort{Node: *outline(in)}
	for _, k := range keys {
		op := k.op
		if op == oid.Invalid {
			strategy := 1
			if k.desc {
				strategy = 5
			}
			var err error
			t := node.ExprType(k.e)
			if op, err = r.cat.FamilyOperator(k.family, t, t, strategy); err != nil {
				return nil, err
			}
		}
		s.Keys = append(s.Keys, SortKey{Col: findTarget(c.TargetList, k.e) + 1, SortOp: op, Collation: k.collation, Descending: k.desc, NullsFirst: k.nullsFirst})
	}
	s.StartupCost = s.TotalCost
	return s, nil
}

// findTarget returns the position of e in a target list, or -1.
func findTarget(list []*node.TargetEntry, e node.Node) int {
	for i, te := range list {
		if node.Equal(te.Expr, e) {
			return i
		}
	}
	for i, te := range list {
		if node.Equal(bare(te.Expr), bare(e)) {
			return i
		}
	}
	return -1
}

// canProject reports whether a node computes its target list.
func canProject(p Plan) bool {
	switch p.(type) {
	case *Hash, *Material, *Sort, *IncrementalSort, *Unique, *SetOp, *LockRows, *Limit, *ModifyTable, *Append, *MergeAppend, *RecursiveUnion:
		return false
	}
	return true
}
