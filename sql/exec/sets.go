package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// setOp is INTERSECT and EXCEPT: it counts each row on both sides.
type setOp struct {
	p      *plan.SetOp
	child  Node
	keys   []keyEncoder
	counts map[string]*[3]int // left, right, row in store
	store  *rowStore
	order  []*[3]int
	rows   []int32
	at     int
	loaded bool
	view   Batch // out without the flag
	out    *Batch
	key    []byte
}

func (x *Execution) newSetOp(p *plan.SetOp) (Node, error) {
	n := &setOp{p: p}
	var err error
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	if n.keys, err = x.groupKeys(p.Left, p.DupColIdx); err != nil {
		return nil, err
	}
	n.clear()
	return n, nil
}

func (n *setOp) clear() {
	n.counts, n.store = map[string]*[3]int{}, newRowStore(n.child.Shape())
	n.order, n.rows, n.at, n.loaded = nil, nil, 0, false
	n.out = newBatch(n.child.Shape(), 0)
}

func (n *setOp) load(x *Execution) error {
	for {
		b, err := n.child.Next(x)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		for _, i := range b.Sel {
			n.key = appendKey(n.key[:0], n.keys, b, n.p.DupColIdx, i)
			c := n.counts[string(n.key)]
			if c == nil {
				c = &[3]int{2: n.store.n}
				n.store.add(b, []int32{i})
				n.counts[string(n.key)] = c
				n.order = append(n.order, c)
			}
			c[b.Cols[n.p.FlagColIdx-1].Ints[i]&1]++
		}
	}
	n.loaded = true
	for _, c := range n.order {
		for range n.times(c[0], c[1]) {
			n.rows = append(n.rows, int32(c[2]))
		}
	}
	return nil
}

// times is how often a row with the given counts is in the result.
func (n *setOp) times(l, r int) int {
	switch n.p.Cmd {
	case plan.IntersectAll:
		return min(l, r)
	case plan.ExceptAll:
		return max(0, l-r)
	case plan.Intersect:
		if l > 0 && r > 0 {
			return 1
		}
	case plan.Except:
		if l > 0 && r == 0 {
			return 1
		}
	}
	return 0
}

func (n *setOp) Next(x *Execution) (*Batch, error) {
	if !n.loaded {
		if err := n.load(x); err != nil {
			return nil, err
		}
	}
	if n.at >= len(n.rows) {
		return nil, nil
	}
	to := min(n.at+batchRows, len(n.rows))
	n.store.fill(n.out, n.rows[n.at:to])
	n.at = to
	n.view = *n.out
	n.view.Cols = n.out.Cols[:n.p.FlagColIdx-1] // the flag is the last column, and goes
	return &n.view, nil
}

func (n *setOp) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.clear()
	return n.child.Rescan(x, changed)
}

func (n *setOp) Close(*Execution) {}
func (n *setOp) Shape() columns   { return n.child.Shape()[:n.p.FlagColIdx-1] }

// mergeAppend merges sorted inputs.
type mergeAppend struct {
	p     *plan.MergeAppend
	kids  []Node
	heads []*Batch
	pos   []int
	by    []sortCmp
	store *rowStore
	out   *Batch
	begun bool
}

func (x *Execution) newMergeAppend(p *plan.MergeAppend) (Node, error) {
	n := &mergeAppend{p: p}
	for _, k := range p.Plans {
		c, err := x.build(k)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, c)
	}
	var err error
	n.by, err = x.sortCmps(p.Keys)
	n.heads, n.pos = make([]*Batch, len(n.kids)), make([]int, len(n.kids))
	n.store, n.out = newRowStore(n.Shape()), newBatch(n.Shape(), 0)
	return n, err
}

// fetch makes heads[k] show an unread row, or nil at the end.
func (n *mergeAppend) fetch(x *Execution, k int) error {
	for {
		b, err := n.kids[k].Next(x)
		if err != nil {
			return err
		}
		n.heads[k], n.pos[k] = b, 0
		if b == nil || len(b.Sel) > 0 {
			return nil
		}
	}
}

