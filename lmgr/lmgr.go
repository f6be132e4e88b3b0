// Package lmgr is the table of heavyweight locks: eight modes on tagged objects,
// wait queues, and the deadlock detector. Locks live in memory only.
//
// INV-LOCK-1 (exclusion): two owners never hold modes of one object that the
// conflict table excludes. Enforced: lock.blocked. Tested: TestConflictTable, TestStress.
//
// INV-LOCK-2 (no overtaking): a request waits behind the waiters that it
// conflicts with, unless they wait for its own owner. Enforced: Manager.enqueue.
// Tested: TestQueueOrder, TestAheadOfOwnWaiters.
//
// INV-LOCK-3 (no lost wakeup): after every release and every departure from a
// queue, each waiter that nothing blocks any more is granted.
// Enforced: lock.wakeWaiters. Tested: TestStress.
//
// INV-LOCK-4 (deadlock): a cycle of waiters lasts at most about deadlock_timeout
// before one of them gets 40P01, unless reordering a queue dissolves it.
// Enforced: detector.check. Tested: TestDeadlock, TestSoftDeadlock.
//
// Lock order: partition locks in rising order (only the deadlock detector and
// listings take several), after any owner's virtual-transaction lock.
package lmgr

import (
	"sync"
	"time"

	"github.com/pgmini/pgmini/xid"
)

const partitions = 16

// Options configures a Manager. The zero value has PostgreSQL's defaults.
type Options struct {
	// DeadlockTimeout is how long a waiter waits before it looks for a deadlock
	// (deadlock_timeout); nil means one second.
	DeadlockTimeout func() time.Duration
	// Describe names a tag in messages; nil means Tag.String.
	Describe func(Tag) string
	// Waiting is told when a wait has lasted DeadlockTimeout (log_lock_waits);
	// optional.
	Waiting func(o *Owner, tag Tag, mode Mode, since time.Time)
}

// Manager is the lock table of one server.
type Manager struct {
	opt   Options
	parts [partitions]partition

	owners struct {
		sync.Mutex
		set map[*Owner]struct{}
	}
}

type partition struct {
	sync.Mutex
	locks       map[Tag]*lock
	freeLocks   []*lock
	freeHolders []*holder
	_           [32]byte // keeps neighbours off one cache line
}

// New makes an empty lock table.
func New(opt Options) *Manager {
	if opt.DeadlockTimeout == nil {
		opt.DeadlockTimeout = func() time.Duration { return time.Second }
	}
	if opt.Describe == nil {
		opt.Describe = Tag.String
	}
	m := &Manager{opt: opt}
	for i := range m.parts {
		m.parts[i].locks = make(map[Tag]*lock)
	}
	m.owners.set = make(map[*Owner]struct{})
	return m
}

func (m *Manager) part(t Tag) *partition { return &m.parts[t.hash()%partitions] }

// lock is one object that somebody holds or waits for (PostgreSQL: LOCK). Its
// partition's lock guards it.
type lock struct {
	tag     Tag
	grant   bits               // modes that someone holds
	wait    bits               // modes that someone waits for
	granted [maxMode + 1]int32 // holders per mode
	waiting [maxMode + 1]int32 // waiters per mode
	holders []*holder          // one per owner that holds or wants the object
	queue   []*Owner           // waiters, first to be granted first
}

// holder is what one owner has of one object (PostgreSQL: PROCLOCK).
type holder struct {
	lock  *lock
	owner *Owner
	mask  bits // modes held
}

// localKey names a lock in its owner's own table.
type localKey struct {
	tag  Tag
	mode Mode
}

// hold counts how often a lock was taken at one level: 0 is the session, 1 the
// transaction, more its subtransactions.
type hold struct{ level, n int32 }

// local is an owner's own record of a lock that it holds (PostgreSQL: LOCALLOCK).
type local struct {
	key    localKey
	holder *holder
	total  int32
	holds  []hold
}

