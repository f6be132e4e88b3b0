package plan

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

func project(p Plan, list []*node.TargetEntry) Plan {
	if !canProject(p) {
		o := outline(p)
		p = &Result{Node: *o}
	}
	p.Common().TargetList = list
	p.Common().Width = tlistWidth(list)
	return p
}

func inputTlist(exprs []node.Node) []*node.TargetEntry {
	var out []*node.TargetEntry
	for _, e := range exprs {
		if e != nil && findTarget(out, e) < 0 {
			out = append(out, &node.TargetEntry{Expr: e, Resno: len(out) + 1})
		}
	}
	return out
}

func (r *root) addWindows(p Plan, have []sortKey) (Plan, []sortKey, error) {
	q := r.q
	var base []node.Node
	for _, c := range windowClauses(q) {
		base = append(base, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	grouped := q.HasAggs || len(q.GroupClause) > 0
	for _, te := range q.TargetList {
		if grouped {
			for _, x := range p.Common().TargetList {
				base = append(base, x.Expr)
			}
			break
		}
		base = append(base, r.pieces(te.Expr, nil)...)
	}
	p = project(p, inputTlist(base))
	for _, w := range q.WindowClause {
		var funcs []node.Node
		for _, te := range q.TargetList {
			node.Walk(te.Expr, func(n node.Node) bool {
				if f, ok := n.(*node.WindowFunc); ok && f.Winref == w.Winref {
					funcs = append(funcs, f)
				}
				return true
			})
		}
		if len(funcs) == 0 {
			continue
		}
		keys := r.clauseKeys(append(slices.Clone(w.PartitionClause), w.OrderClause...), q.TargetList)
		if len(keys) > 0 && !ordered(have, keys) {
			var err error
			if p, err = r.makeSortOver(p, keys); err != nil {
				return nil, nil, err
			}
			have = keys
		}
		n := &WindowAgg{Winref: w.Winref, FrameOptions: w.FrameOptions, StartOffset: w.StartOffset, EndOffset: w.EndOffset,
			StartInRangeFunc: w.StartInRangeFunc, EndInRangeFunc: w.EndInRangeFunc, InRangeColl: w.InRangeColl, InRangeAsc: w.InRangeAsc,
			InRangeNullsFirst: w.InRangeNullsFirst}
		in := p.Common().TargetList
		for _, c := range w.PartitionClause {
			e := refTarget(q.TargetList, c.TleSortGroupRef)
			n.PartColIdx, n.PartOperators = append(n.PartColIdx, findTarget(in, e)+1), append(n.PartOperators, c.Eqop)
			n.PartCollations = append(n.PartCollations, collationOf(e))
		}
		for _, c := range w.OrderClause {
			e := refTarget(q.TargetList, c.TleSortGroupRef)
			n.OrdColIdx, n.OrdOperators = append(n.OrdColIdx, findTarget(in, e)+1), append(n.OrdOperators, c.Eqop)
			n.OrdCollations = append(n.OrdCollations, collationOf(e))
		}
		n.Node = Node{Left: p, Rows: p.Common().Rows, StartupCost: p.Common().StartupCost, TotalCost: p.Common().TotalCost + p.Common().Rows*r.set.CPUTupleCost}
		var exprs []node.Node
		for _, te := range in {
			exprs = append(exprs, te.Expr)
		}
		n.TargetList = inputTlist(append(exprs, funcs...))
		p = n
	}
	return p, have, nil
}

func (r *root) addTarget(p Plan) (Plan, error) {
	q := r.q
	if !q.HasTargetSRFs {
		return project(p, q.TargetList), nil
	}
	var inner, level []node.Node
	nested := false
	for _, te := range q.TargetList {
		if f, ok := te.Expr.(*node.FuncExpr); ok && f.Funcretset && !anySet(f.Args) {
			level = append(level, f)
			continue
		}
		if !hasSet(te.Expr) {
			level = append(level, te.Expr)
			continue
		}
		nested = true
		found := false
		node.Walk(te.Expr, func(n node.Node) bool {
			if f, ok := n.(*node.FuncExpr); ok && f.Funcretset {
				if anySet(f.Args) {
					return true
				}
				level = append(level, f)
				found = true
				return false
			}
			return true
		})
		if !found {
			return nil, pgerr.NotYet("this set-returning expression")
		}
		level = append(level, r.pieces(te.Expr, nil)...)
	}
	_ = inner
	if slices.ContainsFunc(q.TargetList, func(te *node.TargetEntry) bool { return depthOfSets(te.Expr) > 1 }) {
		return nil, pgerr.NotYet("a set-returning function of a set-returning function")
	}
	// The input passes what the functions and the other columns are made of.
	if _, isAgg := p.(*Agg); !isAgg {
		if _, isWin := p.(*WindowAgg); !isWin {
			var parts []node.Node
			for _, e := range level {
				parts = append(parts, r.pieces(e, nil)...)
			}
			p = project(p, inputTlist(parts))
		}
	}
	ps := &ProjectSet{Node: Node{Left: p, StartupCost: p.Common().StartupCost}}
	ps.Rows = p.Common().Rows
	for _, e := range level {
		ps.Rows = math.Max(ps.Rows, p.Common().Rows*r.setRows(e))
	}
	ps.TotalCost = p.Common().TotalCost + ps.Rows*r.set.CPUTupleCost
	if !nested {
		ps.TargetList = q.TargetList
		return ps, nil
	}
	ps.TargetList = inputTlist(level)
	o := outline(ps)
	res := &Result{Node: *o}
	res.TargetList = q.TargetList
	return res, nil
}

func anySet(args []node.Node) bool { return slices.ContainsFunc(args, hasSet) }

func depthOfSets(e node.Node) int {
	if f, ok := e.(*node.FuncExpr); ok && f.Funcretset {
		m := 0
		for _, a := range f.Args {
			m = max(m, depthOfSets(a))
		}
		return m + 1
	}
	m := 0
	e.Children(func(k node.Node) node.Node {
		if k != nil {
			m = max(m, depthOfSets(k))
		}
		return k
	})
	return m
}
