package analyze

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// nsColumn is what a name in scope stands for.
type nsColumn struct {
	varno, attno       int
	typ                oid.OID
	mod                int32
	coll               oid.OID
	varnosyn, attnosyn int
	dropped            bool
	noStar             bool // * does not stand for it
}

// nsItem is one relation in scope (PostgreSQL: ParseNamespaceItem).
type nsItem struct {
	names                  *node.Alias
	rte                    *node.RangeTblEntry
	index                  int
	cols                   []nsColumn
	relVisible, colVisible bool
	lateralOnly, lateralOK bool
}

func (p *pstate) levelsUp(n int) *pstate {
	for ; n > 0; n-- {
		p = p.parent
	}
	return p
}

// addRTE enters r into the range table and makes its item.
func (p *pstate) addRTE(r *node.RangeTblEntry, types []oid.OID, mods []int32, colls []oid.OID) *nsItem {
	p.rtable = append(p.rtable, r)
	it := &nsItem{names: r.Eref, rte: r, index: len(p.rtable), relVisible: true, colVisible: true, lateralOK: true}
	for i, t := range types {
		it.cols = append(it.cols, nsColumn{varno: it.index, attno: i + 1, typ: t, mod: mods[i], coll: colls[i],
			varnosyn: it.index, attnosyn: i + 1, dropped: t == 0})
	}
	return it
}

// systemColumns of every table, by attribute number -1 … -6.
//
// constant
var systemColumns = []struct {
	name  string
	typ   oid.OID
	attno int
}{{"ctid", oid.Tid, -1}, {"xmin", oid.Xid, -2}, {"cmin", oid.Cid, -3}, {"xmax", oid.Xid, -4}, {"cmax", oid.Cid, -5}, {"tableoid", oid.Oid, -6}}

// scanColumns looks a column name up in one item; asker is the state whose
// expression it is, levels above p's by up. nil is not found.
func (p *pstate) scanColumns(asker *pstate, it *nsItem, name string, at, up int) node.Node {
	found := -1
	for i, n := range it.names.Colnames {
		if n == name && i < len(it.cols) && !it.cols[i].dropped {
			if found >= 0 {
				asker.fail(at, pgerr.AmbiguousColumn, `column reference "%s" is ambiguous`, name)
			}
			found = i
		}
	}
	if found >= 0 {
		c := it.cols[found]
		v := &node.Var{Varno: c.varno, Varattno: c.attno, Vartype: c.typ, Vartypmod: c.mod, Varcollid: c.coll,
			Varlevelsup: up, Varnosyn: c.varnosyn, Varattnosyn: c.attnosyn, Location: node.Location(at)}
		p.markRead(c.varno, c.attno)
		return v
	}
	if it.rte.Rtekind == node.RTERelation && it.rte.Relkind != 'v' {
		for _, s := range systemColumns {
			if s.name == name {
				if asker.kind == kindCheck && s.attno != -6 {
					asker.fail(at, pgerr.InvalidColumnReference, `system column "%s" reference in check constraint is invalid`, name)
				}
				if asker.kind == kindGenerated && s.attno != -6 {
					asker.fail(at, pgerr.InvalidColumnReference, `cannot use system column "%s" in column generation expression`, name)
				}
				p.markRead(it.index, s.attno)
				return &node.Var{Varno: it.index, Varattno: s.attno, Vartype: s.typ, Vartypmod: -1, Varlevelsup: up,
					Varnosyn: it.index, Varattnosyn: s.attno, Location: node.Location(at)}
			}
		}
	}
	return nil
}

// markRead notes that a column needs SELECT permission, through joins.
func (p *pstate) markRead(varno, attno int) {
	if varno < 1 || varno > len(p.rtable) {
		return
	}
	r := p.rtable[varno-1]
	switch r.Rtekind {
	case node.RTERelation:
		r.RequiredPerms |= node.AclSelect
		r.SelectedCols = r.SelectedCols.Add(node.ColumnBit(attno))
	case node.RTEJoin:
		if attno == 0 {
			if j := p.joinExprs[varno]; j != nil {
				p.markRead(joinIndex(j.Larg), 0)
				p.markRead(joinIndex(j.Rarg), 0)
			}
		} else if attno <= len(r.Joinaliasvars) {
			node.Walk(r.Joinaliasvars[attno-1], func(n node.Node) bool {
				if v, ok := n.(*node.Var); ok && v.Varlevelsup == 0 {
					p.markRead(v.Varno, v.Varattno)
				}
				return true
			})
		}
	}
}

func joinIndex(n node.Node) int {
	switch x := n.(type) {
	case *node.RangeTblRef:
		return x.Rtindex
	case *node.JoinExpr:
		return x.Rtindex
	}
	return 0
}

