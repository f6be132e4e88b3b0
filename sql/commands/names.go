package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/parser"
)

// at is the position of a byte offset of the statement's text.
func (c *cmd) at(loc int32) int { return parser.Position(c.text, int(loc)) }

// namespace finds a schema; 0 with missingOK if there is none.
func (c *cmd) namespace(name string, missingOK bool) oid.OID {
	if name == "pg_temp" {
		if t := c.Catalog().TempIfAny(); t != 0 {
			return t
		}
	}
	n := must(c.Catalog().NamespaceByName(name))
	if n == nil {
		if missingOK {
			return 0
		}
		fail(pgerr.InvalidSchemaName, "schema %q does not exist", name)
	}
	return n.Oid
}

// findClass finds a relation by name, without locking it; nil: there is none.
func (c *cmd) findClass(rv *pg.RangeVar, schemaMayMiss bool) *rows.PgClass {
	c.checkDatabase(rv)
	if rv.Schemaname != "" {
		ns := c.namespace(rv.Schemaname, schemaMayMiss)
		if ns == 0 {
			return nil
		}
		return must(c.Catalog().ClassByName(rv.Relname, ns))
	}
	for _, ns := range c.SearchPath() {
		if r := must(c.Catalog().ClassByName(rv.Relname, ns)); r != nil {
			return r
		}
	}
	return nil
}

// checkDatabase refuses names of other databases.
func (c *cmd) checkDatabase(rv *pg.RangeVar) {
	if rv.Catalogname != "" && rv.Catalogname != c.DatabaseName() {
		fail(pgerr.FeatureNotSupported, "cross-database references are not implemented: %s.%s.%s",
			quoted(rv.Catalogname), quoted(rv.Schemaname), quoted(rv.Relname))
	}
}

func quoted(s string) string { return `"` + s + `"` }

