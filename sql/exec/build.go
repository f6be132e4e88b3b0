package exec

import (
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// build makes the operator of p and everything below it.
func (x *Execution) build(p plan.Plan) (Node, error) {
	for _, ip := range p.Common().InitPlan {
		if err := x.initPlan(ip); err != nil {
			return nil, err
		}
	}
	n, err := x.buildOne(p)
	if err != nil {
		return nil, err
	}
	x.nodes = append(x.nodes, n)
	if s := x.note(p); s != nil {
		n = &timed{Node: n, stat: s}
	}
	return n, nil
}

func (x *Execution) buildOne(p plan.Plan) (Node, error) {
	switch p := p.(type) {
	case *plan.Result:
		return x.newResult(p)
	case *plan.ProjectSet:
		return x.newProjectSet(p)
	case *plan.ModifyTable:
		return x.newModify(p)
	case *plan.Append:
		return x.newAppend(p)
	case *plan.MergeAppend:
		return x.newMergeAppend(p)
	case *plan.RecursiveUnion:
		return x.newRecursiveUnion(p)
	case *plan.NestLoop:
		return x.newNestLoop(p)
	case *plan.HashJoin:
		return x.newHashJoin(p)
	case *plan.MergeJoin:
		return x.newMergeJoin(p)
	case *plan.Hash:
		return x.build(p.Left)
	case *plan.Memoize:
		return x.build(p.Left)
	case *plan.Material:
		return x.newMaterial(p)
	case *plan.Sort:
		return x.newSort(p, p.Keys)
	case *plan.IncrementalSort:
		return x.newSort(p, p.Keys)
	case *plan.Group:
		return x.newUnique(p, p.GrpColIdx)
	case *plan.Agg:
		if p.FirstRows {
			n, err := x.newUnique(p, p.GrpColIdx)
			if err == nil {
				n.seen = map[string]struct{}{}
			}
			return n, err
		}
		return x.newAgg(p)
	case *plan.WindowAgg:
		return x.newWindow(p)
	case *plan.Unique:
		return x.newUnique(p, p.UniqColIdx)
	case *plan.SetOp:
		return x.newSetOp(p)
	case *plan.LockRows:
		return x.newLockRows(p)
	case *plan.Limit:
		return x.newLimit(p)
	}
	return x.buildScan(p)
}

func (x *Execution) buildScan(p plan.Plan) (Node, error) {
	switch p := p.(type) {
	case *plan.SeqScan:
		return x.newSeqScan(p)
	case *plan.IndexScan:
		return x.newIndexScan(p)
	case *plan.IndexOnlyScan:
		return x.newIndexOnlyScan(p)
	case *plan.BitmapHeapScan:
		return x.newBitmapScan(p)
	case *plan.TidScan:
		return x.newTidScan(p)
	case *plan.SubqueryScan:
		return x.newSubqueryScan(p)
	case *plan.FunctionScan:
		return x.newFunctionScan(p)
	case *plan.ValuesScan:
		return x.newValuesScan(p)
	case *plan.CteScan:
		return x.newCteScan(p)
	case *plan.WorkTableScan:
		return x.newWorkTableScan(p)
	}
	return nil, pgerr.NotYet("plan node %T", p)
}

// initPlan arranges that the parameters an init plan sets are computed when one
// of them is first read.
func (x *Execution) initPlan(ip *node.SubPlan) error {
	if ip.SubLinkType == node.CTESublink {
		return nil // a CteScan runs it
	}
	started := false
	run := func(x *Execution) error {
		n, err := x.subplan(ip.PlanId)
		if err != nil {
			return err
		}
		if started {
			if err := n.Rescan(x, newParamSet(ip.ParParam...)); err != nil {
				return err
			}
		}
		started = true
		return x.runInit(ip, n)
	}
	for _, p := range ip.SetParam {
		x.slots[p].pending = run
	}
	x.inits = append(x.inits, initState{sub: ip, run: run})
	return nil
}

// initState is an init plan and how to run it.
type initState struct {
	sub *node.SubPlan
	run func(*Execution) error
}

// rearm makes the init plans that read a changed parameter run again.
func (x *Execution) rearm(p plan.Plan, changed paramSet) {
	for _, ip := range p.Common().InitPlan {
		for _, st := range x.inits {
			if st.sub == ip && newParamSet(x.Stmt.Subplans[ip.PlanId-1].Common().ExtParam...).meets(changed) {
				for _, n := range ip.SetParam {
					x.slots[n].pending = st.run
				}
			}
		}
	}
}

// runInit runs an init plan and sets its parameters.
func (x *Execution) runInit(ip *node.SubPlan, n Node) error {
	switch ip.SubLinkType {
	case node.ExistsSublink:
		found := false
		for !found {
			b, err := n.Next(x)
			if err != nil {
				return err
			}
			if b == nil {
				break
			}
			found = len(b.Sel) > 0
		}
		x.slots[ip.SetParam[0]].set(boolDatum(found))
		return nil
	case node.ArraySublink:
		elem, err := x.elem(ip.FirstColType)
		if err != nil {
			return err
		}
		d, err := arrayOf(x, n, elem, ip.FirstColType)
		if err != nil {
			return err
		}
		x.slots[ip.SetParam[0]].set(d)
		return nil
	}
	row, ok, err := singleRow(x, n)
	if err != nil {
		return err
	}
	for k, p := range ip.SetParam {
		if !ok {
			x.slots[p].set(nullDatum)
			continue
		}
		x.slots[p].set(row[k])
	}
	return nil
}
