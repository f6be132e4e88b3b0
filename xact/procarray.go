package xact

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// maxCachedSubs is how many subtransaction ids a Proc shows to snapshots
// (PostgreSQL: PGPROC_MAX_CACHED_SUBXIDS).
const maxCachedSubs = 64

// ProcOptions describes a session or worker to the proc array.
type ProcOptions struct {
	PID        int32
	Database   oid.OID // oid.Invalid: none (a worker on shared catalogs)
	Tablespace oid.OID // of the database; for commit records
	// SyncCommit is synchronous_commit; nil means that commits wait for the WAL.
	SyncCommit func() bool
	// LZ4 says that default_toast_compression is lz4; nil: it is pglz.
	LZ4 func() bool
	// Stats counts for the session; optional.
	Stats *pgstat.Session
	// Notice takes warnings for the client; optional.
	Notice func(*pgerr.Error)
}

// Proc is a session or worker in the proc array (PostgreSQL: PGPROC). It runs
// one transaction at a time and belongs to one goroutine; other goroutines read
// the atomic fields.
type Proc struct {
	m     *Manager
	opt   ProcOptions
	slot  int32 // number of the session, from 1; the backend half of virtual ids
	local uint32
	owner *lmgr.Owner
	tx    Tx
	rec   *xlog.Record // for records while the caller builds one in tx.Rec
	own   bool         // closed with its only transaction
	kept  bool         // its transaction never ends: INV-XACT-8

	xid      atomic.Uint64 // top-level xid.Full, 0 for none
	xmin     atomic.Uint64 // horizon, 0 for none
	nsubs    atomic.Int32
	overflow atomic.Bool
	subs     [maxCachedSubs]atomic.Uint32
	// critical counts up when a commit record is about to be inserted and when
	// pg_xact has the outcome: odd in between (PostgreSQL: delayChkpt).
	critical atomic.Uint64
	vacuum   atomic.Bool // lazy VACUUM: its snapshot holds back nobody

	multiOldest  atomic.Uint32 // oldest multixact that it may be a member of
	multiVisible atomic.Uint32 // oldest multixact that it may look at
}

// procArray is all Procs and what their snapshots have in common.
type procArray struct {
	mu    sync.RWMutex
	all   []*Proc
	slots []bool // slot numbers in use
	// ended counts the transactions with an xid that are over. mu guards its
	// change.
	ended  atomic.Uint64
	latest atomic.Uint64 // highest xid.Full that is over
	cached atomic.Pointer[snapData]
	// subOldest: pg_subtrans has no entries of xids before it.
	subOldest atomic.Uint64
	horizons  horizonCache
}

func (a *procArray) init() { a.subOldest.Store(uint64(xid.FirstNormal)) }

// NewProc registers a session or worker. Close it when it ends.
func (m *Manager) NewProc(opt ProcOptions) *Proc {
	p := &Proc{m: m, opt: opt, owner: m.opt.Locks.NewOwner(opt.PID)}
	p.tx.p, p.tx.m = p, m
	a := &m.procs
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.slots, false)
	if i < 0 {
		i = len(a.slots)
		a.slots = append(a.slots, false)
	}
	a.slots[i] = true
	p.slot = int32(i + 1)
	a.all = append(a.all, p)
	return p
}

// Close ends the session. An open transaction is rolled back.
func (p *Proc) Close() {
	if p.tx.active {
		_ = p.tx.Abort()
	}
	if p.kept {
		return
	}
	p.owner.Close()
	a := &p.m.procs
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.all, p); i >= 0 {
		a.all = slices.Delete(a.all, i, i+1)
	}
	if p.slot > 0 {
		a.slots[p.slot-1] = false
	}
}

// Running are the transaction id and the horizon of the session's transaction; 0
// is none. Anyone may ask.
func (p *Proc) Running() (x, xmin xid.XID) {
	return xid.Full(p.xid.Load()).XID(), xid.Full(p.xmin.Load()).XID()
}

// Locks is the session's owner in the lock table.
func (p *Proc) Locks() *lmgr.Owner { return p.owner }

// SetDatabase says which database the session has connected to.
func (p *Proc) SetDatabase(db, tablespace oid.OID) {
	p.m.procs.mu.Lock()
	p.opt.Database, p.opt.Tablespace = db, tablespace
	p.m.procs.mu.Unlock()
}

// add shows a new xid to snapshots. The generator's lock is held, so no later
// xid can end before this one is seen.
func (p *Proc) add(f xid.Full, sub bool) {
	if !sub {
		p.xid.Store(uint64(f))
		return
	}
	n := p.nsubs.Load()
	if n == maxCachedSubs {
		p.overflow.Store(true)
		return
	}
	p.subs[n].Store(uint32(f.XID()))
	p.nsubs.Store(n + 1)
}

// end removes p's transaction from the array; latest is its highest xid.
func (p *Proc) end(latest xid.Full) {
	if p.xid.Load() == 0 {
		p.xmin.Store(0)
		p.vacuum.Store(false)
		return
	}
	a := &p.m.procs
	a.mu.Lock()
	p.xid.Store(0)
	p.xmin.Store(0)
	p.nsubs.Store(0)
	p.overflow.Store(false)
	p.vacuum.Store(false)
	a.finishedLocked(latest)
	a.mu.Unlock()
}

