package analyze

import (
	"slices"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// Functions and operators that the columns of SEARCH and CYCLE are computed with.
const (
	int8inc    oid.OID = 1219
	arrayCat   oid.OID = 383
	recordEq   oid.OID = 2988 // the operator
	recordEqFn oid.OID = 2981
)

// expandSearchCycle turns the SEARCH and CYCLE clauses of all WITH items in q into
// columns of the items' queries.
func (a *analyzer) expandSearchCycle(q *node.Query) *node.Query {
	return node.Mutate(q, func(n node.Node) (node.Node, bool) {
		e, ok := n.(*node.CommonTableExpr)
		if !ok || e.SearchClause == nil && e.CycleClause == nil {
			return nil, false
		}
		c := e.Copy().(*node.CommonTableExpr)
		c.Ctequery = a.expandSearchCycle(e.Ctequery.(*node.Query))
		x := &searchExpansion{analyzer: a, cte: c, added: addedColumns(c)}
		x.expand()
		return c, true
	}).(*node.Query)
}

// searchExpansion gives one WITH item its columns. Each arm of the UNION becomes
// a subquery of a SELECT that computes the new columns beside the arm's own; the
// recursive arm hands the previous row's through.
type searchExpansion struct {
	*analyzer
	cte   *node.CommonTableExpr
	added []cteColumn
}

func (x *searchExpansion) expand() {
	c := x.cte
	q := c.Ctequery.(*node.Query)
	op := q.SetOperations.(*node.SetOperationStmt)
	left, right := q.Rtable[op.Larg.(*node.RangeTblRef).Rtindex-1], q.Rtable[op.Rarg.(*node.RangeTblRef).Rtindex-1]
	x.wrap(left, "*TLOCRN*", false)
	x.wrap(right, "*TROCRN*", true)
	for _, k := range x.added {
		q.TargetList = append(q.TargetList, &node.TargetEntry{Resno: len(q.TargetList) + 1, Resname: k.name,
			Expr: x.column(op.Larg.(*node.RangeTblRef).Rtindex, len(q.TargetList)+1, k)})
		op.ColTypes, op.ColTypmods = append(slices.Clip(op.ColTypes), k.typ), append(slices.Clip(op.ColTypmods), k.mod)
		op.ColCollations = append(slices.Clip(op.ColCollations), k.coll)
		if !op.All {
			op.GroupClauses = append(op.GroupClauses, x.grouping(k.typ))
		}
		c.Ctecolnames, c.Ctecoltypes = append(slices.Clip(c.Ctecolnames), k.name), append(slices.Clip(c.Ctecoltypes), k.typ)
		c.Ctecoltypmods, c.Ctecolcollations = append(slices.Clip(c.Ctecoltypmods), k.mod), append(slices.Clip(c.Ctecolcollations), k.coll)
	}
	c.SearchClause, c.CycleClause = nil, nil
}

// grouping compares rows of UNION by a column; records are taken to be hashable,
// since a recursive UNION can only hash.
func (x *searchExpansion) grouping(t oid.OID) *node.SortGroupClause {
	o := x.newState(nil).groupOperators(t, false, true, false, -1)
	return &node.SortGroupClause{Eqop: o.eq, Sortop: o.lt, Hashable: o.hashable || t == oid.Record || t == oid.RecordArray}
}

func (x *searchExpansion) column(rt, no int, k cteColumn) *node.Var {
	return &node.Var{Varno: rt, Varattno: no, Vartype: k.typ, Vartypmod: k.mod, Varcollid: k.coll, Varnosyn: rt, Varattnosyn: no, Location: -1}
}

// wrap puts the arm t, which is a subquery, below the SELECT.
func (x *searchExpansion) wrap(t *node.RangeTblEntry, name string, recursive bool) {
	arm := node.IncrementSublevelsUp(t.Subquery, 1, 1).(*node.Query)
	out := &node.Query{CommandType: node.CmdSelect, CanSetTag: true, Jointree: &node.FromExpr{Fromlist: []node.Node{&node.RangeTblRef{Rtindex: 1}}}}
	names := slices.Clone(x.cte.Ctecolnames)
	for i, te := range arm.TargetList[:len(names)] {
		k := cteColumn{names[i], node.ExprType(te.Expr), node.ExprTypmod(te.Expr), node.ExprCollation(te.Expr)}
		out.TargetList = append(out.TargetList, &node.TargetEntry{Expr: x.column(1, i+1, k), Resno: i + 1, Resname: k.name,
			Resorigtbl: te.Resorigtbl, Resorigcol: te.Resorigcol})
	}
	var before []node.Node
	if recursive {
		before = x.handThrough(arm)
		for _, te := range arm.TargetList[len(names):] {
			names = append(names, te.Resname)
		}
	}
	for i, e := range x.values(out, before) {
		out.TargetList = append(out.TargetList, &node.TargetEntry{Expr: e, Resno: len(out.TargetList) + 1, Resname: x.added[i].name})
	}
	out.Rtable = []*node.RangeTblEntry{{Rtekind: node.RTESubquery, Subquery: arm, InFromCl: true,
		Alias: &node.Alias{Aliasname: name}, Eref: &node.Alias{Aliasname: name, Colnames: names}}}
	t.Subquery = out
	eref := *t.Eref
	eref.Colnames = slices.Clone(eref.Colnames)
	for _, k := range x.added {
		eref.Colnames = append(eref.Colnames, k.name)
	}
	t.Eref = &eref
}

// handThrough appends the previous row's columns to the recursive arm, which goes
// on from rows only that no cycle ended with. It returns them as the SELECT
// above sees them.
func (x *searchExpansion) handThrough(arm *node.Query) []node.Node {
	const above = 2 // levels from the arm to the WITH list
	rt := 1 + slices.IndexFunc(arm.Rtable, func(t *node.RangeTblEntry) bool {
		return t.Rtekind == node.RTECTE && t.Ctename == x.cte.Ctename && t.Ctelevelsup == above+1
	})
	if rt == 0 {
		x.fail(-1, pgerr.FeatureNotSupported,
			`with a SEARCH or CYCLE clause, the recursive reference to WITH query "%s" must be at the top level of its right-hand SELECT`, x.cte.Ctename)
	}
	var out []node.Node
	for i, k := range x.added {
		v := x.column(rt, len(x.cte.Ctecolnames)+i+1, k)
		no := len(arm.TargetList) + 1
		arm.TargetList = append(arm.TargetList, &node.TargetEntry{Expr: v, Resno: no, Resname: k.name})
		out = append(out, x.column(1, no, k))
		if y := x.cte.CycleClause; y != nil && i == len(x.added)-2 {
			goOn := x.unmarked(v, y)
			if arm.Jointree.Quals == nil {
				arm.Jointree.Quals = goOn
			} else {
				arm.Jointree.Quals = &node.BoolExpr{Boolop: node.AndExpr, Args: []node.Node{arm.Jointree.Quals, goOn}, Location: -1}
			}
		}
	}
	return out
}

// unmarked is the condition that the mark v is not that of a cycle.
func (x *searchExpansion) unmarked(v *node.Var, y *node.CTECycleClause) node.Node {
	if c, ok := y.CycleMarkValue.(*node.Const); ok && c.Consttype == oid.Bool && !c.Constisnull {
		if c.Constvalue.Bool() {
			return &node.BoolExpr{Boolop: node.NotExpr, Args: []node.Node{v}, Location: -1}
		}
		return v
	}
	return &node.OpExpr{Opno: y.CycleMarkNeop, Opfuncid: must(x.cat.Operator(y.CycleMarkNeop)).Proc, Opresulttype: oid.Bool,
		Inputcollid: y.CycleMarkCollation, Args: []node.Node{v, y.CycleMarkValue}, Location: -1}
}

// values computes the new columns of a row of q from those of the row before; for
// a row of the other arm there is none.
func (x *searchExpansion) values(q *node.Query, before []node.Node) []node.Node {
	var out []node.Node
	if s := x.cte.SearchClause; s != nil && s.SearchBreadthFirst {
		var depth node.Node = &node.Const{Consttype: oid.Int8, Consttypmod: -1, Constlen: 8, Constbyval: true, Constvalue: datum.Int(0), Location: -1}
		if before != nil {
			was := &node.FieldSelect{Arg: before[0], Fieldnum: 1, Resulttype: oid.Int8, Resulttypmod: -1}
			depth = &node.FuncExpr{Funcid: int8inc, Funcresulttype: oid.Int8, Args: []node.Node{was}, Location: -1}
		}
		r := x.row(q, s.SearchColList)
		r.Args, r.Colnames = append([]node.Node{depth}, r.Args...), append([]string{"*DEPTH*"}, r.Colnames...)
		out = append(out, r)
	} else if s != nil {
		out = append(out, x.path(x.row(q, s.SearchColList), before, 0))
	}
	y := x.cte.CycleClause
	if y == nil {
		return out
	}
	mark, last := y.CycleMarkDefault, len(x.added)-1
	if before != nil {
		seen := &node.ScalarArrayOpExpr{Opno: recordEq, Opfuncid: recordEqFn, UseOr: true, Args: []node.Node{x.row(q, y.CycleColList), before[last]}, Location: -1}
		mark = &node.CaseExpr{Casetype: y.CycleMarkType, Casecollid: y.CycleMarkCollation, Defresult: y.CycleMarkDefault, Location: -1,
			Args: []*node.CaseWhen{{Expr: seen, Result: y.CycleMarkValue, Location: -1}}}
	}
	return append(out, mark, x.path(x.row(q, y.CycleColList), before, last))
}

// row is the record of the named columns of q.
func (x *searchExpansion) row(q *node.Query, names []string) *node.RowExpr {
	r := &node.RowExpr{RowTypeid: oid.Record, RowFormat: node.CoerceImplicitCast, Colnames: slices.Clone(names), Location: -1}
	for _, n := range names {
		r.Args = append(r.Args, q.TargetList[slices.Index(x.cte.Ctecolnames, n)].Expr)
	}
	return r
}

// path is the array of one record, behind the path that the row before has in the
// new column no.
func (x *searchExpansion) path(r *node.RowExpr, before []node.Node, no int) node.Node {
	one := &node.ArrayExpr{ArrayTypeid: oid.RecordArray, ElementTypeid: oid.Record, Elements: []node.Node{r}, Location: -1}
	if before == nil {
		return one
	}
	return &node.FuncExpr{Funcid: arrayCat, Funcresulttype: oid.RecordArray, Args: []node.Node{before[no], one}, Location: -1}
}
