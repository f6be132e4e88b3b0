package ruleutils

import (
	"strconv"
	"strings"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Definitions writes the definitions of objects that the catalogs hold in rows.
type Definitions struct {
	S   *catalog.Session
	Cat Catalog
}

func (x Definitions) deparser(pretty bool) *deparser {
	return &deparser{cat: x.Cat, out: &strings.Builder{}, Style: style(pretty)}
}

// table is the name of a table: qualified unless pretty and visible.
func (d *deparser) table(r *analyze.Relation) string {
	if d.Pretty {
		return d.relation(r.OID)
	}
	return qualified(r)
}

// Index is pg_get_indexdef. column selects one column, 0 is the whole command.
// "" without an error: there is no such index.
func (x Definitions) Index(index oid.OID, column int, pretty bool) (string, error) {
	ix, err := x.S.Index(index)
	if err != nil || ix == nil {
		return "", err
	}
	class, err := x.S.Class(index)
	if err != nil || class == nil {
		return "", err
	}
	rel, err := x.Cat.RelationByOID(ix.Indrelid)
	if err != nil || rel == nil {
		return "", err
	}
	am, err := x.S.Am(class.Relam)
	if err != nil || am == nil {
		return "", err
	}
	d := x.deparser(pretty)
	if column == 0 {
		d.put("CREATE ")
		if ix.Indisunique {
			d.put("UNIQUE ")
		}
		d.put("INDEX ", analyze.QuoteIdent(class.Relname), " ON ")
		if class.Relkind == 'I' {
			d.put("ONLY ")
		}
		d.put(d.table(rel), " USING ", analyze.QuoteIdent(am.Amname), " (")
	}
	if err := x.indexColumns(d, ix, rel, class, column); err != nil {
		return "", err
	}
	if column != 0 {
		return d.text()
	}
	d.put(")")
	if ix.Indnullsnotdistinct {
		d.put(" NULLS NOT DISTINCT")
	}
	d.put(options(class.Reloptions))
	if ix.Indpred != "" {
		n, err := node.Read(ix.Indpred)
		if err != nil {
			return "", err
		}
		s, err := ExprStyle(x.Cat, n, rel, d.Style)
		if err != nil {
			return "", err
		}
		d.put(" WHERE ", s)
	}
	return d.text()
}

// options writes storage parameters as WITH does.
func options(l []string) string {
	if len(l) == 0 {
		return ""
	}
	out := make([]string, len(l))
	for i, o := range l {
		name, v, _ := strings.Cut(o, "=")
		if analyze.QuoteIdent(v) != v {
			v = literal(v)
		}
		out[i] = analyze.QuoteIdent(name) + "=" + v
	}
	return " WITH (" + strings.Join(out, ", ") + ")"
}

func (x Definitions) indexColumns(d *deparser, ix *rows.PgIndex, rel *analyze.Relation, class *rows.PgClass, column int) error {
	var exprs node.List
	if ix.Indexprs != "" {
		n, err := node.Read(ix.Indexprs)
		if err != nil {
			return err
		}
		exprs, _ = n.(node.List)
	}
	sep := ""
	for i, att := range ix.Indkey {
		if i == int(ix.Indnkeyatts) && column == 0 {
			d.put(") INCLUDE (")
			sep = ""
		}
		if column == 0 {
			d.put(sep)
			sep = ", "
		}
		show := column == 0 || column == i+1
		var typ, coll oid.OID
		text := ""
		if att != 0 {
			if int(att) > len(rel.Columns) || att < 0 {
				return pgerr.New(pgerr.InternalError, "invalid attribute number %d", att)
			}
			c := rel.Columns[att-1]
			typ, coll, text = c.Type, c.Collation, analyze.QuoteIdent(c.Name)
		} else {
			if len(exprs) == 0 {
				return pgerr.New(pgerr.InternalError, "too few entries in indexprs list")
			}
			e := exprs[0]
			exprs = exprs[1:]
			s, err := ExprStyle(x.Cat, e, rel, d.Style)
			if err != nil {
				return err
			}
			typ, coll, text = node.ExprType(e), node.ExprCollation(e), s
			if !likeCall(e) {
				text = "(" + s + ")"
			}
		}
		if show {
			d.put(text)
		}
		if column != 0 || i >= int(ix.Indnkeyatts) {
			continue
		}
		if c := ix.Indcollation[i]; c != 0 && c != coll {
			d.put(" COLLATE ", d.collation(c))
		}
		if err := x.opclass(d, ix.Indclass[i], typ, class.Relam); err != nil {
			return err
		}
		if class.Relam == oid.BtreeAM {
			switch o := ix.Indoption[i]; {
			case o&1 != 0 && o&2 == 0:
				d.put(" DESC NULLS LAST")
			case o&1 != 0:
				d.put(" DESC")
			case o&2 != 0:
				d.put(" NULLS FIRST")
			}
		}
	}
	return nil
}

// likeCall tells whether an index expression needs no parentheses.
func likeCall(n node.Node) bool {
	switch f := n.(type) {
	case *node.FuncExpr:
		return f.Funcformat == node.CoerceExplicitCall || f.Funcformat == node.CoerceSQLSyntax
	case *node.Aggref, *node.GroupingFunc, *node.WindowFunc, *node.CoalesceExpr, *node.MinMaxExpr, *node.NullIfExpr, *node.SQLValueFunction:
		return true
	}
	return false
}

// opclass writes an operator class that is not the default of the type.
func (x Definitions) opclass(d *deparser, id, typ, am oid.OID) error {
	def, err := x.S.DefaultOpclass(typ, am)
	if err != nil || def != nil && def.Oid == id {
		return err
	}
	oc, err := x.S.Opclass(id)
	if err != nil || oc == nil {
		return err
	}
	if oc.Opcnamespace == oid.CatalogNamespace {
		d.put(" ", analyze.QuoteIdent(oc.Opcname))
		return nil
	}
	n, err := x.S.Namespace(oc.Opcnamespace)
	if err != nil || n == nil {
		return err
	}
	d.put(" ", analyze.QuoteIdent(n.Nspname), ".", analyze.QuoteIdent(oc.Opcname))
	return nil
}

// Constraint is pg_get_constraintdef. "": there is no such constraint.
func (x Definitions) Constraint(id oid.OID, pretty bool) (string, error) {
	c, err := x.S.Constraint(id)
	if err != nil || c == nil {
		return "", err
	}
	d := x.deparser(pretty)
	var rel *analyze.Relation
	if c.Conrelid != 0 {
		if rel, err = x.Cat.RelationByOID(c.Conrelid); err != nil || rel == nil {
			return "", err
		}
	}
	switch c.Contype {
	case 'f':
		if err := x.foreignKey(d, c, rel); err != nil {
			return "", err
		}
	case 'p', 'u':
		if err := x.uniqueKey(d, c, rel); err != nil {
			return "", err
		}
	case 'c':
		n, err := node.Read(c.Conbin)
		if err != nil {
			return "", err
		}
		s, err := ExprStyle(x.Cat, n, rel, d.Style)
		if err != nil {
			return "", err
		}
		d.put("CHECK (", s, ")")
		if c.Connoinherit {
			d.put(" NO INHERIT")
		}
	case 't':
		d.put("TRIGGER")
	default:
		return "", pgerr.NotYet("the definition of an exclusion constraint")
	}
	if c.Condeferrable {
		d.put(" DEFERRABLE")
	}
	if c.Condeferred {
		d.put(" INITIALLY DEFERRED")
	}
	if !c.Convalidated {
		d.put(" NOT VALID")
	}
	return d.text()
}

func columnList(rel *analyze.Relation, atts []int16) string {
	var out []string
	for _, a := range atts {
		if a > 0 && int(a) <= len(rel.Columns) {
			out = append(out, analyze.QuoteIdent(rel.Columns[a-1].Name))
		}
	}
	return strings.Join(out, ", ")
}

func (x Definitions) foreignKey(d *deparser, c *rows.PgConstraint, rel *analyze.Relation) error {
	ref, err := x.Cat.RelationByOID(c.Confrelid)
	if err != nil || ref == nil {
		return err
	}
	d.put("FOREIGN KEY (", columnList(rel, c.Conkey), ") REFERENCES ", d.relation(ref.OID), "(", columnList(ref, c.Confkey), ")")
	switch c.Confmatchtype {
	case 'f':
		d.put(" MATCH FULL")
	case 'p':
		d.put(" MATCH PARTIAL")
	}
	words := map[byte]string{'r': "RESTRICT", 'c': "CASCADE", 'n': "SET NULL", 'd': "SET DEFAULT"}
	if w := words[c.Confupdtype]; w != "" {
		d.put(" ON UPDATE ", w)
	}
	if w := words[c.Confdeltype]; w != "" {
		d.put(" ON DELETE ", w)
	}
	if len(c.Confdelsetcols) > 0 {
		d.put(" (", columnList(rel, c.Confdelsetcols), ")")
	}
	return nil
}

func (x Definitions) uniqueKey(d *deparser, c *rows.PgConstraint, rel *analyze.Relation) error {
	ix, err := x.S.Index(c.Conindid)
	if err != nil {
		return err
	}
	if c.Contype == 'p' {
		d.put("PRIMARY KEY ")
	} else {
		d.put("UNIQUE ")
		if ix != nil && ix.Indnullsnotdistinct {
			d.put("NULLS NOT DISTINCT ")
		}
	}
	d.put("(", columnList(rel, c.Conkey), ")")
	if ix != nil && len(ix.Indkey) > int(ix.Indnkeyatts) {
		d.put(" INCLUDE (", columnList(rel, ix.Indkey[ix.Indnkeyatts:]), ")")
	}
	return nil
}

// Rule is pg_get_ruledef of a row of pg_rewrite.
func (x Definitions) Rule(r *rows.PgRewrite, pretty bool) (string, error) {
	rel, err := x.Cat.RelationByOID(r.EvClass)
	if err != nil || rel == nil {
		return "", err
	}
	return RuleDef(x.Cat, Rule{Name: r.Rulename, Event: RuleEvent(r.EvType), Instead: r.IsInstead, Qual: r.EvQual, Action: r.EvAction}, rel, pretty)
}

// FunctionArguments is pg_get_function_arguments, or with identity
// pg_get_function_identity_arguments.
func (x Definitions) FunctionArguments(p *rows.PgProc, identity bool) (string, error) {
	d := x.deparser(false)
	x.arguments(d, p, false, !identity)
	return d.text()
}

// FunctionResult is pg_get_function_result; false for a procedure.
func (x Definitions) FunctionResult(p *rows.PgProc) (string, bool, error) {
	if p.Prokind == 'p' {
		return "", false, nil
	}
	d := x.deparser(false)
	x.result(d, p)
	s, err := d.text()
	return s, true, err
}

func (x Definitions) result(d *deparser, p *rows.PgProc) {
	if p.Proretset {
		n := 0
		list := d.aside(func() { n = x.arguments(d, p, true, false) })
		if n > 0 {
			d.put("TABLE(", list, ")")
			return
		}
		d.put("SETOF ")
	}
	d.put(d.bareType(p.Prorettype))
}

// arguments writes the parameters of a function, or those of TABLE (…), and
// counts them.
func (x Definitions) arguments(d *deparser, p *rows.PgProc, table, defaults bool) int {
	types := p.Proargtypes
	if len(p.Proallargtypes) > 0 {
		types = p.Proallargtypes
	}
	var defs node.List
	if defaults && p.Pronargdefaults > 0 && p.Proargdefaults != "" {
		n, err := node.Read(p.Proargdefaults)
		d.check(err)
		defs, _ = n.(node.List)
	}
	without := len(p.Proargtypes) - len(defs)
	order := -1
	if p.Prokind == 'a' {
		a, err := x.S.Aggregate(p.Oid)
		d.check(err)
		if a != nil && a.Aggkind != 'n' {
			order = int(a.Aggnumdirectargs)
		}
	}
	printed, inputs := 0, 0
	for i := 0; i < len(types); i++ {
		mode := byte('i')
		if i < len(p.Proargmodes) {
			mode = p.Proargmodes[i]
		}
		word, input := "", true
		switch mode {
		case 'i':
			if p.Prokind == 'p' {
				word = "IN "
			}
		case 'b':
			word = "INOUT "
		case 'v':
			word = "VARIADIC "
		case 'o':
			word, input = "OUT ", false
		case 't':
			input = false
		}
		if input {
			inputs++
		}
		if table != (mode == 't') {
			continue
		}
		switch {
		case printed == order && printed > 0:
			d.put(" ORDER BY ")
		case printed == order:
			d.put("ORDER BY ")
		case printed > 0:
			d.put(", ")
		}
		d.put(word)
		if i < len(p.Proargnames) && p.Proargnames[i] != "" {
			d.put(analyze.QuoteIdent(p.Proargnames[i]), " ")
		}
		d.put(d.bareType(types[i]))
		if at := inputs - without; input && at > 0 && at <= len(defs) {
			s, err := Expr(x.Cat, defs[at-1], nil)
			d.check(err)
			d.put(" DEFAULT ", s)
		}
		printed++
		if printed == order && i == len(types)-1 {
			i--
			inputs--
			defs = nil
		}
	}
	return printed
}

// Function is pg_get_functiondef.
func (x Definitions) Function(p *rows.PgProc) (string, error) {
	if p.Prokind == 'a' {
		return "", pgerr.New(pgerr.WrongObjectType, "\"%s\" is an aggregate function", p.Proname)
	}
	ns, err := x.S.Namespace(p.Pronamespace)
	if err != nil || ns == nil {
		return "", err
	}
	lang, err := x.S.Language(p.Prolang)
	if err != nil || lang == nil {
		return "", err
	}
	d := x.deparser(false)
	kind := "FUNCTION"
	if p.Prokind == 'p' {
		kind = "PROCEDURE"
	}
	d.put("CREATE OR REPLACE ", kind, " ", analyze.QuoteIdent(ns.Nspname), ".", analyze.QuoteIdent(p.Proname), "(")
	x.arguments(d, p, false, true)
	d.put(")\n")
	if p.Prokind != 'p' {
		d.put(" RETURNS ")
		x.result(d, p)
		d.put("\n")
	}
	d.put(" LANGUAGE ", analyze.QuoteIdent(lang.Lanname), "\n")
	if s := x.attributes(d, p, lang.Lanname); s != "" {
		d.put(s, "\n")
	}
	for _, c := range p.Proconfig {
		name, v, _ := strings.Cut(c, "=")
		d.put(" SET ", analyze.QuoteIdent(name), " TO ")
		switch name {
		case "search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries", "shared_preload_libraries":
			var l []string
			for _, w := range strings.Split(v, ",") {
				l = append(l, literal(strings.Trim(strings.TrimSpace(w), `"`)))
			}
			d.put(strings.Join(l, ", "))
		default:
			d.put(literal(v))
		}
		d.put("\n")
	}
	if p.Prosqlbody != "" {
		if err := x.sqlBody(d, p); err != nil {
			return "", err
		}
		d.put("\n")
		return d.text()
	}
	d.put("AS ")
	if p.Probin != "" {
		d.put(literal(p.Probin), ", ")
	}
	tag := strings.ToLower(kind)
	for strings.Contains(p.Prosrc, "$"+tag) {
		tag += "x"
	}
	d.put("$", tag, "$", p.Prosrc, "$", tag, "$\n")
	return d.text()
}

func (x Definitions) attributes(d *deparser, p *rows.PgProc, lang string) string {
	var b strings.Builder
	add := func(when bool, s string) {
		if when {
			b.WriteString(s)
		}
	}
	add(p.Prokind == 'w', " WINDOW")
	add(p.Provolatile == 'i', " IMMUTABLE")
	add(p.Provolatile == 's', " STABLE")
	add(p.Proparallel == 's', " PARALLEL SAFE")
	add(p.Proparallel == 'r', " PARALLEL RESTRICTED")
	add(p.Proisstrict, " STRICT")
	add(p.Prosecdef, " SECURITY DEFINER")
	add(p.Proleakproof, " LEAKPROOF")
	cost := float32(100)
	if lang == "internal" || lang == "c" {
		cost = 1
	}
	add(p.Procost != cost, " COST "+number(p.Procost))
	add(p.Prorows > 0 && p.Prorows != 1000, " ROWS "+number(p.Prorows))
	if p.Prosupport != 0 {
		name, _ := d.funcName(p.Prosupport)
		add(true, " SUPPORT "+name)
	}
	return b.String()
}

// number writes a float as C's %g.
func number(f float32) string {
	s := strconv.FormatFloat(float64(f), 'g', 6, 64)
	return strings.Replace(s, "e+0", "e+0", 1)
}

// sqlBody writes the body of a function in SQL-standard form.
func (x Definitions) sqlBody(d *deparser, p *rows.PgProc) error {
	n, err := node.Read(p.Prosqlbody)
	if err != nil {
		return err
	}
	if l, ok := n.(node.List); ok && len(l) == 1 {
		if in, ok := l[0].(node.List); ok {
			d.put("BEGIN ATOMIC\n")
			for _, s := range in {
				q, ok := s.(*node.Query)
				if !ok {
					return pgerr.NotYet("writing this function body as SQL")
				}
				d.indent = 1
				d.put(" ")
				d.query(q, nil, true)
				d.put(";\n")
			}
			d.put("END")
			return nil
		}
	}
	q, ok := n.(*node.Query)
	if !ok {
		return pgerr.NotYet("writing this function body as SQL")
	}
	d.query(q, nil, true)
	return nil
}

// SerialSequence is pg_get_serial_sequence for a column: the sequence that
// belongs to it, or "".
func (x Definitions) SerialSequence(table oid.OID, column int16) (string, error) {
	deps, err := catalog.FindRows[rows.PgDepend](x.S, catalog.Search{Anum: rows.AnumPgDependRefclassid, Value: datum.Int(int64(oid.RelClass))},
		catalog.Search{Anum: rows.AnumPgDependRefobjid, Value: datum.Int(int64(table))}, catalog.Search{Anum: rows.AnumPgDependRefobjsubid, Value: datum.Int(int64(column))})
	if err != nil {
		return "", err
	}
	for _, f := range deps {
		r := f.Row
		if r.Classid != oid.RelClass || r.Objsubid != 0 || r.Deptype != 'a' && r.Deptype != 'i' {
			continue
		}
		rel, err := x.Cat.RelationByOID(r.Objid)
		if err != nil {
			return "", err
		}
		if rel != nil && rel.Kind == 'S' {
			return qualified(rel), nil
		}
	}
	return "", nil
}
