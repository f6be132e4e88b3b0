package recovery

import (
	"log/slog"

	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// Env is the part of the server that redo changes.
type Env struct {
	FS      vfs.FS
	Smgr    *smgr.Manager
	Pool    *bufmgr.Pool
	Xact    *xact.Manager
	HintWAL bool // data checksums or wal_log_hints are on
	Log     *slog.Logger
}

// Table has a replay function for each resource manager that a cluster may use;
// nil are those that are not written yet.
type Table [int(xlog.RmMaxCustom) + 1]xlog.RedoFunc

// Redo is the table of replay functions, but for XLOG's own records, which
// Recovery replays.
func (e *Env) Redo() *Table {
	t := new(Table)
	for id, f := range e.Xact.Redo() {
		t[id] = f
	}
	h := heap.RedoEnv{Pool: e.Pool, HintWAL: e.HintWAL, FS: e.FS}
	t[xlog.RmHeap], t[xlog.RmHeap2] = heap.Redo(h), heap.Redo2(h)
	t[xlog.RmBtree] = nbtree.Redo(e.Pool)
	t[xlog.RmSmgr] = e.redoStorage
	t[xlog.RmDbase] = e.redoDatabase
	t[xlog.RmTblspc] = e.redoTablespace
	t[xlog.RmRelMap] = catalog.RedoRelMap(e.FS)
	t[xlog.RmSeq] = sequence.Redo(e.Pool)
	t[xlog.RmGeneric] = e.redoGeneric
	t[xlog.RmLogicalMsg] = redoLogicalMessage
	return t
}

func unknown(d *xlog.Decoded) error {
	return pgerr.New(pgerr.DataCorrupted, "unknown op code %d of resource manager %s at %s", d.RmgrInfo(), d.Rmgr, d.Start)
}

// redoLogicalMessage has nothing to replay: messages are for decoding.
func redoLogicalMessage(d *xlog.Decoded) error {
	if d.RmgrInfo() != rmgrs.InfoLogicalMessage {
		return unknown(d)
	}
	return nil
}

// redoGeneric replays a record of the resource manager Generic: each block brings
// the bytes that changed.
func (e *Env) redoGeneric(d *xlog.Decoded) error {
	var held []bufmgr.Buffer // all blocks stay locked until all are changed
	defer func() {
		for _, b := range held {
			e.Pool.UnlockRelease(b)
		}
	}()
	for id := range d.Blocks {
		ref := &d.Blocks[id]
		if !ref.InUse {
			continue
		}
		b, action, err := bufmgr.ReadForRedo(e.Pool, d, uint8(id), bufmgr.RedoRead{})
		if err != nil {
			return err
		}
		if action == bufmgr.NotFound {
			continue
		}
		held = append(held, b)
		if action != bufmgr.NeedsRedo {
			continue
		}
		p := e.Pool.Page(b)
		if err := rmgrs.ApplyGeneric(p, ref.Data); err != nil {
			return err
		}
		p.SetLSN(d.End)
		e.Pool.MarkDirty(b)
	}
	return nil
}

// redoImages replays FPI and FPI_FOR_HINT: the images are all there is to them.
func (e *Env) redoImages(d *xlog.Decoded) error {
	for id := range d.Blocks {
		ref := &d.Blocks[id]
		if !ref.InUse {
			continue
		}
		if !ref.HasImage {
			if d.RmgrInfo() == xlog.InfoFPI {
				return pgerr.New(pgerr.DataCorrupted, "XLOG_FPI record at %s did not contain a full-page image", d.Start)
			}
			continue
		}
		b, action, err := bufmgr.ReadForRedo(e.Pool, d, uint8(id), bufmgr.RedoRead{})
		if err != nil {
			return err
		}
		if action != bufmgr.NotFound {
			e.Pool.UnlockRelease(b)
		}
		if action != bufmgr.Restored {
			return pgerr.New(pgerr.DataCorrupted, "unexpected XLogReadBufferForRedo result when restoring backup block at %s", d.Start)
		}
	}
	return nil
}
