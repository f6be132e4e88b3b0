package session

import (
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/plan"
)

// rowSource is a table whose rows a cursor stands on, for WHERE CURRENT OF. The
// cursor's plan carries the rows' ctids in a junk column.
type rowSource struct {
	rel  oid.OID
	col  int  // from 0
	mark bool // by FOR UPDATE or FOR SHARE
}

// addRowSources adds the junk columns to a cursor's query: those of its row marks,
// or, without any, of the one table that it scans.
func addRowSources(q *node.Query) []rowSource {
	if q.SetOperations != nil || q.HasAggs || q.HasWindowFuncs || q.HasTargetSRFs || len(q.GroupClause)+len(q.GroupingSets)+len(q.DistinctClause) > 0 {
		return nil
	}
	var out []rowSource
	add := func(rti int, mark bool) {
		rel, v := rowID(q, rti)
		if v != nil {
			out = append(out, rowSource{rel, len(q.TargetList), mark})
			q.TargetList = append(q.TargetList, &node.TargetEntry{Expr: v, Resno: len(q.TargetList) + 1, Resname: "ctid", Resjunk: true})
		}
	}
	for _, m := range q.RowMarks {
		add(m.Rti, true)
	}
	if len(q.RowMarks) == 0 {
		if rti := onlyItem(q); rti > 0 {
			add(rti, false)
		}
	}
	return out
}

// onlyItem is the range table index of a FROM with one item; 0 if it is more.
func onlyItem(q *node.Query) int {
	if q.Jointree == nil || len(q.Jointree.Fromlist) != 1 {
		return 0
	}
	if r, ok := q.Jointree.Fromlist[0].(*node.RangeTblRef); ok {
		return r.Rtindex
	}
	return 0
}

// rowID is the ctid of a table, or of the only table of a subquery or view.
func rowID(q *node.Query, rti int) (oid.OID, *node.Var) {
	t := q.Rtable[rti-1]
	v := &node.Var{Varno: rti, Varattno: -1, Vartype: oid.Tid, Vartypmod: -1, Varnosyn: rti, Varattnosyn: -1, Location: -1}
	switch {
	case t.Rtekind == node.RTERelation && t.Relkind == 'r':
		return t.Relid, v
	case t.Rtekind != node.RTESubquery:
		return 0, nil
	}
	src := addRowSources(t.Subquery)
	if len(src) != 1 {
		return 0, nil
	}
	te := t.Subquery.TargetList[src[0].col]
	te.Resjunk = false
	if i := slices.IndexFunc(t.Subquery.TargetList, func(e *node.TargetEntry) bool { return e.Resjunk }); i >= 0 {
		return 0, nil // other junk columns stand before it
	}
	t.Eref.Colnames = append(slices.Clone(t.Eref.Colnames), te.Resname)
	v.Varattno = len(t.Subquery.TargetList)
	v.Varattnosyn = v.Varattno
	return src[0].rel, v
}

// simplyUpdatable reports whether each row of a plan is one row of a scan.
func simplyUpdatable(p plan.Plan) bool {
	switch x := p.(type) {
	case *plan.SeqScan, *plan.IndexScan, *plan.IndexOnlyScan, *plan.BitmapHeapScan, *plan.TidScan, *plan.TidRangeScan:
		return true
	case *plan.SubqueryScan:
		return simplyUpdatable(x.Subplan)
	case *plan.Result, *plan.Limit:
		return p.Common().Left != nil && simplyUpdatable(p.Common().Left)
	}
	return false
}

// scansBackward reports whether PostgreSQL could read a plan backwards, which
// makes a cursor scrollable that does not say so.
func scansBackward(p plan.Plan) bool {
	switch x := p.(type) {
	case *plan.SeqScan, *plan.IndexScan, *plan.IndexOnlyScan, *plan.TidScan, *plan.TidRangeScan, *plan.FunctionScan,
		*plan.CteScan, *plan.Material, *plan.Sort:
		return true
	case *plan.ValuesScan:
		return len(x.ValuesLists) > 1 // one row is a Result
	case *plan.SubqueryScan:
		return scansBackward(x.Subplan)
	case *plan.Result, *plan.Limit, *plan.LockRows:
		return p.Common().Left != nil && scansBackward(p.Common().Left)
	case *plan.Append:
		return !slices.ContainsFunc(x.Plans, func(k plan.Plan) bool { return !scansBackward(k) })
	}
	return false
}

// currentOf finds the row that WHERE CURRENT OF means.
func (s *Session) currentOf(cur *node.CurrentOfExpr, rel *access.Relation) (page.TID, bool, error) {
	none := page.TID{}
	state := func(format string, args ...any) (page.TID, bool, error) {
		return none, false, pgerr.New(pgerr.InvalidCursorState, format, args...)
	}
	p := s.portals[cur.CursorName]
	switch {
	case p == nil:
		return none, false, pgerr.New(pgerr.UndefinedCursor, "cursor \"%s\" does not exist", cur.CursorName)
	case p.st.query == nil || p.st.query.CommandType != node.CmdSelect:
		return state("cursor \"%s\" is not a SELECT query", p.name)
	case p.held:
		return state("cursor \"%s\" is held from a previous transaction", p.name)
	}
	var src *rowSource
	marked := len(p.st.query.RowMarks) > 0
	for i := range p.sources {
		if p.sources[i].rel != rel.OID {
			continue
		}
		if src != nil {
			return state("cursor \"%s\" has multiple FOR UPDATE/SHARE references to table \"%s\"", p.name, rel.Name)
		}
		src = &p.sources[i]
	}
	switch {
	case src == nil && marked:
		return state("cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table \"%s\"", p.name, rel.Name)
	case src == nil || !marked && !simplyUpdatable(p.st.plan.Plan):
		return state("cursor \"%s\" is not a simply updatable scan of table \"%s\"", p.name, rel.Name)
	}
	row := p.row
	if p.keep {
		row = nil
		if p.pos >= 1 && p.pos <= len(p.kept) {
			row = p.kept[p.pos-1]
		}
	}
	if row == nil {
		return state("cursor \"%s\" is not positioned on a row", p.name)
	}
	if row[src.col].Null {
		return none, false, nil
	}
	return page.GetTID(row[src.col].Bytes), true, nil
}
