package analyze

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// targetTable opens the table that a statement changes.
func (p *pstate) targetTable(v *pg.RangeVar, inh, visible bool, perm node.AclMode) *Relation {
	if p.cteRefName(v) {
		p.fail(int(v.Location), pgerr.UndefinedTable, `relation "%s" cannot be the target of a modifying statement`, v.Relname)
	}
	rel := p.relation(v)
	p.checkRelKind(rel, int(v.Location))
	it := p.relationItem(rel, aliasOf(v.Alias), inh, false, 3)
	it.rte.RequiredPerms = perm
	p.target = it
	if visible {
		p.namespace = append(p.namespace, it)
		p.joinlist = append(p.joinlist, &node.RangeTblRef{Rtindex: it.index})
	}
	return rel
}

func (p *pstate) cteRefName(v *pg.RangeVar) bool {
	if v.Schemaname != "" {
		return false
	}
	for q := p; q != nil; q = q.parent {
		for _, e := range q.ctes {
			if e.Ctename == v.Relname {
				return true
			}
		}
	}
	return false
}

func (p *pstate) deleteStmt(s *pg.DeleteStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdDelete}
	p.with(s.WithClause, q)
	p.targetTable(s.Relation, s.Relation.Inh, true, node.AclDelete)
	q.ResultRelation = p.target.index
	p.fromAfterTarget(s.UsingClause)
	var where node.Node
	if s.WhereClause != nil {
		where = p.coerceBoolean(p.expr(s.WhereClause, kindWhere), "WHERE")
	}
	q.ReturningList = p.returning(s.ReturningList)
	q.Jointree = &node.FromExpr{Fromlist: p.joinlist, Quals: where}
	p.finish(q)
	return q
}

// fromAfterTarget transforms FROM or USING beside a target table.
func (p *pstate) fromAfterTarget(l []*pg.Node) {
	p.target.lateralOnly, p.target.lateralOK = true, false
	p.fromClause(l)
	p.target.lateralOnly, p.target.lateralOK = false, true
}

func (p *pstate) returning(l []*pg.Node) []*node.TargetEntry {
	if len(l) == 0 {
		return nil
	}
	save := p.nextResno
	p.nextResno = 1
	tl := p.targetList(l, kindReturning)
	p.nextResno = save
	if len(tl) == 0 {
		p.fail(-1, pgerr.SyntaxError, "RETURNING must have at least one column")
	}
	p.markOrigins(tl)
	p.resolveTargets(tl)
	return tl
}

func (p *pstate) updateStmt(s *pg.UpdateStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdUpdate}
	p.with(s.WithClause, q)
	rel := p.targetTable(s.Relation, s.Relation.Inh, true, node.AclUpdate)
	q.ResultRelation = p.target.index
	p.fromAfterTarget(s.FromClause)
	var where node.Node
	if s.WhereClause != nil {
		where = p.coerceBoolean(p.expr(s.WhereClause, kindWhere), "WHERE")
	}
	q.ReturningList = p.returning(s.ReturningList)
	q.TargetList = p.assignTargets(rel, s.TargetList, p.updateTargets(s.TargetList))
	q.Jointree = &node.FromExpr{Fromlist: p.joinlist, Quals: where}
	p.finish(q)
	return q
}

// updateTargets transforms the values of SET. Behind them stand the subqueries of
// SET (a, b) = (SELECT …).
func (p *pstate) updateTargets(l []*pg.Node) []*node.TargetEntry {
	var tl []*node.TargetEntry
	for _, n := range l {
		rt := n.GetResTarget()
		tl = append(tl, p.entry(p.expr(rt.Val, kindUpdateSource), rt.Name))
	}
	return append(tl, p.multi.links...)
}

// assignTargets matches SET's values with the table's columns.
func (p *pstate) assignTargets(rel *Relation, l []*pg.Node, tl []*node.TargetEntry) []*node.TargetEntry {
	p.nextResno = len(rel.Columns) + 1
	for i, n := range l {
		rt := n.GetResTarget()
		te := tl[i]
		at := int(rt.Location)
		no := attno(rel, rt.Name)
		if no == 0 {
			if slices.Contains([]string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}, rt.Name) {
				p.fail(at, pgerr.FeatureNotSupported, `cannot assign to system column "%s"`, rt.Name)
			}
			p.fail(at, pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, rt.Name, rel.Name)
		}
		te.Expr = p.assign(te.Expr, rel, no, rt.Indirection, at, "UPDATE", kindUpdateTarget)
		te.Resno, te.Resname = no, rt.Name
		p.target.rte.UpdatedCols = p.target.rte.UpdatedCols.Add(node.ColumnBit(no))
	}
	for _, te := range tl[len(l):] {
		te.Resno, p.nextResno = p.nextResno, p.nextResno+1
	}
	return tl
}

