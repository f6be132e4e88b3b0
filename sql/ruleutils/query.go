package ruleutils

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Query writes a whole statement. columns, if not nil, are the names of its
// result columns.
func Query(cat Catalog, q *node.Query, columns []string, st Style) (string, error) {
	d := &deparser{cat: cat, out: &strings.Builder{}, Style: st}
	d.query(q, columns, true)
	return d.text()
}

// query writes q as a statement of its own below the scopes of d. named says
// that the names of its result columns matter.
func (d *deparser) query(q *node.Query, columns []string, named bool) {
	in := &deparser{cat: d.cat, out: d.out, Style: d.Style, indent: d.indent, err: d.err}
	in.prefix = len(d.scopes) > 0 || len(q.Rtable) != 1
	in.scopes = d.scopes
	in.scopes = append([]*scope{in.queryScope(q)}, d.scopes...)
	switch q.CommandType {
	case node.CmdSelect:
		in.selectQuery(q, columns, named)
	case node.CmdInsert:
		in.insert(q)
	case node.CmdUpdate:
		in.update(q)
	case node.CmdDelete:
		in.deletion(q)
	case node.CmdNothing:
		in.put("NOTHING")
	case node.CmdUtility:
		if n, ok := q.UtilityStmt.(*node.NotifyStmt); ok {
			in.line("", 0, indentStd, 0)
			in.put("NOTIFY ", analyze.QuoteIdent(n.Conditionname))
			if n.Payload != "" {
				in.put(", ", literal(n.Payload))
			}
			break
		}
		in.fail(pgerr.New(pgerr.InternalError, "unexpected utility statement type"))
	default:
		in.fail(pgerr.NotYet("writing this statement as SQL"))
	}
	d.check(in.err)
}

func (d *deparser) selectQuery(q *node.Query, columns []string, named bool) {
	d.with(q)
	d.windows, d.wtlist = q.WindowClause, q.TargetList
	numbered := q.SetOperations != nil
	if numbered {
		d.setOperation(q.SetOperations, q, columns, named)
	} else {
		d.basicSelect(q, columns, named)
	}
	if len(q.SortClause) > 0 {
		d.line(" ORDER BY ", -indentStd, indentStd, 1)
		d.orderBy(q.SortClause, q.TargetList, numbered)
	}
	if q.LimitOffset != nil {
		d.line(" OFFSET ", -indentStd, indentStd, 0)
		d.top(q.LimitOffset)
	}
	if q.LimitCount != nil {
		if q.LimitOption == node.LimitOptionWithTies {
			d.line(" FETCH FIRST ", -indentStd, indentStd, 0)
			d.put("(")
			d.top(q.LimitCount)
			d.put(") ROWS WITH TIES")
		} else {
			d.line(" LIMIT ", -indentStd, indentStd, 0)
			if c, ok := q.LimitCount.(*node.Const); ok && c.Constisnull {
				d.put("ALL")
			} else {
				d.top(q.LimitCount)
			}
		}
	}
	if q.HasForUpdate {
		d.rowMarks(q)
	}
}

func (d *deparser) rowMarks(q *node.Query) {
	for _, m := range q.RowMarks {
		if m.PushedDown {
			continue
		}
		word := map[node.LockClauseStrength]string{node.LCSForKeyShare: " FOR KEY SHARE", node.LCSForShare: " FOR SHARE",
			node.LCSForNoKeyUpdate: " FOR NO KEY UPDATE", node.LCSForUpdate: " FOR UPDATE"}[m.Strength]
		d.line(word, -indentStd, indentStd, 0)
		d.put(" OF ", analyze.QuoteIdent(d.scopes[0].names[m.Rti-1]))
		switch m.WaitPolicy {
		case node.LockWaitError:
			d.put(" NOWAIT")
		case node.LockWaitSkip:
			d.put(" SKIP LOCKED")
		}
	}
}

