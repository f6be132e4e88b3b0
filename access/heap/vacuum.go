package heap

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// VacuumParams of Vacuum. Ages are in transactions.
type VacuumParams struct {
	FreezeMinAge        uint32
	FreezeTableAge      uint32
	MultiFreezeMinAge   uint32
	MultiFreezeTableAge uint32
	NoPageSkipping      bool
	NoIndexCleanup      bool
	RelFrozenXID        xid.XID   // pg_class.relfrozenxid
	RelMinMulti         xid.Multi // pg_class.relminmxid
	MaxDead             int       // dead TIDs kept before indexes are visited; 0 is 1 million
	Indexes             []IndexVacuum
	NoTruncate          bool                        // keep empty pages at the end
	Delay               func(context.Context) error // vacuum_cost_delay, once a page; may be nil
	Schema              string                      // of the table, for error messages
}

// IndexVacuum is what VACUUM asks of an index.
type IndexVacuum interface {
	BulkDelete(ctx context.Context, dead func(page.TID) bool) error
	Cleanup(ctx context.Context, rows float64) error
}

// VacuumResult is what Vacuum did, for pg_class and the log.
type VacuumResult struct {
	Pages, Scanned, AllVisible, Truncated page.BlockNumber
	Removed, Live, RecentlyDead           int64
	Frozen                                int64
	IndexScans                            int
	Aggressive                            bool
	// NewFrozenXID and NewMinMulti are the new relfrozenxid and relminmxid, or 0
	// if they could not be advanced because pages were skipped.
	NewFrozenXID xid.XID
	NewMinMulti  xid.Multi
}

// vacuum is one VACUUM of one table.
type vacuumRun struct {
	viewer
	ctx   context.Context
	rel   *access.Relation
	pool  *bufmgr.Pool
	par   VacuumParams
	cut   cutoffs
	track freezeTrack
	ring  *bufmgr.Strategy
	vm    vmPin
	dead  []page.TID // ascending
	skip  bool       // pages were skipped that may hold old ids
	used  page.BlockNumber
	res   VacuumResult
}

// Vacuum removes dead tuples from rel, freezes old ones, and keeps the maps. The
// caller holds ShareUpdateExclusive on rel in a transaction of its own.
func Vacuum(ctx context.Context, tx *xact.Tx, rel *access.Relation, par VacuumParams) (VacuumResult, error) {
	v := vacuumRun{viewer: newViewer(tx, rel), ctx: ctx, rel: rel, pool: rel.Pool, par: par}
	v.setCutoffs()
	v.ring = v.pool.NewStrategy(bufmgr.Vacuum)
	defer v.vm.release(rel)
	err := v.run()
	return v.res, err
}

// ago is x minus age, never below the first normal id.
func ago(x xid.XID, age uint32) xid.XID {
	if y := x - xid.XID(age); y.IsNormal() && y.PrecedesOrEquals(x) {
		return y
	}
	return xid.FirstNormal
}

func (v *vacuumRun) setCutoffs() {
	m, p := v.m, &v.par
	v.cut = cutoffs{oldestXmin: horizon(m, v.rel), relFrozen: p.RelFrozenXID, relMinMulti: p.RelMinMulti}
	v.cut.freezeLimit = ago(v.cut.oldestXmin, p.FreezeMinAge)
	multi := m.OldestMulti()
	v.cut.multiLimit = multi - xid.Multi(p.MultiFreezeMinAge)
	if v.cut.multiLimit == 0 || multi.Precedes(v.cut.multiLimit) {
		v.cut.multiLimit = xid.FirstMulti
	}
	v.track = freezeTrack{v.cut.oldestXmin, multi}
	next := m.NextXID().XID()
	multiTable := m.NextMulti() - xid.Multi(p.MultiFreezeTableAge)
	v.res.Aggressive = p.NoPageSkipping || p.RelFrozenXID.PrecedesOrEquals(ago(next, p.FreezeTableAge)) ||
		uint32(m.NextMulti()) > p.MultiFreezeTableAge && !multiTable.Precedes(p.RelMinMulti)
	if p.MaxDead == 0 {
		v.par.MaxDead = 1 << 20
	}
}

