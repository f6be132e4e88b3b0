package commands

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// cluster runs CLUSTER: of one table, or of all that were clustered before.
func (c *cmd) cluster(n *pg.ClusterStmt) {
	for _, p := range n.Params {
		if d := p.GetDefElem(); d.Defname != "verbose" {
			failWith(pgerr.New(pgerr.SyntaxError, "unrecognized CLUSTER option %q", d.Defname).At(c.at(d.Location)))
		}
	}
	if n.Relation == nil {
		c.clusterAll()
		return
	}
	cl := c.lockClass(n.Relation, lmgr.AccessExclusive, false)
	if cl.Relkind == 'p' {
		notYet("CLUSTER of a partitioned table")
	}
	if cl.Relkind != 'r' && cl.Relkind != 'm' {
		fail(pgerr.WrongObjectType, "%q is not a table or materialized view", cl.Relname)
	}
	if !c.isOwner(cl.Relowner) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	if cl.Relisshared {
		fail(pgerr.FeatureNotSupported, "cannot cluster a shared catalog")
	}
	index := oid.Invalid
	if n.Indexname == "" {
		if index = c.clusteredIndex(cl.Oid); index == 0 {
			fail(pgerr.UndefinedObject, "there is no previously clustered index for table %q", cl.Relname)
		}
	} else if index = c.indexOf(cl, n.Indexname); index == 0 {
		fail(pgerr.UndefinedObject, "index %q for table %q does not exist", n.Indexname, cl.Relname)
	}
	c.clusterOne(cl.Oid, index)
}

// clusterAll clusters every table again that has a clustered index, each in a
// transaction of its own.
func (c *cmd) clusterAll() {
	throw(c.PreventInBlock("CLUSTER"))
	var list []*rows.PgIndex
	for _, f := range must(rowsBy[rows.PgIndex](c)) {
		if f.Row.Indisclustered && c.isOwner(c.class(f.Row.Indrelid).Relowner) {
			list = append(list, f.Row)
		}
	}
	for _, ix := range list {
		throw(c.NextTransaction())
		cl := must(c.Catalog().Class(ix.Indrelid))
		if cl == nil {
			continue
		}
		c.lock(cl, lmgr.AccessExclusive)
		if must(c.Catalog().Class(ix.Indrelid)) != nil && c.clusteredIndex(ix.Indrelid) == ix.Indexrelid {
			c.clusterOne(ix.Indrelid, ix.Indexrelid)
		}
	}
	throw(c.NextTransaction())
}

// clusteredIndex is the index that a table was clustered by; 0: none.
func (c *cmd) clusteredIndex(table oid.OID) oid.OID {
	for _, ix := range must(c.Catalog().IndexesOf(table)) {
		if ix.Indisclustered {
			return ix.Indexrelid
		}
	}
	return 0
}

// indexOf finds an index of a table by name; 0: there is none.
func (c *cmd) indexOf(cl *rows.PgClass, name string) oid.OID {
	for _, ix := range must(c.Catalog().IndexesOf(cl.Oid)) {
		if c.class(ix.Indexrelid).Relname == name {
			return ix.Indexrelid
		}
	}
	return 0
}

// checkClusterable refuses indexes that not every row is in.
func (c *cmd) checkClusterable(index oid.OID) {
	ix, name := must(c.Catalog().Index(index)), c.class(index).Relname
	if ix.Indpred != "" {
		fail(pgerr.FeatureNotSupported, "cannot cluster on partial index %q", name)
	}
	if !ix.Indisvalid {
		fail(pgerr.FeatureNotSupported, "cannot cluster on invalid index %q", name)
	}
}

// clusterOne rewrites a table in the order of an index. Like a rewrite by ALTER
// TABLE it keeps live rows only.
func (c *cmd) clusterOne(table, index oid.OID) {
	c.notPending(c.class(table), "CLUSTER")
	c.checkClusterable(index)
	c.markClustered(table, index)
	c.rewrite(table, &tableChange{old: c.relation(table), order: index}, true)
}

// markClustered notes which index of a table is the clustered one; 0: none.
func (c *cmd) markClustered(table, index oid.OID) {
	for _, ix := range must(c.Catalog().IndexesOf(table)) {
		if want := ix.Indexrelid == index; want != ix.Indisclustered {
			change(c, ix.Indexrelid, func(r *rows.PgIndex) { r.Indisclustered = want })
		}
	}
	throw(c.Increment())
}

// clusterOn runs ALTER TABLE CLUSTER ON and SET WITHOUT CLUSTER.
func (a *alteration) clusterOn(name string) {
	index := oid.Invalid
	if name != "" {
		if index = a.indexOf(a.class(a.table), name); index == 0 {
			fail(pgerr.UndefinedObject, "index %q for table %q does not exist", name, a.name)
		}
		a.checkClusterable(index)
	}
	a.markClustered(a.table, index)
}

// eachInOrder calls f for every live row of a table in the order of an index. The
// values are f's until it returns.
func (c *cmd) eachInOrder(rel, idx *access.Relation, f func([]datum.Datum) error) error {
	scan, err := nbtree.BeginScan(idx, nil, nbtree.ScanOptions{KeepPin: true})
	if err != nil {
		return err
	}
	defer scan.Close()
	fetch := heap.NewFetcher(c.Tx(), rel)
	defer fetch.Close()
	dt := heap.NewDetoaster(c.Tx(), rel)
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	for {
		if c.Context().Err() != nil {
			return canceled()
		}
		tid, ok, err := scan.Next(true)
		if err != nil || !ok {
			return err
		}
		t, found, _, err := fetch.FetchHOT(tid, heap.Self())
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := access.Deform(rel.Desc, slices.Clone(t.Data), len(vals), vals, dt); err != nil {
			return err
		}
		if err := f(vals); err != nil {
			return err
		}
	}
}