// noRelation is the error of a name that nothing has.
func (c *cmd) noRelation(rv *pg.RangeVar) {
	failWith(pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", rangeName(rv)))
}

func rangeName(rv *pg.RangeVar) string {
	if rv.Schemaname != "" {
		return rv.Schemaname + "." + rv.Relname
	}
	return rv.Relname
}

// lock takes a lock on a relation of this database, or on a shared one.
func (c *cmd) lock(cl *rows.PgClass, mode lmgr.Mode) {
	db := c.Database()
	if cl.Relisshared {
		db = oid.Invalid
	}
	throw(c.Tx().LockRelation(c.Context(), db, cl.Oid, mode))
}

// lockClass finds a relation by name and locks it (INV-CMD-2). nil, with
// missingOK: there is none.
func (c *cmd) lockClass(rv *pg.RangeVar, mode lmgr.Mode, missingOK bool) *rows.PgClass {
	for {
		cl := c.findClass(rv, missingOK)
		if cl == nil {
			if missingOK {
				return nil
			}
			c.noRelation(rv)
		}
		c.lock(cl, mode)
		again := c.findClass(rv, missingOK)
		if again != nil && again.Oid == cl.Oid {
			return again
		}
		if again == nil {
			continue
		}
	}
}

// relation opens a relation that is locked.
func (c *cmd) relation(o oid.OID) *access.Relation {
	r := must(c.Catalog().Relation(o))
	if r == nil {
		fail(pgerr.UndefinedTable, "relation with OID %d does not exist", o)
	}
	return r
}

// class is the pg_class row of a relation.
func (c *cmd) class(o oid.OID) *rows.PgClass {
	r := must(c.Catalog().Class(o))
	if r == nil {
		fail(pgerr.UndefinedTable, "relation with OID %d does not exist", o)
	}
	return r
}

// isOwner reports whether the user has the rights of role owner.
func (c *cmd) isOwner(owner oid.OID) bool {
	return c.Superuser() || c.isMember(c.User(), owner, map[oid.OID]bool{})
}

func (c *cmd) isMember(member, role oid.OID, seen map[oid.OID]bool) bool {
	if member == role {
		return true
	}
	if seen[member] {
		return false
	}
	seen[member] = true
	for _, m := range must(c.Catalog().MembershipsOf(member)) {
		if c.isMember(m.Roleid, role, seen) {
			return true
		}
	}
	return false
}

// needOwner refuses those who do not own a relation.
func (c *cmd) needOwner(cl *rows.PgClass) {
	if !c.isOwner(cl.Relowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	c.noCatalog(cl)
}

// noCatalog refuses changes of the system catalogs.
func (c *cmd) noCatalog(cl *rows.PgClass) {
	if cl.Oid < oid.FirstNormal && (cl.Relnamespace == oid.CatalogNamespace || cl.Relnamespace == oid.ToastNamespace) {
		fail(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", cl.Relname)
	}
}

func ownerWord(kind byte) string {
	switch kind {
	case 'i', 'I':
		return "index"
	case 'S':
		return "sequence"
	case 'v':
		return "view"
	case 'm':
		return "materialized view"
	case 'f':
		return "foreign table"
	}
	return "table"
}

// pluralKind words what kind of relation an operation is not supported for.
func pluralKind(kind byte) string {
	switch kind {
	case 'r':
		return "tables"
	case 'i':
		return "indexes"
	case 'S':
		return "sequences"
	case 't':
		return "TOAST tables"
	case 'v':
		return "views"
	case 'm':
		return "materialized views"
	case 'c':
		return "composite types"
	case 'f':
		return "foreign tables"
	case 'p':
		return "partitioned tables"
	case 'I':
		return "partitioned indexes"
	}
	return "this kind of relation"
}

// unsupportedKind is an error about the wrong kind of relation.
func unsupportedKind(cl *rows.PgClass, format string, a ...any) {
	failWith(pgerr.New(pgerr.WrongObjectType, format, a...).WithDetail("This operation is not supported for %s.", pluralKind(cl.Relkind)))
}

// creation decides schema and persistence of a new relation.
func (c *cmd) creation(rv *pg.RangeVar) (ns oid.OID, persistence byte) {
	ns, persistence = c.creationSchema(rv)
	c.refuseSystemSchema(ns, rv)
	return ns, persistence
}

// refuseSystemSchema refuses relations among the system catalogs.
func (c *cmd) refuseSystemSchema(ns oid.OID, rv *pg.RangeVar) {
	if rv.Schemaname != "" && (ns == oid.CatalogNamespace || ns == oid.ToastNamespace) {
		e := pgerr.New(pgerr.InsufficientPrivilege, "permission denied to create %q", rv.Schemaname+"."+rv.Relname)
		failWith(e.WithDetail("System catalog modifications are currently disallowed."))
	}
}

// creationSchema is creation without the refusal of system schemas (PostgreSQL:
// RangeVarGetAndCheckCreationNamespace).
func (c *cmd) creationSchema(rv *pg.RangeVar) (ns oid.OID, persistence byte) {
	c.checkDatabase(rv)
	persistence = 'p'
	if rv.Relpersistence != "" {
		persistence = rv.Relpersistence[0]
	}
	if persistence == 't' {
		temp := must(c.TempNamespace())
		if rv.Schemaname != "" && rv.Schemaname != "pg_temp" && c.namespace(rv.Schemaname, false) != temp {
			fail(pgerr.InvalidTableDefinition, "cannot create temporary relation in non-temporary schema")
		}
		return temp, 't'
	}
	if rv.Schemaname == "" {
		return must(c.CreationNamespace()), persistence
	}
	if rv.Schemaname == "pg_temp" {
		return must(c.TempNamespace()), 't'
	}
	ns = c.namespace(rv.Schemaname, false)
	c.needCreate(must(c.Catalog().Namespace(ns)))
	return ns, persistence
}

// creationAt is creation with the name's position in errors.
func (c *cmd) creationAt(rv *pg.RangeVar) (ns oid.OID, persistence byte) {
	defer func() {
		if r := recover(); r != nil {
			if b, ok := r.(bail); ok {
				if e, ok := pgerr.As(b.err); ok && e.Position == 0 {
					e.Position = c.at(rv.Location)
				}
			}
			panic(r)
		}
	}()
	return c.creationSchema(rv)
}

// nowhere is must for what PostgreSQL analyzes without the statement's text: its
// errors have no position.
func nowhere[T any](v T, err error) T {
	if e, ok := pgerr.As(err); ok {
		e.Position = 0
	}
	return must(v, err)
}

// needCreate refuses those who may not create in a schema.
func (c *cmd) needCreate(n *rows.PgNamespace) {
	if c.granted(n.Nspowner, n.Nspacl, rows.Create) {
		return
	}
	fail(pgerr.InsufficientPrivilege, "permission denied for schema %s", n.Nspname)
}

// notice sends a NOTICE.
func (c *cmd) notice(code pgerr.Code, format string, a ...any) {
	c.Notice("NOTICE", pgerr.New(code, format, a...))
}

// warning sends a WARNING.
func (c *cmd) warning(code pgerr.Code, format string, a ...any) {
	c.Notice("WARNING", pgerr.New(code, format, a...))
}

// tableObject is a relation as a dependency.
func tableObject(o oid.OID) catalog.Object { return catalog.Object{Class: oid.RelClass, ID: o} }

// names turns a list of String nodes into Go strings.
func names(l []*pg.Node) []string {
	var out []string
	for _, n := range l {
		out = append(out, n.GetString_().GetSval())
	}
	return out
}

// rangeOf turns a qualified name into a RangeVar.
func rangeOf(l []*pg.Node) *pg.RangeVar {
	n := names(l)
	rv := &pg.RangeVar{Inh: true, Relpersistence: "p", Location: -1}
	switch len(n) {
	case 1:
		rv.Relname = n[0]
	case 2:
		rv.Schemaname, rv.Relname = n[0], n[1]
	case 3:
		rv.Catalogname, rv.Schemaname, rv.Relname = n[0], n[1], n[2]
	default:
		fail(pgerr.SyntaxError, "improper relation name (too many dotted names)")
	}
	return rv
}
