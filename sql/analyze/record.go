package analyze

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// tables are the range tables around an expression, the innermost last.
type tables [][]*node.RangeTblEntry

func (p *pstate) tables() tables {
	var out tables
	if p.parent != nil {
		out = p.parent.tables()
	}
	return append(out, p.rtable)
}

// recordColumns are the columns of a value of type record, as far as the query
// tells; nil: they are known only when it runs.
func (p *pstate) recordColumns(e node.Node, in tables) []Column {
	switch x := e.(type) {
	case *node.RowExpr:
		out := make([]Column, len(x.Args))
		for i, a := range x.Args {
			out[i] = columnOf("", a)
			if i < len(x.Colnames) {
				out[i].Name = x.Colnames[i]
			}
		}
		return out
	case *node.FuncExpr:
		return p.outColumns(x)
	case *node.SubLink:
		if q, ok := x.Subselect.(*node.Query); ok && x.SubLinkType == node.ExprSublink && len(q.TargetList) > 0 {
			return p.recordColumns(q.TargetList[0].Expr, append(in[:len(in):len(in)], q.Rtable))
		}
	case *node.Var:
		at := len(in) - 1 - x.Varlevelsup
		if at < 0 || x.Varno < 1 || x.Varno > len(in[at]) {
			return nil
		}
		return p.tableColumns(in[at][x.Varno-1], x.Varattno, in[:at+1:at+1])
	}
	return nil
}

func columnOf(name string, e node.Node) Column {
	return Column{Name: name, Type: node.ExprType(e), TypMod: node.ExprTypmod(e), Collation: node.ExprCollation(e)}
}

// tableColumns are those of the record that column att of a range table entry
// is; 0 is the whole row.
func (p *pstate) tableColumns(r *node.RangeTblEntry, att int, in tables) []Column {
	var cols []node.Node
	inner := in
	switch r.Rtekind {
	case node.RTESubquery:
		for _, t := range r.Subquery.TargetList {
			if !t.Resjunk {
				cols = append(cols, t.Expr)
			}
		}
		inner = append(in, r.Subquery.Rtable)
	case node.RTEJoin:
		cols = r.Joinaliasvars
	case node.RTEValues:
		if len(r.ValuesLists) > 0 {
			cols = r.ValuesLists[0]
		}
	case node.RTEFunction:
		if att == 0 && len(r.Functions) == 1 {
			return p.functionRow(r.Functions[0], r.Eref)
		}
	}
	if att > 0 {
		if att > len(cols) || node.ExprType(cols[att-1]) != oid.Record {
			return nil
		}
		return p.recordColumns(cols[att-1], inner)
	}
	var out []Column
	for i, c := range cols {
		if i < len(r.Eref.Colnames) {
			out = append(out, columnOf(r.Eref.Colnames[i], c))
		}
	}
	return out
}

// functionRow are the columns of a function in FROM.
func (p *pstate) functionRow(f *node.RangeTblFunction, names *node.Alias) []Column {
	out := p.outColumns(f.Funcexpr)
	if len(f.Funccoltypes) > 0 {
		out = nil
		for i, t := range f.Funccoltypes {
			out = append(out, Column{Type: t, TypMod: f.Funccoltypmods[i], Collation: f.Funccolcollations[i]})
		}
	}
	for i := range out {
		if i < len(names.Colnames) {
			out[i].Name = names.Colnames[i]
		}
	}
	return out
}

// fieldsOf are the columns of a composite value, or of a record; nil: unknown.
func (p *pstate) fieldsOf(e node.Node) []Column {
	t := node.ExprType(e)
	if p.composite(t) {
		return p.rowColumns(p.baseType(t))
	}
	return p.recordColumns(e, p.tables())
}

// expandRow is (e).*.
func (p *pstate) expandRow(e node.Node, at int) []*node.TargetEntry {
	if v, ok := e.(*node.Var); ok && v.Varattno == 0 {
		up := p.levelsUp(v.Varlevelsup)
		for _, it := range up.namespace {
			if it.index == v.Varno {
				return p.expandItem(up, it, v.Varlevelsup, at)
			}
		}
	}
	fields := p.fieldsOf(e)
	if fields == nil {
		if t := node.ExprType(e); t != oid.Record {
			p.fail(at, pgerr.WrongObjectType, "type %s is not composite", p.typeName(t))
		}
		p.fail(-1, pgerr.WrongObjectType, "record type has not been registered")
	}
	var out []*node.TargetEntry
	for i, c := range fields {
		if !c.Dropped {
			f := &node.FieldSelect{Arg: e, Fieldnum: i + 1, Resulttype: c.Type, Resulttypmod: c.TypMod, Resultcollid: c.Collation}
			out = append(out, p.entry(f, c.Name))
		}
	}
	return out
}
