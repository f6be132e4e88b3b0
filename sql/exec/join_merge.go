package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// cursor reads one sorted input row by row, with its merge keys.
type cursor struct {
	child Node
	keys  []expr
	vecs  []*types.Vec
	b     *Batch
	pos   int
}

func (c *cursor) row() int32 { return c.b.Sel[c.pos] }

// next moves to the next row; b is nil at the end.
func (c *cursor) next(x *Execution) error {
	c.pos++
	for c.b == nil || c.pos >= len(c.b.Sel) {
		b, err := c.child.Next(x)
		if err != nil {
			return err
		}
		if c.b, c.pos = b, 0; b == nil {
			return nil
		}
		for k, e := range c.keys {
			if c.vecs[k], err = e.eval(x, b, b.Sel); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeJoin joins two inputs that are sorted by the merge keys. The inner rows
// that equal the current outer key are kept as a group.
type mergeJoin struct {
	joinCore
	p        *plan.MergeJoin
	left     cursor
	right    cursor
	by       []sortCmp
	group    *rowStore
	groupKey []datum.Datum
	hit      []bool // rows of group that matched
	inner    *Batch
	outerOne *Batch
	begun    bool
	fitting  bool // group belongs to the current outer key
	flushed  int  // rows of a finished group checked for right joins; -1: none to check
	pairO    []int32
	stage    int // 0 merging, 1 rest of inner
	pending  *Batch
}

func (x *Execution) newMergeJoin(p *plan.MergeJoin) (Node, error) {
	n := &mergeJoin{p: p, flushed: -1}
	var err error
	if n.left.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	if n.right.child, err = x.build(p.Right); err != nil {
		return nil, err
	}
	if n.joinCore, err = x.newJoinCore(p, &p.Join, n.left.child, n.right.child); err != nil {
		return nil, err
	}
	lc := &compiler{x: x, scope: childScope{nOuter: len(n.outer)}}
	rc := &compiler{x: x, scope: childScope{nOuter: 0, nInner: len(n.joinCore.inner)}}
	for _, m := range p.MergeClauses {
		op := m.(*node.OpExpr)
		l, err := lc.expr(op.Args[0])
		if err != nil {
			return nil, err
		}
		r, err := rc.expr(op.Args[1])
		if err != nil {
			return nil, err
		}
		n.left.keys, n.right.keys = append(n.left.keys, l), append(n.right.keys, r)
	}
	for _, k := range p.MergeKeys {
		sc, err := x.sortCmp(0, k.SortOp, k.Collation, k.NullsFirst)
		if err != nil {
			return nil, err
		}
		n.by = append(n.by, sc)
	}
	n.left.vecs, n.right.vecs = make([]*types.Vec, len(n.left.keys)), make([]*types.Vec, len(n.right.keys))
	n.group, n.inner, n.outerOne = newRowStore(n.joinCore.inner), newBatch(n.joinCore.inner, 0), newBatch(n.outer, 0)
	n.groupKey = make([]datum.Datum, len(n.by))
	return n, nil
}

func (n *mergeJoin) Next(x *Execution) (*Batch, error) {
	if !n.begun {
		n.begun = true
		if err := n.left.next(x); err != nil {
			return nil, err
		}
		if err := n.right.next(x); err != nil {
			return nil, err
		}
	}
	for n.stage == 0 {
		out, err := n.step(x)
		if err != nil || out != nil && len(out.Sel) > 0 {
			return out, err
		}
	}
	return nil, nil
}

// step does one comparison's worth of work.
func (n *mergeJoin) step(x *Execution) (*Batch, error) {
	keepInner := n.kind == node.JoinRight || n.kind == node.JoinFull
	if n.left.b == nil {
		return n.drain(x, keepInner)
	}
	i := n.left.row()
	null := false
	for _, v := range n.left.vecs {
		null = null || v.Nulls[i]
	}
	if null {
		return n.outerAlone(x)
	}
	if n.fitting && n.compareGroup(i) == 0 {
		return n.joinRow(x)
	}
	if n.fitting {
		n.fitting = false
		if out, err := n.endGroup(x, keepInner); out != nil || err != nil {
			return out, err
		}
	}
	if n.right.b == nil {
		return n.outerAlone(x)
	}
	switch c := n.compareSides(i); {
	case c < 0:
		return n.outerAlone(x)
	case c > 0:
		return n.skipInner(x, keepInner)
	}
	return nil, n.readGroup(x)
}

// compareSides orders the current rows. A NULL inner key is passed over.
func (n *mergeJoin) compareSides(i int32) int {
	j := n.right.row()
	for k := range n.by {
		l, r := at(n.left.vecs[k], i), at(n.right.vecs[k], j)
		if r.Null {
			return 1
		}
		if c := n.by[k].compare(l, r); c != 0 {
			return c
		}
	}
	return 0
}

func (n *mergeJoin) compareGroup(i int32) int {
	for k := range n.by {
		if c := n.by[k].compare(at(n.left.vecs[k], i), n.groupKey[k]); c != 0 {
			return c
		}
	}
	return 0
}

// readGroup reads all inner rows with the key of the current one.
func (n *mergeJoin) readGroup(x *Execution) error {
	n.group.reset()
	n.hit = n.hit[:0]
	j := n.right.row()
	for k := range n.by {
		n.groupKey[k] = at(n.right.vecs[k], j).Clone()
	}
	for n.right.b != nil {
		j := n.right.row()
		for k := range n.by {
			if n.by[k].compare(at(n.right.vecs[k], j), n.groupKey[k]) != 0 {
				n.fitting = true
				return nil
			}
		}
		n.group.add(n.right.b, []int32{j})
		n.hit = append(n.hit, false)
		if err := n.right.next(x); err != nil {
			return err
		}
	}
	n.fitting = true
	return nil
}

// joinRow joins the current outer row with the group.
func (n *mergeJoin) joinRow(x *Execution) (*Batch, error) {
	i := n.left.row()
	var keep *rowStore
	matched := false
	for from := 0; from < n.group.n; from += batchRows {
		to := min(from+batchRows, n.group.n)
		n.group.window(n.inner, from, to)
		n.outerOne.resize(n.outer, n.inner.N)
		for c := range n.outer {
			d := at(n.left.b.Cols[c], i)
			for j := range n.inner.N {
				put(n.outerOne.Cols[c], int32(j), d)
			}
		}
		copy(n.joined.Cols, n.outerOne.Cols)
		copy(n.joined.Cols[len(n.outer):], n.inner.Cols)
		n.joined.N, n.joined.Sel = n.inner.N, n.inner.Sel
		sel, err := filter(x, n.joinQual, &n.joined, n.inner.Sel, &n.buf2)
		if err != nil {
			return nil, err
		}
		for _, j := range sel {
			n.hit[from+int(j)] = true
		}
		if len(sel) == 0 {
			continue
		}
		matched = true
		if n.kind == node.JoinAnti {
			break
		}
		if n.kind == node.JoinSemi || n.p.InnerUnique {
			sel = sel[:1]
		}
		out, err := n.emit(x, &n.joined, sel)
		if err != nil {
			return nil, err
		}
		if keep == nil {
			keep = newRowStore(n.Shape())
		}
		keep.add(out, out.Sel)
		if n.kind == node.JoinSemi || n.p.InnerUnique {
			break
		}
	}
	if !matched {
		return n.outerAlone(x)
	}
	if err := n.left.next(x); err != nil || keep == nil {
		return nil, err
	}
	rows := make([]int32, keep.n)
	for k := range rows {
		rows[k] = int32(k)
	}
	if n.pending == nil {
		n.pending = newBatch(n.Shape(), 0)
	}
	n.pending.resize(keep.shape, keep.n)
	for c := range keep.shape {
		gather(n.pending.Cols[c], 0, &keep.cols[c], rows)
	}
	n.pending.N, n.pending.Sel = keep.n, rows
	return n.pending, nil
}

// outerAlone passes over an outer row without a match.
func (n *mergeJoin) outerAlone(x *Execution) (*Batch, error) {
	var out *Batch
	if n.kind == node.JoinLeft || n.kind == node.JoinFull || n.kind == node.JoinAnti {
		res, err := n.nullInnerRows(x, n.left.b, []int32{n.left.row()})
		if err != nil {
			return nil, err
		}
		if len(res.Sel) > 0 {
			s := newRowStore(n.Shape())
			s.add(res, res.Sel)
			out = newBatch(n.Shape(), 0)
			s.window(out, 0, s.n)
		}
	}
	return out, n.left.next(x)
}

// skipInner passes over an inner row without a match.
func (n *mergeJoin) skipInner(x *Execution, keep bool) (*Batch, error) {
	var out *Batch
	if keep {
		s := newRowStore(n.joinCore.inner)
		s.add(n.right.b, []int32{n.right.row()})
		b := newBatch(n.joinCore.inner, 0)
		s.window(b, 0, 1)
		res, err := n.nullOuterRows(x, b, b.Sel)
		if err != nil {
			return nil, err
		}
		out = res
	}
	return out, n.right.next(x)
}

// endGroup emits the rows of a finished group that nothing matched.
func (n *mergeJoin) endGroup(x *Execution, keep bool) (*Batch, error) {
	if !keep {
		return nil, nil
	}
	var rows []int32
	for r, hit := range n.hit {
		if !hit {
			rows = append(rows, int32(r))
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	b := newBatch(n.joinCore.inner, len(rows))
	for c := range n.joinCore.inner {
		gather(b.Cols[c], 0, &n.group.cols[c], rows)
	}
	b.N, b.Sel = len(rows), all2(len(rows))
	return n.nullOuterRows(x, b, b.Sel)
}

// drain ends the join when the outer side has no more rows.
func (n *mergeJoin) drain(x *Execution, keep bool) (*Batch, error) {
	if n.fitting {
		n.fitting = false
		if out, err := n.endGroup(x, keep); out != nil || err != nil {
			return out, err
		}
	}
	if !keep || n.right.b == nil {
		n.stage = 1
		return nil, nil
	}
	return n.skipInner(x, true)
}

func (n *mergeJoin) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun, n.fitting, n.stage = false, false, 0
	n.left.b, n.right.b, n.left.pos, n.right.pos = nil, nil, 0, 0
	if err := n.left.child.Rescan(x, changed); err != nil {
		return err
	}
	return n.right.child.Rescan(x, changed)
}

func (n *mergeJoin) Close(*Execution) {}
