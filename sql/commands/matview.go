package commands

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/node"
)

// checkMatview refuses queries that a materialized view cannot be made of.
func (c *cmd) checkMatview(n *pg.CreateTableAsStmt) {
	q := must(analyze.Analyze(c.Names(), c.inner(n.Query), nil))
	switch {
	case q.HasModifyingCTE:
		fail(pgerr.FeatureNotSupported, "materialized views must not use data-modifying statements in WITH")
	case c.usesTemp(q):
		fail(pgerr.FeatureNotSupported, "materialized views must not use temporary tables or views")
	case n.Into.Rel.Relpersistence == "u":
		fail(pgerr.FeatureNotSupported, "materialized views cannot be unlogged")
	}
}

// matviewRule stores the query of a new materialized view.
func (c *cmd) matviewRule(o oid.OID, query *pg.Node) {
	q := must(analyze.Analyze(c.Names(), c.inner(query), nil))
	rel := must(c.Names().RelationByOID(o))
	k := 0
	for _, t := range q.TargetList {
		if !t.Resjunk {
			t.Resname = rel.Columns[k].Name
			k++
		}
	}
	c.viewRule(o, analyze.ViewAction(q, rel))
}

// setPopulated notes whether a materialized view can be read.
func (c *cmd) setPopulated(o oid.OID, yes bool) {
	change(c, o, func(r *rows.PgClass) { r.Relispopulated = yes })
	throw(c.Increment())
}

// refresh runs REFRESH MATERIALIZED VIEW: the rows of its query go into a new
// file.
func (c *cmd) refresh(n *pg.RefreshMatViewStmt) string {
	const tag = "REFRESH MATERIALIZED VIEW"
	if n.Concurrent && n.SkipData {
		failWith(pgerr.New(pgerr.SyntaxError, "%s and %s options cannot be used together", "CONCURRENTLY", "WITH NO DATA"))
	}
	mode := lmgr.AccessExclusive
	if n.Concurrent {
		mode = lmgr.Exclusive
	}
	cl := c.lockClass(n.Relation, mode, false)
	if !c.isOwner(cl.Relowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	if cl.Relkind != 'm' {
		fail(pgerr.FeatureNotSupported, "%q is not a materialized view", cl.Relname)
	}
	if n.Concurrent && !cl.Relispopulated {
		fail(pgerr.FeatureNotSupported, "CONCURRENTLY cannot be used when the materialized view is not populated")
	}
	if n.Concurrent {
		notYet("REFRESH MATERIALIZED VIEW CONCURRENTLY")
	}
	q := c.matviewQuery(cl.Oid)
	c.emptyTable(cl.Oid)
	if !n.SkipData {
		c.fillRelation(c.relation(cl.Oid), q)
		for _, ix := range must(c.Catalog().IndexesOf(cl.Oid)) {
			c.newIndexFile(ix.Indexrelid, cl.Relpersistence)
			c.buildIndex(cl.Oid, ix.Indexrelid, false)
		}
	}
	c.setPopulated(cl.Oid, !n.SkipData)
	return tag
}

// matviewQuery is the stored query of a materialized view, its relations locked.
func (c *cmd) matviewQuery(o oid.OID) *node.Query {
	for _, r := range must(c.Catalog().RulesOf(o)) {
		if r.Rulename == "_RETURN" {
			return must(c.Lock(must(analyze.StoredQuery(c.Names(), o, r.EvAction))))
		}
	}
	fail(pgerr.InternalError, "the rule for materialized view %d is missing", o)
	return nil
}

// fillRelation runs a query into a new, empty relation and counts the rows.
func (c *cmd) fillRelation(rel *access.Relation, q *node.Query) int64 {
	x := c.Execution(must(c.Plan(q, false)))
	defer c.Done(x)
	defer x.Close()
	throw(x.Start())
	opt := heap.InsertOptions{Command: x.Cid, SkipFSM: true, Frozen: true, Bulk: heap.NewBulk(rel)}
	return must(runRows(x, len(rel.Desc.Attrs), func(row []datum.Datum) error {
		_, err := heap.Insert(c.Context(), c.Tx(), rel, row, opt)
		return err
	}))
}
