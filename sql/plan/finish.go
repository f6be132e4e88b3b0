package plan

import (
	"fmt"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// params is a set of executor parameters.
type params map[int]bool

func (s params) add(t params) {
	for k := range t {
		s[k] = true
	}
}

// finisher makes plans that refer to range table variables everywhere refer to
// the outputs of their inputs (PostgreSQL: set_plan_references), and computes
// which parameters each subtree reads.
type finisher struct {
	p    *planner
	exts map[Plan]params
	ids  int
	err  error
	seen map[Plan]bool
}

// children are the input plans of p.
func children(p Plan) []Plan {
	var out []Plan
	switch n := p.(type) {
	case *Append:
		out = n.Plans
	case *MergeAppend:
		out = n.Plans
	case *BitmapAnd:
		out = n.Plans
	case *BitmapOr:
		out = n.Plans
	case *SubqueryScan:
		out = []Plan{n.Subplan}
	}
	c := p.Common()
	if c.Left != nil {
		out = append(out, c.Left)
	}
	if c.Right != nil {
		out = append(out, c.Right)
	}
	return out
}

// number gives every node of a tree an id.
func (f *finisher) number(p Plan) {
	f.ids++
	p.Common().ID = f.ids
	for _, k := range children(p) {
		f.number(k)
	}
}

// finish works on all trees.
func (f *finisher) finish() {
	f.seen = map[Plan]bool{}
	f.refs(f.p.stmt.Plan)
	for _, s := range f.p.stmt.Subplans {
		f.refs(s)
	}
	f.p.stmt.Plan = strip(f.p.stmt.Plan)
	for i, s := range f.p.stmt.Subplans {
		f.p.stmt.Subplans[i] = strip(s)
	}
	for _, s := range f.p.stmt.Subplans {
		f.ext(s)
	}
	f.ext(f.p.stmt.Plan)
	f.p.err = f.err
}

// bind replaces in e what the inputs compute by references to their columns.
func (f *finisher) bind(e node.Node, outer, inner []*node.TargetEntry) node.Node {
	if e == nil {
		return nil
	}
	return node.Mutate(e, func(n node.Node) (node.Node, bool) {
		switch x := n.(type) {
		case *node.Const, *node.Param, *node.CaseTestExpr:
			return n, true
		case *node.TargetEntry, *node.SortGroupClause, *node.CaseWhen:
			return nil, false
		case *node.Var:
			if x.Varno < 0 {
				return n, true
			}
		}
		if i := exact(outer, n); i >= 0 {
			return columnVar(node.OuterVar, outer[i], i+1), true
		}
		if i := exact(inner, n); i >= 0 {
			return columnVar(node.InnerVar, inner[i], i+1), true
		}
		if v, ok := n.(*node.Var); ok && f.err == nil {
			f.err = pgerr.New(pgerr.InternalError, "variable %d/%d not found in subplan target list", v.Varno, v.Varattno)
		}
		return nil, false
	})
}

// exact finds e in a target list.
func exact(list []*node.TargetEntry, e node.Node) int {
	v, isVar := e.(*node.Var)
	for i, te := range list {
		if isVar {
			if o, ok := te.Expr.(*node.Var); ok && o.Varno == v.Varno && o.Varattno == v.Varattno && o.Varlevelsup == v.Varlevelsup {
				return i
			}
			continue
		}
		if node.Equal(te.Expr, e) {
			return i
		}
	}
	return -1
}

func (f *finisher) list(list []node.Node, outer, inner []*node.TargetEntry) []node.Node {
	var out []node.Node
	for _, e := range list {
		out = append(out, f.bind(e, outer, inner))
	}
	return out
}

func (f *finisher) tlist(list, outer, inner []*node.TargetEntry) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, te := range list {
		c := *te
		c.Expr = f.bind(te.Expr, outer, inner)
		out = append(out, &c)
	}
	return out
}

