// Package fsm is the free space map: for each heap or index page roughly how much
// room it has, in the _fsm fork, as a tree of pages of PostgreSQL's layout.
//
// The map is a hint. It is not logged, may be wrong after a crash, and whoever
// finds a page through it checks the page; a search repairs what it sees torn.
//
// INV-FSM-1: in every page an inner node is the larger of its children after each
// change. Enforced: tree.set. Tested: TestTree.
package fsm

import (
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// MaxRequest is the largest free space that can be asked for: that of an empty
// heap page (MaxHeapTupleSize).
const MaxRequest = page.Size - 32

// step is the width of a category in bytes.
const step = 32

// Category is the category of a page with avail bytes free (fsm_space_avail_to_cat).
func Category(avail int) uint8 {
	if avail >= MaxRequest {
		return 255
	}
	return uint8(min(max(avail, 0)/step, 254))
}

// Avail is the space that a category promises.
func Avail(cat uint8) int {
	if cat == 255 {
		return MaxRequest
	}
	return int(cat) * step
}

// needed is the least category that promises need bytes.
func needed(need int) (uint8, error) {
	switch {
	case need > MaxRequest:
		return 0, pgerr.New(pgerr.InternalError, "invalid FSM request size %d", need)
	case need <= 0:
		return 1, nil
	}
	return uint8(min((need+step-1)/step, 255)), nil
}

// The map has three levels of pages; level 0 covers the relation's pages.
const (
	bottom = 0
	root   = 2
)

// address names a page of the map in its tree.
type address struct {
	level int
	n     page.BlockNumber // among the pages of the level
}

func location(blk page.BlockNumber) (address, int) {
	return address{bottom, blk / Slots}, int(blk % Slots)
}

func (a address) parent() (address, int) { return address{a.level + 1, a.n / Slots}, int(a.n % Slots) }
func (a address) child(slot int) address {
	return address{a.level - 1, a.n*Slots + page.BlockNumber(slot)}
}
func (a address) heapBlock(slot int) page.BlockNumber {
	return a.n*Slots + page.BlockNumber(slot)
}

// block is the page's place in the fork: pages are stored depth first.
func (a address) block() page.BlockNumber {
	leaf := a.n
	for range a.level {
		leaf *= Slots
	}
	pages := page.BlockNumber(0)
	for range root + 1 {
		pages += leaf + 1
		leaf /= Slots
	}
	return pages - page.BlockNumber(a.level) - 1
}

// Map is the free space map of a relation.
type Map struct {
	pool *bufmgr.Pool
	rel  page.RelFileNode
}

// Of returns the map of rel. It is a value: nothing is opened.
func Of(pool *bufmgr.Pool, rel page.RelFileNode) Map { return Map{pool, rel} }

func (m Map) length() (page.BlockNumber, error) {
	ok, err := m.pool.Smgr().Exists(m.rel, page.FSMFork)
	if err != nil || !ok {
		return 0, err
	}
	return m.pool.NBlocks(m.rel, page.FSMFork)
}

// lock pins and exclusively locks a page of the map; 0 if the fork is too short.
// Searching moves the page's next slot, so that it needs the exclusive lock too.
func (m Map) lock(a address, extend bool) (bufmgr.Buffer, tree, error) {
	n := a.block()
	have, err := m.length()
	if err != nil {
		return 0, nil, err
	}
	if n >= have {
		if !extend {
			return 0, nil, nil
		}
		if err := m.pool.Grow(m.rel, page.FSMFork, n+1); err != nil {
			return 0, nil, err
		}
	}
	b, err := m.pool.Read(page.Tag{Rel: m.rel, Fork: page.FSMFork, Block: n}, bufmgr.ZeroOnError, nil)
	if err != nil {
		return 0, nil, err
	}
	m.pool.Lock(b, bufmgr.Exclusive)
	pg := m.pool.Page(b)
	if pg.IsNew() {
		pg.Init(0)
	}
	return b, tree(pg), nil
}

// setAndSearch puts a category into a slot and, if want is not 0, looks for a
// slot of the same page that has at least want.
func (m Map) setAndSearch(a address, slot int, v, want uint8) (int, bool, error) {
	b, t, err := m.lock(a, true)
	if err != nil {
		return 0, false, err
	}
	defer m.pool.UnlockRelease(b)
	if t.set(slot, v) {
		if err := m.pool.MarkDirtyHint(b); err != nil {
			return 0, false, err
		}
	}
	if want == 0 {
		return 0, false, nil
	}
	found, ok, repaired := t.search(want, a.level == bottom)
	if repaired {
		err = m.pool.MarkDirtyHint(b)
	}
	return found, ok, err
}

// Find returns a page that may have need bytes free, or InvalidBlock
// (PostgreSQL: GetPageWithFreeSpace).
func (m Map) Find(need int) (page.BlockNumber, error) {
	cat, err := needed(need)
	if err != nil {
		return page.InvalidBlock, err
	}
	return m.find(cat)
}

func (m Map) find(cat uint8) (page.BlockNumber, error) {
	a := address{level: root}
	for range 10000 { // each restart lowers a parent's promise; a busy map gives up
		b, t, err := m.lock(a, false)
		if err != nil {
			return page.InvalidBlock, err
		}
		slot, ok, top := 0, false, uint8(0)
		if b != 0 {
			var repaired bool
			if slot, ok, repaired = t.search(cat, a.level == bottom); repaired {
				err = m.pool.MarkDirtyHint(b)
			}
			top = t.top()
			m.pool.UnlockRelease(b)
			if err != nil {
				return page.InvalidBlock, err
			}
		}
		switch {
		case ok && a.level == bottom:
			blk := a.heapBlock(slot)
			if n, err := m.pool.NBlocks(m.rel, page.MainFork); err != nil || blk < n {
				return blk, err
			}
			// A crash after a truncation can leave entries past the end.
			if _, _, err := m.setAndSearch(a, slot, 0, 0); err != nil {
				return page.InvalidBlock, err
			}
			a = address{level: root}
		case ok:
			a = a.child(slot)
		case a.level == root:
			return page.InvalidBlock, nil
		default: // the parent promised more than this page has
			up, at := a.parent()
			if _, _, err := m.setAndSearch(up, at, top, 0); err != nil {
				return page.InvalidBlock, err
			}
			a = address{level: root}
		}
	}
	return page.InvalidBlock, nil
}

// Record notes that a page has avail bytes free (PostgreSQL:
// RecordPageWithFreeSpace). Upper pages learn of it at Vacuum.
func (m Map) Record(blk page.BlockNumber, avail int) error {
	a, slot := location(blk)
	_, _, err := m.setAndSearch(a, slot, Category(avail), 0)
	return err
}

// RecordAndFind is Record, then Find, which prefers a page near blk.
func (m Map) RecordAndFind(blk page.BlockNumber, avail, need int) (page.BlockNumber, error) {
	cat, err := needed(need)
	if err != nil {
		return page.InvalidBlock, err
	}
	a, slot := location(blk)
	found, ok, err := m.setAndSearch(a, slot, Category(avail), cat)
	if err != nil {
		return page.InvalidBlock, err
	}
	if ok {
		near := a.heapBlock(found)
		if n, err := m.pool.NBlocks(m.rel, page.MainFork); err != nil || near < n {
			return near, err
		}
		if _, _, err := m.setAndSearch(a, found, 0, 0); err != nil {
			return page.InvalidBlock, err
		}
	}
	return m.find(cat)
}

// Recorded is the space that the map promises on a page.
func (m Map) Recorded(blk page.BlockNumber) (int, error) {
	a, slot := location(blk)
	b, t, err := m.lock(a, false)
	if err != nil || b == 0 {
		return 0, err
	}
	defer m.pool.UnlockRelease(b)
	return Avail(t.get(slot)), nil
}

// RedoRecord is Record during recovery.
func (m Map) RedoRecord(blk page.BlockNumber, avail int) error {
	a, slot := location(blk)
	b, err := m.pool.ReadExtended(page.Tag{Rel: m.rel, Fork: page.FSMFork, Block: a.block()}, bufmgr.ZeroOnError)
	if err != nil {
		return err
	}
	m.pool.Lock(b, bufmgr.Exclusive)
	defer m.pool.UnlockRelease(b)
	pg := m.pool.Page(b)
	if pg.IsNew() {
		pg.Init(0)
	}
	if tree(pg).set(slot, Category(avail)) {
		return m.pool.MarkDirtyHint(b)
	}
	return nil
}

// Vacuum brings the upper pages up to date for relation pages [from, to)
// (PostgreSQL: FreeSpaceMapVacuumRange). InvalidBlock as to means all.
func (m Map) Vacuum(from, to page.BlockNumber) error {
	if to <= from {
		return nil
	}
	_, _, err := m.vacuum(address{level: root}, from, to)
	return err
}

// vacuum updates the subtree of a and returns its largest category; exists is
// false if the fork does not reach a.
func (m Map) vacuum(a address, from, to page.BlockNumber) (top uint8, exists bool, err error) {
	b, t, err := m.lock(a, false)
	if err != nil || b == 0 {
		return 0, false, err
	}
	if a.level == bottom {
		t.setNext(0)
		top = t.top()
		m.pool.UnlockRelease(b)
		return top, true, nil
	}
	m.pool.Unlock(b) // one lock at a time; b stays pinned
	defer m.pool.Release(b)
	first, last := slotsBetween(a, from, to)
	below := true
	for slot := first; slot <= last; slot++ {
		v := uint8(0)
		if below {
			if v, below, err = m.vacuum(a.child(slot), from, to); err != nil {
				return 0, true, err
			}
		}
		m.pool.Lock(b, bufmgr.Exclusive)
		if t.get(slot) != v && t.set(slot, v) {
			err = m.pool.MarkDirtyHint(b)
		}
		m.pool.Unlock(b)
		if err != nil {
			return 0, true, err
		}
	}
	m.pool.Lock(b, bufmgr.Exclusive)
	t.setNext(0)
	top = t.top()
	m.pool.Unlock(b)
	return top, true, nil
}

// slotsBetween are the slots of a whose subtrees touch relation pages [from, to).
func slotsBetween(a address, from, to page.BlockNumber) (first, last int) {
	lo, loSlot := location(from)
	hi, hiSlot := location(to - 1)
	for lo.level < a.level {
		lo, loSlot = lo.parent()
		hi, hiSlot = hi.parent()
	}
	switch {
	case lo.n == a.n:
		first = loSlot
	case lo.n > a.n:
		first = Slots
	}
	switch {
	case hi.n == a.n:
		last = hiSlot
	case hi.n > a.n:
		last = Slots - 1
	default:
		last = -1
	}
	return first, last
}

// LogImage logs a page that changed without a record of its own, and returns the
// record's end, or 0.
type LogImage func(tag page.Tag, p page.Page) (lsn.LSN, error)

// TruncatePrepare empties the slots of relation pages from n on and returns the
// length to which the map's fork may be cut, or InvalidBlock if nothing is to be
// cut. log is called for the last page if hints are to be logged; nil is never.
// After the truncation call Vacuum(n, InvalidBlock).
func (m Map) TruncatePrepare(n page.BlockNumber, log LogImage) (page.BlockNumber, error) {
	have, err := m.length()
	if err != nil || have == 0 {
		return page.InvalidBlock, err
	}
	a, slot := location(n)
	keep := a.block()
	if slot > 0 {
		keep++
		b, t, err := m.lock(a, false)
		if err != nil || b == 0 {
			return page.InvalidBlock, err
		}
		defer m.pool.UnlockRelease(b)
		m.pool.MarkDirty(b)
		t.truncate(slot)
		if log != nil {
			pg := page.Page(t)
			end, err := log(m.pool.Tag(b), pg)
			if err != nil {
				return page.InvalidBlock, err
			}
			pg.SetLSN(max(end, pg.LSN()))
		}
	}
	if have <= keep {
		return page.InvalidBlock, nil
	}
	return keep, nil
}
