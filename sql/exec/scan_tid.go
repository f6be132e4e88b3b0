package exec

import (
	"slices"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// tidExpr is one source of tuple ids: a tid, an array of them, or the row of a cursor.
type tidExpr struct {
	e     expr
	array bool
	cur   *node.CurrentOfExpr
	elem  array.Elem
}

func (x *Execution) newTidScan(p *plan.TidScan) (Node, error) {
	rel, err := x.relation(p.ScanRelid)
	if err != nil {
		return nil, err
	}
	n := &tidScan{p: p, scope: newTableScope(p.ScanRelid, rel)}
	if n.top, err = x.newTop(p, n.scope); err != nil {
		return nil, err
	}
	c := &compiler{x: x, scope: childScope{}}
	for _, q := range p.TidQuals {
		var t tidExpr
		switch q := q.(type) {
		case *node.OpExpr:
			arg := q.Args[1]
			if v, ok := q.Args[1].(*node.Var); ok && v.Varno == p.ScanRelid {
				arg = q.Args[0]
			}
			t.e, err = c.expr(arg)
		case *node.ScalarArrayOpExpr:
			t.array = true
			if t.e, err = c.expr(q.Args[1]); err == nil {
				t.elem, _, err = c.arrayInfo(node.ExprType(q.Args[1]))
			}
		case *node.CurrentOfExpr:
			t.cur = q
		default:
			err = pgerr.New(pgerr.InternalError, "condition %T in a TID scan", q)
		}
		if err != nil {
			return nil, err
		}
		n.exprs = append(n.exprs, t)
	}
	n.in = n.scope.begin()
	return n, nil
}

// collect evaluates the ids, each once, in order.
func (n *tidScan) collect(x *Execution) error {
	one := &Batch{N: 1, Sel: all(1)}
	n.tids, n.at, n.begun = n.tids[:0], 0, true
	if n.fetch == nil {
		n.fetch = heap.NewFetcher(x.Tx, n.scope.rel)
	}
	for _, t := range n.exprs {
		if t.cur != nil {
			if err := n.current(x, t.cur); err != nil {
				return err
			}
			continue
		}
		v, err := t.e.eval(x, one, all(1))
		if err != nil {
			return err
		}
		if v.Nulls[0] {
			continue
		}
		if !t.array {
			n.tids = append(n.tids, tidOf(v, 0))
			continue
		}
		it, err := array.Walk(v.Bytes[0], t.elem)
		if err != nil {
			return err
		}
		for d, ok := it.Next(); ok; d, ok = it.Next() {
			if !d.Null && len(d.Bytes) >= page.TIDSize {
				n.tids = append(n.tids, page.GetTID(d.Bytes))
			}
		}
	}
	slices.SortFunc(n.tids, page.TID.Compare)
	n.tids = slices.Compact(n.tids)
	return nil
}

// current finds the row that a cursor stands on, in the newest version that the
// snapshot sees.
func (n *tidScan) current(x *Execution, cur *node.CurrentOfExpr) error {
	if x.CurrentOf == nil {
		return pgerr.NotYet("WHERE CURRENT OF in this place")
	}
	tid, ok, err := x.CurrentOf(cur, n.scope.rel)
	if err != nil || !ok {
		return err
	}
	if tid, ok, err = n.fetch.Latest(tid, heap.MVCC(x.Snap)); ok {
		n.tids = append(n.tids, tid)
	}
	return err
}

func (n *tidScan) Next(x *Execution) (*Batch, error) {
	if x.epq.covers(n.p.ScanRelid) {
		return n.epq.next(x, n.p.ScanRelid, n.scope, n.in, &n.top)
	}
	if !n.begun {
		if err := n.collect(x); err != nil {
			return nil, err
		}
	}
	for n.at < len(n.tids) {
		tid := n.tids[n.at]
		n.at++
		t, ok, err := n.fetch.Fetch(tid, heap.MVCC(x.Snap))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := n.scope.row(x, n.in, t); err != nil {
			return nil, err
		}
		return n.emit(x, n.in, n.in.Sel)
	}
	return nil, nil
}

func (n *tidScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.begun, n.epq.done = false, false
	return nil
}

func (n *tidScan) Close(*Execution) {
	if n.fetch != nil {
		n.fetch.Close()
		n.fetch = nil
	}
}
