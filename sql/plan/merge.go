package plan

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/sql/node"
)

// expandMerge completes the lists of MERGE's actions, and makes what they use of
// other tables than the target junk columns of the join.
func (r *root) expandMerge(rel *access.Relation) error {
	q := r.q
	q.TargetList = nil
	junk := func(n node.Node) bool {
		v, ok := n.(*node.Var)
		if ok && v.Varlevelsup == 0 && v.Varno > 0 && v.Varno != q.ResultRelation && findTarget(q.TargetList, v) < 0 {
			q.TargetList = append(q.TargetList, &node.TargetEntry{Expr: v, Resno: len(q.TargetList) + 1, Resjunk: true})
		}
		return true
	}
	for _, a := range q.MergeActionList {
		var err error
		switch a.CommandType {
		case node.CmdInsert:
			q.Override = a.Override
			a.TargetList, err = r.insertList(rel, a.TargetList)
		case node.CmdUpdate:
			a.TargetList, err = r.updateList(rel, a.TargetList)
		}
		if err != nil {
			return err
		}
		node.Walk(a, junk)
	}
	node.Walk(q.Jointree, junk) // by the join's columns a source row is known again
	return nil
}

// mergeActions are the actions as ModifyTable takes them.
func (r *root) mergeActions() []*MergeAction {
	var out []*MergeAction
	for _, a := range r.q.MergeActionList {
		m := &MergeAction{Matched: a.Matched, Command: a.CommandType, Qual: andList(a.Qual), Set: a.TargetList}
		for _, te := range a.TargetList {
			col := te.Resno
			if te.Resjunk {
				col = 0
			}
			m.Cols = append(m.Cols, col)
		}
		out = append(out, m)
	}
	return out
}
