package exec

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// aggScope gives Aggrefs and GROUPING calls of an Agg's target list and quals
// their columns: the output of the grouping, behind the input's columns.
type aggScope struct {
	n *agg
}

// aggCall is one distinct aggregate of an Agg.
type aggCall struct {
	ref      *node.Aggref
	impl     *builtin.Agg
	call     builtin.AggCall
	args     []expr
	filter   expr
	distinct []keyEncoder
	order    []sortCmp
	nArgs    int
	byRef    bool
	vecs     []*types.Vec
	live     []int32
	argShape columns
	batch    []types.Vec
	vals     []datum.Datum
	direct   []expr      // of WITHIN GROUP aggregates
	ordered  *orderedSet // nil: an ordinary aggregate
}

// sortCmp orders one column of a row store.
type sortCmp struct {
	col        int
	cmp        func(a, b datum.Datum) int
	desc       bool
	nullsFirst bool
}

// group is the state of one group.
type group struct {
	states []builtin.AggState
	rows   []*rowStore           // of aggregates with ORDER BY
	seen   []map[string]struct{} // of DISTINCT aggregates
	first  int                   // its row in agg.reps
}

// agg computes aggregates, plain, over sorted input, or hashed.
type agg struct {
	top
	p         *plan.Agg
	child     Node
	calls     []*aggCall
	keys      []keyEncoder
	groupings []*node.GroupingFunc

	in      columns
	reps    *rowStore // one input row per group: group columns and what depends on them
	groups  []group
	table   map[string]int
	ints    map[int64]int
	byInt   bool
	key     []byte
	pending *Batch // sorted input not yet consumed
	pos     int
	ended   bool
	loaded  bool
	at      int
	out     *Batch
	shape   columns
	set     int       // current grouping set
	store   *rowStore // input kept for several grouping sets
	gid     []int32
	lastKey []byte
	runKey  []byte
}

func (x *Execution) newAgg(p *plan.Agg) (Node, error) {
	n := &agg{p: p}
	var err error
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	n.in = n.child.Shape()
	if n.keys, err = x.groupKeys(p.Left, p.GrpColIdx); err != nil {
		return nil, err
	}
	if len(p.GrpColIdx) == 1 && p.GroupingSets == nil {
		t := node.ExprType(p.Left.Common().TargetList[p.GrpColIdx[0]-1].Expr)
		n.byInt = !n.in[p.GrpColIdx[0]-1] && !isFloat(t)
	}
	if err := n.collect(x); err != nil {
		return nil, err
	}
	c := &compiler{x: x, scope: childScope{nOuter: len(n.in)}, aggs: &aggScope{n: n}}
	quals, err := c.exprs(p.Qual)
	if err != nil {
		return nil, err
	}
	proj, err := c.project(p.TargetList)
	if err != nil {
		return nil, err
	}
	n.top = top{quals: quals, proj: proj, stat: x.note(p)}
	n.shape = slices.Clone(n.in)
	for _, a := range n.calls {
		n.shape = append(n.shape, a.byRef)
	}
	for range n.groupings {
		n.shape = append(n.shape, false)
	}
	n.out = newBatch(n.shape, 0)
	n.reset()
	return n, nil
}

// aggref compiles e, sharing the state of an equal one.
func (s *aggScope) aggref(e *node.Aggref) (expr, error) {
	if s == nil {
		return nil, pgerr.New(pgerr.InternalError, "aggregate outside of an Agg node")
	}
	n := s.n
	for i, a := range n.calls {
		if node.Equal(a.ref, e) {
			return column(len(n.in) + i), nil
		}
	}
	return nil, pgerr.New(pgerr.InternalError, "aggregate was not collected")
}

// grouping compiles GROUPING(…).
func (s *aggScope) grouping(e *node.GroupingFunc) (expr, error) {
	if s == nil {
		return nil, pgerr.New(pgerr.InternalError, "GROUPING outside of an Agg node")
	}
	for i, g := range s.n.groupings {
		if g == e {
			return column(len(s.n.in) + len(s.n.calls) + i), nil
		}
	}
	s.n.groupings = append(s.n.groupings, e)
	return column(len(s.n.in) + len(s.n.calls) + len(s.n.groupings) - 1), nil
}

// collect gathers the aggregates of p's target list and quals. It must run
// before they are compiled, since the columns of GROUPING come after theirs.
func (n *agg) collect(x *Execution) error {
	var list []*node.Aggref
	find := func(e node.Node) {
		node.Walk(e, func(m node.Node) bool {
			if a, ok := m.(*node.Aggref); ok && a.Agglevelsup == 0 {
				if !slices.ContainsFunc(list, func(b *node.Aggref) bool { return node.Equal(a, b) }) {
					list = append(list, a)
				}
				return false
			}
			return true
		})
	}
	for _, q := range n.p.Qual {
		find(q)
	}
	for _, te := range n.p.TargetList {
		find(te.Expr)
	}
	for _, a := range list {
		c, err := x.newAggCall(a, len(n.in))
		if err != nil {
			return err
		}
		n.calls = append(n.calls, c)
	}
	return nil
}

