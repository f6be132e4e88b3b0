package analyze

import (
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// cteColumn is a column that SEARCH or CYCLE adds to a WITH item. A stored query
// has the clause only; references count the columns after those of the item.
type cteColumn struct {
	name string
	typ  oid.OID
	mod  int32
	coll oid.OID
}

// addedColumns are those of SEARCH, then those of CYCLE.
func addedColumns(e *node.CommonTableExpr) []cteColumn {
	var out []cteColumn
	if s := e.SearchClause; s != nil {
		c := cteColumn{s.SearchSeqColumn, oid.RecordArray, -1, 0}
		if s.SearchBreadthFirst {
			c.typ = oid.Record
		}
		out = append(out, c)
	}
	if y := e.CycleClause; y != nil {
		out = append(out, cteColumn{y.CycleMarkColumn, y.CycleMarkType, y.CycleMarkTypmod, y.CycleMarkCollation},
			cteColumn{y.CyclePathColumn, oid.RecordArray, -1, 0})
	}
	return out
}

// searchCycle transforms the clauses, which must come before the item's query:
// that can name the columns.
func (p *pstate) searchCycle(e *node.CommonTableExpr, c *pg.CommonTableExpr) {
	if s := c.SearchClause; s != nil {
		e.SearchClause = &node.CTESearchClause{SearchColList: strs(s.SearchColList), SearchBreadthFirst: s.SearchBreadthFirst,
			SearchSeqColumn: s.SearchSeqColumn, Location: loc(s.Location)}
	}
	y := c.CycleClause
	if y == nil {
		return
	}
	v := &node.CTECycleClause{CycleColList: strs(y.CycleColList), CycleMarkColumn: y.CycleMarkColumn, CyclePathColumn: y.CyclePathColumn, Location: loc(y.Location)}
	v.CycleMarkValue, v.CycleMarkDefault = p.expr(y.CycleMarkValue, kindOther), p.expr(y.CycleMarkDefault, kindOther)
	both := []node.Node{v.CycleMarkValue, v.CycleMarkDefault}
	v.CycleMarkType = p.commonType(both, "CYCLE")
	v.CycleMarkValue = p.toCommon(v.CycleMarkValue, v.CycleMarkType, "CYCLE/SET/TO")
	v.CycleMarkDefault = p.toCommon(v.CycleMarkDefault, v.CycleMarkType, "CYCLE/SET/DEFAULT")
	both = []node.Node{v.CycleMarkValue, v.CycleMarkDefault}
	v.CycleMarkTypmod = p.commonTypmod(both, v.CycleMarkType)
	v.CycleMarkCollation = p.commonCollation(both, true)
	if eq := p.sortOperators(v.CycleMarkType).eq; eq == 0 {
		p.fail(-1, pgerr.UndefinedFunction, "could not identify an equality operator for type %s", p.typeName(v.CycleMarkType))
	} else if v.CycleMarkNeop = must(p.cat.Operator(eq)).Negator; v.CycleMarkNeop == 0 {
		p.fail(-1, pgerr.UndefinedFunction, "could not identify an inequality operator for type %s", p.typeName(v.CycleMarkType))
	}
	e.CycleClause = v
}

// checkSearchCycle holds the clauses against the analyzed query and its columns.
func (p *pstate) checkSearchCycle(e *node.CommonTableExpr) {
	s, y := e.SearchClause, e.CycleClause
	if s == nil && y == nil {
		return
	}
	if !e.Cterecursive {
		p.fail(int(e.Location), pgerr.SyntaxError, "WITH query is not recursive")
	}
	q := e.Ctequery.(*node.Query)
	op := q.SetOperations.(*node.SetOperationStmt)
	if _, ok := op.Larg.(*node.RangeTblRef); !ok {
		p.fail(-1, pgerr.FeatureNotSupported, "with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT")
	}
	if _, ok := op.Rarg.(*node.RangeTblRef); !ok {
		p.fail(-1, pgerr.FeatureNotSupported, "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT")
	}
	if s != nil {
		at := int(s.Location)
		p.clauseColumns(e, "search", s.SearchColList, at)
		p.newColumn(e, "search sequence", s.SearchSeqColumn, at)
	}
	if y != nil {
		at := int(y.Location)
		p.clauseColumns(e, "cycle", y.CycleColList, at)
		p.newColumn(e, "cycle mark", y.CycleMarkColumn, at)
		p.newColumn(e, "cycle path", y.CyclePathColumn, at)
		p.differ("cycle mark", y.CycleMarkColumn, "cycle path", y.CyclePathColumn, at)
	}
	if s != nil && y != nil {
		at := int(s.Location)
		p.differ("search sequence", s.SearchSeqColumn, "cycle mark", y.CycleMarkColumn, at)
		p.differ("search sequence", s.SearchSeqColumn, "cycle path", y.CyclePathColumn, at)
	}
}

func (p *pstate) clauseColumns(e *node.CommonTableExpr, clause string, l []string, at int) {
	for i, n := range l {
		if !slices.Contains(e.Ctecolnames, n) {
			p.fail(at, pgerr.SyntaxError, `%s column "%s" not in WITH query column list`, clause, n)
		}
		if slices.Contains(l[:i], n) {
			p.fail(at, pgerr.DuplicateColumn, `%s column "%s" specified more than once`, clause, n)
		}
	}
}

func (p *pstate) newColumn(e *node.CommonTableExpr, what, name string, at int) {
	if slices.Contains(e.Ctecolnames, name) {
		p.fail(at, pgerr.SyntaxError, `%s column name "%s" already used in WITH query column list`, what, name)
	}
}

func (p *pstate) differ(what, name, other, otherName string, at int) {
	if name == otherName {
		p.fail(at, pgerr.SyntaxError, "%s column name and %s column name are the same", what, other)
	}
}
