package commands

import (
	"cmp"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/types"
)

// roleByName finds a role.
func (c *cmd) roleByName(name string) *rows.PgAuthid {
	r := must(c.Catalog().AuthIDByName(name))
	if r == nil {
		fail(pgerr.UndefinedObject, "role %q does not exist", name)
	}
	return r
}

// role resolves a role specification.
func (c *cmd) role(s *pg.RoleSpec) oid.OID {
	switch s.Roletype {
	case pg.RoleSpecType_ROLESPEC_CURRENT_USER, pg.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return c.User()
	case pg.RoleSpecType_ROLESPEC_SESSION_USER:
		return c.SessionUser()
	case pg.RoleSpecType_ROLESPEC_PUBLIC:
		fail(pgerr.UndefinedObject, "role %q does not exist", "public")
	}
	return c.roleByName(s.Rolename).Oid
}

func (c *cmd) roleNameOK(name string) {
	if strings.HasPrefix(name, "pg_") {
		failWith(pgerr.New(pgerr.ReservedName, "role name %q is reserved", name).WithDetail(`Role names starting with "pg_" are reserved.`))
	}
	if name == "public" || name == "none" {
		fail(pgerr.ReservedName, "role name %q is reserved", name)
	}
}

// roleChange applies the options of CREATE and ALTER ROLE to a row.
func (c *cmd) roleChange(r *rows.PgAuthid, list []*pg.Node) (memberOf, members, admins []*pg.Node) {
	for _, e := range list {
		d := e.GetDefElem()
		switch d.Defname {
		case "password":
			c.password(r, d)
		case "sysid":
			c.notice(pgerr.SuccessfulCompletion, "SYSID can no longer be specified")
		case "superuser":
			r.Rolsuper = defBool(d)
		case "inherit":
			r.Rolinherit = defBool(d)
		case "createrole":
			r.Rolcreaterole = defBool(d)
		case "createdb":
			r.Rolcreatedb = defBool(d)
		case "canlogin":
			r.Rolcanlogin = defBool(d)
		case "isreplication":
			r.Rolreplication = defBool(d)
		case "bypassrls":
			r.Rolbypassrls = defBool(d)
		case "connectionlimit":
			r.Rolconnlimit = int32(defInt(d))
			if r.Rolconnlimit < -1 {
				fail(pgerr.InvalidParameterValue, "invalid connection limit: %d", r.Rolconnlimit)
			}
		case "validUntil":
			r.Rolvaliduntil = must(c.Env().Input(oid.TimestampTZ, []byte(defString(d)), -1))
		case "addroleto":
			memberOf = d.Arg.GetList().GetItems()
		case "rolemembers":
			members = d.Arg.GetList().GetItems()
		case "adminmembers":
			admins = d.Arg.GetList().GetItems()
		default:
			fail(pgerr.InternalError, "option %q not recognized", d.Defname)
		}
	}
	return memberOf, members, admins
}

// password stores a password's SCRAM verifier; what is a verifier already is
// kept.
func (c *cmd) password(r *rows.PgAuthid, d *pg.DefElem) {
	if d.Arg == nil {
		r.Rolpassword = ""
		return
	}
	p := defString(d)
	switch {
	case p == "":
		c.notice(pgerr.SuccessfulCompletion, "empty string is not a valid password, clearing password")
		r.Rolpassword = ""
	case strings.HasPrefix(p, "SCRAM-SHA-256$"), strings.HasPrefix(p, "md5") && len(p) == 35:
		r.Rolpassword = p
	case c.Settings().Str(guc.PasswordEncryption) == "md5":
		notYet("password_encryption = md5")
	default:
		r.Rolpassword = must(initdb.Verifier(p, randomReader{c}))
	}
}

// randomReader reads the session's strong random bytes.
type randomReader struct{ c *cmd }

// Read fills b.
func (r randomReader) Read(b []byte) (int, error) {
	r.c.Env().RandBytes(b)
	return len(b), nil
}

