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

// rightNames are the privileges by their SQL names. constant
var rightNames = map[string]uint32{"insert": rows.Insert, "select": rows.Select, "update": rows.Update, "delete": rows.Delete,
	"truncate": rows.Truncate, "references": rows.References, "trigger": rows.Trigger, "execute": rows.Execute, "usage": rows.Usage,
	"create": rows.Create, "temporary": rows.CreateTemp, "temp": rows.CreateTemp, "connect": rows.Connect}

const (
	tableRights    = rows.Insert | rows.Select | rows.Update | rows.Delete | rows.Truncate | rows.References | rows.Trigger
	sequenceRights = rows.Select | rows.Update | rows.Usage
	schemaRights   = rows.Usage | rows.Create
	databaseRights = rows.Create | rows.CreateTemp | rows.Connect
)

// grant runs GRANT and REVOKE on tables, sequences, schemas and databases.
func (c *cmd) grant(n *pg.GrantStmt) {
	if n.Targtype == pg.GrantTargetType_ACL_TARGET_DEFAULTS {
		notYet("ALTER DEFAULT PRIVILEGES")
	}
	table, columns := splitPrivileges(n.Privileges)
	if len(columns) > 0 && n.Objtype != pg.ObjectType_OBJECT_TABLE {
		fail(pgerr.InvalidGrantOperation, "column privileges are only valid for relations")
	}
	var to []oid.OID
	for _, g := range n.Grantees {
		s := g.GetRoleSpec()
		if s.Roletype == pg.RoleSpecType_ROLESPEC_PUBLIC {
			if n.GrantOption && n.IsGrant {
				fail(pgerr.InvalidGrantOperation, "grant options can only be granted to roles")
			}
			to = append(to, 0)
			continue
		}
		to = append(to, c.role(s))
	}
	switch n.Objtype {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_SEQUENCE:
		for _, cl := range c.grantRelations(n) {
			if len(table) > 0 || len(columns) == 0 {
				c.grantRelation(n, table, cl, to)
			}
			c.grantColumns(n, table, columns, cl, to)
		}
	case pg.ObjectType_OBJECT_SCHEMA:
		for _, e := range n.Objects {
			s := must(c.Catalog().Namespace(c.namespace(e.GetString_().GetSval(), false)))
			rights := c.rights(n, schemaRights, "schema")
			c.mayGrant(s.Nspowner, s.Nspacl, rights, "schema", s.Nspname)
			acl := c.newACL(n, s.Nspacl, s.Nspowner, schemaRights, 0, rights, to)
			change(c, s.Oid, func(r *rows.PgNamespace) { r.Nspacl = acl })
			c.aclDepends(catalog.Object{Class: oid.RelNamespace, ID: s.Oid}, s.Nspowner, acl)
		}
	case pg.ObjectType_OBJECT_DATABASE:
		for _, e := range n.Objects {
			name := e.GetString_().GetSval()
			d := must(c.Catalog().DatabaseByName(name))
			if d == nil {
				fail(pgerr.UndefinedDatabase, "database %q does not exist", name)
			}
			rights := c.rights(n, databaseRights, "database")
			c.mayGrant(d.Datdba, d.Datacl, rights, "database", name)
			acl := c.newACL(n, d.Datacl, d.Datdba, databaseRights, rows.CreateTemp|rows.Connect, rights, to)
			change(c, d.Oid, func(r *rows.PgDatabase) { r.Datacl = acl })
			c.aclDepends(catalog.Object{Class: oid.RelDatabase, ID: d.Oid}, d.Datdba, acl)
		}
	default:
		notYet("GRANT ON %s", objectWord(n.Objtype))
	}
	throw(c.Increment())
}

// grantRelations lists the relations of a GRANT: named, or all of schemas.
func (c *cmd) grantRelations(n *pg.GrantStmt) []*rows.PgClass {
	var out []*rows.PgClass
	if n.Targtype == pg.GrantTargetType_ACL_TARGET_OBJECT {
		for _, e := range n.Objects {
			out = append(out, c.lockClass(e.GetRangeVar(), lmgr.AccessShare, false))
		}
		return out
	}
	kinds := "rvmfp"
	if n.Objtype == pg.ObjectType_OBJECT_SEQUENCE {
		kinds = "S"
	}
	for _, e := range n.Objects {
		ns := c.namespace(e.GetString_().GetSval(), false)
		for _, f := range must(rowsBy[rows.PgClass](c, rows.AnumPgClassRelnamespace, oidDatum(ns))) {
			if containsByte(kinds, f.Row.Relkind) {
				out = append(out, f.Row)
			}
		}
	}
	return out
}