// column looks up an unqualified name through all levels.
func (p *pstate) column(name string, at int) node.Node {
	up := 0
	for q := p; q != nil; q, up = q.parent, up+1 {
		var found node.Node
		for _, it := range q.namespace {
			if !it.colVisible || it.lateralOnly && !q.lateralActive {
				continue
			}
			c := q.scanColumns(p, it, name, at, up)
			if c == nil {
				continue
			}
			if found != nil {
				p.fail(at, pgerr.AmbiguousColumn, `column reference "%s" is ambiguous`, name)
			}
			p.checkLateral(q, it, at)
			found = c
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func (p *pstate) checkLateral(q *pstate, it *nsItem, at int) {
	if it.lateralOnly && !it.lateralOK {
		e := p.err(at, pgerr.InvalidColumnReference, `invalid reference to FROM-clause entry for table "%s"`, it.names.Aliasname)
		if it == q.target {
			e.WithHint(`There is an entry for table "%s", but it cannot be referenced from this part of the query.`, it.names.Aliasname)
		} else {
			e.WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
		}
		p.throw(e)
	}
}

// item finds the relation that a qualifier names.
func (p *pstate) item(schema, name string, at int) (it *nsItem, q *pstate, up int) {
	for q = p; q != nil; q, up = q.parent, up+1 {
		for _, c := range q.namespace {
			if !c.relVisible || c.lateralOnly && !q.lateralActive || c.names.Aliasname != name {
				continue
			}
			if schema != "" {
				rel := must(p.cat.Relation(schema, name))
				if rel == nil || c.rte.Rtekind != node.RTERelation || c.rte.Relid != rel.OID || c.rte.Alias != nil {
					continue
				}
			}
			if it != nil {
				p.fail(at, pgerr.AmbiguousAlias, `table reference "%s" is ambiguous`, name)
			}
			p.checkLateral(q, c, at)
			it = c
		}
		if it != nil {
			return it, q, up
		}
	}
	return nil, nil, 0
}

// columnRef transforms a, t.a, s.t.a, t.* (as a whole row) and so on.
func (p *pstate) columnRef(c *pg.ColumnRef) node.Node {
	at := int(c.Location)
	switch p.kind {
	case kindDefault:
		p.fail(at, pgerr.FeatureNotSupported, "cannot use column reference in DEFAULT expression")
	}
	n := len(c.Fields)
	if c.Fields[n-1].GetAStar() != nil {
		if n == 1 {
			p.fail(at, pgerr.SyntaxError, "invalid use of \"*\"")
		}
		return p.starRow(strs(c.Fields[:n-1]), at)
	}
	names := strs(c.Fields)
	if n == 1 {
		if p.domainValue != nil && names[0] == "value" {
			v := *p.domainValue
			v.Location = node.Location(at)
			return &v
		}
		if e := p.column(names[0], at); e != nil {
			return e
		}
		if it, q, up := p.item("", names[0], at); it != nil {
			return p.wholeRow(q, it, up, at)
		}
		if e := p.namedParam(names[0], at); e != nil {
			return e
		}
		p.noColumn("", names[0], at)
	}
	if n == 4 {
		if names[0] != p.cat.DatabaseName() {
			p.fail(at, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", strings.Join(names, "."))
		}
		names = names[1:]
	} else if n > 4 {
		p.fail(at, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(names, "."))
	}
	schema, rel, col := "", names[len(names)-2], names[len(names)-1]
	if len(names) == 3 {
		schema = names[0]
	}
	it, q, up := p.item(schema, rel, at)
	if it == nil {
		if p.params != nil && schema == "" && rel == p.params.Func {
			if e := p.namedParam(col, at); e != nil {
				return e
			}
		}
		p.noTable(schema, rel, at)
	}
	if e := q.scanColumns(p, it, col, at, up); e != nil {
		return e
	}
	row := p.wholeRow(q, it, up, at)
	if e := p.functionField(row, col, at); e != nil {
		return e
	}
	p.noColumn(rel, col, at)
	return nil
}

// starRow is t.* where it stands for the row as one value.
func (p *pstate) starRow(names []string, at int) node.Node {
	if len(names) == 3 { // the database
		names = names[1:]
	}
	schema, rel := "", names[len(names)-1]
	if len(names) > 1 {
		schema = names[0]
	}
	it, q, up := p.item(schema, rel, at)
	if it == nil {
		p.noTable(schema, rel, at)
	}
	return p.wholeRow(q, it, up, at)
}

// namedParam is a parameter of the function whose body is analyzed.
func (p *pstate) namedParam(name string, at int) node.Node {
	if p.params == nil {
		return nil
	}
	for i, s := range p.params.Names {
		if s == name && s != "" {
			return p.paramRef(&pg.ParamRef{Number: int32(i + 1), Location: int32(at)})
		}
	}
	return nil
}

// functionField is rel.f as f(rel).
func (p *pstate) functionField(row node.Node, name string, at int) node.Node {
	t := node.ExprType(row)
	for _, c := range p.lookup("", name, 1, nil, false) {
		if c.args[0] == t {
			fc := &pg.FuncCall{Funcname: opName(name)}
			return p.applyCall(fc, c, []node.Node{row}, name, nil, at)
		}
	}
	return nil
}

func (p *pstate) noTable(schema, name string, at int) {
	var near *node.RangeTblEntry
	rel := must(p.cat.Relation(schema, name))
	for q := p; q != nil && near == nil; q = q.parent {
		for _, r := range q.rtable {
			if r.Eref.Aliasname == name || rel != nil && r.Rtekind == node.RTERelation && r.Relid == rel.OID {
				near = r
				break
			}
		}
	}
	if near == nil {
		p.fail(at, pgerr.UndefinedTable, `missing FROM-clause entry for table "%s"`, name)
	}
	e := p.err(at, pgerr.UndefinedTable, `invalid reference to FROM-clause entry for table "%s"`, name)
	if near.Alias != nil && near.Alias.Aliasname != name {
		e.WithHint(`Perhaps you meant to reference the table alias "%s".`, near.Eref.Aliasname)
	} else {
		e.WithHint(`There is an entry for table "%s", but it cannot be referenced from this part of the query.`, near.Eref.Aliasname)
	}
	p.throw(e)
}

func (p *pstate) noColumn(rel, name string, at int) {
	e := p.err(at, pgerr.UndefinedColumn, `column "%s" does not exist`, name)
	if rel != "" {
		e = p.err(at, pgerr.UndefinedColumn, `column %s.%s does not exist`, rel, name)
	}
	type match struct {
		rte *node.RangeTblEntry
		col string
	}
	var exact []match
	best, fuzzy := len(name)/2+1, []match(nil)
	for q := p; q != nil; q = q.parent {
		for _, r := range q.rtable {
			if r.Rtekind == node.RTEJoin {
				continue
			}
			penalty := 0
			if rel != "" {
				penalty = distance(rel, r.Eref.Aliasname, 3)
			}
			for _, c := range r.Eref.Colnames {
				if c == "" {
					continue
				}
				if c == name && penalty == 0 {
					exact = append(exact, match{r, c})
					continue
				}
				d := penalty + distance(name, c, 3)
				if d > 3 || d > len(name)/2 {
					continue
				}
				if d < best {
					best, fuzzy = d, nil
				}
				if d == best {
					fuzzy = append(fuzzy, match{r, c})
				}
			}
		}
	}
	switch {
	case len(exact) > 0:
		e.WithHint(`There is a column named "%s" in table "%s", but it cannot be referenced from this part of the query.`, name, exact[0].rte.Eref.Aliasname)
	case len(fuzzy) == 1:
		e.WithHint(`Perhaps you meant to reference the column "%s.%s".`, fuzzy[0].rte.Eref.Aliasname, fuzzy[0].col)
	case len(fuzzy) == 2:
		e.WithHint(`Perhaps you meant to reference the column "%s.%s" or the column "%s.%s".`,
			fuzzy[0].rte.Eref.Aliasname, fuzzy[0].col, fuzzy[1].rte.Eref.Aliasname, fuzzy[1].col)
	}
	p.throw(e)
}

// distance is the edit distance, or more than limit.
func distance(x, y string, limit int) int {
	if x == y {
		return 0
	}
	a, b := []rune(x), []rune(y)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// wholeRow is a reference to all of a relation's row.
func (p *pstate) wholeRow(q *pstate, it *nsItem, up, at int) node.Node {
	v := &node.Var{Varno: it.index, Vartypmod: -1, Varlevelsup: up, Varnosyn: it.index, Location: node.Location(at), Vartype: oid.Record}
	if it.names != it.rte.Eref { // alias of JOIN USING: its merged columns only
		r := &node.RowExpr{RowTypeid: oid.Record, RowFormat: node.CoerceImplicitCast, Location: node.Location(at), Colnames: slices.Clone(it.names.Colnames)}
		for _, n := range it.names.Colnames {
			r.Args = append(r.Args, q.scanColumns(p, it, n, at, up))
		}
		return r
	}
	switch it.rte.Rtekind {
	case node.RTERelation:
		rel := must(p.cat.RelationByOID(it.rte.Relid))
		v.Vartype = rel.Type
	case node.RTEFunction:
		if len(it.rte.Functions) == 1 && !it.rte.Funcordinality {
			f := it.rte.Functions[0]
			t := node.ExprType(f.Funcexpr)
			if p.composite(t) {
				v.Vartype = t
			} else if len(f.Funccolnames) == 0 && !p.rowType(t) {
				v.Varattno, v.Varattnosyn = 1, 1
				v.Vartype, v.Varcollid = t, node.ExprCollation(f.Funcexpr)
				if t != oid.Record && len(it.cols) == 1 {
					return v
				}
			}
		}
	}
	q.markRead(it.index, 0)
	return v
}