func (n *mergeAppend) Next(x *Execution) (*Batch, error) {
	if !n.begun {
		n.begun = true
		for k := range n.kids {
			if err := n.fetch(x, k); err != nil {
				return nil, err
			}
		}
	}
	n.store.reset()
	for n.store.n < batchRows {
		best := -1
		for k, b := range n.heads {
			if b != nil && (best < 0 || n.less(k, best)) {
				best = k
			}
		}
		if best < 0 {
			break
		}
		b := n.heads[best]
		n.store.add(b, b.Sel[n.pos[best]:n.pos[best]+1])
		if n.pos[best]++; n.pos[best] >= len(b.Sel) {
			if err := n.fetch(x, best); err != nil {
				return nil, err
			}
		}
	}
	if n.store.n == 0 {
		return nil, nil
	}
	n.store.window(n.out, 0, n.store.n)
	return n.out, nil
}

func (n *mergeAppend) less(a, b int) bool {
	ba, bb := n.heads[a], n.heads[b]
	ia, ib := ba.Sel[n.pos[a]], bb.Sel[n.pos[b]]
	for k := range n.by {
		c := &n.by[k]
		if r := c.compare(at(ba.Cols[c.col], ia), at(bb.Cols[c.col], ib)); r != 0 {
			return r < 0
		}
	}
	return false
}

func (n *mergeAppend) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun = false
	for _, k := range n.kids {
		if err := k.Rescan(x, changed); err != nil {
			return err
		}
	}
	return nil
}

func (n *mergeAppend) Close(*Execution) {}
func (n *mergeAppend) Shape() columns   { return n.kids[0].Shape() }

// cteStore is the result of one WITH query, shared by the scans of it.
type cteStore struct {
	src  Node
	rows *rowStore
	done bool
}

// cteScan reads a WITH query; the scan that gets further runs it.
type cteScan struct {
	top
	p   *plan.CteScan
	cte *cteStore
	at  int
	in  *Batch
}

func (x *Execution) newCteScan(p *plan.CteScan) (Node, error) {
	st := x.ctes[p.CtePlanID]
	if st == nil {
		src, err := x.subplan(p.CtePlanID)
		if err != nil {
			return nil, err
		}
		st = &cteStore{src: src, rows: newRowStore(src.Shape())}
		if x.ctes == nil {
			x.ctes = map[int]*cteStore{}
		}
		x.ctes[p.CtePlanID] = st
	}
	n := &cteScan{p: p, cte: st, in: newBatch(st.rows.shape, 0)}
	var err error
	n.top, err = x.newTop(p, relScope{p.ScanRelid, len(st.rows.shape)})
	return n, err
}

func (n *cteScan) Next(x *Execution) (*Batch, error) {
	for n.at >= n.cte.rows.n {
		if n.cte.done {
			return nil, nil
		}
		b, err := n.cte.src.Next(x)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.cte.done = true
			return nil, nil
		}
		n.cte.rows.add(b, b.Sel)
	}
	to := min(n.at+batchRows, n.cte.rows.n)
	n.cte.rows.window(n.in, n.at, to)
	n.at = to
	return n.emit(x, n.in, n.in.Sel)
}

func (n *cteScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.at = 0
	sub := x.Stmt.Subplans[n.p.CtePlanID-1]
	if newParamSet(sub.Common().ExtParam...).meets(changed) {
		n.cte.rows, n.cte.done = newRowStore(n.cte.rows.shape), false
		return n.cte.src.Rescan(x, changed)
	}
	return nil
}

func (n *cteScan) Close(*Execution) {}

// workTable is what the last round of a recursive union added.
type workTable struct {
	rows *rowStore
}

// recursiveUnion runs its right side on what the last round added until it adds
// nothing.
type recursiveUnion struct {
	p           *plan.RecursiveUnion
	left, right Node
	work        *workTable
	next        *rowStore
	keys        []keyEncoder
	seen        map[string]struct{}
	key         []byte
	inRight     bool
	sel         []int32
	out         Batch
}

func (x *Execution) newRecursiveUnion(p *plan.RecursiveUnion) (Node, error) {
	n := &recursiveUnion{p: p}
	var err error
	if n.left, err = x.build(p.Left); err != nil {
		return nil, err
	}
	n.work = &workTable{rows: newRowStore(n.left.Shape())}
	n.next = newRowStore(n.left.Shape())
	if x.work == nil {
		x.work = map[int]*workTable{}
	}
	x.work[p.WTParam] = n.work
	if n.right, err = x.build(p.Right); err != nil {
		return nil, err
	}
	if p.NumCols > 0 {
		n.seen = map[string]struct{}{}
		n.keys, err = x.groupKeys(p.Left, p.DupColIdx)
	}
	return n, err
}

