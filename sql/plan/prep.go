package plan

import (
	"fmt"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// own calls f for every expression of r's query at its own level, storing what f
// returns.
func (r *root) own(f func(node.Node) (node.Node, error)) error {
	var err error
	do := func(n node.Node) node.Node {
		if n == nil || err != nil {
			return n
		}
		var out node.Node
		if out, err = f(n); err != nil {
			return n
		}
		return out
	}
	q := r.q
	q.TargetList = mapTlist(q.TargetList, do)
	q.ReturningList = mapTlist(q.ReturningList, do)
	q.HavingQual, q.LimitOffset, q.LimitCount = do(q.HavingQual), do(q.LimitOffset), do(q.LimitCount)
	if q.OnConflict != nil {
		c := *q.OnConflict
		c.OnConflictSet, c.OnConflictWhere = mapTlist(c.OnConflictSet, do), do(c.OnConflictWhere)
		q.OnConflict = &c
	}
	for i, a := range q.MergeActionList {
		c := *a
		c.Qual, c.TargetList = do(a.Qual), mapTlist(a.TargetList, do)
		q.MergeActionList[i] = &c
	}
	for i, w := range q.WithCheckOptions {
		c := *w
		c.Qual = do(w.Qual)
		q.WithCheckOptions[i] = &c
	}
	for i, w := range q.WindowClause {
		c := *w
		c.StartOffset, c.EndOffset = do(c.StartOffset), do(c.EndOffset)
		q.WindowClause[i] = &c
	}
	q.Jointree = mapJoinTree(q.Jointree, do).(*node.FromExpr)
	return err
}

func mapTlist(list []*node.TargetEntry, do func(node.Node) node.Node) []*node.TargetEntry {
	out := make([]*node.TargetEntry, len(list))
	for i, te := range list {
		c := *te
		c.Expr = do(te.Expr)
		out[i] = &c
	}
	return out
}

// mapJoinTree applies do to the conditions of a join tree.
func mapJoinTree(n node.Node, do func(node.Node) node.Node) node.Node {
	switch j := n.(type) {
	case *node.FromExpr:
		c := *j
		c.Fromlist = slices.Clone(j.Fromlist)
		for i := range c.Fromlist {
			c.Fromlist[i] = mapJoinTree(c.Fromlist[i], do)
		}
		c.Quals = do(c.Quals)
		return &c
	case *node.JoinExpr:
		c := *j
		c.Larg, c.Rarg = mapJoinTree(j.Larg, do), mapJoinTree(j.Rarg, do)
		c.Quals = do(c.Quals)
		return &c
	}
	return n
}

// replaceVars replaces own-level variables of range table entry rti by what f
// returns, also in the subqueries of e; f's result is for level 0.
func replaceVars(e node.Node, rti int, f func(v *node.Var) node.Node) node.Node {
	return node.MutateLevels(e, func(n node.Node, level int) (node.Node, bool) {
		v, ok := n.(*node.Var)
		if !ok || v.Varno != rti || v.Varlevelsup != level {
			return nil, false
		}
		c := *v
		c.Varlevelsup = 0
		out := f(&c)
		if level > 0 {
			out = node.IncrementSublevelsUp(out, level, 0)
		}
		return out, true
	})
}

// flattenAliases replaces variables of join entries by the columns they stand for.
func (r *root) flattenAliases() {
	for _, rti := range r.joinRTEs() {
		rte := r.rte(rti)
		r.replaceEverywhere(rti, func(v *node.Var) node.Node { return joinColumn(rte, v) })
	}
}

// joinRTEs lists the join entries of this level, outer joins first, so that an
// alias of an alias is replaced in turn.
func (r *root) joinRTEs() []int {
	var out []int
	node.Walk(r.q.Jointree, func(n node.Node) bool {
		if j, ok := n.(*node.JoinExpr); ok && j.Rtindex > 0 {
			out = append(out, j.Rtindex)
		}
		_, sub := n.(*node.Query)
		return !sub
	})
	return out
}

func joinColumn(rte *node.RangeTblEntry, v *node.Var) node.Node {
	if v.Varattno > 0 {
		return rte.Joinaliasvars[v.Varattno-1]
	}
	row := &node.RowExpr{RowTypeid: v.Vartype, RowFormat: node.CoerceImplicitCast, Location: -1}
	for i, a := range rte.Joinaliasvars {
		if a != nil {
			row.Args = append(row.Args, a)
			row.Colnames = append(row.Colnames, rte.Eref.Colnames[i])
		}
	}
	return row
}

// replaceEverywhere replaces the variables of rti in the query, in its range
// table (subqueries, functions), and in the aliases of joins.
func (r *root) replaceEverywhere(rti int, f func(*node.Var) node.Node) {
	do := func(n node.Node) (node.Node, error) { return replaceVars(n, rti, f), nil }
	_ = r.own(do)
	for _, e := range r.q.Rtable {
		if e.Rtekind == node.RTERelation || e.Rtekind == node.RTECTE || e.Rtekind == node.RTEResult {
			continue
		}
		if e.Subquery != nil {
			if up := shiftedReplace(e.Subquery, rti, f); up != nil {
				e.Subquery = up
			}
			continue
		}
		for i := range e.Functions {
			e.Functions[i] = replaceVars(e.Functions[i], rti, f).(*node.RangeTblFunction)
		}
		for i := range e.Joinaliasvars {
			if e.Joinaliasvars[i] != nil {
				e.Joinaliasvars[i] = replaceVars(e.Joinaliasvars[i], rti, f)
			}
		}
		for i := range e.ValuesLists {
			for k := range e.ValuesLists[i] {
				e.ValuesLists[i][k] = replaceVars(e.ValuesLists[i][k], rti, f)
			}
		}
	}
}

// shiftedReplace is replaceVars for a subquery: a *Query given directly counts as
// level 0, but its outer references are one level up.
func shiftedReplace(q *node.Query, rti int, f func(*node.Var) node.Node) *node.Query {
	return node.MutateLevels(q, func(n node.Node, level int) (node.Node, bool) {
		v, ok := n.(*node.Var)
		if !ok || v.Varno != rti || v.Varlevelsup != level+1 {
			return nil, false
		}
		c := *v
		c.Varlevelsup = 0
		return node.IncrementSublevelsUp(f(&c), level+1, 0), true
	}).(*node.Query)
}

// pullUpSubqueries merges plain subqueries of FROM into this level.
func (r *root) pullUpSubqueries() {
	for {
		rti, sub := r.findSimple(r.q.Jointree, false, nil)
		if rti == 0 {
			return
		}
		s := r.subroot()
		q := s.renumber(sub.Copy().(*node.Query))
		s.q = q
		s.flattenAliases()
		q = s.q
		// Outer references of the subquery are now this level's own or outer's.
		q = node.IncrementSublevelsUp(q, -1, 1).(*node.Query)
		r.q.Rtable = append(r.q.Rtable, q.Rtable...)
		for i := range q.Rtable {
			r.stmt.Rtable[len(r.stmt.Rtable)-len(q.Rtable)+i] = q.Rtable[i]
		}
		r.replaceEverywhere(rti, func(v *node.Var) node.Node {
			if v.Varattno > 0 {
				return nonJunk(q.TargetList, v.Varattno)
			}
			row := &node.RowExpr{RowTypeid: v.Vartype, RowFormat: node.CoerceImplicitCast, Location: -1}
			for _, te := range q.TargetList {
				if !te.Resjunk {
					row.Args = append(row.Args, te.Expr)
				}
			}
			row.Colnames = r.rte(rti).Eref.Colnames
			return row
		})
		r.q.Jointree = replaceRef(r.q.Jointree, rti, q.Jointree).(*node.FromExpr)
		r.q.HasSubLinks = r.q.HasSubLinks || q.HasSubLinks
		rte := *r.rte(rti)
		rte.Subquery, rte.Rtekind = nil, node.RTEResult
		r.stmt.Rtable[rti-1] = &rte
	}
}

func nonJunk(list []*node.TargetEntry, resno int) node.Node {
	for _, te := range list {
		if te.Resno == resno {
			return te.Expr
		}
	}
	return &node.Const{Consttype: oid.Text, Constisnull: true, Constlen: -1, Location: -1}
}

func replaceRef(n node.Node, rti int, with node.Node) node.Node {
	switch j := n.(type) {
	case *node.RangeTblRef:
		if j.Rtindex == rti {
			return with
		}
	case *node.FromExpr:
		c := *j
		c.Fromlist = slices.Clone(j.Fromlist)
		for i := range c.Fromlist {
			c.Fromlist[i] = replaceRef(c.Fromlist[i], rti, with)
		}
		return &c
	case *node.JoinExpr:
		c := *j
		c.Larg, c.Rarg = replaceRef(j.Larg, rti, with), replaceRef(j.Rarg, rti, with)
		return &c
	}
	return n
}

// findSimple finds a subquery that can be pulled up. nullable says that an outer
// join may null its columns: then only bare variables may come out of it.
func (r *root) findSimple(n node.Node, nullable bool, reach *relids) (int, *node.Query) {
	switch j := n.(type) {
	case *node.RangeTblRef:
		rte := r.rte(j.Rtindex)
		if rte.Rtekind == node.RTESubquery && rte.Subquery != nil && !rte.SecurityBarrier && r.simple(rte.Subquery, nullable) && reaches(rte.Subquery, reach) {
			return j.Rtindex, rte.Subquery
		}
	case *node.FromExpr:
		for _, k := range j.Fromlist {
			if rti, q := r.findSimple(k, nullable, reach); rti != 0 {
				return rti, q
			}
		}
	case *node.JoinExpr:
		ln := nullable || j.Jointype == node.JoinRight || j.Jointype == node.JoinFull
		rn := nullable || j.Jointype == node.JoinLeft || j.Jointype == node.JoinFull
		if j.Jointype == node.JoinAnti || j.Jointype == node.JoinSemi {
			rn = nullable
		}
		lr, rr := reach, reach
		both := treeRels(j)
		switch j.Jointype {
		case node.JoinInner:
		case node.JoinFull:
			left, right := treeRels(j.Larg), treeRels(j.Rarg)
			lr, rr = &left, &right
		case node.JoinRight:
			lr = &both
		default:
			rr = &both
		}
		if rti, q := r.findSimple(j.Larg, ln, lr); rti != 0 {
			return rti, q
		}
		return r.findSimple(j.Rarg, rn, rr)
	}
	return 0, nil
}

// reaches reports whether what a LATERAL subquery refers to is at hand where its
// conditions would be checked: within the outer join that it is in.
func reaches(q *node.Query, reach *relids) bool {
	if reach == nil {
		return true
	}
	ok := true
	node.WalkLevels(q, func(n node.Node, level int) bool {
		if v, is := n.(*node.Var); is && v.Varlevelsup == level+1 && !reach.has(v.Varno) {
			ok = false
		}
		return ok
	})
	return ok
}

func (r *root) simple(q *node.Query, nullable bool) bool {
	if q.CommandType != node.CmdSelect || q.SetOperations != nil || q.HasAggs || q.HasWindowFuncs || q.HasTargetSRFs ||
		len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil || len(q.SortClause) > 0 || len(q.DistinctClause) > 0 ||
		q.LimitOffset != nil || q.LimitCount != nil || len(q.CteList) > 0 || len(q.RowMarks) > 0 || q.HasForUpdate || len(q.Jointree.Fromlist) == 0 {
		return false
	}
	for _, te := range q.TargetList {
		if v, isVar := te.Expr.(*node.Var); nullable && (!isVar || v.Varlevelsup > 0) || r.hasVolatile(te.Expr) {
			return false
		}
		if node.Any(te.Expr, func(n node.Node) bool { _, s := n.(*node.SubLink); return s }) {
			return false
		}
	}
	return !nullable || q.Jointree.Quals == nil || len(q.Jointree.Fromlist) == 1
}

// preprocess simplifies every expression of this level: constants are folded,
// outer variables become parameters, subqueries become SubPlans.
func (r *root) preprocess() error {
	if err := r.own(func(n node.Node) (node.Node, error) { return r.expression(n) }); err != nil {
		return err
	}
	if err := r.own(r.multiParams); err != nil {
		return err
	}
	r.q.Jointree = r.canonicalQuals(r.q.Jointree).(*node.FromExpr)
	for _, rte := range r.q.Rtable {
		switch rte.Rtekind {
		case node.RTEFunction:
			for i, f := range rte.Functions {
				c := *f
				e, err := r.expression(f.Funcexpr)
				if err != nil {
					return err
				}
				c.Funcexpr = e
				rte.Functions[i] = &c
			}
		case node.RTEValues:
			for _, row := range rte.ValuesLists {
				for k := range row {
					e, err := r.expression(row[k])
					if err != nil {
						return err
					}
					row[k] = e
				}
			}
		}
	}
	return nil
}

// expression prepares one expression.
func (r *root) expression(e node.Node) (node.Node, error) {
	e, err := r.inline(e)
	if err != nil {
		return nil, err
	}
	if e, err = r.params(e); err != nil {
		return nil, err
	}
	if e, err = r.sublinks(e, false); err != nil {
		return nil, err
	}
	return r.fold(e), nil
}

// params replaces what belongs to outer levels by parameters.
func (r *root) params(e node.Node) (node.Node, error) {
	var err error
	out := node.Mutate(e, func(n node.Node) (node.Node, bool) {
		up := 0
		switch x := n.(type) {
		case *node.Var:
			up = x.Varlevelsup
		case *node.Aggref:
			up = x.Agglevelsup
		case *node.GroupingFunc:
			up = x.Agglevelsup
		case *node.Query:
			return x, true // its own planning will see to it
		}
		if up == 0 || err != nil {
			return nil, false
		}
		p, e := r.outerParam(n, up)
		err = e
		return p, true
	})
	return out, err
}

// sublinks replaces subqueries in e by plans.
func (r *root) sublinks(e node.Node, top bool) (node.Node, error) {
	var err error
	out := node.Mutate(e, func(n node.Node) (node.Node, bool) {
		sl, ok := n.(*node.SubLink)
		if !ok || err != nil {
			return nil, false
		}
		var p node.Node
		p, err = r.subLink(sl)
		return p, true
	})
	return out, err
}

// subLink plans one subquery expression.
func (r *root) subLink(sl *node.SubLink) (node.Node, error) {
	q, ok := sl.Subselect.(*node.Query)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "subquery is not analyzed")
	}
	test := sl.Testexpr
	if test != nil {
		var err error
		if test, err = r.sublinks(test, false); err != nil {
			return nil, err
		}
	}
	fraction := 0.0
	switch sl.SubLinkType {
	case node.ExistsSublink:
		fraction = 1
		q = simplifyExists(q)
	case node.AllSublink, node.AnySublink:
		fraction = 0.5
	}
	plan, sub, needs, err := r.planSub(q, fraction)
	if err != nil {
		return nil, err
	}
	sp := &node.SubPlan{SubLinkType: sl.SubLinkType, ArrayType: sl.ArrayType, FirstColTypmod: -1}
	if tl := plan.Common().TargetList; len(tl) > 0 {
		sp.FirstColType, sp.FirstColCollation = node.ExprType(tl[0].Expr), collationOf(tl[0].Expr)
	}
	for _, n := range needs {
		arg := n.expr
		// The argument may itself hold outer references or subqueries.
		if arg, err = r.expression(arg); err != nil {
			return nil, err
		}
		sp.ParParam, sp.Args = append(sp.ParParam, n.param), append(sp.Args, arg)
	}
	if test != nil {
		r.bindTest(sp, test, plan)
	}
	switch {
	case sl.SubLinkType == node.MultiexprSublink:
		return r.multiSub(sl, sp, plan, sub), nil
	case len(needs) == 0 && sl.Testexpr == nil:
		return r.initPlan(sp, plan, sub), nil
	case len(needs) == 0 && sl.SubLinkType == node.AnySublink:
		sp.UseHashTable = r.hashable(sp.Testexpr)
	}
	if len(needs) == 0 && !sp.UseHashTable {
		plan = &Material{Node: *outline(plan)}
	}
	sp.PlanId = r.addSubplan(plan, sub)
	sp.PlanName = fmt.Sprintf("SubPlan %d", sp.PlanId)
	r.subplanCost(sp, plan)
	return sp, nil
}

