package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// lockTables runs LOCK TABLE.
func (c *cmd) lockTables(n *pg.LockStmt) {
	throw(c.RequireBlock("LOCK TABLE"))
	mode := lmgr.Mode(n.Mode)
	for _, e := range n.Relations {
		rv := e.GetRangeVar()
		if !n.Nowait {
			c.lockable(c.lockClass(rv, mode, false))
			continue
		}
		cl := c.findClass(rv, false)
		if cl == nil {
			c.noRelation(rv)
		}
		c.lockable(cl)
		db := c.Database()
		if cl.Relisshared {
			db = oid.Invalid
		}
		if !must(c.Tx().TryLockRelation(db, cl.Oid, mode)) {
			fail(pgerr.LockNotAvailable, "could not obtain lock on relation %q", rv.Relname)
		}
	}
}

func (c *cmd) lockable(cl *rows.PgClass) {
	switch cl.Relkind {
	case 'r', 'p', 'v':
	default:
		fail(pgerr.WrongObjectType, "%q is not a table or view", cl.Relname)
	}
	if !c.hasRight(cl, rows.Update|rows.Delete|rows.Truncate|rows.Select|rows.Insert) {
		fail(pgerr.InsufficientPrivilege, "permission denied for %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
}

// checkpoint runs CHECKPOINT.
func (c *cmd) checkpoint() {
	if !c.Superuser() {
		fail(pgerr.InsufficientPrivilege, "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT")
	}
	throw(c.Server().Checkpoint(c.Context(), true))
}

// reindex runs REINDEX.
func (c *cmd) reindex(n *pg.ReindexStmt) {
	for _, p := range n.Params {
		switch d := p.GetDefElem(); d.Defname {
		case "verbose":
		case "concurrently":
			if defBool(d) {
				notYet("REINDEX CONCURRENTLY")
			}
		case "tablespace":
			notYet("REINDEX to a tablespace")
		default:
			failWith(pgerr.New(pgerr.SyntaxError, "unrecognized REINDEX option %q", d.Defname).At(c.at(d.Location)))
		}
	}
	switch n.Kind {
	case pg.ReindexObjectType_REINDEX_OBJECT_INDEX:
		cl := c.findClass(n.Relation, false)
		if cl == nil {
			c.noRelation(n.Relation)
		}
		if cl.Relkind != 'i' {
			fail(pgerr.WrongObjectType, "%q is not an index", cl.Relname)
		}
		ix := must(c.Catalog().Index(cl.Oid))
		c.lock(c.class(ix.Indrelid), lmgr.Share)
		cl = c.lockClass(n.Relation, lmgr.AccessExclusive, false)
		c.reindexOwner(cl)
		c.reindexOne(ix.Indrelid, cl.Oid)
	case pg.ReindexObjectType_REINDEX_OBJECT_TABLE:
		cl := c.lockClass(n.Relation, lmgr.Share, false)
		if cl.Relkind != 'r' && cl.Relkind != 'm' && cl.Relkind != 't' {
			fail(pgerr.WrongObjectType, "%q is not a table or materialized view", cl.Relname)
		}
		c.reindexOwner(cl)
		if !c.reindexTable(cl.Oid) {
			c.notice(pgerr.SuccessfulCompletion, "table %q has no indexes to reindex", cl.Relname)
		}
	default:
		c.reindexMany(n)
	}
}

func (c *cmd) reindexOwner(cl *rows.PgClass) {
	if !c.isOwner(cl.Relowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	if cl.Relfilenode == 0 || cl.Relisshared {
		notYet("REINDEX of a mapped catalog")
	}
}

// reindexTable builds all indexes of a table and of its TOAST table anew.
func (c *cmd) reindexTable(table oid.OID) bool {
	any := false
	for _, ix := range must(c.Catalog().IndexesOf(table)) {
		c.lock(c.class(ix.Indexrelid), lmgr.AccessExclusive)
		c.reindexOne(table, ix.Indexrelid)
		any = true
	}
	if toast := c.class(table).Reltoastrelid; toast != 0 {
		any = c.reindexTable(toast) || any
	}
	return any
}

// reindexMany runs REINDEX SCHEMA and DATABASE: a transaction for each table.
func (c *cmd) reindexMany(n *pg.ReindexStmt) {
	word, schema := "REINDEX DATABASE", oid.Invalid
	switch n.Kind {
	case pg.ReindexObjectType_REINDEX_OBJECT_SCHEMA:
		word, schema = "REINDEX SCHEMA", c.namespace(n.Name, false)
	case pg.ReindexObjectType_REINDEX_OBJECT_SYSTEM:
		notYet("REINDEX SYSTEM")
	default:
		if n.Name != "" && n.Name != c.DatabaseName() {
			fail(pgerr.FeatureNotSupported, "can only reindex the currently open database")
		}
	}
	throw(c.PreventInBlock(word))
	var list []oid.OID
	for _, f := range must(rowsBy[rows.PgClass](c)) {
		r := f.Row
		if r.Relkind != 'r' && r.Relkind != 'm' || r.Oid < oid.FirstNormal || r.Relpersistence == 't' && !c.inPath(r.Relnamespace) {
			continue
		}
		if (schema == 0 || r.Relnamespace == schema) && c.isOwner(r.Relowner) {
			list = append(list, r.Oid)
		}
	}
	for _, o := range list {
		throw(c.NextTransaction())
		cl := must(c.Catalog().Class(o))
		if cl == nil {
			continue
		}
		c.lock(cl, lmgr.Share)
		if must(c.Catalog().Class(o)) != nil {
			c.reindexTable(o)
		}
	}
	throw(c.NextTransaction())
}