// attno is a live column's number; 0 if there is none.
func attno(rel *Relation, name string) int {
	for i, c := range rel.Columns {
		if c.Name == name && !c.Dropped {
			return i + 1
		}
	}
	return 0
}

// assign coerces a value for storage into a column.
func (p *pstate) assign(e node.Node, rel *Relation, no int, ind []*pg.Node, at int, what string, k exprKind) node.Node {
	c := rel.Columns[no-1]
	if d, ok := e.(*node.SetToDefault); ok {
		n := *d
		n.TypeId, n.TypeMod, n.Collation = c.Type, c.TypMod, c.Collation
		if len(ind) > 0 {
			if ind[0].GetAIndices() != nil {
				p.fail(at, pgerr.FeatureNotSupported, "cannot set an array element to DEFAULT")
			}
			p.fail(at, pgerr.FeatureNotSupported, "cannot set a subfield to DEFAULT")
		}
		return &n
	}
	from := node.ExprType(e)
	if len(ind) > 0 {
		return p.assignPart(e, rel, no, ind, at, what)
	}
	r := p.coerceTo(e, from, c.Type, c.TypMod, node.CoercionAssignment, node.CoerceImplicitCast, -1)
	if r == nil {
		p.throw(p.err(node.ExprLocation(e), pgerr.DatatypeMismatch, `column "%s" is of type %s but expression is of type %s`, c.Name, p.typeName(c.Type), p.typeName(from)).
			WithHint("You will need to rewrite or cast the expression."))
	}
	return r
}

// assignPart stores into an array element: SET a[i] = ….
func (p *pstate) assignPart(e node.Node, rel *Relation, no int, ind []*pg.Node, at int, what string) node.Node {
	c := rel.Columns[no-1]
	var subs []*pg.A_Indices
	for _, n := range ind {
		i := n.GetAIndices()
		if i == nil {
			p.notYet(at, "assignment to a field of a composite column")
		}
		subs = append(subs, i)
	}
	var base node.Node
	if what == "INSERT" {
		base = p.null(c.Type, c.TypMod, c.Collation)
	} else {
		base = &node.Var{Varno: p.target.index, Varattno: no, Vartype: c.Type, Vartypmod: c.TypMod, Varcollid: c.Collation,
			Varnosyn: p.target.index, Varattnosyn: no, Location: node.Location(at)}
	}
	old := p.kind
	p.kind = kindUpdateTarget
	r := p.subscript(base, subs).(*node.SubscriptingRef)
	p.kind = old
	from := node.ExprType(e)
	v := p.coerceTo(e, from, r.Refrestype, r.Reftypmod, node.CoercionAssignment, node.CoerceImplicitCast, -1)
	if v == nil {
		p.throw(p.err(at, pgerr.DatatypeMismatch, `subscripted assignment to "%s" requires type %s but expression is of type %s`, c.Name, p.typeName(r.Refrestype), p.typeName(from)).
			WithHint("You will need to rewrite or cast the expression."))
	}
	r.Refassgnexpr = v
	r.Refrestype = r.Refcontainertype
	return r
}

func (p *pstate) insertStmt(s *pg.InsertStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdInsert, Override: node.OverridingKind(max(s.Override-1, 0))}
	p.insert = true
	p.with(s.WithClause, q)
	perm := node.AclInsert
	update := s.OnConflictClause != nil && s.OnConflictClause.Action == pg.OnConflictAction_ONCONFLICT_UPDATE
	if update {
		perm |= node.AclUpdate
	}
	rel := p.targetTable(s.Relation, false, false, perm)
	q.ResultRelation = p.target.index
	cols, nos := p.insertColumns(rel, s.Cols)
	exprs := p.insertSource(s, q, rel, cols, nos)
	p.target.rte.InsertedCols = nil
	for i, e := range exprs {
		if i >= len(nos) {
			break
		}
		te := &node.TargetEntry{Expr: e, Resno: nos[i], Resname: cols[i].Name}
		q.TargetList = append(q.TargetList, te)
		p.target.rte.InsertedCols = p.target.rte.InsertedCols.Add(node.ColumnBit(nos[i]))
	}
	p.nextResno = len(rel.Columns) + 1
	p.namespaceTarget()
	if s.OnConflictClause != nil {
		q.OnConflict = p.onConflict(s.OnConflictClause, rel)
	}
	p.namespace = nil
	p.namespaceTarget()
	q.ReturningList = p.returning(s.ReturningList)
	q.Jointree = &node.FromExpr{Fromlist: p.joinlist}
	p.finish(q)
	return q
}

func (p *pstate) namespaceTarget() { p.namespace = append(p.namespace, p.target) }

