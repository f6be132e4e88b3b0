package commands

import (
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// createConcurrently runs CREATE INDEX CONCURRENTLY, in four transactions, while
// others change the table.
//
// The first makes the index known: from when those that write now are done, every
// update honours it (no HOT chain gets two keys), though nobody fills it. The
// second fills it with what a snapshot sees; then writers fill it too. The third
// adds what was written between the two. Readers may use the index when nobody
// has a snapshot any more that is older than the third's, for which rows may be
// missing.
//
// A lock of the session keeps the table from being dropped meanwhile.
func (c *cmd) createConcurrently(n *pg.IndexStmt) {
	throw(c.PreventInBlock("CREATE INDEX CONCURRENTLY"))
	cl := c.lockClass(n.Relation, lmgr.ShareUpdateExclusive, false)
	c.indexable(cl)
	if n.Idxname != "" && c.exists(n.Idxname, cl.Relnamespace, n.IfNotExists) {
		return
	}
	if cl.Relpersistence == 't' { // nobody else can see it
		c.defineIndex(c.relation(cl.Oid), n, false)
		return
	}
	table := cl.Oid
	defer c.sessionLock(lmgr.Relation(c.Database(), table), lmgr.ShareUpdateExclusive)()
	index := c.defineIndex(c.relation(table), n, false)
	c.nextPhase(table)
	c.waitForLockers(table, lmgr.Share)
	c.fillConcurrently(table, index)
	c.setIndexState(table, index, func(r *rows.PgIndex) { r.Indisready = true })
	c.nextPhase(table)
	c.waitForLockers(table, lmgr.Share)
	limit := c.validateIndex(table, index)
	throw(c.NextTransaction())
	c.waitForSnapshots(limit)
	c.setIndexState(table, index, func(r *rows.PgIndex) { r.Indisvalid = true })
}

// sessionLock takes a lock that survives transactions, and returns what gives it
// back.
func (c *cmd) sessionLock(tag lmgr.Tag, mode lmgr.Mode) func() {
	locks, owner := c.Server().System().Locks, c.Tx().Locks()
	throw(locks.AcquireSession(c.Context(), owner, tag, mode))
	return func() { locks.Release(owner, tag, mode, true) }
}

// nextPhase commits, and locks the table again in the next transaction.
func (c *cmd) nextPhase(table oid.OID) {
	throw(c.NextTransaction())
	throw(c.Tx().LockRelation(c.Context(), c.Database(), table, lmgr.ShareUpdateExclusive))
}

func (c *cmd) setIndexState(table, index oid.OID, f func(*rows.PgIndex)) {
	change(c, index, f)
	c.Catalog().InvalidateRelation(table)
	throw(c.Increment())
}

// lockerPoll is how often prepared transactions, which nothing can wait for, are
// looked at.
const lockerPoll = 20 * time.Millisecond

// waitForLockers waits for the transactions that hold a lock on a table now which
// excludes mode.
func (c *cmd) waitForLockers(table oid.OID, mode lmgr.Mode) {
	locks, owner := c.Server().System().Locks, c.Tx().Locks()
	tag := lmgr.Relation(c.Database(), table)
	for _, id := range locks.Conflicting(owner, tag, mode) {
		if id != (lmgr.VirtualXID{}) {
			throw(locks.WaitVirtual(c.Context(), owner, id))
		}
	}
	for prepared := true; prepared; {
		prepared = false
		for _, id := range locks.Conflicting(owner, tag, mode) {
			prepared = prepared || id == (lmgr.VirtualXID{})
		}
		if prepared {
			select {
			case <-c.Context().Done():
				throw(canceled())
			case <-time.After(lockerPoll):
			}
		}
	}
}

// waitForSnapshots waits for the transactions with a snapshot that is not newer
// than limit.
func (c *cmd) waitForSnapshots(limit xid.XID) {
	owner := c.Tx().Locks()
	for _, id := range c.Tx().Manager().OlderSnapshots(c.Tx().Proc(), c.Database(), limit) {
		throw(c.Server().System().Locks.WaitVirtual(c.Context(), owner, id))
	}
}

// fillConcurrently fills a new index with the rows that a snapshot sees.
func (c *cmd) fillConcurrently(table, index oid.OID) {
	rel, idx := c.relation(table), c.relation(index)
	x := c.evaluation()
	defer c.Done(x)
	b := nbtree.NewBuilder(c.Tx(), idx, c.buildOptions(rel, idx))
	defer b.Close()
	keys := c.newIndexKeys(x, rel, idx)
	var seen float64
	throw(c.eachRooted(rel, heap.MVCC(x.Snap), func(vals []datum.Datum, root page.TID) error {
		seen++
		in, err := keys.row(vals)
		if err != nil || !in {
			return err
		}
		return b.Add(keys.out, root, true)
	}))
	n, err := b.Finish(c.Context())
	throw(c.uniqueError(err, rel, idx))
	c.indexStats(rel, idx, seen, n)
}

// eachRooted calls f for every row that a snapshot sees, with the start of its HOT
// chain. The values are f's until it returns.
func (c *cmd) eachRooted(rel *access.Relation, snap heap.Snapshot, f func(vals []datum.Datum, root page.TID) error) error {
	scan, err := heap.BeginScan(c.Tx(), rel, snap, heap.ScanOptions{})
	if err != nil {
		return err
	}
	defer scan.Close()
	s := &buildScan{c: c, rel: rel}
	dt := heap.NewDetoaster(c.Tx(), rel)
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	for {
		if c.Context().Err() != nil {
			return canceled()
		}
		batch, err := scan.NextBatch()
		if err != nil || batch == nil {
			return err
		}
		rooted := false
		for _, t := range batch {
			root := t.TID
			if t.Data.IsHeapOnly() {
				if !rooted {
					if err := s.readRoots(root.Block); err != nil {
						return err
					}
					rooted = true
				}
				if root.Off = s.roots[root.Off-1]; root.Off == 0 {
					return pgerr.New(pgerr.DataCorrupted, "failed to find parent tuple for heap-only tuple at (%d,%d) in table %q", t.TID.Block, t.TID.Off, rel.Name)
				}
			}
			if err := access.Deform(rel.Desc, t.Data, len(vals), vals, dt); err != nil {
				return err
			}
			if err := f(vals, root); err != nil {
				return err
			}
		}
	}
}

// validateIndex adds the rows to an index that a snapshot sees and that have no
// entry, and returns the snapshot's xmin.
func (c *cmd) validateIndex(table, index oid.OID) xid.XID {
	rel, idx := c.relation(table), c.relation(index)
	x := c.evaluation()
	defer c.Done(x)
	have := map[page.TID]struct{}{}
	_, err := nbtree.BulkDelete(c.Context(), c.Tx(), idx, nil, func(t page.TID) bool { have[t] = struct{}{}; return false })
	throw(err)
	opt := nbtree.InsertOptions{Heap: indexheap.New(c.Tx(), rel), Describe: func(vals []datum.Datum) string { return c.describeKey(rel, idx, vals) }}
	if idx.Index.Unique {
		opt.Check = nbtree.UniqueYes
	}
	keys := c.newIndexKeys(x, rel, idx)
	throw(c.eachRooted(rel, heap.MVCC(x.Snap), func(vals []datum.Datum, root page.TID) error {
		if _, ok := have[root]; ok {
			return nil
		}
		in, err := keys.row(vals)
		if err != nil || !in {
			return err
		}
		_, err = nbtree.Insert(c.Context(), c.Tx(), idx, keys.out, root, opt)
		return c.uniqueError(err, rel, idx)
	}))
	return x.Snap.Xmin
}

// dropConcurrently runs DROP INDEX CONCURRENTLY: first nobody plans with the index
// any more, then nobody fills it, then it goes.
func (c *cmd) dropConcurrently(n *pg.DropStmt) {
	if len(n.Objects) != 1 {
		fail(pgerr.FeatureNotSupported, "DROP INDEX CONCURRENTLY does not support dropping multiple objects")
	}
	if n.Behavior == pg.DropBehavior_DROP_CASCADE {
		fail(pgerr.FeatureNotSupported, "DROP INDEX CONCURRENTLY does not support CASCADE")
	}
	kind := dropKinds[pg.ObjectType_OBJECT_INDEX]
	rv := rangeOf(n.Objects[0].GetList().GetItems())
	cl := c.findClass(rv, true)
	if cl == nil || cl.Relkind != 'i' || cl.Relpersistence == 't' {
		if o := c.dropRelation(rv, kind, n.MissingOk); o.ID != 0 {
			c.dropObjects([]catalog.Object{o}, n.Behavior)
		}
		return
	}
	if !c.ownsForDrop(cl) {
		fail(pgerr.InsufficientPrivilege, "must be owner of %s %s", ownerWord(cl.Relkind), cl.Relname)
	}
	c.noCatalog(cl)
	throw(c.Catalog().CheckDrop(tableObject(cl.Oid)))
	throw(c.PreventInBlock("DROP INDEX CONCURRENTLY"))
	index, table := cl.Oid, must(c.Catalog().Index(cl.Oid)).Indrelid
	c.lock(c.class(table), lmgr.ShareUpdateExclusive)
	defer c.sessionLock(lmgr.Relation(c.Database(), table), lmgr.ShareUpdateExclusive)()
	defer c.sessionLock(lmgr.Relation(c.Database(), index), lmgr.ShareUpdateExclusive)()
	if must(c.Catalog().Class(index)) == nil {
		fail(pgerr.UndefinedObject, "index %q does not exist", rv.Relname)
	}
	c.setIndexState(table, index, func(r *rows.PgIndex) { r.Indisvalid, r.Indisclustered = false, false })
	c.nextPhase(table)
	c.waitForLockers(table, lmgr.AccessExclusive)
	c.setIndexState(table, index, func(r *rows.PgIndex) { r.Indisready, r.Indislive = false, false })
	c.nextPhase(table)
	c.waitForLockers(table, lmgr.AccessExclusive)
	c.dropObjects([]catalog.Object{tableObject(index)}, n.Behavior)
}
