package xact

import (
	"context"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// CommitLSN is how far the WAL must be flushed before a hint bit may say that x
// committed; lsn.Invalid if it is durable.
func (m *Manager) CommitLSN(x xid.XID) lsn.LSN { panic("unwritten") }

// TopXID is the top-level transaction of x, as far as running transactions can
// need it (SubTransGetTopmostTransaction).
func (m *Manager) TopXID(x xid.XID) xid.XID { panic("unwritten") }

// OldestXmin is the horizon for rows of database db (oid.Invalid: shared
// relations): what a transaction before it deleted nobody can see. catalog is
// true for catalog relations.
func (m *Manager) OldestXmin(db oid.OID, catalog bool) xid.XID { panic("unwritten") }

// NextXID is the next transaction id that will be assigned.
func (m *Manager) NextXID() xid.Full { panic("unwritten") }

// NextOID assigns an OID; the caller checks that its catalog does not use it yet.
func (m *Manager) NextOID() (oid.OID, error) { panic("unwritten") }

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

// WaitFor waits until x, and any transaction it is part of, is over.
func (m *Manager) WaitFor(ctx context.Context, t *Tx, x xid.XID) error { panic("unwritten") }

// WaitForTuple is WaitFor with the error context «while updating tuple (0,1) in
// relation "t"».
func (m *Manager) WaitForTuple(ctx context.Context, t *Tx, x xid.XID, kind WaitKind, rel string, tid page.TID) error {
	panic("unwritten")
}

// TryWaitFor reports whether x is over, without waiting.
func (m *Manager) TryWaitFor(t *Tx, x xid.XID) bool { panic("unwritten") }

// MultiStatus is the role of a member of a multixact (PostgreSQL: MultiXactStatus).
type MultiStatus uint8

// The roles, in PostgreSQL's numbering.
const (
	MultiForKeyShare    MultiStatus = 0
	MultiForShare       MultiStatus = 1
	MultiForNoKeyUpdate MultiStatus = 2
	MultiForUpdate      MultiStatus = 3
	MultiNoKeyUpdate    MultiStatus = 4 // an update that left the key alone
	MultiUpdate         MultiStatus = 5 // an update of the key, or a delete
)

// IsUpdate reports whether s changes the tuple, rather than locks it.
func (s MultiStatus) IsUpdate() bool { return s > MultiForUpdate }

// MultiMember is one member of a multixact.
type MultiMember struct {
	XID    xid.XID
	Status MultiStatus
}

// MultiCreate makes a multixact of the members.
func (m *Manager) MultiCreate(t *Tx, members []MultiMember) (xid.Multi, error) { panic("unwritten") }

// MultiExpand makes a multixact of those members of multi that still matter plus
// one more (MultiXactIdExpand).
func (m *Manager) MultiExpand(t *Tx, multi xid.Multi, add MultiMember) (xid.Multi, error) {
	panic("unwritten")
}

// MultiMembers reads the members of a multixact. onlyLock is true for a tuple
// whose xmax only locks: members older than any running transaction are none.
func (m *Manager) MultiMembers(t *Tx, multi xid.Multi, onlyLock bool) ([]MultiMember, error) {
	panic("unwritten")
}

// MultiIsRunning reports whether a member of multi is still running.
func (m *Manager) MultiIsRunning(t *Tx, multi xid.Multi, onlyLock bool) bool { panic("unwritten") }

// MultiSetOldest says that t may become a member of multixacts from now on: call
// before reading a tuple that t may lock (MultiXactIdSetOldestMember).
func (t *Tx) MultiSetOldest() { panic("unwritten") }

// OldestMulti is the horizon of multixact ids (GetOldestMultiXactId).
func (m *Manager) OldestMulti() xid.Multi { panic("unwritten") }

// NextMulti is the next multixact id that will be assigned.
func (m *Manager) NextMulti() xid.Multi { panic("unwritten") }

var _ *lmgr.Manager
