package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// truncate runs TRUNCATE.
func (c *cmd) truncate(n *pg.TruncateStmt) {
	var list []*rows.PgClass
	seen := map[oid.OID]bool{}
	for _, e := range n.Relations {
		cl := c.lockClass(e.GetRangeVar(), lmgr.AccessExclusive, false)
		if seen[cl.Oid] {
			continue
		}
		seen[cl.Oid] = true
		if cl.Relkind != 'r' {
			if cl.Relkind == 'p' {
				notYet("TRUNCATE of a partitioned table")
			}
			fail(pgerr.WrongObjectType, "%q is not a table", cl.Relname)
		}
		if !c.isOwner(cl.Relowner) && !c.hasRight(cl, rows.Truncate) {
			fail(pgerr.InsufficientPrivilege, "permission denied for table %s", cl.Relname)
		}
		c.noCatalog(cl)
		list = append(list, cl)
	}
	list = c.truncateForeign(n, list, seen)
	for _, cl := range list {
		throw(c.ExecCatalog().Writable(must(c.Catalog().Relation(cl.Oid))))
		c.notPending(cl, "TRUNCATE")
	}
	if n.RestartSeqs {
		for _, cl := range list {
			for _, q := range c.ownedSequences(cl.Oid, 0) {
				s := c.class(q)
				c.lock(s, lmgr.AccessExclusive)
				if !c.isOwner(s.Relowner) {
					fail(pgerr.InsufficientPrivilege, "must be owner of sequence %s", s.Relname)
				}
				c.resetSequence(q)
			}
		}
	}
	for _, cl := range list {
		throw(must(c.Catalog().Relation(cl.Oid)).WroteAll(c.Tx()))
		c.emptyTable(cl.Oid)
	}
}

// emptyTable gives a table, its TOAST table and all their indexes new, empty
// files.
func (c *cmd) emptyTable(table oid.OID) {
	cl := c.class(table)
	must(c.Catalog().NewFilenode(table, cl.Relpersistence))
	c.Tx().Stats().Truncated(table, false, c.Tx().Depth())
	c.emptyIndexes(table)
	if cl.Reltoastrelid != 0 {
		must(c.Catalog().NewFilenode(cl.Reltoastrelid, cl.Relpersistence))
		c.emptyIndexes(cl.Reltoastrelid)
	}
	throw(c.Increment())
}

// emptyIndexes gives the indexes of an empty table new files.
func (c *cmd) emptyIndexes(table oid.OID) {
	for _, ix := range must(c.Catalog().IndexesOf(table)) {
		c.lock(c.class(ix.Indexrelid), lmgr.AccessExclusive)
		rel := c.newIndexFile(ix.Indexrelid, c.class(table).Relpersistence)
		throw(nbtree.BuildEmpty(c.Tx(), rel, page.MainFork))
	}
}

// newIndexFile gives an index a new file, without content but for the init fork.
func (c *cmd) newIndexFile(o oid.OID, persistence byte) *access.Relation {
	rel := must(c.Catalog().NewFilenode(o, persistence))
	if rel.Persistence == 'u' {
		throw(c.Catalog().CreateInitFork(o))
	}
	return rel
}
