// Package syscat serves analysis from the system catalog caches of a session.
package syscat

import (
	"strings"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
)

// arraySubscript is array_subscript_handler, which makes a type a true array.
const arraySubscript oid.OID = 6179

// Catalog is an analyze.Catalog over one session's caches.
type Catalog struct {
	S *catalog.Session
	// Path is the search path: pg_catalog and the temporary schema included.
	Path     []oid.OID
	Database string
	// Convert runs input functions, Typmod typmodin functions, Out output functions.
	Convert func(t *analyze.Type, typmod int32, literal string) (datum.Datum, error)
	Typmod  func(t *analyze.Type, mods []string) (int32, error)
	Out     func(t *analyze.Type, v datum.Datum) (string, error)
}

var _ analyze.Catalog = (*Catalog)(nil)

// schemas are the namespaces that a lookup goes through.
func (c *Catalog) schemas(name string) ([]oid.OID, error) {
	if name == "" {
		return c.Path, nil
	}
	if name == "pg_temp" { // the session's own, which its path holds
		for _, ns := range c.Path {
			if n, err := c.schemaName(ns); err != nil || strings.HasPrefix(n, "pg_temp_") {
				return []oid.OID{ns}, err
			}
		}
		return nil, nil
	}
	n, err := c.S.NamespaceByName(name)
	if err != nil || n == nil {
		return nil, err
	}
	return []oid.OID{n.Oid}, nil
}

func (c *Catalog) schemaName(o oid.OID) (string, error) {
	n, err := c.S.Namespace(o)
	if err != nil || n == nil {
		return "", err
	}
	return n.Nspname, nil
}

// Type is part of analyze.Catalog.
func (c *Catalog) Type(id oid.OID) (*analyze.Type, error) {
	r, err := c.S.Type(id)
	if err != nil || r == nil {
		return nil, err
	}
	return c.typ(r)
}

func (c *Catalog) typ(r *rows.PgType) (*analyze.Type, error) {
	ns, err := c.schemaName(r.Typnamespace)
	if err != nil {
		return nil, err
	}
	t := &analyze.Type{OID: r.Oid, Namespace: r.Typnamespace, Name: r.Typname, NamespaceName: ns, Len: r.Typlen, ByVal: r.Typbyval,
		Kind: r.Typtype, Category: r.Typcategory, Delim: r.Typdelim, Preferred: r.Typispreferred, Defined: r.Typisdefined,
		RelID: r.Typrelid, Elem: r.Typelem, Array: r.Typarray, BaseType: r.Typbasetype, TypMod: r.Typtypmod, NotNull: r.Typnotnull,
		Collation: r.Typcollation, Input: r.Typinput, Output: r.Typoutput, TypmodIn: r.Typmodin, Subscript: r.Typsubscript,
		TrueArray: r.Typelem != 0 && r.Typsubscript == arraySubscript, DefaultTree: r.Typdefaultbin, Default: r.Typdefault}
	switch r.Typtype {
	case 'r':
		g, err := c.S.Range(r.Oid)
		if err != nil {
			return nil, err
		}
		if g != nil {
			t.RangeSubtype, t.Multirange = g.Rngsubtype, g.Rngmultitypid
		}
	case 'd':
		cons, err := c.S.ConstraintsOfType(r.Oid)
		if err != nil {
			return nil, err
		}
		t.HasConstraints = len(cons) > 0
	}
	return t, nil
}

// TypeByName is part of analyze.Catalog.
func (c *Catalog) TypeByName(schema, name string) (*analyze.Type, error) {
	path, err := c.schemas(schema)
	if err != nil {
		return nil, err
	}
	for _, ns := range path {
		if r, err := c.S.TypeByName(name, ns); err != nil {
			return nil, err
		} else if r != nil {
			return c.typ(r)
		}
	}
	return nil, nil
}

