package ruleutils

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// Plan is the naming of one plan for EXPLAIN. The functions say what the
// variables of the expression being written refer to; COMMANDS sets them before
// each node.
type Plan struct {
	cat   Catalog
	scope *scope
	// Outer, Inner and Index are the target lists that OuterVar, InnerVar and
	// IndexVar count in, with the plan to write their expressions by; Sub is that
	// of a subquery scan's or CTE's plan, for columns that the range table does not
	// name. nil: there is none.
	Outer, Inner func() ([]*node.TargetEntry, *Plan)
	Index        []*node.TargetEntry
	// Param finds the expression that an executor parameter stands for, with the
	// plan to write it by: a nested loop's outer column or a correlated subquery's
	// argument. nil: it is an init plan's result and is written $n.
	Param func(id int) (node.Node, *Plan)
	// SubPlan is the name that EXPLAIN gives a subplan: "SubPlan 1".
	SubPlan func(id int) string
	// Windows and Targets resolve window functions.
	Windows []*node.WindowClause
}

// NewPlan names the relations that a plan uses. used tells whether an entry
// (index from 1) appears in the plan: others take no name away.
func NewPlan(cat Catalog, rtable []*node.RangeTblEntry, used func(rti int) bool) (*Plan, error) {
	d := &deparser{cat: cat, out: &strings.Builder{}}
	s := &scope{rtable: rtable}
	s.relationNames(d, func(i int) bool { return used == nil || used(i+1) })
	for _, r := range rtable {
		c := &columns{}
		if r.Rtekind != node.RTEJoin {
			s.relationColumns(d, r, c)
		}
		s.cols = append(s.cols, c)
	}
	return &Plan{cat: cat, scope: s}, d.err
}

// RelationName is the name that EXPLAIN calls a range table entry by.
func (p *Plan) RelationName(rti int) string { return p.scope.names[rti-1] }

// At is p for another plan node: it shares the names.
func (p *Plan) At() *Plan { return &Plan{cat: p.cat, scope: p.scope, SubPlan: p.SubPlan} }

// PlanExpr writes an expression of a plan node as EXPLAIN does: prefix qualifies
// columns with their relation.
func PlanExpr(p *Plan, n node.Node, prefix bool) (string, error) {
	d := &deparser{cat: p.cat, out: &strings.Builder{}, Style: Style{Flat: true}, plan: p, scopes: []*scope{p.scope}, prefix: prefix, windows: p.Windows}
	if l, ok := n.(node.List); ok {
		// An implicit AND of conditions.
		switch len(l) {
		case 0:
		case 1:
			d.top(l[0])
		default:
			d.top(&node.BoolExpr{Boolop: node.AndExpr, Args: l})
		}
	} else {
		d.top(n)
	}
	return d.text()
}

// by runs f with another plan's meaning of variables.
func (d *deparser) by(p *Plan, f func()) {
	old := d.plan
	if p != nil {
		d.plan = p
	}
	f()
	d.plan = old
}

func (d *deparser) planVar(v *node.Var, toplevel bool) string {
	var list []*node.TargetEntry
	p := d.plan
	switch {
	case v.Varno == node.OuterVar && p.Outer != nil:
		list, p = p.Outer()
	case v.Varno == node.InnerVar && p.Inner != nil:
		list, p = p.Inner()
	case v.Varno == node.IndexVar:
		list = p.Index
	case v.Varno >= 1 && v.Varno <= len(d.plan.scope.rtable):
		s := d.plan.scope
		if r := s.rtable[v.Varno-1]; r.Rtekind == node.RTEJoin && v.Varattno > 0 && v.Varattno <= len(r.Joinaliasvars) {
			d.full(r.Joinaliasvars[v.Varattno-1])
			return ""
		}
		return d.putColumn(s, v.Varno, v.Varattno, d.prefix, toplevel, v)
	}
	if v.Varattno < 1 || v.Varattno > len(list) {
		d.fail(pgerr.New(pgerr.InternalError, "bogus varattno for a plan's variable: %d", v.Varattno))
		return ""
	}
	e := list[v.Varattno-1].Expr
	d.by(p, func() {
		if x, ok := e.(*node.Var); ok {
			d.variable(x, 0, toplevel)
			return
		}
		d.put("(")
		d.full(e)
		d.put(")")
	})
	return ""
}

func (d *deparser) planParam(x *node.Param) {
	if x.Paramkind == node.ParamExec && d.plan.Param != nil {
		if e, p := d.plan.Param(x.Paramid); e != nil {
			// The column belongs to another part of the plan: it is always qualified.
			old := d.prefix
			d.prefix = true
			d.by(p, func() {
				_, v := e.(*node.Var)
				_, a := e.(*node.Aggref)
				_, q := e.(*node.Param)
				if v || a || q {
					d.top(e)
					return
				}
				d.put("(")
				d.top(e)
				d.put(")")
			})
			d.prefix = old
			return
		}
	}
	d.put("$", strconv.Itoa(x.Paramid))
}

// subPlan names a subplan where the expression uses its result.
func (d *deparser) subPlan(x *node.SubPlan) {
	name := x.PlanName
	if d.plan != nil && d.plan.SubPlan != nil {
		if n := d.plan.SubPlan(x.PlanId); n != "" {
			name = n
		}
	}
	if x.UseHashTable {
		d.put("(hashed ", name, ")")
		return
	}
	d.put("(", name, ")")
}