// insertColumn is one target of INSERT.
type insertColumn = pg.ResTarget

func (p *pstate) insertColumns(rel *Relation, l []*pg.Node) (cols []*insertColumn, nos []int) {
	if len(l) == 0 {
		for i, c := range rel.Columns {
			if !c.Dropped {
				cols, nos = append(cols, &pg.ResTarget{Name: c.Name, Location: -1}), append(nos, i+1)
			}
		}
		return
	}
	for _, n := range l {
		rt := n.GetResTarget()
		no := attno(rel, rt.Name)
		if no == 0 {
			p.fail(int(rt.Location), pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, rt.Name, rel.Name)
		}
		if slices.Contains(nos, no) && len(rt.Indirection) == 0 {
			p.fail(int(rt.Location), pgerr.DuplicateColumn, `column "%s" specified more than once`, rt.Name)
		}
		cols, nos = append(cols, rt), append(nos, no)
	}
	return
}

// insertSource transforms what is inserted, to one expression per column.
func (p *pstate) insertSource(s *pg.InsertStmt, q *node.Query, rel *Relation, cols []*insertColumn, nos []int) []node.Node {
	sel := s.SelectStmt.GetSelectStmt()
	given := len(s.Cols) > 0
	switch {
	case sel == nil: // DEFAULT VALUES
		return nil
	case len(sel.ValuesLists) == 1 && len(sel.SortClause) == 0 && sel.LimitCount == nil && sel.LimitOffset == nil && sel.WithClause == nil:
		row := p.expandList(sel.ValuesLists[0].GetList().GetItems(), kindValuesSingle)
		return p.insertRow(row, rel, cols, nos, given)
	case len(sel.ValuesLists) > 1 && len(sel.SortClause) == 0 && sel.LimitCount == nil && sel.LimitOffset == nil && sel.WithClause == nil:
		return p.insertValues(sel, rel, cols, nos, given)
	}
	c := p.newState(p)
	c.ctes, c.parent = nil, p
	c.resolveUnknowns = false
	sub := c.statement(s.SelectStmt)
	it := p.queryItem(sub, &node.Alias{Aliasname: "*SELECT*"}, false, false)
	it.rte.Alias = &node.Alias{Aliasname: "*SELECT*"}
	p.joinlist = append(p.joinlist, &node.RangeTblRef{Rtindex: it.index})
	var row []node.Node
	for _, te := range sub.TargetList {
		if te.Resjunk {
			continue
		}
		switch te.Expr.(type) {
		case *node.Const, *node.Param:
			if node.ExprType(te.Expr) == oid.Unknown {
				row = append(row, te.Expr)
				continue
			}
		}
		row = append(row, &node.Var{Varno: it.index, Varattno: te.Resno, Vartype: node.ExprType(te.Expr), Vartypmod: node.ExprTypmod(te.Expr),
			Varcollid: node.ExprCollation(te.Expr), Varnosyn: it.index, Varattnosyn: te.Resno, Location: node.Location(node.ExprLocation(te.Expr))})
	}
	return p.insertRow(row, rel, cols, nos, given)
}

func (p *pstate) insertRow(row []node.Node, rel *Relation, cols []*insertColumn, nos []int, given bool) []node.Node {
	if len(row) > len(cols) {
		p.fail(node.ExprLocation(row[len(cols)]), pgerr.SyntaxError, "INSERT has more expressions than target columns")
	}
	if given && len(row) < len(cols) {
		e := p.err(int(cols[len(row)].Location), pgerr.SyntaxError, "INSERT has more target columns than expressions")
		if r, ok := oneRow(row); ok && len(r) == len(cols) {
			e.WithHint("The insertion source is a row expression containing the same number of columns expected by the INSERT. Did you accidentally use extra parentheses?")
		}
		p.throw(e)
	}
	out := make([]node.Node, len(row))
	for i, e := range row {
		out[i] = p.assign(e, rel, nos[i], cols[i].Indirection, int(cols[i].Location), "INSERT", kindInsertTarget)
	}
	return out
}

func oneRow(row []node.Node) ([]node.Node, bool) {
	if len(row) != 1 {
		return nil, false
	}
	r, ok := row[0].(*node.RowExpr)
	if !ok {
		return nil, false
	}
	return r.Args, true
}

