package heap

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// LockOptions of LockTuple.
type LockOptions struct {
	Command       xid.Command
	Mode          LockMode
	Wait          WaitPolicy
	FollowUpdates bool // lock the later versions of the row too
}

// LockTuple takes a row lock on the tuple at tid (heap_lock_tuple) and returns a
// copy of the tuple. A result other than OK comes with the reason.
func LockTuple(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, opt LockOptions) (Result, Tuple, FailureData, error) {
	x, err := tx.XID()
	if err != nil {
		return 0, Tuple{}, FailureData{}, err
	}
	tx.MultiSetOldest()
	c := changer{kind: xact.WaitLock, policy: opt.Wait}
	if err := c.open(ctx, tx, rel, tid); err != nil {
		return 0, Tuple{}, FailureData{}, err
	}
	defer c.close()
	t, err := c.tuple()
	if err != nil {
		c.unlock()
		return 0, Tuple{}, FailureData{}, err
	}
	if c.holdsAlready(t, opt) {
		out := Tuple{tid, append(access.Tuple(nil), t...)}
		c.unlock()
		return OK, out, FailureData{}, nil
	}
	t, res, err := c.judge(opt.Command, true, func(access.Tuple) (LockMode, error) { return opt.Mode, nil })
	if err != nil || res == Invisible {
		return res, Tuple{TID: tid}, FailureData{}, err
	}
	if res == Updated && opt.Mode == KeyShare && t.Infomask2()&access.KeysUpdated == 0 {
		res = OK // the key is what it was
	}
	out := Tuple{tid, append(access.Tuple(nil), t...)}
	if res != OK {
		f := c.failure(t, res)
		c.unlock()
		return res, out, f, nil
	}
	next, prior := t.CTID(), c.updateXID(t)
	st, err := c.newXmax(t, x, opt.Mode, false)
	if err == nil {
		err = c.logLock(st, xid.InvalidCommand)
	}
	c.unlock()
	if err == nil && opt.FollowUpdates && prior != xid.Invalid && next != tid {
		err = lockChain(ctx, tx, rel, next, prior, x, opt.Mode)
	}
	return OK, out, FailureData{}, err
}

// holdsAlready reports whether this very transaction holds a lock on t that is as
// strong as the one wanted.
func (c *changer) holdsAlready(t access.Tuple, opt LockOptions) bool {
	m, x := t.Infomask(), t.RawXmax()
	if m&access.XmaxInvalid != 0 || x == xid.Invalid || c.update(t, c.tid, opt.Command) != BeingModified {
		return false
	}
	if m&access.XmaxIsMulti == 0 {
		return c.tx.IsCurrent(x) && access.XmaxLockedOnly(m) && statusMode[oldStatus(m, t.Infomask2())] >= opt.Mode
	}
	members, err := c.m.MultiMembers(c.tx, xid.Multi(x), access.XmaxLockedOnly(m))
	if err != nil {
		return false // newXmax meets the error again
	}
	for _, mb := range members {
		if c.tx.IsCurrent(mb.XID) && statusMode[mb.Status] >= opt.Mode {
			return true
		}
	}
	return false
}

// logLock gives the tuple the xmax st. cmax is stored too unless it is invalid.
func (c *changer) logLock(st xmaxState, cmax xid.Command) error {
	x, err := c.tx.XID() // in the record, so that recovery does not give it out again
	if err != nil {
		return err
	}
	p := c.pool.Page(c.buf)
	r := lockRec{Xmax: st.xmax, Off: c.tid.Off, Bits: st.bits()}
	if c.vm.clear(c.rel, c.tid.Block, vmAllFrozen) {
		r.Flags |= lockAllFrozenCleared
	}
	t, err := c.tuple()
	if err != nil {
		return err
	}
	var cid xid.Command
	combo := false
	if cmax != xid.InvalidCommand {
		cid, combo = c.cmaxFor(t, cmax)
	}
	if err := applyLock(p, c.tid.Block, r); err != nil {
		return broken(c.rel, "lock a tuple", err)
	}
	if cmax != xid.InvalidCommand {
		setCmax(t, cid, combo)
	}
	c.pool.MarkDirty(c.buf)
	rec := record(c.tx)
	var main [sizeLock]byte
	rec.Begin(xlog.RmHeap, infoLock, x)
	rec.Data(r.append(main[:0]))
	rec.Block(0, c.pool.Tag(c.buf), p, xlog.Standard)
	return logged(c.rel, rec, c.buf)
}

