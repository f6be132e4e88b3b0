package plan

import (
	"fmt"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// minMaxQuery reports whether a query might be answered by the first rows of
// indexes: aggregates of one table without grouping.
func minMaxQuery(q *node.Query) bool {
	return q.CommandType == node.CmdSelect && q.HasAggs && len(q.GroupClause) == 0 && len(q.GroupingSets) == 0 && !q.HasWindowFuncs && !q.HasTargetSRFs &&
		len(q.CteList) == 0 && len(q.RowMarks) == 0 && q.SetOperations == nil && len(q.Jointree.Fromlist) == 1
}

// extreme is a min or max of the query.
type extreme struct {
	agg  *node.Aggref
	plan Plan
	sub  *root
	need []need
	cost float64
	id   int
}

// minMaxPath computes all of the query's aggregates by one row each of an index;
// nil if that cannot be done.
func (r *root) minMaxPath() *path {
	if r.orig == nil {
		return nil
	}
	ref, ok := r.orig.Jointree.Fromlist[0].(*node.RangeTblRef)
	if !ok {
		return nil
	}
	if rte := r.orig.Rtable[ref.Rtindex-1]; rte.Rtekind != node.RTERelation || len(r.rtis) != 1 {
		return nil
	}
	aggs := r.extremes0()
	if aggs == nil {
		return nil
	}
	var list []*extreme
	total := 0.0
	for _, a := range aggs {
		x := r.planExtreme(a)
		if x == nil {
			return nil
		}
		list = append(list, x)
		total += x.cost
	}
	out := r.groupedTlist()
	c := r.tlistCost(out)
	p := &path{rows: 1, width: r.tlistWidth(out), startup: total, total: total + c.startup + c.per + r.set.CPUTupleCost}
	p.startup += c.startup
	having := andList(r.q.HavingQual)
	p.make = func() (Plan, error) {
		for _, x := range list {
			r.useExtreme(x)
		}
		do := func(e node.Node) node.Node { return replaceAggs(e, list) }
		res := &Result{}
		res.TargetList = mapTlist(out, do)
		r.q.TargetList = mapTlist(r.q.TargetList, do)
		for _, h := range having {
			res.ResConstantQual = append(res.ResConstantQual, do(h))
		}
		return res, nil
	}
	return p
}

func replaceAggs(e node.Node, list []*extreme) node.Node {
	return node.Mutate(e, func(n node.Node) (node.Node, bool) {
		a, ok := n.(*node.Aggref)
		if !ok {
			return nil, false
		}
		for _, x := range list {
			if node.Equal(x.agg, a) {
				return &node.Param{Paramkind: node.ParamExec, Paramid: x.id, Paramtype: a.Aggtype, Paramtypmod: -1, Paramcollid: a.Aggcollid, Location: -1}, true
			}
		}
		return nil, false
	})
}

// extremes0 lists the query's aggregates if all are min or max of something.
func (r *root) extremes0() []*node.Aggref {
	var out []*node.Aggref
	ok := true
	see := func(e node.Node) {
		if e == nil {
			return
		}
		node.Walk(e, func(n node.Node) bool {
			switch a := n.(type) {
			case *node.SubPlan:
				return true
			case *node.Aggref:
				info, err := r.cat.Aggregate(a.Aggfnoid)
				if err != nil || info.Sort == oid.Invalid || len(a.Args) != 1 || len(a.Aggorder) > 0 || a.Aggfilter != nil || a.Agglevelsup > 0 ||
					r.hasVolatile(a.Args[0].Expr) || varsOf(a.Args[0].Expr).empty() {
					ok = false
					return false
				}
				if !slices.ContainsFunc(out, func(o *node.Aggref) bool { return node.Equal(o, a) }) {
					out = append(out, a)
				}
				return false
			}
			return ok
		})
	}
	for _, te := range r.q.TargetList {
		see(te.Expr)
	}
	see(r.q.HavingQual)
	if !ok {
		return nil
	}
	return out
}

// planExtreme plans SELECT x FROM t WHERE … AND x IS NOT NULL ORDER BY x LIMIT 1,
// by an index in that order.
func (r *root) planExtreme(a *node.Aggref) *extreme {
	info, err := r.cat.Aggregate(a.Aggfnoid)
	if err != nil {
		return nil
	}
	fams, err := r.cat.Families(info.Sort)
	if err != nil || len(fams) == 0 {
		return nil
	}
	q := r.orig.Copy().(*node.Query)
	arg := r.origArg(a)
	if arg == nil {
		return nil
	}
	ref := q.Jointree.Fromlist[0].(*node.RangeTblRef)
	q.TargetList = []*node.TargetEntry{{Expr: arg, Resno: 1, Resname: "agg_target", Ressortgroupref: 1}}
	eq, err := r.cat.FamilyOperator(fams[0].Family, fams[0].Left, fams[0].Left, 3)
	if err != nil {
		return nil
	}
	q.SortClause = []*node.SortGroupClause{{TleSortGroupRef: 1, Eqop: eq, Sortop: info.Sort, NullsFirst: fams[0].Strategy == 5}}
	q.HasAggs, q.HavingQual, q.DistinctClause, q.HasDistinctOn = false, nil, nil, false
	q.LimitOffset, q.LimitCount = nil, intConst(1, oid.Int8)
	q.Jointree = &node.FromExpr{Fromlist: []node.Node{ref}, Quals: makeAnd(append(andList(q.Jointree.Quals),
		&node.NullTest{Arg: arg, Nulltesttype: node.IsNotNull, Location: -1}))}
	q = node.IncrementSublevelsUp(q, 1, 1).(*node.Query)
	saved := r.needs
	r.needs = nil
	s := r.subroot()
	s.byIndex, s.fraction = true, 1
	plan, err := s.planQuery(q)
	needs := r.needs
	r.needs = saved
	if err != nil || plan == nil {
		return nil
	}
	return &extreme{agg: a, plan: plan, sub: s, need: needs, cost: plan.Common().TotalCost}
}

// origArg is the argument of an aggregate as it came.
func (r *root) origArg(a *node.Aggref) node.Node {
	shift := r.rtis[0] - r.orig.Jointree.Fromlist[0].(*node.RangeTblRef).Rtindex
	arg := a.Args[0].Expr
	bad := node.Any(arg, func(n node.Node) bool {
		switch n.(type) {
		case *node.Param, *node.SubPlan:
			return true
		}
		return false
	})
	if bad {
		return nil
	}
	return node.Mutate(arg, func(n node.Node) (node.Node, bool) {
		v, ok := n.(*node.Var)
		if !ok {
			return nil, false
		}
		c := *v
		c.Varno -= shift
		if c.Varnosyn > 0 {
			c.Varnosyn -= shift
		}
		return &c, true
	})
}

// useExtreme makes an init plan of it.
func (r *root) useExtreme(x *extreme) {
	sp := &node.SubPlan{SubLinkType: node.ExprSublink, FirstColType: x.agg.Aggtype, FirstColTypmod: -1, FirstColCollation: x.agg.Aggcollid}
	sp.PlanId = r.addSubplan(x.plan, x.sub)
	x.id = r.newParam()
	sp.SetParam = []int{x.id}
	sp.PlanName = fmt.Sprintf("InitPlan %d (returns $%d)", sp.PlanId, x.id)
	r.inits = append(r.inits, sp)
}
