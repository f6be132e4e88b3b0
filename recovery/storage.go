package recovery

import (
	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// redoStorage replays the records of the resource manager Storage.
func (e *Env) redoStorage(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case rmgrs.InfoStorageCreate:
		c, err := rmgrs.DecodeStorageCreate(d.Main)
		if err != nil {
			return err
		}
		return e.Smgr.Create(c.Node, c.Fork)
	case rmgrs.InfoStorageTruncate:
		t, err := rmgrs.DecodeStorageTruncate(d.Main)
		if err != nil {
			return err
		}
		return e.redoTruncate(t)
	}
	return unknown(d)
}

// redoTruncate cuts the forks that the record names, as the truncation did: the
// maps first, whose last pages change.
func (e *Env) redoTruncate(t rmgrs.StorageTruncate) error {
	// The relation may have been dropped later in the log.
	if err := e.Smgr.Create(t.Node, page.MainFork); err != nil {
		return err
	}
	type cut struct {
		fork page.Fork
		keep page.BlockNumber
	}
	var cuts []cut
	if t.Flags&rmgrs.TruncateHeap != 0 {
		cuts = append(cuts, cut{page.MainFork, t.Blocks})
	}
	space := fsm.Of(e.Pool, t.Node)
	vacuum := false
	if ok, err := e.Smgr.Exists(t.Node, page.FSMFork); err != nil {
		return err
	} else if ok && t.Flags&rmgrs.TruncateFSM != 0 {
		keep, err := space.TruncatePrepare(t.Blocks, nil)
		if err != nil {
			return err
		}
		if vacuum = keep != page.InvalidBlock; vacuum {
			cuts = append(cuts, cut{page.FSMFork, keep})
		}
	}
	if ok, err := e.Smgr.Exists(t.Node, page.VMFork); err != nil {
		return err
	} else if ok && t.Flags&rmgrs.TruncateVM != 0 {
		keep, err := vm.TruncatePrepare(e.Pool, t.Node, t.Blocks, nil)
		if err != nil {
			return err
		}
		if keep != page.InvalidBlock {
			cuts = append(cuts, cut{page.VMFork, keep})
		}
	}
	for _, c := range cuts {
		e.Pool.DropRel(t.Node, c.fork, c.keep)
		if err := e.Smgr.Truncate(t.Node, c.fork, c.keep); err != nil {
			return err
		}
		if c.fork == page.MainFork {
			e.Pool.ForgetInvalid(t.Node, c.fork, c.keep)
		}
	}
	if vacuum {
		return space.Vacuum(t.Blocks, page.InvalidBlock)
	}
	return nil
}
