package analyze

import (
	"fmt"
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

func (p *pstate) selectStmt(s *pg.SelectStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdSelect}
	p.with(s.WithClause, q)
	for _, w := range s.WindowClause {
		p.windows = append(p.windows, w.GetWindowDef())
	}
	p.fromClause(s.FromClause)
	q.TargetList = p.targetList(s.TargetList, kindSelectTarget)
	p.markOrigins(q.TargetList)
	var where node.Node
	if s.WhereClause != nil {
		where = p.coerceBoolean(p.expr(s.WhereClause, kindWhere), "WHERE")
	}
	if s.HavingClause != nil {
		q.HavingQual = p.coerceBoolean(p.expr(s.HavingClause, kindHaving), "HAVING")
	}
	q.SortClause = p.sortClause(s.SortClause, &q.TargetList, kindOrderBy, false)
	q.GroupClause = p.groupClause(s.GroupClause, q, &q.TargetList, q.SortClause, kindGroupBy, false)
	q.GroupDistinct = s.GroupDistinct
	switch {
	case len(s.DistinctClause) == 0:
	case s.DistinctClause[0].GetNode() == nil:
		q.DistinctClause = p.distinctClause(q.TargetList, q.SortClause)
	default:
		q.DistinctClause = p.distinctOn(s.DistinctClause, &q.TargetList, q.SortClause)
		q.HasDistinctOn = true
	}
	p.limits(s, q)
	q.WindowClause = p.windowClauses(&q.TargetList)
	if p.resolveUnknowns {
		p.resolveTargets(q.TargetList)
	}
	q.Jointree = &node.FromExpr{Fromlist: p.joinlist, Quals: where}
	p.finish(q)
	p.locking(s.LockingClause, q)
	if p.hasAggs || len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil {
		p.checkGrouping(q)
	}
	return q
}

func (p *pstate) limits(s *pg.SelectStmt, q *node.Query) {
	ties := s.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES
	if ties && len(s.SortClause) == 0 {
		p.fail(-1, pgerr.SyntaxError, "WITH TIES cannot be specified without ORDER BY clause")
	}
	q.LimitOffset = p.limit(s.LimitOffset, kindOffset, ties)
	q.LimitCount = p.limit(s.LimitCount, kindLimit, ties)
	q.LimitOption = node.LimitOptionCount
	if ties {
		q.LimitOption = node.LimitOptionWithTies
	}
}

