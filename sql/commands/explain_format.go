package commands

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// property is one line of a plan in JSON, YAML or XML: text, a number, a bool, a
// list of texts, or groups.
type property struct {
	key string
	val any
}

// number is printed as it stands.
type number string

// group is a plan node, or what holds one.
type group struct{ props []property }

func (g *group) add(key string, val any) { g.props = append(g.props, property{key, val}) }

// prop writes a property of the current node: a line of text, or a value.
func (e *explainer) prop(indent int, label string, val any) {
	if e.cur != nil {
		e.cur.add(label, val)
		return
	}
	if l, ok := val.([]string); ok {
		val = strings.Join(l, ", ")
	}
	e.line(indent, "%s: %v", label, val)
}

func count(n int64) number { return number(strconv.FormatInt(n, 10)) }

func fixed(f float64, digits int) number { return number(strconv.FormatFloat(f, 'f', digits, 64)) }

// group collects a plan node and all below it. relation says what it is to the
// node above.
func (e *explainer) group(p plan.Plan, relation, name string) *group {
	g := &group{}
	e.head(g, p)
	if relation != "" {
		g.add("Parent Relationship", relation)
	}
	if name != "" {
		g.add("Subplan Name", name)
	}
	g.add("Parallel Aware", false)
	g.add("Async Capable", false)
	e.subject(g, p)
	e.measures(g, p)
	saved := e.cur
	e.cur = g
	if e.o.verbose {
		e.output(p, 0)
	}
	if j := joinOf(p); j != nil {
		g.add("Inner Unique", j.InnerUnique)
	}
	e.properties(p, 0)
	e.cur = saved
	if kids := e.kids(p); len(kids) > 0 {
		g.add("Plans", kids)
	}
	return g
}

// kids are the groups of a node's inputs and subplans.
func (e *explainer) kids(p plan.Plan) []*group {
	var out []*group
	if j, ok := p.(*plan.NestLoop); ok {
		for _, q := range j.NestParams {
			e.params[q.ParamNo] = paramSource{q.Value, e.naming(p)}
		}
	}
	sub := func(list []*node.SubPlan, relation string) {
		for _, s := range list {
			if !e.done[s.PlanId] {
				e.done[s.PlanId] = true
				for i, id := range s.ParParam {
					if i < len(s.Args) {
						e.params[id] = paramSource{s.Args[i], e.naming(p)}
					}
				}
				out = append(out, e.group(e.stmt.Subplans[s.PlanId-1], relation, s.PlanName))
			}
		}
	}
	n := p.Common()
	sub(n.InitPlan, "InitPlan")
	for _, k := range children(p) {
		relation := "Member"
		switch k {
		case n.Left:
			relation = "Outer"
		case n.Right:
			relation = "Inner"
		}
		if _, ok := p.(*plan.SubqueryScan); ok {
			relation = "Subquery"
		}
		out = append(out, e.group(k, relation, ""))
	}
	sub(e.subPlansOf(p), "SubPlan")
	return out
}

func joinOf(p plan.Plan) *plan.Join {
	switch x := p.(type) {
	case *plan.NestLoop:
		return &x.Join
	case *plan.HashJoin:
		return &x.Join
	case *plan.MergeJoin:
		return &x.Join
	}
	return nil
}

// head adds what kind of node it is.
func (e *explainer) head(g *group, p plan.Plan) {
	switch x := p.(type) {
	case *plan.ModifyTable:
		g.add("Node Type", "ModifyTable")
		g.add("Operation", strings.Fields(e.title(p))[0])
	case *plan.Agg:
		g.add("Node Type", "Aggregate")
		s := map[string]string{"GroupAggregate": "Sorted", "HashAggregate": "Hashed", "MixedAggregate": "Mixed", "Aggregate": "Plain"}[e.title(p)]
		g.add("Strategy", s)
		g.add("Partial Mode", "Simple")
	case *plan.SetOp:
		g.add("Node Type", "SetOp")
		s := "Sorted"
		if x.Hashed {
			s = "Hashed"
		}
		g.add("Strategy", s)
	case *plan.NestLoop:
		g.add("Node Type", "Nested Loop")
	case *plan.HashJoin:
		g.add("Node Type", "Hash Join")
	case *plan.MergeJoin:
		g.add("Node Type", "Merge Join")
	case *plan.IndexScan:
		g.add("Node Type", "Index Scan")
	case *plan.IndexOnlyScan:
		g.add("Node Type", "Index Only Scan")
	case *plan.BitmapIndexScan:
		g.add("Node Type", "Bitmap Index Scan")
	default:
		t, _, _ := strings.Cut(e.title(p), " on ")
		g.add("Node Type", t)
	}
}

