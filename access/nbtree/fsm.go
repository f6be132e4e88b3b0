package nbtree

import "github.com/pgmini/pgmini/page"

// freePage takes a page from the index's free space map, or returns InvalidBlock.
func (e *env) freePage() (page.BlockNumber, error) { return page.InvalidBlock, nil }

// recordFree says in the free space map that blk can be reused.
func (e *env) recordFree(blk page.BlockNumber) error { return nil }

// vacuumFSM makes the upper levels of the free space map know its leaves.
func (e *env) vacuumFSM() error { return nil }
