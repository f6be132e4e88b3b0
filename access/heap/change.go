package heap

import (
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// Panic marks an error inside a critical section: a shared page may hold a change
// that is not in the log, so the server must stop and recover.
type Panic struct{ Err error }

// Error implements error.
func (p *Panic) Error() string { return "PANIC: " + p.Err.Error() }

// Unwrap returns the cause.
func (p *Panic) Unwrap() error { return p.Err }

// broken wraps an error of a critical section, and stops the server.
func broken(rel *access.Relation, what string, err error) error {
	return fatal(rel, fmt.Errorf("%s: %w", what, err))
}

func fatal(rel *access.Relation, err error) error {
	p := &Panic{err}
	rel.Sys.Xact.Fatal(p)
	return p
}

// logged inserts the record under construction, if rel is logged, and stamps the
// pages. They are changed and marked dirty already.
func logged(rel *access.Relation, rec *xlog.Record, bufs ...bufmgr.Buffer) error {
	if !rel.Logged() {
		return nil
	}
	end, err := rel.Sys.Log.Insert(rec)
	if err != nil {
		return fatal(rel, err)
	}
	for _, b := range bufs {
		if b != 0 {
			rel.Pool.Page(b).SetLSN(end)
		}
	}
	return nil
}

// record is the transaction's record buffer.
func record(tx *xact.Tx) *xlog.Record { return &tx.Rec }

// room is what the caller wants of a page to insert into.
type room struct {
	size    int // MAXALIGN'd bytes of one tuple
	other   bufmgr.Buffer
	otherNo page.BlockNumber
	skipFSM bool
	bulk    *Bulk
}

// spare is the free space that fillfactor keeps for updates.
func spare(rel *access.Relation) int {
	ff := rel.FillFactor
	if ff == 0 {
		ff = 100
	}
	return page.Size * (100 - ff) / 100
}

// findRoom returns a page with room for a tuple, pinned and locked exclusively,
// with the map page pinned in vm if the page is all-visible (PostgreSQL:
// RelationGetBufferForTuple). r.other, if not 0, is pinned by the caller and gets
// locked too; if it is the page itself, it counts twice.
func findRoom(rel *access.Relation, r room, vm, otherVM *vmPin) (bufmgr.Buffer, error) {
	if r.size > maxTupleSize {
		return 0, rowTooBig(r.size)
	}
	want := r.size + spare(rel)
	const nearlyEmpty = maxTupleSize - maxTuplesPerPage/8*page.ItemIDSize
	if want > nearlyEmpty {
		want = max(r.size, nearlyEmpty)
	}
	target := rel.TargetBlock()
	if r.bulk != nil {
		target = r.bulk.last
	} else if r.other != 0 && target == page.InvalidBlock {
		target = r.otherNo
	}
	if target == page.InvalidBlock && !r.skipFSM {
		var err error
		if target, err = firstTarget(rel, want); err != nil {
			return 0, err
		}
	}
	for target != page.InvalidBlock {
		b, free, err := tryBlock(rel, r, target, want, vm, otherVM)
		if err != nil || b != 0 {
			return b, err
		}
		if r.skipFSM {
			break
		}
		if target, err = fsmRecordAndFind(rel, target, free, want); err != nil {
			return 0, err
		}
	}
	return extend(rel, r, vm, otherVM)
}

// firstTarget asks the free space map, and else tries the last page.
func firstTarget(rel *access.Relation, want int) (page.BlockNumber, error) {
	t, err := fsmFind(rel, want)
	if err != nil || t != page.InvalidBlock {
		return t, err
	}
	n, err := rel.Pool.NBlocks(rel.Node, page.MainFork)
	if err != nil || n == 0 {
		return page.InvalidBlock, err
	}
	return n - 1, nil
}

// tryBlock locks block blk, and r.other in block order, and keeps them if there
// is room. Otherwise it returns 0 and the free space.
func tryBlock(rel *access.Relation, r room, blk page.BlockNumber, want int, vm, otherVM *vmPin) (bufmgr.Buffer, int, error) {
	pool := rel.Pool
	if n, err := pool.NBlocks(rel.Node, page.MainFork); err != nil || blk >= n {
		return 0, 0, err // a stale entry of the free space map
	}
	var ring *bufmgr.Strategy
	if r.bulk != nil {
		ring = r.bulk.ring
	}
	b, err := pool.Read(rel.Tag(page.MainFork, blk), bufmgr.Normal, ring)
	if err != nil {
		return 0, 0, err
	}
	for {
		lockBoth(pool, b, blk, r.other, r.otherNo)
		again, err := pinMaps(rel, b, blk, r, vm, otherVM)
		if err != nil {
			pool.Release(b)
			return 0, 0, err
		}
		if !again {
			break
		}
	}
	p := pool.Page(b)
	if p.IsNew() {
		// Not marked dirty: until a logged insert initialises it again, the block
		// stays zero on disk, where a torn write cannot hurt it.
		p.Init(0)
	}
	free := heapFreeSpace(p)
	if free >= want {
		rel.SetTargetBlock(blk)
		if r.bulk != nil {
			r.bulk.last = blk
		}
		return b, free, nil
	}
	unlockBoth(pool, b, r.other)
	pool.Release(b)
	return 0, free, nil
}

// lockBoth locks b and, if it is another page, other, the lower block first.
func lockBoth(pool *bufmgr.Pool, b bufmgr.Buffer, blk page.BlockNumber, other bufmgr.Buffer, otherNo page.BlockNumber) {
	switch {
	case other == 0 || other == b:
		pool.Lock(b, bufmgr.Exclusive)
	case blk < otherNo:
		pool.Lock(b, bufmgr.Exclusive)
		pool.Lock(other, bufmgr.Exclusive)
	default:
		pool.Lock(other, bufmgr.Exclusive)
		pool.Lock(b, bufmgr.Exclusive)
	}
}

func unlockBoth(pool *bufmgr.Pool, b, other bufmgr.Buffer) {
	if other != 0 && other != b {
		pool.Unlock(other)
	}
	pool.Unlock(b)
}

// pinMaps makes sure that the map page of each all-visible page is pinned. If it
// was not, it unlocks, pins, and reports that the caller must lock again.
func pinMaps(rel *access.Relation, b bufmgr.Buffer, blk page.BlockNumber, r room, vm, otherVM *vmPin) (again bool, err error) {
	pool := rel.Pool
	need := pool.Page(b).Flags()&page.AllVisible != 0 && !vm.covers(rel, blk)
	needOther := r.other != 0 && pool.Page(r.other).Flags()&page.AllVisible != 0 && !otherVM.covers(rel, r.otherNo)
	if !need && !needOther {
		return false, nil
	}
	unlockBoth(pool, b, r.other)
	if need {
		err = vm.pin(rel, blk)
	}
	if needOther && err == nil {
		err = otherVM.pin(rel, r.otherNo)
	}
	return true, err
}

// extend adds a page. It is locked last, whatever its number: nobody else knows
// it yet.
func extend(rel *access.Relation, r room, vm, otherVM *vmPin) (bufmgr.Buffer, error) {
	pool := rel.Pool
	var ring *bufmgr.Strategy
	if r.bulk != nil {
		ring = r.bulk.ring
	}
	for {
		if r.other != 0 {
			pool.Lock(r.other, bufmgr.Exclusive)
			if pool.Page(r.other).Flags()&page.AllVisible != 0 && !otherVM.covers(rel, r.otherNo) {
				pool.Unlock(r.other)
				if err := otherVM.pin(rel, r.otherNo); err != nil {
					return 0, err
				}
				continue
			}
		}
		b, blk, err := pool.Extend(rel.Node, page.MainFork, ring)
		if err != nil {
			if r.other != 0 {
				pool.Unlock(r.other)
			}
			return 0, err
		}
		pool.Page(b).Init(0)
		pool.MarkDirty(b)
		rel.SetTargetBlock(blk)
		if r.bulk != nil {
			r.bulk.last = blk
		}
		return b, nil
	}
}

// heapFreeSpace is the room for one more tuple, or 0 if the page has as many line
// pointers as a page may have and none is unused (PageGetHeapFreeSpace).
func heapFreeSpace(p page.Page) int {
	free := p.FreeSpace()
	if free > 0 && p.NumItems() >= maxTuplesPerPage && p.FreeOffset() > p.NumItems() {
		return 0
	}
	return free
}
