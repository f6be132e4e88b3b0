package commands

import (
	"context"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/ruleutils"
)

// keyName is a key column as messages name it.
func (c *cmd) keyName(rel, idx *access.Relation, i int) string {
	if a := idx.Index.AttNums[i]; a != 0 {
		return rel.Desc.Attrs[a-1].Name
	}
	n := 0
	for _, a := range idx.Index.AttNums[:i] {
		if a == 0 {
			n++
		}
	}
	row := must(c.Catalog().Index(idx.OID))
	l, _ := must(node.Read(row.Indexprs)).(node.List)
	if n >= len(l) {
		return "expression"
	}
	s, err := ruleutils.KeyExpr(c.Names(), l[n], must(c.Names().RelationByOID(rel.OID)))
	if err != nil {
		return "expression"
	}
	return s
}

// databaseLock is the lock on a database as an object.
func (c *cmd) databaseLock(db oid.OID, mode lmgr.Mode) {
	throw(c.Server().System().Locks.Acquire(c.Context(), c.Tx().Locks(), lmgr.Object(oid.Invalid, oid.RelDatabase, db, 0), mode))
}

// createDatabase runs CREATE DATABASE.
func (c *cmd) createDatabase(n *pg.CreatedbStmt) {
	throw(c.PreventInBlock("CREATE DATABASE"))
	opt := c.databaseOptions(n.Options)
	if !c.Superuser() && !c.mayCreateDB() {
		fail(pgerr.InsufficientPrivilege, "permission denied to create database")
	}
	if must(c.Catalog().DatabaseByName(n.Dbname)) != nil {
		fail(pgerr.DuplicateDatabase, "database %q already exists", n.Dbname)
	}
	t := must(c.Catalog().DatabaseByName(opt.template))
	if t == nil {
		fail(pgerr.UndefinedDatabase, "template database %q does not exist", opt.template)
	}
	if t.Datconnlimit == catalog.InvalidDatabase {
		failWith(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot use invalid database %q as template", opt.template).
			WithHint("Use DROP DATABASE to drop invalid databases."))
	}
	if !t.Datistemplate && !c.isOwner(t.Datdba) {
		fail(pgerr.InsufficientPrivilege, "permission denied to copy database %q", opt.template)
	}
	c.databaseLock(t.Oid, lmgr.Share)
	c.noUsersFor(t, "source database %q is being accessed by other users", opt.template)
	row := *t
	row.Oid, row.Datname, row.Datdba, row.Datistemplate, row.Datallowconn = 0, n.Dbname, c.User(), opt.isTemplate, opt.allowConn
	row.Datconnlimit, row.Datacl = opt.connLimit, nil
	if opt.owner != 0 {
		row.Datdba = opt.owner
	}
	for _, l := range []string{opt.collate, opt.ctype} {
		if l != "" && l != t.Datcollate && t.Datname != "template0" {
			failWith(pgerr.New(pgerr.InvalidParameterValue, "new collation (%s) is incompatible with the collation of the template database (%s)", l, t.Datcollate).
				WithHint("Use the same collation as in the template database, or use template0 as template."))
		}
	}
	if opt.collate != "" {
		row.Datcollate = opt.collate
	}
	if opt.ctype != "" {
		row.Datctype = opt.ctype
	}
	must(c.Catalog().CreateDatabase(row, t.Oid, opt.strategy))
}

func (c *cmd) mayCreateDB() bool {
	r := must(c.Catalog().AuthID(c.User()))
	return r != nil && r.Rolcreatedb
}

func usersDetail(e *pgerr.Error, n int) *pgerr.Error {
	if n == 1 {
		return e.WithDetail("There is %d other session using the database.", n)
	}
	return e.WithDetail("There are %d other sessions using the database.", n)
}

// databaseOptions are the options of CREATE DATABASE.
type databaseOptions struct {
	template       string
	owner          oid.OID
	strategy       catalog.DatabaseStrategy
	isTemplate     bool
	allowConn      bool
	connLimit      int32
	collate, ctype string
}

func (c *cmd) databaseOptions(list []*pg.Node) databaseOptions {
	o := databaseOptions{template: "template1", strategy: catalog.WalLog, allowConn: true, connLimit: -1}
	for _, e := range list {
		d := e.GetDefElem()
		switch d.Defname {
		case "template":
			if d.Arg != nil {
				o.template = defString(d)
			}
		case "owner":
			if d.Arg != nil {
				o.owner = c.roleByName(defString(d)).Oid
			}
		case "encoding":
			if d.Arg != nil {
				c.databaseEncoding(d)
			}
		case "strategy":
			switch s := strings.ToLower(defString(d)); s {
			case "wal_log":
			case "file_copy":
				o.strategy = catalog.FileCopy
			default:
				failWith(pgerr.New(pgerr.InvalidParameterValue, "invalid create database strategy %q", defString(d)).
					WithHint(`Valid strategies are "wal_log", and "file_copy".`))
			}
		case "lc_collate":
			o.collate = defString(d)
		case "lc_ctype":
			o.ctype = defString(d)
		case "locale":
			o.collate, o.ctype = defString(d), defString(d)
		case "is_template":
			o.isTemplate = defBool(d)
		case "allow_connections":
			o.allowConn = defBool(d)
		case "connection_limit":
			o.connLimit = int32(defInt(d))
			if o.connLimit < -1 {
				fail(pgerr.InvalidParameterValue, "invalid connection limit: %d", o.connLimit)
			}
		case "tablespace":
			if t := defString(d); t != "pg_default" {
				notYet("a database in another tablespace")
			}
		case "locale_provider", "icu_locale", "collation_version", "oid":
			notYet("CREATE DATABASE … %s", d.Defname)
		default:
			failWith(pgerr.New(pgerr.SyntaxError, "option %q not recognized", d.Defname).At(c.at(d.Location)))
		}
	}
	return o
}

