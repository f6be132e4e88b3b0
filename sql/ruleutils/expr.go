// Package ruleutils writes stored expressions back as SQL text.
//
// INV-RULE-1 (same text): the text is that of PostgreSQL 15's pg_get_expr for
// the same tree. Enforced: Expr. Tested: TestExpr.
package ruleutils

import (
	"strconv"
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

// Expr is pg_get_expr: the text of an expression over the columns of one table,
// or of none. Not pretty: every operator in parentheses. A list is written with
// commas, as index expressions are.
func Expr(cat Catalog, n node.Node, rel *analyze.Relation) (text string, err error) {
	d := &deparser{cat: cat, rel: rel}
	if l, ok := n.(node.List); ok {
		d.list(l)
	} else {
		d.expr(n)
	}
	if d.err != nil {
		return "", d.err
	}
	return d.b.String(), nil
}

// deparser holds the text so far; the first error stays.
type deparser struct {
	cat    Catalog
	rel    *analyze.Relation
	b      strings.Builder
	indent int
	err    error
}

func (d *deparser) put(s ...string) {
	for _, x := range s {
		d.b.WriteString(x)
	}
}

func (d *deparser) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// newline starts a new line at the current indentation; white space at the end
// of the last one goes away.
func (d *deparser) newline() {
	s := strings.TrimRight(d.b.String(), " ")
	d.b.Reset()
	d.put(s, "\n", strings.Repeat(" ", d.indent))
}

// list writes arguments, implicit casts shown.
func (d *deparser) list(l []node.Node) {
	for i, n := range l {
		if i > 0 {
			d.put(", ")
		}
		d.full(n)
	}
}

func (d *deparser) typ(id oid.OID) *analyze.Type {
	t, err := d.cat.Type(id)
	if err != nil {
		d.fail(err)
	}
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

func (d *deparser) check(err error) {
	if err != nil {
		d.fail(err)
	}
}

// column is the name of a table's column.
func (d *deparser) column(v *node.Var) {
	if d.rel == nil || v.Varlevelsup != 0 || v.Varno != 1 {
		d.fail(pgerr.New(pgerr.InvalidParameterValue, "expression contains variables of more than one relation"))
		return
	}
	switch {
	case v.Varattno > 0 && v.Varattno <= len(d.rel.Columns):
		d.put(analyze.QuoteIdent(d.rel.Columns[v.Varattno-1].Name))
	case v.Varattno == 0:
		d.put(analyze.QuoteIdent(d.rel.Name), ".*")
	case v.Varattno < 0 && v.Varattno >= -6:
		d.put([...]string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}[-v.Varattno-1])
	}
}

// expr writes n, leaving implicit casts at its top out.
func (d *deparser) expr(n node.Node) { d.write(n, false) }

// full writes n with implicit casts at its top shown as explicit ones.
func (d *deparser) full(n node.Node) { d.write(n, true) }

func (d *deparser) write(n node.Node, implicit bool) {
	switch x := n.(type) {
	case *node.Var:
		d.column(x)
	case *node.Const:
		d.constant(x, 0)
	case *node.Param:
		d.put("$", strconv.Itoa(x.Paramid))
	case *node.OpExpr:
		d.operator(x)
	case *node.FuncExpr:
		d.function(x, implicit)
	case *node.NamedArgExpr:
		d.put(analyze.QuoteIdent(x.Name), " => ")
		d.expr(x.Arg)
	case *node.BoolExpr:
		d.boolean(x)
	case *node.ScalarArrayOpExpr:
		d.put("(")
		d.full(x.Args[0])
		d.put(" ", d.opName(x.Opno), map[bool]string{true: " ANY (", false: " ALL ("}[x.UseOr])
		d.full(x.Args[1])
		d.put("))")
	case *node.DistinctExpr:
		d.infix(x.Args[0], " IS DISTINCT FROM ", x.Args[1])
	case *node.NullIfExpr:
		d.call("NULLIF", x.Args)
	case *node.CoalesceExpr:
		d.call("COALESCE", x.Args)
	case *node.MinMaxExpr:
		d.call([...]string{"GREATEST", "LEAST"}[x.Op], x.Args)
	case *node.NullTest:
		d.put("(")
		d.full(x.Arg)
		d.put([...]string{" IS NULL", " IS NOT NULL"}[x.Nulltesttype], ")")
	case *node.BooleanTest:
		d.postfix(x.Arg, [...]string{" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN"}[x.Booltesttype])
	case *node.CollateExpr:
		c, err := d.cat.CollationName(x.CollOid)
		d.check(err)
		d.postfix(x.Arg, " COLLATE "+analyze.QuoteIdent(c))
	case *node.RelabelType:
		d.cast(x.Arg, x.Relabelformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.CoerceViaIO:
		d.cast(x.Arg, x.Coerceformat, x.Resulttype, -1, implicit)
	case *node.ArrayCoerceExpr:
		d.cast(x.Arg, x.Coerceformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.ConvertRowtypeExpr:
		d.cast(x.Arg, x.Convertformat, x.Resulttype, -1, implicit)
	case *node.CoerceToDomain:
		d.cast(x.Arg, x.Coercionformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.CoerceToDomainValue:
		d.put("VALUE")
	case *node.CaseExpr:
		d.caseExpr(x)
	case *node.ArrayExpr:
		d.put("ARRAY[")
		d.list(x.Elements)
		d.put("]")
		if len(x.Elements) == 0 {
			d.put("::", d.typeName(x.ArrayTypeid, -1))
		}
	case *node.RowExpr:
		d.put("ROW(")
		d.list(x.Args)
		d.put(")")
	case *node.SQLValueFunction:
		d.valueFunction(x)
	case *node.SubscriptingRef:
		d.subscript(x)
	case *node.NextValueExpr:
		d.put("nextval('", strconv.Itoa(int(x.Seqid)), "'::regclass)")
	default:
		d.fail(pgerr.NotYet("writing this expression as SQL"))
	}
}

func (d *deparser) infix(l node.Node, op string, r node.Node) {
	d.put("(")
	d.full(l)
	d.put(op)
	d.full(r)
	d.put(")")
}

func (d *deparser) postfix(n node.Node, s string) {
	d.put("(")
	d.expr(n)
	d.put(s, ")")
}

func (d *deparser) call(name string, args []node.Node) {
	d.put(name, "(")
	d.list(args)
	d.put(")")
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

func (d *deparser) operator(x *node.OpExpr) {
	name := d.opName(x.Opno)
	if len(x.Args) == 2 {
		d.infix(x.Args[0], " "+name+" ", x.Args[1])
		return
	}
	d.put("(", name, " ")
	d.full(x.Args[0])
	d.put(")")
}

func (d *deparser) boolean(x *node.BoolExpr) {
	d.put("(")
	if x.Boolop == node.NotExpr {
		d.put("NOT ")
	}
	for i, a := range x.Args {
		if i > 0 {
			d.put([...]string{" AND ", " OR "}[x.Boolop])
		}
		d.expr(a)
	}
	d.put(")")
}

func (d *deparser) function(x *node.FuncExpr, implicit bool) {
	switch x.Funcformat {
	case node.CoerceImplicitCast, node.CoerceExplicitCast:
		mod, _ := node.LengthCoercion(x)
		d.cast(x.Args[0], x.Funcformat, x.Funcresulttype, mod, implicit)
		return
	}
	f, err := d.cat.Function(x.Funcid)
	d.check(err)
	if f == nil {
		d.fail(pgerr.New(pgerr.InternalError, "cache lookup failed for function %d", x.Funcid))
		return
	}
	if x.Funcformat == node.CoerceSQLSyntax && d.sqlSyntax(f.Name, x.Args) {
		return
	}
	name := analyze.QuoteIdent(f.Name)
	vis, err := d.cat.Functions("", f.Name)
	d.check(err)
	visible := false
	for _, v := range vis {
		visible = visible || v.OID == x.Funcid
	}
	if !visible || x.Funcformat == node.CoerceSQLSyntax {
		name = analyze.QuoteIdent(f.Schema) + "." + name
	}
	d.put(name, "(")
	for i, a := range x.Args {
		if i > 0 {
			d.put(", ")
		}
		if x.Funcvariadic && i == len(x.Args)-1 {
			d.put("VARIADIC ")
		}
		d.full(a)
	}
	d.put(")")
}

// sqlSyntax writes the functions that SQL gives a syntax of their own.
func (d *deparser) sqlSyntax(name string, a []node.Node) bool {
	mixed := func(parts ...any) bool {
		for _, p := range parts {
			switch x := p.(type) {
			case string:
				d.put(x)
			case node.Node:
				d.full(x)
			}
		}
		return true
	}
	switch {
	case name == "timezone" && len(a) == 2:
		return mixed("(", a[1], " AT TIME ZONE ", a[0], ")")
	case name == "extract" && len(a) == 2:
		if c, ok := a[0].(*node.Const); ok {
			return mixed("EXTRACT(", c.Constvalue.Str(), " FROM ", a[1], ")")
		}
	case name == "position" && len(a) == 2:
		return mixed("POSITION((", a[1], ") IN (", a[0], "))")
	case name == "substring" && len(a) == 2:
		return mixed("SUBSTRING(", a[0], " FROM ", a[1], ")")
	case name == "substring" && len(a) == 3:
		return mixed("SUBSTRING(", a[0], " FROM ", a[1], " FOR ", a[2], ")")
	case name == "overlay" && len(a) == 3:
		return mixed("OVERLAY(", a[0], " PLACING ", a[1], " FROM ", a[2], ")")
	case name == "overlay" && len(a) == 4:
		return mixed("OVERLAY(", a[0], " PLACING ", a[1], " FROM ", a[2], " FOR ", a[3], ")")
	}
	side := map[string]string{"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[name]
	switch {
	case side != "" && len(a) == 1:
		return mixed("TRIM(", side, " FROM ", a[0], ")")
	case side != "" && len(a) == 2:
		return mixed("TRIM(", side, " ", a[1], " FROM ", a[0], ")")
	}
	return false
}

func (d *deparser) cast(arg node.Node, form node.CoercionForm, to oid.OID, mod int32, implicit bool) {
	if form == node.CoerceImplicitCast && !implicit {
		d.expr(arg)
		return
	}
	if c, ok := arg.(*node.Const); ok && c.Consttype == to && c.Consttypmod == -1 {
		d.constant(c, -1)
	} else {
		d.put("(")
		d.expr(arg)
		d.put(")")
	}
	d.put("::", d.typeName(to, mod))
}

// constant writes a constant: show 1 always with its type, 0 where the text
// alone would be read as another, -1 never.
func (d *deparser) constant(c *node.Const, show int) {
	if c.Constisnull {
		d.put("NULL")
		if show >= 0 {
			d.put("::", d.typeName(c.Consttype, c.Consttypmod))
			d.constCollation(c)
		}
		return
	}
	s, err := d.cat.Output(d.typ(c.Consttype), c.Constvalue)
	d.check(err)
	label := true
	switch c.Consttype {
	case oid.Int4:
		if label = len(s) > 0 && s[0] == '-'; label {
			d.put("'", s, "'")
		} else {
			d.put(s)
		}
	case oid.Numeric:
		plain := len(s) > 0 && s[0] >= '0' && s[0] <= '9' && strings.ContainsAny(s, "eE.")
		if plain {
			d.put(s)
		} else {
			d.put("'", s, "'")
		}
		label = !plain || c.Consttypmod >= 0
	case oid.Bool:
		label = false
		d.put(map[string]string{"t": "true", "f": "false"}[s])
	default:
		d.put(literal(s))
		label = c.Consttype != oid.Unknown
	}
	if show < 0 {
		return
	}
	if label || show > 0 {
		d.put("::", d.typeName(c.Consttype, c.Consttypmod))
	}
	d.constCollation(c)
}

func (d *deparser) constCollation(c *node.Const) {
	if c.Constcollid != 0 && c.Constcollid != d.typ(c.Consttype).Collation {
		n, err := d.cat.CollationName(c.Constcollid)
		d.check(err)
		d.put(" COLLATE ", analyze.QuoteIdent(n))
	}
}

// literal quotes a string as standard_conforming_strings reads it.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d *deparser) caseExpr(x *node.CaseExpr) {
	d.newline()
	d.put("CASE")
	d.indent += 4
	if x.Arg != nil {
		d.put(" ")
		d.full(x.Arg)
	}
	for _, w := range x.Args {
		cond := w.Expr
		if o, ok := cond.(*node.OpExpr); ok && x.Arg != nil && len(o.Args) == 2 {
			cond = o.Args[1]
		}
		d.newline()
		d.put("WHEN ")
		d.expr(cond)
		d.put(" THEN ")
		d.full(w.Result)
	}
	d.newline()
	d.put("ELSE ")
	d.full(x.Defresult)
	d.indent -= 4
	d.newline()
	d.put("END")
}

func (d *deparser) valueFunction(x *node.SQLValueFunction) {
	names := [...]string{"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIME",
		"LOCALTIMESTAMP", "LOCALTIMESTAMP", "CURRENT_ROLE", "CURRENT_USER", "USER", "SESSION_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA"}
	d.put(names[x.Op])
	switch x.Op {
	case node.SVFOpCurrentTimeN, node.SVFOpCurrentTimestampN, node.SVFOpLocaltimeN, node.SVFOpLocaltimestampN:
		d.put("(", strconv.Itoa(int(x.Typmod)), ")")
	}
}

func (d *deparser) subscript(x *node.SubscriptingRef) {
	if _, ok := x.Refexpr.(*node.Var); ok {
		d.expr(x.Refexpr)
	} else {
		d.put("(")
		d.expr(x.Refexpr)
		d.put(")")
	}
	for i, u := range x.Refupperindexpr {
		d.put("[")
		if len(x.Reflowerindexpr) > 0 {
			if l := x.Reflowerindexpr[i]; l != nil {
				d.expr(l)
			}
			d.put(":")
		}
		if u != nil {
			d.expr(u)
		}
		d.put("]")
	}
}
