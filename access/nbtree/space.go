package nbtree

import (
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// newPage returns an initialised empty page, locked for writing: one that was
// deleted long enough ago, or a new one at the end of the file (_bt_getbuf with
// P_NEW).
func (e *env) newPage() (bufmgr.Buffer, error) {
	for {
		blk, err := e.freePage()
		if err != nil {
			return 0, err
		}
		if blk == page.InvalidBlock {
			break
		}
		b, err := e.pin(blk)
		if err != nil {
			return 0, err
		}
		if !e.pool.TryLock(b) { // someone else got it, or the map is wrong
			e.pool.Release(b)
			continue
		}
		n := e.nodeOf(b)
		if n.IsNew() {
			initNode(n.Page)
			return b, nil
		}
		if n.SpecialOff() == specialAt && e.recyclable(n) {
			if err := e.logReuse(blk, n); err != nil {
				e.drop(b)
				return 0, err
			}
			e.clearPage(n)
			return b, nil
		}
		e.drop(b)
	}
	b, _, err := e.pool.Extend(e.idx.Node, page.MainFork, nil)
	if err != nil {
		return 0, err
	}
	initNode(e.pool.Page(b))
	return b, nil
}

// clearPage makes n an empty page, keeping pd_lsn.
func (e *env) clearPage(n node) {
	at := n.LSN()
	initNode(n.Page)
	n.SetLSN(at)
}

// recyclable reports whether n is a deleted page that no scan can be on its way to:
// its deletion is visible to every transaction.
func (e *env) recyclable(n node) bool {
	if !n.is(flagDeleted) {
		return false
	}
	return e.safe(n.safeXID())
}

// safe reports whether no snapshot is as old as full.
func (e *env) safe(full xid.Full) bool {
	next := e.txs.nextXID()
	oldest := e.txs.oldestXmin()
	// The horizon is at most 2^31 behind the next id: widen it.
	back := uint64(uint32(next.XID()) - uint32(oldest))
	return uint64(full)+back < uint64(next)
}

// logReuse tells standbys that a deleted page is about to be reused.
func (e *env) logReuse(blk page.BlockNumber, n node) error {
	if e.log == nil {
		return nil
	}
	e.begin(infoReuse)
	return e.finish(reuseRec{e.idx.Node, blk, n.safeXID()}.encode(nil))
}