// subplanCost is what a subquery expression costs: once, and for each row.
func (r *root) subplanCost(sp *node.SubPlan, plan Plan) {
	c := plan.Common()
	if sp.UseHashTable {
		t := r.exprCost(sp.Testexpr)
		sp.StartupCost, sp.PerCallCost = t.startup+c.TotalCost+r.set.CPUOperatorCost*c.Rows, t.per
		return
	}
	run := c.TotalCost - c.StartupCost
	sp.StartupCost, sp.PerCallCost = 0, 0
	switch sp.SubLinkType {
	case node.ExistsSublink:
		sp.PerCallCost = run / clamp(c.Rows)
	case node.AllSublink, node.AnySublink:
		sp.PerCallCost = 0.5*run + 0.5*c.Rows*r.set.CPUOperatorCost
	default:
		sp.PerCallCost = run
	}
	if _, kept := plan.(*Material); kept && len(sp.ParParam) == 0 {
		sp.StartupCost = c.StartupCost
	} else {
		sp.PerCallCost += c.StartupCost
	}
}

// outline is the common part of a node over p that passes its rows on. The target
// list repeats p's expressions, by which nodes above find its columns.
func outline(p Plan) *Node {
	c := p.Common()
	n := &Node{StartupCost: c.StartupCost, TotalCost: c.TotalCost, Rows: c.Rows, Width: c.Width, Left: p}
	for _, te := range c.TargetList {
		t := *te
		n.TargetList = append(n.TargetList, &t)
	}
	return n
}