// subject adds what a node works on.
func (e *explainer) subject(g *group, p plan.Plan) {
	direction := func(back bool) string {
		if back {
			return "Backward"
		}
		return "Forward"
	}
	rti := scanRelid(p)
	switch x := p.(type) {
	case *plan.IndexScan:
		g.add("Scan Direction", direction(x.Backward))
		g.add("Index Name", e.indexName(x.IndexID))
	case *plan.IndexOnlyScan:
		g.add("Scan Direction", direction(x.Backward))
		g.add("Index Name", e.indexName(x.IndexID))
	case *plan.BitmapIndexScan:
		g.add("Index Name", e.indexName(x.IndexID))
		return
	case *plan.ModifyTable:
		rti = x.ResultRti
	case *plan.SetOp:
		_, word, _ := strings.Cut(strings.TrimPrefix(e.title(p), "Hash"), " ")
		g.add("Command", word)
	}
	if j := joinOf(p); j != nil {
		w := strings.TrimSpace(joinWord(j.Jointype))
		if w == "" {
			w = "Inner"
		}
		g.add("Join Type", w)
	}
	if rti == 0 {
		return
	}
	r := e.stmt.Rtable[rti-1]
	switch r.Rtekind {
	case node.RTERelation:
		if cl := must(e.c.Catalog().Class(r.Relid)); cl != nil {
			g.add("Relation Name", cl.Relname)
			if e.o.verbose {
				g.add("Schema", e.relationSchema(cl))
			}
		}
	case node.RTEFunction:
		if len(r.Functions) == 1 {
			if f, ok := r.Functions[0].Funcexpr.(*node.FuncExpr); ok {
				if pr := must(e.c.Catalog().Proc(f.Funcid)); pr != nil {
					g.add("Function Name", pr.Proname)
					if e.o.verbose {
						g.add("Schema", e.c.schemaName(pr.Pronamespace))
					}
				}
			}
		}
	case node.RTECTE:
		g.add("CTE Name", r.Ctename)
	}
	g.add("Alias", e.base.RelationName(rti))
}

// measures adds the costs and counts of a node.
func (e *explainer) measures(g *group, p plan.Plan) {
	n := p.Common()
	if e.o.costs {
		g.add("Startup Cost", fixed(n.StartupCost, 2))
		g.add("Total Cost", fixed(n.TotalCost, 2))
		g.add("Plan Rows", fixed(n.Rows, 0))
		g.add("Plan Width", count(int64(n.Width)))
	}
	if !e.o.analyze {
		return
	}
	var startup, total, rows, loops float64
	if s := e.stats[p]; s != nil && s.Loops > 0 {
		loops = float64(s.Loops)
		startup, total, rows = ms(s.Startup)/loops, ms(s.Total)/loops, float64(s.Rows)/loops
	}
	if e.o.timing {
		g.add("Actual Startup Time", fixed(startup, 3))
		g.add("Actual Total Time", fixed(total, 3))
	}
	g.add("Actual Rows", fixed(rows, 0))
	g.add("Actual Loops", fixed(loops, 0))
}

