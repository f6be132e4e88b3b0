package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/types"
)

// identity is what pg_identify_object tells of an object: the words of its kind,
// and names that do not depend on the search path. Empty is NULL.
type identity struct {
	kind, schema, name, full string
	parts, args              []string // as pg_get_object_address takes them
}

// identify answers pg_identify_object and pg_identify_object_as_address.
func (s *System) identify(fn string, c *builtin.Call) answer {
	if fn != "pg_identify_object" && fn != "pg_identify_object_as_address" {
		return answer{}
	}
	class, id, sub := argOID(c, 0), argOID(c, 1), int32(c.Args[2].Int)
	if _, ok := rows.FindCatalog(class); !ok {
		return failed(pgerr.New(pgerr.InvalidParameterValue, "unsupported object class: %d", class))
	}
	d := identifier{s, c.Env}
	x, err := d.of(class, id, sub)
	if err != nil {
		return failed(err)
	}
	str := func(v string) datum.Datum { return strOrNull(v) }
	if fn == "pg_identify_object" {
		return record(c, "text text text text", str(x.kind), str(x.schema), str(x.name), str(x.full))
	}
	parts, args := datum.Null(), datum.Null()
	if len(x.parts) > 0 {
		parts, args = textArray(x.parts), textArray(x.args)
	}
	types := []types.Column{{Name: "type", Type: oid.Text, TypMod: -1}, {Name: "object_names", Type: oid.TextArray, TypMod: -1},
		{Name: "object_args", Type: oid.TextArray, TypMod: -1}}
	v, err := c.Env.FormRow(oid.Record, -1, types, []datum.Datum{str(x.kind), parts, args})
	return checked(value(v), err)
}

// identifier makes identities.
type identifier struct {
	s   *System
	env *builtin.Env
}

// relationWords are the kinds of relations. constant
var relationWords = map[byte]string{'r': "table", 'p': "table", 'i': "index", 'I': "index", 'S': "sequence", 't': "toast table", 'v': "view",
	'm': "materialized view", 'c': "composite type", 'f': "foreign table"}

func (d identifier) of(class, id oid.OID, sub int32) (identity, error) {
	cat := d.s.d.Catalog
	switch class {
	case oid.RelClass:
		return d.relation(id, sub)
	case oid.RelType:
		r, err := cat.Type(id)
		if err != nil || r == nil {
			return identity{kind: "type"}, err
		}
		full, err := d.typ(id)
		return identity{kind: "type", schema: d.schema(r.Typnamespace), name: quote(r.Typname), full: full, parts: []string{full}}, err
	case oid.RelProc:
		return d.function(id)
	case oid.RelOperator:
		return d.operator(id)
	case oid.RelConstraint:
		return d.constraint(id)
	case oid.RelAttrdef:
		r, err := first[rows.PgAttrdef](d.s, rows.AnumPgAttrdefOid, id)
		if err != nil || r == nil {
			return identity{kind: "default value"}, err
		}
		col, err := d.relation(r.Adrelid, int32(r.Adnum))
		return identity{kind: "default value", full: "for " + col.full, parts: col.parts}, err
	case oid.RelCast:
		r, err := first[rows.PgCast](d.s, rows.AnumPgCastOid, id)
		if err != nil || r == nil {
			return identity{kind: "cast"}, err
		}
		from, err := d.typ(r.Castsource)
		if err != nil {
			return identity{}, err
		}
		to, err := d.typ(r.Casttarget)
		return identity{kind: "cast", full: "(" + from + " AS " + to + ")", parts: []string{from}, args: []string{to}}, err
	case oid.RelOpclass:
		r, err := cat.Opclass(id)
		if err != nil || r == nil {
			return identity{kind: "operator class"}, err
		}
		return d.ofMethod("operator class", r.Opcname, r.Opcnamespace, r.Opcmethod)
	case oid.RelOpfamily:
		r, err := cat.Opfamily(id)
		if err != nil || r == nil {
			return identity{kind: "operator family"}, err
		}
		return d.ofMethod("operator family", r.Opfname, r.Opfnamespace, r.Opfmethod)
	case oid.RelAmop, oid.RelAmproc:
		return d.member(class, id)
	case oid.RelRewrite:
		r, err := first[rows.PgRewrite](d.s, rows.AnumPgRewriteOid, id)
		if err != nil || r == nil {
			return identity{kind: "rule"}, err
		}
		return d.on("rule", r.Rulename, r.EvClass)
	case oid.RelTrigger:
		r, err := first[rows.PgTrigger](d.s, rows.AnumPgTriggerOid, id)
		if err != nil || r == nil {
			return identity{kind: "trigger"}, err
		}
		return d.on("trigger", r.Tgname, r.Tgrelid)
	}
	n, ok, err := cat.Named(class, id)
	if err != nil || !ok {
		return identity{}, err
	}
	if n.Name == "" {
		return identity{kind: n.Kind}, nil
	}
	return d.plain(n.Kind, n.Name, n.Namespace), nil
}

// plain is an object with a name, in a schema or in none.
func (d identifier) plain(kind, name string, ns oid.OID) identity {
	x := identity{kind: kind, name: quote(name), full: quote(name), parts: []string{name}}
	if ns != 0 {
		x.schema = d.schema(ns)
		x.full = x.schema + "." + x.full
		x.parts = []string{d.schemaName(ns), name}
	}
	if kind == "collation" || kind == "conversion" { // several may have the name, in other encodings
		x.name = ""
		if kind == "conversion" {
			x.name = quote(name)
		}
	}
	return x
}

