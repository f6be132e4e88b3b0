package sqltest

import (
	"fmt"
	"strings"

	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// Dump shows the shape of a plan.
func Dump(p *plan.PlannedStmt) string {
	var b strings.Builder
	dump(&b, p.Plan, 0)
	for i, s := range p.Subplans {
		fmt.Fprintf(&b, "subplan %d\n", i+1)
		dump(&b, s, 1)
	}
	return b.String()
}

func dump(b *strings.Builder, p plan.Plan, depth int) {
	if p == nil || depth > 40 {
		return
	}
	c := p.Common()
	fmt.Fprintf(b, "%s%s cost=%.2f..%.2f rows=%.0f width=%d", strings.Repeat("  ", depth), strings.TrimPrefix(fmt.Sprintf("%T", p), "*plan."),
		c.StartupCost, c.TotalCost, c.Rows, c.Width)
	list := func(name string, l []node.Node) {
		if len(l) > 0 {
			fmt.Fprintf(b, " %s=[", name)
			for _, e := range l {
				b.WriteString(short(e) + "; ")
			}
			b.WriteString("]")
		}
	}
	var tl []node.Node
	for _, te := range c.TargetList {
		tl = append(tl, te.Expr)
	}
	list("tlist", tl)
	list("qual", c.Qual)
	var more []plan.Plan
	switch n := p.(type) {
	case *plan.NestLoop:
		fmt.Fprintf(b, " %v", n.Jointype)
		list("join", n.JoinQual)
	case *plan.HashJoin:
		fmt.Fprintf(b, " %v", n.Jointype)
		list("hash", n.HashClauses)
		list("join", n.JoinQual)
	case *plan.MergeJoin:
		fmt.Fprintf(b, " %v", n.Jointype)
		list("merge", n.MergeClauses)
		list("join", n.JoinQual)
	case *plan.IndexScan:
		list("index", n.IndexQual)
	case *plan.IndexOnlyScan:
		list("index", n.IndexQual)
	case *plan.Result:
		list("const", n.ResConstantQual)
	case *plan.Append:
		more = n.Plans
	case *plan.SubqueryScan:
		more = []plan.Plan{n.Subplan}
	}
	for _, ip := range c.InitPlan {
		fmt.Fprintf(b, " init=%d→%v", ip.PlanId, ip.SetParam)
	}
	if len(c.ExtParam) > 0 {
		fmt.Fprintf(b, " ext=%v", c.ExtParam)
	}
	b.WriteByte('\n')
	dump(b, c.Left, depth+1)
	dump(b, c.Right, depth+1)
	for _, k := range more {
		dump(b, k, depth+1)
	}
}

// short writes an expression briefly.
func short(e node.Node) string {
	args := func(l []node.Node) string {
		var s []string
		for _, a := range l {
			s = append(s, short(a))
		}
		return strings.Join(s, ",")
	}
	switch x := e.(type) {
	case nil:
		return "nil"
	case *node.Var:
		return fmt.Sprintf("%d.%d", x.Varno, x.Varattno)
	case *node.Const:
		if x.Constisnull {
			return "NULL"
		}
		if x.Constbyval {
			return fmt.Sprint(x.Constvalue.Int)
		}
		return "'…'"
	case *node.Param:
		return fmt.Sprintf("$%d:%v", x.Paramid, x.Paramkind)
	case *node.OpExpr:
		return fmt.Sprintf("op%d(%s)", x.Opno, args(x.Args))
	case *node.FuncExpr:
		return fmt.Sprintf("f%d(%s)", x.Funcid, args(x.Args))
	case *node.Aggref:
		return fmt.Sprintf("agg%d", x.Aggfnoid)
	case *node.BoolExpr:
		return fmt.Sprintf("bool%v(%s)", x.Boolop, args(x.Args))
	case *node.NullTest:
		return fmt.Sprintf("nulltest%v(%s)", x.Nulltesttype, short(x.Arg))
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", e), "*node.")
}
