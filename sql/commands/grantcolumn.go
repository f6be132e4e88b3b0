package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// columnRights are the privileges that a column can have of its own.
const columnRights = rows.Insert | rows.Select | rows.Update | rows.References

// splitPrivileges tells privileges on whole objects from those on columns.
func splitPrivileges(list []*pg.Node) (whole, columns []*pg.AccessPriv) {
	for _, n := range list {
		p := n.GetAccessPriv()
		if len(p.Cols) > 0 {
			columns = append(columns, p)
		} else {
			whole = append(whole, p)
		}
	}
	return whole, columns
}

// grantColumns grants and revokes privileges on columns. What is revoked from a
// table is revoked from its columns too.
func (c *cmd) grantColumns(n *pg.GrantStmt, table, columns []*pg.AccessPriv, cl *rows.PgClass, to []oid.OID) {
	rights := map[int16]uint32{}
	atts := must(c.Catalog().Attributes(cl.Oid))
	if !n.IsGrant && cl.Relkind != 'S' && (len(table) > 0 || len(columns) == 0) {
		all := c.rightsOf(table, tableRights, "relation") & columnRights
		for _, a := range atts {
			if !a.Attisdropped {
				rights[a.Attnum] = all
			}
		}
	}
	for _, p := range columns {
		r := uint32(columnRights)
		if p.PrivName != "" {
			whole := &pg.AccessPriv{PrivName: p.PrivName}
			r = c.rightsOf([]*pg.AccessPriv{whole}, columnRights, "column")
		}
		for _, name := range names(p.Cols) {
			a := must(c.Catalog().AttributeByName(cl.Oid, name))
			if a == nil {
				fail(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, cl.Relname)
			}
			rights[a.Attnum] |= r
		}
	}
	for _, a := range atts {
		r := rights[a.Attnum]
		if r == 0 || !n.IsGrant && len(a.Attacl) == 0 {
			continue
		}
		c.mayGrant(cl.Relowner, cl.Relacl, r, "table", cl.Relname)
		acl := c.newACL(n, a.Attacl, cl.Relowner, 0, 0, r, to)
		if len(acl) == 0 {
			acl = nil
		}
		c.changeColumn(cl.Oid, a.Attnum, func(x *rows.PgAttribute) { x.Attacl = acl })
		c.aclDepends(catalog.Object{Class: oid.RelClass, ID: cl.Oid, Sub: int32(a.Attnum)}, cl.Relowner, acl)
	}
	throw(c.Increment())
}