func (d *deparser) with(q *node.Query) {
	if len(q.CteList) == 0 {
		return
	}
	if !d.Flat {
		d.indent += indentStd
		d.put(" ")
	}
	sep := "WITH "
	if q.HasRecursive {
		sep = "WITH RECURSIVE "
	}
	for _, c := range q.CteList {
		d.put(sep, analyze.QuoteIdent(c.Ctename))
		if len(c.Aliascolnames) > 0 {
			d.put("(", idents(c.Aliascolnames), ")")
		}
		d.put(" AS ")
		switch c.Ctematerialized {
		case node.CTEMaterializeAlways:
			d.put("MATERIALIZED ")
		case node.CTEMaterializeNever:
			d.put("NOT MATERIALIZED ")
		}
		d.put("(")
		if !d.Flat {
			d.line("", 0, 0, 0)
		}
		if sub, ok := c.Ctequery.(*node.Query); ok {
			d.query(sub, nil, true)
		}
		if !d.Flat {
			d.line("", 0, 0, 0)
		}
		d.put(")")
		d.searchCycle(c)
		sep = ", "
	}
	if d.Flat {
		d.put(" ")
		return
	}
	d.indent -= indentStd
	d.line("", 0, 0, 0)
}

func (d *deparser) searchCycle(c *node.CommonTableExpr) {
	if s := c.SearchClause; s != nil {
		d.put(" SEARCH ", map[bool]string{true: "BREADTH", false: "DEPTH"}[s.SearchBreadthFirst], " FIRST BY ",
			idents(s.SearchColList), " SET ", analyze.QuoteIdent(s.SearchSeqColumn))
	}
	y := c.CycleClause
	if y == nil {
		return
	}
	d.put(" CYCLE ", idents(y.CycleColList), " SET ", analyze.QuoteIdent(y.CycleMarkColumn))
	v, ok1 := y.CycleMarkValue.(*node.Const)
	w, ok2 := y.CycleMarkDefault.(*node.Const)
	if !(ok1 && ok2 && v.Consttype == oid.Bool && !v.Constisnull && v.Constvalue.Bool() &&
		w.Consttype == oid.Bool && !w.Constisnull && !w.Constvalue.Bool()) {
		d.put(" TO ")
		d.top(y.CycleMarkValue)
		d.put(" DEFAULT ")
		d.top(y.CycleMarkDefault)
	}
	d.put(" USING ", analyze.QuoteIdent(y.CyclePathColumn))
}

func idents(l []string) string {
	out := make([]string, len(l))
	for i, n := range l {
		out[i] = analyze.QuoteIdent(n)
	}
	return strings.Join(out, ", ")
}

// simpleValues is the VALUES list that q consists of, if its columns are named
// as a bare VALUES names them.
func simpleValues(q *node.Query, columns []string) *node.RangeTblEntry {
	var v *node.RangeTblEntry
	for _, r := range q.Rtable {
		switch {
		case r.Rtekind == node.RTEValues && r.InFromCl && v == nil:
			v = r
		case r.Rtekind == node.RTERelation && !r.InFromCl:
		default:
			return nil
		}
	}
	if v == nil || len(q.TargetList) != len(v.Eref.Colnames) {
		return nil
	}
	for i, t := range q.TargetList {
		name := t.Resname
		if i < len(columns) {
			name = columns[i]
		}
		if t.Resjunk || name != v.Eref.Colnames[i] {
			return nil
		}
	}
	return v
}

func (d *deparser) basicSelect(q *node.Query, columns []string, named bool) {
	if !d.Flat {
		d.indent += indentStd
		d.put(" ")
	}
	if v := simpleValues(q, columns); v != nil {
		d.values(v.ValuesLists)
		return
	}
	if q.IsReturn {
		d.put("RETURN")
	} else {
		d.put("SELECT")
	}
	if q.HasDistinctOn {
		d.put(" DISTINCT ON (")
		for i, s := range q.DistinctClause {
			if i > 0 {
				d.put(", ")
			}
			d.sortItem(s.TleSortGroupRef, q.TargetList, false)
		}
		d.put(")")
	} else if len(q.DistinctClause) > 0 {
		d.put(" DISTINCT")
	}
	d.targets(q.TargetList, columns, named)
	d.from(q, " FROM ")
	if q.Jointree != nil && q.Jointree.Quals != nil {
		d.line(" WHERE ", -indentStd, indentStd, 1)
		d.top(q.Jointree.Quals)
	}
	if len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 {
		d.groupBy(q)
	}
	if q.HavingQual != nil {
		d.line(" HAVING ", -indentStd, indentStd, 0)
		d.top(q.HavingQual)
	}
	first := true
	for _, w := range q.WindowClause {
		if w.Name == "" {
			continue
		}
		if first {
			d.line(" WINDOW ", -indentStd, indentStd, 1)
		} else {
			d.put(", ")
		}
		first = false
		d.put(analyze.QuoteIdent(w.Name), " AS ")
		d.windowSpec(w)
	}
}

