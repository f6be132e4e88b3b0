package ruleutils

import (
	"strings"

	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// from writes the FROM clause, without the OLD and NEW of rules.
func (d *deparser) from(q *node.Query, word string) {
	if q.Jointree == nil {
		return
	}
	first := true
	for _, n := range q.Jointree.Fromlist {
		if r, ok := n.(*node.RangeTblRef); ok && !q.Rtable[r.Rtindex-1].InFromCl {
			continue
		}
		if first {
			first = false
			d.line(word, -indentStd, indentStd, 2)
			d.fromItem(n, q)
			continue
		}
		d.put(", ")
		item := d.aside(func() { d.fromItem(n, q) })
		if d.wraps() {
			if strings.HasPrefix(item, "\n") {
				d.trim()
			} else if d.lastLine()+len(item) > d.Wrap {
				d.line("", -indentStd, indentStd, indentVar)
			}
		}
		d.put(item)
	}
}

func (d *deparser) fromItem(n node.Node, q *node.Query) {
	switch x := n.(type) {
	case *node.RangeTblRef:
		d.fromRelation(q.Rtable[x.Rtindex-1], x.Rtindex)
	case *node.JoinExpr:
		d.join(x, q)
	}
}

func (d *deparser) fromRelation(r *node.RangeTblEntry, no int) {
	name, cols := d.scopes[0].names[no-1], d.scopes[0].cols[no-1]
	alias := r.Alias != nil || cols.print
	var list *node.RangeTblFunction
	if r.Lateral {
		d.put("LATERAL ")
	}
	switch r.Rtekind {
	case node.RTERelation:
		if !r.Inh {
			if rel, _ := d.cat.RelationByOID(r.Relid); rel != nil && (rel.Kind == 'r' || rel.Kind == 'p') {
				d.put("ONLY ")
			}
		}
		d.put(d.relation(r.Relid))
		if rel, _ := d.cat.RelationByOID(r.Relid); rel != nil && rel.Name != name {
			alias = true
		}
	case node.RTESubquery:
		d.put("(")
		d.query(r.Subquery, nil, true)
		d.put(")")
		alias = true
	case node.RTEFunction:
		list = d.fromFunctions(r)
		alias = true
	case node.RTEValues:
		d.put("(")
		d.values(r.ValuesLists)
		d.put(")")
		alias = true
	case node.RTECTE:
		d.put(analyze.QuoteIdent(r.Ctename))
		alias = alias || name != r.Ctename
	}
	if alias && name != "" {
		d.put(" ", analyze.QuoteIdent(name))
	}
	if list != nil && len(list.Funccolnames) > 0 {
		d.columnDefs(list, cols)
	} else {
		d.columnAliases(cols)
	}
	if t := r.Tablesample; t != nil {
		f, err := d.cat.Function(t.Tsmhandler)
		d.check(err)
		if f != nil {
			d.put(" TABLESAMPLE ", analyze.QuoteIdent(f.Name), " (")
			d.write(node.List(t.Args), false)
			d.put(")")
		}
		if t.Repeatable != nil {
			d.put(" REPEATABLE (")
			d.top(t.Repeatable)
			d.put(")")
		}
	}
}

// fromFunctions writes functions in FROM; it returns the one whose column
// definitions follow the alias.
func (d *deparser) fromFunctions(r *node.RangeTblEntry) *node.RangeTblFunction {
	f := r.Functions[0]
	ordinality := func() {
		if r.Funcordinality {
			d.put(" WITH ORDINALITY")
		}
	}
	if len(r.Functions) == 1 && (len(f.Funccolnames) == 0 || !r.Funcordinality) {
		d.funcCall(f.Funcexpr)
		ordinality()
		return f
	}
	var all []node.Node
	unnest := true
	for _, f := range r.Functions {
		x, ok := f.Funcexpr.(*node.FuncExpr)
		if !ok || x.Funcid != 2331 || len(f.Funccolnames) > 0 {
			unnest = false
			break
		}
		all = append(all, x.Args...)
	}
	if unnest {
		d.call("UNNEST", all)
		ordinality()
		return nil
	}
	d.put("ROWS FROM(")
	for i, f := range r.Functions {
		if i > 0 {
			d.put(", ")
		}
		d.funcCall(f.Funcexpr)
		if len(f.Funccolnames) > 0 {
			d.put(" AS ")
			d.columnDefs(f, nil)
		}
	}
	d.put(")")
	ordinality()
	return nil
}

// funcCall writes what must look like a call: anything else stands in a CAST.
func (d *deparser) funcCall(n node.Node) {
	switch x := n.(type) {
	case *node.FuncExpr:
		if x.Funcformat == node.CoerceExplicitCall || x.Funcformat == node.CoerceSQLSyntax {
			d.full(n)
			return
		}
	case *node.Aggref, *node.WindowFunc, *node.CoalesceExpr, *node.MinMaxExpr, *node.NullIfExpr, *node.SQLValueFunction:
		d.full(n)
		return
	}
	d.put("CAST(")
	d.top(n)
	d.put(" AS ", d.typeName(node.ExprType(n), node.ExprTypmod(n)), ")")
}

func (d *deparser) columnAliases(c *columns) {
	if c.print && len(c.fresh) > 0 {
		d.put("(", idents(c.fresh), ")")
	}
}

// columnDefs writes the column definition list of a function returning record.
func (d *deparser) columnDefs(f *node.RangeTblFunction, c *columns) {
	d.put("(")
	for i, name := range f.Funccolnames {
		if c != nil && i < len(c.names) {
			name = c.names[i]
		}
		if i > 0 {
			d.put(", ")
		}
		d.put(analyze.QuoteIdent(name), " ", d.typeName(f.Funccoltypes[i], f.Funccoltypmods[i]))
		if co := f.Funccolcollations[i]; co != 0 && co != d.typ(f.Funccoltypes[i]).Collation {
			d.put(" COLLATE ", d.collation(co))
		}
	}
	d.put(")")
}

func (d *deparser) join(j *node.JoinExpr, q *node.Query) {
	cols := d.scopes[0].cols[j.Rtindex-1]
	right := false
	if d.Pretty {
		switch r := j.Rarg.(type) {
		case *node.RangeTblRef:
		case *node.JoinExpr:
			right = r.Alias == nil
		default:
			right = true
		}
	}
	whole := !d.Pretty || j.Alias != nil
	if whole {
		d.put("(")
	}
	d.fromItem(j.Larg, q)
	word := map[node.JoinType]string{node.JoinInner: " JOIN ", node.JoinLeft: " LEFT JOIN ", node.JoinFull: " FULL JOIN ", node.JoinRight: " RIGHT JOIN "}[j.Jointype]
	if j.Jointype == node.JoinInner && j.Quals == nil {
		word = " CROSS JOIN "
	}
	d.line(word, -indentStd, indentStd, indentJoin)
	if right {
		d.put("(")
	}
	d.fromItem(j.Rarg, q)
	if right {
		d.put(")")
	}
	switch {
	case len(j.UsingClause) > 0:
		d.put(" USING (", idents(cols.usingNames), ")")
		if j.JoinUsingAlias != nil {
			d.put(" AS ", analyze.QuoteIdent(j.JoinUsingAlias.Aliasname))
		}
	case j.Quals != nil:
		d.put(" ON ")
		if !d.Pretty {
			d.put("(")
		}
		d.top(j.Quals)
		if !d.Pretty {
			d.put(")")
		}
	case j.Jointype != node.JoinInner:
		d.put(" ON TRUE")
	}
	if whole {
		d.put(")")
	}
	if j.Alias != nil {
		d.put(" ", analyze.QuoteIdent(d.scopes[0].names[j.Rtindex-1]))
		d.columnAliases(cols)
	}
}
