// Package vm is the visibility map: two bits for each heap page, in the _vm fork.
//
// INV-VM-1: a bit is set only while every tuple of the heap page is visible to
// all (or frozen), and it is cleared, under the heap page's exclusive lock,
// before the change that ends this is logged.
// Enforced: Clear. Tested: TestBits.
//
// Lock order: the map page is pinned before the heap page is locked, and locked
// after it.
package vm

import (
	"math/bits"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
)

// Bits of a heap page.
const (
	AllVisible uint8 = 0x01
	AllFrozen  uint8 = 0x02
	ValidBits  uint8 = 0x03
)

// PagesPerBlock is the number of heap pages that one page of the map covers
// (HEAPBLOCKS_PER_PAGE).
const (
	PagesPerBlock = (page.Size - page.HeaderSize) * perByte
	perByte       = 4
)

// Block is the page of the map that holds heap page blk's bits.
func Block(blk page.BlockNumber) page.BlockNumber { return blk / PagesPerBlock }

func place(blk page.BlockNumber) (at int, shift uint) {
	n := int(blk % PagesPerBlock)
	return page.HeaderSize + n/perByte, uint(n%perByte) * 2
}

// Get returns heap page blk's bits in its map page.
func Get(p page.Page, blk page.BlockNumber) uint8 {
	at, shift := place(blk)
	return p[at] >> shift & ValidBits
}

// SetBits sets bits of heap page blk in its map page and reports whether that
// changed it. It is what both doing and redoing a record call.
func SetBits(p page.Page, blk page.BlockNumber, flags uint8) bool {
	at, shift := place(blk)
	old := p[at]
	p[at] |= flags & ValidBits << shift
	return p[at] != old
}

// ClearBits clears bits of heap page blk and reports whether that changed the page.
func ClearBits(p page.Page, blk page.BlockNumber, flags uint8) bool {
	at, shift := place(blk)
	old := p[at]
	p[at] &^= flags & ValidBits << shift
	return p[at] != old
}

// read pins a page of the map; 0 if the map does not reach so far.
func read(pool *bufmgr.Pool, rel page.RelFileNode, n page.BlockNumber, extend bool) (bufmgr.Buffer, error) {
	if extend {
		if err := grow(pool, rel, n+1); err != nil {
			return 0, err
		}
	} else if have, err := length(pool, rel); err != nil || n >= have {
		return 0, err
	}
	b, err := pool.Read(page.Tag{Rel: rel, Fork: page.VMFork, Block: n}, bufmgr.ZeroOnError, nil)
	if err != nil {
		return 0, err
	}
	pool.Lock(b, bufmgr.Shared)
	isNew := pool.Page(b).IsNew()
	pool.Unlock(b)
	if isNew {
		pool.Lock(b, bufmgr.Exclusive)
		if pool.Page(b).IsNew() {
			pool.Page(b).Init(0)
		}
		pool.Unlock(b)
	}
	return b, nil
}

func length(pool *bufmgr.Pool, rel page.RelFileNode) (page.BlockNumber, error) {
	ok, err := pool.Smgr().Exists(rel, page.VMFork)
	if err != nil || !ok {
		return 0, err
	}
	return pool.NBlocks(rel, page.VMFork)
}

func grow(pool *bufmgr.Pool, rel page.RelFileNode, n page.BlockNumber) error {
	if have, err := length(pool, rel); err != nil || have >= n {
		return err
	}
	return pool.Grow(rel, page.VMFork, n)
}

// holds reports whether b is the map page of heap page blk.
func holds(pool *bufmgr.Pool, rel page.RelFileNode, blk page.BlockNumber, b bufmgr.Buffer) bool {
	return b != 0 && pool.Tag(b) == page.Tag{Rel: rel, Fork: page.VMFork, Block: Block(blk)}
}