// columnVar is a reference to column n of an input.
func columnVar(varno int, te *node.TargetEntry, n int) *node.Var {
	v := &node.Var{Varno: varno, Varattno: n, Vartype: node.ExprType(te.Expr), Vartypmod: typmodOf(te.Expr), Varcollid: collationOf(te.Expr), Location: -1}
	if o, ok := te.Expr.(*node.Var); ok {
		v.Varnosyn, v.Varattnosyn = o.Varnosyn, o.Varattnosyn
	}
	return v
}

func typmodOf(e node.Node) int32 {
	switch x := e.(type) {
	case *node.Var:
		return x.Vartypmod
	case *node.Const:
		return x.Consttypmod
	case *node.RelabelType:
		return x.Resulttypmod
	}
	return -1
}

// simplifyExists drops what EXISTS does not look at.
func simplifyExists(q *node.Query) *node.Query {
	if q.CommandType != node.CmdSelect || q.SetOperations != nil || q.HasAggs || len(q.GroupingSets) > 0 || q.HasWindowFuncs ||
		q.HasTargetSRFs || q.HavingQual != nil || q.LimitOffset != nil || q.HasModifyingCTE || len(q.RowMarks) > 0 {
		return q
	}
	if c, ok := isConst(q.LimitCount); q.LimitCount != nil && (!ok || !c.Constisnull && c.Constvalue.Int <= 0) {
		return q
	}
	c := *q
	c.TargetList, c.GroupClause, c.DistinctClause, c.SortClause, c.HasDistinctOn, c.LimitCount = nil, nil, nil, nil, false, nil
	c.WindowClause = nil
	return &c
}