func (c *cmd) createRole(n *pg.CreateRoleStmt) {
	me := must(c.Catalog().AuthID(c.User()))
	if !c.Superuser() && (me == nil || !me.Rolcreaterole) {
		fail(pgerr.InsufficientPrivilege, "permission denied to create role")
	}
	c.roleNameOK(n.Role)
	r := rows.PgAuthid{Rolname: n.Role, Rolinherit: true, Rolcanlogin: n.StmtType == pg.RoleStmtType_ROLESTMT_USER, Rolconnlimit: -1, Rolvaliduntil: datum.Null()}
	memberOf, members, admins := c.roleChange(&r, n.Options)
	if r.Rolsuper && !c.Superuser() {
		fail(pgerr.InsufficientPrivilege, "must be superuser to create superusers")
	}
	if must(c.Catalog().AuthIDByName(n.Role)) != nil {
		fail(pgerr.DuplicateObject, "role %q already exists", n.Role)
	}
	r.Oid = must(c.Catalog().NewOID(oid.RelAuthID))
	must(c.Catalog().Insert(&r))
	throw(c.Increment())
	for _, m := range memberOf {
		c.addMember(c.role(m.GetRoleSpec()), r.Oid, false)
	}
	for _, m := range members {
		c.addMember(r.Oid, c.role(m.GetRoleSpec()), false)
	}
	for _, m := range admins {
		c.addMember(r.Oid, c.role(m.GetRoleSpec()), true)
	}
}

func (c *cmd) mayChangeRole(r *rows.PgAuthid) {
	if c.Superuser() {
		return
	}
	me := must(c.Catalog().AuthID(c.User()))
	if r.Rolsuper {
		fail(pgerr.InsufficientPrivilege, "must be superuser to alter superuser roles or change superuser attribute")
	}
	if me == nil || !me.Rolcreaterole {
		fail(pgerr.InsufficientPrivilege, "permission denied")
	}
}

func (c *cmd) alterRole(n *pg.AlterRoleStmt) {
	o := c.role(n.Role)
	r := must(c.Catalog().AuthID(o))
	if !(o == c.User() && onlyPassword(n.Options)) {
		c.mayChangeRole(r)
	}
	row := *r
	_, members, _ := c.roleChange(&row, n.Options)
	if row.Rolsuper != r.Rolsuper && !c.Superuser() {
		fail(pgerr.InsufficientPrivilege, "must be superuser to alter superuser roles or change superuser attribute")
	}
	change(c, o, func(x *rows.PgAuthid) { *x = row })
	throw(c.Increment())
	for _, m := range members {
		if n.Action > 0 {
			c.addMember(o, c.role(m.GetRoleSpec()), false)
		} else {
			c.dropMember(o, c.role(m.GetRoleSpec()))
		}
	}
}

func onlyPassword(list []*pg.Node) bool {
	for _, e := range list {
		if e.GetDefElem().Defname != "password" {
			return false
		}
	}
	return true
}

func (c *cmd) dropRole(n *pg.DropRoleStmt) {
	me := must(c.Catalog().AuthID(c.User()))
	if !c.Superuser() && (me == nil || !me.Rolcreaterole) {
		fail(pgerr.InsufficientPrivilege, "permission denied to drop role")
	}
	for _, e := range n.Roles {
		name := e.GetRoleSpec().Rolename
		r := must(c.Catalog().AuthIDByName(name))
		if r == nil {
			if n.MissingOk {
				c.notice(pgerr.SuccessfulCompletion, "role %q does not exist, skipping", name)
				continue
			}
			fail(pgerr.UndefinedObject, "role %q does not exist", name)
		}
		switch r.Oid {
		case c.User():
			fail(pgerr.ObjectInUse, "current user cannot be dropped")
		case c.SessionUser():
			fail(pgerr.ObjectInUse, "session user cannot be dropped")
		}
		if r.Rolsuper && !c.Superuser() {
			fail(pgerr.InsufficientPrivilege, "must be superuser to drop superusers")
		}
		if r.Oid < oid.FirstNormal {
			fail(pgerr.DependentObjectsStillExist, "cannot drop role %s because it is required by the database system", name)
		}
		c.roleUsers(r)
		c.removeRole(r.Oid)
		throw(c.Increment())
	}
}