// refs converts p, then what is below it: p is matched against its inputs' target
// lists as they were made.
func (f *finisher) refs(p Plan) {
	if f.seen[p] {
		return
	}
	f.seen[p] = true
	c := p.Common()
	var outer, inner []*node.TargetEntry
	if c.Left != nil {
		outer = c.Left.Common().TargetList
	}
	if c.Right != nil {
		inner = c.Right.Common().TargetList
	}
	switch n := p.(type) {
	case *ModifyTable:
		f.modify(n, outer)
	case *NestLoop:
		for i := range n.NestParams {
			n.NestParams[i].Value = f.bind(n.NestParams[i].Value, outer, nil)
		}
		f.join(&n.Join, outer, inner)
	case *HashJoin:
		n.HashClauses, n.HashKeys = f.list(n.HashClauses, outer, inner), f.list(n.HashKeys, outer, nil)
		f.join(&n.Join, outer, inner)
	case *MergeJoin:
		n.MergeClauses = f.list(n.MergeClauses, outer, inner)
		f.join(&n.Join, outer, inner)
	case *Hash:
		n.HashKeys = f.list(n.HashKeys, outer, nil)
		pass(c, outer)
	case *Material, *Memoize, *Sort, *IncrementalSort, *Unique, *SetOp, *LockRows, *Limit:
		pass(c, outer)
	case *Append, *MergeAppend, *RecursiveUnion:
		for i, te := range c.TargetList {
			t := *te
			t.Expr = columnVar(node.OuterVar, te, i+1)
			c.TargetList[i] = &t
		}
	case *Agg, *Group, *WindowAgg, *ProjectSet:
		f.plain(c, outer)
	case *IndexOnlyScan:
		f.indexOnly(n)
	case *SubqueryScan:
		var cols []node.Node
		for _, te := range n.Subplan.Common().TargetList {
			if !te.Resjunk {
				cols = append(cols, columnVar(n.ScanRelid, te, len(cols)+1))
			}
		}
		wholeRow(c, n.ScanRelid, cols, f.p.stmt.Rtable[n.ScanRelid-1].Eref)
	case *CteScan:
		f.typedRow(&n.Scan)
	case *ValuesScan:
		f.typedRow(&n.Scan)
	case *Result:
		if c.Left != nil {
			f.plain(c, outer)
			n.ResConstantQual = f.list(n.ResConstantQual, outer, nil)
		}
	}
	for _, k := range children(p) {
		f.refs(k)
	}
}

func (f *finisher) plain(c *Node, outer []*node.TargetEntry) {
	c.TargetList, c.Qual = f.tlist(c.TargetList, outer, nil), f.list(c.Qual, outer, nil)
}

// indexOnly makes an index-only scan refer to the index's columns.
func (f *finisher) indexOnly(n *IndexOnlyScan) {
	do := func(e node.Node) node.Node {
		return replaceVars(e, n.ScanRelid, func(v *node.Var) node.Node {
			if i := exact(n.IndexTlist, v); i >= 0 {
				w := *v
				w.Varno, w.Varattno = node.IndexVar, i+1
				return &w
			}
			f.err = pgerr.New(pgerr.InternalError, "column %d is not in the index", v.Varattno)
			return v
		})
	}
	n.TargetList = mapTlist(n.TargetList, do)
	for i, q := range n.Qual {
		n.Qual[i] = do(q)
	}
}

// typedRow is wholeRow for a range table entry that knows its columns' types.
func (f *finisher) typedRow(s *Scan) {
	rte := f.p.stmt.Rtable[s.ScanRelid-1]
	var cols []node.Node
	for i, t := range rte.Coltypes {
		cols = append(cols, &node.Var{Varno: s.ScanRelid, Varattno: i + 1, Vartype: t, Vartypmod: rte.Coltypmods[i], Varcollid: rte.Colcollations[i]})
	}
	wholeRow(s.Common(), s.ScanRelid, cols, rte.Eref)
}

// wholeRow makes the scan of anything but a table compose its rows from cols,
// whose names are eref's.
func wholeRow(c *Node, rti int, cols []node.Node, eref *node.Alias) {
	var names []string
	if eref != nil {
		names = eref.Colnames
	}
	do := func(e node.Node) node.Node {
		return replaceVars(e, rti, func(v *node.Var) node.Node {
			if v.Varattno != 0 {
				return v
			}
			return &node.RowExpr{Args: cols, RowTypeid: v.Vartype, RowFormat: node.CoerceImplicitCast, Colnames: names}
		})
	}
	c.TargetList = mapTlist(c.TargetList, do)
	for i, q := range c.Qual {
		c.Qual[i] = do(q)
	}
}

