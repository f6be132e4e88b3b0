package ruleutils

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// list writes arguments with commas, implicit casts shown.
func (d *deparser) list(l []node.Node) {
	for i, n := range l {
		if i > 0 {
			d.put(", ")
		}
		d.full(n)
	}
}

// topList is list where a whole row is shown with its type.
func (d *deparser) topList(l []node.Node) {
	for i, n := range l {
		if i > 0 {
			d.put(", ")
		}
		d.toplevel(n, true)
	}
}

func (d *deparser) toplevel(n node.Node, implicit bool) {
	if v, ok := n.(*node.Var); ok {
		d.variable(v, 0, true)
		return
	}
	d.write(n, implicit)
}

// top writes n, leaving implicit casts at its top out.
func (d *deparser) top(n node.Node) { d.write(n, false) }

// full writes n with implicit casts at its top shown as explicit ones.
func (d *deparser) full(n node.Node) { d.write(n, true) }

// inner writes an operand of parent, in parentheses where pretty text needs them.
func (d *deparser) inner(n node.Node, implicit bool, parent node.Node) {
	need := d.Pretty && !d.simple(n, parent)
	if need {
		d.put("(")
	}
	d.write(n, implicit)
	if need {
		d.put(")")
	}
}

func (d *deparser) write(n node.Node, implicit bool) {
	switch x := n.(type) {
	case *node.Var:
		d.variable(x, 0, false)
	case *node.Const:
		d.constant(x, 0)
	case *node.Param:
		d.param(x)
	case *node.OpExpr:
		d.operator(x)
	case *node.FuncExpr:
		d.function(x, implicit)
	case *node.Aggref:
		d.aggregate(x)
	case *node.WindowFunc:
		d.window(x)
	case *node.GroupingFunc:
		d.call("GROUPING", x.Args)
	case *node.NamedArgExpr:
		d.put(analyze.QuoteIdent(x.Name), " => ")
		d.top(x.Arg)
	case *node.BoolExpr:
		d.boolean(x)
	case *node.ScalarArrayOpExpr:
		d.arrayOp(x)
	case *node.DistinctExpr:
		d.infix(x, x.Args[0], " IS DISTINCT FROM ", x.Args[1])
	case *node.NullIfExpr:
		d.call("NULLIF", x.Args)
	case *node.CoalesceExpr:
		d.call("COALESCE", x.Args)
	case *node.MinMaxExpr:
		d.call([...]string{"GREATEST", "LEAST"}[x.Op], x.Args)
	case *node.NullTest:
		d.nullTest(x)
	case *node.BooleanTest:
		d.postfix(x, x.Arg, false, [...]string{" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN"}[x.Booltesttype])
	case *node.CollateExpr:
		d.postfix(x, x.Arg, implicit, " COLLATE "+d.collation(x.CollOid))
	case *node.CaseExpr:
		d.caseExpr(x)
	case *node.CaseTestExpr:
		d.put("CASE_TEST_EXPR")
	case *node.CoerceToDomainValue:
		d.put("VALUE")
	case *node.SetToDefault:
		d.put("DEFAULT")
	case *node.SQLValueFunction:
		d.valueFunction(x)
	case *node.CurrentOfExpr:
		d.put("CURRENT OF ", analyze.QuoteIdent(x.CursorName))
	case *node.TargetEntry:
		d.write(x.Expr, implicit)
	case node.List:
		for i, e := range x {
			if i > 0 {
				d.put(", ")
			}
			d.write(e, implicit)
		}
	default:
		d.writeMore(n, implicit)
	}
}

