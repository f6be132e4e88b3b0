package sysfuncs

import (
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/types"
)

// Privileges as access control lists hold them.
const (
	aclInsert     = 1 << 0
	aclSelect     = 1 << 1
	aclUpdate     = 1 << 2
	aclDelete     = 1 << 3
	aclTruncate   = 1 << 4
	aclReferences = 1 << 5
	aclTrigger    = 1 << 6
	aclExecute    = 1 << 7
	aclUsage      = 1 << 8
	aclCreate     = 1 << 9
	aclTemp       = 1 << 10
	aclConnect    = 1 << 11
	aclSet        = 1 << 12
	aclAlter      = 1 << 13
)

// privilegeBit is a privilege that objects of a kind have; 0: none.
func privilegeBit(kind, name string) uint32 {
	table := uint32(aclInsert | aclSelect | aclUpdate | aclDelete | aclTruncate | aclReferences | aclTrigger)
	may := map[string]uint32{"table": table, "column": aclInsert | aclSelect | aclUpdate | aclReferences, "any_column": aclInsert | aclSelect | aclUpdate | aclReferences,
		"sequence": aclSelect | aclUpdate | aclUsage, "database": aclCreate | aclTemp | aclConnect, "schema": aclCreate | aclUsage, "function": aclExecute,
		"language": aclUsage, "tablespace": aclCreate, "type": aclUsage, "foreign_data_wrapper": aclUsage, "server": aclUsage, "parameter": aclSet | aclAlter}
	bit := map[string]uint32{"INSERT": aclInsert, "SELECT": aclSelect, "UPDATE": aclUpdate, "DELETE": aclDelete, "TRUNCATE": aclTruncate,
		"REFERENCES": aclReferences, "TRIGGER": aclTrigger, "EXECUTE": aclExecute, "USAGE": aclUsage, "CREATE": aclCreate, "TEMP": aclTemp,
		"TEMPORARY": aclTemp, "CONNECT": aclConnect, "SET": aclSet, "ALTER SYSTEM": aclAlter}
	if kind == "table" && name == "RULE" {
		return 1 << 31
	}
	return may[kind] & bit[name]
}

// secured is an object with its rights.
type secured struct {
	owner oid.OID
	acl   []rows.ACLItem
	world uint32 // what PUBLIC may without an acl
}

// privilege answers has_…_privilege and pg_has_role.
func (s *System) privilege(fn string, c *builtin.Call) answer {
	if strings.HasPrefix(fn, "pg_has_role_") {
		return s.hasRole(c)
	}
	kind, ok := strings.CutPrefix(fn, "has_")
	if !ok {
		return answer{}
	}
	kind, form, ok := strings.Cut(kind, "_privilege_")
	if !ok {
		return answer{}
	}
	n := 1
	if kind == "column" {
		n = 2
	}
	args, forms := c.Args, strings.Split(form, "_")
	user := s.d.User()
	if len(args) == n+2 {
		id, err := s.role(args[0], forms[0])
		if err != nil {
			return failed(err)
		}
		user, args, forms = id, args[1:], forms[1:]
	}
	want, err := privileges(kind, args[len(args)-1].Str())
	if err != nil {
		return failed(err)
	}
	if kind == "parameter" {
		super, err := s.superuser(user)
		return checked(boolean(super), err)
	}
	id, err := s.named(kind, args[0], forms[0], c)
	if err != nil {
		return failed(err)
	}
	o, err := s.secured(kind, id)
	if err != nil || o == nil {
		return checked(null(), err)
	}
	var cols []*rows.PgAttribute
	if kind == "column" || kind == "any_column" {
		if cols, err = s.columns(id, args, forms, kind); err != nil {
			return failed(err)
		}
		if kind == "column" && len(cols) == 0 {
			return null()
		}
	}
	got, err := s.has(user, o, want, cols)
	return checked(boolean(got), err)
}

// columns are those that a column privilege is asked for.
func (s *System) columns(table oid.OID, args []datum.Datum, forms []string, kind string) ([]*rows.PgAttribute, error) {
	all, err := s.d.Catalog.Attributes(table)
	if err != nil || kind == "any_column" {
		return all, err
	}
	for _, a := range all {
		if forms[1] == "name" && a.Attname == args[1].Str() && !a.Attisdropped || forms[1] != "name" && int64(a.Attnum) == args[1].Int && !a.Attisdropped {
			return []*rows.PgAttribute{a}, nil
		}
	}
	if forms[1] == "name" {
		r, err := s.d.Catalog.Class(table)
		if err != nil || r == nil {
			return nil, err
		}
		return nil, pgerr.New(pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", args[1].Str(), r.Relname)
	}
	return nil, nil
}

// right is one privilege, perhaps with the right to grant it.
type right struct {
	bit   uint32
	grant bool
}

func privileges(kind, list string) ([]right, error) {
	var out []right
	for w := range strings.SplitSeq(list, ",") {
		name, grant := strings.CutSuffix(strings.ToUpper(strings.TrimSpace(w)), " WITH GRANT OPTION")
		bit := privilegeBit(kind, name)
		if bit == 0 {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "unrecognized privilege type: \"%s\"", strings.TrimSpace(w))
		}
		out = append(out, right{bit, grant})
	}
	return out, nil
}

