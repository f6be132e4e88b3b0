package nbtree

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// vacuum is one pass over an index.
type vacuum struct {
	e       *env
	ctx     context.Context
	stats   *VacuumStats
	dead    func(page.TID) bool // nil: nothing is deleted, only pages are
	cycle   uint16
	ring    *bufmgr.Strategy
	pending []pendingPage
}

// pendingPage was deleted by this vacuum and may become safe to reuse by its end.
type pendingPage struct {
	blk  page.BlockNumber
	safe xid.Full
}

// maxPending bounds vacuum.pending.
const maxPending = 1 << 16

// BulkDelete removes the entries of rows for which dead is true and deletes the
// pages that become empty. Only one vacuum of an index runs at a time. stats is
// nil at the first call of a VACUUM, then what the last one returned.
func BulkDelete(ctx context.Context, tx *xact.Tx, idx *access.Relation, stats *VacuumStats, dead func(page.TID) bool) (*VacuumStats, error) {
	return newEnv(tx, idx).bulkDelete(ctx, stats, dead)
}

func (e *env) bulkDelete(ctx context.Context, stats *VacuumStats, dead func(page.TID) bool) (*VacuumStats, error) {
	if stats == nil {
		stats = &VacuumStats{}
	}
	v := &vacuum{e: e, ctx: ctx, stats: stats, dead: dead}
	if e.idx.Sys != nil {
		v.cycle = e.idx.Sys.BtreeVacuums.Start(e.idx.Node, uint16(e.txs.nextXID()))
		defer e.idx.Sys.BtreeVacuums.End(e.idx.Node)
	}
	return stats, v.scan()
}

// VacuumCleanup ends a VACUUM of an index. Without BulkDelete before it, stats is
// nil, and the index is looked through only if enough deleted pages wait for
// reuse; else the answer is nil. rows is how many the table has, or less than 0 if
// that is an estimate.
func VacuumCleanup(ctx context.Context, tx *xact.Tx, idx *access.Relation, stats *VacuumStats, rows float64) (*VacuumStats, error) {
	return newEnv(tx, idx).vacuumCleanup(ctx, stats, rows)
}

func (e *env) vacuumCleanup(ctx context.Context, stats *VacuumStats, rows float64) (*VacuumStats, error) {
	if stats == nil {
		mb, m, err := e.getMeta(read)
		if err != nil {
			return nil, err
		}
		e.drop(mb)
		n, err := e.pool.NBlocks(e.idx.Node, page.MainFork)
		if err != nil || m.delPages == 0 || page.BlockNumber(m.delPages) <= n/20 {
			return nil, err
		}
		stats = &VacuumStats{Estimated: true}
		v := &vacuum{e: e, ctx: ctx, stats: stats}
		if err := v.scan(); err != nil {
			return nil, err
		}
	}
	if err := e.setCleanup(uint32(stats.Deleted - min(stats.Free, stats.Deleted))); err != nil {
		return nil, err
	}
	if rows >= 0 && !stats.Estimated && stats.Tuples > rows {
		stats.Tuples = rows // concurrent splits may have been counted twice
	}
	return stats, nil
}

// setCleanup notes in the meta page how many deleted pages wait for reuse
// (_bt_set_cleanup_info).
func (e *env) setCleanup(waiting uint32) error {
	mb, m, err := e.getMeta(read)
	if err != nil {
		return err
	}
	e.drop(mb)
	if m.delPages == waiting {
		return nil
	}
	if mb, m, err = e.getMeta(write); err != nil {
		return err
	}
	defer e.drop(mb)
	m.delPages = waiting
	e.begin(infoMetaCleanup)
	if err := e.changeMeta(0, mb, m); err != nil {
		return err
	}
	return e.finish(nil, mb)
}

