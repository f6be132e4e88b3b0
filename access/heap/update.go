package heap

import (
	"bytes"
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// UpdateResult says what Update did.
type UpdateResult struct {
	TID  page.TID // of the new version
	HOT  bool     // no index needs a new entry
	Lock LockMode // that it took on the old version
}

// updater is one Update.
type updater struct {
	changer
	x     xid.XID
	opt   ChangeOptions
	vals  []datum.Datum
	raw   [][]byte     // stored values kept from the old tuple
	new   access.Tuple // before TOAST
	mode  LockMode
	hot   bool // no indexed column changed
	newVM vmPin
}

// Update replaces the tuple at tid by a row of vals, waiting for others who are at
// it. A result other than OK comes with the reason and changes nothing.
func Update(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, vals []datum.Datum, opt ChangeOptions) (Result, UpdateResult, FailureData, error) {
	x, err := tx.XID()
	if err != nil {
		return 0, UpdateResult{}, FailureData{}, err
	}
	u := updater{x: x, opt: opt, vals: vals}
	u.kind = xact.WaitUpdate
	if err := u.open(ctx, tx, rel, tid); err != nil {
		return 0, UpdateResult{}, FailureData{}, err
	}
	defer u.close()
	defer u.newVM.release(rel)
	t, err := u.tuple()
	if err == nil {
		err = u.form(t)
	}
	if err != nil {
		u.unlock()
		return 0, UpdateResult{}, FailureData{}, err
	}
	tx.MultiSetOldest()
	t, res, err := u.judge(opt.Command, !opt.NoWait, func(access.Tuple) (LockMode, error) { return u.mode, nil })
	switch {
	case err != nil:
		return 0, UpdateResult{}, FailureData{}, err
	case res == Invisible:
		return res, UpdateResult{}, FailureData{}, invisible("update")
	}
	if res == OK && opt.Crosscheck != nil && !u.mvcc(t, tid.Off, opt.Crosscheck) {
		res = Updated
	}
	if res != OK {
		f := u.failure(t, res)
		u.unlock()
		return res, UpdateResult{Lock: u.mode}, f, nil
	}
	out, err := u.do(t)
	if err == nil {
		tx.Stats().Updated(rel.OID, rel.Shared, tx.Depth(), out.HOT)
	}
	return OK, out, FailureData{}, err
}

// form makes the new tuple, without TOAST, and decides by the columns that differ
// which lock the update takes and whether it may be HOT.
func (u *updater) form(old access.Tuple) error {
	n := len(u.rel.Desc.Attrs)
	oldRaw := make([][]byte, n)
	if err := access.StoredColumns(u.rel.Desc, old, oldRaw); err != nil {
		return err
	}
	for i, keep := range u.opt.Keep {
		if keep && i < n && oldRaw[i] != nil {
			if u.raw == nil {
				u.raw = make([][]byte, n)
			}
			u.raw[i] = append([]byte(nil), oldRaw[i]...)
		}
	}
	var err error
	if u.new, err = access.FormStored(u.rel.Desc, u.vals, u.raw); err != nil {
		return err
	}
	key, blocking, err := u.changes(old)
	if err != nil {
		return err
	}
	u.mode, u.hot = NoKeyExclusive, !blocking
	if key {
		u.mode = Exclusive
	}
	return nil
}

// changes reports whether a key column and whether an indexed column has other
// bytes in the new tuple than in old.
func (u *updater) changes(old access.Tuple) (key, blocking bool, err error) {
	rel := u.rel
	if len(rel.HotBlocking) == 0 && len(rel.KeyAttrs) == 0 {
		return false, false, nil
	}
	n := len(rel.Desc.Attrs)
	a, b := make([]access.Field, n), make([]access.Field, n)
	if err := access.Fields(rel.Desc, old, a); err != nil {
		return false, false, err
	}
	if err := access.Fields(rel.Desc, u.new, b); err != nil {
		return false, false, err
	}
	for i := range n {
		isKey := i < len(rel.KeyAttrs) && rel.KeyAttrs[i]
		isHot := i < len(rel.HotBlocking) && rel.HotBlocking[i]
		if (isKey || isHot) && (a[i].Null != b[i].Null || !bytes.Equal(a[i].Stored, b[i].Stored)) {
			key, blocking = key || isKey, blocking || isHot
		}
	}
	return key, blocking, nil
}

// do carries the update out. The page is locked on entry and not on return.
func (u *updater) do(old access.Tuple) (UpdateResult, error) {
	p := u.pool.Page(u.buf)
	st, err := u.newXmax(old, u.x, u.mode, true)
	if err != nil {
		u.unlock()
		return UpdateResult{}, err
	}
	newSt, err := u.inherited(old)
	if err != nil {
		u.unlock()
		return UpdateResult{}, err
	}
	toast := canToast(u.rel) && (len(u.new) > toastThreshold || old.Infomask()&access.HasExternal != 0 || u.new.Infomask()&access.HasExternal != 0)
	nb := u.buf
	var oldCopy access.Tuple
	if toast || page.MaxAlign(len(u.new)) > heapFreeSpace(p) {
		oldCopy = append(oldCopy, old...)
		if nb, err = u.roomElsewhere(old, toast, oldCopy); err != nil {
			return UpdateResult{}, err
		}
		if old, err = u.tuple(); err != nil {
			u.releaseNew(nb)
			return UpdateResult{}, err
		}
		if st, err = u.newXmax(old, u.x, u.mode, true); err != nil {
			u.releaseNew(nb)
			return UpdateResult{}, err
		}
	}
	prepare(u.new, u.x, false)
	u.new.SetXmax(newSt.xmax)
	m := u.new.Infomask()&^access.XmaxInvalid | access.Updated | newSt.m
	if newSt.xmax == xid.Invalid {
		m |= access.XmaxInvalid
	}
	u.new.SetInfomask(m)
	u.new.SetInfomask2(u.new.Infomask2() | newSt.m2)
	var res UpdateResult
	if err = u.rel.Wrote(u.tx, u.tid); err == nil {
		res, err = u.logUpdate(old, st, nb)
	}
	u.releaseNew(nb)
	if err == nil && toast {
		err = toastDeleteReplaced(u.ctx, u.tx, u.rel, oldCopy, u.new)
	}
	return res, err
}

func (u *updater) releaseNew(nb bufmgr.Buffer) {
	if nb != u.buf {
		u.pool.UnlockRelease(nb)
	}
	u.unlock()
}

// inherited is the xmax of the new version: those who hold a key share lock on
// the old one hold it on the new one too.
func (u *updater) inherited(old access.Tuple) (xmaxState, error) {
	m, x := old.Infomask(), old.RawXmax()
	switch {
	case m&access.XmaxInvalid != 0, x == xid.Invalid:
		return xmaxState{}, nil
	case m&access.XmaxIsMulti != 0:
		if !u.multiRunning(old) {
			return xmaxState{}, nil
		}
		return u.multiState(xid.Multi(x))
	case !access.XmaxLockedOnly(m), !u.m.IsInProgress(x):
		return xmaxState{}, nil
	}
	return xmaxState{xmax: x, m: access.XmaxKeyShrLock | access.XmaxLockOnly}, nil
}

// roomElsewhere locks the old tuple for the time that its page is unlocked, moves
// long values to the TOAST table, and finds a page for the new tuple, which may
// turn out to be the old one. Both pages are locked on return.
func (u *updater) roomElsewhere(old access.Tuple, toast bool, oldCopy access.Tuple) (bufmgr.Buffer, error) {
	st, err := u.newXmax(old, u.x, u.mode, false)
	if err == nil {
		err = u.logLock(st, u.opt.Command)
	}
	u.unlock()
	if err != nil {
		return 0, err
	}
	if toast {
		if err := u.toastNew(oldCopy); err != nil {
			return 0, err
		}
	}
	size := page.MaxAlign(len(u.new))
	if err := u.lock(); err != nil {
		return 0, err
	}
	if size <= heapFreeSpace(u.pool.Page(u.buf)) {
		return u.buf, nil
	}
	u.unlock()
	b, err := findRoom(u.rel, room{size: size, other: u.buf, otherNo: u.tid.Block}, &u.newVM, &u.vm)
	if err != nil {
		return 0, err
	}
	u.on(u.pool.Page(u.buf), true)
	if b == u.buf {
		u.pool.Release(b) // pinned twice
	}
	return b, nil
}

// toastNew is new with its long values moved out. Values that new shares with the
// old tuple stay where they are.
func (u *updater) toastNew(oldCopy access.Tuple) error {
	t, err := toastRow(u.ctx, u.tx, u.rel, u.vals, u.raw, InsertOptions{Command: u.opt.Command})
	if err == nil {
		u.new = t
	}
	return err
}

// logUpdate writes the new tuple to the page in nb and links the old one to it.
// Both pages are locked and have room.
func (u *updater) logUpdate(old access.Tuple, st xmaxState, nb bufmgr.Buffer) (UpdateResult, error) {
	p, np := u.pool.Page(u.buf), u.pool.Page(nb)
	same := nb == u.buf
	hot := same && u.hot
	cmax, combo := u.cmaxFor(old, u.opt.Command)
	blk := u.pool.Tag(nb).Block
	r := updateRec{OldXmax: st.xmax, OldOff: u.tid.Off, OldBits: st.bits(), NewXmax: u.new.RawXmax(), NewOff: np.FreeOffset()}
	self := page.TID{Block: blk, Off: r.NewOff}
	if p.Flags()&page.AllVisible != 0 {
		r.Flags |= updateOldAllVisibleCleared
	}
	if !same && np.Flags()&page.AllVisible != 0 {
		r.Flags |= updateNewAllVisibleCleared
	}
	if hot {
		u.new.SetInfomask2(u.new.Infomask2() | access.OnlyTuple)
	}
	prefix, suffix := 0, 0
	if same && u.rel.Logged() && !u.rel.Sys.Log.NeedsBackup(np.LSN()) {
		prefix, suffix = commonEnds(old.Data(), u.new.Data())
	}
	if prefix > 0 {
		r.Flags |= updatePrefixFromOld
	}
	if suffix > 0 {
		r.Flags |= updateSuffixFromOld
	}
	init := np.NumItems() == 0
	rec := u.begin(r, hot, init, np, nb, p)
	var scratch [512]byte
	rec.BlockData(0, appendUpdateData(scratch[:0], u.new, prefix, suffix))

	t, err := buildUpdate(r, old, rec.BlockBytes(0), u.x, self)
	if err != nil {
		return UpdateResult{}, broken(u.rel, "update a tuple", err)
	}
	if r.Flags&updateOldAllVisibleCleared != 0 {
		u.vm.clear(u.rel, u.tid.Block, vmAllVisible|vmAllFrozen)
	}
	if r.Flags&updateNewAllVisibleCleared != 0 {
		u.newVM.clear(u.rel, blk, vmAllVisible|vmAllFrozen)
	}
	if err := applyUpdateOld(p, u.x, hot, r, self); err != nil {
		return UpdateResult{}, broken(u.rel, "update a tuple", err)
	}
	if err := applyUpdateNew(np, init, r, t); err != nil {
		return UpdateResult{}, broken(u.rel, "update a tuple", err)
	}
	setCmax(old, cmax, combo)
	on, _ := tupleOn(np, r.NewOff)
	on.SetRawCid(u.opt.Command)
	if !same {
		p.SetFlag(page.PageFull)
		u.pool.MarkDirty(nb)
	}
	u.pool.MarkDirty(u.buf)
	if same {
		err = logged(u.rel, rec, u.buf)
	} else {
		err = logged(u.rel, rec, u.buf, nb)
	}
	return UpdateResult{TID: self, HOT: hot, Lock: u.mode}, err
}

// begin starts the record: block 0 is the new tuple's page, block 1 the old one's
// if that is another.
func (u *updater) begin(r updateRec, hot, init bool, np page.Page, nb bufmgr.Buffer, p page.Page) *xlog.Record {
	info := uint8(infoUpdate)
	if hot {
		info = infoHotUpdate
	}
	flags := xlog.Standard
	if init {
		info |= infoInit
		flags |= xlog.WillInit
	}
	rec := record(u.tx)
	var main [sizeUpdate]byte
	rec.Begin(xlog.RmHeap, info, u.x)
	rec.SetFlags(xlog.IncludeOrigin)
	rec.Data(r.append(main[:0]))
	rec.Block(0, u.pool.Tag(nb), np, flags)
	if nb != u.buf {
		rec.Block(1, u.pool.Tag(u.buf), p, xlog.Standard)
	}
	return rec
}
