package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// cutoffs are the ages at which VACUUM acts.
type cutoffs struct {
	oldestXmin  xid.XID   // what was deleted before it is dead
	freezeLimit xid.XID   // older ids are frozen
	multiLimit  xid.Multi // older multixacts are replaced
	relFrozen   xid.XID   // the table promises to hold no older id
	relMinMulti xid.Multi
}

// freezeTrack keeps the oldest ids that stay in the table.
type freezeTrack struct {
	xid   xid.XID
	multi xid.Multi
}

func (f *freezeTrack) keep(x xid.XID) {
	if x.IsNormal() && x.Precedes(f.xid) {
		f.xid = x
	}
}

func (f *freezeTrack) keepMulti(m xid.Multi) {
	if m != 0 && m.Precedes(f.multi) {
		f.multi = m
	}
}

// planFreeze decides what of t is to be frozen (heap_prepare_freeze_tuple). total
// says that nothing of t will need it later.
func (v *viewer) planFreeze(t access.Tuple, off page.OffsetNumber, c *cutoffs, track *freezeTrack) (plan freezePlan, changed, total bool, err error) {
	m, m2 := t.Infomask(), t.Infomask2()
	plan = freezePlan{Xmax: t.RawXmax(), Off: off, Infomask: m, Infomask2: m2}
	total = true
	if x := t.Xmin(); x.IsNormal() {
		switch {
		case x.Precedes(c.relFrozen):
			return plan, false, false, pgerr.New(pgerr.DataCorrupted, "found xmin %d from before relfrozenxid %d", x, c.relFrozen)
		case x.Precedes(c.freezeLimit):
			if !v.m.DidCommit(x) {
				return plan, false, false, pgerr.New(pgerr.DataCorrupted, "uncommitted xmin %d from before xid cutoff %d needs to be frozen", x, c.freezeLimit)
			}
			plan.Infomask |= access.XminFrozen
			changed = true
		default:
			total = false
			track.keep(x)
		}
	}
	x := t.RawXmax()
	drop := false
	switch {
	case m&access.XmaxIsMulti != 0:
		did, done, err := v.freezeMulti(t, &plan, c, track)
		if err != nil {
			return plan, false, false, err
		}
		changed, total = changed || did, total && done
	case x.IsNormal() && x.Precedes(c.relFrozen):
		return plan, false, false, pgerr.New(pgerr.DataCorrupted, "found xmax %d from before relfrozenxid %d", x, c.relFrozen)
	case x.IsNormal() && x.Precedes(c.freezeLimit):
		if !access.XmaxLockedOnly(m) && v.m.DidCommit(x) {
			return plan, false, false, pgerr.New(pgerr.DataCorrupted, "cannot freeze committed xmax %d", x)
		}
		drop = true
	case x.IsNormal():
		total = false
		track.keep(x)
	}
	if drop {
		plan.dropXmax()
		changed = true
	}
	return plan, changed, total, nil
}

func (f *freezePlan) dropXmax() {
	f.Xmax = xid.Invalid
	f.Infomask = f.Infomask&^access.XmaxBits | access.XmaxInvalid
	f.Infomask2 &^= access.HotUpdated | access.KeysUpdated
}