// finishedLocked notes that xids up to latest, among them a running one, ended.
func (a *procArray) finishedLocked(latest xid.Full) {
	if uint64(latest) > a.latest.Load() {
		a.latest.Store(uint64(latest))
	}
	a.ended.Add(1)
}

// endSubs removes aborted subtransactions from the array, while their top-level
// transaction goes on.
func (p *Proc) endSubs(x xid.XID, children []xid.XID, latest xid.Full) {
	a := &p.m.procs
	a.mu.Lock()
	defer a.mu.Unlock()
	n := p.nsubs.Load()
	drop := func(x xid.XID) {
		for i := n - 1; i >= 0; i-- {
			if p.subs[i].Load() == uint32(x) {
				p.subs[i].Store(p.subs[n-1].Load())
				n--
				return
			}
		}
	}
	for _, c := range children {
		drop(c)
	}
	drop(x)
	p.nsubs.Store(n)
	a.finishedLocked(latest)
}

// has reports whether x is p's top-level xid or one of those subtransactions
// that it shows.
func (p *Proc) has(x xid.XID) bool {
	if xid.Full(p.xid.Load()).XID() == x {
		return true
	}
	for i := p.nsubs.Load() - 1; i >= 0; i-- {
		if p.subs[i].Load() == uint32(x) {
			return true
		}
	}
	return false
}

// IsInProgress reports whether x runs in some session or is prepared.
func (m *Manager) IsInProgress(x xid.XID) bool {
	if !x.IsNormal() {
		return false
	}
	a := &m.procs
	a.mu.RLock()
	if d := a.cached.Load(); d != nil && x.Precedes(d.xmin.XID()) {
		a.mu.RUnlock()
		return false // no transaction that old was running then, none is now
	}
	if x.Follows(xid.Full(a.latest.Load()).XID()) {
		a.mu.RUnlock()
		return true
	}
	overflow := false
	for _, p := range a.all {
		if p.xid.Load() == 0 {
			continue
		}
		if p.has(x) {
			a.mu.RUnlock()
			return true
		}
		overflow = overflow || p.overflow.Load()
	}
	a.mu.RUnlock()
	if !overflow {
		return false
	}
	// x may be a subtransaction that nobody shows. Its own outcome may be known.
	if s, _, err := m.getStatus(x); err == nil && (s == aborted || s == committed) {
		return false
	}
	top := m.TopXID(x)
	return top != x && m.topRunning(top)
}

func (m *Manager) topRunning(x xid.XID) bool {
	a := &m.procs
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, p := range a.all {
		if xid.Full(p.xid.Load()).XID() == x {
			return true
		}
	}
	return false
}

// OldestActive is the oldest xid that is running, or the next one if none is.
func (m *Manager) OldestActive() xid.XID {
	oldest := m.NextXID()
	a := &m.procs
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, p := range a.all {
		if f := xid.Full(p.xid.Load()); f != 0 && f < oldest {
			oldest = f
		}
	}
	return oldest.XID()
}

// TransactionXmin is the oldest xid of which pg_subtrans has an entry.
func (m *Manager) TransactionXmin() xid.XID { return xid.Full(m.procs.subOldest.Load()).XID() }

// Critical is a set of commits that were between their commit record and
// pg_xact.
type Critical struct {
	m     *Manager
	procs []*Proc
	at    []uint64
}

// CommitCritical lists the commits that a checkpoint must wait for after it has
// set its redo point (INV-XACT-4).
func (m *Manager) CommitCritical() Critical {
	c := Critical{m: m}
	m.procs.mu.RLock()
	defer m.procs.mu.RUnlock()
	for _, p := range m.procs.all {
		if n := p.critical.Load(); n&1 == 1 {
			c.procs, c.at = append(c.procs, p), append(c.at, n)
		}
	}
	return c
}

// Done reports whether all of them are through.
func (c Critical) Done() bool {
	for i, p := range c.procs {
		if p.critical.Load() == c.at[i] {
			return false
		}
	}
	return true
}

// Wait returns when all of them are through: some milliseconds at most. After a
// PANIC in one it never would be: then, and ever after, it is an error, and no
// checkpoint may be taken.
func (c Critical) Wait() error {
	for {
		switch {
		case c.m.failed.Load():
			return pgerr.New(pgerr.CrashShutdown, "the checkpoint cannot go on: a transaction could not end")
		case c.Done():
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// ActiveAtLeast reports whether n or more transactions have an xid and run, the
// caller's included (PostgreSQL: MinimumActiveBackends).
func (m *Manager) ActiveAtLeast(n int) bool {
	m.procs.mu.RLock()
	defer m.procs.mu.RUnlock()
	for _, p := range m.procs.all {
		if n <= 0 {
			return true
		}
		if p.xid.Load() != 0 {
			n--
		}
	}
	return n <= 0
}