// locking transforms FOR UPDATE and its kin.
func (p *pstate) locking(l []*pg.Node, q *node.Query) {
	for _, n := range l {
		lc := n.GetLockingClause()
		str := node.LockClauseStrength(lc.Strength - 1)
		name := [...]string{"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[str]
		bad := ""
		switch {
		case q.SetOperations != nil:
			bad = "UNION/INTERSECT/EXCEPT"
		case len(q.DistinctClause) > 0:
			bad = "DISTINCT clause"
		case len(q.GroupClause) > 0 || len(q.GroupingSets) > 0:
			bad = "GROUP BY clause"
		case q.HavingQual != nil:
			bad = "HAVING clause"
		case q.HasAggs:
			bad = "aggregate functions"
		case q.HasWindowFuncs:
			bad = "window functions"
		case q.HasTargetSRFs:
			bad = "set-returning functions in the target list"
		}
		if bad != "" {
			p.fail(-1, pgerr.FeatureNotSupported, "%s is not allowed with %s", name, bad)
		}
		wait := node.LockWaitPolicy(lc.WaitPolicy - 1)
		if len(lc.LockedRels) == 0 {
			for i, r := range p.rtable {
				if r.InFromCl {
					p.lockRTE(q, i+1, str, wait, len(l) > 0)
				}
			}
			continue
		}
		for _, ln := range lc.LockedRels {
			rv := ln.GetRangeVar()
			if rv.Schemaname != "" || rv.Catalogname != "" {
				p.fail(int(rv.Location), pgerr.SyntaxError, "%s must specify unqualified relation names", name)
			}
			found := false
			for i, r := range p.rtable {
				if !r.InFromCl || r.Eref.Aliasname != rv.Relname || r.Rtekind == node.RTEJoin && r.Alias == nil {
					continue
				}
				found = true
				if what := map[node.RTEKind]string{node.RTEJoin: "a join", node.RTEFunction: "a function", node.RTETableFunc: "a table function",
					node.RTEValues: "VALUES", node.RTECTE: "a WITH query"}[r.Rtekind]; what != "" {
					p.fail(int(rv.Location), pgerr.FeatureNotSupported, "%s cannot be applied to %s", name, what)
				}
				p.lockRTE(q, i+1, str, wait, false)
			}
			if !found {
				p.fail(int(rv.Location), pgerr.UndefinedTable, `relation "%s" in %s clause not found in FROM clause`, rv.Relname, name)
			}
		}
	}
}

func (p *pstate) lockRTE(q *node.Query, index int, s node.LockClauseStrength, w node.LockWaitPolicy, pushed bool) {
	r := p.rtable[index-1]
	pushedDown := false
	_ = pushed
	switch r.Rtekind {
	case node.RTERelation:
		r.RequiredPerms |= node.AclUpdate
		r.Rellockmode = 2
	case node.RTESubquery:
		sub := r.Subquery
		for i, sr := range sub.Rtable {
			if sr.InFromCl && (sr.Rtekind == node.RTERelation || sr.Rtekind == node.RTESubquery) {
				(&pstate{analyzer: p.analyzer, rtable: sub.Rtable}).lockRTE(sub, i+1, s, w, true)
				for _, m := range sub.RowMarks {
					m.PushedDown = true
				}
			}
		}
	default:
		return
	}
	q.HasForUpdate = true
	for _, m := range q.RowMarks {
		if m.Rti == index {
			m.Strength = max(m.Strength, s)
			m.WaitPolicy = max(m.WaitPolicy, w)
			return
		}
	}
	q.RowMarks = append(q.RowMarks, &node.RowMarkClause{Rti: index, Strength: s, WaitPolicy: w, PushedDown: pushedDown})
}

// valuesStmt transforms VALUES as a query.
func (p *pstate) valuesStmt(s *pg.SelectStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdSelect}
	p.with(s.WithClause, q)
	rows := p.valueRows(s.ValuesLists, kindValues)
	n := len(rows[0])
	types, mods, colls := make([]oid.OID, n), make([]int32, n), make([]oid.OID, n)
	for i := range n {
		col := make([]node.Node, len(rows))
		for j := range rows {
			col[j] = rows[j][i]
		}
		t := p.commonType(col, "VALUES")
		for j := range rows {
			rows[j][i] = p.toCommon(rows[j][i], t, "VALUES")
			col[j] = rows[j][i]
		}
		types[i], mods[i] = t, p.commonTypmod(col, t)
		colls[i] = p.commonCollation(col, true)
	}
	p.nextResno = 1
	it := p.valuesItem(rows, types, mods, colls)
	it.rte.InFromCl = true
	p.joinlist = append(p.joinlist, &node.RangeTblRef{Rtindex: it.index})
	p.namespace = append(p.namespace, it)
	q.TargetList = p.expandItem(p, it, 0, -1)
	for _, te := range q.TargetList {
		te.Expr.(*node.Var).Location = -1
	}
	q.SortClause = p.sortClause(s.SortClause, &q.TargetList, kindOrderBy, false)
	p.limits(s, q)
	if len(s.LockingClause) > 0 {
		p.fail(-1, pgerr.FeatureNotSupported, "FOR UPDATE cannot be applied to VALUES")
	}
	q.Jointree = &node.FromExpr{Fromlist: p.joinlist}
	p.finish(q)
	return q
}