// insertValues is INSERT of several VALUES rows.
func (p *pstate) insertValues(sel *pg.SelectStmt, rel *Relation, cols []*insertColumn, nos []int, given bool) []node.Node {
	rows := p.valueRows(sel.ValuesLists, kindValues)
	for i, r := range rows {
		rows[i] = p.insertRow(r, rel, cols, nos, given)
		for _, e := range rows[i] {
			p.assignExprCollations(e)
		}
	}
	n := len(rows[0])
	types, mods, colls := make([]oid.OID, n), make([]int32, n), make([]oid.OID, n)
	for i := range n {
		e := rows[0][i]
		types[i], mods[i] = node.ExprType(e), node.ExprTypmod(e)
		for _, r := range rows {
			if node.ExprTypmod(r[i]) != mods[i] {
				mods[i] = -1
			}
		}
	}
	it := p.valuesItem(rows, types, mods, colls)
	p.joinlist = append(p.joinlist, &node.RangeTblRef{Rtindex: it.index})
	var out []node.Node
	for i := range n {
		v := plainVar(it.cols[i])
		out = append(out, p.assign(v, rel, nos[i], nil, -1, "INSERT", kindInsertTarget))
	}
	return out
}

// onConflict transforms ON CONFLICT.
func (p *pstate) onConflict(x *pg.OnConflictClause, rel *Relation) *node.OnConflictExpr {
	c := &node.OnConflictExpr{Action: node.OnConflictAction(x.Action - 1)}
	if x.Infer == nil && c.Action == node.OnConflictUpdate {
		p.throw(p.err(int(x.Location), pgerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
			WithHint("For example, ON CONFLICT (column_name)."))
	}
	if in := x.Infer; in != nil {
		for _, n := range in.IndexElems {
			c.ArbiterElems = append(c.ArbiterElems, p.inferenceElem(n.GetIndexElem(), int(in.Location)))
		}
		if in.WhereClause != nil {
			c.ArbiterWhere = p.coerceBoolean(p.expr(in.WhereClause, kindIndexPred), "WHERE")
		}
		if in.Conname != "" {
			if c.Constraint = must(p.cat.ConstraintByName(rel.OID, in.Conname)); c.Constraint == 0 {
				p.fail(-1, pgerr.UndefinedObject, `constraint "%s" for table "%s" does not exist`, in.Conname, rel.Name)
			}
		}
	}
	if c.Action != node.OnConflictUpdate {
		return c
	}
	p.namespace = nil
	excl := p.relationItem(rel, &node.Alias{Aliasname: "excluded"}, false, false, 3)
	excl.rte.Relkind, excl.rte.RequiredPerms = 'c', 0
	c.ExclRelIndex = excl.index
	c.ExclRelTlist = p.excludedTargets(rel, excl.index)
	p.namespace = append(p.namespace, p.target, excl)
	for _, it := range p.namespace {
		it.lateralOnly = false
	}
	c.OnConflictSet = p.assignTargets(rel, x.TargetList, p.updateTargets(x.TargetList))
	if x.WhereClause != nil {
		c.OnConflictWhere = p.coerceBoolean(p.expr(x.WhereClause, kindWhere), "WHERE")
	}
	excl.rte.RequiredPerms, excl.rte.SelectedCols = 0, nil
	return c
}

func (p *pstate) excludedTargets(rel *Relation, index int) []*node.TargetEntry {
	var tl []*node.TargetEntry
	for i, c := range rel.Columns {
		te := &node.TargetEntry{Resno: i + 1, Resname: c.Name}
		if c.Dropped {
			te.Expr, te.Resname = p.null(oid.Int4, -1, 0), ""
		} else {
			te.Expr = &node.Var{Varno: index, Varattno: i + 1, Vartype: c.Type, Vartypmod: c.TypMod, Varcollid: c.Collation,
				Varnosyn: index, Varattnosyn: i + 1, Location: -1}
		}
		tl = append(tl, te)
	}
	return append(tl, &node.TargetEntry{Resjunk: true, Expr: &node.Var{Varno: index, Vartype: rel.Type, Vartypmod: -1, Varnosyn: index, Location: -1}})
}

func (p *pstate) inferenceElem(x *pg.IndexElem, at int) *node.InferenceElem {
	e := &node.InferenceElem{}
	if x.Ordering != pg.SortByDir_SORTBY_DEFAULT && x.Ordering != 0 {
		p.fail(-1, pgerr.InvalidColumnReference, "ASC/DESC is not allowed in ON CONFLICT clause")
	}
	if x.NullsOrdering != pg.SortByNulls_SORTBY_NULLS_DEFAULT && x.NullsOrdering != 0 {
		p.fail(-1, pgerr.InvalidColumnReference, "NULLS FIRST/LAST is not allowed in ON CONFLICT clause")
	}
	if x.Name != "" {
		if e.Expr = p.column(x.Name, at); e.Expr == nil {
			p.noColumn("", x.Name, at)
		}
	} else {
		e.Expr = p.expr(x.Expr, kindIndexExpr)
	}
	if len(x.Collation) > 0 {
		e.Infercollid = p.collation(x.Collation, -1)
	}
	if len(x.Opclass) > 0 {
		p.notYet(-1, "an operator class in ON CONFLICT")
	}
	return e
}