func (x *Execution) newAggCall(e *node.Aggref, inCols int) (*aggCall, error) {
	info, err := x.Cat.Agg(e.Aggfnoid)
	if err != nil {
		return nil, err
	}
	a := &aggCall{ref: e}
	c := &compiler{x: x, scope: childScope{nOuter: inCols}}
	if e.Aggkind != node.AggKindNormal && e.Aggkind != 0 {
		err = x.newOrderedSet(a, e, c, info)
	} else if impl, ok := builtin.LookupAgg(info.TransSrc, info.FinalSrc); ok {
		a.impl = impl
	} else {
		err = pgerr.NotYet("aggregate %s", info.Name)
	}
	if err != nil {
		return nil, err
	}
	for _, te := range e.Args {
		arg, err := c.expr(te.Expr)
		if err != nil {
			return nil, err
		}
		ref, err := x.byRef(node.ExprType(te.Expr))
		if err != nil {
			return nil, err
		}
		a.args, a.argShape = append(a.args, arg), append(a.argShape, ref)
		if !te.Resjunk {
			a.nArgs++
		}
	}
	for _, te := range e.Args[:a.nArgs] {
		a.call.ArgTypes = append(a.call.ArgTypes, node.ExprType(te.Expr))
	}
	a.call.RetType, a.call.Collation, a.call.Env = e.Aggtype, e.Inputcollid, x.Env
	if a.byRef, err = x.byRef(e.Aggtype); err != nil {
		return nil, err
	}
	if e.Aggfilter != nil {
		if a.filter, err = c.expr(e.Aggfilter); err != nil {
			return nil, err
		}
	}
	if err := x.aggOrder(a, e); err != nil {
		return nil, err
	}
	a.vecs, a.batch, a.vals = make([]*types.Vec, len(a.args)), make([]types.Vec, a.nArgs), make([]datum.Datum, a.nArgs)
	return a, nil
}

// aggOrder prepares DISTINCT and ORDER BY inside an aggregate call.
func (x *Execution) aggOrder(a *aggCall, e *node.Aggref) error {
	find := func(ref int) int {
		return slices.IndexFunc(e.Args, func(te *node.TargetEntry) bool { return te.Ressortgroupref == ref })
	}
	order := e.Aggorder
	if len(e.Aggdistinct) > 0 {
		order = e.Aggdistinct // analysis made ORDER BY a prefix of it
		for _, te := range e.Args[:a.nArgs] {
			enc, ok := x.encoderFor(node.ExprType(te.Expr))
			if !ok {
				return pgerr.NotYet("DISTINCT aggregate of type %d", node.ExprType(te.Expr))
			}
			a.distinct = append(a.distinct, enc)
		}
	}
	for _, s := range order {
		k := find(s.TleSortGroupRef)
		if k < 0 {
			return pgerr.New(pgerr.InternalError, "ORDER BY of an aggregate names no argument")
		}
		if s.Sortop == 0 {
			continue
		}
		te := e.Args[k]
		sc, err := x.sortCmp(k, s.Sortop, collationOf(te.Expr), s.NullsFirst)
		if err != nil {
			return err
		}
		a.order = append(a.order, sc)
	}
	return nil
}

func (n *agg) reset() {
	n.reps = newRowStore(n.in)
	n.groups, n.table, n.ints = nil, map[string]int{}, map[int64]int{}
	n.pending, n.pos, n.ended, n.loaded, n.at, n.set, n.store = nil, 0, false, false, 0, 0, nil
}

// newGroup starts a group whose first row is row i of b.
func (n *agg) newGroup(b *Batch, i int32) int {
	g := group{states: make([]builtin.AggState, len(n.calls)), first: n.reps.n}
	for k, a := range n.calls {
		if a.impl != nil {
			g.states[k] = a.impl.New(&a.call)
		}
		if a.distinct != nil {
			if g.seen == nil {
				g.seen = make([]map[string]struct{}, len(n.calls))
			}
			g.seen[k] = map[string]struct{}{}
		}
		if a.order != nil {
			if g.rows == nil {
				g.rows = make([]*rowStore, len(n.calls))
			}
			g.rows[k] = newRowStore(a.argShape)
		}
	}
	if b != nil {
		n.reps.add(b, []int32{i})
	} else {
		n.reps.addNulls()
	}
	n.groups = append(n.groups, g)
	return len(n.groups) - 1
}

