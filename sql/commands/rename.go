package commands

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// rename runs ALTER … RENAME.
func (c *cmd) rename(n *pg.RenameStmt) {
	switch n.RenameType {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_SEQUENCE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_INDEX, pg.ObjectType_OBJECT_MATVIEW:
		c.renameRelation(n)
	case pg.ObjectType_OBJECT_COLUMN:
		c.renameColumn(n)
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		c.renameConstraint(n)
	case pg.ObjectType_OBJECT_SCHEMA:
		c.renameSchema(n)
	case pg.ObjectType_OBJECT_DATABASE:
		c.renameDatabase(n)
	case pg.ObjectType_OBJECT_ROLE:
		c.renameRole(n)
	default:
		notYet("ALTER %s RENAME", objectWord(n.RenameType))
	}
}

// renameTarget finds and locks the relation of a RENAME; nil: skipped.
func (c *cmd) renameTarget(n *pg.RenameStmt) *rows.PgClass {
	mode := lmgr.AccessExclusive
	if n.RenameType == pg.ObjectType_OBJECT_INDEX {
		mode = lmgr.ShareUpdateExclusive
	}
	cl := c.lockClass(n.Relation, mode, n.MissingOk)
	if cl == nil {
		c.notice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", n.Relation.Relname)
		return nil
	}
	c.needOwner(cl)
	return cl
}

func (c *cmd) renameRelation(n *pg.RenameStmt) {
	cl := c.renameTarget(n)
	if cl == nil {
		return
	}
	if k := dropKinds[n.RenameType]; n.RenameType != pg.ObjectType_OBJECT_TABLE && !containsByte(k.relkinds, cl.Relkind) {
		fail(pgerr.WrongObjectType, "%q is not %s", cl.Relname, k.article)
	}
	if cl.Relkind == 'c' {
		failWith(pgerr.New(pgerr.WrongObjectType, "%q is a composite type", cl.Relname).WithHint("Use ALTER TYPE instead."))
	}
	c.renameClass(cl.Oid, n.Newname)
	throw(c.Increment())
}

// renameClass gives a relation, its row type and its constraint a new name.
func (c *cmd) renameClass(o oid.OID, name string) {
	cl := c.class(o)
	if must(c.Catalog().ClassByName(name, cl.Relnamespace)) != nil {
		fail(pgerr.DuplicateTable, "relation %q already exists", name)
	}
	if cl.Reltype != 0 {
		c.renameType(cl.Reltype, name, cl.Relnamespace)
	}
	change(c, o, func(r *rows.PgClass) { r.Relname = name })
	if cl.Relkind == 'i' {
		ix := must(c.Catalog().Index(o))
		for _, k := range must(c.Catalog().ConstraintsOf(ix.Indrelid)) {
			if k.Conindid == o && (k.Contype == 'p' || k.Contype == 'u' || k.Contype == 'x') {
				change(c, k.Oid, func(r *rows.PgConstraint) { r.Conname = name })
			}
		}
		c.Catalog().InvalidateRelation(ix.Indrelid)
	}
}

// renameType renames a row type and its array type.
func (c *cmd) renameType(o oid.OID, name string, ns oid.OID) {
	if must(c.Catalog().TypeByName(name, ns)) != nil {
		fail(pgerr.DuplicateObject, "type %q already exists", name)
	}
	t := c.typeRow(o)
	change(c, o, func(r *rows.PgType) { r.Typname = name })
	if t.Typarray == 0 {
		return
	}
	throw(c.Increment())
	arr := objectName("", name, "")[1:]
	arr = "_" + clip(arr, min(len(arr), maxName-1))
	for must(c.Catalog().TypeByName(arr, ns)) != nil {
		arr = "_" + clip(arr, min(len(arr), maxName-1))
	}
	change(c, t.Typarray, func(r *rows.PgType) { r.Typname = arr })
}

