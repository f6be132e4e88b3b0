package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// comment runs COMMENT ON.
func (c *cmd) comment(n *pg.CommentStmt) {
	o := c.commented(n)
	if o.ID == 0 {
		return
	}
	if o.Class == oid.RelDatabase || o.Class == oid.RelAuthID {
		l := must(rowsBy[rows.PgShdescription](c, rows.AnumPgShdescriptionObjoid, oidDatum(o.ID), rows.AnumPgShdescriptionClassoid, oidDatum(o.Class)))
		for _, f := range l {
			throw(c.Catalog().Delete(oid.RelShdescription, f.TID))
		}
		if n.Comment != "" {
			must(c.Catalog().Insert(&rows.PgShdescription{Objoid: o.ID, Classoid: o.Class, Description: n.Comment}))
		}
		return
	}
	for _, f := range must(rowsBy[rows.PgDescription](c, rows.AnumPgDescriptionObjoid, oidDatum(o.ID), rows.AnumPgDescriptionClassoid, oidDatum(o.Class))) {
		if f.Row.Objsubid == o.Sub {
			throw(c.Catalog().Delete(oid.RelDescription, f.TID))
		}
	}
	if n.Comment != "" {
		must(c.Catalog().Insert(&rows.PgDescription{Objoid: o.ID, Classoid: o.Class, Objsubid: o.Sub, Description: n.Comment}))
	}
	throw(c.Increment())
}

// commented finds the object of a COMMENT.
func (c *cmd) commented(n *pg.CommentStmt) catalog.Object {
	list := n.Object.GetList().GetItems()
	name := n.Object.GetString_().GetSval()
	switch n.Objtype {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_INDEX, pg.ObjectType_OBJECT_SEQUENCE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW:
		cl := c.lockClass(rangeOf(list), lmgr.ShareUpdateExclusive, false)
		if k := dropKinds[n.Objtype]; !containsByte(k.relkinds, cl.Relkind) {
			fail(pgerr.WrongObjectType, "%q is not %s", cl.Relname, k.article)
		}
		c.commentOwner(cl)
		return tableObject(cl.Oid)
	case pg.ObjectType_OBJECT_COLUMN:
		cl := c.lockClass(rangeOf(list[:len(list)-1]), lmgr.ShareUpdateExclusive, false)
		c.commentOwner(cl)
		col := list[len(list)-1].GetString_().GetSval()
		a := must(c.Catalog().AttributeByName(cl.Oid, col))
		if a == nil {
			fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", col, cl.Relname)
		}
		return catalog.Object{Class: oid.RelClass, ID: cl.Oid, Sub: int32(a.Attnum)}
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		cl := c.lockClass(rangeOf(list[:len(list)-1]), lmgr.ShareUpdateExclusive, false)
		c.commentOwner(cl)
		con := list[len(list)-1].GetString_().GetSval()
		for _, k := range must(c.Catalog().ConstraintsOf(cl.Oid)) {
			if k.Conname == con {
				return catalog.Object{Class: oid.RelConstraint, ID: k.Oid}
			}
		}
		fail(pgerr.UndefinedObject, "constraint %q for table %q does not exist", con, cl.Relname)
	case pg.ObjectType_OBJECT_SCHEMA:
		s := must(c.Catalog().Namespace(c.namespace(name, false)))
		if !c.isOwner(s.Nspowner) {
			fail(pgerr.InsufficientPrivilege, "must be owner of schema %s", name)
		}
		return catalog.Object{Class: oid.RelNamespace, ID: s.Oid}
	case pg.ObjectType_OBJECT_DATABASE:
		d := must(c.Catalog().DatabaseByName(name))
		if d == nil {
			c.warning(pgerr.UndefinedDatabase, "database %q does not exist", name)
			return catalog.Object{}
		}
		if !c.isOwner(d.Datdba) {
			fail(pgerr.InsufficientPrivilege, "must be owner of database %s", name)
		}
		return catalog.Object{Class: oid.RelDatabase, ID: d.Oid}
	case pg.ObjectType_OBJECT_ROLE:
		r := c.roleByName(name)
		c.mayChangeRole(r)
		return catalog.Object{Class: oid.RelAuthID, ID: r.Oid}
	case pg.ObjectType_OBJECT_EXTENSION:
		// pg_dump's scripts have it for plpgsql; whatever the extension says of itself stays.
	}
	notYet("COMMENT ON %s", objectWord(n.Objtype))
	return catalog.Object{}
}

func (c *cmd) commentOwner(cl *rows.PgClass) {
	if !c.isOwner(cl.Relowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
}
