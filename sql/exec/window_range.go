package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
)

// rangeBounds finds the frames of RANGE with an offset: the in_range functions of
// the ordering say which rows lie within the offset of a row.
type rangeBounds struct {
	col        int
	fn         [2]*builtin.Func // of the start and of the end
	call       [2]builtin.Call
	desc       bool
	nullsFirst bool
	from, to   []int // per row of the partition; nil: that bound has no offset
}

// newRange prepares the bounds of a RANGE frame with an offset.
func (n *windowAgg) newRange(x *Execution) error {
	p := n.p
	n.ranges = &rangeBounds{col: p.OrdColIdx[0] - 1, desc: !p.InRangeAsc, nullsFirst: p.InRangeNullsFirst}
	typ := node.ExprType(p.Left.Common().TargetList[n.ranges.col].Expr)
	for i, id := range []oid.OID{p.StartInRangeFunc, p.EndInRangeFunc} {
		off := []node.Node{p.StartOffset, p.EndOffset}[i]
		if id == 0 || off == nil {
			continue
		}
		src, err := x.Cat.FuncSource(id)
		if err != nil {
			return err
		}
		f, ok := builtin.Lookup(src)
		if !ok {
			return pgerr.NotYet("function %s", src)
		}
		n.ranges.fn[i] = f
		n.ranges.call[i] = builtin.Call{ArgTypes: []oid.OID{typ, typ, node.ExprType(off), oid.Bool, oid.Bool},
			Args: make([]datum.Datum, 5), RetType: oid.Bool, Collation: p.InRangeColl, Env: x.Env}
	}
	return nil
}

// computeRanges finds the frame of every row of the partition.
func (n *windowAgg) computeRanges(x *Execution) error {
	r, o := n.ranges, n.p.FrameOptions
	r.from, r.to = nil, nil
	var err error
	if r.fn[0] != nil {
		var off datum.Datum
		if off, err = n.offset(x, n.start, "starting"); err != nil {
			return err
		}
		r.from, err = n.scanRange(0, off, o&node.FrameStartOffsetPreceding != 0)
	}
	if r.fn[1] != nil && err == nil {
		var off datum.Datum
		if off, err = n.offset(x, n.end, "ending"); err != nil {
			return err
		}
		r.to, err = n.scanRange(1, off, o&node.FrameEndOffsetPreceding != 0)
	}
	return err
}

// scanRange finds one bound for all rows. Both rows and bounds only move forward,
// so one pass suffices. which is 0 for the start: the first row inside; 1 for the
// end: the first row behind.
func (n *windowAgg) scanRange(which int, off datum.Datum, preceding bool) ([]int, error) {
	r := n.ranges
	out := make([]int, n.rows.n)
	at := 0
	for i := range out {
		cur := n.rows.datum(r.col, i)
		for ; at < n.rows.n; at++ {
			stop, err := r.stops(which, n.rows.datum(r.col, at), cur, off, preceding)
			if err != nil {
				return nil, err
			}
			if stop {
				break
			}
		}
		out[i] = at
	}
	return out, nil
}

// stops reports whether the bound of the row with value cur is reached at v.
func (r *rangeBounds) stops(which int, v, cur, off datum.Datum, preceding bool) (bool, error) {
	if v.Null || cur.Null { // NULLs are peers, at one end of the partition
		switch {
		case which == 0 && r.nullsFirst:
			return !v.Null || cur.Null, nil
		case which == 0:
			return v.Null || !cur.Null, nil
		case r.nullsFirst:
			return !v.Null, nil
		}
		return !cur.Null, nil
	}
	c := &r.call[which]
	c.Args[0], c.Args[1], c.Args[2] = v, cur, off
	c.Args[3], c.Args[4] = datum.Bool(preceding != r.desc), datum.Bool((which == 1) != r.desc)
	in, err := r.fn[which].Scalar(c)
	return in.Bool() == (which == 0), err
}

// offset evaluates a frame offset.
func (n *windowAgg) offset(x *Execution, e expr, which string) (datum.Datum, error) {
	one := &Batch{N: 1, Sel: identity[:1]}
	v, err := e.eval(x, one, one.Sel)
	if err != nil {
		return datum.Null(), err
	}
	if v.Nulls[0] {
		return datum.Null(), pgerr.New(pgerr.NullValueNotAllowed, "frame %s offset must not be null", which)
	}
	return at(v, 0), nil
}

// bounds evaluates the frame offsets.
func (n *windowAgg) bounds(x *Execution) (start, end int, err error) {
	get := func(e expr, which string) (int, error) {
		if e == nil || n.ranges != nil {
			return 0, nil
		}
		d, err := n.offset(x, e, which)
		if err != nil {
			return 0, err
		}
		if d.Int < 0 {
			return 0, pgerr.New(pgerr.InvalidPrecedingOrFollowingSize, "frame %s offset must not be negative", which)
		}
		return int(min(d.Int, 1<<40)), nil
	}
	if start, err = get(n.start, "starting"); err != nil {
		return
	}
	end, err = get(n.end, "ending")
	return
}
