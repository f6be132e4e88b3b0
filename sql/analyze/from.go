package analyze

import (
	"fmt"
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// fromClause transforms FROM: range table, join list and namespace of p.
func (p *pstate) fromClause(l []*pg.Node) {
	for _, n := range l {
		j, _, items := p.fromItem(n)
		p.checkNames(p.namespace, items)
		setLateral(items, true, true)
		p.joinlist = append(p.joinlist, j)
		p.namespace = append(p.namespace, items...)
	}
	setLateral(p.namespace, false, true)
}

func setLateral(items []*nsItem, only, ok bool) {
	for _, it := range items {
		it.lateralOnly, it.lateralOK = only, ok
	}
}

func (p *pstate) checkNames(a, b []*nsItem) {
	for _, x := range a {
		for _, y := range b {
			if !x.relVisible || !y.relVisible || x.names.Aliasname != y.names.Aliasname {
				continue
			}
			if x.rte.Rtekind == node.RTERelation && x.rte.Alias == nil && y.rte.Rtekind == node.RTERelation && y.rte.Alias == nil && x.rte.Relid != y.rte.Relid {
				continue
			}
			p.fail(-1, pgerr.DuplicateAlias, `table name "%s" specified more than once`, y.names.Aliasname)
		}
	}
}

func aliasOf(a *pg.Alias) *node.Alias {
	if a == nil {
		return nil
	}
	return &node.Alias{Aliasname: a.Aliasname, Colnames: nilIfEmpty(strs(a.Colnames))}
}

func nilIfEmpty(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

// fromItem transforms one FROM item: its place in the join tree, its own item
// and all items that it brings into scope.
func (p *pstate) fromItem(n *pg.Node) (node.Node, *nsItem, []*nsItem) {
	var it *nsItem
	switch x := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		it = p.rangeVar(x.RangeVar)
	case *pg.Node_RangeSubselect:
		it = p.rangeSubselect(x.RangeSubselect)
	case *pg.Node_RangeFunction:
		it = p.rangeFunction(x.RangeFunction)
	case *pg.Node_JoinExpr:
		return p.join(x.JoinExpr)
	case *pg.Node_RangeTableSample:
		p.tableSample(x.RangeTableSample)
	default:
		p.notYet(-1, "this FROM item")
	}
	return &node.RangeTblRef{Rtindex: it.index}, it, []*nsItem{it}
}

// eref makes the expanded alias: written names first, then the real ones.
func (p *pstate) eref(alias *node.Alias, name string, cols []string, kind string, at int) *node.Alias {
	e := &node.Alias{Aliasname: name, Colnames: slices.Clone(cols)}
	if alias == nil {
		return e
	}
	e.Aliasname = alias.Aliasname
	live := 0
	for _, c := range cols {
		if c != "" {
			live++
		}
	}
	if len(alias.Colnames) > live {
		if kind == "join" {
			p.fail(-1, pgerr.SyntaxError, `column alias list for "%s" has too many entries`, e.Aliasname)
		}
		p.fail(-1, pgerr.InvalidColumnReference, `table "%s" has %d columns available but %d columns specified`, e.Aliasname, live, len(alias.Colnames))
	}
	j := 0
	for i, c := range cols {
		if c != "" && j < len(alias.Colnames) {
			e.Colnames[i] = alias.Colnames[j]
			j++
		}
	}
	return e
}

func (p *pstate) rangeVar(v *pg.RangeVar) *nsItem {
	at := int(v.Location)
	alias := aliasOf(v.Alias)
	if v.Schemaname == "" && v.Catalogname == "" {
		if it := p.cteRef(v, alias); it != nil {
			return it
		}
	}
	rel := p.relation(v)
	p.checkRelKind(rel, at)
	return p.relationItem(rel, alias, v.Inh, true, 1)
}

func (p *pstate) checkRelKind(rel *Relation, at int) {
	switch rel.Kind {
	case 'i', 'I':
		p.fail(at, pgerr.WrongObjectType, `cannot open relation "%s"`, rel.Name)
	case 'c':
		p.throw(p.err(at, pgerr.WrongObjectType, `cannot open relation "%s"`, rel.Name).WithDetail("This operation is not supported for composite types."))
	}
}

// relation opens the table that a RangeVar names.
func (p *pstate) relation(v *pg.RangeVar) *Relation {
	at := int(v.Location)
	if v.Catalogname != "" && v.Catalogname != p.cat.DatabaseName() {
		p.fail(at, pgerr.FeatureNotSupported, `cross-database references are not implemented: "%s.%s.%s"`, v.Catalogname, v.Schemaname, v.Relname)
	}
	rel := must(p.cat.Relation(v.Schemaname, v.Relname))
	if rel != nil {
		return rel
	}
	if v.Schemaname != "" {
		p.fail(at, pgerr.UndefinedTable, `relation "%s.%s" does not exist`, v.Schemaname, v.Relname)
	}
	e := p.err(at, pgerr.UndefinedTable, `relation "%s" does not exist`, v.Relname)
	for q := p; q != nil; q = q.parent {
		for _, f := range q.future {
			if f.Ctename == v.Relname {
				e.WithDetail(`There is a WITH item named "%s", but it cannot be referenced from this part of the query.`, v.Relname).
					WithHint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
			}
		}
	}
	p.throw(e)
	return nil
}

// relationItem adds a table: lockmode is PostgreSQL's number.
func (p *pstate) relationItem(rel *Relation, alias *node.Alias, inh, inFrom bool, lockmode int) *nsItem {
	r := &node.RangeTblEntry{Rtekind: node.RTERelation, Relid: rel.OID, Relkind: node.Char(rel.Kind), Rellockmode: lockmode,
		Alias: alias, Inh: inh, InFromCl: inFrom, RequiredPerms: node.AclSelect}
	names := make([]string, len(rel.Columns))
	types, mods, colls := make([]oid.OID, len(names)), make([]int32, len(names)), make([]oid.OID, len(names))
	for i, c := range rel.Columns {
		if !c.Dropped {
			names[i], types[i], mods[i], colls[i] = c.Name, c.Type, c.TypMod, c.Collation
		}
	}
	r.Eref = p.eref(alias, rel.Name, names, "table", -1)
	return p.addRTE(r, types, mods, colls)
}

// queryItem adds a subquery under its alias.
func (p *pstate) queryItem(q *node.Query, alias *node.Alias, lateral, inFrom bool) *nsItem {
	r := &node.RangeTblEntry{Rtekind: node.RTESubquery, Subquery: q, Alias: alias, Lateral: lateral, InFromCl: inFrom}
	var names []string
	var types, colls []oid.OID
	var mods []int32
	for _, te := range q.TargetList {
		if te.Resjunk {
			continue
		}
		names = append(names, te.Resname)
		types = append(types, node.ExprType(te.Expr))
		mods = append(mods, node.ExprTypmod(te.Expr))
		colls = append(colls, node.ExprCollation(te.Expr))
	}
	name := "unnamed_subquery"
	if alias != nil {
		name = alias.Aliasname
	}
	r.Eref = p.eref(alias, name, names, "table", -1)
	return p.addRTE(r, types, mods, colls)
}

func (p *pstate) rangeSubselect(x *pg.RangeSubselect) *nsItem {
	if x.Alias == nil {
		what, hint := "subquery", "SELECT ..."
		if len(x.Subquery.GetSelectStmt().GetValuesLists()) > 0 {
			what, hint = "VALUES", "VALUES ..."
		}
		p.throw(p.err(p.openParen(x.Subquery), pgerr.SyntaxError, "%s in FROM must have an alias", what).
			WithHint("For example, FROM (%s) [AS] foo.", hint))
	}
	old := p.lateralActive
	oldKind := p.kind
	p.lateralActive, p.kind = x.Lateral, kindFromSubselect
	q := p.subquery(x.Subquery, nil, p.lockedBy(x.Alias), true)
	p.lateralActive, p.kind = old, oldKind
	it := p.queryItem(q, aliasOf(x.Alias), x.Lateral, true)
	return it
}

func (p *pstate) lockedBy(*pg.Alias) bool { return false }

// rangeFunction transforms a function in FROM.
func (p *pstate) rangeFunction(x *pg.RangeFunction) *nsItem {
	old := p.lateralActive
	p.lateralActive = true
	r := &node.RangeTblEntry{Rtekind: node.RTEFunction, Alias: aliasOf(x.Alias), Lateral: x.Lateral, InFromCl: true, Funcordinality: x.Ordinality}
	var exprs []node.Node
	var names []string
	var defs [][]*pg.Node
	for _, f := range x.Functions {
		items := f.GetList().GetItems()
		var coldefs []*pg.Node
		if len(items) > 1 {
			coldefs = items[1].GetList().GetItems()
		}
		if fc := items[0].GetFuncCall(); fc != nil && len(fc.Funcname) == 1 && str(fc.Funcname[0]) == "unnest" && len(fc.Args) > 1 &&
			len(fc.AggOrder) == 0 && fc.AggFilter == nil && !fc.AggStar && !fc.AggDistinct && !fc.FuncVariadic && fc.Over == nil && len(coldefs) == 0 {
			for _, a := range fc.Args {
				one := &pg.FuncCall{Funcname: []*pg.Node{pg.MakeStrNode("pg_catalog"), pg.MakeStrNode("unnest")}, Args: []*pg.Node{a}, Location: fc.Location, Funcformat: fc.Funcformat}
				exprs = append(exprs, p.expr(&pg.Node{Node: &pg.Node_FuncCall{FuncCall: one}}, kindFromFunction))
				names, defs = append(names, "unnest"), append(defs, nil)
			}
			continue
		}
		exprs = append(exprs, p.expr(items[0], kindFromFunction))
		names, defs = append(names, p.figureName(items[0])), append(defs, coldefs)
	}
	p.lateralActive = old
	for _, e := range exprs {
		p.assignExprCollations(e)
	}
	if len(x.Coldeflist) > 0 {
		defs[0] = x.Coldeflist
	}
	var cols []string
	var types, colls []oid.OID
	var mods []int32
	for i, e := range exprs {
		f := &node.RangeTblFunction{Funcexpr: e}
		n, t, m, c := p.functionColumns(f, e, names[i], defs[i], r.Alias, len(exprs) == 1)
		cols, types, mods, colls = append(cols, n...), append(types, t...), append(mods, m...), append(colls, c...)
		f.Funccolcount = len(t)
		r.Functions = append(r.Functions, f)
		r.Lateral = r.Lateral || hasVar(e)
	}
	if x.Ordinality {
		cols, types, mods, colls = append(cols, "ordinality"), append(types, oid.Int8), append(mods, -1), append(colls, 0)
	}
	r.Lateral = x.Lateral || r.Lateral
	name := names[0]
	if x.IsRowsfrom && len(exprs) > 1 && r.Alias == nil {
		name = names[0]
	}
	r.Eref = p.eref(r.Alias, name, cols, "table", -1)
	return p.addRTE(r, types, mods, colls)
}

// functionColumns are the columns of one function in FROM.
func (p *pstate) functionColumns(f *node.RangeTblFunction, e node.Node, name string, defs []*pg.Node, alias *node.Alias, only bool) (names []string, types []oid.OID, mods []int32, colls []oid.OID) {
	t := node.ExprType(e)
	at := node.ExprLocation(e)
	add := func(n string, id oid.OID, mod int32, coll oid.OID) {
		names, types, mods, colls = append(names, n), append(types, id), append(mods, mod), append(colls, coll)
	}
	outs := p.outColumns(e)
	if len(defs) > 0 {
		if t != oid.Record {
			p.fail(at, pgerr.SyntaxError, "a column definition list is only allowed for functions returning \"record\"")
		}
		if len(outs) > 0 {
			p.fail(at, pgerr.SyntaxError, "a column definition list is redundant for a function with OUT parameters")
		}
		for _, d := range defs {
			cd := d.GetColumnDef()
			typ, mod := p.resolveType(cd.TypeName)
			add(cd.Colname, typ.OID, mod, typ.Collation)
		}
		f.Funccolnames, f.Funccoltypes, f.Funccoltypmods, f.Funccolcollations = names, types, mods, colls
		return
	}
	switch {
	case len(outs) > 0:
		for _, c := range outs {
			add(c.Name, c.Type, -1, c.Collation)
		}
	case t == oid.Record:
		p.fail(at, pgerr.SyntaxError, "a column definition list is required for functions returning \"record\"")
	case p.composite(t):
		for _, c := range p.rowColumns(p.baseType(t)) {
			if c.Dropped {
				add("", 0, 0, 0)
				continue
			}
			add(c.Name, c.Type, c.TypMod, c.Collation)
		}
	default:
		if only && alias != nil {
			name = alias.Aliasname
		}
		if fe, ok := e.(*node.FuncExpr); ok {
			if n := p.singleOutName(fe.Funcid); n != "" {
				name = n
			}
		}
		if typ := p.typ(t); typ.Kind == 'p' && t != oid.Void && t != oid.Unknown {
			p.fail(at, pgerr.DatatypeMismatch, `function "%s" in FROM has unsupported return type %s`, name, p.typeName(t))
		}
		add(name, t, node.ExprTypmod(e), node.ExprCollation(e))
	}
	return
}

func (p *pstate) singleOutName(fn oid.OID) string {
	f := must(p.cat.Function(fn))
	if f == nil || f.AllArgTypes == nil {
		return ""
	}
	name, n := "", 0
	for i, m := range f.ArgModes {
		if m == 'o' || m == 'b' || m == 't' {
			n++
			if i < len(f.ArgNames) {
				name = f.ArgNames[i]
			}
		}
	}
	if n == 1 {
		return name
	}
	return ""
}

// outColumns are the OUT parameters of a call that returns record.
func (p *pstate) outColumns(e node.Node) []Column {
	fe, ok := e.(*node.FuncExpr)
	if !ok || fe.Funcresulttype != oid.Record {
		return nil
	}
	f := must(p.cat.Function(fe.Funcid))
	if f == nil || f.AllArgTypes == nil {
		return nil
	}
	var declared []oid.OID
	var out []Column
	for i, m := range f.ArgModes {
		if m == 'o' || m == 'b' || m == 't' {
			name := ""
			if i < len(f.ArgNames) {
				name = f.ArgNames[i]
			}
			if name == "" {
				name = fmt.Sprintf("column%d", len(out)+1)
			}
			out = append(out, Column{Name: name, Type: f.AllArgTypes[i], TypMod: -1})
		}
	}
	if len(out) < 2 {
		return nil
	}
	for i := range out {
		if polymorphic(out[i].Type) {
			declared = append([]oid.OID(nil), f.ArgTypes...)
			out[i].Type = p.enforceGenerics(types(fe.Args), declared, out[i].Type, -1)
		}
		if out[i].Collation = p.typ(out[i].Type).Collation; out[i].Collation != 0 && fe.Inputcollid != 0 {
			out[i].Collation = fe.Inputcollid
		}
	}
	return out
}

// join transforms JOIN.
func (p *pstate) join(x *pg.JoinExpr) (node.Node, *nsItem, []*nsItem) {
	jt := node.JoinType(x.Jointype - 1)
	j := &node.JoinExpr{Jointype: jt, IsNatural: x.IsNatural, Alias: aliasOf(x.Alias)}
	larg, left, lns := p.fromItem(x.Larg)
	j.Larg = larg
	ok := jt == node.JoinInner || jt == node.JoinLeft
	setLateral(lns, true, ok)
	depth := len(p.namespace)
	p.namespace = append(p.namespace, lns...)
	rarg, right, rns := p.fromItem(x.Rarg)
	j.Rarg = rarg
	p.namespace = p.namespace[:depth]
	p.checkNames(lns, rns)
	ns := append(slices.Clone(lns), rns...)
	using := strs(x.UsingClause)
	if x.IsNatural {
		for i, n := range left.names.Colnames {
			if n != "" && !left.cols[i].dropped && slices.Contains(right.names.Colnames, n) {
				using = append(using, n)
			}
		}
	}
	b := &joinBuilder{p: p, j: j, left: left, right: right}
	if len(using) > 0 {
		b.merge(using)
		j.UsingClause = using
	} else if x.Quals != nil {
		setLateral(ns, false, true)
		old := p.namespace
		p.namespace = ns
		j.Quals = p.coerceBoolean(p.expr(x.Quals, kindJoinOn), "JOIN/ON")
		p.namespace = old
	}
	return b.finish(x, ns)
}

// joinBuilder collects the output columns of one join.
type joinBuilder struct {
	p           *pstate
	j           *node.JoinExpr
	left, right *nsItem
	names       []string
	vars        []node.Node
	cols        []nsColumn
	lcols       []int
	rcols       []int
	merged      int
}

func (b *joinBuilder) varOf(it *nsItem, i int) *node.Var {
	c := it.cols[i]
	b.p.markRead(c.varno, c.attno)
	return plainVar(c)
}

func plainVar(c nsColumn) *node.Var {
	return &node.Var{Varno: c.varno, Varattno: c.attno, Vartype: c.typ, Vartypmod: c.mod, Varcollid: c.coll,
		Varnosyn: c.varnosyn, Varattnosyn: c.attnosyn, Location: -1}
}

func (b *joinBuilder) find(it *nsItem, name, side string) int {
	found := -1
	for i, n := range it.names.Colnames {
		if n == name && !it.cols[i].dropped {
			if found >= 0 {
				b.p.fail(-1, pgerr.AmbiguousColumn, `common column name "%s" appears more than once in %s table`, name, side)
			}
			found = i
		}
	}
	if found < 0 {
		b.p.fail(-1, pgerr.UndefinedColumn, `column "%s" specified in USING clause does not exist in %s table`, name, side)
	}
	return found
}

func (b *joinBuilder) merge(using []string) {
	p := b.p
	var lv, rv []*node.Var
	var quals []node.Node
	for i, n := range using {
		if slices.Contains(using[:i], n) {
			p.fail(-1, pgerr.DuplicateColumn, `column name "%s" appears more than once in USING clause`, n)
		}
		li, ri := b.find(b.left, n, "left"), b.find(b.right, n, "right")
		b.lcols, b.rcols = append(b.lcols, li+1), append(b.rcols, ri+1)
		lv, rv = append(lv, b.varOf(b.left, li)), append(rv, b.varOf(b.right, ri))
		b.names = append(b.names, n)
	}
	for i := range lv {
		quals = append(quals, p.makeOp(opName("="), lv[i].Copy(), rv[i].Copy(), -1))
	}
	if len(quals) == 1 {
		b.j.Quals = quals[0]
	} else {
		b.j.Quals = &node.BoolExpr{Boolop: node.AndExpr, Args: quals, Location: -1}
	}
	b.j.Quals = p.coerceBoolean(b.j.Quals, "JOIN/USING")
	for i := range lv {
		e := b.mergedVar(lv[i], rv[i])
		p.assignExprCollations(e)
		b.vars = append(b.vars, e)
		if v, ok := e.(*node.Var); ok && (v == lv[i] || v == rv[i]) {
			b.cols = append(b.cols, nsColumn{varno: v.Varno, attno: v.Varattno, typ: v.Vartype, mod: v.Vartypmod, coll: v.Varcollid,
				varnosyn: v.Varno, attnosyn: v.Varattno})
		} else {
			b.cols = append(b.cols, nsColumn{typ: node.ExprType(e), mod: node.ExprTypmod(e), coll: node.ExprCollation(e)})
		}
	}
	b.merged = len(lv)
}

// mergedVar is the value of a USING column of two inputs.
func (b *joinBuilder) mergedVar(l, r *node.Var) node.Node {
	p := b.p
	t, mod := l.Vartype, l.Vartypmod
	if l.Vartype != r.Vartype {
		t = p.commonType([]node.Node{l, r}, "JOIN/USING")
		mod = -1
	} else if l.Vartypmod != r.Vartypmod {
		mod = -1
	}
	conv := func(v *node.Var) node.Node {
		var e node.Node = v
		if v.Vartype != t {
			e = p.coerce(v, v.Vartype, t, mod, node.CoercionImplicit, node.CoerceImplicitCast, -1)
		} else if v.Vartypmod != mod {
			e = relabel(v, t, mod, 0, node.CoerceImplicitCast, -1)
		}
		return e
	}
	ln, rn := conv(l), conv(r)
	switch b.j.Jointype {
	case node.JoinInner:
		if _, ok := ln.(*node.Var); ok {
			return ln
		}
		if _, ok := rn.(*node.Var); ok {
			return rn
		}
		return ln
	case node.JoinLeft:
		return ln
	case node.JoinRight:
		return rn
	}
	return &node.CoalesceExpr{Coalescetype: t, Args: []node.Node{ln, rn}, Location: -1}
}

func (b *joinBuilder) rest(it *nsItem, used []int) []int {
	out := []int(nil)
	for i := range it.names.Colnames {
		if slices.Contains(used, i+1) || it.cols[i].dropped {
			continue
		}
		out = append(out, i+1)
		b.names = append(b.names, it.names.Colnames[i])
		b.vars = append(b.vars, plainVar(it.cols[i]))
		b.cols = append(b.cols, it.cols[i])
	}
	return out
}

func (b *joinBuilder) finish(x *pg.JoinExpr, ns []*nsItem) (node.Node, *nsItem, []*nsItem) {
	p := b.p
	b.lcols = append(b.lcols, b.rest(b.left, b.lcols)...)
	b.rcols = append(b.rcols, b.rest(b.right, b.rcols)...)
	r := &node.RangeTblEntry{Rtekind: node.RTEJoin, Jointype: b.j.Jointype, Joinmergedcols: b.merged, Joinaliasvars: b.vars,
		Joinleftcols: b.lcols, Joinrightcols: b.rcols, Alias: b.j.Alias, InFromCl: true}
	var usingAlias *node.Alias
	if x.JoinUsingAlias != nil {
		usingAlias = &node.Alias{Aliasname: x.JoinUsingAlias.Aliasname, Colnames: slices.Clone(b.names[:b.merged])}
		r.JoinUsingAlias, b.j.JoinUsingAlias = usingAlias, usingAlias
	}
	r.Eref = p.eref(b.j.Alias, "unnamed_join", b.names, "join", -1)
	p.rtable = append(p.rtable, r)
	index := len(p.rtable)
	b.j.Rtindex = index
	if p.joinExprs == nil {
		p.joinExprs = map[int]*node.JoinExpr{}
	}
	p.joinExprs[index] = b.j
	for i := range b.cols {
		c := &b.cols[i]
		if c.varno == 0 { // a merged column with a value of its own
			c.varno, c.attno = index, i+1
			c.varnosyn, c.attnosyn = index, i+1
			continue
		}
		if b.j.Alias != nil {
			c.varnosyn, c.attnosyn = index, i+1
		}
	}
	it := &nsItem{names: r.Eref, rte: r, index: index, cols: b.cols, relVisible: b.j.Alias != nil, colVisible: true, lateralOK: true}
	if b.j.Alias != nil {
		ns = nil
	} else {
		for i, o := range ns {
			c := *o
			c.colVisible = false
			ns[i] = &c
		}
	}
	if usingAlias != nil {
		u := &nsItem{names: usingAlias, rte: r, index: index, cols: b.cols[:b.merged], relVisible: true, lateralOK: true}
		p.checkNames(ns, []*nsItem{u})
		ns = append(ns, u)
	}
	return b.j, it, append(ns, it)
}
