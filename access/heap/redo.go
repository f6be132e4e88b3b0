package heap

import (
	"fmt"

	"github.com/pgmini/pgmini/access/fsm"
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// RedoEnv is what redo needs of the server.
type RedoEnv struct {
	Pool    *bufmgr.Pool
	HintWAL bool // data checksums or wal_log_hints are on
	// FS is the data directory, for the files of logical decoding; nil: they are
	// not written.
	FS vfs.FS
	// Conflict ends standby queries that may still see what x removed; nil
	// outside hot standby.
	Conflict func(x xid.XID, rel page.RelFileNode) error
}

// Redo replays records of Heap.
func Redo(env RedoEnv) xlog.RedoFunc {
	return func(d *xlog.Decoded) error { return wrapRedo(d, redoHeap(&env, d)) }
}

// Redo2 replays records of Heap2.
func Redo2(env RedoEnv) xlog.RedoFunc {
	return func(d *xlog.Decoded) error { return wrapRedo(d, redoHeap2(&env, d)) }
}

func wrapRedo(d *xlog.Decoded, err error) error {
	if err != nil {
		return fmt.Errorf("redo of %s record at %s: %w", d.Rmgr, d.Start, err)
	}
	return nil
}

// change runs apply on the page of block id, unless the page has the change
// already. free, if not nil, gets the page's free space afterwards.
func (e *RedoEnv) change(d *xlog.Decoded, id uint8, how bufmgr.RedoRead, free *int, apply func(p page.Page) error) error {
	b, act, err := bufmgr.ReadForRedo(e.Pool, d, id, how)
	if err != nil || act == bufmgr.NotFound {
		return err
	}
	p := e.Pool.Page(b)
	if act == bufmgr.NeedsRedo {
		if err := apply(p); err != nil {
			e.Pool.UnlockRelease(b)
			return err
		}
		p.SetLSN(d.End)
		e.Pool.MarkDirty(b)
	}
	if free != nil {
		*free = heapFreeSpace(p)
	}
	e.Pool.UnlockRelease(b)
	return nil
}

// clearMap clears bits of the heap block that block id names, if the record says
// that they were cleared.
func (e *RedoEnv) clearMap(d *xlog.Decoded, id uint8, cleared bool, flags uint8) error {
	if !cleared {
		return nil
	}
	ref := d.Block(id)
	if ref == nil {
		return badRecord("no heap block")
	}
	var b bufmgr.Buffer
	if err := vm.Pin(e.Pool, ref.Tag.Rel, ref.Tag.Block, &b); err != nil {
		return err
	}
	vm.Clear(e.Pool, ref.Tag.Block, b, flags)
	e.Pool.Release(b)
	return nil
}

// noteSpace tells the free space map of a page that is nearly full, as
// PostgreSQL's redo does.
func (e *RedoEnv) noteSpace(d *xlog.Decoded, id uint8, free int) error {
	ref := d.Block(id)
	return fsm.Of(e.Pool, ref.Tag.Rel).RedoRecord(ref.Tag.Block, free)
}

// fill is change for the page that takes a new tuple: block 0, empty before if
// init is set. With note the free space map hears of a page that is nearly full.
func (e *RedoEnv) fill(d *xlog.Decoded, init, note bool, apply func(p page.Page) error) error {
	free := lowSpace
	err := e.change(d, 0, initMode(init), &free, apply)
	if err == nil && note && free < lowSpace {
		err = e.noteSpace(d, 0, free)
	}
	return err
}

// lowSpace is the free space below which redo tells the free space map.
const lowSpace = page.Size / 5

func initMode(init bool) bufmgr.RedoRead {
	if init {
		return bufmgr.RedoRead{Mode: bufmgr.Zero}
	}
	return bufmgr.RedoRead{}
}

// block is block reference id and its data.
func block(d *xlog.Decoded, id uint8) (page.Tag, []byte, error) {
	ref := d.Block(id)
	if ref == nil {
		return page.Tag{}, nil, badRecord("a block reference is missing")
	}
	return ref.Tag, ref.Data, nil
}

func redoHeap(e *RedoEnv, d *xlog.Decoded) error {
	init := d.RmgrInfo()&infoInit != 0
	switch d.RmgrInfo() & infoOpMask {
	case infoInsert:
		return e.redoInsert(d, init)
	case infoDelete:
		return e.redoDelete(d)
	case infoUpdate, infoHotUpdate:
		return e.redoUpdate(d, d.RmgrInfo()&infoOpMask == infoHotUpdate, init)
	case infoTruncate:
		return nil // logical decoding's; the files are Storage's
	case infoConfirm:
		return e.redoOff(d, func(p page.Page, tag page.Tag, off page.OffsetNumber, _ []byte) error {
			return applyConfirm(p, tag.Block, off)
		})
	case infoLock:
		return e.redoLock(d, false)
	case infoInplace:
		return e.redoOff(d, func(p page.Page, _ page.Tag, off page.OffsetNumber, data []byte) error {
			return applyInplace(p, off, data)
		})
	}
	return pgerr.New(pgerr.InternalError, "heap_redo: unknown op code %d", d.RmgrInfo())
}

func redoHeap2(e *RedoEnv, d *xlog.Decoded) error {
	switch d.RmgrInfo() & infoOpMask {
	case info2Rewrite:
		return e.redoRewrite(d)
	case info2NewCID:
		return nil // logical decoding's
	case info2Prune:
		return e.redoPrune(d)
	case info2Vacuum:
		return e.redoVacuum(d)
	case info2FreezePage:
		return e.redoFreeze(d)
	case info2Visible:
		return e.redoVisible(d)
	case info2MultiInsert:
		return e.redoMultiInsert(d, d.RmgrInfo()&infoInit != 0)
	}
	return e.redoLock(d, true)
}

func (e *RedoEnv) redoInsert(d *xlog.Decoded, init bool) error {
	r, err := decodeInsert(d.Main)
	if err != nil {
		return err
	}
	tag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	if err := e.clearMap(d, 0, r.Flags&insertAllVisibleCleared != 0, vm.ValidBits); err != nil {
		return err
	}
	return e.fill(d, init, true, func(p page.Page) error {
		return applyInsert(p, tag.Block, d.XID, init, r, data)
	})
}

func (e *RedoEnv) redoMultiInsert(d *xlog.Decoded, init bool) error {
	r, err := decodeMultiInsert(d.Main, init)
	if err != nil {
		return err
	}
	tag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	if err := e.clearMap(d, 0, r.Flags&insertAllVisibleCleared != 0, vm.ValidBits); err != nil {
		return err
	}
	return e.fill(d, init, true, func(p page.Page) error {
		return applyMultiInsert(p, tag.Block, d.XID, init, r, data)
	})
}

func (e *RedoEnv) redoDelete(d *xlog.Decoded) error {
	r, err := decodeDelete(d.Main)
	if err != nil {
		return err
	}
	tag, _, err := block(d, 0)
	if err != nil {
		return err
	}
	if err := e.clearMap(d, 0, r.Flags&deleteAllVisibleCleared != 0, vm.ValidBits); err != nil {
		return err
	}
	return e.change(d, 0, bufmgr.RedoRead{}, nil, func(p page.Page) error {
		return applyDelete(p, tag.Block, d.XID, r)
	})
}

// redoUpdate replays the old tuple's page first and keeps it locked: the new
// tuple may take bytes from it, and no reader may find a link that leads nowhere.
func (e *RedoEnv) redoUpdate(d *xlog.Decoded, hot, init bool) error {
	r, err := decodeUpdate(d.Main)
	if err != nil {
		return err
	}
	newTag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	same := d.Block(1) == nil
	oldID := uint8(1)
	if same {
		oldID = 0
	}
	if err := e.clearMap(d, oldID, r.Flags&updateOldAllVisibleCleared != 0, vm.ValidBits); err != nil {
		return err
	}
	if err := e.clearMap(d, 0, r.Flags&updateNewAllVisibleCleared != 0, vm.ValidBits); err != nil {
		return err
	}
	self := page.TID{Block: newTag.Block, Off: r.NewOff}
	if same {
		return e.redoUpdateSame(d, hot, init, r, self, data)
	}
	ob, act, err := bufmgr.ReadForRedo(e.Pool, d, 1, bufmgr.RedoRead{})
	if err != nil {
		return err
	}
	if ob != 0 {
		defer e.Pool.UnlockRelease(ob)
	}
	if act == bufmgr.NeedsRedo {
		p := e.Pool.Page(ob)
		if err := applyUpdateOld(p, d.XID, hot, r, self); err != nil {
			return err
		}
		p.SetLSN(d.End)
		e.Pool.MarkDirty(ob)
	}
	return e.fill(d, init, !hot, func(p page.Page) error {
		t, err := buildUpdate(r, nil, data, d.XID, self)
		if err != nil {
			return err
		}
		return applyUpdateNew(p, init, r, t)
	})
}

func (e *RedoEnv) redoUpdateSame(d *xlog.Decoded, hot, init bool, r updateRec, self page.TID, data []byte) error {
	return e.fill(d, init, !hot, func(p page.Page) error {
		old, err := tupleOn(p, r.OldOff)
		if err != nil {
			return err
		}
		t, err := buildUpdate(r, old, data, d.XID, self)
		if err != nil {
			return err
		}
		if err := applyUpdateOld(p, d.XID, hot, r, self); err != nil {
			return err
		}
		return applyUpdateNew(p, init, r, t)
	})
}

func (e *RedoEnv) redoLock(d *xlog.Decoded, updated bool) error {
	r, err := decodeLock(d.Main)
	if err != nil {
		return err
	}
	tag, _, err := block(d, 0)
	if err != nil {
		return err
	}
	if err := e.clearMap(d, 0, r.Flags&lockAllFrozenCleared != 0, vm.AllFrozen); err != nil {
		return err
	}
	return e.change(d, 0, bufmgr.RedoRead{}, nil, func(p page.Page) error {
		if updated {
			return applyLockUpdated(p, r)
		}
		if err := applyLock(p, tag.Block, r); err != nil {
			return err
		}
		t, err := tupleOn(p, r.Off)
		if err == nil {
			setCmax(t, 0, false)
		}
		return err
	})
}

func (e *RedoEnv) redoOff(d *xlog.Decoded, apply func(page.Page, page.Tag, page.OffsetNumber, []byte) error) error {
	off, err := decodeOff(d.Main)
	if err != nil {
		return err
	}
	tag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	return e.change(d, 0, bufmgr.RedoRead{}, nil, func(p page.Page) error { return apply(p, tag, off, data) })
}

func (e *RedoEnv) conflict(x xid.XID, rel page.RelFileNode) error {
	if e.Conflict == nil || !x.IsNormal() {
		return nil
	}
	return e.Conflict(x, rel)
}

func (e *RedoEnv) redoPrune(d *xlog.Decoded) error {
	tag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	if len(d.Main) < sizePrune {
		return badRecord("short PRUNE")
	}
	if err := e.conflict(xid.XID(le.Uint32(d.Main)), tag.Rel); err != nil {
		return err
	}
	free := -1
	err = e.change(d, 0, bufmgr.RedoRead{Cleanup: true}, &free, func(p page.Page) error {
		r, err := decodePrune(d.Main, data)
		if err != nil {
			return err
		}
		return applyPrune(p, r)
	})
	if err == nil && free >= 0 {
		err = e.noteSpace(d, 0, free)
	}
	return err
}

func (e *RedoEnv) redoVacuum(d *xlog.Decoded) error {
	_, data, err := block(d, 0)
	if err != nil {
		return err
	}
	free := -1
	err = e.change(d, 0, bufmgr.RedoRead{}, &free, func(p page.Page) error { return applyVacuum(p, offsets(data)) })
	if err == nil && free >= 0 {
		err = e.noteSpace(d, 0, free)
	}
	return err
}

func (e *RedoEnv) redoFreeze(d *xlog.Decoded) error {
	tag, data, err := block(d, 0)
	if err != nil {
		return err
	}
	if len(d.Main) < sizeFreezePage {
		return badRecord("short FREEZE_PAGE")
	}
	if err := e.conflict(xid.XID(le.Uint32(d.Main)).Prev(), tag.Rel); err != nil {
		return err
	}
	return e.change(d, 0, bufmgr.RedoRead{}, nil, func(p page.Page) error {
		plans, err := decodeFreeze(d.Main, data)
		if err != nil {
			return err
		}
		return applyFreeze(p, plans)
	})
}

// redoVisible sets the heap page's bit before the map's, so that the map never
// says more than the page.
func (e *RedoEnv) redoVisible(d *xlog.Decoded) error {
	r, err := decodeVisible(d.Main)
	if err != nil {
		return err
	}
	heapTag, _, err := block(d, 1)
	if err != nil {
		return err
	}
	if err := e.conflict(r.Cutoff, heapTag.Rel); err != nil {
		return err
	}
	b, act, err := bufmgr.ReadForRedo(e.Pool, d, 1, bufmgr.RedoRead{})
	if err != nil {
		return err
	}
	if b != 0 {
		p := e.Pool.Page(b)
		if act == bufmgr.NeedsRedo {
			p.SetFlag(page.AllVisible)
			if e.HintWAL {
				p.SetLSN(d.End)
			}
			e.Pool.MarkDirty(b)
		}
		free := heapFreeSpace(p)
		e.Pool.UnlockRelease(b)
		if err := e.noteSpace(d, 1, free); err != nil {
			return err
		}
	}
	b, act, err = bufmgr.ReadForRedo(e.Pool, d, 0, bufmgr.RedoRead{Mode: bufmgr.ZeroOnError})
	if err != nil || b == 0 {
		return err
	}
	if act == bufmgr.NeedsRedo {
		applyVisibleMap(e.Pool.Page(b), heapTag.Block, r.Flags)
		e.Pool.Page(b).SetLSN(d.End)
		e.Pool.MarkDirty(b)
	}
	e.Pool.UnlockRelease(b)
	return nil
}
