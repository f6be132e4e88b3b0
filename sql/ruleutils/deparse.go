// Package ruleutils writes stored expressions, queries and definitions back as
// SQL text.
//
// INV-RULE-1 (same text): the text is that of PostgreSQL 15's pg_get_expr,
// pg_get_viewdef and their kin for the same tree. Enforced: Expr, View. Tested:
// TestExpr, TestSystemViews, TestViews.
package ruleutils

import (
	"strings"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Catalog is what writing asks of the system catalogs.
type Catalog interface {
	analyze.Catalog
	// Output is the text form of a value, by the type's output function.
	Output(t *analyze.Type, v datum.Datum) (string, error)
}

// Style is the form of the text.
type Style struct {
	// Pretty leaves out parentheses that are not needed, and schemas of what is
	// visible.
	Pretty bool
	// Flat writes all on one line.
	Flat bool
	// Wrap is the column at which lists of a query break; 0 breaks before every
	// item, below 0 never.
	Wrap int
}

// Expr is pg_get_expr: the text of an expression over the columns of one table,
// or of none. Not pretty: every operator in parentheses. A list is written with
// commas, as index expressions are.
func Expr(cat Catalog, n node.Node, rel *analyze.Relation) (text string, err error) {
	return ExprStyle(cat, n, rel, Style{})
}

// KeyExpr is an expression of an index as messages about its keys show it: pretty,
// in parentheses unless it looks like a function call.
func KeyExpr(cat Catalog, n node.Node, rel *analyze.Relation) (string, error) {
	text, err := ExprStyle(cat, n, rel, Style{Pretty: true})
	if err == nil && !looksLikeFunction(n) {
		text = "(" + text + ")"
	}
	return text, err
}

// looksLikeFunction reports whether an expression is written as a function call.
func looksLikeFunction(n node.Node) bool {
	switch x := n.(type) {
	case *node.FuncExpr:
		return x.Funcformat == node.CoerceExplicitCall || x.Funcformat == node.CoerceSQLSyntax
	case *node.CoalesceExpr, *node.MinMaxExpr, *node.NullIfExpr, *node.SQLValueFunction, *node.XmlExpr:
		return true
	}
	return false
}

// ExprStyle is Expr in a style.
func ExprStyle(cat Catalog, n node.Node, rel *analyze.Relation, st Style) (text string, err error) {
	d := &deparser{cat: cat, out: &strings.Builder{}, Style: st}
	if rel != nil {
		d.scopes = []*scope{tableScope(rel)}
	}
	if l, ok := n.(node.List); ok {
		d.list(l)
	} else {
		d.top(n)
	}
	return d.text()
}

// Widths of indentation.
const (
	indentStd  = 8
	indentJoin = 4
	indentVar  = 4
	indentMax  = 40
)

// deparser holds the text so far; the first error stays.
type deparser struct {
	Style
	cat    Catalog
	out    *strings.Builder
	indent int
	err    error

	scopes  []*scope // innermost first
	prefix  bool     // columns carry their relation's name
	windows []*node.WindowClause
	wtlist  []*node.TargetEntry
	grouped bool // inside of GROUP BY
	plan    *Plan
}

func (d *deparser) text() (string, error) {
	if d.err != nil {
		return "", d.err
	}
	return d.out.String(), nil
}

func (d *deparser) put(s ...string) {
	for _, x := range s {
		d.out.WriteString(x)
	}
}

func (d *deparser) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *deparser) check(err error) {
	if err != nil {
		d.fail(err)
	}
}

// paren writes s, a parenthesis, where the text is not pretty.
func (d *deparser) paren(s string) {
	if !d.Pretty {
		d.put(s)
	}
}

// line starts a new line with s: the level of indentation changes by before and
// then by after, and plus counts only for this line. Flat text has no lines.
func (d *deparser) line(s string, before, after, plus int) {
	if d.Flat {
		d.put(s)
		return
	}
	d.indent += before
	d.trim()
	n := max(d.indent, 0)
	if n >= indentMax {
		n = (indentMax + (n-indentMax)/(indentStd/2)) % indentMax
	}
	d.put("\n", strings.Repeat(" ", n+plus), s)
	d.indent = max(d.indent+after, 0)
}