// roleUsers refuses to drop a role that objects depend on.
func (c *cmd) roleUsers(r *rows.PgAuthid) {
	var lines []string
	other := map[oid.OID]int{}
	deps := must(rowsBy[rows.PgShdepend](c, rows.AnumPgShdependRefclassid, oidDatum(oid.RelAuthID), rows.AnumPgShdependRefobjid, oidDatum(r.Oid)))
	slices.SortStableFunc(deps, func(a, b catalog.Found[rows.PgShdepend]) int {
		return cmp.Or(cmp.Compare(a.Row.Objid, b.Row.Objid), cmp.Compare(a.Row.Classid, b.Row.Classid), cmp.Compare(a.Row.Objsubid, b.Row.Objsubid))
	})
	for _, f := range deps {
		d := f.Row
		if d.Dbid != 0 && d.Dbid != c.Database() {
			other[d.Dbid]++
			continue
		}
		what := must(c.Catalog().Describe(catalog.Object{Class: d.Classid, ID: d.Objid, Sub: d.Objsubid}))
		if d.Deptype == 'o' {
			lines = append(lines, "owner of "+what)
		} else {
			lines = append(lines, "privileges for "+what)
		}
	}
	for db, n := range other {
		s := itoa(n) + " objects in "
		if n == 1 {
			s = "1 object in "
		}
		lines = append(lines, s+must(c.Catalog().Describe(catalog.Object{Class: oid.RelDatabase, ID: db})))
	}
	if len(lines) > 0 {
		failWith(pgerr.New(pgerr.DependentObjectsStillExist, "role %q cannot be dropped because some objects depend on it", r.Rolname).
			WithDetail("%s", strings.Join(lines, "\n")))
	}
}

func (c *cmd) removeRole(o oid.OID) {
	for _, f := range must(rowsBy[rows.PgAuthMembers](c)) {
		if f.Row.Roleid == o || f.Row.Member == o {
			throw(c.Catalog().Delete(oid.RelAuthMembers, f.TID))
		}
	}
	for _, f := range must(rowsBy[rows.PgDbRoleSetting](c)) {
		if f.Row.Setrole == o {
			throw(c.Catalog().Delete(oid.RelDbRoleSetting, f.TID))
		}
	}
	for _, f := range must(rowsBy[rows.PgAuthid](c, rows.AnumPgAuthidOid, oidDatum(o))) {
		throw(c.Catalog().Delete(oid.RelAuthID, f.TID))
	}
}

// addMember makes a role a member of another.
func (c *cmd) addMember(role, member oid.OID, admin bool) {
	if c.isMember(role, member, map[oid.OID]bool{}) {
		fail(pgerr.InvalidGrantOperation, "role %q is a member of role %q",
			must(c.Catalog().AuthID(role)).Rolname, must(c.Catalog().AuthID(member)).Rolname)
	}
	for _, f := range must(rowsBy[rows.PgAuthMembers](c, rows.AnumPgAuthMembersRoleid, oidDatum(role), rows.AnumPgAuthMembersMember, oidDatum(member))) {
		if f.Row.AdminOption || !admin {
			c.notice(pgerr.SuccessfulCompletion, "role %q is already a member of role %q",
				must(c.Catalog().AuthID(member)).Rolname, must(c.Catalog().AuthID(role)).Rolname)
			return
		}
		f.Row.AdminOption = true
		throw(c.Catalog().Update(f.TID, f.Row))
		return
	}
	must(c.Catalog().Insert(&rows.PgAuthMembers{Roleid: role, Member: member, Grantor: c.User(), AdminOption: admin}))
	throw(c.Increment())
}

