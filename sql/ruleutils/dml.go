package ruleutils

import (
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// target writes the table that a statement changes, with its alias after as.
func (d *deparser) target(q *node.Query, as string) *node.RangeTblEntry {
	r := q.Rtable[q.ResultRelation-1]
	d.put(d.relation(r.Relid))
	name := d.scopes[0].names[q.ResultRelation-1]
	rel, err := d.cat.RelationByOID(r.Relid)
	d.check(err)
	if r.Alias != nil || as == " " && rel != nil && rel.Name != name {
		d.put(as, analyze.QuoteIdent(name))
	}
	return r
}

func (d *deparser) columnName(r *node.RangeTblEntry, attno int) string {
	rel, err := d.cat.RelationByOID(r.Relid)
	d.check(err)
	if rel == nil || attno < 1 || attno > len(rel.Columns) {
		return ""
	}
	return analyze.QuoteIdent(rel.Columns[attno-1].Name)
}

func (d *deparser) returning(q *node.Query) {
	if len(q.ReturningList) > 0 {
		d.line(" RETURNING", -indentStd, indentStd, 1)
		d.targets(q.ReturningList, nil, true)
	}
}

func (d *deparser) insert(q *node.Query) {
	d.with(q)
	var sub *node.Query
	var vals *node.RangeTblEntry
	for _, r := range q.Rtable {
		switch r.Rtekind {
		case node.RTESubquery:
			sub = r.Subquery
		case node.RTEValues:
			vals = r
		}
	}
	if !d.Flat {
		d.indent += indentStd
		d.put(" ")
	}
	d.put("INSERT INTO ")
	r := d.target(q, " AS ")
	d.put(" ")
	var exprs []node.Node
	sep := "("
	for _, t := range q.TargetList {
		if t.Resjunk {
			continue
		}
		d.put(sep)
		sep = ", "
		d.put(d.columnName(r, t.Resno))
		exprs = append(exprs, d.assigned(t.Expr))
	}
	if len(q.TargetList) > 0 {
		d.put(") ")
	}
	switch q.Override {
	case node.OverridingSystemValue:
		d.put("OVERRIDING SYSTEM VALUE ")
	case node.OverridingUserValue:
		d.put("OVERRIDING USER VALUE ")
	}
	switch {
	case sub != nil:
		d.query(sub, nil, false)
	case vals != nil:
		d.values(vals.ValuesLists)
	case len(exprs) > 0:
		d.line("VALUES (", -indentStd, indentStd, 2)
		for i, e := range exprs {
			if i > 0 {
				d.put(", ")
			}
			d.toplevel(e, false)
		}
		d.put(")")
	default:
		d.put("DEFAULT VALUES")
	}
	if q.OnConflict != nil {
		d.onConflict(q, r)
	}
	d.returning(q)
}

func (d *deparser) onConflict(q *node.Query, r *node.RangeTblEntry) {
	c := q.OnConflict
	d.put(" ON CONFLICT")
	if len(c.ArbiterElems) > 0 {
		d.put("(")
		for i, e := range c.ArbiterElems {
			if i > 0 {
				d.put(", ")
			}
			d.inference(e)
		}
		d.put(")")
		if c.ArbiterWhere != nil {
			old := d.prefix
			d.prefix = false
			d.line(" WHERE ", -indentStd, indentStd, 1)
			d.top(c.ArbiterWhere)
			d.prefix = old
		}
	}
	if c.Action == node.OnConflictNothing {
		d.put(" DO NOTHING")
		return
	}
	d.put(" DO UPDATE SET ")
	d.sets(c.OnConflictSet, r)
	if c.OnConflictWhere != nil {
		d.line(" WHERE ", -indentStd, indentStd, 1)
		d.top(c.OnConflictWhere)
	}
}

// assigned writes the part of a column that an assignment goes to, and returns
// the value that goes there.
func (d *deparser) assigned(n node.Node) node.Node {
	for {
		switch x := n.(type) {
		case *node.FieldStore:
			t := d.typ(x.Resulttype)
			rel, err := d.cat.RelationByOID(t.RelID)
			d.check(err)
			if rel != nil && len(x.Fieldnums) > 0 {
				d.put(".", analyze.QuoteIdent(rel.Columns[x.Fieldnums[0]-1].Name))
			}
			n = x.Newvals[0]
		case *node.SubscriptingRef:
			if x.Refassgnexpr == nil {
				return n
			}
			d.subscripts(x)
			n = x.Refassgnexpr
		case *node.CoerceToDomain:
			if x.Coercionformat != node.CoerceImplicitCast {
				return n
			}
			switch x.Arg.(type) {
			case *node.FieldStore, *node.SubscriptingRef:
				n = x.Arg
			default:
				return n
			}
		default:
			return n
		}
	}
}

func (d *deparser) sets(l []*node.TargetEntry, r *node.RangeTblEntry) {
	sep := ""
	for _, t := range l {
		if t.Resjunk {
			continue
		}
		d.put(sep)
		sep = ", "
		d.put(d.columnName(r, t.Resno))
		e := d.assigned(t.Expr)
		d.put(" = ")
		d.top(e)
	}
}

func (d *deparser) update(q *node.Query) {
	d.with(q)
	if !d.Flat {
		d.put(" ")
		d.indent += indentStd
	}
	d.put("UPDATE ")
	r := d.target(q, " ")
	d.put(" SET ")
	d.sets(q.TargetList, r)
	d.from(q, " FROM ")
	if q.Jointree.Quals != nil {
		d.line(" WHERE ", -indentStd, indentStd, 1)
		d.top(q.Jointree.Quals)
	}
	d.returning(q)
}

func (d *deparser) deletion(q *node.Query) {
	d.with(q)
	if !d.Flat {
		d.put(" ")
		d.indent += indentStd
	}
	d.put("DELETE FROM ")
	d.target(q, " ")
	d.from(q, " USING ")
	if q.Jointree.Quals != nil {
		d.line(" WHERE ", -indentStd, indentStd, 1)
		d.top(q.Jointree.Quals)
	}
	d.returning(q)
}
