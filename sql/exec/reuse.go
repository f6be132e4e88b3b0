package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
)

// Reset makes an execution that was closed ready to run again: operators and
// compiled expressions stay. The caller sets Params and Cid too, and vouches that
// nothing in the catalogs changed that the plan or Start depended on. ok is false
// if this kind of plan cannot: then Start a new Execution.
func (x *Execution) Reset(tx *xact.Tx, snap *xact.Snapshot) (ok bool, err error) {
	if !x.Reusable() {
		return false, nil
	}
	x.Tx, x.Snap, x.Processed, x.rest, x.after, x.toast, x.noting = tx, snap, 0, nil, nil, nil, false
	x.nodes = x.kept
	x.resetting = true
	err = x.root.Rescan(x, nil)
	x.resetting = false
	return true, err
}

// Reusable reports whether Reset will do.
func (x *Execution) Reusable() bool { return x.root != nil && !x.Analyze && reusable(x.Stmt) }

// reusable reports whether every operator of a plan can start again for another
// transaction: those of short statements.
func reusable(s *plan.PlannedStmt) bool {
	return len(s.Subplans) == 0 && s.NParamExec == 0 && reusableNode(s.Plan)
}

func reusableNode(p plan.Plan) bool {
	switch n := p.(type) {
	case *plan.Result, *plan.SeqScan, *plan.IndexScan, *plan.Limit:
	case *plan.ModifyTable:
		if n.OnConflict != nil {
			return false
		}
	default:
		return false
	}
	c := p.Common()
	return len(c.InitPlan) == 0 && c.Right == nil && (c.Left == nil || reusableNode(c.Left))
}

// lazyToast finds the detoaster of a table when a value needs one.
type lazyToast struct {
	x   *Execution
	rel *access.Relation
	// used: a value was detoasted.
	used bool
}

// Detoast is part of access.Detoaster.
func (d *lazyToast) Detoast(stored []byte) ([]byte, error) {
	d.used = true
	return d.x.detoaster(d.rel).Detoast(stored)
}

// rebind gives what a node reads and writes with to the transaction of x.
func rebind(x *Execution, f *heap.Fetcher) {
	if f != nil {
		f.Bind(x.Tx)
	}
}