// lockChain locks the versions of a row from tid on, the first of which prior
// made (heap_lock_updated_tuple).
func lockChain(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, prior, x xid.XID, mode LockMode) error {
	for tid.Valid() && tid.Off != access.MovedPartitions {
		next, by, err := lockVersion(ctx, tx, rel, tid, prior, x, mode)
		if err != nil || by == xid.Invalid || next == tid {
			return err
		}
		tid, prior = next, by
	}
	return nil
}

// lockVersion locks one later version. It returns the next one and who made it.
func lockVersion(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, prior, x xid.XID, mode LockMode) (page.TID, xid.XID, error) {
	c := changer{kind: xact.WaitLockUpdated}
	if err := c.open(ctx, tx, rel, tid); err != nil {
		return tid, xid.Invalid, err
	}
	defer c.close()
	for {
		t, err := c.tuple()
		if err != nil || t.Xmin() != prior || c.m.DidAbort(t.RawXmin()) {
			c.unlock()
			return tid, xid.Invalid, nil // pruned away, or the update was rolled back
		}
		if t.Infomask()&access.XmaxInvalid == 0 && t.RawXmax() != xid.Invalid {
			w, err := c.wait(t, mode)
			if err != nil {
				return tid, xid.Invalid, err
			}
			if w == changed {
				continue
			}
			if t, err = c.tuple(); err != nil {
				c.unlock()
				return tid, xid.Invalid, err
			}
		}
		next, by := t.CTID(), c.updateXID(t)
		st, err := c.newXmax(t, x, mode, false)
		if err == nil {
			err = c.logLockUpdated(st)
		}
		c.unlock()
		return next, by, err
	}
}

func (c *changer) logLockUpdated(st xmaxState) error {
	x, err := c.tx.XID() // in the record, so that recovery does not give it out again
	if err != nil {
		return err
	}
	p := c.pool.Page(c.buf)
	r := lockRec{Xmax: st.xmax, Off: c.tid.Off, Bits: st.bits()}
	if c.vm.clear(c.rel, c.tid.Block, vmAllFrozen) {
		r.Flags |= lockAllFrozenCleared
	}
	if err := applyLockUpdated(p, r); err != nil {
		return broken(c.rel, "lock a tuple", err)
	}
	c.pool.MarkDirty(c.buf)
	rec := record(c.tx)
	var main [sizeLock]byte
	rec.Begin(xlog.RmHeap2, info2LockUpdated, x)
	rec.Data(r.append(main[:0]))
	rec.Block(0, c.pool.Tag(c.buf), p, xlog.Standard)
	return logged(c.rel, rec, c.buf)
}

// LockLatest is LockTuple on the latest version of the row whose version at tid
// someone updated: what EvalPlanQual locks. FailureData.Traversed says that it is
// a later version than tid. Deleted means that the row is gone.
func LockLatest(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, opt LockOptions) (Result, Tuple, FailureData, error) {
	traversed := false
	for {
		res, t, f, err := LockTuple(ctx, tx, rel, tid, opt)
		f.Traversed = traversed
		if err != nil || res != Updated || f.CTID == tid {
			return res, t, f, err
		}
		if f.CTID.Off == access.MovedPartitions {
			return Deleted, t, f, nil
		}
		same, err := madeBy(tx, rel, f.CTID, f.Xmax)
		if err != nil {
			return 0, t, f, err
		}
		if !same { // the row version after it is gone, and its place taken
			return Deleted, t, f, nil
		}
		tid, traversed = f.CTID, true
	}
}

// madeBy reports whether there is a tuple at tid that x inserted.
func madeBy(tx *xact.Tx, rel *access.Relation, tid page.TID, x xid.XID) (bool, error) {
	n, err := rel.Pool.NBlocks(rel.Node, page.MainFork)
	if err != nil || tid.Block >= n {
		return false, err
	}
	b, err := rel.Pool.Read(rel.Tag(page.MainFork, tid.Block), bufmgr.Normal, nil)
	if err != nil {
		return false, err
	}
	rel.Pool.Lock(b, bufmgr.Shared)
	t, err := tupleOn(rel.Pool.Page(b), tid.Off)
	same := err == nil && t.Xmin() == x
	rel.Pool.UnlockRelease(b)
	return same, nil
}
