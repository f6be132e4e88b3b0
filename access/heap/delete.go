package heap

import (
	"context"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// ChangeOptions of Delete and Update.
type ChangeOptions struct {
	Command       xid.Command    // the current command
	Crosscheck    *xact.Snapshot // if not nil, the old tuple must be visible to it too
	NoWait        bool           // return BeingModified instead of waiting
	PartitionMove bool           // Delete: the row goes to another partition
	Keep          []bool         // Update, by column: take the stored value of the old tuple
}

func invisible(verb string) error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "attempted to %s invisible tuple", verb)
}

// Delete deletes the tuple at tid, waiting for others who are at it. A result
// other than OK comes with the reason.
func Delete(ctx context.Context, tx *xact.Tx, rel *access.Relation, tid page.TID, opt ChangeOptions) (Result, FailureData, error) {
	x, err := tx.XID()
	if err != nil {
		return 0, FailureData{}, err
	}
	c := changer{kind: xact.WaitDelete}
	if err := c.open(ctx, tx, rel, tid); err != nil {
		return 0, FailureData{}, err
	}
	defer c.close()
	t, res, err := c.judge(opt.Command, !opt.NoWait, func(access.Tuple) (LockMode, error) { return Exclusive, nil })
	switch {
	case err != nil:
		return 0, FailureData{}, err
	case res == Invisible:
		return res, FailureData{}, invisible("delete")
	}
	if res == OK && opt.Crosscheck != nil && !c.mvcc(t, tid.Off, opt.Crosscheck) {
		res = Updated
	}
	if res != OK {
		f := c.failure(t, res)
		c.unlock()
		return res, f, nil
	}
	old, err := c.doDelete(t, x, opt)
	c.unlock()
	if err == nil {
		tx.Stats().Deleted(rel.OID, rel.Shared, tx.Depth())
	}
	if err == nil && old != nil {
		err = toastDelete(ctx, tx, rel, old, false)
	}
	return OK, FailureData{}, err
}

// doDelete deletes t and returns a copy of it if it has values in the TOAST table.
func (c *changer) doDelete(t access.Tuple, x xid.XID, opt ChangeOptions) (access.Tuple, error) {
	if err := c.rel.Wrote(c.tx, c.tid); err != nil {
		return nil, err
	}
	cmax, combo := c.cmaxFor(t, opt.Command)
	c.tx.MultiSetOldest()
	st, err := c.newXmax(t, x, Exclusive, true)
	if err != nil {
		return nil, err
	}
	p := c.pool.Page(c.buf)
	r := deleteRec{Xmax: st.xmax, Off: c.tid.Off, Bits: st.bits()}
	if p.Flags()&page.AllVisible != 0 {
		r.Flags |= deleteAllVisibleCleared
	}
	if opt.PartitionMove {
		r.Flags |= deletePartitionMove
	}
	var toasted access.Tuple
	if t.Infomask()&access.HasExternal != 0 && canToast(c.rel) {
		toasted = append(access.Tuple(nil), t...)
	}
	return toasted, c.logDelete(p, x, r, cmax, combo)
}

func (c *changer) logDelete(p page.Page, x xid.XID, r deleteRec, cmax xid.Command, combo bool) error {
	if r.Flags&deleteAllVisibleCleared != 0 {
		c.vm.clear(c.rel, c.tid.Block, vmAllVisible|vmAllFrozen)
	}
	if err := applyDelete(p, c.tid.Block, x, r); err != nil {
		return broken(c.rel, "delete a tuple", err)
	}
	t, _ := tupleOn(p, r.Off)
	setCmax(t, cmax, combo)
	c.pool.MarkDirty(c.buf)
	rec := record(c.tx)
	var main [sizeDelete]byte
	rec.Begin(xlog.RmHeap, infoDelete, x)
	rec.SetFlags(xlog.IncludeOrigin)
	rec.Data(r.append(main[:0]))
	rec.Block(0, c.pool.Tag(c.buf), p, xlog.Standard)
	return logged(c.rel, rec, c.buf)
}