func (d *deparser) groupBy(q *node.Query) {
	d.line(" GROUP BY ", -indentStd, indentStd, 1)
	if q.GroupDistinct {
		d.put("DISTINCT ")
	}
	d.grouped = true
	if len(q.GroupingSets) == 0 {
		for i, g := range q.GroupClause {
			if i > 0 {
				d.put(", ")
			}
			d.sortItem(g.TleSortGroupRef, q.TargetList, false)
		}
	}
	for i, g := range q.GroupingSets {
		if i > 0 {
			d.put(", ")
		}
		d.groupingSet(g, q.TargetList, true)
	}
	d.grouped = false
}

func (d *deparser) groupingSet(n node.Node, tl []*node.TargetEntry, omit bool) {
	g, ok := n.(*node.GroupingSet)
	if !ok {
		return
	}
	simple := func(refs node.IntList, omit bool) {
		bare := omit && len(refs) == 1
		if !bare {
			d.put("(")
		}
		for i, r := range refs {
			if i > 0 {
				d.put(", ")
			}
			d.sortItem(r, tl, false)
		}
		if !bare {
			d.put(")")
		}
	}
	switch g.Kind {
	case node.GroupingSetEmpty:
		d.put("()")
		return
	case node.GroupingSetSimple:
		l, _ := g.Content.(node.IntList)
		simple(l, omit)
		return
	case node.GroupingSetRollup:
		d.put("ROLLUP(")
	case node.GroupingSetCube:
		d.put("CUBE(")
	case node.GroupingSetSets:
		d.put("GROUPING SETS (")
	}
	l, _ := g.Content.(node.List)
	for i, c := range l {
		if i > 0 {
			d.put(", ")
		}
		d.groupingSet(c, tl, g.Kind != node.GroupingSetSets)
	}
	d.put(")")
}

func (d *deparser) targets(l []*node.TargetEntry, columns []string, named bool) {
	sep, col, multi := " ", 0, false
	for _, t := range l {
		if t.Resjunk {
			continue
		}
		d.put(sep)
		sep = ", "
		col++
		field := d.aside(func() {
			own := ""
			if v, ok := t.Expr.(*node.Var); ok {
				own = d.variable(v, 0, true)
			} else {
				d.full(t.Expr)
				if !named {
					own = "?column?"
				}
			}
			name := t.Resname
			if col <= len(columns) {
				name = columns[col-1]
			}
			if name != "" && name != own {
				d.put(" AS ", analyze.QuoteIdent(name))
			}
		})
		if d.wraps() {
			from := 0
			if strings.HasPrefix(field, "\n") {
				from = 1
				d.trim()
			} else if col > 1 && (d.lastLine()+len(field) > d.Wrap || multi) {
				d.line("", -indentStd, indentStd, indentVar)
			}
			multi = strings.Contains(field[from:], "\n")
		}
		d.put(field)
	}
}

func (d *deparser) setOperation(n node.Node, q *node.Query, columns []string, named bool) {
	switch x := n.(type) {
	case *node.RangeTblRef:
		sub := q.Rtable[x.Rtindex-1].Subquery
		need := len(sub.CteList) > 0 || len(sub.SortClause) > 0 || len(sub.RowMarks) > 0 || sub.LimitOffset != nil || sub.LimitCount != nil || sub.SetOperations != nil
		if need {
			d.put("(")
		}
		d.query(sub, columns, named)
		if need {
			d.put(")")
		}
	case *node.SetOperationStmt:
		need, sub := false, 0
		if l, ok := x.Larg.(*node.SetOperationStmt); ok && (l.Op != x.Op || l.All != x.All) {
			need, sub = true, indentStd
			d.put("(")
			d.line("", sub, 0, 0)
		}
		d.setOperation(x.Larg, q, columns, named)
		switch {
		case need:
			d.line(") ", -sub, 0, 0)
		case !d.Flat:
			d.line("", -sub, 0, 0)
		default:
			d.put(" ")
		}
		d.put([...]string{"", "UNION ", "INTERSECT ", "EXCEPT "}[x.Op])
		if x.All {
			d.put("ALL ")
		}
		_, need = x.Rarg.(*node.SetOperationStmt)
		sub = 0
		if need {
			d.put("(")
			sub = indentStd
		}
		d.line("", sub, 0, 0)
		d.setOperation(x.Rarg, q, columns, false)
		if !d.Flat {
			d.indent -= sub
		}
		if need {
			d.line(")", 0, 0, 0)
		}
	}
}

