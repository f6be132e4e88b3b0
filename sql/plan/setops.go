package plan

import (
	"math"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// planSetQuery plans UNION, INTERSECT and EXCEPT with the ORDER BY and LIMIT over
// them.
func (r *root) planSetQuery() (Plan, error) {
	q := r.q
	if q.CommandType != node.CmdSelect {
		return nil, pgerr.NotYet("a set operation in a modifying statement")
	}
	if err := r.own(func(n node.Node) (node.Node, error) { return r.expression(n) }); err != nil {
		return nil, err
	}
	names := q.TargetList
	r.flatUnion = allUnionAll(q.SetOperations)
	p, err := r.setNode(q.SetOperations, names)
	if err != nil {
		return nil, err
	}
	c := p.Common()
	in := r.upperRel(c.Rows)
	in.add(&path{startup: c.StartupCost, total: c.TotalCost, rows: c.Rows, width: float64(c.Width), passes: true, make: func() (Plan, error) { return p, nil }})
	r.finishRel(in)
	r.limitFraction()
	return r.tail(in)
}

// setTlist is the target list of a set operation: the columns of names with the
// operation's types.
func setTlist(names []*node.TargetEntry, typs []oid.OID, mods []int32, colls []oid.OID) []*node.TargetEntry {
	var out []*node.TargetEntry
	k := 0
	for _, te := range names {
		if te.Resjunk || k >= len(typs) {
			continue
		}
		c := *te
		v := &node.Var{Varno: 0, Varattno: k + 1, Vartype: typs[k], Vartypmod: mods[k], Varcollid: colls[k], Location: -1}
		if o, ok := te.Expr.(*node.Var); ok {
			v.Varno, v.Varattno, v.Varnosyn, v.Varattnosyn = o.Varno, o.Varattno, o.Varnosyn, o.Varattnosyn
		}
		c.Expr, c.Resno = v, k+1
		out = append(out, &c)
		k++
	}
	return out
}

// setNode plans one operation, or a leaf.
func (r *root) setNode(n node.Node, names []*node.TargetEntry) (Plan, error) {
	switch s := n.(type) {
	case *node.RangeTblRef:
		return r.setLeaf(s)
	case *node.SetOperationStmt:
		return r.setOp(s, names)
	}
	return nil, pgerr.New(pgerr.InternalError, "unexpected node %T in a set operation", n)
}

// The leaf is a scan of its subquery, which goes if it adds nothing.
func (r *root) setLeaf(s *node.RangeTblRef) (Plan, error) {
	rte := r.rte(s.Rtindex)
	if rte.Subquery == nil {
		return nil, pgerr.New(pgerr.InternalError, "a leaf of a set operation is no subquery")
	}
	sub := r.subroot()
	saved := r.needs
	r.needs = nil
	p, err := sub.planQuery(rte.Subquery)
	if len(r.needs) > 0 && err == nil {
		err = pgerr.NotYet("LATERAL in a set operation")
	}
	r.needs = saved
	if err != nil {
		return nil, err
	}
	c := p.Common()
	sc := &SubqueryScan{Subplan: p}
	q := rte.Subquery
	if len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || len(q.DistinctClause) > 0 || q.HasAggs || q.SetOperations != nil {
		r.leafGroups(sc, c.Rows)
	} else {
		var exprs []node.Node
		for _, te := range sub.final {
			if !te.Resjunk {
				exprs = append(exprs, te.Expr)
			}
		}
		r.leafGroups(sc, sub.groups(exprs, c.Rows))
	}
	sc.ScanRelid = s.Rtindex
	sc.StartupCost, sc.TotalCost, sc.Rows, sc.Width = c.StartupCost, c.TotalCost, c.Rows, c.Width
	if !r.flatUnion || !r.simple(rte.Subquery, false) {
		sc.TotalCost += r.set.CPUTupleCost * c.Rows
	}
	for _, te := range c.TargetList {
		if te.Resjunk {
			continue
		}
		t := *te
		v := &node.Var{Varno: s.Rtindex, Varattno: len(sc.TargetList) + 1, Vartype: node.ExprType(te.Expr), Vartypmod: typmodOf(te.Expr), Varcollid: collationOf(te.Expr), Location: -1}
		v.Varnosyn, v.Varattnosyn = v.Varno, v.Varattno
		t.Expr, t.Resno, t.Ressortgroupref = v, len(sc.TargetList)+1, 0
		sc.TargetList = append(sc.TargetList, &t)
	}
	return sc, nil
}

// leafGroups notes how many different rows a side of a set operation has.
func (r *root) leafGroups(p Plan, n float64) {
	if r.distinctRows == nil {
		r.distinctRows = map[Plan]float64{}
	}
	r.distinctRows[p] = n
}

// conform makes p's columns the types of a set operation, dropping junk columns,
// and adds flag if it is not negative.
func conform(p Plan, typs []oid.OID, colls []oid.OID, flag int) Plan {
	c := p.Common()
	same := flag < 0
	var list []*node.TargetEntry
	for _, te := range c.TargetList {
		if te.Resjunk {
			same = false
			continue
		}
		k := len(list)
		t := *te
		t.Resno, t.Ressortgroupref = k+1, 0
		if k < len(typs) && node.ExprType(te.Expr) != typs[k] {
			same = false
			if binaryText(node.ExprType(te.Expr), typs[k]) {
				t.Expr = &node.RelabelType{Arg: te.Expr, Resulttype: typs[k], Resulttypmod: -1, Resultcollid: colls[k], Relabelformat: node.CoerceImplicitCast, Location: -1}
			} else {
				t.Expr = &node.CoerceViaIO{Arg: te.Expr, Resulttype: typs[k], Resultcollid: colls[k], Coerceformat: node.CoerceImplicitCast, Location: -1}
			}
		}
		list = append(list, &t)
	}
	if same {
		return p
	}
	if flag >= 0 {
		list = append(list, &node.TargetEntry{Expr: intConst(int64(flag), oid.Int4), Resno: len(list) + 1, Resname: "flag", Resjunk: true})
	}
	if _, ok := p.(*SubqueryScan); ok {
		c.TargetList = list
		if flag >= 0 {
			c.Width += 4
		}
		return p
	}
	res := &Result{Node: *outline(p)}
	res.TargetList = list
	if flag >= 0 {
		res.Width += 4
	}
	return res
}

// sideGroups is how many different rows a side of a set operation has.
func (r *root) sideGroups(p Plan) float64 {
	if n, ok := r.distinctRows[p]; ok {
		return n
	}
	return p.Common().Rows
}

func binaryText(a, b oid.OID) bool {
	text := func(t oid.OID) bool { return t == oid.Text || t == oid.Varchar }
	return text(a) && text(b)
}

// appendCost adds up the inputs. The width is that of the columns' types, of a plain
// UNION ALL the mean of the inputs.
func (r *root) appendCost(a *Append, mean bool) {
	width := 0.0
	for i, k := range a.Plans {
		c := k.Common()
		if i == 0 {
			a.StartupCost = c.StartupCost
		}
		a.Rows += c.Rows
		a.TotalCost += c.TotalCost
		width += float64(c.Width) * c.Rows
	}
	a.TotalCost += 0.5 * r.set.CPUTupleCost * a.Rows
	if a.Width = int(r.tlistWidth(a.TargetList)); mean && r.flatUnion && a.Rows > 0 {
		a.Width = int(math.RoundToEven(width / a.Rows))
	}
}

// allUnionAll reports whether a tree of set operations is one UNION ALL.
func allUnionAll(n node.Node) bool {
	s, ok := n.(*node.SetOperationStmt)
	return !ok || s.Op == node.SetOpUnion && s.All && allUnionAll(s.Larg) && allUnionAll(s.Rarg)
}

func (r *root) setOp(s *node.SetOperationStmt, names []*node.TargetEntry) (Plan, error) {
	list := setTlist(names, s.ColTypes, s.ColTypmods, s.ColCollations)
	if s.Op == node.SetOpUnion {
		a := &Append{}
		if err := r.unionInputs(s, s, names, &a.Plans); err != nil {
			return nil, err
		}
		a.TargetList = list
		r.appendCost(a, s.All)
		if s.All {
			return a, nil
		}
		return r.uniqueAll(a, s), nil
	}
	l, err := r.setNode(s.Larg, names)
	if err != nil {
		return nil, err
	}
	rt, err := r.setNode(s.Rarg, names)
	if err != nil {
		return nil, err
	}
	lg, rg := r.sideGroups(l), r.sideGroups(rt)
	if s.Op == node.SetOpIntersect && lg > rg {
		l, rt, lg, rg = rt, l, rg, lg
	}
	l, rt = conform(l, s.ColTypes, s.ColCollations, 0), conform(rt, s.ColTypes, s.ColCollations, 1)
	a := &Append{Plans: []Plan{l, rt}}
	flag := &node.TargetEntry{Expr: &node.Var{Varno: 0, Varattno: len(list) + 1, Vartype: oid.Int4, Vartypmod: -1, Location: -1}, Resno: len(list) + 1, Resname: "flag", Resjunk: true}
	a.TargetList = append(append([]*node.TargetEntry(nil), list...), flag)
	r.appendCost(a, false)
	o := &SetOp{Node: *outline(a), Hashed: true, FlagColIdx: len(list) + 1}
	switch {
	case s.Op == node.SetOpIntersect && s.All:
		o.Cmd = IntersectAll
	case s.Op == node.SetOpIntersect:
		o.Cmd = Intersect
	case s.All:
		o.Cmd = ExceptAll
	default:
		o.Cmd = Except
	}
	for i := range list {
		o.DupColIdx = append(o.DupColIdx, i+1)
		o.DupCollations = append(o.DupCollations, s.ColCollations[i])
	}
	for _, g := range s.GroupClauses {
		o.DupOperators = append(o.DupOperators, g.Eqop)
	}
	switch {
	case s.Op == node.SetOpIntersect && s.All:
		o.Rows = math.Min(l.Common().Rows, rt.Common().Rows)
	case s.All:
		o.Rows = l.Common().Rows
	default:
		o.Rows = lg
	}
	o.TotalCost += r.set.CPUOperatorCost * a.Rows * float64(len(list))
	r.leafGroups(o, o.Rows)
	o.TargetList = o.TargetList[:len(list)]
	return o, nil
}

// unionInputs flattens nested UNIONs of the same kind.
func (r *root) unionInputs(n node.Node, top *node.SetOperationStmt, names []*node.TargetEntry, out *[]Plan) error {
	if s, ok := n.(*node.SetOperationStmt); ok && s.Op == node.SetOpUnion && (s == top || s.All == top.All || s.All && !top.All) && sameTypes(s.ColTypes, top.ColTypes) && (s.All || !top.All) {
		if err := r.unionInputs(s.Larg, top, names, out); err != nil {
			return err
		}
		return r.unionInputs(s.Rarg, top, names, out)
	}
	p, err := r.setNode(n, names)
	if err != nil {
		return err
	}
	*out = append(*out, conform(p, top.ColTypes, top.ColCollations, -1))
	return nil
}

func sameTypes(a, b []oid.OID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// uniqueAll removes duplicate rows.
func (r *root) uniqueAll(p Plan, s *node.SetOperationStmt) Plan {
	a := &Agg{Node: *outline(p), AggStrategy: AggHashed}
	for i := range s.ColTypes {
		a.GrpColIdx = append(a.GrpColIdx, i+1)
		a.GrpCollations = append(a.GrpCollations, s.ColCollations[i])
	}
	for _, g := range s.GroupClauses {
		a.GrpOperators = append(a.GrpOperators, g.Eqop)
	}
	a.NumGroups = a.Rows
	a.StartupCost = p.Common().TotalCost + a.Rows*r.set.CPUOperatorCost*float64(len(a.GrpColIdx))
	a.TotalCost = a.StartupCost + a.Rows*r.set.CPUTupleCost
	return a
}

// planRecursive plans WITH RECURSIVE: q is non-recursive UNION [ALL] recursive.
func (r *root) planRecursive(q *node.Query, name string) (Plan, error) {
	q = q.Copy().(*node.Query)
	r.q = r.renumber(q)
	r.rels = map[int]*rel{}
	if err := r.planCTEs(); err != nil {
		return nil, err
	}
	s, ok := r.q.SetOperations.(*node.SetOperationStmt)
	if !ok || s.Op != node.SetOpUnion || len(r.q.SortClause) > 0 || r.q.LimitCount != nil || r.q.LimitOffset != nil {
		return nil, pgerr.NotYet("this form of recursive query")
	}
	names := r.q.TargetList
	left, err := r.setNode(s.Larg, names)
	if err != nil {
		return nil, err
	}
	left = conform(left, s.ColTypes, s.ColCollations, -1)
	work := &cte{param: r.newParam(), work: true, rows: math.Max(left.Common().Rows, 1) * 10}
	if r.parent.ctes == nil {
		r.parent.ctes = map[string]*cte{}
	}
	r.parent.ctes[name] = work
	right, err := r.setNode(s.Rarg, names)
	if err != nil {
		return nil, err
	}
	right = conform(right, s.ColTypes, s.ColCollations, -1)
	u := &RecursiveUnion{WTParam: work.param}
	u.Left, u.Right = left, right
	u.TargetList = setTlist(names, s.ColTypes, s.ColTypmods, s.ColCollations)
	u.Width = tlistWidth(u.TargetList)
	u.Rows = left.Common().Rows + 10*right.Common().Rows
	u.StartupCost = left.Common().StartupCost
	u.TotalCost = left.Common().TotalCost + 10*right.Common().TotalCost + r.set.CPUTupleCost*u.Rows
	if !s.All {
		u.NumCols = len(s.ColTypes)
		for i := range s.ColTypes {
			u.DupColIdx = append(u.DupColIdx, i+1)
			u.DupCollations = append(u.DupCollations, s.ColCollations[i])
		}
		for _, g := range s.GroupClauses {
			u.DupOperators = append(u.DupOperators, g.Eqop)
		}
	}
	u.InitPlan = r.inits
	r.inits = nil
	return u, nil
}
