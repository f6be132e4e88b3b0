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

// windowPaths puts a WindowAgg per window over each path.
func (r *root) windowPaths(in *rel, grouped bool) *rel {
	q := r.q
	var base []node.Node
	for _, c := range windowClauses(q) {
		base = append(base, refTarget(q.TargetList, c.TleSortGroupRef))
	}
	for _, te := range q.TargetList {
		if grouped {
			for _, x := range r.groupedTlist() {
				base = append(base, x.Expr)
			}
			break
		}
		base = append(base, r.pieces(te.Expr, nil)...)
	}
	list := inputTlist(base)
	out := r.upperRel(in.rows)
	for _, p := range in.paths {
		if !p.needs.empty() || p != in.cheapest && commonKeys(p.keys, r.query) == 0 {
			continue
		}
		p = r.projected(p, list)
		for _, w := range q.WindowClause {
			p = r.windowPath(p, w)
		}
		out.add(p)
	}
	r.finishRel(out)
	return out
}

// windowPath computes the functions of one window.
func (r *root) windowPath(in *path, w *node.WindowClause) *path {
	q := r.q
	var funcs []node.Node
	var c cost
	for _, te := range q.TargetList {
		node.Walk(te.Expr, func(n node.Node) bool {
			f, ok := n.(*node.WindowFunc)
			if ok && f.Winref == w.Winref {
				funcs = append(funcs, f)
				if fn, err := r.cat.Func(f.Winfnoid); err == nil {
					c.per += fn.Cost * r.set.CPUOperatorCost
				}
				for _, a := range f.Args {
					c.add(r.exprCost(a))
				}
				if f.Aggfilter != nil {
					c.add(r.exprCost(f.Aggfilter))
				}
			}
			return true
		})
	}
	if len(funcs) == 0 {
		return in
	}
	keys := r.clauseKeys(append(slices.Clone(w.PartitionClause), w.OrderClause...), q.TargetList)
	if n := commonKeys(in.keys, keys); n > 0 && n < len(keys) && !r.set.NoIncrementalSort {
		in = r.incremental(in, keys, n, -1)
	} else {
		in = r.sorted(in, keys, -1)
	}
	p := &path{rows: in.rows, keys: in.keys, startup: in.startup + c.startup, width: in.width}
	for _, f := range funcs {
		p.width += r.exprWidth(f)
	}
	cols := float64(len(w.PartitionClause) + len(w.OrderClause))
	p.total = in.total + c.startup + c.per*in.rows + r.set.CPUOperatorCost*cols*in.rows + r.set.CPUTupleCost*in.rows
	p.make = func() (Plan, error) {
		plan, err := r.build(in)
		if err != nil {
			return nil, err
		}
		return r.makeWindow(plan, w, funcs), nil
	}
	return p
}

func (r *root) makeWindow(p Plan, w *node.WindowClause, funcs []node.Node) Plan {
	q := r.q
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
	n.Node = Node{Left: p}
	var exprs []node.Node
	for _, te := range in {
		exprs = append(exprs, te.Expr)
	}
	n.TargetList = inputTlist(append(exprs, funcs...))
	return n
}

// targetPaths makes the paths compute the query's target list.
func (r *root) targetPaths(in *rel) (*rel, error) {
	q := r.q
	grouped := q.HasAggs || len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil
	if grouped && !q.HasWindowFuncs && !q.HasTargetSRFs {
		return in, nil // aggregation computes it
	}
	out := r.upperRel(in.rows)
	for _, p := range in.paths {
		if !p.needs.empty() {
			continue
		}
		if !q.HasTargetSRFs {
			out.add(r.projected(p, q.TargetList))
			continue
		}
		if err := r.checkSets(); err != nil {
			return nil, err
		}
		out.add(r.setPath(p, q.TargetList))
	}
	r.finishRel(out)
	return out, nil
}

// setPath expands the target list's set-returning functions.
func (r *root) setPath(in *path, list []*node.TargetEntry) *path {
	rows := 1.0
	for _, te := range list {
		rows = math.Max(rows, r.setRows(te.Expr))
	}
	c := r.tlistCost(list)
	p := &path{keys: in.keys, rows: in.rows * rows, startup: in.startup + c.startup, width: r.tlistWidth(list)}
	p.total = in.total + c.startup + (r.set.CPUTupleCost+c.per)*in.rows + (p.rows-in.rows)*r.set.CPUTupleCost/2
	p.make = func() (Plan, error) {
		plan, err := r.build(in)
		if err != nil {
			return nil, err
		}
		return r.makeSets(plan, list), nil
	}
	return p
}

// checkSets refuses set-returning expressions that are not written.
func (r *root) checkSets() error {
	for _, te := range r.q.TargetList {
		if depthOfSets(te.Expr) > 1 {
			return pgerr.NotYet("a set-returning function of a set-returning function")
		}
		if hasSet(te.Expr) && !node.Any(te.Expr, func(n node.Node) bool { f, ok := n.(*node.FuncExpr); return ok && f.Funcretset }) {
			return pgerr.NotYet("this set-returning expression")
		}
	}
	return nil
}

// makeSets puts a ProjectSet over p, and a Result where expressions use its sets.
func (r *root) makeSets(p Plan, list []*node.TargetEntry) Plan {
	var level []node.Node
	nested := false
	for _, te := range list {
		if f, ok := te.Expr.(*node.FuncExpr); ok && f.Funcretset && !anySet(f.Args) {
			level = append(level, f)
			continue
		}
		if !hasSet(te.Expr) {
			level = append(level, te.Expr)
			continue
		}
		nested = true
		node.Walk(te.Expr, func(n node.Node) bool {
			if f, ok := n.(*node.FuncExpr); ok && f.Funcretset {
				if anySet(f.Args) {
					return true
				}
				level = append(level, f)
				return false
			}
			return true
		})
		level = append(level, r.pieces(te.Expr, nil)...)
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
	if !nested {
		ps.TargetList = list
		return ps
	}
	ps.TargetList = inputTlist(level)
	o := outline(ps)
	res := &Result{Node: *o}
	res.TargetList = list
	return res
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
