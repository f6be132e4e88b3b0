// Package analyze turns raw statements into query trees: names into OIDs, every
// expression into one typed by PostgreSQL's rules over the catalogs.
//
// Inside, an error is a panic with the private type bail, raised by pstate.fail
// and caught where the package is entered; no other panic is caught.
//
// INV-ANA-1 (errors): code, message, detail, hint and position are those of
// PostgreSQL 15 for the same statement.
// Enforced: fail. Tested: TestErrors.
//
// INV-ANA-2 (trees): the tree is the one PostgreSQL 15 stores for a view of the
// same text. Enforced: Analyze. Tested: TestTrees.
package analyze

import (
	"fmt"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
)

// Utility wraps a statement that analysis hands on as it is.
type Utility struct {
	Stmt *parser.Node
	Text string
	// Query is the analyzed statement inside of EXPLAIN, CREATE TABLE AS,
	// DECLARE CURSOR; nil otherwise.
	Query *node.Query
}

// Copy copies the wrapper.
func (u *Utility) Copy() node.Node { c := *u; return &c }

// Children does nothing: a utility statement is planned by its command.
func (u *Utility) Children(node.Visitor) {}

// Params are the types of $1, $2, …: fixed by the caller, or inferred where they
// are zero or missing and Infer is set.
type Params struct {
	Types []oid.OID
	Infer bool
	// Names are the parameters' names in the body of function Func.
	Names []string
	Func  string
}

// Analyze yields the query tree of one raw statement, views not expanded yet.
// params may be nil; inferred types are stored into it.
func Analyze(cat Catalog, stmt parser.RawStmt, params *Params) (q *node.Query, err error) {
	defer catch(&err)
	a := &analyzer{cat: cat, text: stmt.Text, params: params}
	q = a.topLevel(stmt)
	a.checkParams(q)
	return q, nil
}

type bail struct{ err error }

func catch(err *error) {
	switch x := recover().(type) {
	case nil:
	case bail:
		*err = x.err
	default:
		panic(x)
	}
}

// analyzer is what all levels of one statement share.
type analyzer struct {
	cat    Catalog
	text   string
	params *Params
	unset  map[int]int // parameters whose type is not known yet: number to location
}

// pstate is the state of one query level (PostgreSQL: ParseState).
type pstate struct {
	*analyzer
	parent    *pstate
	rtable    []*node.RangeTblEntry
	joinlist  []node.Node
	namespace []*nsItem
	ctes      []*node.CommonTableExpr
	future    []*pg.CommonTableExpr
	parentCTE *node.CommonTableExpr
	target    *nsItem
	insert    bool
	kind      exprKind
	nextResno int
	windows   []*pg.WindowDef
	// resolveUnknowns: untyped literals in the target list become text.
	resolveUnknowns bool
	lateralActive   bool
	lockedByParent  bool
	joinNS          map[int]*nsItem // by rtindex: for join aliases
	joinExprs       map[int]*node.JoinExpr
	multi           multiAssign
	links           int // subqueries of SET (…) = (…) in the actions of MERGE so far

	// lastSRF is the set-returning call transformed last.
	lastSRF node.Node

	hasAggs, hasWindowFuncs, hasTargetSRFs, hasSubLinks, hasModifyingCTE bool
	domainValue                                                          *node.CoerceToDomainValue
}

func (a *analyzer) newState(parent *pstate) *pstate {
	return &pstate{analyzer: a, parent: parent, nextResno: 1, resolveUnknowns: true}
}

// fail ends the analysis. loc is a byte offset or -1.
func (a *analyzer) fail(loc int, code pgerr.Code, format string, args ...any) {
	panic(bail{a.err(loc, code, format, args...)})
}

func (a *analyzer) err(loc int, code pgerr.Code, format string, args ...any) *pgerr.Error {
	return pgerr.New(code, format, args...).At(parser.Position(a.text, loc))
}

func (a *analyzer) throw(e error) {
	if e != nil {
		panic(bail{e})
	}
}

// throwAt is throw for an error that another layer made: it gets a position if
// it has none.
func (a *analyzer) throwAt(e error, loc int) {
	if e == nil {
		return
	}
	if pe, ok := pgerr.As(e); ok && pe.Position == 0 && loc >= 0 {
		c := *pe
		c.Position = parser.Position(a.text, loc)
		panic(bail{&c})
	}
	panic(bail{e})
}

