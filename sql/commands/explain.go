package commands

import (
	"fmt"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/ruleutils"
)

// explainOptions are the options of EXPLAIN.
type explainOptions struct {
	analyze, verbose, costs, timing, summary bool
	format                                   string // "" is text
}

func (c *cmd) explainOptions(list []*pg.Node) explainOptions {
	o := explainOptions{costs: true, timing: true}
	timing, summary := false, false
	for _, e := range list {
		d := e.GetDefElem()
		switch d.Defname {
		case "analyze":
			o.analyze = defBool(d)
		case "verbose":
			o.verbose = defBool(d)
		case "costs":
			o.costs = defBool(d)
		case "timing":
			o.timing, timing = defBool(d), true
		case "summary":
			o.summary, summary = defBool(d), true
		case "buffers", "wal", "settings":
			if defBool(d) {
				notYet("EXPLAIN (%s)", strings.ToUpper(d.Defname))
			}
		case "format":
			switch f := strings.ToLower(defString(d)); f {
			case "text":
				o.format = ""
			case "xml", "json", "yaml":
				o.format = f
			default:
				failWith(pgerr.New(pgerr.InvalidParameterValue, "unrecognized value for EXPLAIN option %q: %q", "format", defString(d)).At(c.at(d.Location)))
			}
		default:
			failWith(pgerr.New(pgerr.SyntaxError, "unrecognized EXPLAIN option %q", d.Defname).At(c.at(d.Location)))
		}
	}
	if timing && o.timing && !o.analyze {
		fail(pgerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	if !summary {
		o.summary = o.analyze
	}
	return o
}

// explain runs EXPLAIN.
func (c *cmd) explain(n *pg.ExplainStmt) {
	o := c.explainOptions(n.Options)
	throw(c.sink.Describe(Columns(c.st.Raw.Stmt)))
	e := &explainer{c: c, o: o, params: map[int]paramSource{}, done: map[int]bool{}, out: &strings.Builder{}}
	began := time.Now()
	p, args := c.explained(n.Query)
	planning := time.Since(began)
	began = time.Now()
	x := c.Execution(p)
	defer c.Done(x)
	x.Params = args
	if o.analyze {
		x.Analyze = true
		throw(c.runExplained(x))
		e.stats = x.Stats
	}
	ran := time.Since(began)
	if o.format != "" {
		top := &group{}
		e.names(p)
		top.add("Plan", e.group(p.Plan, "", ""))
		if o.summary {
			top.add("Planning Time", fixed(ms(planning), 3))
		}
		if o.analyze {
			top.add("Triggers", []*group{})
		}
		if o.summary && o.analyze {
			top.add("Execution Time", fixed(ms(ran), 3))
		}
		throw(c.sink.Row([]datum.Datum{datum.String(e.structured(top))}))
		return
	}
	e.plan(p)
	if o.summary {
		e.line(0, "Planning Time: %.3f ms", ms(planning))
	}
	if o.summary && o.analyze {
		e.line(0, "Execution Time: %.3f ms", ms(ran))
	}
	for _, l := range strings.Split(strings.TrimSuffix(e.out.String(), "\n"), "\n") {
		throw(c.sink.Row([]datum.Datum{datum.String(l)}))
	}
}

func (c *cmd) runExplained(x *exec.Execution) error {
	defer x.Close()
	if err := x.Start(); err != nil {
		return err
	}
	_, err := x.Run(0, func(*exec.Batch) error { return nil })
	return err
}

// explained plans the statement to be explained.
func (c *cmd) explained(q *pg.Node) (*plan.PlannedStmt, []datum.Datum) {
	switch x := q.Node.(type) {
	case *pg.Node_ExecuteStmt:
		p, args, err := c.Prepared(c.text, q)
		throw(err)
		return p, args
	case *pg.Node_CreateTableAsStmt:
		q = x.CreateTableAsStmt.Query
	case *pg.Node_DeclareCursorStmt:
		q = x.DeclareCursorStmt.Query
	case *pg.Node_SelectStmt:
		intoOf(x.SelectStmt)
	}
	query := must(c.Analyze(c.inner(q), c.st.Params))
	return must(c.Plan(query, false)), c.st.Args
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// paramSource is what an executor parameter stands for, and the naming to write
// it by.
type paramSource struct {
	e node.Node
	p *ruleutils.Plan
}

// explainer writes one plan.
type explainer struct {
	c      *cmd
	o      explainOptions
	stmt   *plan.PlannedStmt
	base   *ruleutils.Plan
	stats  map[plan.Plan]*exec.Instrument
	params map[int]paramSource
	done   map[int]bool // subplans that are written
	out    *strings.Builder
	cur    *group // the node whose properties are collected, nil for text
}

// line writes a line at an indentation.
func (e *explainer) line(indent int, format string, a ...any) {
	e.out.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(e.out, format, a...)
	e.out.WriteByte('\n')
}

// plan writes the whole plan.
func (e *explainer) plan(p *plan.PlannedStmt) {
	e.names(p)
	e.node(p.Plan, 0, "")
}

// names prepares how expressions are written.
func (e *explainer) names(p *plan.PlannedStmt) {
	e.stmt = p
	used := map[int]bool{}
	e.relations(p.Plan, used)
	for _, s := range p.Subplans {
		e.relations(s, used)
	}
	e.base = must(ruleutils.NewPlan(e.c.Names(), p.Rtable, func(rti int) bool { return used[rti] }))
}

// relations marks the range table entries that a plan reads or writes.
func (e *explainer) relations(p plan.Plan, used map[int]bool) {
	if p == nil {
		return
	}
	if rti := scanRelid(p); rti > 0 {
		used[rti] = true
	}
	if m, ok := p.(*plan.ModifyTable); ok {
		used[m.ResultRti] = true
		if m.OnConflict != nil && m.OnConflict.ExclRti > 0 {
			used[m.OnConflict.ExclRti] = true
		}
	}
	for _, k := range children(p) {
		e.relations(k, used)
	}
}

// children lists the inputs of a plan node in the order in which they are shown.
func children(p plan.Plan) []plan.Plan {
	n := p.Common()
	var out []plan.Plan
	for _, k := range []plan.Plan{n.Left, n.Right} {
		if k != nil {
			out = append(out, k)
		}
	}
	switch x := p.(type) {
	case *plan.Append:
		out = append(out, x.Plans...)
	case *plan.MergeAppend:
		out = append(out, x.Plans...)
	case *plan.BitmapAnd:
		out = append(out, x.Plans...)
	case *plan.BitmapOr:
		out = append(out, x.Plans...)
	case *plan.SubqueryScan:
		out = append(out, x.Subplan)
	}
	return out
}

// naming is how the expressions of a node are written.
func (e *explainer) naming(p plan.Plan) *ruleutils.Plan {
	n := p.Common()
	r := e.base.At()
	from := func(k plan.Plan) func() ([]*node.TargetEntry, *ruleutils.Plan) {
		if k == nil {
			return nil
		}
		return func() ([]*node.TargetEntry, *ruleutils.Plan) { return k.Common().TargetList, e.naming(k) }
	}
	outer := n.Left
	switch x := p.(type) {
	case *plan.Append:
		if len(x.Plans) > 0 {
			outer = x.Plans[0]
		}
	case *plan.MergeAppend:
		if len(x.Plans) > 0 {
			outer = x.Plans[0]
		}
	case *plan.SubqueryScan:
		outer = x.Subplan
	}
	r.Outer, r.Inner = from(outer), from(n.Right)
	if x, ok := p.(*plan.IndexOnlyScan); ok {
		r.Index = x.IndexTlist
	}
	r.SubPlan = func(id int) string { return "" }
	r.Param = func(id int) (node.Node, *ruleutils.Plan) {
		s := e.params[id]
		return s.e, s.p
	}
	return r
}

// expr writes an expression of a node.
func (e *explainer) expr(p plan.Plan, n node.Node, prefix bool) string {
	return must(ruleutils.PlanExpr(e.naming(p), n, prefix))
}

// quals writes conditions that are connected by AND.
func (e *explainer) quals(p plan.Plan, list []node.Node, prefix bool) string {
	return e.expr(p, node.List(list), prefix)
}

// node writes a plan node and all below it. indent counts as PostgreSQL's does:
// two blanks each.
func (e *explainer) node(p plan.Plan, indent int, label string) {
	if label != "" {
		e.line(indent, "%s", label)
		indent++
	}
	head := e.title(p) + e.figures(p)
	if indent > 0 {
		e.line(indent, "->  %s", head)
		indent += 2
	} else {
		e.line(0, "%s", head)
	}
	indent++
	if e.o.verbose {
		e.output(p, indent)
	}
	e.properties(p, indent)
	n := p.Common()
	if j, ok := p.(*plan.NestLoop); ok {
		for _, q := range j.NestParams {
			e.params[q.ParamNo] = paramSource{q.Value, e.naming(p)}
		}
	}
	for _, s := range n.InitPlan {
		e.subPlan(p, s, indent)
	}
	for _, k := range children(p) {
		e.node(k, indent, "")
	}
	for _, s := range e.subPlansOf(p) {
		e.subPlan(p, s, indent)
	}
}

// subPlan writes a subplan of a node.
func (e *explainer) subPlan(p plan.Plan, s *node.SubPlan, indent int) {
	if e.done[s.PlanId] {
		return
	}
	e.done[s.PlanId] = true
	for i, id := range s.ParParam {
		if i < len(s.Args) {
			e.params[id] = paramSource{s.Args[i], e.naming(p)}
		}
	}
	e.node(e.stmt.Subplans[s.PlanId-1], indent, s.PlanName)
}

// subPlansOf lists the subplans that a node's expressions use.
func (e *explainer) subPlansOf(p plan.Plan) []*node.SubPlan {
	var out []*node.SubPlan
	see := func(n node.Node) {
		if n == nil {
			return
		}
		node.Walk(n, func(k node.Node) bool {
			if s, ok := k.(*node.SubPlan); ok {
				out = append(out, s)
			}
			return true
		})
	}
	n := p.Common()
	for _, t := range n.TargetList {
		see(t.Expr)
	}
	for _, q := range n.Qual {
		see(q)
	}
	for _, q := range conditions(p) {
		see(q)
	}
	return out
}

// conditions are a node's expressions other than its target list and Qual.
func conditions(p plan.Plan) []node.Node {
	switch x := p.(type) {
	case *plan.Result:
		return x.ResConstantQual
	case *plan.IndexScan:
		return x.IndexQual
	case *plan.IndexOnlyScan:
		return x.IndexQual
	case *plan.BitmapIndexScan:
		return x.IndexQual
	case *plan.BitmapHeapScan:
		return x.BitmapQualOrig
	case *plan.NestLoop:
		return x.JoinQual
	case *plan.HashJoin:
		return append(append([]node.Node(nil), x.HashClauses...), x.JoinQual...)
	case *plan.MergeJoin:
		return append(append([]node.Node(nil), x.MergeClauses...), x.JoinQual...)
	case *plan.TidScan:
		return x.TidQuals
	case *plan.TidRangeScan:
		return x.TidRangeQuals
	case *plan.ValuesScan:
		var out []node.Node
		for _, r := range x.ValuesLists {
			out = append(out, r...)
		}
		return out
	case *plan.Limit:
		return []node.Node{x.LimitOffset, x.LimitCount}
	}
	return nil
}

// figures are the costs and counts behind a node's title.
func (e *explainer) figures(p plan.Plan) string {
	n := p.Common()
	out := ""
	if e.o.costs {
		out = fmt.Sprintf("  (cost=%.2f..%.2f rows=%.0f width=%d)", n.StartupCost, n.TotalCost, n.Rows, n.Width)
	}
	if !e.o.analyze {
		return out
	}
	s := e.stats[p]
	if s == nil || s.Loops == 0 {
		return out + " (never executed)"
	}
	loops := float64(s.Loops)
	rows := float64(s.Rows) / loops
	if e.o.timing {
		return out + fmt.Sprintf(" (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", ms(s.Startup)/loops, ms(s.Total)/loops, rows, loops)
	}
	return out + fmt.Sprintf(" (actual rows=%.0f loops=%.0f)", rows, loops)
}
