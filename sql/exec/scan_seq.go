package exec

import (
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/sql/plan"
)

// seqScan reads a table page by page.
type seqScan struct {
	top
	p     *plan.SeqScan
	scope *tableScope
	scan  *heap.Scan
	in    *Batch
	epq   epqRow
}

func (x *Execution) newSeqScan(p *plan.SeqScan) (Node, error) {
	rel, err := x.relation(p.ScanRelid)
	if err != nil {
		return nil, err
	}
	n := &seqScan{p: p, scope: newTableScope(p.ScanRelid, rel)}
	if n.top, err = x.newTop(p, n.scope); err != nil {
		return nil, err
	}
	n.in = n.scope.begin()
	return n, nil
}

func (n *seqScan) Next(x *Execution) (*Batch, error) {
	if x.epq.covers(n.p.ScanRelid) {
		return n.epq.next(x, n.p.ScanRelid, n.scope, n.in, &n.top)
	}
	if n.scan == nil {
		var err error
		if n.scan, err = heap.BeginScan(x.Tx, n.scope.rel, heap.MVCC(x.Snap), heap.ScanOptions{}); err != nil {
			return nil, err
		}
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	tuples, err := n.scan.NextBatch()
	if err != nil || len(tuples) == 0 {
		return nil, err
	}
	n.in.resize(n.scope.shape, len(tuples))
	for i := range tuples {
		if err := n.scope.load(x, n.in, int32(i), tuples[i]); err != nil {
			return nil, err
		}
	}
	n.in.N, n.in.Sel = len(tuples), all(len(tuples))
	return n.emit(x, n.in, n.in.Sel)
}

func (n *seqScan) Rescan(x *Execution, changed paramSet) error {
	x.rearm(n.p, changed)
	n.epq.done = false
	if n.scan != nil {
		return n.scan.Rescan(heap.MVCC(x.Snap))
	}
	return nil
}

func (n *seqScan) Close(*Execution) {
	if n.scan != nil {
		n.scan.Close()
		n.scan = nil
	}
}

// epqState makes the scans of an execution yield fixed rows: EvalPlanQual runs a
// plan again for the newest version of one row.
type epqState struct {
	rows map[int]*heap.Tuple // by range table index; nil: no row (an outer join's NULLs)
}

// covers reports whether the scan of rti yields a fixed row.
func (e *epqState) covers(rti int) bool {
	if e == nil {
		return false
	}
	_, ok := e.rows[rti]
	return ok
}

// epqRow is what a scan does under epqState: its row once.
type epqRow struct{ done bool }

func (r *epqRow) next(x *Execution, rti int, s *tableScope, in *Batch, t *top) (*Batch, error) {
	row := x.epq.rows[rti]
	if r.done || row == nil {
		return nil, nil
	}
	r.done = true
	if err := s.row(x, in, *row); err != nil {
		return nil, err
	}
	return t.emit(x, in, in.Sel)
}