// has tells whether a role has one of some rights on an object or on one of its
// columns.
func (s *System) has(user oid.OID, o *secured, want []right, cols []*rows.PgAttribute) (bool, error) {
	if super, err := s.superuser(user); err != nil || super {
		return super, err
	}
	roles, err := s.roles(user)
	if err != nil {
		return false, err
	}
	if roles[o.owner] {
		return true, nil
	}
	got := o.world
	if o.acl != nil {
		got = 0
	}
	add := func(l []rows.ACLItem) {
		for _, a := range l {
			if a.Grantee == 0 || roles[a.Grantee] {
				got |= a.Rights & 0xffff
				got |= a.Rights & 0xffff0000
			}
		}
	}
	add(o.acl)
	for _, a := range cols {
		add(a.Attacl)
	}
	for _, w := range want {
		if w.grant && got>>16&w.bit != 0 || !w.grant && got&w.bit != 0 {
			return true, nil
		}
	}
	return false, nil
}

func (s *System) superuser(role oid.OID) (bool, error) {
	r, err := s.d.Catalog.AuthID(role)
	return r != nil && r.Rolsuper, err
}

// roles are those whose rights a role has.
func (s *System) roles(role oid.OID) (map[oid.OID]bool, error) {
	out := map[oid.OID]bool{role: true}
	todo := []oid.OID{role}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		r, err := s.d.Catalog.AuthID(at)
		if err != nil {
			return nil, err
		}
		if r == nil || !r.Rolinherit {
			continue
		}
		up, err := s.d.Catalog.MembershipsOf(at)
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

func (s *System) role(v datum.Datum, form string) (oid.OID, error) {
	if form == "id" {
		return oid.OID(uint32(v.Int)), nil
	}
	if v.Str() == "public" {
		return 0, nil
	}
	r, err := s.d.Catalog.AuthIDByName(v.Str())
	if err != nil {
		return 0, err
	}
	if r == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "role \"%s\" does not exist", v.Str())
	}
	return r.Oid, nil
}

// named finds an object by name or OID.
func (s *System) named(kind string, v datum.Datum, form string, c *builtin.Call) (oid.OID, error) {
	if form != "name" {
		return oid.OID(uint32(v.Int)), nil
	}
	switch kind {
	case "table", "column", "any_column", "sequence":
		return c.Env.Reg(types.RegClass, v.Bytes)
	case "function":
		return c.Env.Reg(types.RegProcedure, v.Bytes)
	case "type":
		return c.Env.Reg(types.RegType, v.Bytes)
	}
	name := v.Str()
	var id oid.OID
	var err error
	missing := "schema \"%s\" does not exist"
	code := pgerr.UndefinedObject
	switch kind {
	case "schema":
		code = pgerr.InvalidSchemaName
		r, e := s.d.Catalog.NamespaceByName(name)
		if err = e; r != nil {
			id = r.Oid
		}
	case "database":
		code, missing = pgerr.InvalidCatalogName, "database \"%s\" does not exist"
		r, e := s.d.Catalog.DatabaseByName(name)
		if err = e; r != nil {
			id = r.Oid
		}
	case "tablespace":
		missing = "tablespace \"%s\" does not exist"
		r, e := s.d.Catalog.TablespaceByName(name)
		if err = e; r != nil {
			id = r.Oid
		}
	case "language":
		missing = "language \"%s\" does not exist"
		r, e := s.d.Catalog.LanguageByName(name)
		if err = e; r != nil {
			id = r.Oid
		}
	case "foreign_data_wrapper":
		missing = "foreign-data wrapper \"%s\" does not exist"
	default:
		missing = "server \"%s\" does not exist"
	}
	if err == nil && id == 0 {
		err = pgerr.New(code, missing, name)
	}
	return id, err
}

// secured reads the rights on an object; nil: there is none.
func (s *System) secured(kind string, id oid.OID) (*secured, error) {
	cat := s.d.Catalog
	switch kind {
	case "table", "column", "any_column", "sequence":
		if r, err := cat.Class(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Relowner, r.Relacl, 0}, nil
		}
	case "function":
		if r, err := cat.Proc(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Proowner, r.Proacl, aclExecute}, nil
		}
	case "type":
		if r, err := cat.Type(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Typowner, r.Typacl, aclUsage}, nil
		}
	case "schema":
		if r, err := cat.Namespace(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Nspowner, r.Nspacl, 0}, nil
		}
	case "database":
		if r, err := cat.Database(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Datdba, r.Datacl, aclTemp | aclConnect}, nil
		}
	case "tablespace":
		if r, err := cat.Tablespace(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Spcowner, r.Spcacl, 0}, nil
		}
	case "language":
		if r, err := cat.Language(id); err != nil || r == nil {
			return nil, err
		} else {
			return &secured{r.Lanowner, r.Lanacl, aclUsage}, nil
		}
	}
	return nil, pgerr.NotYet("privileges on a %s", strings.ReplaceAll(kind, "_", " "))
}

// hasRole answers pg_has_role.
func (s *System) hasRole(c *builtin.Call) answer {
	args := c.Args
	user := s.d.User()
	of := func(i int) (oid.OID, error) {
		form := "name"
		if c.ArgTypes[i] == oid.Oid {
			form = "id"
		}
		return s.role(c.Args[i], form)
	}
	at := 0
	if len(args) == 3 {
		id, err := of(0)
		if err != nil {
			return failed(err)
		}
		user, at = id, 1
	}
	role, err := of(at)
	if err != nil {
		return failed(err)
	}
	word := strings.ToUpper(args[len(args)-1].Str())
	base, _, _ := strings.Cut(word, " WITH ")
	if base != "USAGE" && base != "MEMBER" {
		return failed(pgerr.New(pgerr.InvalidParameterValue, "unrecognized privilege type: \"%s\"", args[len(args)-1].Str()))
	}
	if super, err := s.superuser(user); err != nil || super {
		return checked(boolean(super), err)
	}
	all, err := s.roles(user)
	return checked(boolean(all[role]), err)
}