// freezeMulti is planFreeze for a multixact: members that are over and did not
// update go (FreezeMultiXactId).
func (v *viewer) freezeMulti(t access.Tuple, plan *freezePlan, c *cutoffs, track *freezeTrack) (changed, total bool, err error) {
	multi := xid.Multi(t.RawXmax())
	lockOnly := access.XmaxLockedOnly(t.Infomask())
	if multi == 0 {
		plan.dropXmax()
		return true, true, nil
	}
	if multi.Precedes(c.relMinMulti) {
		return false, false, pgerr.New(pgerr.DataCorrupted, "found multixact %d from before relminmxid %d", multi, c.relMinMulti)
	}
	members, err := v.m.MultiMembers(v.tx, multi, lockOnly)
	if err != nil {
		return false, false, err
	}
	old := multi.Precedes(c.multiLimit)
	for _, mb := range members {
		old = old || mb.XID.Precedes(c.freezeLimit)
	}
	if !old {
		track.keepMulti(multi)
		for _, mb := range members {
			track.keep(mb.XID)
		}
		return false, false, nil
	}
	var kept []xact.MultiMember
	updater, committed := xid.Invalid, false
	for _, mb := range members {
		running := v.tx.IsCurrent(mb.XID) || v.m.IsInProgress(mb.XID)
		if !mb.Status.IsUpdate() {
			if running {
				kept = append(kept, mb)
			}
			continue
		}
		committed = !running && v.m.DidCommit(mb.XID)
		if committed && mb.XID.Precedes(c.freezeLimit) {
			return false, false, pgerr.New(pgerr.DataCorrupted, "multixact %d contains committed update XID %d from before removable cutoff", multi, mb.XID)
		}
		if running || committed {
			updater = mb.XID
			kept = append(kept, mb)
		}
	}
	for _, mb := range kept {
		track.keep(mb.XID)
	}
	switch {
	case len(kept) == 0:
		plan.dropXmax()
		return true, true, nil
	case len(kept) == 1 && updater != xid.Invalid:
		plan.Infomask &^= access.XmaxBits
		plan.Xmax = updater
		if committed {
			plan.Infomask |= access.XmaxCommitted
		}
		return true, false, nil
	}
	repl, err := v.m.MultiCreate(v.tx, kept)
	if err != nil {
		return false, false, err
	}
	st, err := v.multiState(repl)
	if err != nil {
		return false, false, err
	}
	track.keepMulti(repl)
	plan.Xmax = st.xmax
	plan.Infomask = plan.Infomask&^access.XmaxBits | st.m
	plan.Infomask2 = plan.Infomask2&^access.KeysUpdated | st.m2
	return true, false, nil
}

// logFreeze carries out plans on the page in b, locked exclusively.
func logFreeze(tx *xact.Tx, rel *access.Relation, b bufmgr.Buffer, cutoff xid.XID, plans []freezePlan) error {
	p := rel.Pool.Page(b)
	if err := applyFreeze(p, plans); err != nil {
		return broken(rel, "freeze a page", err)
	}
	rel.Pool.MarkDirty(b)
	rec := record(tx)
	var main [sizeFreezePage]byte
	rec.Begin(xlog.RmHeap2, info2FreezePage, tx.TopXID())
	rec.Data(appendFreezePage(main[:0], cutoff, len(plans)))
	rec.Block(0, rel.Pool.Tag(b), p, xlog.Standard)
	var data []byte
	for _, f := range plans {
		data = f.append(data)
	}
	rec.BlockData(0, data)
	return logged(rel, rec, b)
}

// setVisible marks the page in b, locked exclusively, as all-visible, or with
// flags as all-frozen, on the page and in the map, whose page vm has pinned.
// cutoff is the newest xmin on the page.
func setVisible(tx *xact.Tx, rel *access.Relation, b bufmgr.Buffer, vm *vmPin, cutoff xid.XID, flags uint8) error {
	pool := rel.Pool
	p, blk := pool.Page(b), pool.Tag(b).Block
	if p.Flags()&page.AllVisible == 0 {
		p.SetFlag(page.AllVisible)
	}
	pool.MarkDirty(b)
	pool.Lock(vm.buf, bufmgr.Exclusive)
	defer pool.Unlock(vm.buf)
	mp := pool.Page(vm.buf)
	applyVisibleMap(mp, blk, flags)
	pool.MarkDirty(vm.buf)
	rec := record(tx)
	var main [sizeVisible]byte
	rec.Begin(xlog.RmHeap2, info2Visible, tx.TopXID())
	rec.Data(visibleRec{cutoff, flags}.append(main[:0]))
	rec.Block(0, pool.Tag(vm.buf), mp, 0)
	hf := xlog.Standard
	if !rel.Sys.HintWAL {
		hf |= xlog.NoImage
	}
	rec.Block(1, pool.Tag(b), p, hf)
	if rel.Sys.HintWAL {
		return logged(rel, rec, vm.buf, b)
	}
	return logged(rel, rec, vm.buf)
}
