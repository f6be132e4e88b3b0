package commands

import (
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/node"
)

// refs collects what a stored expression or query depends on (PostgreSQL:
// recordDependencyOnExpr), in no particular order and without duplicates.
// table, if not 0, is the relation that Varno 1 means outside of any query.
type refs struct {
	list  []catalog.Object
	seen  map[catalog.Object]bool
	table oid.OID
}

// refsOf lists what an expression over one table's columns depends on.
func refsOf(n node.Node, table oid.OID) []catalog.Object {
	r := &refs{seen: map[catalog.Object]bool{}, table: table}
	r.walk(n, nil)
	return r.result()
}

// result is the list without whole relations of which columns are in it.
func (r *refs) result() []catalog.Object {
	parts := map[oid.OID]bool{}
	for _, o := range r.list {
		if o.Class == oid.RelClass && o.Sub != 0 {
			parts[o.ID] = true
		}
	}
	var out []catalog.Object
	for _, o := range r.list {
		if o.Class != oid.RelClass || o.Sub != 0 || !parts[o.ID] {
			out = append(out, o)
		}
	}
	return out
}

func (r *refs) add(class, id oid.OID, sub int) {
	o := catalog.Object{Class: class, ID: id, Sub: int32(sub)}
	if id == oid.Invalid || r.seen[o] {
		return
	}
	r.seen[o] = true
	r.list = append(r.list, o)
}

func (r *refs) typ(t oid.OID) { r.add(oid.RelType, t, 0) }

// collation adds a collation other than the default one.
func (r *refs) collation(c oid.OID) {
	if c != oid.DefaultCollation {
		r.add(oid.RelCollation, c, 0)
	}
}

// walk visits n; tables are the range tables around it, the innermost last.
func (r *refs) walk(n node.Node, tables [][]*node.RangeTblEntry) {
	node.Walk(n, func(k node.Node) bool {
		switch v := k.(type) {
		case *node.Query:
			r.query(v, tables)
			return false
		case *node.RangeTblEntry:
			if v.Rtekind == node.RTEJoin { // its columns count where they are used
				for _, c := range v.Joinaliasvars[:min(v.Joinmergedcols, len(v.Joinaliasvars))] {
					if _, plain := c.(*node.Var); !plain {
						r.walk(c, tables)
					}
				}
				return false
			}
		case *node.Var:
			r.column(v, tables)
		default:
			r.expr(k)
		}
		return true
	})
}

func (r *refs) query(q *node.Query, tables [][]*node.RangeTblEntry) {
	tables = append(tables[:len(tables):len(tables)], q.Rtable)
	for _, t := range q.Rtable {
		if t.Rtekind == node.RTERelation {
			r.add(oid.RelClass, t.Relid, 0)
		}
	}
	inner := func(n node.Node) {
		if n != nil {
			r.walk(n, tables)
		}
	}
	q.Children(func(n node.Node) node.Node { inner(n); return n })
}

func (r *refs) column(v *node.Var, tables [][]*node.RangeTblEntry) {
	if len(tables) == 0 {
		if r.table != oid.Invalid && v.Varattno != 0 {
			r.add(oid.RelClass, r.table, int(v.Varattno))
		}
		return
	}
	level := len(tables) - 1 - int(v.Varlevelsup)
	if level < 0 || v.Varno < 1 || int(v.Varno) > len(tables[level]) {
		return
	}
	t := tables[level][v.Varno-1]
	if t.Rtekind == node.RTERelation && v.Varattno != 0 {
		r.add(oid.RelClass, t.Relid, int(v.Varattno))
	}
}

func (r *refs) expr(k node.Node) {
	switch v := k.(type) {
	case *node.Const:
		r.constant(v)
	case *node.Param:
		r.typ(v.Paramtype)
		r.collation(v.Paramcollid)
	case *node.FuncExpr:
		r.add(oid.RelProc, v.Funcid, 0)
	case *node.OpExpr:
		r.add(oid.RelOperator, v.Opno, 0)
	case *node.DistinctExpr:
		r.add(oid.RelOperator, v.Opno, 0)
	case *node.NullIfExpr:
		r.add(oid.RelOperator, v.Opno, 0)
	case *node.ScalarArrayOpExpr:
		r.add(oid.RelOperator, v.Opno, 0)
	case *node.Aggref:
		r.add(oid.RelProc, v.Aggfnoid, 0)
	case *node.WindowFunc:
		r.add(oid.RelProc, v.Winfnoid, 0)
	case *node.RelabelType:
		r.typ(v.Resulttype)
		r.collation(v.Resultcollid)
	case *node.CoerceViaIO:
		r.typ(v.Resulttype)
		r.collation(v.Resultcollid)
	case *node.ArrayCoerceExpr:
		r.typ(v.Resulttype)
		r.collation(v.Resultcollid)
	case *node.CoerceToDomain:
		r.typ(v.Resulttype)
	case *node.CollateExpr:
		r.collation(v.CollOid)
	case *node.RowExpr:
		r.typ(v.RowTypeid)
	case *node.NextValueExpr:
		r.add(oid.RelClass, v.Seqid, 0)
	case *node.SortGroupClause:
		r.add(oid.RelOperator, v.Eqop, 0)
		r.add(oid.RelOperator, v.Sortop, 0)
	}
}

// constant adds the type of a constant and, of a reg* constant, what it names.
func (r *refs) constant(v *node.Const) {
	r.typ(v.Consttype)
	r.collation(v.Constcollid)
	if v.Constisnull {
		return
	}
	class := oid.Invalid
	switch v.Consttype {
	case oid.RegClass:
		class = oid.RelClass
	case oid.RegProc, oid.RegProcedure:
		class = oid.RelProc
	case oid.RegOper, oid.RegOperator:
		class = oid.RelOperator
	case oid.RegType:
		class = oid.RelType
	case oid.RegNamespace:
		class = oid.RelNamespace
	case oid.RegCollation:
		class = oid.RelCollation
	}
	if class != oid.Invalid {
		r.add(class, oid.OID(uint32(v.Constvalue.Int)), 0)
	}
}
