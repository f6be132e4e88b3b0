package commands

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
)

// hasRight reports whether the user has a right on a relation.
func (c *cmd) hasRight(cl *rows.PgClass, right uint32) bool {
	return c.granted(cl.Relowner, cl.Relacl, right)
}

// granted reports whether the user has a right by ownership or by a grant.
func (c *cmd) granted(owner oid.OID, acl []rows.ACLItem, right uint32) bool {
	if c.isOwner(owner) {
		return true
	}
	for _, a := range acl {
		if a.Rights&right != 0 && (a.Grantee == 0 || c.isMember(c.User(), a.Grantee, map[oid.OID]bool{})) {
			return true
		}
	}
	return false
}