// trim takes spaces from the end of the text.
func (d *deparser) trim() {
	s := d.out.String()
	if t := strings.TrimRight(s, " "); len(t) < len(s) {
		d.out.Reset()
		d.out.WriteString(t)
	}
}

// aside runs f with its own output, which it returns.
func (d *deparser) aside(f func()) string {
	old := d.out
	d.out = &strings.Builder{}
	f()
	s := d.out.String()
	d.out = old
	return s
}

// lastLine is the length of the line that the text ends in.
func (d *deparser) lastLine() int {
	s := d.out.String()
	return len(s) - 1 - strings.LastIndexByte(s, '\n')
}

// wraps reports that items of a list go to lines of their own.
func (d *deparser) wraps() bool { return !d.Flat && d.Wrap >= 0 }

func (d *deparser) typ(id oid.OID) *analyze.Type {
	t, err := d.cat.Type(id)
	d.check(err)
	if t == nil {
		d.fail(pgerr.New(pgerr.InternalError, "cache lookup failed for type %d", id))
		return &analyze.Type{}
	}
	return t
}

func (d *deparser) typeName(id oid.OID, mod int32) string {
	s, err := analyze.TypeName(d.cat, id, mod)
	d.check(err)
	return s
}

// bareType is a type where it cannot have a modifier.
func (d *deparser) bareType(id oid.OID) string {
	s, err := analyze.BareTypeName(d.cat, id)
	d.check(err)
	return s
}

func (d *deparser) collation(id oid.OID) string {
	c, err := d.cat.CollationName(id)
	d.check(err)
	vis, err := d.cat.Collation("", c)
	d.check(err)
	if vis != id && c != "" {
		return "pg_catalog." + analyze.QuoteIdent(c)
	}
	return analyze.QuoteIdent(c)
}

// relation is a table's name, qualified if it would not be found, or would be
// taken for a WITH item.
func (d *deparser) relation(id oid.OID) string {
	r, err := d.cat.RelationByOID(id)
	d.check(err)
	if r == nil {
		d.fail(pgerr.New(pgerr.InternalError, "cache lookup failed for relation %d", id))
		return ""
	}
	vis, err := d.cat.Relation("", r.Name)
	d.check(err)
	hidden := vis == nil || vis.OID != id
	for _, s := range d.scopes {
		for _, c := range s.ctes {
			hidden = hidden || c.Ctename == r.Name
		}
	}
	if hidden {
		return qualified(r)
	}
	return analyze.QuoteIdent(r.Name)
}

func qualified(r *analyze.Relation) string {
	return analyze.QuoteIdent(r.Schema) + "." + analyze.QuoteIdent(r.Name)
}

func (d *deparser) opName(id oid.OID) string {
	o, err := d.cat.Operator(id)
	d.check(err)
	if o == nil {
		d.fail(pgerr.New(pgerr.InternalError, "cache lookup failed for operator %d", id))
		return ""
	}
	vis, err := d.cat.Operators("", o.Name)
	d.check(err)
	for _, v := range vis {
		if v.OID == id {
			return o.Name
		}
	}
	return "OPERATOR(" + analyze.QuoteIdent(o.Schema) + "." + o.Name + ")"
}

// funcName is a function's name, qualified if a call would not find it.
func (d *deparser) funcName(id oid.OID) (string, *analyze.Function) {
	f, err := d.cat.Function(id)
	d.check(err)
	if f == nil {
		d.fail(pgerr.New(pgerr.InternalError, "cache lookup failed for function %d", id))
		return "", &analyze.Function{}
	}
	vis, err := d.cat.Functions("", f.Name)
	d.check(err)
	found := false
	for _, v := range vis {
		found = found || v.OID == id
	}
	if d.grouped && (f.Name == "cube" || f.Name == "rollup") {
		found = false
	}
	if found {
		return analyze.QuoteIdent(f.Name), f
	}
	return analyze.QuoteIdent(f.Schema) + "." + analyze.QuoteIdent(f.Name), f
}
