package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// multiSub plans the subquery of SET (a, b) = (SELECT …). Its columns become
// parameters, which multiParams puts in the place of the references. A subquery
// that needs nothing of the row runs once; any other is a junk entry of the
// target list, computed before the columns.
func (r *root) multiSub(sl *node.SubLink, sp *node.SubPlan, plan Plan, sub *root) node.Node {
	if r.multi == nil {
		r.multi = map[int][]int{}
	}
	var names []string
	for _, te := range plan.Common().TargetList {
		if !te.Resjunk {
			id := r.newParam()
			sp.SetParam, names = append(sp.SetParam, id), append(names, "$"+strconv.Itoa(id))
		}
	}
	r.multi[sl.SubLinkId] = sp.SetParam
	sp.PlanId = r.addSubplan(plan, sub)
	r.subplanCost(sp, plan)
	returns := fmt.Sprintf("%d (returns %s)", sp.PlanId, strings.Join(names, ","))
	if len(sp.Args) > 0 {
		sp.PlanName = "SubPlan " + returns
		return sp
	}
	sp.PlanName = "InitPlan " + returns
	r.inits = append(r.inits, sp)
	none := &node.Const{Consttype: oid.Record, Consttypmod: -1, Constlen: -1, Constisnull: true, Location: -1}
	none.Constvalue.Null = true
	return none
}

// multiParams replaces references to columns of such subqueries by their
// parameters.
func (r *root) multiParams(e node.Node) (node.Node, error) {
	if len(r.multi) == 0 {
		return e, nil
	}
	return node.Mutate(e, func(n node.Node) (node.Node, bool) {
		p, ok := n.(*node.Param)
		if !ok || p.Paramkind != node.ParamMultiexpr {
			return nil, false
		}
		c := *p
		c.Paramkind, c.Paramid = node.ParamExec, r.multi[p.Paramid>>16][p.Paramid&0xffff-1]
		return &c, true
	}), nil
}