// Confirm turns a speculative insertion into an ordinary one
// (heap_finish_speculative).
func Confirm(tx *xact.Tx, rel *access.Relation, tid page.TID) error {
	c := changer{}
	if err := c.open(context.Background(), tx, rel, tid); err != nil {
		return err
	}
	defer c.close()
	defer c.unlock()
	t, err := c.tuple()
	if err != nil {
		return err
	}
	if t.CTID().Off != access.SpecToken {
		return pgerr.New(pgerr.InternalError, "tuple %s was not inserted speculatively", tid)
	}
	p := c.pool.Page(c.buf)
	if err := applyConfirm(p, tid.Block, tid.Off); err != nil {
		return broken(rel, "confirm a speculative insertion", err)
	}
	c.pool.MarkDirty(c.buf)
	rec := record(tx)
	rec.Begin(xlog.RmHeap, infoConfirm, t.RawXmin())
	rec.SetFlags(xlog.IncludeOrigin)
	var main [2]byte
	rec.Data(appendOffsets(main[:0], []page.OffsetNumber{tid.Off}))
	rec.Block(0, c.pool.Tag(c.buf), p, xlog.Standard)
	return logged(rel, rec, c.buf)
}

// AbortSpeculative takes a speculative insertion back (heap_abort_speculative):
// the tuple is dead for everyone at once.
func AbortSpeculative(tx *xact.Tx, rel *access.Relation, tid page.TID) error {
	x, err := tx.XID()
	if err != nil {
		return err
	}
	c := changer{}
	if err := c.open(context.Background(), tx, rel, tid); err != nil {
		return err
	}
	defer c.close()
	t, err := c.tuple()
	if err != nil {
		c.unlock()
		return err
	}
	if t.RawXmin() != x || t.CTID().Off != access.SpecToken && rel.Kind != 't' {
		c.unlock()
		return pgerr.New(pgerr.InternalError, "attempted to kill a tuple inserted by another transaction or not speculatively")
	}
	var toasted access.Tuple
	if t.Infomask()&access.HasExternal != 0 && canToast(rel) {
		toasted = append(access.Tuple(nil), t...)
	}
	p := c.pool.Page(c.buf)
	r := deleteRec{Xmax: x, Off: tid.Off, Bits: infobits(t.Infomask(), t.Infomask2()), Flags: deleteIsSuper}
	if p.Flags()&page.AllVisible != 0 {
		r.Flags |= deleteAllVisibleCleared
	}
	err = c.logDelete(p, x, r, 0, false)
	c.unlock()
	if err == nil && toasted != nil {
		err = toastDelete(context.Background(), tx, rel, toasted, true)
	}
	return err
}

// Inplace overwrites the data of the tuple at tid, whatever transactions think;
// t has its header and data of the same length (heap_inplace_update).
func Inplace(tx *xact.Tx, rel *access.Relation, tid page.TID, data []byte) error {
	c := changer{}
	if err := c.open(context.Background(), tx, rel, tid); err != nil {
		return err
	}
	defer c.close()
	defer c.unlock()
	t, err := c.tuple()
	if err != nil {
		return err
	}
	if len(t.Data()) != len(data) {
		return pgerr.New(pgerr.InternalError, "wrong tuple length")
	}
	p := c.pool.Page(c.buf)
	if err := applyInplace(p, tid.Off, data); err != nil {
		return broken(rel, "update a tuple in place", err)
	}
	c.pool.MarkDirty(c.buf)
	rec := record(tx)
	rec.Begin(xlog.RmHeap, infoInplace, tx.TopXID())
	var main [2]byte
	rec.Data(appendOffsets(main[:0], []page.OffsetNumber{tid.Off}))
	rec.Block(0, c.pool.Tag(c.buf), p, xlog.Standard)
	rec.BlockData(0, data)
	return logged(rel, rec, c.buf)
}