// Pin makes *b the pinned map page of heap page blk, extending the map if
// needed; a pin that *b has already is kept or dropped.
func Pin(pool *bufmgr.Pool, rel page.RelFileNode, blk page.BlockNumber, b *bufmgr.Buffer) error {
	if holds(pool, rel, blk, *b) {
		return nil
	}
	if *b != 0 {
		pool.Release(*b)
		*b = 0
	}
	var err error
	*b, err = read(pool, rel, Block(blk), true)
	return err
}

// PinOK reports whether b is already the map page of heap page blk.
func PinOK(pool *bufmgr.Pool, rel page.RelFileNode, blk page.BlockNumber, b bufmgr.Buffer) bool {
	return holds(pool, rel, blk, b)
}

// Status returns heap page blk's bits (PostgreSQL: visibilitymap_get_status). *b
// is 0 or a pinned map page, and stays pinned for the next call. The answer may
// be old by the time it arrives.
func Status(pool *bufmgr.Pool, rel page.RelFileNode, blk page.BlockNumber, b *bufmgr.Buffer) (uint8, error) {
	if !holds(pool, rel, blk, *b) {
		if *b != 0 {
			pool.Release(*b)
			*b = 0
		}
		var err error
		if *b, err = read(pool, rel, Block(blk), false); err != nil || *b == 0 {
			return 0, err
		}
	}
	pool.Lock(*b, bufmgr.Shared)
	defer pool.Unlock(*b)
	return Get(pool.Page(*b), blk), nil
}

// Clear clears bits of heap page blk, whose exclusive lock the caller holds, in
// the pinned map page b, and reports whether any was set. The heap's record says
// that it was cleared; the map page carries no record of its own (INV-VM-1).
func Clear(pool *bufmgr.Pool, blk page.BlockNumber, b bufmgr.Buffer, flags uint8) bool {
	pool.Lock(b, bufmgr.Exclusive)
	defer pool.Unlock(b)
	if Get(pool.Page(b), blk)&flags == 0 {
		return false
	}
	pool.MarkDirty(b)
	return ClearBits(pool.Page(b), blk, flags)
}

// Count returns how many heap pages are all-visible and all-frozen.
func Count(pool *bufmgr.Pool, rel page.RelFileNode) (visible, frozen page.BlockNumber, err error) {
	n, err := length(pool, rel)
	for blk := page.BlockNumber(0); err == nil && blk < n; blk++ {
		var b bufmgr.Buffer
		if b, err = read(pool, rel, blk, false); err != nil || b == 0 {
			break
		}
		pool.Lock(b, bufmgr.Shared)
		for _, v := range pool.Page(b)[page.HeaderSize:] {
			visible += page.BlockNumber(bits.OnesCount8(v & 0x55))
			frozen += page.BlockNumber(bits.OnesCount8(v & 0xAA))
		}
		pool.UnlockRelease(b)
	}
	return visible, frozen, err
}

// LogImage logs a page that changed without a record of its own, and returns the
// record's end, or 0.
type LogImage func(tag page.Tag, p page.Page) (lsn.LSN, error)

// TruncatePrepare clears the bits of heap pages from n on and returns the length
// to which the map's fork may be cut, or InvalidBlock if nothing is to be cut.
// log is called for the last page if hints are to be logged; nil is never.
func TruncatePrepare(pool *bufmgr.Pool, rel page.RelFileNode, n page.BlockNumber, log LogImage) (page.BlockNumber, error) {
	have, err := length(pool, rel)
	if err != nil || have == 0 {
		return page.InvalidBlock, err
	}
	last := Block(n)
	keep := last
	if n%PagesPerBlock != 0 {
		keep++
		b, err := read(pool, rel, last, false)
		if err != nil || b == 0 {
			return page.InvalidBlock, err
		}
		pool.Lock(b, bufmgr.Exclusive)
		defer pool.UnlockRelease(b)
		pg := pool.Page(b)
		at, shift := place(n)
		pool.MarkDirty(b)
		pg[at] &= 1<<shift - 1
		clear(pg[at+1:])
		if log != nil {
			end, err := log(pool.Tag(b), pg)
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