// databaseEncoding checks ENCODING, a name or a number; -1 is the template's.
func (c *cmd) databaseEncoding(d *pg.DefElem) {
	text := defString(d)
	if n := d.Arg.GetInteger(); n != nil {
		switch builtin.EncodingName(int64(n.Ival)) {
		case "UTF8":
		case "":
			if n.Ival == -1 {
				return
			}
			failWith(pgerr.New(pgerr.UndefinedObject, "%d is not a valid encoding code", n.Ival).At(c.at(d.Location)))
		default:
			notYet("a database in encoding %s", builtin.EncodingName(int64(n.Ival)))
		}
		return
	}
	switch enc, ok := builtin.FindEncoding(text); {
	case !ok || enc > builtin.LastServerEncoding:
		failWith(pgerr.New(pgerr.UndefinedObject, "%s is not a valid encoding name", text).At(c.at(d.Location)))
	case enc != builtin.UTF8:
		notYet("a database in encoding %s", text)
	}
}

// dropDatabase runs DROP DATABASE.
func (c *cmd) dropDatabase(n *pg.DropdbStmt) {
	throw(c.PreventInBlock("DROP DATABASE"))
	d := must(c.Catalog().DatabaseByName(n.Dbname))
	if d == nil {
		if n.MissingOk {
			c.notice(pgerr.SuccessfulCompletion, "database %q does not exist, skipping", n.Dbname)
			return
		}
		fail(pgerr.UndefinedDatabase, "database %q does not exist", n.Dbname)
	}
	c.databaseLock(d.Oid, lmgr.AccessExclusive)
	if !c.isOwner(d.Datdba) {
		fail(pgerr.InsufficientPrivilege, "must be owner of database %s", n.Dbname)
	}
	if d.Datistemplate {
		fail(pgerr.WrongObjectType, "cannot drop a template database")
	}
	if d.Oid == c.Database() {
		fail(pgerr.ObjectInUse, "cannot drop the currently open database")
	}
	for _, e := range n.Options {
		if e.GetDefElem().Defname == "force" {
			notYet("DROP DATABASE WITH (FORCE)")
		}
	}
	c.noUsersFor(d, "database %q is being accessed by other users", n.Dbname)
	throw(c.Catalog().DropDatabase(d.Oid))
	if st := c.Tx().Stats().Server(); st != nil {
		c.Tx().OnCommit(func() { st.DropDatabase(d.Oid) })
	}
}

func (c *cmd) noUsers(d *rows.PgDatabase, _ string) {
	c.noUsersFor(d, "database %q is being accessed by other users", d.Datname)
}

func (c *cmd) noUsersFor(d *rows.PgDatabase, format, name string) {
	// A client that has just left may not be gone yet: wait for 5 seconds.
	for try := 0; ; try++ {
		k := c.Server().DatabaseUsers(d.Oid, c.Tx().Proc())
		switch {
		case k == 0:
			return
		case try == 50:
			failWith(usersDetail(pgerr.New(pgerr.ObjectInUse, format, name), k))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-c.Context().Done():
			throw(context.Cause(c.Context()))
		}
	}
}

// alterDatabase runs ALTER DATABASE with options.
func (c *cmd) alterDatabase(n *pg.AlterDatabaseStmt) {
	d := must(c.Catalog().DatabaseByName(n.Dbname))
	if d == nil {
		fail(pgerr.UndefinedDatabase, "database %q does not exist", n.Dbname)
	}
	if !c.isOwner(d.Datdba) {
		fail(pgerr.InsufficientPrivilege, "must be owner of database %s", n.Dbname)
	}
	if d.Datconnlimit == catalog.InvalidDatabase {
		failWith(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot alter invalid database %q", n.Dbname).
			WithHint("Use DROP DATABASE to drop invalid databases."))
	}
	row := *d
	for _, e := range n.Options {
		x := e.GetDefElem()
		switch x.Defname {
		case "is_template":
			row.Datistemplate = defBool(x)
		case "allow_connections":
			row.Datallowconn = defBool(x)
			if d.Oid == c.Database() && !row.Datallowconn {
				fail(pgerr.InvalidParameterValue, "cannot disallow connections for current database")
			}
		case "connection_limit":
			row.Datconnlimit = int32(defInt(x))
		case "tablespace":
			notYet("ALTER DATABASE SET TABLESPACE")
		default:
			failWith(pgerr.New(pgerr.SyntaxError, "option %q not recognized", x.Defname).At(c.at(x.Location)))
		}
	}
	change(c, d.Oid, func(r *rows.PgDatabase) { *r = row })
	throw(c.Increment())
}
