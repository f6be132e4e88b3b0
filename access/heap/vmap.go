package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
)

// vmPin keeps one page of a relation's visibility map pinned.
type vmPin struct{ buf bufmgr.Buffer }

// pin pins the map page of heap block blk, extending the map if it is too short.
// It may read, so no content lock may be held.
func (v *vmPin) pin(rel *access.Relation, blk page.BlockNumber) error {
	return vm.Pin(rel.Pool, rel.Node, blk, &v.buf)
}

func (v *vmPin) release(rel *access.Relation) {
	if v.buf != 0 {
		rel.Pool.Release(v.buf)
		v.buf = 0
	}
}

// covers reports whether v holds the map page of heap block blk.
func (v *vmPin) covers(rel *access.Relation, blk page.BlockNumber) bool {
	return vm.PinOK(rel.Pool, rel.Node, blk, v.buf)
}

// status is the two bits of heap block blk, 0 if the map does not reach it.
func (v *vmPin) status(rel *access.Relation, blk page.BlockNumber) (uint8, error) {
	return vm.Status(rel.Pool, rel.Node, blk, &v.buf)
}

// clear takes bits of heap block blk out. It is part of a change of the heap
// page, whose lock the caller holds; the heap record says so by a flag.
func (v *vmPin) clear(rel *access.Relation, blk page.BlockNumber, flags uint8) bool {
	return v.covers(rel, blk) && vm.Clear(rel.Pool, blk, v.buf, flags)
}

// VisibilityCursor holds the pin of AllVisible. The zero value is ready.
type VisibilityCursor struct{ pin vmPin }

// AllVisible reports whether the visibility map says that every tuple on heap
// block blk is visible to all: what index-only scans ask. The map page stays
// pinned from call to call; Release drops it.
func (c *VisibilityCursor) AllVisible(rel *access.Relation, blk page.BlockNumber) (bool, error) {
	st, err := c.pin.status(rel, blk)
	return st&vm.AllVisible != 0, err
}

// Release ends the use of c.
func (c *VisibilityCursor) Release(rel *access.Relation) { c.pin.release(rel) }
