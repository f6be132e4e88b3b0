// Package stockcat is a catalog for tests: it asks a running PostgreSQL 15 and
// remembers the answers.
package stockcat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// Catalog is an analyze.Catalog that asks a running PostgreSQL 15 and remembers.
type Catalog struct {
	t    *testing.T
	Conn *pgx.Conn
	memo map[string]any
}

// Connect starts a cluster for the test and runs setup in it.
func Connect(t *testing.T, setup string) *Catalog {
	t.Helper()
	cl := oracle.Find(t).Initdb(t)
	cl.Start()
	t.Cleanup(cl.Stop)
	dsn := ""
	for i, a := 0, cl.ConnArgs(); i+1 < len(a); i += 2 {
		dsn += map[string]string{"-h": "host", "-p": "port", "-U": "user", "-d": "dbname"}[a[i]] + "=" + a[i+1] + " "
	}
	conn, err := pgx.Connect(context.Background(), dsn+"dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(context.Background(), setup); err != nil {
		t.Fatal(err)
	}
	return &Catalog{t: t, Conn: conn, memo: map[string]any{}}
}

// rows runs a query once and scans each row with f.
func rows[T any](s *Catalog, f func(scan func(...any)) T, sql string, args ...any) []T {
	key := fmt.Sprint(sql, args)
	if v, ok := s.memo[key]; ok {
		return v.([]T)
	}
	r, err := s.Conn.Query(context.Background(), sql, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	var out []T
	for r.Next() {
		out = append(out, f(func(dst ...any) {
			if err := r.Scan(dst...); err != nil {
				s.t.Fatalf("%s: %v", sql, err)
			}
		}))
	}
	if r.Err() != nil {
		s.t.Fatalf("%s: %v", sql, r.Err())
	}
	s.memo[key] = out
	return out
}

func first[T any](l []*T) *T {
	if len(l) == 0 {
		return nil
	}
	return l[0]
}

func u(o oid.OID) uint32 { return uint32(o) }

const typeSQL = `select t.oid, typnamespace, typname::text, nspname::text, typlen, typbyval, typtype::text, typcategory::text, typdelim::text, typispreferred, typisdefined,
 typrelid, typelem, typarray, typbasetype, typtypmod, typcollation, typinput::oid, typoutput::oid, typmodin::oid, typsubscript::oid, typsubscript = 'array_subscript_handler'::regproc,
 coalesce((select rngsubtype from pg_range where rngtypid = t.oid), 0), coalesce((select rngtypid from pg_range where rngmultitypid = t.oid), 0),
 coalesce((select rngmultitypid from pg_range where rngtypid = t.oid), 0) from pg_type t join pg_namespace n on n.oid = typnamespace where `

func scanType(scan func(...any)) *analyze.Type {
	t := &analyze.Type{}
	var kind, cat, delim string
	scan(&t.OID, &t.Namespace, &t.Name, &t.NamespaceName, &t.Len, &t.ByVal, &kind, &cat, &delim, &t.Preferred, &t.Defined, &t.RelID, &t.Elem, &t.Array,
		&t.BaseType, &t.TypMod, &t.Collation, &t.Input, &t.Output, &t.TypmodIn, &t.Subscript, &t.TrueArray, &t.RangeSubtype, &t.RangeOfMulti, &t.Multirange)
	t.Kind, t.Category, t.Delim = kind[0], cat[0], delim[0]
	return t
}

// Type is part of analyze.Catalog.
func (s *Catalog) Type(id oid.OID) (*analyze.Type, error) {
	return first(rows(s, scanType, typeSQL+"t.oid = $1", u(id))), nil
}

// TypeByName is part of analyze.Catalog.
func (s *Catalog) TypeByName(schema, name string) (*analyze.Type, error) {
	if schema == "" {
		return first(rows(s, scanType, typeSQL+"typname = $1 and pg_type_is_visible(t.oid)", name)), nil
	}
	return first(rows(s, scanType, typeSQL+"typname = $1 and nspname = $2", name, schema)), nil
}

const procSQL = `select p.oid, pronamespace, proname::text, nspname::text, prokind::text, proargtypes::oid[], proallargtypes, proargmodes::text[], proargnames, pronargdefaults,
 coalesce(proargdefaults::text, ''), prorettype, proretset, proisstrict, provariadic, coalesce((select aggkind::text from pg_aggregate where aggfnoid = p.oid), 'n'),
 coalesce((select aggnumdirectargs from pg_aggregate where aggfnoid = p.oid), 0) from pg_proc p join pg_namespace n on n.oid = pronamespace where `

func scanProc(scan func(...any)) *analyze.Function {
	f := &analyze.Function{}
	var kind, agg string
	var args, all []uint32
	var modes, names []string
	var direct int32
	var defs int16
	scan(&f.OID, &f.Namespace, &f.Name, &f.Schema, &kind, &args, &all, &modes, &names, &defs, &f.Defaults, &f.RetType, &f.RetSet, &f.Strict, &f.Variadic, &agg, &direct)
	for _, a := range args {
		f.ArgTypes = append(f.ArgTypes, oid.OID(a))
	}
	for _, a := range all {
		f.AllArgTypes = append(f.AllArgTypes, oid.OID(a))
	}
	for _, m := range modes {
		f.ArgModes = append(f.ArgModes, m[0])
	}
	f.ArgNames, f.Kind, f.AggKind, f.AggDirectArgs, f.NArgDefaults = names, kind[0], agg[0], int(direct), int(defs)
	return f
}

// Functions is part of analyze.Catalog.
func (s *Catalog) Functions(schema, name string) ([]*analyze.Function, error) {
	if schema == "" {
		return rows(s, scanProc, procSQL+"proname = $1 and pg_function_is_visible(p.oid)", name), nil
	}
	return rows(s, scanProc, procSQL+"proname = $1 and nspname = $2", name, schema), nil
}

// Function is part of analyze.Catalog.
func (s *Catalog) Function(id oid.OID) (*analyze.Function, error) {
	return first(rows(s, scanProc, procSQL+"p.oid = $1", u(id))), nil
}

const operSQL = `select o.oid, oprnamespace, oprname::text, nspname::text, oprkind::text, oprleft, oprright, oprresult, oprcode::oid, oprcom, oprnegate, oprcanhash, oprcanmerge
 from pg_operator o join pg_namespace n on n.oid = oprnamespace where `

func scanOper(scan func(...any)) *analyze.Operator {
	o := &analyze.Operator{}
	var kind string
	scan(&o.OID, &o.Namespace, &o.Name, &o.Schema, &kind, &o.Left, &o.Right, &o.Result, &o.Proc, &o.Commutator, &o.Negator, &o.CanHash, &o.CanMerge)
	o.Kind = kind[0]
	return o
}

// Operators is part of analyze.Catalog.
func (s *Catalog) Operators(schema, name string) ([]*analyze.Operator, error) {
	if schema == "" {
		return rows(s, scanOper, operSQL+"oprname = $1 and pg_operator_is_visible(o.oid)", name), nil
	}
	return rows(s, scanOper, operSQL+"oprname = $1 and nspname = $2", name, schema), nil
}

// Operator is part of analyze.Catalog.
func (s *Catalog) Operator(id oid.OID) (*analyze.Operator, error) {
	return first(rows(s, scanOper, operSQL+"o.oid = $1", u(id))), nil
}

// Cast is part of analyze.Catalog.
func (s *Catalog) Cast(src, dst oid.OID) (*analyze.Cast, error) {
	return first(rows(s, func(scan func(...any)) *analyze.Cast {
		c := &analyze.Cast{}
		var ctx, method string
		scan(&c.Source, &c.Target, &c.Func, &ctx, &method)
		c.Context, c.Method = ctx[0], method[0]
		return c
	}, `select castsource, casttarget, castfunc, castcontext::text, castmethod::text from pg_cast where castsource = $1 and casttarget = $2`, u(src), u(dst))), nil
}

// relation is part of analyze.Catalog.
func (s *Catalog) relation(where string, args ...any) *analyze.Relation {
	r := first(rows(s, func(scan func(...any)) *analyze.Relation {
		r := &analyze.Relation{}
		var kind, pers string
		scan(&r.OID, &r.Namespace, &r.Type, &r.Name, &r.Schema, &kind, &pers, &r.HasSubclass, &r.ViewRule)
		r.Kind, r.Persistence = kind[0], pers[0]
		return r
	}, `select c.oid, relnamespace, reltype, relname::text, nspname::text, relkind::text, relpersistence::text, relhassubclass,
	 coalesce((select ev_action::text from pg_rewrite where ev_class = c.oid and rulename = '_RETURN'), '') from pg_class c join pg_namespace n on n.oid = relnamespace where `+where, args...))
	if r != nil && r.Columns == nil {
		for _, c := range rows(s, func(scan func(...any)) *analyze.Column {
			c := &analyze.Column{}
			scan(&c.Name, &c.Type, &c.TypMod, &c.Collation, &c.Dropped, &c.NotNull)
			return c
		}, `select attname::text, atttypid, atttypmod, attcollation, attisdropped, attnotnull from pg_attribute where attrelid = $1 and attnum > 0 order by attnum`, u(r.OID)) {
			r.Columns = append(r.Columns, *c)
		}
	}
	return r
}

// Relation is part of analyze.Catalog.
func (s *Catalog) Relation(schema, name string) (*analyze.Relation, error) {
	if schema == "" {
		return s.relation("relname = $1 and pg_table_is_visible(c.oid)", name), nil
	}
	return s.relation("relname = $1 and nspname = $2", name, schema), nil
}

// RelationByOID is part of analyze.Catalog.
func (s *Catalog) RelationByOID(id oid.OID) (*analyze.Relation, error) {
	return s.relation("c.oid = $1", u(id)), nil
}

func one[T any](s *Catalog, sql string, args ...any) T {
	l := rows(s, func(scan func(...any)) T {
		var v T
		scan(&v)
		return v
	}, sql, args...)
	var none T
	if len(l) == 0 {
		return none
	}
	return l[0]
}

// SchemaExists is part of analyze.Catalog.
func (s *Catalog) SchemaExists(name string) (bool, error) {
	return one[bool](s, "select true from pg_namespace where nspname = $1", name), nil
}

// Collation is part of analyze.Catalog.
func (s *Catalog) Collation(schema, name string) (oid.OID, error) {
	return oid.OID(one[uint32](s, "select oid from pg_collation where collname = $1 and collencoding in (-1, 6)", name)), nil
}

// CollationName is part of analyze.Catalog.
func (s *Catalog) CollationName(id oid.OID) (string, error) {
	return one[string](s, "select collname::text from pg_collation where oid = $1", u(id)), nil
}

// Opclasses is part of analyze.Catalog.
func (s *Catalog) Opclasses(am oid.OID) ([]*analyze.Opclass, error) {
	return rows(s, func(scan func(...any)) *analyze.Opclass {
		c := &analyze.Opclass{}
		scan(&c.OID, &c.Family, &c.InType, &c.AM, &c.Default)
		return c
	}, "select oid, opcfamily, opcintype, opcmethod, opcdefault from pg_opclass where opcmethod = $1", u(am)), nil
}

// FamilyOperator is part of analyze.Catalog.
func (s *Catalog) FamilyOperator(family, l, r oid.OID, strategy int) (oid.OID, error) {
	return oid.OID(one[uint32](s, "select amopopr from pg_amop where amopfamily = $1 and amoplefttype = $2 and amoprighttype = $3 and amopstrategy = $4 and amoppurpose = 's'",
		u(family), u(l), u(r), strategy)), nil
}

// OperatorFamilies is part of analyze.Catalog.
func (s *Catalog) OperatorFamilies(op oid.OID) ([]analyze.FamilyMember, error) {
	return rows(s, func(scan func(...any)) analyze.FamilyMember {
		var m analyze.FamilyMember
		scan(&m.Family, &m.Left, &m.Right, &m.AM, &m.Strategy)
		return m
	}, "select amopfamily, amoplefttype, amoprighttype, amopmethod, amopstrategy from pg_amop where amopopr = $1 and amoppurpose = 's'", u(op)), nil
}

// InRangeFuncs is part of analyze.Catalog.
func (s *Catalog) InRangeFuncs(family, left oid.OID) ([]analyze.InRangeFunc, error) {
	return rows(s, func(scan func(...any)) analyze.InRangeFunc {
		var m analyze.InRangeFunc
		scan(&m.Offset, &m.Func)
		return m
	}, "select amprocrighttype, amproc::oid from pg_amproc where amprocfamily = $1 and amproclefttype = $2 and amprocnum = 3", u(family), u(left)), nil
}

// IsInheritedFrom is part of analyze.Catalog.
func (s *Catalog) IsInheritedFrom(child, parent oid.OID) (bool, error) {
	return one[bool](s, "select true from pg_inherits where inhrelid = $1 and inhparent = $2", u(child), u(parent)), nil
}

// UniqueIndexes is part of analyze.Catalog.
func (s *Catalog) UniqueIndexes(table oid.OID) ([]*analyze.UniqueIndex, error) {
	return rows(s, func(scan func(...any)) *analyze.UniqueIndex {
		x := &analyze.UniqueIndex{}
		var key []int16
		scan(&x.OID, &x.Constraint, &x.Primary, &key)
		for _, k := range key {
			x.Attnums = append(x.Attnums, int(k))
		}
		return x
	}, "select indexrelid, coalesce((select oid from pg_constraint where conindid = indexrelid and contype in ('p', 'u')), 0), indisprimary, indkey::int2[] from pg_index where indrelid = $1 and indisunique", u(table)), nil
}

// ConstraintByName is part of analyze.Catalog.
func (s *Catalog) ConstraintByName(table oid.OID, name string) (oid.OID, error) {
	return oid.OID(one[uint32](s, "select oid from pg_constraint where conrelid = $1 and conname = $2", u(table), name)), nil
}

// DatabaseName is part of analyze.Catalog.
func (s *Catalog) DatabaseName() string { return "postgres" }

// Input takes the stored bytes from the constant of a view that the server
// analyzes.
func (s *Catalog) Input(t *analyze.Type, mod int32, lit string) (datum.Datum, error) {
	switch t.OID {
	case oid.Text, oid.Varchar, oid.Bpchar, oid.Name, oid.Unknown, oid.Cstring:
		return datum.String(lit), nil
	}
	key := "input " + t.Name + " " + lit
	if v, ok := s.memo[key]; ok {
		return v.(datum.Datum), nil
	}
	ctx := context.Background()
	if _, err := s.Conn.Exec(ctx, "drop view if exists pgmini_c; create view pgmini_c as select '"+quote(lit)+"'::"+TypeNameOf(t)+" as x"); err != nil {
		return datum.Datum{}, FromPg(err)
	}
	var text string
	if err := s.Conn.QueryRow(ctx, "select ev_action::text from pg_rewrite where ev_class = 'pgmini_c'::regclass").Scan(&text); err != nil {
		s.t.Fatal(err)
	}
	tree, err := node.Read(text)
	if err != nil {
		s.t.Fatal(err)
	}
	c, ok := tree.(node.List)[0].(*node.Query).TargetList[0].Expr.(*node.Const)
	if !ok {
		s.t.Fatalf("'%s'::%s is no constant", lit, t.Name)
	}
	s.memo[key] = c.Constvalue
	return c.Constvalue, nil
}

// TypeNameOf is the name to cast by.
func TypeNameOf(t *analyze.Type) string { return `pg_catalog."` + t.Name + `"` }

func quote(s string) string {
	out := ""
	for _, c := range s {
		if c == '\'' {
			out += "'"
		}
		out += string(c)
	}
	return out
}

// TypmodIn is part of analyze.Catalog.
func (s *Catalog) TypmodIn(t *analyze.Type, mods []string) (int32, error) {
	in := one[string](s, "select proname::text from pg_proc where oid = $1", u(t.TypmodIn))
	l := ""
	for i, m := range mods {
		if i > 0 {
			l += ","
		}
		l += `"` + m + `"`
	}
	var v int32
	if err := s.Conn.QueryRow(context.Background(), "select "+in+"('{"+l+"}'::cstring[])").Scan(&v); err != nil {
		return 0, FromPg(err)
	}
	return v, nil
}

// FromPg is a server's error as ours.
func FromPg(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	return &pgerr.Error{Code: pgerr.Code(e.Code), Msg: e.Message, Detail: e.Detail, Hint: e.Hint}
}

// Output lets the server write a value: it travels as a stored constant.
func (s *Catalog) Output(t *analyze.Type, v datum.Datum) (string, error) {
	switch t.OID {
	case oid.Text, oid.Varchar, oid.Bpchar, oid.Name, oid.Unknown, oid.Cstring:
		return v.Str(), nil
	case oid.Int2, oid.Int4, oid.Int8, oid.Oid:
		return fmt.Sprint(v.Int), nil
	case oid.Bool:
		return map[bool]string{true: "t", false: "f"}[v.Bool()], nil
	}
	c := &node.Const{Consttype: t.OID, Consttypmod: -1, Constlen: int(t.Len), Constbyval: t.ByVal, Constvalue: v, Location: -1}
	var text string
	err := s.Conn.QueryRow(context.Background(), "select pg_get_expr($1::text::pg_node_tree, 0)", node.Write(c)).Scan(&text)
	if err != nil {
		// pg_node_tree takes no input: find a literal that the test used
		for k, m := range s.memo {
			if d, ok := m.(datum.Datum); ok && strings.HasPrefix(k, "input "+t.Name+" ") && string(d.Bytes) == string(v.Bytes) && d.Int == v.Int {
				return strings.TrimPrefix(k, "input "+t.Name+" "), nil
			}
		}
	}
	return text, err
}
