package nbtree

import (
	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/page"
)

func (e *env) fsm() fsm.Map { return fsm.Of(e.pool, e.idx.Node) }

// freePage takes a page out of the index's free space map, or returns
// InvalidBlock. In an index's map a page is free or not: the amounts are nominal.
func (e *env) freePage() (page.BlockNumber, error) {
	m := e.fsm()
	blk, err := m.Find(page.Size / 2)
	if err == nil && blk != page.InvalidBlock {
		err = m.Record(blk, 0)
	}
	return blk, err
}

// recordFree says in the free space map that blk can be reused.
func (e *env) recordFree(blk page.BlockNumber) error { return e.fsm().Record(blk, page.Size-1) }

// vacuumFSM makes the upper levels of the free space map know its leaves.
func (e *env) vacuumFSM() error { return e.fsm().Vacuum(0, page.InvalidBlock) }