// addNulls appends a row of NULLs.
func (s *rowStore) addNulls() {
	for c, byRef := range s.shape {
		s.cols[c].Nulls = append(s.cols[c].Nulls, true)
		if byRef {
			s.cols[c].Bytes = append(s.cols[c].Bytes, nil)
		} else {
			s.cols[c].Ints = append(s.cols[c].Ints, 0)
		}
	}
	s.n++
}

// step feeds the rows sel of b to the aggregates; gid[k] is the group of sel[k].
// one says that all rows belong to the same group.
func (n *agg) step(x *Execution, b *Batch, sel, gid []int32, one bool) error {
	for k, a := range n.calls {
		rows := sel
		if a.filter != nil {
			var err error
			if rows, err = filter(x, []expr{a.filter}, b, sel, &a.live); err != nil {
				return err
			}
			if len(rows) == 0 {
				continue
			}
		}
		for j, e := range a.args {
			v, err := e.eval(x, b, rows)
			if err != nil {
				return err
			}
			a.vecs[j] = v
		}
		if one && a.distinct == nil && a.order == nil {
			if bs, ok := n.groups[gid[0]].states[k].(builtin.BatchStepper); ok {
				for j := range a.batch {
					a.batch[j] = *a.vecs[j]
				}
				if err := bs.StepBatch(a.batch, rows); err != nil {
					return err
				}
				continue
			}
		}
		at := 0
		for _, i := range rows {
			for sel[at] != i {
				at++
			}
			if err := n.stepRow(x, k, a, int(gid[at]), i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *agg) stepRow(x *Execution, k int, a *aggCall, g int, i int32) error {
	gr := &n.groups[g]
	for j := range a.vals {
		a.vals[j] = at(a.vecs[j], i)
	}
	if a.distinct != nil {
		n.key = n.key[:0]
		for j, d := range a.vals {
			if d.Null {
				n.key = append(n.key, 1)
				continue
			}
			n.key = a.distinct[j](append(n.key, 0), d)
		}
		if _, dup := gr.seen[k][string(n.key)]; dup {
			return nil
		}
		gr.seen[k][string(n.key)] = struct{}{}
	}
	if a.order != nil {
		gr.rows[k].add(&Batch{Cols: a.vecs}, []int32{i})
		return nil
	}
	return gr.states[k].Step(a.vals)
}

// endGroup feeds sorted arguments and computes the results of group g into row at
// of the output.
func (n *agg) endGroup(x *Execution, g, row int) error {
	gr := &n.groups[g]
	for k, a := range n.calls {
		if a.ordered != nil {
			d, err := n.finalOrdered(x, a, gr.rows[k], int32(row))
			if err != nil {
				return err
			}
			gr.rows[k] = nil
			put(n.out.Cols[len(n.in)+k], int32(row), d)
			continue
		}
		if a.order != nil {
			s := gr.rows[k]
			for _, r := range sortRows(s, a.order) {
				for j := range a.vals {
					a.vals[j] = s.datum(j, int(r))
				}
				if err := gr.states[k].Step(a.vals); err != nil {
					return err
				}
			}
			gr.rows[k] = nil
		}
		d, err := gr.states[k].Final()
		if err != nil {
			return err
		}
		put(n.out.Cols[len(n.in)+k], int32(row), d)
	}
	return nil
}

// flush emits groups [from, to).
func (n *agg) flush(x *Execution, from, to int) (*Batch, error) {
	count := to - from
	n.out.resize(n.shape, count)
	rows := make([]int32, count)
	for i := range count {
		rows[i] = int32(n.groups[from+i].first)
	}
	for c := range n.in {
		gather(n.out.Cols[c], 0, &n.reps.cols[c], rows)
	}
	n.fillGrouping(count)
	n.out.N, n.out.Sel = count, all(count)
	for i := range count {
		if err := n.endGroup(x, from+i, i); err != nil {
			return nil, err
		}
	}
	return n.emit(x, n.out, n.out.Sel)
}

// fillGrouping computes GROUPING(…) and the NULLs of the current grouping set.
func (n *agg) fillGrouping(count int) {
	if n.p.GroupingSets == nil {
		for g := range n.groupings {
			v := n.out.Cols[len(n.in)+len(n.calls)+g]
			for i := range count {
				put(v, int32(i), datum.Int(0))
			}
		}
		return
	}
	set := n.p.GroupingSets[n.set]
	for pos, col := range n.p.GrpColIdx {
		if slices.Contains(set, pos) {
			continue
		}
		for i := range count {
			n.out.Cols[col-1].Nulls[i] = true
		}
	}
	for g, e := range n.groupings {
		bits := int64(0)
		for _, c := range e.Cols {
			bits <<= 1
			if !slices.Contains(set, c) {
				bits |= 1
			}
		}
		v := n.out.Cols[len(n.in)+len(n.calls)+g]
		for i := range count {
			put(v, int32(i), datum.Int(bits))
		}
	}
}
