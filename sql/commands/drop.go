package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// dropKind is what DROP accepts under one word.
type dropKind struct {
	relkinds string
	word     string // "table"
	article  string // "a table"
	sql      string // "DROP TABLE"
}

// dropKinds lists the kinds of relations. constant
var dropKinds = map[pg.ObjectType]dropKind{
	pg.ObjectType_OBJECT_TABLE:         {"rp", "table", "a table", "DROP TABLE"},
	pg.ObjectType_OBJECT_INDEX:         {"iI", "index", "an index", "DROP INDEX"},
	pg.ObjectType_OBJECT_SEQUENCE:      {"S", "sequence", "a sequence", "DROP SEQUENCE"},
	pg.ObjectType_OBJECT_VIEW:          {"v", "view", "a view", "DROP VIEW"},
	pg.ObjectType_OBJECT_MATVIEW:       {"m", "materialized view", "a materialized view", "DROP MATERIALIZED VIEW"},
	pg.ObjectType_OBJECT_FOREIGN_TABLE: {"f", "foreign table", "a foreign table", "DROP FOREIGN TABLE"},
}

// drop runs DROP of relations and schemas.
func (c *cmd) drop(n *pg.DropStmt) {
	if n.Concurrent {
		c.dropConcurrently(n)
		return
	}
	var objs []catalog.Object
	for _, o := range n.Objects {
		var d catalog.Object
		switch n.RemoveType {
		case pg.ObjectType_OBJECT_SCHEMA:
			d = c.dropSchema(o.GetString_().GetSval(), n.MissingOk)
		case pg.ObjectType_OBJECT_TYPE, pg.ObjectType_OBJECT_DOMAIN:
			d = c.dropType(o.GetTypeName(), n.RemoveType == pg.ObjectType_OBJECT_DOMAIN, n.MissingOk)
		default:
			k, ok := dropKinds[n.RemoveType]
			if !ok {
				c.dropOther(n)
				return
			}
			d = c.dropRelation(rangeOf(o.GetList().GetItems()), k, n.MissingOk)
		}
		if d.ID != 0 {
			objs = append(objs, d)
		}
	}
	c.dropObjects(objs, n.Behavior)
}

// dropOther handles the kinds of objects that we cannot make: IF EXISTS is
// answered, as nothing of that name can exist.
func (c *cmd) dropOther(n *pg.DropStmt) {
	notYet("DROP %s", objectWord(n.RemoveType))
}

func (c *cmd) dropObjects(objs []catalog.Object, b pg.DropBehavior) {
	if len(objs) == 0 {
		return
	}
	how := catalog.Restrict
	if b == pg.DropBehavior_DROP_CASCADE {
		how = catalog.Cascade
	}
	for _, o := range objs {
		c.removeComments(o)
	}
	throw(c.Catalog().Drop(objs, how, func(e *pgerr.Error) { c.Notice("NOTICE", e) }))
}

// removeComments removes what COMMENT stored for an object and its parts.
func (c *cmd) removeComments(o catalog.Object) {
	for _, f := range must(rowsBy[rows.PgDescription](c, rows.AnumPgDescriptionObjoid, oidDatum(o.ID), rows.AnumPgDescriptionClassoid, oidDatum(o.Class))) {
		if o.Sub == 0 || f.Row.Objsubid == o.Sub {
			throw(c.Catalog().Delete(oid.RelDescription, f.TID))
		}
	}
}

func (c *cmd) dropSchema(name string, missingOK bool) catalog.Object {
	n := must(c.Catalog().NamespaceByName(name))
	if n == nil {
		if missingOK {
			c.notice(pgerr.SuccessfulCompletion, "schema %q does not exist, skipping", name)
			return catalog.Object{}
		}
		fail(pgerr.InvalidSchemaName, "schema %q does not exist", name)
	}
	if !c.isOwner(n.Nspowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of schema %s", name)
	}
	return catalog.Object{Class: oid.RelNamespace, ID: n.Oid}
}

// dropRelation finds and locks a relation to be dropped.
func (c *cmd) dropRelation(rv *pg.RangeVar, k dropKind, missingOK bool) catalog.Object {
	if rv.Schemaname != "" && c.namespace(rv.Schemaname, true) == 0 {
		if missingOK {
			c.notice(pgerr.SuccessfulCompletion, "schema %q does not exist, skipping", rv.Schemaname)
			return catalog.Object{}
		}
		fail(pgerr.InvalidSchemaName, "schema %q does not exist", rv.Schemaname)
	}
	cl := c.findClass(rv, true)
	if cl == nil {
		c.missing(rv, k, missingOK)
		return catalog.Object{}
	}
	if !containsByte(k.relkinds, cl.Relkind) {
		c.wrongKind(cl, k)
	}
	if cl.Relkind == 'i' { // the table first, as everyone does
		if ix := must(c.Catalog().Index(cl.Oid)); ix != nil {
			throw(c.Tx().LockRelation(c.Context(), c.Database(), ix.Indrelid, lmgr.AccessExclusive))
		}
	}
	if cl = c.lockClass(rv, lmgr.AccessExclusive, true); cl == nil {
		c.missing(rv, k, missingOK)
		return catalog.Object{}
	}
	if !c.ownsForDrop(cl) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	c.noCatalog(cl)
	c.notPending(cl, k.sql)
	return tableObject(cl.Oid)
}

// ownsForDrop: owners of a schema may drop what is in it.
func (c *cmd) ownsForDrop(cl *rows.PgClass) bool {
	if c.isOwner(cl.Relowner) {
		return true
	}
	n := must(c.Catalog().Namespace(cl.Relnamespace))
	return n != nil && c.isOwner(n.Nspowner)
}

func containsByte(s string, b byte) bool {
	for i := range len(s) {
		if s[i] == b {
			return true
		}
	}
	return false
}

func (c *cmd) missing(rv *pg.RangeVar, k dropKind, missingOK bool) {
	if missingOK {
		c.notice(pgerr.SuccessfulCompletion, "%s %q does not exist, skipping", k.word, rv.Relname)
		return
	}
	name := rv.Relname
	if rv.Schemaname != "" {
		name = rv.Schemaname + "." + name
	}
	code := pgerr.UndefinedTable
	if k.word == "index" {
		code = pgerr.UndefinedObject
	}
	fail(code, "%s %q does not exist", k.word, name)
}

func (c *cmd) wrongKind(cl *rows.PgClass, k dropKind) {
	e := pgerr.New(pgerr.WrongObjectType, "%q is not %s", cl.Relname, k.article)
	for _, o := range dropKinds {
		if containsByte(o.relkinds, cl.Relkind) {
			failWith(e.WithHint("Use %s to remove %s.", o.sql, o.article))
		}
	}
	if cl.Relkind == 'c' {
		failWith(e.WithHint("Use DROP TYPE to remove a type."))
	}
	failWith(e)
}
