package plan

import (
	"slices"

	"github.com/pgmini/pgmini/sql/node"
)

// pullUpSublinks turns IN and EXISTS conditions at the top of WHERE into semi
// joins, and NOT EXISTS into anti joins.
func (r *root) pullUpSublinks() error {
	if !r.q.HasSubLinks {
		return nil
	}
	f := *r.q.Jointree
	var rest []node.Node
	for _, q := range andList(f.Quals) {
		if j := r.sublinkJoin(q); j != nil {
			attach(&f, j)
			continue
		}
		rest = append(rest, q)
	}
	f.Quals = makeAnd(rest)
	r.q.Jointree = &f
	return nil
}

// attach joins j's right side to the one item of the FROM list that its
// condition needs, or to the whole list.
func attach(f *node.FromExpr, j *node.JoinExpr) {
	need := varsOf(j.Quals).minus(treeRels(j.Rarg))
	for i, item := range f.Fromlist {
		if need.in(treeRels(item)) && !need.empty() {
			j.Larg = item
			f.Fromlist = slices.Clone(f.Fromlist)
			f.Fromlist[i] = j
			return
		}
	}
	if len(f.Fromlist) == 1 {
		j.Larg = f.Fromlist[0]
	} else {
		j.Larg = &node.FromExpr{Fromlist: f.Fromlist}
	}
	f.Fromlist = []node.Node{j}
}

// treeRels is the set of base entries of a join tree.
func treeRels(n node.Node) relids {
	var s relids
	switch j := n.(type) {
	case *node.RangeTblRef:
		s = single(j.Rtindex)
	case *node.FromExpr:
		for _, k := range j.Fromlist {
			s = s.union(treeRels(k))
		}
	case *node.JoinExpr:
		s = treeRels(j.Larg).union(treeRels(j.Rarg))
	}
	return s
}

// sublinkJoin makes a join of a condition, without its left side; nil if the
// condition is no subquery that allows it.
func (r *root) sublinkJoin(q node.Node) *node.JoinExpr {
	if len(r.q.Jointree.Fromlist) == 0 {
		return nil
	}
	kind := node.JoinSemi
	if b, ok := q.(*node.BoolExpr); ok && b.Boolop == node.NotExpr {
		sl, ok := b.Args[0].(*node.SubLink)
		if !ok || sl.SubLinkType != node.ExistsSublink {
			return nil
		}
		q, kind = sl, node.JoinAnti
	}
	sl, ok := q.(*node.SubLink)
	if !ok {
		return nil
	}
	sub, ok := sl.Subselect.(*node.Query)
	if !ok || sub.CommandType != node.CmdSelect {
		return nil
	}
	switch sl.SubLinkType {
	case node.AnySublink:
		return r.inJoin(sl, sub)
	case node.ExistsSublink:
		return r.existsJoin(sub, kind)
	}
	return nil
}

func refersUp(q *node.Query) bool {
	found := false
	node.WalkLevels(q, func(n node.Node, level int) bool {
		switch x := n.(type) {
		case *node.Var:
			found = found || x.Varlevelsup > level
		case *node.Aggref:
			found = found || x.Agglevelsup > level
		case *node.RangeTblEntry:
			found = found || x.Rtekind == node.RTECTE && x.Ctelevelsup > level
		}
		return !found
	})
	return found
}

// inJoin makes a semi join with the subquery as a range table entry.
func (r *root) inJoin(sl *node.SubLink, sub *node.Query) *node.JoinExpr {
	if refersUp(sub) || r.hasVolatile(sl.Testexpr) || node.Any(sl.Testexpr, func(n node.Node) bool { _, s := n.(*node.SubLink); return s }) || varsOf(sl.Testexpr).empty() {
		return nil
	}
	eref := &node.Alias{Aliasname: "ANY_subquery"}
	for _, te := range sub.TargetList {
		if !te.Resjunk {
			eref.Colnames = append(eref.Colnames, te.Resname)
		}
	}
	rti := r.addRTE(&node.RangeTblEntry{Rtekind: node.RTESubquery, Subquery: sub, Eref: eref, InFromCl: true})
	test := node.Mutate(sl.Testexpr, func(n node.Node) (node.Node, bool) {
		p, ok := n.(*node.Param)
		if !ok || p.Paramkind != node.ParamSublink {
			return nil, false
		}
		return &node.Var{Varno: rti, Varattno: p.Paramid, Vartype: p.Paramtype, Vartypmod: p.Paramtypmod, Varcollid: p.Paramcollid, Location: -1}, true
	})
	return &node.JoinExpr{Jointype: node.JoinSemi, Rarg: &node.RangeTblRef{Rtindex: rti}, Quals: test}
}

// addRTE appends an entry to this level's range table.
func (r *root) addRTE(e *node.RangeTblEntry) int {
	r.q.Rtable = append(r.q.Rtable, e)
	r.stmt.Rtable = append(r.stmt.Rtable, e)
	return len(r.stmt.Rtable)
}

// existsJoin merges the subquery's FROM into the join tree; its WHERE is the
// join's condition.
func (r *root) existsJoin(sub *node.Query, kind node.JoinType) *node.JoinExpr {
	q := simplifyExists(sub)
	if q == sub && (q.HasAggs || len(q.GroupClause) > 0) || len(q.CteList) > 0 || q.SetOperations != nil || q.HasAggs || q.HavingQual != nil ||
		len(q.GroupClause) > 0 || len(q.DistinctClause) > 0 || q.LimitCount != nil || q.LimitOffset != nil || q.HasTargetSRFs || len(q.Jointree.Fromlist) == 0 || q.Jointree.Quals == nil || r.hasVolatile(q.Jointree.Quals) {
		return nil
	}
	// Only WHERE may refer to this level.
	plain := *q
	plain.Jointree = &node.FromExpr{Fromlist: q.Jointree.Fromlist}
	if refersUp(&plain) {
		return nil
	}
	up := false
	node.WalkLevels(q.Jointree.Quals, func(n node.Node, level int) bool {
		switch x := n.(type) {
		case *node.Var:
			up = up || x.Varlevelsup == level+1
		case *node.SubLink:
			up = false
		}
		return true
	})
	if !up {
		return nil
	}
	if node.Any(q.Jointree.Quals, func(n node.Node) bool { _, s := n.(*node.SubLink); return s }) {
		return nil
	}
	s := r.subroot()
	q = s.renumber(q.Copy().(*node.Query))
	s.q = q
	s.flattenAliases()
	q = node.IncrementSublevelsUp(s.q, -1, 1).(*node.Query)
	first := len(r.stmt.Rtable) - len(q.Rtable)
	for i := range q.Rtable {
		r.stmt.Rtable[first+i] = q.Rtable[i]
	}
	r.q.Rtable = append(r.q.Rtable, q.Rtable...)
	var right node.Node = &node.FromExpr{Fromlist: q.Jointree.Fromlist}
	if len(q.Jointree.Fromlist) == 1 {
		right = q.Jointree.Fromlist[0]
	}
	return &node.JoinExpr{Jointype: kind, Rarg: right, Quals: q.Jointree.Quals}
}
