// Package xact is transactions: xids and their status (pg_xact, pg_subtrans),
// multixacts, commit timestamps, the proc array and its snapshots, commit and
// abort with their WAL.
//
// INV-XACT-1 (durable commit): pg_xact says «committed» of a synchronous
// transaction only after its commit record is flushed; of an asynchronous one it
// may say so earlier in memory, but its page is not written before the record
// is flushed, and CommitLSN tells who sets hint bits.
// Enforced: Tx.recordCommit. Tested: TestCommitOrder.
//
// INV-XACT-2 (visibility order): a transaction leaves the proc array only after
// pg_xact has its outcome, so no snapshot that does not see it as running finds
// it undecided. Enforced: Tx.Commit. Tested: TestVisibilityOrder.
//
// INV-XACT-3 (atomic tree): the commit of a transaction with subtransactions on
// several pg_xact pages becomes visible with the one update of the parent's
// page; the others are «sub-committed» before. Enforced: Manager.setTree.
// Tested: TestTreeAcrossPages.
//
// INV-XACT-4 (checkpoint): a checkpoint does not write pg_xact while a
// transaction is between its commit record and pg_xact. Enforced:
// Manager.CommitCritical, which the checkpointer waits for. Tested: TestCommitCritical.
//
// INV-XACT-5 (cached snapshot): a snapshot is reused exactly until a transaction
// with an xid ends. Enforced: Manager.takeSnapshot. Tested: TestSnapshotCache.
//
// INV-XACT-6 (horizon): OldestXmin never passes the Xmin of a snapshot in use.
// Enforced: Manager.takeSnapshot, under the proc array's lock. Tested: TestHorizon.
//
// INV-XACT-7 (doubtful commit): after a failure of the server no transaction's
// end logs an abort, runs an abort hook or removes a file. If the flush of a commit record fails, the
// record may be durable all the same, and recovery needs the files it keeps.
// Enforced: Tx.recordAbort, Tx.runAbortHooks, Tx.removeFiles. Tested: TestDoubtfulCommitKeepsFiles.
//
// INV-XACT-8 (no way back): after a failure of the server no transaction leaves the
// proc array and no lock is released, so that until the last session is gone none
// sees a doubtful commit as rolled back.
// Enforced: Tx.Abort. Tested: TestDoubtfulCommitRuns.
//
// Lock order: xid generator, proc array, status log caches; the multixact
// generator before status log caches. The WAL is not flushed under any of them
// but a cache's own write.
package xact

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/slru"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact/ssi"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Log is what transactions need of the write-ahead log; *xlog.Log has it.
type Log interface {
	Insert(r *xlog.Record) (lsn.LSN, error)
	Flush(upTo lsn.LSN) error
	FlushCommit(upTo lsn.LSN) error
	SetAsyncLSN(at lsn.LSN)
	// Room returns an error if the disk is too full for changes.
	Room() error
}

// Options configures a Manager. FS and Locks are required.
type Options struct {
	FS    vfs.FS
	Locks *lmgr.Manager
	// Log is the write-ahead log; recovery leaves it nil until SetLog.
	Log Log
	// Buffers is shared_buffers in pages; it sizes the status log caches.
	Buffers int
	NoSync  bool // fsync = off
	// StandbyInfo is wal_level >= replica: assignments, lock and running-xacts
	// records are written. nil means true.
	StandbyInfo func() bool
	// LogicalInfo is wal_level = logical; nil means false.
	LogicalInfo func() bool
	// TrackCommitTimestamp is track_commit_timestamp.
	TrackCommitTimestamp bool
	// FreezeMaxAge is autovacuum_freeze_max_age; nil means 200 million.
	FreezeMaxAge func() int
	MaxPrepared  int // max_prepared_transactions
	// SSI limits the SIREAD locks of serializable transactions.
	SSI ssi.Options
	// RemoveFiles unlinks the files of relations that a transaction dropped, or
	// made and rolled back. redo says that a commit or abort is being replayed.
	// Its errors, perhaps joined, are warnings.
	RemoveFiles func(rels []smgr.Rel, redo bool) error
	// Invalidate broadcasts shared invalidation messages, 16 bytes each, of a
	// transaction that committed. initFile says that the relation cache's init
	// file of database db in tablespace spc is stale.
	Invalidate func(msgs []byte, initFile bool, db, spc oid.OID)
	// DatabaseName words the warnings of wraparound; "" falls back to the OID.
	DatabaseName func(db oid.OID) string
	// SlotXmin is the horizon of replication slots, for data and for catalogs;
	// xid.Invalid for none.
	SlotXmin func() (data, catalog xid.XID)
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Panic is told of an error after which this server must not write any more.
	Panic func(error)
}