// writeMore is the rest of write: casts, constructors, parts, subqueries.
func (d *deparser) writeMore(n node.Node, implicit bool) {
	switch x := n.(type) {
	case *node.RelabelType:
		d.cast(x, x.Arg, x.Relabelformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.CoerceViaIO:
		d.cast(x, x.Arg, x.Coerceformat, x.Resulttype, -1, implicit)
	case *node.ArrayCoerceExpr:
		d.cast(x, x.Arg, x.Coerceformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.ConvertRowtypeExpr:
		d.cast(x, x.Arg, x.Convertformat, x.Resulttype, -1, implicit)
	case *node.CoerceToDomain:
		d.cast(x, x.Arg, x.Coercionformat, x.Resulttype, x.Resulttypmod, implicit)
	case *node.ArrayExpr:
		d.put("ARRAY[")
		d.list(x.Elements)
		d.put("]")
		if len(x.Elements) == 0 {
			d.put("::", d.typeName(x.ArrayTypeid, -1))
		}
	case *node.RowExpr:
		d.put("ROW(")
		d.topList(x.Args)
		d.put(")")
		if x.RowFormat == node.CoerceExplicitCast {
			d.put("::", d.typeName(x.RowTypeid, -1))
		}
	case *node.RowCompareExpr:
		d.put("(ROW(")
		d.topList(x.Largs)
		d.put(") ", d.opName(x.Opnos[0]), " ROW(")
		d.topList(x.Rargs)
		d.put("))")
	case *node.SubscriptingRef:
		d.subscript(x)
	case *node.FieldSelect:
		d.field(x)
	case *node.FieldStore:
		d.fieldStore(x)
	case *node.SubLink:
		d.subLink(x)
	case *node.SubPlan:
		d.subPlan(x)
	case *node.AlternativeSubPlan:
		d.put("(alternatives: ")
		for i, s := range x.Subplans {
			if i > 0 {
				d.put(" or ")
			}
			d.top(s)
		}
		d.put(")")
	case *node.InferenceElem:
		d.inference(x)
	case *node.NextValueExpr:
		d.put("nextval('", strings.ReplaceAll(d.relation(x.Seqid), "'", "''"), "'::regclass)")
	default:
		d.fail(pgerr.NotYet("writing this expression as SQL"))
	}
}

func (d *deparser) infix(whole, l node.Node, op string, r node.Node) {
	d.paren("(")
	d.inner(l, true, whole)
	d.put(op)
	d.inner(r, true, whole)
	d.paren(")")
}

func (d *deparser) postfix(whole, n node.Node, implicit bool, s string) {
	d.paren("(")
	d.inner(n, implicit, whole)
	d.put(s)
	d.paren(")")
}

func (d *deparser) call(name string, args []node.Node) {
	d.put(name, "(")
	d.list(args)
	d.put(")")
}

func (d *deparser) operator(x *node.OpExpr) {
	name := d.opName(x.Opno)
	if len(x.Args) == 2 {
		d.infix(x, x.Args[0], " "+name+" ", x.Args[1])
		return
	}
	d.paren("(")
	d.put(name, " ")
	d.inner(x.Args[0], true, x)
	d.paren(")")
}

func (d *deparser) arrayOp(x *node.ScalarArrayOpExpr) {
	d.paren("(")
	d.inner(x.Args[0], true, x)
	d.put(" ", d.opName(x.Opno), map[bool]string{true: " ANY (", false: " ALL ("}[x.UseOr])
	d.inner(x.Args[1], true, x)
	if s, ok := x.Args[1].(*node.SubLink); ok && s.SubLinkType == node.ExprSublink {
		d.put("::", d.typeName(node.ExprType(s), node.ExprTypmod(s)))
	}
	d.put(")")
	d.paren(")")
}

func (d *deparser) nullTest(x *node.NullTest) {
	s := [...]string{" IS NULL", " IS NOT NULL"}
	if !x.Argisrow && d.rowType(node.ExprType(x.Arg)) {
		s = [...]string{" IS NOT DISTINCT FROM NULL", " IS DISTINCT FROM NULL"}
	}
	d.postfix(x, x.Arg, true, s[x.Nulltesttype])
}

func (d *deparser) rowType(id oid.OID) bool {
	if id == oid.Record {
		return true
	}
	t := d.typ(id)
	for t.Kind == 'd' && t.BaseType != 0 && d.err == nil {
		t = d.typ(t.BaseType)
	}
	return t.Kind == 'c'
}

func (d *deparser) boolean(x *node.BoolExpr) {
	d.paren("(")
	if x.Boolop == node.NotExpr {
		d.put("NOT ")
	}
	for i, a := range x.Args {
		if i > 0 {
			d.put([...]string{" AND ", " OR "}[x.Boolop])
		}
		d.inner(a, false, x)
	}
	d.paren(")")
}

// cast writes arg with a cast, or alone if the cast is implicit and shall not
// be shown.
func (d *deparser) cast(whole, arg node.Node, form node.CoercionForm, to oid.OID, mod int32, implicit bool) {
	if form == node.CoerceImplicitCast && !implicit {
		d.inner(arg, false, whole)
		return
	}
	if c, ok := arg.(*node.Const); ok && c.Consttype == to && c.Consttypmod == -1 {
		d.constant(c, -1)
	} else {
		d.paren("(")
		d.inner(arg, false, whole)
		d.paren(")")
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
		d.put(" COLLATE ", d.collation(c.Constcollid))
	}
}

// literal quotes a string as standard_conforming_strings reads it.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d *deparser) caseExpr(x *node.CaseExpr) {
	d.line("CASE", 0, indentVar, 0)
	if x.Arg != nil {
		d.put(" ")
		d.full(x.Arg)
	}
	key := func(s string, before int) {
		if d.Flat {
			d.put(" ")
		}
		d.line(s, before, 0, 0)
	}
	for _, w := range x.Args {
		cond := w.Expr
		if o, ok := cond.(*node.OpExpr); ok && x.Arg != nil && len(o.Args) == 2 {
			if _, ok := bare(o.Args[0]).(*node.CaseTestExpr); ok {
				cond = o.Args[1]
			}
		}
		key("WHEN ", 0)
		d.top(cond)
		d.put(" THEN ")
		d.full(w.Result)
	}
	key("ELSE ", 0)
	d.full(x.Defresult)
	key("END", -indentVar)
}

// bare takes implicit casts off n.
func bare(n node.Node) node.Node {
	for {
		switch x := n.(type) {
		case *node.RelabelType:
			if x.Relabelformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Arg
		case *node.FuncExpr:
			if x.Funcformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Args[0]
		case *node.CoerceViaIO:
			if x.Coerceformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Arg
		case *node.ArrayCoerceExpr:
			if x.Coerceformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Arg
		case *node.ConvertRowtypeExpr:
			if x.Convertformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Arg
		case *node.CoerceToDomain:
			if x.Coercionformat != node.CoerceImplicitCast {
				return n
			}
			n = x.Arg
		default:
			return n
		}
	}
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
	if _, ok := x.Refexpr.(*node.CaseTestExpr); !ok {
		_, v := x.Refexpr.(*node.Var)
		_, f := x.Refexpr.(*node.FieldSelect)
		if v || f {
			d.full(x.Refexpr)
		} else {
			d.put("(")
			d.full(x.Refexpr)
			d.put(")")
		}
	}
	d.subscripts(x)
	if x.Refassgnexpr != nil {
		d.put(" := ")
		d.full(x.Refassgnexpr)
	}
}

func (d *deparser) subscripts(x *node.SubscriptingRef) {
	for i, u := range x.Refupperindexpr {
		d.put("[")
		if len(x.Reflowerindexpr) > 0 {
			if l := x.Reflowerindexpr[i]; l != nil {
				d.top(l)
			}
			d.put(":")
		}
		if u != nil {
			d.top(u)
		}
		d.put("]")
	}
}

func (d *deparser) fieldStore(x *node.FieldStore) {
	if len(x.Newvals) == 1 {
		d.full(x.Newvals[0])
		return
	}
	d.call("ROW", x.Newvals)
}

// field writes one field of a row value.
func (d *deparser) field(x *node.FieldSelect) {
	_, s := x.Arg.(*node.SubscriptingRef)
	_, f := x.Arg.(*node.FieldSelect)
	if s || f {
		d.full(x.Arg)
	} else {
		d.put("(")
		d.full(x.Arg)
		d.put(")")
	}
	d.put(".", analyze.QuoteIdent(d.fieldName(x.Arg, x.Fieldnum, 0)))
}

// fieldName is the name of field no of a row value, followed into subqueries
// where the type alone does not tell.
func (d *deparser) fieldName(n node.Node, no, up int) string {
	if r, ok := n.(*node.RowExpr); ok && no > 0 && no <= len(r.Colnames) {
		return r.Colnames[no-1]
	}
	if t := d.typ(node.ExprType(n)); node.ExprType(n) != oid.Record {
		for t.Kind == 'd' && t.BaseType != 0 && d.err == nil {
			t = d.typ(t.BaseType)
		}
		rel, err := d.cat.RelationByOID(t.RelID)
		d.check(err)
		if rel != nil && no > 0 && no <= len(rel.Columns) {
			return rel.Columns[no-1].Name
		}
		return "f" + strconv.Itoa(no)
	}
	switch x := n.(type) {
	case *node.FuncExpr:
		f, err := d.cat.Function(x.Funcid)
		d.check(err)
		if f != nil {
			at := 0
			for i, m := range f.ArgModes {
				if m == 'o' || m == 'b' || m == 't' {
					if at++; at == no && i < len(f.ArgNames) {
						return f.ArgNames[i]
					}
				}
			}
		}
	case *node.Var:
		if name := d.varField(x, no, up); name != "" {
			return name
		}
	}
	return "f" + strconv.Itoa(no)
}

// varField is fieldName for a column of type record.
func (d *deparser) varField(v *node.Var, no, up int) string {
	up += v.Varlevelsup
	if up >= len(d.scopes) || v.Varno < 1 || v.Varno > len(d.scopes[up].rtable) {
		return ""
	}
	s := d.scopes[up]
	r := s.rtable[v.Varno-1]
	if v.Varattno == 0 {
		if c := s.cols[v.Varno-1]; no > 0 && no <= len(c.names) {
			return c.names[no-1]
		}
		return ""
	}
	sub := r.Subquery
	switch r.Rtekind {
	case node.RTEJoin:
		if v.Varattno <= len(r.Joinaliasvars) {
			return d.fieldName(r.Joinaliasvars[v.Varattno-1], no, up)
		}
	case node.RTECTE:
		if at := up + r.Ctelevelsup; at < len(d.scopes) {
			for _, c := range d.scopes[at].ctes {
				if q, ok := c.Ctequery.(*node.Query); ok && c.Ctename == r.Ctename {
					sub, up = q, at
				}
			}
		}
	}
	if sub == nil || v.Varattno > len(sub.TargetList) {
		return ""
	}
	old := d.scopes
	d.scopes = old[up:]
	d.scopes = append([]*scope{d.queryScope(sub)}, d.scopes...)
	name := d.fieldName(sub.TargetList[v.Varattno-1].Expr, no, 0)
	d.scopes = old
	return name
}

// variable writes a column and returns its bare name, "" for a whole row.
func (d *deparser) variable(v *node.Var, up int, toplevel bool) string {
	if d.plan != nil {
		return d.planVar(v, toplevel)
	}
	at := v.Varlevelsup + up
	if at >= len(d.scopes) {
		d.fail(pgerr.New(pgerr.InvalidParameterValue, "expression contains variables of more than one relation"))
		return ""
	}
	s := d.scopes[at]
	no, att := v.Varno, v.Varattno
	if v.Varnosyn > 0 {
		no, att = v.Varnosyn, v.Varattnosyn
	}
	if no < 1 || no > len(s.rtable) {
		d.fail(pgerr.New(pgerr.InternalError, "bogus varno: %d", no))
		return ""
	}
	r := s.rtable[no-1]
	if r.Rtekind == node.RTEJoin && r.Alias == nil && att > 0 && att <= len(r.Joinaliasvars) {
		if a, ok := r.Joinaliasvars[att-1].(*node.Var); ok {
			return d.variable(a, at, toplevel)
		}
	}
	return d.putColumn(s, no, att, d.prefix, toplevel, v)
}

// putColumn writes column att of entry no.
func (d *deparser) putColumn(s *scope, no, att int, prefix, toplevel bool, v *node.Var) string {
	name := ""
	switch {
	case att > 0:
		if att <= len(s.cols[no-1].names) {
			name = s.cols[no-1].names[att-1]
		}
		if name == "" {
			d.fail(pgerr.New(pgerr.InternalError, "invalid attnum %d for relation \"%s\"", att, s.names[no-1]))
		}
	case att < 0 && att >= -6:
		name = [...]string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}[-att-1]
	}
	if s.names[no-1] != "" && (prefix || att == 0) {
		d.put(analyze.QuoteIdent(s.names[no-1]), ".")
	}
	if att != 0 {
		d.put(analyze.QuoteIdent(name))
		return name
	}
	d.put("*")
	if toplevel {
		d.put("::", d.typeName(v.Vartype, v.Vartypmod))
	}
	return ""
}

func (d *deparser) param(x *node.Param) {
	if d.plan != nil {
		d.planParam(x)
		return
	}
	d.put("$", strconv.Itoa(x.Paramid))
}