func (c *cmd) dropMember(role, member oid.OID) {
	l := must(rowsBy[rows.PgAuthMembers](c, rows.AnumPgAuthMembersRoleid, oidDatum(role), rows.AnumPgAuthMembersMember, oidDatum(member)))
	if len(l) == 0 {
		c.warning(pgerr.Warning, "role %q is not a member of role %q", must(c.Catalog().AuthID(member)).Rolname, must(c.Catalog().AuthID(role)).Rolname)
	}
	for _, f := range l {
		throw(c.Catalog().Delete(oid.RelAuthMembers, f.TID))
	}
	throw(c.Increment())
}

// alterRoleSet and alterDatabaseSet store settings for sessions to come.
func (c *cmd) alterRoleSet(n *pg.AlterRoleSetStmt) {
	role, db := oid.Invalid, oid.Invalid
	if n.Role != nil {
		role = c.role(n.Role)
		if role != c.User() {
			if r := must(c.Catalog().AuthID(role)); r.Rolsuper && !c.Superuser() {
				fail(pgerr.InsufficientPrivilege, "must be superuser to alter superusers")
			}
			c.mayChangeRole(must(c.Catalog().AuthID(role)))
		}
	}
	if n.Database != "" {
		d := must(c.Catalog().DatabaseByName(n.Database))
		if d == nil {
			fail(pgerr.UndefinedDatabase, "database %q does not exist", n.Database)
		}
		db = d.Oid
	}
	c.storeSetting(db, role, n.Setstmt)
}

func (c *cmd) alterDatabaseSet(n *pg.AlterDatabaseSetStmt) {
	d := must(c.Catalog().DatabaseByName(n.Dbname))
	if d == nil {
		fail(pgerr.UndefinedDatabase, "database %q does not exist", n.Dbname)
	}
	if !c.isOwner(d.Datdba) {
		fail(pgerr.InsufficientPrivilege, "must be owner of database %s", n.Dbname)
	}
	c.storeSetting(d.Oid, 0, n.Setstmt)
}

func (c *cmd) storeSetting(db, role oid.OID, s *pg.VariableSetStmt) {
	l := must(rowsBy[rows.PgDbRoleSetting](c, rows.AnumPgDbRoleSettingSetdatabase, oidDatum(db), rows.AnumPgDbRoleSettingSetrole, oidDatum(role)))
	var config []string
	if len(l) > 0 {
		config = l[0].Row.Setconfig
	}
	var out []string
	if s.Kind != pg.VariableSetKind_VAR_RESET_ALL {
		for _, e := range config {
			if name, _, _ := cutByte(e, '='); !strings.EqualFold(name, s.Name) {
				out = append(out, e)
			}
		}
	}
	switch s.Kind {
	case pg.VariableSetKind_VAR_SET_VALUE:
		var parts []string
		for _, a := range s.Args {
			p := nodeText(a)
			if id, ok := guc.Find(s.Name); ok && guc.IsList(id) {
				p = types.QuoteIdent(p)
			}
			parts = append(parts, p)
		}
		v := strings.Join(parts, ", ")
		probe := guc.NewSession(c.Server().Registry())
		probe.Super = c.Superuser()
		throw(probe.Set(s.Name, v, guc.SourceSession, false))
		out = append(out, s.Name+"="+v)
	case pg.VariableSetKind_VAR_SET_CURRENT:
		out = append(out, s.Name+"="+must(c.Settings().Show(s.Name)))
	}
	switch {
	case len(l) > 0 && len(out) == 0:
		throw(c.Catalog().Delete(oid.RelDbRoleSetting, l[0].TID))
	case len(l) > 0:
		l[0].Row.Setconfig = out
		throw(c.Catalog().Update(l[0].TID, l[0].Row))
	case len(out) > 0:
		must(c.Catalog().Insert(&rows.PgDbRoleSetting{Setdatabase: db, Setrole: role, Setconfig: out}))
	}
	throw(c.Increment())
}