func (f *finisher) join(j *Join, outer, inner []*node.TargetEntry) {
	j.TargetList, j.Qual, j.JoinQual = f.tlist(j.TargetList, outer, inner), f.list(j.Qual, outer, inner), f.list(j.JoinQual, outer, inner)
}

// pass makes a node that passes rows on refer to its input's columns in order.
func pass(c *Node, outer []*node.TargetEntry) {
	for i, te := range c.TargetList {
		t := *te
		t.Expr = columnVar(node.OuterVar, te, i+1)
		c.TargetList[i] = &t
	}
}

// modify binds RETURNING: the target's columns stay, others come from the plan.
func (f *finisher) modify(n *ModifyTable, outer []*node.TargetEntry) {
	keep := func(rti int) bool {
		return rti == n.ResultRti || n.OnConflict != nil && rti == n.OnConflict.ExclRti
	}
	bind := func(e node.Node) node.Node {
		return node.Mutate(e, func(m node.Node) (node.Node, bool) {
			v, ok := m.(*node.Var)
			if !ok || keep(v.Varno) {
				return nil, false
			}
			if i := exact(outer, v); i >= 0 {
				return columnVar(node.OuterVar, outer[i], i+1), true
			}
			f.err = pgerr.New(pgerr.InternalError, "variable %d/%d not found for RETURNING", v.Varno, v.Varattno)
			return nil, false
		})
	}
	n.ReturningList = mapTlist(n.ReturningList, bind)
	n.TargetList = n.ReturningList
	for _, a := range n.Merge {
		a.Set = mapTlist(a.Set, bind)
		for i, e := range a.Qual {
			a.Qual[i] = bind(e)
		}
	}
}

// ext computes the parameters that p's subtree reads from outside.
func (f *finisher) ext(p Plan) params {
	if s, ok := f.exts[p]; ok {
		return s
	}
	f.exts[p] = params{} // a work table's union refers to itself
	s := params{}
	c := p.Common()
	eachExpr(p, func(e node.Node) { f.exprParams(e, s) })
	switch n := p.(type) {
	case *CteScan:
		s[n.CteParam] = true
		s.add(f.ext(f.p.stmt.Subplans[n.CtePlanID-1]))
	case *WorkTableScan:
		s[n.WTParam] = true
	}
	for _, k := range children(p) {
		sub := params{}
		sub.add(f.ext(k))
		if n, ok := p.(*NestLoop); ok && k == n.Right {
			for _, np := range n.NestParams {
				delete(sub, np.ParamNo)
			}
		}
		s.add(sub)
	}
	if n, ok := p.(*RecursiveUnion); ok {
		delete(s, n.WTParam)
	}
	for _, ip := range c.InitPlan {
		s.add(f.ext(f.p.stmt.Subplans[ip.PlanId-1]))
	}
	for _, ip := range c.InitPlan {
		for _, id := range ip.SetParam {
			delete(s, id)
		}
	}
	c.ExtParam = nil
	for k := range s {
		c.ExtParam = append(c.ExtParam, k)
	}
	f.exts[p] = s
	return s
}

// exprParams adds the parameters that e reads.
func (f *finisher) exprParams(e node.Node, s params) {
	if e == nil {
		return
	}
	node.Walk(e, func(n node.Node) bool {
		switch x := n.(type) {
		case *node.Param:
			if x.Paramkind == node.ParamExec {
				s[x.Paramid] = true
			}
		case *node.SubPlan:
			sub := params{}
			sub.add(f.ext(f.p.stmt.Subplans[x.PlanId-1]))
			if x.Testexpr != nil {
				f.exprParams(x.Testexpr, sub)
			}
			for _, id := range append(append([]int(nil), x.ParParam...), x.ParamIds...) {
				delete(sub, id)
			}
			s.add(sub)
			for _, a := range x.Args {
				f.exprParams(a, s)
			}
			return false
		}
		return true
	})
}