// structured writes the whole plan in a format other than text.
func (e *explainer) structured(top *group) string {
	var b strings.Builder
	switch e.o.format {
	case "json":
		b.WriteString("[\n  ")
		writeJSON(&b, top, 1)
		b.WriteString("\n]")
	case "yaml":
		b.WriteString("- ")
		writeYAML(&b, top, 1)
	case "xml":
		b.WriteString("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n")
		writeXML(&b, top, 2)
		b.WriteString("  </Query>\n</explain>")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func scalar(v any, quote func(string) string) string {
	switch x := v.(type) {
	case string:
		return quote(x)
	case number:
		return string(x)
	case bool:
		return strconv.FormatBool(x)
	}
	return fmt.Sprint(v)
}

func writeJSON(b *strings.Builder, g *group, depth int) {
	pad := strings.Repeat("  ", depth)
	b.WriteString("{\n")
	for i, p := range g.props {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(pad + "  " + jsonText(p.key) + ": ")
		switch v := p.val.(type) {
		case *group:
			writeJSON(b, v, depth+1)
		case []*group:
			b.WriteString("[\n")
			for k, c := range v {
				if k > 0 {
					b.WriteString(",\n")
				}
				b.WriteString(pad + "    ")
				writeJSON(b, c, depth+2)
			}
			if len(v) > 0 {
				b.WriteString("\n")
			}
			b.WriteString(pad + "  ]")
		case []string:
			var l []string
			for _, s := range v {
				l = append(l, jsonText(s))
			}
			b.WriteString("[" + strings.Join(l, ", ") + "]")
		default:
			b.WriteString(scalar(v, jsonText))
		}
	}
	b.WriteString("\n" + pad + "}")
}

func writeYAML(b *strings.Builder, g *group, depth int) {
	pad := strings.Repeat("  ", depth)
	for i, p := range g.props {
		if i > 0 {
			b.WriteString(pad)
		}
		b.WriteString(p.key + ": ")
		switch v := p.val.(type) {
		case *group:
			b.WriteString("\n" + pad + "  ")
			writeYAML(b, v, depth+1)
			continue
		case []*group:
			b.WriteString("\n")
			for _, c := range v {
				b.WriteString(pad + "  - ")
				writeYAML(b, c, depth+2)
			}
			continue
		case []string:
			for _, s := range v {
				b.WriteString("\n" + pad + "  - " + jsonText(s))
			}
		default:
			b.WriteString(scalar(v, jsonText))
		}
		b.WriteString("\n")
	}
}

func writeXML(b *strings.Builder, g *group, depth int) {
	pad := strings.Repeat("  ", depth)
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#x0d;").Replace
	for _, p := range g.props {
		tag := strings.Map(func(c rune) rune {
			if c == ' ' || c == '/' || c == '(' || c == ')' {
				return '-'
			}
			return c
		}, p.key)
		switch v := p.val.(type) {
		case *group:
			b.WriteString(pad + "<" + tag + ">\n")
			writeXML(b, v, depth+1)
			b.WriteString(pad + "</" + tag + ">\n")
		case []*group:
			b.WriteString(pad + "<" + tag + ">\n")
			for _, c := range v {
				b.WriteString(pad + "  <Plan>\n")
				writeXML(b, c, depth+2)
				b.WriteString(pad + "  </Plan>\n")
			}
			b.WriteString(pad + "</" + tag + ">\n")
		case []string:
			b.WriteString(pad + "<" + tag + ">\n")
			for _, s := range v {
				b.WriteString(pad + "  <Item>" + escape(s) + "</Item>\n")
			}
			b.WriteString(pad + "</" + tag + ">\n")
		default:
			b.WriteString(pad + "<" + tag + ">" + scalar(v, escape) + "</" + tag + ">\n")
		}
	}
}

// batches writes how a hash aggregation used memory and disk.
func (e *explainer) batches(indent int, s *exec.Instrument) {
	if e.cur != nil {
		e.prop(indent, "HashAgg Batches", count(int64(s.Batches)))
		e.prop(indent, "Peak Memory Usage", count(s.Memory))
		e.prop(indent, "Disk Usage", count(s.Disk))
		return
	}
	disk := ""
	if s.Disk > 0 {
		disk = fmt.Sprintf("  Disk Usage: %dkB", s.Disk)
	}
	e.line(indent, "Batches: %d  Memory Usage: %dkB%s", s.Batches, s.Memory, disk)
}

// buckets writes the size of a hash join's table.
func (e *explainer) buckets(indent int, s *exec.Instrument) {
	if e.cur != nil {
		e.prop(indent, "Hash Buckets", count(int64(s.Buckets)))
		e.prop(indent, "Original Hash Buckets", count(int64(s.Buckets)))
		e.prop(indent, "Hash Batches", count(int64(max(s.Batches, 1))))
		e.prop(indent, "Original Hash Batches", count(int64(max(s.Batches, 1))))
		e.prop(indent, "Peak Memory Usage", count(s.Memory))
		return
	}
	e.line(indent, "Buckets: %d  Batches: %d  Memory Usage: %dkB", s.Buckets, max(s.Batches, 1), s.Memory)
}
