package plan

import (
	"slices"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

func (r *root) addGrouping(p Plan, have []sortKey) (Plan, []sortKey, error) {
	q := r.q
	var groupExprs []node.Node
	for _, c := range q.GroupClause {
		groupExprs = append(groupExprs, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	in := slices.Clone(groupExprs)
	vars := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			if slices.ContainsFunc(groupExprs, func(g node.Node) bool { return node.Equal(g, n) }) {
				return false
			}
			if v, ok := n.(*node.Var); ok && v.Varno > 0 {
				in = append(in, v)
			}
			return true
		})
	}
	for _, te := range q.TargetList {
		vars(te.Expr)
	}
	vars(q.HavingQual)
	list := inputTlist(in)
	rows := p.Common().Rows
	a := &Agg{}
	for i, c := range q.GroupClause {
		a.GrpColIdx = append(a.GrpColIdx, findTarget(list, groupExprs[i])+1)
		a.GrpOperators = append(a.GrpOperators, c.Eqop)
		a.GrpCollations = append(a.GrpCollations, collationOf(groupExprs[i]))
	}
	sets, err := r.groupingSets()
	if err != nil {
		return nil, nil, err
	}
	a.GroupingSets = sets
	a.NumGroups = 1
	if len(q.GroupClause) > 0 {
		a.NumGroups = r.groups(groupExprs, rows)
	}
	keys := r.clauseKeys(q.GroupClause, q.TargetList)
	sortable := len(keys) == len(q.GroupClause) && len(keys) > 0
	hashable := !slices.ContainsFunc(q.GroupClause, func(c *node.SortGroupClause) bool { return !c.Hashable }) && !r.set.NoHashAgg
	p = project(p, list)
	var order []sortKey
	switch {
	case len(q.GroupClause) == 0 && sets == nil:
		a.AggStrategy = AggPlain
	case sets != nil:
		a.AggStrategy = AggHashed
	case sortable && (ordered(have, keys) || !hashable):
		if !ordered(have, keys) {
			if p, err = r.makeSortOver(p, keys); err != nil {
				return nil, nil, err
			}
		}
		a.AggStrategy, order = AggSorted, keys
	default:
		a.AggStrategy = AggHashed
	}
	a.Left = p
	c := p.Common()
	a.Rows = a.NumGroups
	a.StartupCost = c.TotalCost + rows*r.set.CPUOperatorCost*float64(len(q.GroupClause)+1)
	a.TotalCost = a.StartupCost + a.NumGroups*r.set.CPUTupleCost
	if a.AggStrategy == AggSorted {
		a.StartupCost = c.StartupCost
	}
	a.Qual = andList(q.HavingQual)
	a.TargetList = r.groupedTlist()
	a.Width = tlistWidth(a.TargetList)
	r.setGroupingCols(a)
	return a, order, nil
}

func (r *root) groupedTlist() []*node.TargetEntry {
	q := r.q
	if !q.HasWindowFuncs && !q.HasTargetSRFs {
		return q.TargetList
	}
	var parts []node.Node
	for _, c := range append(slices.Clone(q.GroupClause), windowClauses(q)...) {
		if e := refTarget(q.TargetList, c.TleSortGroupRef); e != nil && !hasWindow(e) && !hasSet(e) {
			parts = append(parts, e)
		}
	}
	for _, te := range q.TargetList {
		parts = append(parts, r.pieces(te.Expr, parts)...)
	}
	return inputTlist(parts)
}

func windowClauses(q *node.Query) []*node.SortGroupClause {
	var out []*node.SortGroupClause
	for _, w := range q.WindowClause {
		out = append(out, w.PartitionClause...)
		out = append(out, w.OrderClause...)
	}
	return out
}

func (r *root) pieces(e node.Node, known []node.Node) []node.Node {
	var out []node.Node
	node.Walk(e, func(n node.Node) bool {
		if slices.ContainsFunc(known, func(k node.Node) bool { return node.Equal(k, n) }) {
			return false
		}
		switch x := n.(type) {
		case *node.Aggref, *node.GroupingFunc:
			out = append(out, n)
			return false
		case *node.Var:
			if x.Varno > 0 {
				out = append(out, x)
			}
		}
		return true
	})
	return out
}

func hasWindow(e node.Node) bool {
	return node.Any(e, func(n node.Node) bool { _, ok := n.(*node.WindowFunc); return ok })
}

func hasSet(e node.Node) bool {
	return node.Any(e, func(n node.Node) bool {
		switch f := n.(type) {
		case *node.FuncExpr:
			return f.Funcretset
		case *node.OpExpr:
			return f.Opretset
		}
		return false
	})
}

func (r *root) groupingSets() ([][]int, error) {
	q := r.q
	if len(q.GroupingSets) == 0 {
		return nil, nil
	}
	pos := map[int]int{}
	for i, c := range q.GroupClause {
		pos[c.TleSortGroupRef] = i
	}
	sets := [][]int{{}}
	for _, gs := range q.GroupingSets {
		one, err := expandSet(gs)
		if err != nil {
			return nil, err
		}
		var next [][]int
		for _, a := range sets {
			for _, b := range one {
				next = append(next, append(slices.Clone(a), b...))
			}
		}
		sets = next
	}
	seen := map[string]bool{}
	var out [][]int
	for _, s := range sets {
		var ps []int
		key := make([]byte, len(q.GroupClause))
		for _, ref := range s {
			if p := pos[ref]; key[p] == 0 {
				key[p] = 1
				ps = append(ps, p)
			}
		}
		if q.GroupDistinct && seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		out = append(out, ps)
	}
	return out, nil
}

func expandSet(n node.Node) ([][]int, error) {
	gs, ok := n.(*node.GroupingSet)
	if !ok {
		return nil, pgerr.New(pgerr.InternalError, "unexpected node %T in GROUPING SETS", n)
	}
	var parts [][]int // of ROLLUP and CUBE
	var all [][]int
	switch gs.Kind {
	case node.GroupingSetEmpty:
		return [][]int{{}}, nil
	case node.GroupingSetSimple:
		return [][]int{gs.Content.(node.IntList)}, nil
	}
	for _, k := range gs.Content.(node.List) {
		e, err := expandSet(k)
		if err != nil {
			return nil, err
		}
		all = append(all, e...)
		parts = append(parts, e[0])
	}
	switch gs.Kind {
	case node.GroupingSetSets:
		return all, nil
	case node.GroupingSetRollup:
		var out [][]int
		for n := len(parts); n >= 0; n-- {
			out = append(out, slices.Concat(parts[:n]...))
		}
		return out, nil
	}
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var s []int
		for i := range parts {
			if mask&(1<<(len(parts)-1-i)) != 0 {
				s = append(s, parts[i]...)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func (r *root) setGroupingCols(a *Agg) {
	fix := func(e node.Node) node.Node {
		return node.Mutate(e, func(n node.Node) (node.Node, bool) {
			g, ok := n.(*node.GroupingFunc)
			if !ok {
				return nil, false
			}
			c := *g
			c.Cols = nil
			for _, ref := range g.Refs {
				c.Cols = append(c.Cols, slices.IndexFunc(r.q.GroupClause, func(k *node.SortGroupClause) bool { return k.TleSortGroupRef == ref }))
			}
			return &c, true
		})
	}
	if len(r.q.GroupingSets) == 0 {
		return
	}
	a.TargetList = mapTlist(a.TargetList, fix)
	r.q.TargetList = mapTlist(r.q.TargetList, fix)
	for i := range a.Qual {
		a.Qual[i] = fix(a.Qual[i])
	}
}
