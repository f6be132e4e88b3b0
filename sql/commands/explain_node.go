package commands

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// scanRelid is the range table entry that a node scans; 0: none.
func scanRelid(p plan.Plan) int {
	switch x := p.(type) {
	case *plan.SeqScan:
		return x.ScanRelid
	case *plan.IndexScan:
		return x.ScanRelid
	case *plan.IndexOnlyScan:
		return x.ScanRelid
	case *plan.BitmapHeapScan:
		return x.ScanRelid
	case *plan.TidScan:
		return x.ScanRelid
	case *plan.TidRangeScan:
		return x.ScanRelid
	case *plan.SubqueryScan:
		return x.ScanRelid
	case *plan.FunctionScan:
		return x.ScanRelid
	case *plan.ValuesScan:
		return x.ScanRelid
	case *plan.CteScan:
		return x.ScanRelid
	case *plan.WorkTableScan:
		return x.ScanRelid
	}
	return 0
}

func joinWord(t node.JoinType) string {
	switch t {
	case node.JoinLeft:
		return " Left"
	case node.JoinFull:
		return " Full"
	case node.JoinRight:
		return " Right"
	case node.JoinSemi:
		return " Semi"
	case node.JoinAnti:
		return " Anti"
	}
	return ""
}

func nestWord(t node.JoinType) string {
	if w := joinWord(t); w != "" {
		return w + " Join"
	}
	return ""
}

func backward(b bool) string {
	if b {
		return " Backward"
	}
	return ""
}

// title is a node's name with what it works on.
func (e *explainer) title(p plan.Plan) string {
	switch x := p.(type) {
	case *plan.SeqScan:
		return "Seq Scan" + e.target(x.ScanRelid)
	case *plan.IndexScan:
		return "Index Scan" + backward(x.Backward) + " using " + e.indexName(x.IndexID) + e.target(x.ScanRelid)
	case *plan.IndexOnlyScan:
		return "Index Only Scan" + backward(x.Backward) + " using " + e.indexName(x.IndexID) + e.target(x.ScanRelid)
	case *plan.BitmapIndexScan:
		return "Bitmap Index Scan on " + e.indexName(x.IndexID)
	case *plan.BitmapHeapScan:
		return "Bitmap Heap Scan" + e.target(x.ScanRelid)
	case *plan.TidScan:
		return "Tid Scan" + e.target(x.ScanRelid)
	case *plan.TidRangeScan:
		return "Tid Range Scan" + e.target(x.ScanRelid)
	case *plan.SubqueryScan:
		return "Subquery Scan" + e.target(x.ScanRelid)
	case *plan.FunctionScan:
		return "Function Scan" + e.target(x.ScanRelid)
	case *plan.ValuesScan:
		return "Values Scan" + e.target(x.ScanRelid)
	case *plan.CteScan:
		return "CTE Scan" + e.target(x.ScanRelid)
	case *plan.WorkTableScan:
		return "WorkTable Scan" + e.target(x.ScanRelid)
	case *plan.NestLoop:
		return "Nested Loop" + nestWord(x.Jointype)
	case *plan.HashJoin:
		return "Hash" + joinWord(x.Jointype) + " Join"
	case *plan.MergeJoin:
		return "Merge" + joinWord(x.Jointype) + " Join"
	case *plan.ModifyTable:
		word := map[node.CmdType]string{node.CmdInsert: "Insert", node.CmdUpdate: "Update", node.CmdDelete: "Delete", node.CmdMerge: "Merge"}[x.Operation]
		return word + e.target(x.ResultRti)
	case *plan.Agg:
		switch x.AggStrategy {
		case plan.AggSorted:
			return "GroupAggregate"
		case plan.AggHashed:
			for _, s := range x.GroupingSets {
				if len(s) == 0 {
					return "MixedAggregate"
				}
			}
			return "HashAggregate"
		case plan.AggMixed:
			return "MixedAggregate"
		}
		return "Aggregate"
	case *plan.SetOp:
		word := map[plan.SetOpCmd]string{plan.Intersect: "Intersect", plan.IntersectAll: "Intersect All", plan.Except: "Except", plan.ExceptAll: "Except All"}[x.Cmd]
		if x.Hashed {
			return "HashSetOp " + word
		}
		return "SetOp " + word
	}
	return plainTitle(p)
}

