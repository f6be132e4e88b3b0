package exec

import (
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
)

// multiSub is the subquery of SET (a, b) = (SELECT …): one row for each input row.
// Its columns are vectors, which multiColumn reads.
type multiSub struct {
	sub  *subPlan
	refs []bool
	cols []types.Vec
}

// multiColumn is one column of a multiSub.
type multiColumn struct{ vec *types.Vec }

func (e multiColumn) eval(*Execution, *Batch, []int32) (*types.Vec, error) { return e.vec, nil }

// eval fills the columns for the rows sel of b.
func (e *multiSub) eval(x *Execution, b *Batch, sel []int32) error {
	for k, a := range e.sub.args {
		v, err := a.eval(x, b, sel)
		if err != nil {
			return err
		}
		e.sub.vecs[k] = v
	}
	for k := range e.cols {
		grow(&e.cols[k], b.N, e.refs[k])
	}
	for _, i := range sel {
		for k, v := range e.sub.vecs {
			x.slots[e.sub.parPar[k]].set(at(v, i))
		}
		if err := e.sub.restart(x); err != nil {
			return err
		}
		row, ok, err := singleRow(x, e.sub.plan)
		if err != nil {
			return err
		}
		for k := range e.cols {
			d := datum.Null()
			if ok {
				d = row[k]
			}
			put(&e.cols[k], i, d)
		}
	}
	return nil
}

// multis compiles the subqueries of a target list that give several of its
// columns their values, and makes those columns known to the compiler.
func (c *compiler) multis(list []*node.TargetEntry) ([]*multiSub, error) {
	var out []*multiSub
	for _, te := range list {
		sp, ok := te.Expr.(*node.SubPlan)
		if !ok || sp.SubLinkType != node.MultiexprSublink {
			continue
		}
		e, err := c.subPlan(sp)
		if err != nil {
			return nil, err
		}
		m := &multiSub{sub: e.(*subPlan), refs: e.(*subPlan).plan.Shape(), cols: make([]types.Vec, len(sp.SetParam))}
		if c.multi == nil {
			c.multi = map[int]multiColumn{}
		}
		for k, id := range sp.SetParam {
			c.multi[id] = multiColumn{&m.cols[k]}
		}
		out = append(out, m)
	}
	return out, nil
}

// isMulti reports a target that is only there to be computed before the others.
func isMulti(te *node.TargetEntry) bool {
	sp, ok := te.Expr.(*node.SubPlan)
	return ok && sp.SubLinkType == node.MultiexprSublink
}