// bindTest replaces the placeholders of the subquery's columns in a test by
// parameters.
func (r *root) bindTest(sp *node.SubPlan, test node.Node, plan Plan) {
	ids := map[int]int{}
	for _, te := range plan.Common().TargetList {
		if te.Resjunk {
			continue
		}
		id := r.newParam()
		ids[te.Resno] = id
		sp.ParamIds = append(sp.ParamIds, id)
	}
	sp.Testexpr = node.Mutate(test, func(n node.Node) (node.Node, bool) {
		p, ok := n.(*node.Param)
		if !ok || p.Paramkind != node.ParamSublink {
			return nil, false
		}
		c := *p
		c.Paramkind, c.Paramid = node.ParamExec, ids[p.Paramid]
		return &c, true
	})
}

// initPlan makes an uncorrelated subquery run once, and returns the parameter
// that holds its result.
func (r *root) initPlan(sp *node.SubPlan, plan Plan, sub *root) node.Node {
	sp.PlanId = r.addSubplan(plan, sub)
	r.subplanCost(sp, plan)
	id := r.newParam()
	sp.SetParam = []int{id}
	sp.PlanName = fmt.Sprintf("InitPlan %d (returns $%d)", sp.PlanId, id)
	r.inits = append(r.inits, sp)
	return &node.Param{Paramkind: node.ParamExec, Paramid: id, Paramtype: node.ExprType(sp), Paramtypmod: -1, Paramcollid: sp.FirstColCollation, Location: -1}
}

// hashable reports whether a test is an AND of hashable equalities.
func (r *root) hashable(test node.Node) bool {
	for _, t := range andList(test) {
		op, ok := t.(*node.OpExpr)
		if !ok || len(op.Args) != 2 {
			return false
		}
		o, err := r.cat.Operator(op.Opno)
		if err != nil || !o.CanHash || !o.Strict {
			return false
		}
	}
	return true
}

// andList splits a condition into implicitly ANDed parts.
// canonicalQuals rewrites OR of ANDs with common parts: (a AND b) OR (a AND c)
// is a AND (b OR c).
