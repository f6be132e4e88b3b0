package exec

import (
	"bytes"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
)

// mergeWhen is one action of MERGE.
type mergeWhen struct {
	p     *plan.MergeAction
	quals []expr
	multi []*multiSub
	set   []expr
	cols  []int // that set gives values
	buf   []int32
}

func (n *modify) compileMerge(c *compiler) error {
	for _, a := range n.p.Merge {
		w := &mergeWhen{p: a}
		var err error
		if w.quals, err = c.exprs(a.Qual); err != nil {
			return err
		}
		if w.multi, err = c.multis(a.Set); err != nil {
			return err
		}
		for k, te := range a.Set {
			if a.Cols[k] == 0 {
				continue
			}
			e, err := c.expr(te.Expr)
			if err != nil {
				return err
			}
			w.set, w.cols = append(w.set, e), append(w.cols, a.Cols[k])
		}
		n.whens = append(n.whens, w)
	}
	return nil
}

// when finds the first action that applies to the row in n.row, and computes its
// values.
func (n *modify) when(x *Execution, matched bool) (*mergeWhen, []datum.Datum, error) {
	for _, w := range n.whens {
		if w.p.Matched != matched {
			continue
		}
		sel, err := filter(x, w.quals, n.row, n.row.Sel, &w.buf)
		if err != nil {
			return nil, nil, err
		}
		if len(sel) == 0 {
			continue
		}
		for _, m := range w.multi {
			if err := m.eval(x, n.row, n.row.Sel); err != nil {
				return nil, nil, err
			}
		}
		vals := make([]datum.Datum, len(w.set))
		for k, e := range w.set {
			v, err := e.eval(x, n.row, n.row.Sel)
			if err != nil {
				return nil, nil, err
			}
			vals[k] = at(v, 0).Clone()
		}
		return w, vals, nil
	}
	return nil, nil, nil
}

// merge handles one row of the join. In read committed a row that was changed
// meanwhile is looked at again, from the first action on; without a match any more
// it counts as not matched.
func (n *modify) merge(x *Execution, b *Batch, i int32) error {
	id := b.Cols[n.p.RowIDAttr-1]
	if id.Nulls[i] {
		return n.notMatched(x, b, i)
	}
	tid := tidOf(id, i)
	for {
		old, err := n.old(x, tid)
		if err != nil {
			return err
		}
		n.load(b, i, old, tid)
		w, vals, err := n.when(x, true)
		if err != nil || w == nil || w.p.Command == node.CmdNothing {
			return err
		}
		res, fail, mode := heap.OK, heap.FailureData{}, heap.Exclusive
		if w.p.Command == node.CmdDelete {
			res, fail, err = n.remove(x, b, i, tid)
		} else {
			mode = heap.NoKeyExclusive
			copy(n.vals, old)
			for k := range n.keep {
				n.keep[k] = true
			}
			for k, col := range w.cols {
				n.vals[col-1], n.keep[col-1] = vals[k], false
			}
			res, fail, err = n.change(x, b, i, old, tid)
		}
		if err != nil || res == heap.OK {
			return err
		}
		switch {
		case res == heap.SelfModified:
			return pgerr.New(pgerr.CardinalityViolation, "MERGE command cannot affect row a second time").
				WithHint("Ensure that not more than one source row matches any one target row.")
		case x.Tx.Isolation() != xact.ReadCommitted:
			return serialization(res)
		case res == heap.Deleted:
			return n.notMatched(x, b, i)
		}
		next, ok, err := n.mergeAgain(x, b, i, fail.CTID, mode)
		if err != nil {
			return err
		}
		if !ok {
			return n.notMatched(x, b, i)
		}
		tid = next
	}
}

// mergeAgain locks the newest version of a row that was updated meanwhile and
// reports whether it still matches the source row i of b.
func (n *modify) mergeAgain(x *Execution, b *Batch, i int32, tid page.TID, mode heap.LockMode) (page.TID, bool, error) {
	res, t, _, err := heap.LockLatest(x.Ctx, x.Tx, n.rel, tid, heap.LockOptions{Command: x.Cid, Mode: mode})
	if err != nil || res != heap.OK {
		return tid, false, err
	}
	found := false
	err = x.recheckAll(n.p.Left, map[int]*heap.Tuple{n.p.ResultRti: &t}, func(_ columns, g *Batch, k int32) bool {
		found = !g.Cols[n.p.RowIDAttr-1].Nulls[k] && n.sameSource(b, i, g, k)
		return !found
	})
	return t.TID, found, err
}

// sameSource reports whether two rows of the join have the same source row, as far
// as the actions look at it.
func (n *modify) sameSource(a *Batch, i int32, b *Batch, k int32) bool {
	for c := range a.Cols {
		if c == n.p.RowIDAttr-1 {
			continue
		}
		p, q := at(a.Cols[c], i), at(b.Cols[c], k)
		if p.Null != q.Null || !p.Null && (p.Int != q.Int || !bytes.Equal(p.Bytes, q.Bytes)) {
			return false
		}
	}
	return true
}

// notMatched handles a source row without a target row.
func (n *modify) notMatched(x *Execution, b *Batch, i int32) error {
	n.load(b, i, make([]datum.Datum, len(n.vals)), page.TID{})
	w, vals, err := n.when(x, false)
	if err != nil || w == nil || w.p.Command != node.CmdInsert {
		return err
	}
	copy(n.vals, vals)
	return n.insert(x, b, i)
}
