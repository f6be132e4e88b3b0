package plan

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// tlistWidth is the width of rows of which nothing but their types is known.
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

// joinNode sets what all joins have. used are conditions that the join method
// itself checks.
func (r *root) joinNode(jn *Join, x *joining, quals, used []*qual, left, right Plan) {
	jn.Jointype, jn.Left, jn.Right = x.kind, left, right
	jn.TargetList = r.varTlist(x.j.ids)
	rest := without(quals, used...)
	if x.kind == node.JoinInner || x.kind == node.JoinSemi {
		jn.JoinQual = r.quals(rest)
		return
	}
	var own, above []*qual
	for _, q := range rest {
		if q.pushed {
			above = append(above, q)
		} else {
			own = append(own, q)
		}
	}
	jn.JoinQual, jn.Qual = r.quals(own), r.quals(above)
}

// makeNest builds a nested loop; variables of the outer side become parameters of
// the inner.
func (r *root) makeNest(x *joining, lp, rp *path, quals []*qual) (Plan, error) {
	left, err := r.build(lp)
	if err != nil {
		return nil, err
	}
	saved, claimed := r.outers, r.nest
	r.outers = r.outers.union(x.o.ids)
	r.nest = nil
	right, err := r.build(rp)
	if err != nil {
		return nil, err
	}
	r.outers = saved
	n := &NestLoop{}
	var later []NestLoopParam
	for _, np := range r.nest {
		if varsOf(np.Value).in(x.o.ids) {
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
	r.joinNode(&n.Join, x, quals, nil, left, right)
	n.InnerUnique = x.unique && len(n.JoinQual) == 0 && x.kind != node.JoinAnti
	return r.gate(n, quals), nil
}

func (r *root) makeHash(x *joining, lp, rp *path, eq []*qual) (Plan, error) {
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
	r.joinNode(&n.Join, x, x.quals, eq, left, h)
	for _, q := range eq {
		o, i := r.sides(q, x.o)
		op, coll, err := r.oriented(q, x.o)
		if err != nil {
			return nil, err
		}
		o, i = r.nestParams(o), r.nestParams(i)
		n.HashClauses = append(n.HashClauses, &node.OpExpr{Opno: op, Opresulttype: oid.Bool, Inputcollid: coll, Args: []node.Node{o, i}, Location: -1})
		n.HashOperators, n.HashCollations = append(n.HashOperators, op), append(n.HashCollations, coll)
		n.HashKeys, h.HashKeys = append(n.HashKeys, o), append(h.HashKeys, i)
	}
	return r.gate(n, x.quals), nil
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

func (r *root) makeMerge(x *joining, ls, rs *path, quals []*qual, order []sortKey, material, skip bool) (Plan, error) {
	left, err := r.build(ls)
	if err != nil {
		return nil, err
	}
	right, err := r.build(rs)
	if err != nil {
		return nil, err
	}
	if material {
		m := r.material(rs)
		right = &Material{Node: *outline(right)}
		c := right.Common()
		c.StartupCost, c.TotalCost, c.Rows, c.Width = m.startup, m.total, m.rows, int(m.width)
	}
	n := &MergeJoin{SkipMarkRestore: skip}
	r.joinNode(&n.Join, x, x.quals, quals, left, right)
	for _, q := range quals {
		o, in := r.sides(q, x.o)
		op, coll, err := r.oriented(q, x.o)
		if err != nil {
			return nil, err
		}
		key := r.sideKey(x, q, true)
		for _, k := range order {
			if k.ec.top() == key.ec.top() {
				key.desc, key.nullsFirst = k.desc, k.nullsFirst
			}
		}
		strategy := 1
		if key.desc {
			strategy = 5
		}
		t := r.classType(key.family, node.ExprType(bare(o)))
		sortOp, err := r.cat.FamilyOperator(key.family, t, t, strategy)
		if err != nil {
			return nil, err
		}
		n.MergeClauses = append(n.MergeClauses, &node.OpExpr{Opno: op, Opresulttype: oid.Bool, Inputcollid: coll, Args: []node.Node{o, in}, Location: -1})
		n.MergeKeys = append(n.MergeKeys, SortKey{SortOp: sortOp, Collation: coll, Descending: key.desc, NullsFirst: key.nullsFirst})
	}
	return r.gate(n, x.quals), nil
}

// makeMemoize builds the node that keeps rows by parameters: keys are expressions
// of outer rows.
func (r *root) makeMemoize(in Plan, keys []node.Node, single, binary bool) (Plan, error) {
	m := &Memoize{Node: *outline(in), SingleRow: single, Binary: binary}
	for _, k := range keys {
		t := node.ExprType(k)
		m.Keys = append(m.Keys, r.nestParams(k))
		m.Types = append(m.Types, t)
	}
	return m, nil
}

// makeSort sorts a plan by keys, adding those that are not in its target list.
func (r *root) makeSort(in Plan, keys []sortKey) (Plan, error) {
	c := in.Common()
	exprs := make([]node.Node, len(keys))
	for i, k := range keys {
		if exprs[i] = keyExpr(c.TargetList, k); exprs[i] != nil {
			continue
		}
		e := k.e
		if m := r.computable(c.TargetList, k); m != nil {
			e = m
		}
		if _, ok := in.(*Result); !ok && !canProject(in) {
			in = &Result{Node: *outline(in)}
			c = in.Common()
		}
		c.TargetList = append(slices.Clone(c.TargetList), &node.TargetEntry{Expr: e, Resno: len(c.TargetList) + 1, Resjunk: true})
		exprs[i] = e
	}
	s := &Sort{Node: *outline(in)}
	for i, k := range keys {
		op := k.op
		t := r.classType(k.family, node.ExprType(exprs[i]))
		if op == oid.Invalid || node.ExprType(bare(exprs[i])) != node.ExprType(bare(k.e)) {
			strategy := 1
			if k.desc {
				strategy = 5
			}
			var err error
			if op, err = r.cat.FamilyOperator(k.family, t, t, strategy); err != nil {
				return nil, err
			}
		}
		s.Keys = append(s.Keys, SortKey{Col: findTarget(c.TargetList, exprs[i]) + 1, SortOp: op, Collation: k.collation, Descending: k.desc, NullsFirst: k.nullsFirst})
	}
	s.StartupCost = s.TotalCost
	return s, nil
}

// keyExpr is the member of a key's class that a target list has, nil if none.
func keyExpr(list []*node.TargetEntry, k sortKey) node.Node {
	if findTarget(list, k.e) >= 0 {
		return k.e
	}
	for _, m := range k.ec.top().members {
		if !m.ids.empty() && findTarget(list, m.e) >= 0 {
			return m.e
		}
	}
	return nil
}

// computable is a member of a key's class whose variables a target list has.
func (r *root) computable(list []*node.TargetEntry, k sortKey) node.Node {
	can := func(e node.Node) bool {
		ok := true
		node.Walk(e, func(n node.Node) bool {
			if v, is := n.(*node.Var); is && findTarget(list, v) < 0 {
				ok = false
			}
			return ok
		})
		return ok
	}
	if can(k.e) {
		return k.e
	}
	for _, m := range k.ec.top().members {
		if !m.ids.empty() && can(m.e) {
			return m.e
		}
	}
	return nil
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
	case *Hash, *Material, *Memoize, *Sort, *IncrementalSort, *Unique, *SetOp, *LockRows, *Limit, *ModifyTable, *Append, *MergeAppend, *RecursiveUnion:
		return false
	}
	return true
}