// Manager is the transaction system of one server. It is safe for concurrent use.
type Manager struct {
	opt        Options
	clog       *slru.Cache
	subtrans   *slru.Cache
	offsets    *slru.Cache
	members    *slru.Cache
	commitTs   *slru.Cache
	recovering atomic.Bool
	failed     atomic.Bool // fatal was called

	gen      generator
	oids     oidGenerator
	procs    procArray
	multi    multiGenerator
	stamps   stampLimits
	origins  originTable
	prepared preparedTable
	exports  exports
	ssi      *ssi.Manager
}

// Open prepares the transaction system of a data directory whose recovery starts
// at cp. It counts as being in recovery until StartUp.
func Open(opt Options, cp *pgcontrol.CheckPoint) *Manager {
	if opt.FS == nil || opt.Locks == nil {
		panic("xact: missing option")
	}
	if opt.Log == nil {
		opt.Log = noLog{}
	}
	yes, no := func() bool { return true }, func() bool { return false }
	if opt.StandbyInfo == nil {
		opt.StandbyInfo = yes
	}
	if opt.LogicalInfo == nil {
		opt.LogicalInfo = no
	}
	if opt.FreezeMaxAge == nil {
		opt.FreezeMaxAge = func() int { return 200000000 }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.RemoveFiles == nil {
		opt.RemoveFiles = func([]smgr.Rel, bool) error { return nil }
	}
	if opt.Invalidate == nil {
		opt.Invalidate = func([]byte, bool, oid.OID, oid.OID) {}
	}
	if opt.SlotXmin == nil {
		opt.SlotXmin = func() (xid.XID, xid.XID) { return xid.Invalid, xid.Invalid }
	}
	m := &Manager{opt: opt, ssi: ssi.New(opt.SSI)}
	m.recovering.Store(true)
	m.openCaches()
	m.procs.init()
	m.SetCheckPoint(cp)
	return m
}

// SetLog gives the manager the log that was opened at the end of recovery. Call
// it before StartUp.
func (m *Manager) SetLog(l Log) { m.opt.Log = l }

func (m *Manager) flush(upTo lsn.LSN) error { return m.opt.Log.Flush(upTo) }

// noLog stands in for the log during recovery: what is replayed is durable.
type noLog struct{}

func (noLog) Insert(*xlog.Record) (lsn.LSN, error) {
	return lsn.Invalid, pgerr.New(pgerr.InternalError, "cannot make new WAL entries during recovery")
}
func (noLog) Flush(lsn.LSN) error       { return nil }
func (noLog) FlushCommit(lsn.LSN) error { return nil }
func (noLog) Room() error               { return nil }
func (noLog) SetAsyncLSN(lsn.LSN)       {}

func (m *Manager) openCaches() {
	base := slru.Options{FS: m.opt.FS, NoSync: m.opt.NoSync, InRecovery: m.recovering.Load}
	make := func(dir string, slots, groups int, precedes func(a, b uint32) bool) *slru.Cache {
		o := base
		o.Dir, o.Slots, o.Groups, o.Precedes, o.Flush = dir, slots, groups, precedes, m.flush
		if dir == "pg_subtrans" {
			o.NoSync = true
		}
		return slru.New(o)
	}
	m.clog = make("pg_xact", min(128, max(4, m.opt.Buffers/512)), clogLSNsPerPage, xidPagePrecedes(clogXactsPerPage))
	m.subtrans = make("pg_subtrans", 32, 0, xidPagePrecedes(subtransPerPage))
	m.offsets = make("pg_multixact/offsets", 8, 0, offsetPagePrecedes)
	m.members = make("pg_multixact/members", 16, 0, memberPagePrecedes)
	m.commitTs = make("pg_commit_ts", min(256, max(4, m.opt.Buffers/256)), 0, xidPagePrecedes(stampsPerPage))
}

// xidPagePrecedes is the circular order of pages that hold n xids each: a
// precedes b if its first normal id precedes both ends of b.
func xidPagePrecedes(n uint32) func(a, b uint32) bool {
	return func(a, b uint32) bool {
		x, y := xid.XID(a*n)+xid.FirstNormal+1, xid.XID(b*n)+xid.FirstNormal+1
		return x.Precedes(y) && x.Precedes(y+xid.XID(n)-1)
	}
}

// SetCheckPoint sets the counters to those of a checkpoint: where recovery
// begins, and on replaying a shutdown checkpoint.
func (m *Manager) SetCheckPoint(cp *pgcontrol.CheckPoint) {
	m.gen.mu.Lock()
	m.gen.next = cp.NextXID
	m.gen.oldestClog = cp.OldestXID
	m.gen.mu.Unlock()
	m.procs.latest.Store(uint64(prevFull(cp.NextXID)))
	m.SetNextOID(cp.NextOID)
	m.SetXIDLimit(cp.OldestXID, cp.OldestXIDDB)
	m.setMulti(cp)
	m.setStampLimits(cp.OldestCommitTsXID, cp.NewestCommitTsXID)
}

// FillCheckPoint puts the counters into the body of a checkpoint record. Call it
// after the redo point is set.
func (m *Manager) FillCheckPoint(cp *pgcontrol.CheckPoint, shutdown bool) {
	m.gen.mu.Lock()
	cp.NextXID, cp.OldestXID, cp.OldestXIDDB = m.gen.next, m.gen.oldest, m.gen.oldestDB
	m.gen.mu.Unlock()
	cp.OldestCommitTsXID, cp.NewestCommitTsXID = m.stampLimits()
	m.oids.Lock()
	cp.NextOID = m.oids.next
	if !shutdown {
		cp.NextOID += oid.OID(m.oids.logged)
	}
	m.oids.Unlock()
	m.fillMulti(cp)
	cp.OldestActiveXID = xid.Invalid
	if !shutdown {
		cp.OldestActiveXID = m.OldestActive()
	}
}

func prevFull(f xid.Full) xid.Full {
	f--
	for f.XID() < xid.FirstNormal && f > 0 {
		f--
	}
	return f
}

// Fatal is told of an error after which the server must stop: Options.Panic hears
// of it, and no checkpoint is completed any more.
func (m *Manager) Fatal(err error) { _ = m.fatal(err) }

// fatal reports an error after which the server must stop, and returns it.
func (m *Manager) fatal(err error) error {
	m.failed.Store(true)
	if m.opt.Panic != nil {
		m.opt.Panic(err)
	}
	return err
}

// oidGenerator hands out OIDs.
type oidGenerator struct {
	sync.Mutex
	next   oid.OID
	logged uint32 // how many from next on a NEXTOID record covers
	rec    xlog.Record
}

const (
	infoNextOID  = 0x30 // XLOG_NEXTOID, of the resource manager XLOG
	oidsPrefetch = 8192
)

// NextOID assigns an OID; the caller checks that its catalog does not use it yet.
func (m *Manager) NextOID() (oid.OID, error) {
	g := &m.oids
	g.Lock()
	defer g.Unlock()
	if g.next < oid.FirstNormal {
		g.next, g.logged = oid.FirstNormal, 0
	}
	if g.logged == 0 {
		g.rec.Begin(xlog.RmXLOG, infoNextOID, xid.Invalid)
		g.rec.Data(le.AppendUint32(nil, uint32(g.next)+oidsPrefetch))
		if _, err := m.opt.Log.Insert(&g.rec); err != nil {
			return 0, m.fatal(err)
		}
		g.logged = oidsPrefetch
	}
	o := g.next
	g.next++
	g.logged--
	return o, nil
}

// SetNextOID sets the generator, on replaying NEXTOID and checkpoints.
func (m *Manager) SetNextOID(next oid.OID) {
	m.oids.Lock()
	m.oids.next, m.oids.logged = next, 0
	m.oids.Unlock()
}