func (v *vacuumRun) run() error {
	n, err := v.pool.NBlocks(v.rel.Node, page.MainFork)
	if err != nil {
		return err
	}
	v.res.Pages = n
	for blk := page.BlockNumber(0); blk < n; {
		next, err := v.nextBlock(blk, n)
		if err != nil {
			return err
		}
		if blk = next; blk >= n {
			break
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if v.rel.Logged() {
			if err := v.rel.Sys.Log.Room(); err != nil {
				return err
			}
		}
		if v.par.Delay != nil {
			if err := v.par.Delay(v.ctx); err != nil {
				return err
			}
		}
		if len(v.dead) >= v.par.MaxDead-maxTuplesPerPage && len(v.dead) > 0 {
			if err := v.vacuumDead(); err != nil {
				return err
			}
		}
		if err := v.scanBlock(blk); err != nil {
			return v.scanning(err, blk)
		}
		v.res.Scanned++
		blk++
	}
	if err := v.vacuumDead(); err != nil {
		return err
	}
	for _, ix := range v.par.Indexes {
		if v.par.NoIndexCleanup {
			break
		}
		if err := ix.Cleanup(v.ctx, float64(v.res.Live)); err != nil {
			return err
		}
	}
	if !v.skip {
		v.res.NewFrozenXID, v.res.NewMinMulti = v.track.xid, v.track.multi
	}
	if err := v.truncate(n); err != nil {
		return err
	}
	return v.finish()
}

// scanning says in an error's context what was done (PostgreSQL: vacuum_error_callback).
func (v *vacuumRun) scanning(err error, blk page.BlockNumber) error {
	e, ok := pgerr.As(err)
	if _, panicked := errors.AsType[*Panic](err); panicked || !ok || e.Where != "" {
		return err
	}
	c := *e
	c.Where = fmt.Sprintf("while scanning block %d of relation \"%s.%s\"", blk, v.par.Schema, v.rel.Name)
	return &c
}

// skipRun is the shortest run of pages that is worth skipping.
const skipRun = 32

// nextBlock is the next block to scan from blk on: runs of pages that the map
// says need no work are skipped. The last block is always read.
func (v *vacuumRun) nextBlock(blk, n page.BlockNumber) (page.BlockNumber, error) {
	if v.par.NoPageSkipping {
		return blk, nil
	}
	end, frozen := blk, true
	for end < n-1 {
		st, err := v.vm.status(v.rel, end)
		if err != nil {
			return 0, err
		}
		if st&vmAllVisible == 0 || v.res.Aggressive && st&vmAllFrozen == 0 {
			break
		}
		frozen = frozen && st&vmAllFrozen != 0
		end++
	}
	if end-blk < skipRun {
		return blk, nil
	}
	if !frozen {
		v.skip = true
	}
	v.used = max(v.used, end)
	return end, nil
}

// scanBlock prunes and freezes one page, notes its dead line pointers, and sets
// the maps.
func (v *vacuumRun) scanBlock(blk page.BlockNumber) error {
	if err := v.vm.pin(v.rel, blk); err != nil {
		return err
	}
	b, err := v.pool.Read(v.rel.Tag(page.MainFork, blk), bufmgr.Normal, v.ring)
	if err != nil {
		return err
	}
	defer v.pool.Release(b)
	if !v.pool.TryLockCleanup(b) {
		if !v.res.Aggressive {
			v.skip, v.used = true, max(v.used, blk+1)
			return nil
		}
		if err := v.pool.LockCleanup(v.ctx, b); err != nil {
			return err
		}
	}
	defer v.pool.Unlock(b)
	p := v.pool.Page(b)
	if p.IsNew() {
		// It stays as it is, like in PostgreSQL: its first insert initialises it.
		return fsmRecord(v.rel, blk, page.Size-page.HeaderSize-page.ItemIDSize)
	}
	gone, err := prunePage(&v.viewer, v.rel, b, v.cut.oldestXmin)
	if err != nil {
		return err
	}
	v.res.Removed += int64(gone)
	st, err := v.examine(b, blk)
	if err != nil {
		return err
	}
	if st.hasTuples {
		v.used = max(v.used, blk+1)
	}
	if len(st.plans) > 0 {
		v.res.Frozen += int64(len(st.plans))
		if err := logFreeze(v.tx, v.rel, b, v.cut.freezeLimit, st.plans); err != nil {
			return err
		}
	}
	if len(st.dead) > 0 && len(v.par.Indexes) == 0 {
		if err := v.reclaim(b, st.dead); err != nil {
			return err
		}
		st.dead = nil
	}
	for _, o := range st.dead {
		v.dead = append(v.dead, page.TID{Block: blk, Off: o})
	}
	if err := v.setMap(b, blk, st); err != nil {
		return err
	}
	return fsmRecord(v.rel, blk, heapFreeSpace(p))
}

// pageState is what examine found on a page.
type pageState struct {
	plans      []freezePlan
	dead       []page.OffsetNumber
	hasTuples  bool
	allVisible bool    // but for the dead line pointers
	allFrozen  bool    // after the plans
	newest     xid.XID // newest xmin that is visible to all
}

// examine looks at each tuple of a page that was pruned.
func (v *vacuumRun) examine(b bufmgr.Buffer, blk page.BlockNumber) (pageState, error) {
	p := v.pool.Page(b)
	v.on(p, true)
	st := pageState{allVisible: true, allFrozen: true}
	for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
		switch p.ItemID(off).Flags() {
		case page.LPDead:
			st.dead = append(st.dead, off)
			continue
		case page.LPRedirect:
			st.hasTuples = true
			continue
		case page.LPUnused:
			continue
		}
		st.hasTuples = true
		t, err := tupleOn(p, off)
		if err != nil {
			return st, err
		}
		f, _ := v.vacuum(t, off, v.cut.oldestXmin)
		switch f {
		case live:
			v.res.Live++
			x := t.Xmin()
			if t.Infomask()&access.XminCommitted == 0 || x.IsNormal() && !x.Precedes(v.cut.oldestXmin) {
				st.allVisible = false
			} else if x.Follows(st.newest) && x.IsNormal() {
				st.newest = x
			}
		case recentlyDead, dead: // dead only if its inserter aborted since the pruning
			v.res.RecentlyDead++
			st.allVisible = false
		default:
			st.allVisible = false
		}
		if f == dead {
			v.skip, st.allFrozen = true, false
			continue
		}
		plan, changed, total, err := v.planFreeze(t, off, &v.cut, &v.track)
		if err != nil {
			return st, err
		}
		if changed {
			st.plans = append(st.plans, plan)
		}
		st.allFrozen = st.allFrozen && total
	}
	if v.dirty && len(st.plans) == 0 {
		if err := v.pool.MarkDirtyHint(b); err != nil {
			return st, err
		}
	}
	return st, v.err
}

