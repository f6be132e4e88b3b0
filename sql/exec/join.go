package exec

import (
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/types"
)

// joinCore evaluates a join's conditions and output over a batch whose columns
// are those of the outer row, then those of the inner row.
type joinCore struct {
	top
	kind      node.JoinType
	joinQual  []expr
	outer     columns
	inner     columns
	joined    Batch
	buf2      []int32
	nullOuter []*types.Vec
	nullInner []*types.Vec
}

func (x *Execution) newJoinCore(p plan.Plan, j *plan.Join, outer, inner Node) (joinCore, error) {
	s := childScope{nOuter: len(outer.Shape()), nInner: len(inner.Shape())}
	t, err := x.newTop(p, s)
	if err != nil {
		return joinCore{}, err
	}
	c := joinCore{top: t, kind: j.Jointype, outer: outer.Shape(), inner: inner.Shape()}
	if c.joinQual, err = (&compiler{x: x, scope: s}).exprs(j.JoinQual); err != nil {
		return c, err
	}
	c.joined.Cols = make([]*types.Vec, s.nOuter+s.nInner)
	return c, nil
}

// nulls returns columns of n NULLs of the given shape, kept in *keep.
func nulls(keep *[]*types.Vec, shape columns, n int) []*types.Vec {
	if *keep == nil {
		*keep = newBatch(shape, 0).Cols
	}
	for k, v := range *keep {
		have := len(v.Nulls)
		if have < n {
			grow(v, n, shape[k])
		}
		for i := range v.Nulls {
			v.Nulls[i] = true
		}
	}
	return *keep
}

// nullInnerRows emits the rows sel of an outer batch with NULLs for the inner
// side.
func (c *joinCore) nullInnerRows(x *Execution, outer *Batch, sel []int32) (*Batch, error) {
	copy(c.joined.Cols, outer.Cols)
	copy(c.joined.Cols[len(c.outer):], nulls(&c.nullInner, c.inner, outer.N))
	c.joined.N, c.joined.Sel = outer.N, sel
	return c.emit(x, &c.joined, sel)
}

// nullOuterRows emits inner rows with NULLs for the outer side.
func (c *joinCore) nullOuterRows(x *Execution, inner *Batch, sel []int32) (*Batch, error) {
	copy(c.joined.Cols, nulls(&c.nullOuter, c.outer, inner.N))
	copy(c.joined.Cols[len(c.outer):], inner.Cols)
	c.joined.N, c.joined.Sel = inner.N, sel
	return c.emit(x, &c.joined, sel)
}

// nestLoop runs its inner side for each outer row.
type nestLoop struct {
	joinCore
	p           *plan.NestLoop
	left, right Node
	params      []expr
	changed     paramSet
	ob          *Batch
	oi          int  // position in ob.Sel
	open        bool // the inner side runs for row oi
	ran         bool // the inner side was started before
	matched     bool
	row         []types.Vec // the outer row, broadcast
	one         [1]int32
	last        int // inner batch size that row is filled for
	filled      int32
}

func (x *Execution) newNestLoop(p *plan.NestLoop) (Node, error) {
	n := &nestLoop{p: p}
	var err error
	if n.left, err = x.build(p.Left); err != nil {
		return nil, err
	}
	if n.right, err = x.build(p.Right); err != nil {
		return nil, err
	}
	if n.joinCore, err = x.newJoinCore(p, &p.Join, n.left, n.right); err != nil {
		return nil, err
	}
	c := &compiler{x: x, scope: childScope{nOuter: len(n.outer)}}
	for _, np := range p.NestParams {
		e, err := c.expr(np.Value)
		if err != nil {
			return nil, err
		}
		n.params = append(n.params, e)
		n.changed = n.changed.with(np.ParamNo)
	}
	n.row = make([]types.Vec, len(n.outer))
	return n, nil
}

func (n *nestLoop) Next(x *Execution) (*Batch, error) {
	for {
		if !n.open {
			more, err := n.advance(x)
			if !more || err != nil {
				return nil, err
			}
		}
		ib, err := n.right.Next(x)
		if err != nil {
			return nil, err
		}
		if ib == nil {
			n.open = false
			if out, err := n.finishRow(x); out != nil || err != nil {
				return out, err
			}
			continue
		}
		if len(ib.Sel) == 0 {
			continue
		}
		out, err := n.match(x, ib)
		if err != nil {
			return nil, err
		}
		if out != nil && len(out.Sel) > 0 {
			return out, nil
		}
	}
}

// advance moves to the next outer row and starts the inner side for it.
func (n *nestLoop) advance(x *Execution) (bool, error) {
	for n.ob == nil || n.oi >= len(n.ob.Sel) {
		b, err := n.left.Next(x)
		if b == nil || err != nil {
			return false, err
		}
		n.ob, n.oi = b, 0
	}
	n.one[0] = n.ob.Sel[n.oi]
	n.oi++
	for k, e := range n.params {
		v, err := e.eval(x, n.ob, n.one[:])
		if err != nil {
			return false, err
		}
		x.slots[n.p.NestParams[k].ParamNo].set(at(v, n.one[0]))
	}
	if n.ran {
		if err := n.right.Rescan(x, n.changed); err != nil {
			return false, err
		}
	}
	n.open, n.ran, n.matched, n.last = true, true, false, 0
	return true, x.check()
}

// match joins the current outer row with an inner batch.
func (n *nestLoop) match(x *Execution, ib *Batch) (*Batch, error) {
	i := n.one[0]
	for k := range n.row {
		src := n.ob.Cols[k]
		grow(&n.row[k], ib.N, n.outer[k])
		d := at(src, i)
		for _, j := range ib.Sel {
			put(&n.row[k], j, d)
		}
		n.joined.Cols[k] = &n.row[k]
	}
	copy(n.joined.Cols[len(n.outer):], ib.Cols)
	n.joined.N, n.joined.Sel = ib.N, ib.Sel
	sel, err := filter(x, n.joinQual, &n.joined, ib.Sel, &n.buf2)
	if err != nil || len(sel) == 0 {
		return nil, err
	}
	if n.stat != nil {
		n.stat.JoinFiltered += int64(len(ib.Sel) - len(sel))
	}
	n.matched = true
	switch {
	case n.kind == node.JoinAnti:
		n.open = false
		return nil, nil
	case n.kind == node.JoinSemi:
		// The first match whose other conditions hold ends the row.
		out, err := n.emit(x, &n.joined, sel[:1])
		n.open = false
		return out, err
	case n.p.InnerUnique:
		n.open = false
		sel = sel[:1]
	}
	return n.emit(x, &n.joined, sel)
}

// finishRow ends an outer row: an outer or anti join emits it if nothing matched.
func (n *nestLoop) finishRow(x *Execution) (*Batch, error) {
	if n.matched || n.kind != node.JoinLeft && n.kind != node.JoinAnti {
		return nil, nil
	}
	out, err := n.nullInnerRows(x, n.ob, n.one[:])
	if err != nil || len(out.Sel) == 0 {
		return nil, err
	}
	return out, nil
}

func (n *nestLoop) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.ob, n.open, n.oi = nil, false, 0
	if err := n.left.Rescan(x, changed); err != nil {
		return err
	}
	return n.right.Rescan(x, append(paramSet(nil), union(changed, n.changed)...))
}

// union returns the members of both sets.
func union(a, b paramSet) paramSet {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append(paramSet(nil), a...)
	for i := range b {
		out[i] |= b[i]
	}
	return out
}

func (n *nestLoop) Close(*Execution) {}
