package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
)

// lockRows locks the rows behind its input's rows. A row that someone changed
// meanwhile is passed on in its newest version, if that still qualifies.
type lockRows struct {
	p     *plan.LockRows
	child Node
	rels  []*access.Relation
	sel   []int32
	out   Batch
	in    *Batch
	pos   int
}

func (x *Execution) newLockRows(p *plan.LockRows) (Node, error) {
	n := &lockRows{p: p}
	var err error
	if n.child, err = x.build(p.Left); err != nil {
		return nil, err
	}
	for _, m := range p.RowMarks {
		rel, err := x.relation(m.Rti)
		if err != nil {
			return nil, err
		}
		if rel.Kind == 'm' && m.Lock {
			return nil, pgerr.New(pgerr.WrongObjectType, "cannot lock rows in materialized view %q", rel.Name)
		}
		n.rels = append(n.rels, rel)
	}
	return n, nil
}

func (n *lockRows) Shape() columns   { return n.child.Shape() }
func (n *lockRows) Close(*Execution) {}

func (n *lockRows) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.in = nil
	return n.child.Rescan(x, changed)
}

func (n *lockRows) Next(x *Execution) (*Batch, error) {
	for {
		if n.in == nil || n.pos >= len(n.in.Sel) {
			b, err := n.child.Next(x)
			if b == nil || err != nil {
				return nil, err
			}
			n.in, n.pos = b, 0
		}
		// One row at a time, so that LIMIT does not lock more than it returns.
		for n.pos < len(n.in.Sel) {
			i := n.in.Sel[n.pos]
			n.pos++
			out, err := n.lock(x, i)
			if err != nil {
				return nil, err
			}
			if out != nil {
				return out, nil
			}
		}
	}
}

// lock locks the rows behind row i. nil: the row falls out of the result.
func (n *lockRows) lock(x *Execution, i int32) (*Batch, error) {
	rows := map[int]*heap.Tuple{}
	changed := false
	for k, m := range n.p.RowMarks {
		v := n.in.Cols[m.CtidAttno-1]
		if v.Nulls[i] || !m.Lock {
			continue
		}
		opt := heap.LockOptions{Command: x.Cid, Mode: lockMode(m.Strength), Wait: heap.WaitPolicy(m.Wait), FollowUpdates: true}
		tid := tidOf(v, i)
		res, t, fail, err := heap.LockTuple(x.Ctx, x.Tx, n.rels[k], tid, opt)
		if err != nil {
			return nil, err
		}
		switch res {
		case heap.OK:
		case heap.WouldBlock, heap.SelfModified:
			return nil, nil
		case heap.Updated, heap.Deleted:
			if x.Tx.Isolation() != xact.ReadCommitted {
				return nil, serialization(heap.Updated)
			}
			if res == heap.Deleted {
				return nil, nil
			}
			res, t, _, err = heap.LockLatest(x.Ctx, x.Tx, n.rels[k], fail.CTID, opt)
			if err != nil || res != heap.OK {
				return nil, err
			}
			changed = true
		default:
			return nil, pgerr.New(pgerr.InternalError, "unexpected result %d of a row lock", res)
		}
		rows[m.Rti] = &t
	}
	if changed {
		return x.recheck(n.p.Left, rows)
	}
	n.sel = append(n.sel[:0], i)
	n.out = Batch{Cols: n.in.Cols, N: n.in.N, Sel: n.sel}
	return &n.out, nil
}

func lockMode(s node.LockClauseStrength) heap.LockMode {
	switch s {
	case node.LCSForKeyShare:
		return heap.KeyShare
	case node.LCSForShare:
		return heap.Share
	case node.LCSForNoKeyUpdate:
		return heap.NoKeyExclusive
	}
	return heap.Exclusive
}