func (c *cmd) renameColumn(n *pg.RenameStmt) {
	cl := c.renameTarget(n)
	if cl == nil {
		return
	}
	switch cl.Relkind {
	case 'r', 'v', 'm', 'i', 'p', 'c':
	default:
		unsupportedKind(cl, "cannot rename columns of relation %q", cl.Relname)
	}
	a := must(c.Catalog().AttributeByName(cl.Oid, n.Subname))
	if a == nil {
		fail(pgerr.UndefinedColumn, "column %q does not exist", n.Subname)
	}
	if a.Attnum <= 0 {
		fail(pgerr.FeatureNotSupported, "cannot rename system column %q", n.Subname)
	}
	if o := must(c.Catalog().AttributeByName(cl.Oid, n.Newname)); o != nil {
		if o.Attnum <= 0 {
			fail(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", n.Newname)
		}
		fail(pgerr.DuplicateColumn, "column %q of relation %q already exists", n.Newname, cl.Relname)
	}
	c.changeColumn(cl.Oid, a.Attnum, func(r *rows.PgAttribute) { r.Attname = n.Newname })
	c.Catalog().InvalidateRelation(cl.Oid)
	throw(c.Increment())
}

func (c *cmd) renameConstraint(n *pg.RenameStmt) {
	cl := c.renameTarget(n)
	if cl == nil {
		return
	}
	var found *rows.PgConstraint
	for _, k := range must(c.Catalog().ConstraintsOf(cl.Oid)) {
		if k.Conname == n.Subname {
			found = k
		}
		if k.Conname == n.Newname {
			fail(pgerr.DuplicateObject, "constraint %q for relation %q already exists", n.Newname, cl.Relname)
		}
	}
	if found == nil {
		fail(pgerr.UndefinedObject, "constraint %q for table %q does not exist", n.Subname, cl.Relname)
	}
	if found.Conindid != 0 && (found.Contype == 'p' || found.Contype == 'u' || found.Contype == 'x') {
		c.renameClass(found.Conindid, n.Newname)
	} else {
		change(c, found.Oid, func(r *rows.PgConstraint) { r.Conname = n.Newname })
	}
	c.Catalog().InvalidateRelation(cl.Oid)
	throw(c.Increment())
}

func (c *cmd) renameSchema(n *pg.RenameStmt) {
	s := must(c.Catalog().NamespaceByName(n.Subname))
	if s == nil {
		fail(pgerr.InvalidSchemaName, "schema %q does not exist", n.Subname)
	}
	if must(c.Catalog().NamespaceByName(n.Newname)) != nil {
		fail(pgerr.DuplicateSchema, "schema %q already exists", n.Newname)
	}
	if !c.isOwner(s.Nspowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of schema %s", n.Subname)
	}
	reservedSchema(n.Newname)
	change(c, s.Oid, func(r *rows.PgNamespace) { r.Nspname = n.Newname })
	throw(c.Increment())
}

func (c *cmd) renameDatabase(n *pg.RenameStmt) {
	d := must(c.Catalog().DatabaseByName(n.Subname))
	if d == nil {
		fail(pgerr.UndefinedDatabase, "database %q does not exist", n.Subname)
	}
	throw(c.Tx().LockRelation(c.Context(), oid.Invalid, oid.RelDatabase, lmgr.RowExclusive))
	if !c.isOwner(d.Datdba) {
		fail(pgerr.InsufficientPrivilege, "must be owner of database %s", n.Subname)
	}
	if must(c.Catalog().DatabaseByName(n.Newname)) != nil {
		fail(pgerr.DuplicateDatabase, "database %q already exists", n.Newname)
	}
	if d.Oid == c.Database() {
		fail(pgerr.FeatureNotSupported, "current database cannot be renamed")
	}
	c.noUsers(d, "renamed")
	change(c, d.Oid, func(r *rows.PgDatabase) { r.Datname = n.Newname })
	throw(c.Increment())
}

func (c *cmd) renameRole(n *pg.RenameStmt) {
	r := c.roleByName(n.Subname)
	if r.Oid == c.SessionUser() {
		fail(pgerr.FeatureNotSupported, "session user cannot be renamed")
	}
	if r.Oid == c.User() {
		fail(pgerr.FeatureNotSupported, "current user cannot be renamed")
	}
	c.roleNameOK(n.Newname)
	if must(c.Catalog().AuthIDByName(n.Newname)) != nil {
		fail(pgerr.DuplicateObject, "role %q already exists", n.Newname)
	}
	c.mayChangeRole(r)
	change(c, r.Oid, func(x *rows.PgAuthid) { x.Rolname = n.Newname })
	throw(c.Increment())
}

// changeOwner gives a relation another owner, and its indexes, sequences and
// TOAST table with it.
func (c *cmd) changeOwner(o, owner oid.OID) {
	cl := c.class(o)
	if cl.Relowner == owner {
		return
	}
	if cl.Relkind == 'i' {
		c.warning(pgerr.WrongObjectType, "cannot change owner of index %q", cl.Relname)
		return
	}
	if !c.Superuser() {
		if !c.isMember(c.User(), owner, map[oid.OID]bool{}) {
			fail(pgerr.InsufficientPrivilege, "must be member of role %q", must(c.Catalog().AuthID(owner)).Rolname)
		}
	}
	c.setOwner(o, owner)
	throw(c.Increment())
}

func (c *cmd) setOwner(o, owner oid.OID) {
	cl := c.class(o)
	old := cl.Relowner
	change(c, o, func(r *rows.PgClass) {
		r.Relowner = owner
		for i := range r.Relacl {
			if r.Relacl[i].Grantee == old {
				r.Relacl[i].Grantee = owner
			}
			if r.Relacl[i].Grantor == old {
				r.Relacl[i].Grantor = owner
			}
		}
	})
	if cl.Reltype != 0 {
		change(c, cl.Reltype, func(r *rows.PgType) { r.Typowner = owner })
		if t := c.typeRow(cl.Reltype); t.Typarray != 0 {
			change(c, t.Typarray, func(r *rows.PgType) { r.Typowner = owner })
		}
	}
	if cl.Relkind != 'i' && cl.Relkind != 't' {
		c.ownerDepends(tableObject(o), owner)
	}
	for _, ix := range must(c.Catalog().IndexesOf(o)) {
		c.setOwner(ix.Indexrelid, owner)
	}
	if cl.Reltoastrelid != 0 {
		c.setOwner(cl.Reltoastrelid, owner)
	}
	for _, q := range c.ownedSequences(o, 0) {
		c.setOwner(q, owner)
	}
}

// ownerDepends makes pg_shdepend name another owner of an object.
func (c *cmd) ownerDepends(obj catalog.Object, owner oid.OID) {
	for _, f := range must(rowsBy[rows.PgShdepend](c, rows.AnumPgShdependClassid, oidDatum(obj.Class), rows.AnumPgShdependObjid, oidDatum(obj.ID))) {
		if f.Row.Deptype == 'o' && (f.Row.Dbid == c.Database() || f.Row.Dbid == 0) {
			throw(c.Catalog().Delete(oid.RelShdepend, f.TID))
		}
	}
	throw(c.Catalog().DependOwner(obj, owner))
}

// alterOwner runs ALTER … OWNER TO of schemas and databases.
func (c *cmd) alterOwner(n *pg.AlterOwnerStmt) {
	owner := c.role(n.Newowner)
	name := n.Object.GetString_().GetSval()
	switch n.ObjectType {
	case pg.ObjectType_OBJECT_SCHEMA:
		s := must(c.Catalog().NamespaceByName(name))
		if s == nil {
			fail(pgerr.InvalidSchemaName, "schema %q does not exist", name)
		}
		if !c.isOwner(s.Nspowner) {
			fail(pgerr.InsufficientPrivilege, "must be owner of schema %s", name)
		}
		change(c, s.Oid, func(r *rows.PgNamespace) { r.Nspowner = owner })
		c.ownerDepends(catalog.Object{Class: oid.RelNamespace, ID: s.Oid}, owner)
	case pg.ObjectType_OBJECT_DATABASE:
		d := must(c.Catalog().DatabaseByName(name))
		if d == nil {
			fail(pgerr.UndefinedDatabase, "database %q does not exist", name)
		}
		if !c.isOwner(d.Datdba) {
			fail(pgerr.InsufficientPrivilege, "must be owner of database %s", name)
		}
		change(c, d.Oid, func(r *rows.PgDatabase) { r.Datdba = owner })
		c.ownerDepends(catalog.Object{Class: oid.RelDatabase, ID: d.Oid}, owner)
	default:
		notYet("ALTER %s OWNER TO", objectWord(n.ObjectType))
	}
	throw(c.Increment())
}

// alterSchemaOf runs ALTER TABLE and the like … SET SCHEMA.
func (c *cmd) alterSchemaOf(n *pg.AlterObjectSchemaStmt) {
	switch n.ObjectType {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_SEQUENCE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW:
	default:
		notYet("ALTER %s SET SCHEMA", objectWord(n.ObjectType))
	}
	cl := c.lockClass(n.Relation, lmgr.AccessExclusive, n.MissingOk)
	if cl == nil {
		c.notice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", n.Relation.Relname)
		return
	}
	c.needOwner(cl)
	to := c.namespace(n.Newschema, false)
	c.noTempMove(cl.Relnamespace, to)
	if cl.Relkind == 'S' {
		for _, f := range must(rowsBy[rows.PgDepend](c, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(cl.Oid))) {
			if f.Row.Refobjsubid != 0 && f.Row.Deptype != catalog.DependNormal {
				failWith(pgerr.New(pgerr.FeatureNotSupported, "cannot move an owned sequence into another schema").
					WithDetail("Sequence %q is linked to table %q.", cl.Relname, c.class(f.Row.Refobjid).Relname))
			}
		}
	}
	if cl.Relnamespace == to {
		return
	}
	if must(c.Catalog().ClassByName(cl.Relname, to)) != nil {
		fail(pgerr.DuplicateTable, "relation %q already exists in schema %q", cl.Relname, n.Newschema)
	}
	c.moveTo(cl.Oid, cl.Relnamespace, to)
	throw(c.Increment())
}

// noTempMove refuses moves between schemas that are of another kind.
func (c *cmd) noTempMove(from, to oid.OID) {
	isTemp := func(o oid.OID) bool {
		n := must(c.Catalog().Namespace(o))
		return n != nil && (strings.HasPrefix(n.Nspname, "pg_temp_") || strings.HasPrefix(n.Nspname, "pg_toast_temp_"))
	}
	switch {
	case isTemp(from) || isTemp(to):
		fail(pgerr.FeatureNotSupported, "cannot move objects into or out of temporary schemas")
	case from == oid.ToastNamespace || to == oid.ToastNamespace:
		fail(pgerr.FeatureNotSupported, "cannot move objects into or out of TOAST schema")
	}
}

// moveTo puts a relation and what belongs to it into another schema.
func (c *cmd) moveTo(o, from, to oid.OID) {
	cl := c.class(o)
	change(c, o, func(r *rows.PgClass) { r.Relnamespace = to })
	if cl.Reltype != 0 {
		change(c, cl.Reltype, func(r *rows.PgType) { r.Typnamespace = to })
		if t := c.typeRow(cl.Reltype); t.Typarray != 0 {
			change(c, t.Typarray, func(r *rows.PgType) { r.Typnamespace = to })
		}
	}
	for _, f := range must(rowsBy[rows.PgDepend](c, rows.AnumPgDependClassid, oidDatum(oid.RelClass), rows.AnumPgDependObjid, oidDatum(o))) {
		if f.Row.Refclassid == oid.RelNamespace && f.Row.Refobjid == from {
			throw(c.Catalog().Delete(oid.RelDepend, f.TID))
			throw(c.Catalog().Depend(tableObject(o), catalog.DependNormal, catalog.Object{Class: oid.RelNamespace, ID: to}))
		}
	}
	for _, ix := range must(c.Catalog().IndexesOf(o)) {
		c.moveTo(ix.Indexrelid, from, to)
	}
	for _, q := range c.ownedSequences(o, 0) {
		c.moveTo(q, from, to)
	}
	for _, k := range must(c.Catalog().ConstraintsOf(o)) {
		change(c, k.Oid, func(r *rows.PgConstraint) { r.Connamespace = to })
	}
}