func quote(s string) string { return types.QuoteIdent(s) }

func (d identifier) schemaName(ns oid.OID) string {
	r, err := d.s.d.Catalog.Namespace(ns)
	if err != nil || r == nil {
		return ""
	}
	if d.s.d.TempNamespace != nil && d.s.d.TempNamespace() == ns {
		return "pg_temp"
	}
	return r.Nspname
}

func (d identifier) schema(ns oid.OID) string { return quote(d.schemaName(ns)) }

// typ is a type's name with its schema, unless SQL has a word of its own.
func (d identifier) typ(t oid.OID) (string, error) {
	if t == 0 {
		return "-", nil
	}
	return d.env.FormatTypeQualified(t), nil
}

func (d identifier) types(l []oid.OID) ([]string, error) {
	var out []string
	for _, t := range l {
		n, err := d.typ(t)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func (d identifier) relation(id oid.OID, sub int32) (identity, error) {
	r, err := d.s.d.Catalog.Class(id)
	if err != nil || r == nil {
		return identity{kind: "relation"}, err
	}
	x := d.plain(relationWords[r.Relkind], r.Relname, r.Relnamespace)
	if sub == 0 {
		return x, nil
	}
	x.kind += " column"
	atts, err := d.s.d.Catalog.Attributes(id)
	for _, a := range atts {
		if int32(a.Attnum) == sub && !a.Attisdropped {
			x.full += "." + quote(a.Attname)
			x.parts = append(x.parts, a.Attname)
			return x, err
		}
	}
	return identity{kind: x.kind, schema: x.schema, name: x.name}, err
}

func (d identifier) function(id oid.OID) (identity, error) {
	r, err := d.s.d.Catalog.Proc(id)
	if err != nil || r == nil {
		return identity{kind: "routine"}, err
	}
	kind := map[byte]string{'a': "aggregate", 'p': "procedure"}[r.Prokind]
	if kind == "" {
		kind = "function"
	}
	args, err := d.types(r.Proargtypes)
	ns := d.schema(r.Pronamespace)
	return identity{kind: kind, schema: ns, full: ns + "." + quote(r.Proname) + "(" + strings.Join(args, ",") + ")",
		parts: []string{d.schemaName(r.Pronamespace), r.Proname}, args: args}, err
}

func (d identifier) operator(id oid.OID) (identity, error) {
	r, err := d.s.d.Catalog.Operator(id)
	if err != nil || r == nil {
		return identity{kind: "operator"}, err
	}
	var args []string
	for _, t := range []oid.OID{r.Oprleft, r.Oprright} {
		n := "NONE"
		if t != 0 {
			if n, err = d.typ(t); err != nil {
				return identity{}, err
			}
		}
		args = append(args, n)
	}
	ns := d.schema(r.Oprnamespace)
	return identity{kind: "operator", schema: ns, full: ns + "." + r.Oprname + "(" + strings.Join(args, ",") + ")",
		parts: []string{d.schemaName(r.Oprnamespace), r.Oprname}, args: args}, nil
}

func (d identifier) constraint(id oid.OID) (identity, error) {
	r, err := d.s.d.Catalog.Constraint(id)
	if err != nil || r == nil {
		return identity{kind: "constraint"}, err
	}
	if r.Conrelid != 0 {
		x, err := d.on("table constraint", r.Conname, r.Conrelid)
		x.schema = d.schema(r.Connamespace)
		return x, err
	}
	t, err := d.typ(r.Contypid)
	return identity{kind: "domain constraint", schema: d.schema(r.Connamespace), full: quote(r.Conname) + " on " + t, parts: []string{t}, args: []string{r.Conname}}, err
}

// on is an object of a relation.
func (d identifier) on(kind, name string, rel oid.OID) (identity, error) {
	r, err := d.relation(rel, 0)
	return identity{kind: kind, full: quote(name) + " on " + r.full, parts: append(r.parts, name)}, err
}

func (d identifier) ofMethod(kind, name string, ns, am oid.OID) (identity, error) {
	m, err := d.s.d.Catalog.Am(am)
	if err != nil || m == nil {
		return identity{kind: kind}, err
	}
	x := d.plain(kind, name, ns)
	x.name = ""
	x.full += " USING " + quote(m.Amname)
	x.parts = append([]string{m.Amname}, x.parts...)
	return x, nil
}

// member is an operator or a function of an operator family.
func (d identifier) member(class, id oid.OID) (identity, error) {
	var family, left, right oid.OID
	var n int64
	kind, word := "operator of access method", "operator"
	if class == oid.RelAmop {
		r, err := first[rows.PgAmop](d.s, rows.AnumPgAmopOid, id)
		if err != nil || r == nil {
			return identity{kind: kind}, err
		}
		family, left, right, n = r.Amopfamily, r.Amoplefttype, r.Amoprighttype, int64(r.Amopstrategy)
	} else {
		kind, word = "function of access method", "function"
		r, err := first[rows.PgAmproc](d.s, rows.AnumPgAmprocOid, id)
		if err != nil || r == nil {
			return identity{kind: kind}, err
		}
		family, left, right, n = r.Amprocfamily, r.Amproclefttype, r.Amprocrighttype, int64(r.Amprocnum)
	}
	f, err := d.of(oid.RelOpfamily, family, 0)
	if err != nil {
		return identity{}, err
	}
	args, err := d.types([]oid.OID{left, right})
	return identity{kind: kind, full: word + " " + itoa(n) + " (" + strings.Join(args, ", ") + ") of " + f.full,
		parts: append(f.parts, itoa(n)), args: args}, err
}