// setMap enters what the page is in the visibility map.
func (v *vacuumRun) setMap(b bufmgr.Buffer, blk page.BlockNumber, st pageState) error {
	now, err := v.vm.status(v.rel, blk)
	if err != nil {
		return err
	}
	if !st.allVisible || len(st.dead) > 0 {
		if now != 0 && (v.pool.Page(b).Flags()&page.AllVisible == 0 || len(st.dead) > 0) {
			v.pool.Page(b).ClearFlag(page.AllVisible)
			v.pool.MarkDirty(b)
			v.vm.clear(v.rel, blk, vmAllVisible|vmAllFrozen)
		}
		return nil
	}
	flags := uint8(vmAllVisible)
	if st.allFrozen {
		flags |= vmAllFrozen
		st.newest = xid.Invalid
	}
	if now&flags == flags && v.pool.Page(b).Flags()&page.AllVisible != 0 {
		return nil
	}
	return setVisible(v.tx, v.rel, b, &v.vm, st.newest, flags)
}

// vacuumDead has the indexes forget the dead TIDs, then makes their line pointers
// unused.
func (v *vacuumRun) vacuumDead() error {
	if len(v.dead) == 0 || v.par.NoIndexCleanup {
		v.dead = v.dead[:0]
		return nil
	}
	isDead := func(t page.TID) bool {
		i := sort.Search(len(v.dead), func(i int) bool { return v.dead[i].Compare(t) >= 0 })
		return i < len(v.dead) && v.dead[i] == t
	}
	for _, ix := range v.par.Indexes {
		if err := ix.BulkDelete(v.ctx, isDead); err != nil {
			return err
		}
	}
	v.res.IndexScans++
	for i := 0; i < len(v.dead); {
		j := i
		var offs []page.OffsetNumber
		for ; j < len(v.dead) && v.dead[j].Block == v.dead[i].Block; j++ {
			offs = append(offs, v.dead[j].Off)
		}
		if err := v.secondPass(v.dead[i].Block, offs); err != nil {
			return err
		}
		i = j
	}
	v.dead = v.dead[:0]
	return nil
}

// secondPass reclaims the dead line pointers of one page.
func (v *vacuumRun) secondPass(blk page.BlockNumber, offs []page.OffsetNumber) error {
	if err := v.vm.pin(v.rel, blk); err != nil {
		return err
	}
	b, err := v.pool.Read(v.rel.Tag(page.MainFork, blk), bufmgr.Normal, v.ring)
	if err != nil {
		return err
	}
	defer v.pool.Release(b)
	v.pool.Lock(b, bufmgr.Exclusive)
	defer v.pool.Unlock(b)
	if err := v.reclaim(b, offs); err != nil {
		return err
	}
	st := v.visibleNow(b)
	if err := v.setMap(b, blk, st); err != nil {
		return err
	}
	return fsmRecord(v.rel, blk, heapFreeSpace(v.pool.Page(b)))
}