func plainTitle(p plan.Plan) string {
	switch p.(type) {
	case *plan.Result:
		return "Result"
	case *plan.ProjectSet:
		return "ProjectSet"
	case *plan.Append:
		return "Append"
	case *plan.MergeAppend:
		return "Merge Append"
	case *plan.RecursiveUnion:
		return "Recursive Union"
	case *plan.BitmapAnd:
		return "BitmapAnd"
	case *plan.BitmapOr:
		return "BitmapOr"
	case *plan.Hash:
		return "Hash"
	case *plan.Material:
		return "Materialize"
	case *plan.Memoize:
		return "Memoize"
	case *plan.IncrementalSort:
		return "Incremental Sort"
	case *plan.Sort:
		return "Sort"
	case *plan.Group:
		return "Group"
	case *plan.WindowAgg:
		return "WindowAgg"
	case *plan.Unique:
		return "Unique"
	case *plan.LockRows:
		return "LockRows"
	case *plan.Limit:
		return "Limit"
	}
	return "???"
}

func (e *explainer) indexName(o oid.OID) string {
	cl := must(e.c.Catalog().Class(o))
	if cl == nil {
		return "???"
	}
	return analyze.QuoteIdent(cl.Relname)
}

// target is " on table alias".
func (e *explainer) target(rti int) string {
	r := e.stmt.Rtable[rti-1]
	alias := e.base.RelationName(rti)
	name := ""
	switch r.Rtekind {
	case node.RTERelation:
		if cl := must(e.c.Catalog().Class(r.Relid)); cl != nil {
			name = cl.Relname
			if e.o.verbose {
				return " on " + analyze.QuoteIdent(e.relationSchema(cl)) + "." + analyze.QuoteIdent(name) + e.alias(alias, name)
			}
		}
	case node.RTEFunction:
		if len(r.Functions) == 1 {
			if f, ok := r.Functions[0].Funcexpr.(*node.FuncExpr); ok {
				if pr := must(e.c.Catalog().Proc(f.Funcid)); pr != nil {
					name = pr.Proname
					if e.o.verbose {
						return " on " + analyze.QuoteIdent(e.c.schemaName(pr.Pronamespace)) + "." + analyze.QuoteIdent(name) + e.alias(alias, name)
					}
				}
			}
		}
	case node.RTECTE:
		name = r.Ctename
	}
	if name == "" {
		return " on " + analyze.QuoteIdent(alias)
	}
	return " on " + analyze.QuoteIdent(name) + e.alias(alias, name)
}

func (e *explainer) relationSchema(cl *rows.PgClass) string {
	if cl.Relpersistence == 't' {
		return "pg_temp"
	}
	return e.c.schemaName(cl.Relnamespace)
}

func (e *explainer) alias(alias, name string) string {
	if alias == name || alias == "" {
		return ""
	}
	return " " + analyze.QuoteIdent(alias)
}

// manyRelations: columns of upper nodes are qualified.
func (e *explainer) manyRelations() bool { return len(e.stmt.Rtable) > 1 }

// output writes the target list, for VERBOSE.
func (e *explainer) output(p plan.Plan, indent int) {
	n := p.Common()
	switch p.(type) {
	case *plan.Append, *plan.MergeAppend, *plan.RecursiveUnion, *plan.ModifyTable:
		return
	}
	var l []string
	for _, t := range n.TargetList {
		l = append(l, e.expr(p, t.Expr, e.manyRelations()))
	}
	if len(l) > 0 {
		e.prop(indent, "Output", l)
	}
}

// cond writes a condition if there is one.
func (e *explainer) cond(p plan.Plan, indent int, label string, list []node.Node, prefix bool) {
	if len(list) > 0 {
		e.prop(indent, label, e.quals(p, list, prefix))
	}
}

// removed writes how many rows a condition took away.
func (e *explainer) removed(p plan.Plan, indent int, label string, removed func(loops float64) float64) {
	s := e.stats[p]
	if !e.o.analyze || s == nil {
		return
	}
	loops := max(float64(s.Loops), 1)
	if n := removed(loops); n > 0 || s.Loops > 0 && label == "" || e.cur != nil {
		e.prop(indent, "Rows Removed by "+label, fixed(n, 0))
	}
}

func (e *explainer) filter(p plan.Plan, indent int, prefix bool) {
	q := p.Common().Qual
	if len(q) == 0 {
		return
	}
	e.cond(p, indent, "Filter", q, prefix)
	e.removed(p, indent, "Filter", func(l float64) float64 { return float64(e.stats[p].Filtered) / l })
}