func (n *recursiveUnion) Next(x *Execution) (*Batch, error) {
	for {
		if err := x.check(); err != nil {
			return nil, err
		}
		src := n.left
		if n.inRight {
			src = n.right
		}
		b, err := src.Next(x)
		if err != nil {
			return nil, err
		}
		if b == nil {
			if n.next.n == 0 {
				return nil, nil
			}
			n.work.rows, n.next = n.next, newRowStore(n.next.shape)
			n.inRight = true
			if err := n.right.Rescan(x, newParamSet(n.p.WTParam)); err != nil {
				return nil, err
			}
			continue
		}
		sel := n.fresh(b)
		if len(sel) == 0 {
			continue
		}
		n.next.add(b, sel)
		n.out = Batch{Cols: b.Cols, N: b.N, Sel: sel}
		return &n.out, nil
	}
}

// fresh returns the rows that were not in the result yet; all for UNION ALL.
func (n *recursiveUnion) fresh(b *Batch) []int32 {
	if n.seen == nil {
		return b.Sel
	}
	n.sel = n.sel[:0]
	for _, i := range b.Sel {
		n.key = appendKey(n.key[:0], n.keys, b, n.p.DupColIdx, i)
		if _, ok := n.seen[string(n.key)]; !ok {
			n.seen[string(n.key)] = struct{}{}
			n.sel = append(n.sel, i)
		}
	}
	return n.sel
}

func (n *recursiveUnion) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.inRight = false
	n.work.rows, n.next = newRowStore(n.next.shape), newRowStore(n.next.shape)
	if n.seen != nil {
		n.seen = map[string]struct{}{}
	}
	return n.left.Rescan(x, changed)
}

func (n *recursiveUnion) Close(*Execution) {}
func (n *recursiveUnion) Shape() columns   { return n.left.Shape() }

// workTableScan reads the rows of the last round.
type workTableScan struct {
	top
	p    *plan.WorkTableScan
	work *workTable
	at   int
	in   *Batch
}

func (x *Execution) newWorkTableScan(p *plan.WorkTableScan) (Node, error) {
	w := x.work[p.WTParam]
	if w == nil {
		return nil, pgerr.New(pgerr.InternalError, "scan of a work table that no recursive union fills")
	}
	n := &workTableScan{p: p, work: w, in: newBatch(w.rows.shape, 0)}
	var err error
	n.top, err = x.newTop(p, relScope{p.ScanRelid, len(w.rows.shape)})
	return n, err
}

func (n *workTableScan) Next(x *Execution) (*Batch, error) {
	if n.at >= n.work.rows.n {
		return nil, nil
	}
	to := min(n.at+batchRows, n.work.rows.n)
	n.work.rows.window(n.in, n.at, to)
	n.at = to
	return n.emit(x, n.in, n.in.Sel)
}

func (n *workTableScan) Rescan(*Execution, paramSet) error {
	n.at = 0
	return nil
}

func (n *workTableScan) Close(*Execution) {}

// rowSource is what a set-returning call yields for one row of arguments.
type rowSource interface {
	Next() (row []datum.Datum, ok bool, err error)
}

// setCall is a compiled set-returning function.
type setCall struct {
	start   func(args []datum.Datum) (rowSource, error)
	args    []expr
	shape   columns
	rowType bool // one composite column is spread over several
}

// setFunction compiles a call that returns a set.
func (c *compiler) setFunction(e *node.FuncExpr) (*setCall, error) {
	f, err := c.x.Cat.Func(e.Funcid)
	if err != nil {
		return nil, err
	}
	if f.Impl == nil || f.Impl.Set == nil {
		return nil, pgerr.NotYet("function %s", f.Name)
	}
	list, err := c.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	call := c.newCall(e)
	return &setCall{args: list, start: func(args []datum.Datum) (rowSource, error) {
		if f.Strict {
			for _, a := range args {
				if a.Null {
					return noRows{}, nil
				}
			}
		}
		k := call
		k.Args = args
		return f.Impl.Set(&k)
	}}, nil
}

type noRows struct{}

func (noRows) Next() ([]datum.Datum, bool, error) { return nil, false, nil }

// begin evaluates the arguments for row i of b and starts the function.
func (s *setCall) begin(x *Execution, b *Batch, i int32) (rowSource, error) {
	args := make([]datum.Datum, len(s.args))
	one := []int32{i}
	for k, e := range s.args {
		v, err := e.eval(x, b, one)
		if err != nil {
			return nil, err
		}
		args[k] = at(v, i).Clone()
	}
	return s.start(args)
}