func (c *Catalog) proc(r *rows.PgProc) (*analyze.Function, error) {
	ns, err := c.schemaName(r.Pronamespace)
	if err != nil {
		return nil, err
	}
	f := &analyze.Function{OID: r.Oid, Namespace: r.Pronamespace, Name: r.Proname, Schema: ns, Kind: r.Prokind, ArgTypes: r.Proargtypes,
		AllArgTypes: r.Proallargtypes, ArgModes: r.Proargmodes, ArgNames: r.Proargnames, NArgDefaults: int(r.Pronargdefaults),
		Defaults: r.Proargdefaults, RetType: r.Prorettype, RetSet: r.Proretset, Strict: r.Proisstrict, Volatile: r.Provolatile,
		Variadic: r.Provariadic, AggKind: 'n', SQLSrc: r.Prosrc}
	if r.Prokind == 'a' {
		a, err := c.S.Aggregate(r.Oid)
		if err != nil {
			return nil, err
		}
		if a != nil {
			f.AggKind, f.AggDirectArgs, f.AggTransType = a.Aggkind, int(a.Aggnumdirectargs), a.Aggtranstype
		}
	}
	return f, nil
}

// Functions is part of analyze.Catalog.
func (c *Catalog) Functions(schema, name string) ([]*analyze.Function, error) {
	path, err := c.schemas(schema)
	if err != nil {
		return nil, err
	}
	all, err := c.S.ProcsByName(name)
	if err != nil {
		return nil, err
	}
	var out []*analyze.Function
	for _, ns := range path {
	next:
		for _, r := range all {
			if r.Pronamespace != ns {
				continue
			}
			for _, o := range out {
				if o.Namespace != ns && same(o.ArgTypes, r.Proargtypes) {
					continue next
				}
			}
			f, err := c.proc(r)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func same(a, b []oid.OID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Function is part of analyze.Catalog.
func (c *Catalog) Function(id oid.OID) (*analyze.Function, error) {
	r, err := c.S.Proc(id)
	if err != nil || r == nil {
		return nil, err
	}
	return c.proc(r)
}

func (c *Catalog) oper(r *rows.PgOperator) (*analyze.Operator, error) {
	ns, err := c.schemaName(r.Oprnamespace)
	return &analyze.Operator{OID: r.Oid, Namespace: r.Oprnamespace, Name: r.Oprname, Schema: ns, Kind: r.Oprkind, Left: r.Oprleft,
		Right: r.Oprright, Result: r.Oprresult, Proc: r.Oprcode, Commutator: r.Oprcom, Negator: r.Oprnegate, CanHash: r.Oprcanhash, CanMerge: r.Oprcanmerge}, err
}

// Operators is part of analyze.Catalog.
func (c *Catalog) Operators(schema, name string) ([]*analyze.Operator, error) {
	path, err := c.schemas(schema)
	if err != nil {
		return nil, err
	}
	all, err := c.S.OperatorsByName(name)
	if err != nil {
		return nil, err
	}
	var out []*analyze.Operator
	for _, ns := range path {
	next:
		for _, r := range all {
			if r.Oprnamespace != ns {
				continue
			}
			for _, o := range out {
				if o.Left == r.Oprleft && o.Right == r.Oprright {
					continue next
				}
			}
			o, err := c.oper(r)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// Operator is part of analyze.Catalog.
func (c *Catalog) Operator(id oid.OID) (*analyze.Operator, error) {
	r, err := c.S.Operator(id)
	if err != nil || r == nil {
		return nil, err
	}
	return c.oper(r)
}

// Cast is part of analyze.Catalog.
func (c *Catalog) Cast(src, dst oid.OID) (*analyze.Cast, error) {
	r, err := c.S.Cast(src, dst)
	if err != nil || r == nil {
		return nil, err
	}
	return &analyze.Cast{Source: src, Target: dst, Func: r.Castfunc, Context: r.Castcontext, Method: r.Castmethod}, nil
}

// Relation is part of analyze.Catalog.
func (c *Catalog) Relation(schema, name string) (*analyze.Relation, error) {
	path, err := c.schemas(schema)
	if err != nil {
		return nil, err
	}
	for _, ns := range path {
		if r, err := c.S.ClassByName(name, ns); err != nil {
			return nil, err
		} else if r != nil {
			return c.relation(r)
		}
	}
	return nil, nil
}

// RelationByOID is part of analyze.Catalog.
func (c *Catalog) RelationByOID(id oid.OID) (*analyze.Relation, error) {
	r, err := c.S.Class(id)
	if err != nil || r == nil {
		return nil, err
	}
	return c.relation(r)
}

func (c *Catalog) relation(r *rows.PgClass) (*analyze.Relation, error) {
	ns, err := c.schemaName(r.Relnamespace)
	if err != nil {
		return nil, err
	}
	out := &analyze.Relation{OID: r.Oid, Namespace: r.Relnamespace, Type: r.Reltype, Name: r.Relname, Schema: ns, Kind: r.Relkind,
		Persistence: r.Relpersistence, HasSubclass: r.Relhassubclass, RowSecurity: r.Relrowsecurity, Owner: r.Relowner, HasTriggers: r.Relhastriggers}
	for _, o := range r.Reloptions {
		switch k, v, _ := strings.Cut(o, "="); k {
		case "security_barrier":
			out.SecurityBarrier = v == "true" || v == "on" || v == "1" || v == "yes"
		case "check_option":
			out.CheckOption = v
		}
	}
	atts, err := c.S.Attributes(r.Oid)
	if err != nil {
		return nil, err
	}
	defs, err := c.S.AttrDefs(r.Oid)
	if err != nil {
		return nil, err
	}
	for _, a := range atts {
		col := analyze.Column{Name: a.Attname, Type: a.Atttypid, TypMod: a.Atttypmod, Collation: a.Attcollation, Dropped: a.Attisdropped,
			NotNull: a.Attnotnull, Identity: a.Attidentity, Generated: a.Attgenerated}
		for _, d := range defs {
			if d.Adnum == a.Attnum {
				col.Default = d.Adbin
			}
		}
		out.Columns = append(out.Columns, col)
	}
	if !r.Relhasrules {
		return out, nil
	}
	rules, err := c.S.RulesOf(r.Oid)
	for _, u := range rules {
		if u.EvType == '1' {
			out.ViewRule = u.EvAction
		} else {
			out.HasRules = true
		}
	}
	return out, err
}

// SchemaExists is part of analyze.Catalog.
func (c *Catalog) SchemaExists(name string) (bool, error) {
	n, err := c.S.NamespaceByName(name)
	return n != nil, err
}

// Collation is part of analyze.Catalog: collations for UTF8 (6) or any encoding.
func (c *Catalog) Collation(schema, name string) (oid.OID, error) {
	path, err := c.schemas(schema)
	if err != nil {
		return 0, err
	}
	all, err := c.S.CollationsByName(name)
	for _, ns := range path {
		for _, r := range all {
			if r.Collnamespace == ns && (r.Collencoding == -1 || r.Collencoding == 6) {
				return r.Oid, nil
			}
		}
	}
	return 0, err
}

// CollationName is part of analyze.Catalog.
func (c *Catalog) CollationName(id oid.OID) (string, error) {
	r, err := c.S.Collation(id)
	if err != nil || r == nil {
		return "", err
	}
	return r.Collname, nil
}

// Opclasses is part of analyze.Catalog.
func (c *Catalog) Opclasses(am oid.OID) ([]*analyze.Opclass, error) {
	all, err := c.S.OpclassesByAM(am)
	var out []*analyze.Opclass
	for _, r := range all {
		if r.Opcdefault {
			out = append(out, &analyze.Opclass{OID: r.Oid, Family: r.Opcfamily, InType: r.Opcintype, AM: am, Default: true})
		}
	}
	return out, err
}

// FamilyOperator is part of analyze.Catalog.
func (c *Catalog) FamilyOperator(family, l, r oid.OID, strategy int) (oid.OID, error) {
	all, err := c.S.AmopsByFamily(family)
	for _, m := range all {
		if m.Amoplefttype == l && m.Amoprighttype == r && int(m.Amopstrategy) == strategy && m.Amoppurpose == 's' {
			return m.Amopopr, nil
		}
	}
	return 0, err
}

// OperatorFamilies is part of analyze.Catalog.
func (c *Catalog) OperatorFamilies(op oid.OID) ([]analyze.FamilyMember, error) {
	all, err := c.S.AmopsByOperator(op)
	var out []analyze.FamilyMember
	for _, m := range all {
		if m.Amoppurpose == 's' {
			out = append(out, analyze.FamilyMember{Family: m.Amopfamily, Left: m.Amoplefttype, Right: m.Amoprighttype, AM: m.Amopmethod, Strategy: int(m.Amopstrategy)})
		}
	}
	return out, err
}

// InRangeFuncs is part of analyze.Catalog.
func (c *Catalog) InRangeFuncs(family, left oid.OID) ([]analyze.InRangeFunc, error) {
	all, err := c.S.AmprocsByFamily(family)
	var out []analyze.InRangeFunc
	for _, m := range all {
		if m.Amproclefttype == left && m.Amprocnum == 3 {
			out = append(out, analyze.InRangeFunc{Offset: m.Amprocrighttype, Func: oid.OID(m.Amproc)})
		}
	}
	return out, err
}

// IsInheritedFrom is part of analyze.Catalog.
func (c *Catalog) IsInheritedFrom(child, parent oid.OID) (bool, error) {
	up, err := c.S.ParentsOf(child)
	if err != nil {
		return false, err
	}
	for _, p := range up {
		if p.Inhparent == parent {
			return true, nil
		}
		if ok, err := c.IsInheritedFrom(p.Inhparent, parent); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// UniqueIndexes is part of analyze.Catalog.
func (c *Catalog) UniqueIndexes(table oid.OID) ([]*analyze.UniqueIndex, error) {
	all, err := c.S.IndexesOf(table)
	if err != nil {
		return nil, err
	}
	cons, err := c.S.ConstraintsOf(table)
	var out []*analyze.UniqueIndex
	for _, r := range all {
		if !r.Indisunique || !r.Indisvalid {
			continue
		}
		x := &analyze.UniqueIndex{OID: r.Indexrelid, Primary: r.Indisprimary, Deferrable: !r.Indimmediate, Partial: r.Indpred != ""}
		for i := range int(r.Indnkeyatts) {
			x.Attnums = append(x.Attnums, int(r.Indkey[i]))
		}
		for _, k := range cons {
			if k.Conindid == r.Indexrelid && (k.Contype == 'p' || k.Contype == 'u') {
				x.Constraint = k.Oid
			}
		}
		out = append(out, x)
	}
	return out, err
}

// ConstraintByName is part of analyze.Catalog.
func (c *Catalog) ConstraintByName(table oid.OID, name string) (oid.OID, error) {
	cons, err := c.S.ConstraintsOf(table)
	for _, k := range cons {
		if k.Conname == name {
			return k.Oid, nil
		}
	}
	return 0, err
}

// Input is part of analyze.Catalog.
func (c *Catalog) Input(t *analyze.Type, typmod int32, literal string) (datum.Datum, error) {
	if c.Convert == nil {
		return datum.Datum{}, pgerr.NotYet("input of type %s", t.Name)
	}
	return c.Convert(t, typmod, literal)
}

// TypmodIn is part of analyze.Catalog.
func (c *Catalog) TypmodIn(t *analyze.Type, mods []string) (int32, error) {
	if c.Typmod == nil {
		return 0, pgerr.NotYet("modifiers of type %s", t.Name)
	}
	return c.Typmod(t, mods)
}

// Output is part of ruleutils.Catalog.
func (c *Catalog) Output(t *analyze.Type, v datum.Datum) (string, error) {
	if c.Out == nil {
		return "", pgerr.NotYet("output of type %s", t.Name)
	}
	return c.Out(t, v)
}

// DatabaseName is part of analyze.Catalog.
func (c *Catalog) DatabaseName() string { return c.Database }