// properties writes the lines below a node's title.
func (e *explainer) properties(p plan.Plan, indent int) {
	v := e.o.verbose
	upper := e.manyRelations() || v
	switch x := p.(type) {
	case *plan.IndexScan:
		e.cond(p, indent, "Index Cond", x.IndexQual, v)
		e.filter(p, indent, v)
	case *plan.IndexOnlyScan:
		e.cond(p, indent, "Index Cond", x.IndexQual, v)
		e.filter(p, indent, v)
		if s := e.stats[p]; e.o.analyze && s != nil {
			e.prop(indent, "Heap Fetches", count(s.HeapFetches))
		}
	case *plan.BitmapIndexScan:
		e.cond(p, indent, "Index Cond", x.IndexQual, v)
	case *plan.BitmapHeapScan:
		e.cond(p, indent, "Recheck Cond", x.BitmapQualOrig, v)
		e.removed(p, indent, "Index Recheck", func(l float64) float64 { return float64(e.stats[p].Removed) / l })
		e.filter(p, indent, v)
		if s := e.stats[p]; e.o.analyze && s != nil && e.cur != nil {
			e.prop(indent, "Exact Heap Blocks", count(s.ExactPages))
			e.prop(indent, "Lossy Heap Blocks", count(s.LossyPages))
		} else if e.o.analyze && s != nil && s.ExactPages+s.LossyPages > 0 {
			line := "Heap Blocks:"
			if s.ExactPages > 0 {
				line += " exact=" + itoa64(s.ExactPages)
			}
			if s.LossyPages > 0 {
				line += " lossy=" + itoa64(s.LossyPages)
			}
			e.line(indent, "%s", line)
		}
	case *plan.TidScan:
		e.cond(p, indent, "TID Cond", x.TidQuals, v)
		e.filter(p, indent, v)
	case *plan.TidRangeScan:
		e.cond(p, indent, "TID Cond", x.TidRangeQuals, v)
		e.filter(p, indent, v)
	case *plan.SubqueryScan:
		e.filter(p, indent, true)
	case *plan.FunctionScan:
		if v {
			var l []string
			for _, f := range x.Functions {
				l = append(l, e.expr(p, f.Funcexpr, true))
			}
			e.prop(indent, "Function Call", strings.Join(l, ", "))
		}
		e.filter(p, indent, v)
	case *plan.SeqScan, *plan.ValuesScan, *plan.CteScan, *plan.WorkTableScan:
		e.filter(p, indent, v)
	case *plan.NestLoop, *plan.HashJoin, *plan.MergeJoin:
		e.joinProperties(p, indent, upper)
	default:
		e.upperProperties(p, indent, upper)
	}
}

func (e *explainer) joinProperties(p plan.Plan, indent int, upper bool) {
	var join []node.Node
	switch x := p.(type) {
	case *plan.NestLoop:
		join = x.JoinQual
	case *plan.HashJoin:
		e.cond(p, indent, "Hash Cond", x.HashClauses, upper)
		join = x.JoinQual
	case *plan.MergeJoin:
		e.cond(p, indent, "Merge Cond", x.MergeClauses, upper)
		join = x.JoinQual
	}
	e.cond(p, indent, "Join Filter", join, upper)
	if len(join) > 0 {
		e.removed(p, indent, "Join Filter", func(l float64) float64 { return float64(e.stats[p].JoinFiltered) / l })
	}
	e.filter(p, indent, upper)
}

func (e *explainer) upperProperties(p plan.Plan, indent int, upper bool) {
	s := e.stats[p]
	switch x := p.(type) {
	case *plan.Result:
		e.cond(p, indent, "One-Time Filter", x.ResConstantQual, upper)
		e.filter(p, indent, upper)
	case *plan.Agg:
		if len(x.GroupingSets) > 0 {
			e.groupingSets(p, x, indent)
		} else if len(x.GrpColIdx) > 0 {
			e.prop(indent, "Group Key", e.keyList(x.Left, x.GrpColIdx))
		}
		e.filter(p, indent, upper)
		if e.o.analyze && s != nil && x.AggStrategy == plan.AggHashed && s.Batches > 0 {
			e.batches(indent, s)
		}
	case *plan.Group:
		e.prop(indent, "Group Key", e.keyList(x.Left, x.GrpColIdx))
		e.filter(p, indent, upper)
	case *plan.Sort:
		e.prop(indent, "Sort Key", e.sortKeys(p, x.Keys))
		e.sortMethod(p, indent)
	case *plan.IncrementalSort:
		e.prop(indent, "Sort Key", e.sortKeys(p, x.Keys))
		e.prop(indent, "Presorted Key", e.sortKeys(p, x.Keys[:x.PresortedCols]))
	case *plan.MergeAppend:
		e.prop(indent, "Sort Key", e.sortKeys(p, x.Keys))
	case *plan.Memoize:
		var l []string
		for _, k := range x.Keys {
			l = append(l, e.expr(p, k, upper))
		}
		e.prop(indent, "Cache Key", strings.Join(l, ", "))
		mode := "logical"
		if x.Binary {
			mode = "binary"
		}
		e.prop(indent, "Cache Mode", mode)
	case *plan.Hash:
		if e.o.analyze && s != nil && s.Buckets > 0 {
			e.buckets(indent, s)
		}
	case *plan.ModifyTable:
		e.conflict(x, indent)
	default:
		e.filter(p, indent, upper)
	}
}