func (a *analyzer) notYet(loc int, format string, args ...any) {
	panic(bail{pgerr.NotYet("%s", fmt.Sprintf(format, args...)).At(parser.Position(a.text, loc))})
}

// must unwraps a catalog lookup.
func must[T any](v T, err error) T {
	if err != nil {
		panic(bail{err})
	}
	return v
}

func (a *analyzer) topLevel(stmt parser.RawStmt) *node.Query {
	p := a.newState(nil)
	q := p.optionalInto(stmt.Stmt)
	q.StmtLocation = node.Location(stmt.Location)
	q.StmtLen = node.Location(stmt.Len)
	return q
}

// optionalInto is statement for the top level, where SELECT INTO is CREATE
// TABLE AS.
func (p *pstate) optionalInto(n *pg.Node) *node.Query {
	return p.statement(n)
}

// statement analyzes one statement at p's level.
func (p *pstate) statement(n *pg.Node) *node.Query {
	var q *node.Query
	switch s := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		q = p.selectAny(s.SelectStmt)
	case *pg.Node_InsertStmt:
		q = p.insertStmt(s.InsertStmt)
	case *pg.Node_UpdateStmt:
		q = p.updateStmt(s.UpdateStmt)
	case *pg.Node_DeleteStmt:
		q = p.deleteStmt(s.DeleteStmt)
	case *pg.Node_MergeStmt:
		q = p.mergeStmt(s.MergeStmt)
	default:
		q = p.utility(n)
	}
	q.QuerySource = node.QSrcOriginal
	q.CanSetTag = true
	return q
}

func (p *pstate) selectAny(s *pg.SelectStmt) *node.Query {
	switch {
	case s.IntoClause != nil:
		return p.utility(&pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s}})
	case len(s.ValuesLists) > 0:
		return p.valuesStmt(s)
	case s.Op == pg.SetOperation_SETOP_NONE || s.Op == pg.SetOperation_SET_OPERATION_UNDEFINED:
		return p.selectStmt(s)
	}
	return p.setOperationStmt(s)
}

// utility wraps a utility statement; the query inside of one is analyzed.
func (p *pstate) utility(n *pg.Node) *node.Query {
	u := &Utility{Stmt: n, Text: p.text}
	switch s := n.GetNode().(type) {
	case *pg.Node_ExplainStmt:
		u.Query = p.newState(nil).statement(s.ExplainStmt.Query)
	case *pg.Node_CreateTableAsStmt:
		u.Query = p.newState(nil).statement(s.CreateTableAsStmt.Query)
	case *pg.Node_DeclareCursorStmt:
		u.Query = p.newState(nil).statement(s.DeclareCursorStmt.Query)
	case *pg.Node_SelectStmt: // SELECT INTO
		plain := proto.Clone(s.SelectStmt).(*pg.SelectStmt)
		plain.IntoClause = nil
		u.Query = p.newState(nil).selectAny(plain)
	}
	return &node.Query{CommandType: node.CmdUtility, UtilityStmt: u}
}

// subquery analyzes a query below p.
func (p *pstate) subquery(n *pg.Node, cte *node.CommonTableExpr, locked, resolve bool) *node.Query {
	c := p.newState(p)
	c.parentCTE = cte
	c.lockedByParent = locked
	c.resolveUnknowns = resolve
	q := c.statement(n)
	return q
}

// finish moves what the level collected into q.
func (p *pstate) finish(q *node.Query) {
	q.Rtable = p.rtable
	q.CteList = p.ctes
	q.HasSubLinks = p.hasSubLinks
	q.HasWindowFuncs = p.hasWindowFuncs
	q.HasTargetSRFs = p.hasTargetSRFs
	q.HasAggs = p.hasAggs
	q.HasModifyingCTE = p.hasModifyingCTE
	p.assignQueryCollations(q)
}

// str is the text of a String node; "" for anything else.
func str(n *pg.Node) string { return n.GetString_().GetSval() }

func strs(l []*pg.Node) []string {
	out := make([]string, len(l))
	for i, n := range l {
		out[i] = str(n)
	}
	return out
}