func (p *pstate) valueRows(l []*pg.Node, k exprKind) [][]node.Node {
	var rows [][]node.Node
	for _, n := range l {
		items := n.GetList().GetItems()
		if k == kindValues {
			for _, x := range items {
				if d := x.GetSetToDefault(); d != nil && !p.insert {
					p.fail(int(d.Location), pgerr.SyntaxError, "DEFAULT is not allowed in this context")
				}
			}
		}
		row := p.expandList(items, k)
		if len(rows) > 0 && len(row) != len(rows[0]) {
			p.fail(node.ExprLocation(node.List(row)), pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		for _, e := range row {
			p.assignExprCollations(e)
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *pstate) valuesItem(rows [][]node.Node, types []oid.OID, mods []int32, colls []oid.OID) *nsItem {
	r := &node.RangeTblEntry{Rtekind: node.RTEValues, ValuesLists: rows, Coltypes: types, Coltypmods: mods, Colcollations: colls}
	e := &node.Alias{Aliasname: "*VALUES*"}
	for i := range types {
		e.Colnames = append(e.Colnames, fmt.Sprintf("column%d", i+1))
	}
	r.Eref = e
	for _, row := range rows {
		for _, x := range row {
			r.Lateral = r.Lateral || hasVar(x)
		}
	}
	return p.addRTE(r, types, mods, colls)
}

// setOperationStmt transforms UNION, INTERSECT and EXCEPT.
func (p *pstate) setOperationStmt(s *pg.SelectStmt) *node.Query {
	q := &node.Query{CommandType: node.CmdSelect}
	p.with(s.WithClause, q)
	if len(s.LockingClause) > 0 {
		p.fail(-1, pgerr.FeatureNotSupported, "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT")
	}
	tree, _ := p.setTree(&pg.SelectStmt{Op: s.Op, All: s.All, Larg: s.Larg, Rarg: s.Rarg}, true)
	so := tree.(*node.SetOperationStmt)
	q.SetOperations = so
	left := tree
	for {
		x, ok := left.(*node.SetOperationStmt)
		if !ok {
			break
		}
		left = x.Larg
	}
	first := left.(*node.RangeTblRef).Rtindex
	lq := p.rtable[first-1].Subquery
	var names []string
	i := 0
	item := &nsItem{colVisible: true, lateralOK: true}
	for _, te := range lq.TargetList {
		if te.Resjunk {
			continue
		}
		v := &node.Var{Varno: first, Varattno: te.Resno, Vartype: so.ColTypes[i], Vartypmod: so.ColTypmods[i], Varcollid: so.ColCollations[i],
			Varnosyn: first, Varattnosyn: te.Resno, Location: node.Location(node.ExprLocation(te.Expr))}
		q.TargetList = append(q.TargetList, p.entry(v, te.Resname))
		names = append(names, te.Resname)
		item.cols = append(item.cols, nsColumn{varno: first, attno: te.Resno, typ: v.Vartype, mod: v.Vartypmod, coll: v.Varcollid, varnosyn: first, attnosyn: te.Resno})
		i++
	}
	item.names = &node.Alias{Aliasname: "*RESULT*", Colnames: names}
	item.rte = &node.RangeTblEntry{Rtekind: node.RTEJoin, Eref: item.names}
	old := p.namespace
	p.namespace = []*nsItem{item}
	n := len(q.TargetList)
	q.SortClause = p.sortClause(s.SortClause, &q.TargetList, kindOrderBy, false)
	p.namespace = old
	if len(q.TargetList) > n {
		p.throw(p.err(node.ExprLocation(q.TargetList[n].Expr), pgerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
			WithDetail("Only result column names can be used, not expressions or functions.").
			WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause."))
	}
	p.limits(s, q)
	q.Jointree = &node.FromExpr{}
	p.finish(q)
	return q
}

// setTree transforms one arm: the node and its columns (as expressions that
// carry type, modifier and location).
func (p *pstate) setTree(s *pg.SelectStmt, top bool) (node.Node, []*node.TargetEntry) {
	if s.IntoClause != nil {
		p.fail(-1, pgerr.SyntaxError, "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT")
	}
	leaf := s.Op == pg.SetOperation_SETOP_NONE || s.Op == 0 || len(s.SortClause) > 0 || s.LimitOffset != nil || s.LimitCount != nil || len(s.LockingClause) > 0 || s.WithClause != nil
	if leaf && !top {
		q := p.subquery(&pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s}}, nil, false, false)
		p.checkOuter(q)
		r := p.queryItem(q, nil, false, false)
		r.rte.Eref.Aliasname = fmt.Sprintf("*SELECT* %d", len(p.rtable))
		r.rte.Alias = &node.Alias{Aliasname: r.rte.Eref.Aliasname}
		var cols []*node.TargetEntry
		for _, te := range q.TargetList {
			if !te.Resjunk {
				cols = append(cols, te)
			}
		}
		return &node.RangeTblRef{Rtindex: r.index}, cols
	}
	op := &node.SetOperationStmt{Op: node.SetOperation(s.Op - 1), All: s.All}
	context := [...]string{"", "UNION", "INTERSECT", "EXCEPT"}[op.Op]
	var lc, rc []*node.TargetEntry
	op.Larg, lc = p.setTree(s.Larg, false)
	if top && p.parentCTE != nil && p.parentCTE.Cterecursive {
		p.recursiveColumns(lc)
	}
	op.Rarg, rc = p.setTree(s.Rarg, false)
	if len(lc) != len(rc) {
		p.fail(node.ExprLocation(list(rc)), pgerr.SyntaxError, "each %s query must have the same number of columns", context)
	}
	var out []*node.TargetEntry
	for i := range lc {
		l, r := lc[i].Expr, rc[i].Expr
		t := p.commonType([]node.Node{l, r}, context)
		at := node.ExprLocation(l)
		if node.ExprType(l) == oid.Unknown || !isVarOrSet(l) {
			l = p.toCommon(l, t, context)
			if _, ok := lc[i].Expr.(*node.SetToDefault); !ok && node.ExprType(lc[i].Expr) == oid.Unknown {
				lc[i].Expr = l
			}
		} else if !p.can(node.ExprType(l), t, node.CoercionImplicit) {
			p.toCommon(l, t, context)
		}
		if node.ExprType(r) == oid.Unknown {
			r = p.toCommon(r, t, context)
			rc[i].Expr = r
		} else if !p.can(node.ExprType(r), t, node.CoercionImplicit) {
			p.toCommon(r, t, context)
		}
		mod := p.commonTypmod([]node.Node{l, r}, t)
		coll := p.commonCollation([]node.Node{l, r}, op.Op == node.SetOpUnion && op.All)
		op.ColTypes, op.ColTypmods, op.ColCollations = append(op.ColTypes, t), append(op.ColTypmods, mod), append(op.ColCollations, coll)
		if op.Op != node.SetOpUnion || !op.All {
			rec := p.parentCTE != nil && p.parentCTE.Cterecursive && top
			o := p.groupOperators(t, false, true, false, at)
			_ = rec
			op.GroupClauses = append(op.GroupClauses, &node.SortGroupClause{Eqop: o.eq, Sortop: o.lt, Hashable: o.hashable})
		}
		out = append(out, &node.TargetEntry{Expr: &node.SetToDefault{TypeId: t, TypeMod: mod, Collation: coll, Location: node.Location(at)}, Resname: lc[i].Resname})
	}
	return op, out
}

func isVarOrSet(n node.Node) bool {
	switch n.(type) {
	case *node.Var, *node.SetToDefault:
		return true
	}
	return false
}

func list(l []*node.TargetEntry) node.List {
	var out node.List
	for _, te := range l {
		out = append(out, te.Expr)
	}
	return out
}

func (p *pstate) checkOuter(q *node.Query) {
	if len(p.namespace) == 0 {
		return
	}
	node.WalkLevels(q, func(n node.Node, level int) bool {
		if v, ok := n.(*node.Var); ok && v.Varlevelsup == level+1 {
			p.fail(int(v.Location), pgerr.InvalidColumnReference, "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level")
		}
		return true
	})
}

// with transforms WITH.
func (p *pstate) with(w *pg.WithClause, q *node.Query) {
	if w == nil {
		return
	}
	q.HasRecursive = w.Recursive
	var all []*pg.CommonTableExpr
	for _, n := range w.Ctes {
		c := n.GetCommonTableExpr()
		for _, o := range all {
			if o.Ctename == c.Ctename {
				p.fail(int(c.Location), pgerr.DuplicateAlias, `WITH query name "%s" specified more than once`, c.Ctename)
			}
		}
		all = append(all, c)
		if c.Ctequery.GetMergeStmt() != nil {
			p.fail(int(c.Location), pgerr.FeatureNotSupported, "MERGE not supported in WITH query")
		}
		if c.Ctequery.GetSelectStmt() == nil {
			p.hasModifyingCTE = true
			if p.parent != nil {
				p.fail(int(c.Location), pgerr.FeatureNotSupported, "WITH clause containing a data-modifying statement must be at the top level")
			}
		}
	}
	if !w.Recursive {
		p.future = all
	}
	for _, c := range all {
		e := &node.CommonTableExpr{Ctename: c.Ctename, Aliascolnames: nilIfEmpty(strs(c.Aliascolnames)),
			Ctematerialized: node.CTEMaterialize(c.Ctematerialized - 1), Location: loc(c.Location)}
		if w.Recursive {
			e.Cterecursive = refersTo(c.Ctequery, c.Ctename)
			p.ctes = append(p.ctes, e)
		}
		p.analyzeCTE(e, c)
		if !w.Recursive {
			p.ctes = append(p.ctes, e)
			p.future = p.future[1:]
		}
	}
}

func refersTo(n *pg.Node, name string) bool { return reference(n, name) >= 0 }

// reference is where n names an unqualified table; -1 if nowhere.
func reference(n *pg.Node, name string) int {
	at := -1
	rawAny(n.ProtoReflect(), func(v any) bool {
		rv, ok := v.(*pg.RangeVar)
		if ok = ok && rv.Schemaname == "" && rv.Relname == name; ok {
			at = int(rv.Location)
		}
		return ok
	})
	return at
}

func (p *pstate) analyzeCTE(e *node.CommonTableExpr, c *pg.CommonTableExpr) {
	if e.Cterecursive {
		s := c.Ctequery.GetSelectStmt()
		if s == nil || s.Op != pg.SetOperation_SETOP_UNION {
			p.fail(int(c.Location), pgerr.InvalidRecursion, `recursive query "%s" does not have the form non-recursive-term UNION [ALL] recursive-term`, c.Ctename)
		}
		if at := reference(&pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s.Larg}}, c.Ctename); at >= 0 {
			p.fail(at, pgerr.InvalidRecursion, `recursive reference to query "%s" must not appear within its non-recursive term`, c.Ctename)
		}
		p.checkRecursion(s, c.Ctename)
	}
	p.searchCycle(e, c)
	q := p.subquery(c.Ctequery, e, false, true)
	if q.CommandType == node.CmdUtility {
		p.fail(int(c.Location), pgerr.InternalError, "unexpected utility statement in WITH")
	}
	q.CanSetTag = false
	e.Ctequery = q
	tl := q.TargetList
	if q.CommandType != node.CmdSelect {
		tl = q.ReturningList
	}
	names, types, mods, colls := e.Ctecolnames, e.Ctecoltypes, e.Ctecoltypmods, e.Ctecolcollations
	e.Ctecolnames, e.Ctecoltypes, e.Ctecoltypmods, e.Ctecolcollations = nil, nil, nil, nil
	p.cteColumns(e, tl)
	if e.Cterecursive {
		for i := range types {
			if i >= len(e.Ctecoltypes) {
				break
			}
			if types[i] != e.Ctecoltypes[i] || mods[i] != e.Ctecoltypmods[i] {
				p.throw(p.err(node.ExprLocation(tl[i].Expr), pgerr.DatatypeMismatch,
					`recursive query "%s" column %d has type %s in non-recursive term but type %s overall`, e.Ctename, i+1,
					p.typeNameMod(types[i], mods[i]), p.typeNameMod(e.Ctecoltypes[i], e.Ctecoltypmods[i])).
					WithHint("Cast the output of the non-recursive term to the correct type."))
			}
			_ = colls
		}
		_ = names
	}
	p.checkSearchCycle(e)
}

func (p *pstate) cteColumns(e *node.CommonTableExpr, tl []*node.TargetEntry) {
	i := 0
	for _, te := range tl {
		if te.Resjunk {
			continue
		}
		name := te.Resname
		if i < len(e.Aliascolnames) {
			name = e.Aliascolnames[i]
		}
		i++
		t, mod, coll := node.ExprType(te.Expr), node.ExprTypmod(te.Expr), node.ExprCollation(te.Expr)
		if e.Cterecursive && t == oid.Unknown {
			t, mod, coll = oid.Text, -1, oid.DefaultCollation
		}
		e.Ctecolnames, e.Ctecoltypes = append(e.Ctecolnames, name), append(e.Ctecoltypes, t)
		e.Ctecoltypmods, e.Ctecolcollations = append(e.Ctecoltypmods, mod), append(e.Ctecolcollations, coll)
	}
	if len(e.Aliascolnames) > i {
		p.fail(int(e.Location), pgerr.InvalidColumnReference, `WITH query "%s" has %d columns available but %d columns specified`, e.Ctename, i, len(e.Aliascolnames))
	}
}

// recursiveColumns fixes a recursive item's columns by its first arm.
func (p *pstate) recursiveColumns(l []*node.TargetEntry) { p.cteColumns(p.parentCTE, l) }

// cteRef makes the item of a name that is a WITH item; nil if none is.
func (p *pstate) cteRef(v *pg.RangeVar, alias *node.Alias) *nsItem {
	up := 0
	for q := p; q != nil; q, up = q.parent, up+1 {
		for _, e := range q.ctes {
			if e.Ctename == v.Relname {
				return p.cteItem(e, up, alias, int(v.Location))
			}
		}
	}
	return nil
}

func (p *pstate) cteOf(r *node.RangeTblEntry) *node.CommonTableExpr {
	for _, e := range p.levelsUp(r.Ctelevelsup).ctes {
		if e.Ctename == r.Ctename {
			return e
		}
	}
	return nil
}

func (p *pstate) cteItem(e *node.CommonTableExpr, up int, alias *node.Alias, at int) *nsItem {
	self := e.Ctequery == nil
	if !self {
		e.Cterefcount++
		if q := e.Ctequery.(*node.Query); q.CommandType != node.CmdSelect && len(q.ReturningList) == 0 {
			p.fail(at, pgerr.FeatureNotSupported, `WITH query "%s" does not have a RETURNING clause`, e.Ctename)
		}
	}
	r := &node.RangeTblEntry{Rtekind: node.RTECTE, Ctename: e.Ctename, Ctelevelsup: up, SelfReference: self, Alias: alias, InFromCl: true,
		Coltypes: slices.Clone(e.Ctecoltypes), Coltypmods: slices.Clone(e.Ctecoltypmods), Colcollations: slices.Clone(e.Ctecolcollations)}
	r.Eref = p.eref(alias, e.Ctename, e.Ctecolnames, "table", at)
	added := addedColumns(e)
	for _, k := range added {
		r.Eref.Colnames = append(r.Eref.Colnames, k.name)
		r.Coltypes, r.Coltypmods, r.Colcollations = append(r.Coltypes, k.typ), append(r.Coltypmods, k.mod), append(r.Colcollations, k.coll)
	}
	it := p.addRTE(r, r.Coltypes, r.Coltypmods, r.Colcollations)
	if up > 0 {
		for i := range added {
			it.cols[len(it.cols)-1-i].noStar = true
		}
	}
	return it
}