// conflict writes what ON CONFLICT does.
func (e *explainer) conflict(x *plan.ModifyTable, indent int) {
	if x.OnConflict == nil {
		return
	}
	word := "NOTHING"
	if len(x.OnConflict.SetColnos) > 0 {
		word = "UPDATE"
	}
	e.prop(indent, "Conflict Resolution", word)
	var l []string
	for _, o := range x.OnConflict.ArbiterIndexes {
		l = append(l, e.indexName(o))
	}
	if len(l) > 0 {
		e.prop(indent, "Conflict Arbiter Indexes", l)
	}
	e.cond(x, indent, "Conflict Filter", x.OnConflict.Where, true)
	if s := e.stats[x]; e.o.analyze && s != nil {
		e.prop(indent, "Tuples Inserted", count(s.Inserted))
		e.prop(indent, "Conflicting Tuples", count(s.Conflicts))
	}
}

// keyList writes columns of a node's target list.
func (e *explainer) keyList(p plan.Plan, cols []int) []string {
	var l []string
	for _, k := range cols {
		l = append(l, e.keyColumn(p, k))
	}
	return l
}

// keyColumn writes one output column of a node.
func (e *explainer) keyColumn(p plan.Plan, k int) string {
	list := p.Common().TargetList
	if k < 1 || k > len(list) {
		return strconv.Itoa(k)
	}
	return e.expr(p, list[k-1].Expr, e.manyRelations() || e.o.verbose)
}

func (e *explainer) groupingSets(p plan.Plan, x *plan.Agg, indent int) {
	word := "Group Key"
	if x.AggStrategy == plan.AggHashed {
		word = "Hash Key"
	}
	empty := 0
	for _, set := range x.GroupingSets {
		if len(set) == 0 {
			empty++
			continue
		}
		var cols []int
		for _, k := range set {
			cols = append(cols, x.GrpColIdx[k])
		}
		e.prop(indent, word, e.keyList(p.Common().Left, cols))
	}
	for range empty {
		e.prop(indent, "Group Key", "()")
	}
}

// sortKeys writes sort keys with their direction where it is not the usual one.
func (e *explainer) sortKeys(p plan.Plan, keys []plan.SortKey) []string {
	var l []string
	for _, k := range keys {
		s := e.keyColumn(p, k.Col)
		if list := p.Common().TargetList; k.Col >= 1 && k.Col <= len(list) {
			t := must(e.c.Catalog().Type(node.ExprType(list[k.Col-1].Expr)))
			if t != nil && k.Collation != 0 && k.Collation != t.Typcollation {
				s += " COLLATE " + analyze.QuoteIdent(must(e.c.Names().CollationName(k.Collation)))
			}
		}
		if k.Descending {
			s += " DESC"
		}
		if k.NullsFirst != k.Descending {
			if k.NullsFirst {
				s += " NULLS FIRST"
			} else {
				s += " NULLS LAST"
			}
		}
		l = append(l, s)
	}
	return l
}

func (e *explainer) sortMethod(p plan.Plan, indent int) {
	s := e.stats[p]
	if !e.o.analyze || s == nil || s.SortMethod == "" {
		return
	}
	where := "Memory"
	if s.SortDisk {
		where = "Disk"
	}
	if e.cur != nil {
		e.prop(indent, "Sort Method", s.SortMethod)
		e.prop(indent, "Sort Space Used", count(s.SortSpace))
		e.prop(indent, "Sort Space Type", where)
		return
	}
	e.line(indent, "Sort Method: %s  %s: %dkB", s.SortMethod, where, s.SortSpace)
}