// sortItem writes the target entry that a sort or group clause refers to.
func (d *deparser) sortItem(ref int, tl []*node.TargetEntry, numbered bool) node.Node {
	for _, t := range tl {
		if t.Ressortgroupref != ref {
			continue
		}
		if numbered {
			d.put(strconv.Itoa(t.Resno))
			return t.Expr
		}
		switch x := t.Expr.(type) {
		case *node.Const:
			d.constant(x, 1)
		case *node.Var:
			d.full(x)
		case *node.FuncExpr, *node.Aggref, *node.WindowFunc:
			d.put("(")
			d.full(x)
			d.put(")")
		default:
			if d.Pretty {
				d.put("(")
			}
			d.full(x)
			if d.Pretty {
				d.put(")")
			}
		}
		return t.Expr
	}
	d.fail(pgerr.New(pgerr.InternalError, "ORDER/GROUP BY expression not found in targetlist"))
	return nil
}

func (d *deparser) orderBy(l []*node.SortGroupClause, tl []*node.TargetEntry, numbered bool) {
	for i, s := range l {
		if i > 0 {
			d.put(", ")
		}
		e := d.sortItem(s.TleSortGroupRef, tl, numbered)
		if e == nil {
			return
		}
		lt, gt := d.ordering(node.ExprType(e))
		switch s.Sortop {
		case lt:
			if s.NullsFirst {
				d.put(" NULLS FIRST")
			}
		case gt:
			d.put(" DESC")
			if !s.NullsFirst {
				d.put(" NULLS LAST")
			}
		default:
			d.put(" USING ", d.opName(s.Sortop), map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[s.NullsFirst])
		}
	}
}

// ordering is the < and > of a type's default btree operator class.
func (d *deparser) ordering(t oid.OID) (lt, gt oid.OID) {
	c := d.defaultOpclass(t)
	if c == nil {
		return 0, 0
	}
	lt, err := d.cat.FamilyOperator(c.Family, c.InType, c.InType, 1)
	d.check(err)
	gt, err = d.cat.FamilyOperator(c.Family, c.InType, c.InType, 5)
	d.check(err)
	return lt, gt
}

func (d *deparser) defaultOpclass(t oid.OID) *analyze.Opclass {
	ty := d.typ(t)
	for ty.Kind == 'd' && ty.BaseType != 0 && d.err == nil {
		ty = d.typ(ty.BaseType)
	}
	all, err := d.cat.Opclasses(oid.BtreeAM)
	d.check(err)
	want := []oid.OID{ty.OID}
	switch {
	case ty.OID == oid.Varchar:
		want = append(want, oid.Text)
	case ty.TrueArray:
		want = append(want, oid.AnyArray)
	case ty.Kind == 'e':
		want = append(want, 3500)
	case ty.Kind == 'r':
		want = append(want, 3831)
	case ty.Kind == 'm':
		want = append(want, 4537)
	case ty.Kind == 'c':
		want = append(want, oid.Record)
	case ty.OID >= 2202 && ty.OID <= 2206 || ty.OID == 24 || ty.OID == 4089 || ty.OID == 4096 || ty.OID == 4191 || ty.OID == 3734 || ty.OID == 3769:
		want = append(want, oid.Oid)
	}
	for _, w := range want {
		for _, c := range all {
			if c.Default && c.InType == w {
				return c
			}
		}
	}
	return nil
}

func (d *deparser) values(rows [][]node.Node) {
	d.put("VALUES ")
	for i, r := range rows {
		if i > 0 {
			d.put(", ")
		}
		d.put("(")
		for k, v := range r {
			if k > 0 {
				d.put(",")
			}
			d.toplevel(v, false)
		}
		d.put(")")
	}
}