// eachExpr calls do for the expressions that only ModifyTable has.
func (n *ModifyTable) eachExpr(do func(node.Node)) {
	tlist := func(l []*node.TargetEntry) {
		for _, te := range l {
			do(te.Expr)
		}
	}
	list := func(l []node.Node) {
		for _, e := range l {
			do(e)
		}
	}
	tlist(n.ReturningList)
	if n.OnConflict != nil {
		tlist(n.OnConflict.Set)
		list(n.OnConflict.Where)
	}
	for _, a := range n.Merge {
		list(a.Qual)
		tlist(a.Set)
	}
	for _, c := range n.Checks {
		list(c.Qual)
	}
}

// eachExpr calls do for every expression of p itself.
func eachExpr(p Plan, do func(node.Node)) {
	list := func(l []node.Node) {
		for _, e := range l {
			if e != nil {
				do(e)
			}
		}
	}
	keys := func(l []IndexKey) {
		for _, k := range l {
			if k.Value != nil {
				do(k.Value)
			}
		}
	}
	c := p.Common()
	for _, te := range c.TargetList {
		do(te.Expr)
	}
	list(c.Qual)
	switch n := p.(type) {
	case *Result:
		list(n.ResConstantQual)
	case *IndexScan:
		keys(n.IndexKeys)
		list(n.IndexQual)
	case *IndexOnlyScan:
		keys(n.IndexKeys)
		list(n.IndexQual)
	case *BitmapIndexScan:
		keys(n.IndexKeys)
		list(n.IndexQual)
	case *BitmapHeapScan:
		list(n.BitmapQualOrig)
	case *TidScan:
		list(n.TidQuals)
	case *FunctionScan:
		for _, f := range n.Functions {
			do(f.Funcexpr)
		}
	case *ValuesScan:
		for _, row := range n.ValuesLists {
			list(row)
		}
	case *NestLoop:
		list(n.JoinQual)
		for _, np := range n.NestParams {
			do(np.Value)
		}
	case *HashJoin:
		list(n.JoinQual)
		list(n.HashClauses)
		list(n.HashKeys)
	case *MergeJoin:
		list(n.JoinQual)
		list(n.MergeClauses)
	case *Hash:
		list(n.HashKeys)
	case *Memoize:
		list(n.Keys)
	case *Limit:
		list([]node.Node{n.LimitOffset, n.LimitCount})
	case *WindowAgg:
		list([]node.Node{n.StartOffset, n.EndOffset})
	case *ModifyTable:
		n.eachExpr(do)
	}
}

// String names a plan node for messages.
func (n *Node) String() string { return fmt.Sprintf("plan node %d", n.ID) }

// strip takes out the scans of subqueries that pass rows on as they are.
func strip(p Plan) Plan {
	if s, ok := p.(*SubqueryScan); ok {
		s.Subplan = strip(s.Subplan)
		if !trivial(s) {
			return s
		}
		c := s.Subplan.Common()
		c.InitPlan = append(s.InitPlan, c.InitPlan...)
		for i, te := range s.TargetList {
			t := *c.TargetList[i]
			t.Resname, t.Ressortgroupref, t.Resjunk = te.Resname, te.Ressortgroupref, te.Resjunk
			c.TargetList[i] = &t
		}
		return s.Subplan
	}
	c := p.Common()
	if c.Left != nil {
		c.Left = strip(c.Left)
	}
	if c.Right != nil {
		c.Right = strip(c.Right)
	}
	switch n := p.(type) {
	case *Append:
		for i := range n.Plans {
			n.Plans[i] = strip(n.Plans[i])
		}
	case *MergeAppend:
		for i := range n.Plans {
			n.Plans[i] = strip(n.Plans[i])
		}
	}
	return p
}

// trivial reports whether the scan of a subquery returns its rows as they are.
func trivial(s *SubqueryScan) bool {
	sub := s.Subplan.Common().TargetList
	if len(s.Qual) > 0 || len(s.TargetList) != len(sub) {
		return false
	}
	for i, te := range s.TargetList {
		if v, ok := te.Expr.(*node.Var); ok && v.Varno == s.ScanRelid && v.Varattno == i+1 && te.Resjunk == sub[i].Resjunk {
			continue
		}
		k, ok := te.Expr.(*node.Const)
		if !ok || !node.Equal(k, sub[i].Expr) {
			return false
		}
	}
	return true
}
