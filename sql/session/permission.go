package session

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
)

// permit refuses a query that the current user may not run: what it reads and
// changes, through views with the rights of their owners (PostgreSQL:
// ExecCheckRTPerms). A plan is made anew when a role or a grant changes, and this
// is part of that.
func (s *Session) permit(q *node.Query, role oid.OID) (err error) {
	node.Walk(q, func(n node.Node) bool {
		if c, ok := n.(*node.CommonTableExpr); ok && unread(c) {
			return false
		}
		t, ok := n.(*node.RangeTblEntry)
		if !ok || err != nil {
			return err == nil
		}
		as := role
		if t.CheckAsUser != 0 {
			as = t.CheckAsUser
		}
		relation := t.Rtekind == node.RTERelation || t.Rtekind == node.RTESubquery && t.Relid != 0
		if relation && t.RequiredPerms != 0 {
			if err = s.permitEntry(t, as); err != nil {
				return false
			}
		}
		if t.Rtekind == node.RTESubquery && t.Relid != 0 {
			err = s.permitView(t, as)
			return false
		}
		return true
	})
	return err
}

// unread reports a WITH query that nobody reads, which is not planned.
func unread(c *node.CommonTableExpr) bool {
	q, ok := c.Ctequery.(*node.Query)
	return ok && c.Cterefcount == 0 && q.CommandType == node.CmdSelect
}

// permitView checks what a view reads, with the rights of its owner.
func (s *Session) permitView(t *node.RangeTblEntry, role oid.OID) error {
	view, err := s.cat.Class(t.Relid)
	if err != nil || view == nil {
		return err
	}
	if !invoker(view.Reloptions) {
		role = view.Relowner
	}
	return s.permit(t.Subquery, role)
}

// invoker reports a view whose tables are read with the rights of its reader.
func invoker(options []string) bool {
	for _, o := range options {
		switch o {
		case "security_invoker=true", "security_invoker=on", "security_invoker=yes", "security_invoker=1":
			return true
		}
	}
	return false
}

// columnRights are the rights that columns can have of their own.
const columnRights = node.AclSelect | node.AclInsert | node.AclUpdate

// permitEntry checks one relation.
func (s *Session) permitEntry(t *node.RangeTblEntry, role oid.OID) error {
	r, err := s.cat.AuthID(role)
	if err != nil || r != nil && r.Rolsuper {
		return err
	}
	c, err := s.cat.Class(t.Relid)
	if err != nil || c == nil {
		return err
	}
	mine, err := s.rolesOf(role)
	if err != nil || mine[c.Relowner] {
		return err
	}
	missing := t.RequiredPerms &^ rights(c.Relacl, mine)
	ok := missing&^columnRights == 0
	for _, k := range []struct {
		right node.AclMode
		cols  node.Bitmapset
	}{{node.AclSelect, t.SelectedCols}, {node.AclInsert, t.InsertedCols}, {node.AclUpdate, t.UpdatedCols}} {
		if ok && missing&k.right != 0 {
			if ok, err = s.permitColumns(t.Relid, k.right, k.cols, mine); err != nil {
				return err
			}
		}
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", kindWord(c.Relkind), c.Relname)
	}
	return nil
}

// permitColumns reports whether every column of cols has a right; no column named
// means any, the whole row means all.
func (s *Session) permitColumns(rel oid.OID, right node.AclMode, cols node.Bitmapset, mine map[oid.OID]bool) (bool, error) {
	atts, err := s.cat.Attributes(rel)
	if err != nil {
		return false, err
	}
	whole, some, every := cols.Has(node.ColumnBit(0)), false, true
	for bit := range cols.All {
		every = every && bit >= node.ColumnBit(0) // no system column has rights
	}
	for _, a := range atts {
		if a.Attnum <= 0 || a.Attisdropped {
			continue
		}
		has := rights(a.Attacl, mine)&right != 0
		some = some || has
		every = every && (has || !whole && !cols.Has(node.ColumnBit(int(a.Attnum))))
	}
	if cols.Empty() {
		return some, nil
	}
	return every, nil
}

// rights are what an access control list gives to a set of roles.
func rights(acl []rows.ACLItem, mine map[oid.OID]bool) (out node.AclMode) {
	for _, a := range acl {
		if a.Grantee == 0 || mine[a.Grantee] {
			out |= node.AclMode(a.Rights & 0xffff)
		}
	}
	return out
}

// rolesOf are the roles whose rights a role has.
func (s *Session) rolesOf(role oid.OID) (map[oid.OID]bool, error) {
	out := map[oid.OID]bool{role: true}
	for todo := []oid.OID{role}; len(todo) > 0; todo = todo[1:] {
		r, err := s.cat.AuthID(todo[0])
		if err != nil {
			return nil, err
		}
		if r == nil || !r.Rolinherit {
			continue
		}
		up, err := s.cat.MembershipsOf(todo[0])
		if err != nil {
			return nil, err
		}
		for _, m := range up {
			if !out[m.Roleid] {
				out[m.Roleid] = true
				todo = append(todo, m.Roleid)
			}
		}
	}
	return out, nil
}

func kindWord(kind byte) string {
	switch kind {
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