func (c *cmd) grantRelation(n *pg.GrantStmt, privs []*pg.AccessPriv, cl *rows.PgClass, to []oid.OID) {
	if cl.Relkind == 'i' || cl.Relkind == 'I' {
		fail(pgerr.WrongObjectType, "%q is an index", cl.Relname)
	}
	if cl.Relkind == 'c' {
		fail(pgerr.WrongObjectType, "%q is a composite type", cl.Relname)
	}
	all, word := uint32(tableRights), "relation"
	if n.Objtype == pg.ObjectType_OBJECT_SEQUENCE {
		if cl.Relkind != 'S' {
			fail(pgerr.WrongObjectType, "%q is not a sequence", cl.Relname)
		}
		all, word = sequenceRights, "sequence"
	} else if cl.Relkind == 'S' && len(privs) == 0 {
		all = sequenceRights
	} else if cl.Relkind == 'S' {
		all = tableRights | rows.Usage
	}
	rights := c.rightsOf(privs, all, word)
	c.mayGrant(cl.Relowner, cl.Relacl, rights, ownerWord(cl.Relkind), cl.Relname)
	own := uint32(tableRights)
	if cl.Relkind == 'S' {
		own = sequenceRights
	}
	acl := c.newACL(n, cl.Relacl, cl.Relowner, own, 0, rights, to)
	change(c, cl.Oid, func(r *rows.PgClass) { r.Relacl = acl })
	c.aclDepends(tableObject(cl.Oid), cl.Relowner, acl)
	throw(c.Increment())
}

// rights are the privileges that a GRANT names; none is all.
func (c *cmd) rights(n *pg.GrantStmt, all uint32, word string) uint32 {
	privs, _ := splitPrivileges(n.Privileges)
	return c.rightsOf(privs, all, word)
}

func (c *cmd) rightsOf(privs []*pg.AccessPriv, all uint32, word string) uint32 {
	if len(privs) == 0 {
		return all
	}
	var out uint32
	for _, p := range privs {
		name := p.PrivName
		r, ok := rightNames[name]
		if !ok {
			fail(pgerr.SyntaxError, "unrecognized privilege type %q", name)
		}
		if r&^all != 0 {
			fail(pgerr.InvalidGrantOperation, "invalid privilege type %s for %s", strings.ToUpper(name), word)
		}
		out |= r
	}
	return out
}

// mayGrant refuses those who neither own an object nor hold grant options.
func (c *cmd) mayGrant(owner oid.OID, acl []rows.ACLItem, rights uint32, word, name string) {
	if !c.granted(owner, acl, rights<<16) {
		fail(pgerr.InsufficientPrivilege, "permission denied for %s %s", word, name)
	}
}

// newACL applies a GRANT or REVOKE to an access list; an empty one stands for
// the owner's own rights, public for everyone's.
func (c *cmd) newACL(n *pg.GrantStmt, old []rows.ACLItem, owner oid.OID, all, public, rights uint32, to []oid.OID) []rows.ACLItem {
	acl := append([]rows.ACLItem(nil), old...)
	if len(acl) == 0 && all != 0 {
		if public != 0 {
			acl = append(acl, rows.ACLItem{Grantee: 0, Grantor: owner, Rights: public})
		}
		acl = append(acl, rows.ACLItem{Grantee: owner, Grantor: owner, Rights: all})
	}
	for _, g := range to {
		i := 0
		for i < len(acl) && (acl[i].Grantee != g || acl[i].Grantor != owner) {
			i++
		}
		if n.IsGrant {
			if i == len(acl) {
				acl = append(acl, rows.ACLItem{Grantee: g, Grantor: owner})
			}
			acl[i].Rights |= rights
			if n.GrantOption {
				acl[i].Rights |= rights << 16
			}
			continue
		}
		if i == len(acl) {
			continue
		}
		acl[i].Rights &^= rights << 16
		if !n.GrantOption {
			acl[i].Rights &^= rights
		}
		if acl[i].Rights == 0 {
			acl = append(acl[:i], acl[i+1:]...)
		}
	}
	return acl
}

// aclDepends makes pg_shdepend name the roles of an access list.
func (c *cmd) aclDepends(obj catalog.Object, owner oid.OID, acl []rows.ACLItem) {
	db := c.Database()
	if obj.Class == oid.RelDatabase {
		db = 0
	}
	for _, f := range must(rowsBy[rows.PgShdepend](c, rows.AnumPgShdependClassid, oidDatum(obj.Class), rows.AnumPgShdependObjid, oidDatum(obj.ID))) {
		if f.Row.Deptype == 'a' && f.Row.Dbid == db && f.Row.Objsubid == obj.Sub {
			throw(c.Catalog().Delete(oid.RelShdepend, f.TID))
		}
	}
	seen := map[oid.OID]bool{0: true, owner: true}
	for _, a := range acl {
		for _, r := range []oid.OID{a.Grantee, a.Grantor} {
			if seen[r] || r < oid.FirstUnpinned {
				continue
			}
			seen[r] = true
			must(c.Catalog().Insert(&rows.PgShdepend{Dbid: db, Classid: obj.Class, Objid: obj.ID, Objsubid: obj.Sub, Refclassid: oid.RelAuthID, Refobjid: r, Deptype: 'a'}))
		}
	}
}

// grantRole runs GRANT role TO and REVOKE role FROM.
func (c *cmd) grantRole(n *pg.GrantRoleStmt) {
	admin := false
	for _, e := range n.Opt {
		admin = admin || e.GetDefElem().Defname == "admin"
	}
	for _, r := range n.GrantedRoles {
		role := c.roleByName(r.GetAccessPriv().PrivName)
		c.mayChangeRole(role)
		for _, m := range n.GranteeRoles {
			if n.IsGrant {
				c.addMember(role.Oid, c.role(m.GetRoleSpec()), admin)
			} else {
				c.dropMember(role.Oid, c.role(m.GetRoleSpec()))
			}
		}
	}
}