// scan visits all pages in physical order (btvacuumscan).
func (v *vacuum) scan() error {
	e := v.e
	v.stats.Tuples, v.stats.Deleted, v.stats.Free, v.stats.Pages = 0, 0, 0, 0
	v.ring = e.pool.NewStrategy(bufmgr.Vacuum)
	blk := metaBlock + 1
	for {
		n, err := e.pool.NBlocks(e.idx.Node, page.MainFork)
		if err != nil {
			return err
		}
		v.stats.Pages = n
		if blk >= n {
			break
		}
		for ; blk < n; blk++ {
			if err := v.ctx.Err(); err != nil {
				return err
			}
			if err := v.visit(blk); err != nil {
				return err
			}
		}
	}
	for _, p := range v.pending {
		if e.safe(p.safe) {
			if err := e.recordFree(p.blk); err != nil {
				return err
			}
			v.stats.Free++
		}
	}
	if v.stats.Free > 0 {
		return e.vacuumFSM()
	}
	return nil
}

// visit processes a page, then those left of it in the file that it split to
// since the vacuum began (btvacuumpage).
func (v *vacuum) visit(start page.BlockNumber) error {
	for blk := start; blk != noBlock; {
		back, err := v.page(blk, start)
		if err != nil {
			return err
		}
		blk = back
	}
	return nil
}

func (v *vacuum) page(blk, start page.BlockNumber) (back page.BlockNumber, err error) {
	e := v.e
	b, err := e.pool.Read(e.idx.Tag(page.MainFork, blk), bufmgr.Normal, v.ring)
	if err != nil {
		return 0, err
	}
	e.pool.Lock(b, read)
	n := e.nodeOf(b)
	if !n.IsNew() {
		if err := e.check(n.Page, b); err != nil {
			e.drop(b)
			return 0, err
		}
	}
	if blk != start && (n.IsNew() || !n.leaf() || n.is(flagHalfDead)) {
		e.drop(b)
		return 0, pgerr.New(pgerr.IndexCorrupted, "right sibling %d of scanned page %d unexpectedly in an inconsistent state in index %q", blk, start, e.idx.Name)
	}
	if blk != start && (n.cycleID() != v.cycle || n.is(flagDeleted)) {
		e.drop(b) // seen already, or deleted by our own page deletion
		return 0, nil
	}
	tryDelete := false
	switch {
	case n.IsNew() || e.recyclable(n):
		e.drop(b)
		v.stats.Deleted++
		v.stats.Free++
		return 0, e.recordFree(blk)
	case n.is(flagDeleted):
		v.stats.Deleted++
	case n.is(flagHalfDead):
		tryDelete = true
	case n.leaf():
		e.pool.Unlock(b)
		if err := e.pool.LockCleanup(v.ctx, b); err != nil {
			e.pool.Release(b)
			return 0, err
		}
		if tryDelete, back, err = v.leaf(b, blk, start); err != nil {
			e.drop(b)
			return 0, err
		}
	}
	if !tryDelete {
		e.drop(b)
		return back, nil
	}
	if n.is(flagHalfDead) { // it was locked for reading
		e.pool.Unlock(b)
		e.pool.Lock(b, write)
	}
	return back, v.deletePage(b, start)
}

// leaf removes the dead entries of a leaf, locked for cleanup: no scan stands on
// it. The answer is whether it is empty, and where to go back to.
func (v *vacuum) leaf(b bufmgr.Buffer, blk, start page.BlockNumber) (empty bool, back page.BlockNumber, err error) {
	n := v.e.nodeOf(b)
	if n.is(flagDeleted | flagHalfDead) {
		return false, 0, nil
	}
	if v.cycle != 0 && n.cycleID() == v.cycle && !n.is(flagSplitEnd) && !n.rightmost() && n.next() < start {
		back = n.next()
	}
	var d deletion
	live, removed := 0, 0
	for off := n.first(); off <= n.last(); off++ {
		count := n.at(off).nTIDs()
		if v.dead == nil {
			live++
			continue
		}
		gone := d.add(n, off, func(_ int, tid page.TID) bool { return v.dead(tid) })
		removed += gone
		live += count - gone
	}
	switch {
	case !d.empty():
		if err := v.e.vacuumItems(b, d); err != nil {
			return false, 0, err
		}
		v.stats.TuplesRemoved += float64(removed)
	case v.cycle != 0 && n.cycleID() == v.cycle:
		n.setCycleID(0)
		if err := v.e.pool.MarkDirtyHint(b); err != nil {
			return false, 0, err
		}
	}
	if n.first() > n.last() {
		return blk == start, back, nil
	}
	v.stats.Tuples += float64(live)
	return false, back, nil
}
