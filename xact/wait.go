package xact

import (
	"context"
	"fmt"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// WaitKind says what a wait for a transaction is for; it words the error context.
type WaitKind uint8

// The kinds of waits (PostgreSQL: XLTW_Oper).
const (
	WaitNone WaitKind = iota
	WaitUpdate
	WaitDelete
	WaitLock
	WaitLockUpdated
	WaitInsertIndex
	WaitInsertIndexUnique
	WaitFetchUpdated
	WaitRecheckExclusion
)

// What a wait was for, as error contexts word it. constant
var waitContext = [...]string{
	WaitUpdate:            "while updating tuple (%d,%d) in relation %q",
	WaitDelete:            "while deleting tuple (%d,%d) in relation %q",
	WaitLock:              "while locking tuple (%d,%d) in relation %q",
	WaitLockUpdated:       "while locking updated version (%d,%d) of tuple in relation %q",
	WaitInsertIndex:       "while inserting index tuple (%d,%d) in relation %q",
	WaitInsertIndexUnique: "while checking uniqueness of tuple (%d,%d) in relation %q",
	WaitFetchUpdated:      "while rechecking updated tuple (%d,%d) in relation %q",
	WaitRecheckExclusion:  "while checking exclusion constraint on tuple (%d,%d) in relation %q",
}

// WaitFor waits until x, and any transaction it is part of, is over
// (XactLockTableWait).
func (m *Manager) WaitFor(ctx context.Context, t *Tx, x xid.XID) error {
	locks, o := m.opt.Locks, t.p.owner
	for x.IsNormal() {
		if t.IsCurrent(x) {
			return pgerr.New(pgerr.InternalError, "transaction %d waits for itself", x)
		}
		if err := locks.Acquire(ctx, o, lmgr.Transaction(x), lmgr.Share); err != nil {
			return err
		}
		locks.Release(o, lmgr.Transaction(x), lmgr.Share, false)
		if !m.IsInProgress(x) {
			return nil
		}
		// x has released its lock but runs on: it was a subtransaction that
		// committed into its parent, or is about to leave the proc array.
		p, err := m.parent(x)
		if err != nil {
			return err
		}
		if p.IsNormal() {
			x = p
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// WaitForTuple is WaitFor with the error context «while updating tuple (0,1) in
// relation "t"».
func (m *Manager) WaitForTuple(ctx context.Context, t *Tx, x xid.XID, kind WaitKind, rel string, tid page.TID) error {
	err := m.WaitFor(ctx, t, x)
	if e, ok := pgerr.As(err); ok && int(kind) < len(waitContext) && waitContext[kind] != "" {
		c := *e
		line := fmt.Sprintf(waitContext[kind], tid.Block, tid.Off, rel)
		if c.Where != "" {
			line = c.Where + "\n" + line
		}
		c.Where = line
		return &c
	}
	return err
}

// TryWaitFor reports whether x is over, without waiting (ConditionalXactLockTableWait).
func (m *Manager) TryWaitFor(t *Tx, x xid.XID) bool {
	locks, o := m.opt.Locks, t.p.owner
	for x.IsNormal() {
		if !locks.TryAcquire(o, lmgr.Transaction(x), lmgr.Share) {
			return false
		}
		locks.Release(o, lmgr.Transaction(x), lmgr.Share, false)
		if !m.IsInProgress(x) {
			return true
		}
		p, err := m.parent(x)
		if err != nil || !p.IsNormal() {
			return false
		}
		x = p
	}
	return true
}

// DelayCheckpoint runs f while no checkpoint can put its redo point between what
// f logs and what f then does (PostgreSQL: delayChkptFlags).
func (t *Tx) DelayCheckpoint(f func() error) error {
	t.p.critical.Add(1)
	defer t.p.critical.Add(1)
	return f()
}