// reclaim makes dead line pointers unused (lazy_vacuum_heap_page).
func (v *vacuumRun) reclaim(b bufmgr.Buffer, offs []page.OffsetNumber) error {
	p := v.pool.Page(b)
	if err := applyVacuum(p, offs); err != nil {
		return broken(v.rel, "vacuum a page", err)
	}
	v.pool.MarkDirty(b)
	rec := record(v.tx)
	var main [2]byte
	rec.Begin(xlog.RmHeap2, info2Vacuum, v.tx.TopXID())
	rec.Data(le.AppendUint16(main[:0], uint16(len(offs))))
	rec.Block(0, v.pool.Tag(b), p, xlog.Standard)
	rec.BlockData(0, appendOffsets(nil, offs))
	return logged(v.rel, rec, b)
}

// visibleNow is examine for a page that was frozen already: only visibility
// (heap_page_is_all_visible).
func (v *vacuumRun) visibleNow(b bufmgr.Buffer) pageState {
	p := v.pool.Page(b)
	v.on(p, true)
	st := pageState{allVisible: true, allFrozen: true}
	for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
		switch p.ItemID(off).Flags() {
		case page.LPDead:
			return pageState{}
		case page.LPNormal:
		default:
			continue
		}
		t, err := tupleOn(p, off)
		if err != nil {
			return pageState{}
		}
		x := t.Xmin()
		f, _ := v.vacuum(t, off, v.cut.oldestXmin)
		if f != live || t.Infomask()&access.XminCommitted == 0 || x.IsNormal() && !x.Precedes(v.cut.oldestXmin) {
			return pageState{}
		}
		if x.IsNormal() && x.Follows(st.newest) {
			st.newest = x
		}
		// An xmax that a hint calls invalid counts as any other: relfrozenxid must
		// not pass it while it is there.
		if x.IsNormal() || t.RawXmax() != xid.Invalid {
			st.allFrozen = false
		}
	}
	return st
}

// truncate cuts empty pages off the end, if they are many and nobody uses the
// table. The pages are looked at again under the lock.
func (v *vacuumRun) truncate(n page.BlockNumber) error {
	free := n - min(n, v.used)
	if v.par.NoTruncate || free == 0 || free < 1000 && free < n/16 {
		return nil
	}
	locks, tag := v.rel.Sys.Locks, v.rel.LockTag()
	if ok, err := v.tx.TryLockRelation(oid.OID(tag.F1), oid.OID(tag.F2), lmgr.AccessExclusive); err != nil || !ok {
		return err
	}
	defer locks.Release(v.tx.Locks(), tag, lmgr.AccessExclusive, false)
	now, err := v.pool.NBlocks(v.rel.Node, page.MainFork)
	if err != nil || now != n {
		return err
	}
	end := n
	for end > v.used {
		empty, err := v.isEmpty(end - 1)
		if err != nil {
			return err
		}
		if !empty {
			break
		}
		end--
	}
	if end == n {
		return nil
	}
	v.vm.release(v.rel)
	if err := Truncate(v.tx, v.rel, end); err != nil {
		return err
	}
	v.rel.SetTargetBlock(page.InvalidBlock)
	v.res.Truncated, v.res.Pages = n-end, end
	return nil
}

func (v *vacuumRun) isEmpty(blk page.BlockNumber) (bool, error) {
	b, err := v.pool.Read(v.rel.Tag(page.MainFork, blk), bufmgr.Normal, v.ring)
	if err != nil {
		return false, err
	}
	defer v.pool.UnlockRelease(b)
	v.pool.Lock(b, bufmgr.Shared)
	p := v.pool.Page(b)
	for off := page.OffsetNumber(1); !p.IsNew() && off <= p.NumItems(); off++ {
		if p.ItemID(off).Flags() != page.LPUnused {
			return false, nil
		}
	}
	return true, nil
}

// finish brings the upper pages of the free space map up to date and counts the
// all-visible pages, for relallvisible.
func (v *vacuumRun) finish() (err error) {
	if err := fsm.Of(v.pool, v.rel.Node).Vacuum(0, v.res.Pages); err != nil {
		return err
	}
	v.res.AllVisible, _, err = vm.Count(v.pool, v.rel.Node)
	return err
}
