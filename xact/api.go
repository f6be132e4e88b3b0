// Package xact is transactions: xids, snapshots, commit and abort.
package xact

import (
	"context"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xid"
)

// Isolation is the isolation level of a transaction.
type Isolation uint8

// The levels. Read uncommitted is read committed, as in PostgreSQL.
const (
	ReadCommitted  Isolation = 0
	RepeatableRead Isolation = 1
)

// BeginOptions configures one transaction; the zero value is read committed,
// read write.
type BeginOptions struct {
	Isolation Isolation
	ReadOnly  bool
}

// ProcOptions describes a session or worker to the proc array.
type ProcOptions struct {
	PID      int32
	Database oid.OID // 0: none (a worker on shared catalogs)
}

// Proc is a session or worker in the proc array (PostgreSQL: PGPROC). It runs
// one transaction at a time and belongs to one goroutine.
type Proc struct{ tx Tx }

// NewProc registers a session or worker. Close it when it ends.
func (m *Manager) NewProc(opt ProcOptions) *Proc { panic("unwritten") }

// Begin starts a transaction. It allocates nothing; the Tx is reused by the
// next Begin.
func (p *Proc) Begin(opt BeginOptions) *Tx { panic("unwritten") }

// Close ends the session.
func (p *Proc) Close() { panic("unwritten") }

// Begin starts a transaction of a proc of its own: for workers and tests.
func (m *Manager) Begin(opt BeginOptions) *Tx { panic("unwritten") }

// Manager is the transaction system of one server.
type Manager struct{}

// Tx is a transaction with all its subtransactions. It belongs to one goroutine.
type Tx struct{}

// Manager is the transaction's server.
func (t *Tx) Manager() *Manager { panic("unwritten") }

// Locks is the transaction's owner in the lock table.
func (t *Tx) Locks() *lmgr.Owner { panic("unwritten") }

// Database is the database of the session.
func (t *Tx) Database() oid.OID { panic("unwritten") }

// XID is the id of the current (sub)transaction, assigned if it has none yet.
func (t *Tx) XID() (xid.XID, error) { panic("unwritten") }

// TopXID is the id of the top-level transaction, or xid.Invalid if it has none yet.
func (t *Tx) TopXID() xid.XID { panic("unwritten") }

// IsCurrent reports whether x is this transaction or one of its live or committed
// subtransactions.
func (t *Tx) IsCurrent(x xid.XID) bool { panic("unwritten") }

// CommandID is the current command id; used says that it will be written into a
// tuple, so that NextCommand must advance.
func (t *Tx) CommandID(used bool) xid.Command { panic("unwritten") }

// NextCommand makes the changes of the current command visible to the ones after
// it (CommandCounterIncrement).
func (t *Tx) NextCommand() error { panic("unwritten") }

// ComboCommand returns the combo command id for (cmin, cmax), as a tuple stores
// it (HEAP_COMBOCID). ComboMin and ComboMax take one apart.
func (t *Tx) ComboCommand(cmin, cmax xid.Command) xid.Command { panic("unwritten") }

// ComboMin is the inserting command of a combo command id of this transaction.
func (t *Tx) ComboMin(combo xid.Command) xid.Command { panic("unwritten") }

// ComboMax is the deleting command of a combo command id of this transaction.
func (t *Tx) ComboMax(combo xid.Command) xid.Command { panic("unwritten") }

// Snapshot is the snapshot for the next statement by the isolation level, with
// the current command id. It is valid until the next call, unless registered.
func (t *Tx) Snapshot() *Snapshot { panic("unwritten") }

// LatestSnapshot sees all that is committed now: for catalogs and constraint
// checks. It is valid until the next call, unless registered.
func (t *Tx) LatestSnapshot() *Snapshot { panic("unwritten") }

// Register keeps s, and the row versions it can see, until Unregister.
func (t *Tx) Register(s *Snapshot) *Snapshot { panic("unwritten") }

// Unregister ends Register.
func (t *Tx) Unregister(s *Snapshot) { panic("unwritten") }

// Commit commits. On error the transaction is aborted already.
func (t *Tx) Commit(ctx context.Context) error { panic("unwritten") }

// Abort rolls everything back.
func (t *Tx) Abort() error { panic("unwritten") }

// BeginSub starts a subtransaction; name is that of the savepoint, or empty.
func (t *Tx) BeginSub(name string) error { panic("unwritten") }

// CommitSub makes the innermost subtransaction part of its parent.
func (t *Tx) CommitSub() error { panic("unwritten") }

// AbortSub rolls the innermost subtransaction back.
func (t *Tx) AbortSub() error { panic("unwritten") }

// Depth is the nesting depth: 1 in the top-level transaction.
func (t *Tx) Depth() int { panic("unwritten") }

// OnCommit has f run after the commit is durable and visible, unless the current
// subtransaction aborts.
func (t *Tx) OnCommit(f func()) { panic("unwritten") }

// OnAbort has f run when the current subtransaction or one around it aborts.
func (t *Tx) OnAbort(f func()) { panic("unwritten") }

// BeforeCommit has f run first in Commit, where it can still fail (deferred
// triggers, ON COMMIT DROP).
func (t *Tx) BeforeCommit(f func(context.Context) error) { panic("unwritten") }

// DropRelAtCommit removes rel's files when the transaction commits.
func (t *Tx) DropRelAtCommit(rel smgr.Rel) { panic("unwritten") }

// CreatedRel removes rel's files if the current subtransaction aborts.
func (t *Tx) CreatedRel(rel smgr.Rel) { panic("unwritten") }

// AddInvalidation queues shared invalidation messages (16 bytes each, as
// PostgreSQL's SharedInvalidationMessage) for the commit record and for everyone.
func (t *Tx) AddInvalidation(msgs []byte) { panic("unwritten") }

// ForceSync makes Commit wait for the WAL whatever synchronous_commit says.
func (t *Tx) ForceSync() { panic("unwritten") }

// Snapshot says which transactions count as committed (PostgreSQL: SnapshotData).
type Snapshot struct {
	Xmin, Xmax xid.XID   // below Xmin all are over; from Xmax on none is
	XIP        []xid.XID // top-level transactions in progress, ascending; do not change
	SubXIP     []xid.XID // their subtransactions, ascending
	Overflowed bool      // SubXIP is incomplete: ask pg_subtrans
	CurCID     xid.Command
}

// InProgress reports whether s sees x as running (XidInMVCCSnapshot). The
// snapshot's own transaction counts as running: ask Tx.IsCurrent first.
func (s *Snapshot) InProgress(x xid.XID) bool { panic("unwritten") }

// DidCommit reports whether x is known committed. Ask IsInProgress first.
func (m *Manager) DidCommit(x xid.XID) bool { panic("unwritten") }

// DidAbort reports whether x is known aborted. A crash leaves transactions that
// neither committed nor aborted.
func (m *Manager) DidAbort(x xid.XID) bool { panic("unwritten") }

// IsInProgress reports whether x runs in some session or is prepared.
func (m *Manager) IsInProgress(x xid.XID) bool { panic("unwritten") }