// Owner is one session or worker in the lock table (PostgreSQL: the lock part of
// PGPROC). Its methods and the Manager's calls with it belong to one goroutine.
type Owner struct {
	// PID is the process id that messages and pg_locks show.
	PID int32
	// LockTimeout is lock_timeout; 0 means none.
	LockTimeout time.Duration
	// DeadlockTimeout is the session's own deadlock_timeout; 0 means the server's.
	DeadlockTimeout time.Duration
	// Query, if set, gives the text that the log shows in a deadlock report.
	Query func() string

	m     *Manager
	level int32 // of new transaction-level locks: 1, or more in subtransactions
	local map[localKey]*local
	free  []*local

	virtual struct {
		sync.Mutex
		id VirtualXID // of the running transaction; invalid if none
		in bool       // the lock on id is in the table because someone waits for it
	}

	wake chan struct{} // one token per wait that another goroutine ended
	// Guarded by the partition lock of waitLock, which only changes from nil by
	// the owner itself.
	waitLock   *lock
	waitHolder *holder
	waitMode   Mode
	waitSince  time.Time
}

// NewOwner registers a session or worker. Close it when it ends.
func (m *Manager) NewOwner(pid int32) *Owner {
	o := &Owner{PID: pid, m: m, level: 1, local: make(map[localKey]*local), wake: make(chan struct{}, 1)}
	m.owners.Lock()
	m.owners.set[o] = struct{}{}
	m.owners.Unlock()
	return o
}

// Close releases all that o holds and forgets o.
func (o *Owner) Close() {
	o.EndVirtual()
	o.m.ReleaseAll(o, true)
	o.m.owners.Lock()
	delete(o.m.owners.set, o)
	o.m.owners.Unlock()
}

// BeginSub starts a subtransaction: locks taken from now on belong to it.
func (o *Owner) BeginSub() { o.level++ }

// CommitSub ends the innermost subtransaction; its locks pass to its parent.
func (o *Owner) CommitSub() {
	for _, l := range o.local {
		l.lower(o.level)
	}
	o.level--
}

// lower moves what l counts at level to the level below.
func (l *local) lower(level int32) {
	for i := range l.holds {
		if l.holds[i].level != level {
			continue
		}
		for j := range l.holds {
			if l.holds[j].level == level-1 {
				l.holds[j].n += l.holds[i].n
				l.holds[i] = l.holds[len(l.holds)-1]
				l.holds = l.holds[:len(l.holds)-1]
				return
			}
		}
		l.holds[i].level--
		return
	}
}

// AbortSub ends the innermost subtransaction and releases its locks.
func (o *Owner) AbortSub() {
	for _, l := range o.local {
		o.m.dropLevels(l, o.level, o.level)
	}
	o.level--
}

// Holds reports whether o holds tag in mode.
func (o *Owner) Holds(tag Tag, mode Mode) bool {
	return o.local[localKey{tag, mode}] != nil
}

// HoldsAtLeast reports whether o holds tag in mode or a mode with a larger number.
func (o *Owner) HoldsAtLeast(tag Tag, mode Mode) bool {
	for m := mode; m <= maxMode; m++ {
		if o.Holds(tag, m) {
			return true
		}
	}
	return false
}

// add counts one more acquisition at level.
func (l *local) add(level int32) {
	l.total++
	for i := range l.holds {
		if l.holds[i].level == level {
			l.holds[i].n++
			return
		}
	}
	l.holds = append(l.holds, hold{level, 1})
}

func (o *Owner) newLocal(k localKey, h *holder) *local {
	var l *local
	if n := len(o.free); n > 0 {
		l, o.free = o.free[n-1], o.free[:n-1]
	} else {
		l = new(local)
	}
	l.key, l.holder, l.total, l.holds = k, h, 0, l.holds[:0]
	o.local[k] = l
	return l
}

// WaitXact is the tag and mode with which others wait for transaction x's end.
func WaitXact(x xid.XID) (Tag, Mode) { return Transaction(x), Share }
