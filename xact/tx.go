package xact

import (
	"context"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact/ssi"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// Isolation is the isolation level of a transaction.
type Isolation uint8

// The levels. Read uncommitted is read committed, as in PostgreSQL.
const (
	ReadCommitted  Isolation = 0
	RepeatableRead Isolation = 1
	Serializable   Isolation = 2
)

// BeginOptions configures one transaction; the zero value is read committed,
// read write.
type BeginOptions struct {
	Isolation  Isolation
	ReadOnly   bool
	Deferrable bool
}

// Tx is a transaction with all its subtransactions. It belongs to one goroutine.
type Tx struct {
	// Rec is the WAL record that the session builds again and again.
	Rec xlog.Record

	p      *Proc
	m      *Manager
	opt    BeginOptions
	active bool
	own    bool // Begin of Manager made p for it
	start  time.Time

	levels []level // levels[0] is the top-level transaction
	subID  uint32  // last subtransaction number given
	cmd    xid.Command
	used   bool // cmd is in a tuple
	// latest is the highest xid given to this transaction.
	latest     xid.Full
	unreported []xid.XID // subtransactions that no ASSIGNMENT record names
	forceSync  bool
	locked     bool // a STANDBY LOCK record was written for it

	combos combos
	hooks  []hook
	files  []pendingFile
	stats  []pendingStat
	inval  []byte // messages of the levels, innermost last
	initf  bool   // the relation cache's init file is stale
	temp   bool   // it used a temporary relation

	ssi        *ssi.Xact // of a serializable transaction from its first snapshot on
	stmt, now  Snapshot  // reused by Snapshot and LatestSnapshot
	first      *snapData
	registered []*Snapshot
	multiCache []cachedMulti
	origin     Origin

	nodes []byte // scratch of encoders
}

// level is one (sub)transaction.
type level struct {
	name     string
	id       uint32
	xid      xid.Full
	children []xid.XID // its committed subtransactions, ascending
	inval    int       // len(Tx.inval) when it began
}

// Begin starts a transaction of a proc of its own: for workers and tests. The
// proc is closed when the transaction ends.
func (m *Manager) Begin(opt BeginOptions) *Tx {
	p := m.NewProc(ProcOptions{})
	t := p.Begin(opt)
	t.own = true
	return t
}

// Begin starts a transaction. It allocates nothing; the Tx is reused by the
// next Begin.
func (p *Proc) Begin(opt BeginOptions) *Tx {
	t := &p.tx
	if t.active {
		panic("xact: begin in a transaction")
	}
	t.opt, t.active = opt, true
	t.start = p.m.opt.Now()
	t.levels = append(t.levels[:0], level{id: 1})
	t.subID, t.cmd, t.used = 1, 0, false
	t.latest, t.forceSync, t.locked, t.initf, t.temp = 0, false, false, false, false
	p.local++
	if p.local == 0 {
		p.local = 1
	}
	p.owner.StartVirtual(lmgr.VirtualXID{Backend: p.slot, Local: p.local})
	return t
}

// Tx is the running transaction, or nil.
func (p *Proc) Tx() *Tx {
	if !p.tx.active {
		return nil
	}
	return &p.tx
}

// Manager is the transaction's server.
func (t *Tx) Manager() *Manager { return t.m }

// Proc is the transaction's session.
func (t *Tx) Proc() *Proc { return t.p }

// Locks is the transaction's owner in the lock table.
func (t *Tx) Locks() *lmgr.Owner { return t.p.owner }

// Database is the database of the session.
func (t *Tx) Database() oid.OID { return t.p.opt.Database }

// Tablespace is the default tablespace of the session's database.
func (t *Tx) Tablespace() oid.OID { return t.p.opt.Tablespace }

// Isolation is the isolation level.
func (t *Tx) Isolation() Isolation { return t.opt.Isolation }

// SetIsolation changes the level; the caller has checked that no snapshot was
// taken yet.
func (t *Tx) SetIsolation(i Isolation) { t.opt.Isolation = i }

// Deferrable reports whether a serializable read-only transaction waits for a
// safe snapshot.
func (t *Tx) Deferrable() bool { return t.opt.Deferrable }

// SetDeferrable sets Deferrable.
func (t *Tx) SetDeferrable(on bool) { t.opt.Deferrable = on }

// HasSnapshot reports whether the transaction has taken its first snapshot.
func (t *Tx) HasSnapshot() bool { return t.first != nil }

// ReadOnly reports whether the transaction may not change permanent tables.
func (t *Tx) ReadOnly() bool { return t.opt.ReadOnly }

// SetReadOnly sets ReadOnly.
func (t *Tx) SetReadOnly(ro bool) { t.opt.ReadOnly = ro }

// Start is when the transaction began (now()).
func (t *Tx) Start() time.Time { return t.start }

// Stats counts for the session; it may be nil, and is ready for use then.
func (t *Tx) Stats() *pgstat.Session { return t.p.opt.Stats }

// VirtualID is the transaction's virtual id.
func (t *Tx) VirtualID() lmgr.VirtualXID {
	return lmgr.VirtualXID{Backend: t.p.slot, Local: t.p.local}
}

func (t *Tx) top() *level     { return &t.levels[0] }
func (t *Tx) current() *level { return &t.levels[len(t.levels)-1] }

// TopXID is the id of the top-level transaction, or xid.Invalid if it has none yet.
func (t *Tx) TopXID() xid.XID { return t.top().xid.XID() }

// TopFullXID is the full id of the top-level transaction, assigned if need be
// (pg_current_xact_id).
func (t *Tx) TopFullXID() (xid.Full, error) {
	if t.top().xid == 0 {
		if err := t.assign(0); err != nil {
			return 0, err
		}
	}
	return t.top().xid, nil
}

// XIDIfAny is the id of the current (sub)transaction, or xid.Invalid.
func (t *Tx) XIDIfAny() xid.XID { return t.current().xid.XID() }

// XID is the id of the current (sub)transaction, assigned if it has none yet.
// Whoever changes data asks for it before each change, and is refused here when the
// disk of the log is full.
func (t *Tx) XID() (xid.XID, error) {
	if !t.m.recovering.Load() {
		if err := t.m.opt.Log.Room(); err != nil {
			return xid.Invalid, err
		}
	}
	if f := t.current().xid; f != 0 {
		return f.XID(), nil
	}
	// Parents first: a child's xid is always later than its parent's.
	for i := range t.levels {
		if t.levels[i].xid == 0 {
			if err := t.assign(i); err != nil {
				return xid.Invalid, err
			}
		}
	}
	return t.current().xid.XID(), nil
}

// assign gives level i an xid.
func (t *Tx) assign(i int) error {
	full, err := t.m.newXID(t.p, i > 0)
	if err != nil {
		return err
	}
	x := full.XID()
	if i > 0 {
		if err := t.m.setParent(x, t.levels[i-1].xid.XID()); err != nil {
			return err
		}
	}
	t.levels[i].xid, t.latest = full, full
	if t.ssi != nil {
		t.ssi.Assigned(x)
	}
	err = t.m.opt.Locks.AcquireAt(context.Background(), t.p.owner, lmgr.Transaction(x), lmgr.Exclusive, i+1)
	if err != nil {
		return err
	}
	if i > 0 && t.m.opt.StandbyInfo() {
		t.unreported = append(t.unreported, x)
		if len(t.unreported) >= maxCachedSubs {
			return t.logAssignment()
		}
	}
	return nil
}

// record is a WAL record for use while the caller may be building one in t.Rec.
func (t *Tx) record() *xlog.Record {
	if t.p.rec == nil {
		t.p.rec = new(xlog.Record)
	}
	return t.p.rec
}

// IsCurrent reports whether x is this transaction or one of its live or
// committed subtransactions.
func (t *Tx) IsCurrent(x xid.XID) bool {
	if !x.IsNormal() || t.levels[0].xid == 0 || x.Precedes(t.levels[0].xid.XID()) {
		return false
	}
	for i := len(t.levels) - 1; i >= 0; i-- {
		l := &t.levels[i]
		if l.xid == 0 {
			continue
		}
		if l.xid.XID() == x {
			return true
		}
		if containsXID(l.children, x) {
			return true
		}
	}
	return false
}

// containsXID searches an ascending list (in circular order).
func containsXID(list []xid.XID, x xid.XID) bool {
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if list[mid].Precedes(x) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(list) && list[lo] == x
}

// CommandID is the current command id; used says that it will be written into a
// tuple, so that NextCommand must advance.
func (t *Tx) CommandID(used bool) xid.Command {
	t.used = t.used || used
	return t.cmd
}

// NextCommand makes the changes of the current command visible to the ones after
// it (CommandCounterIncrement).
func (t *Tx) NextCommand() error {
	if !t.used {
		return nil
	}
	if t.cmd+1 == xid.InvalidCommand {
		return pgerr.New(pgerr.ProgramLimitExceeded, "cannot have more than 2^32-2 commands in a transaction")
	}
	t.cmd++
	t.used = false
	return nil
}

// Snapshot is the snapshot for the next statement by the isolation level, with
// the current command id. It is valid until the next call, unless registered.
func (t *Tx) Snapshot() *Snapshot {
	d := t.first
	switch {
	case d == nil && t.opt.Isolation == Serializable:
		d = t.beginSerializable()
	case d == nil || t.opt.Isolation == ReadCommitted:
		d = t.m.takeSnapshot(t.p, len(t.registered) == 0)
		t.first = d
	}
	t.stmt.set(t.m, d, t.cmd)
	t.stmt.SSI = t.ssi
	return &t.stmt
}

// LatestSnapshot sees all that is committed now: for catalogs and constraint
// checks. It is valid until the next call, unless registered.
func (t *Tx) LatestSnapshot() *Snapshot {
	t.now.set(t.m, t.m.takeSnapshot(t.p, false), t.cmd)
	return &t.now
}

// Register keeps s, and the row versions it can see, until Unregister. The
// result is s itself, or a copy of it if s would be reused by the next call.
func (t *Tx) Register(s *Snapshot) *Snapshot {
	if s == &t.stmt || s == &t.now {
		return t.RegisterAs(new(Snapshot), s)
	}
	return t.register(s)
}

// RegisterAs is Register with the place for the copy, which is in use until
// Unregister.
func (t *Tx) RegisterAs(own, s *Snapshot) *Snapshot {
	*own = *s
	own.refs = 0
	return t.register(own)
}

func (t *Tx) register(s *Snapshot) *Snapshot {
	if s.refs == 0 {
		t.registered = append(t.registered, s)
	}
	s.refs++
	return s
}

// Unregister ends Register.
func (t *Tx) Unregister(s *Snapshot) {
	if s.refs--; s.refs > 0 {
		return
	}
	for i, r := range t.registered {
		if r == s {
			t.registered = append(t.registered[:i], t.registered[i+1:]...)
			break
		}
	}
	if t.opt.Isolation != ReadCommitted {
		return // the first snapshot lives until the end
	}
	oldest := xid.Full(0)
	for _, r := range t.registered {
		if oldest == 0 || r.data.xmin < oldest {
			oldest = r.data.xmin
		}
	}
	t.p.xmin.Store(uint64(oldest))
}

// Import makes the transaction use the snapshot of another one (SET TRANSACTION
// SNAPSHOT); s must be held by a running transaction.
func (t *Tx) Import(s *Snapshot) {
	t.first = s.data
	t.p.xmin.Store(uint64(s.data.xmin))
}

// SetVacuum says that the transaction is a lazy VACUUM, whose snapshot holds
// back nobody.
func (t *Tx) SetVacuum() { t.p.vacuum.Store(true) }

// LZ4 reports whether long values of columns without a compression method of
// their own are compressed with lz4, not pglz (default_toast_compression).
func (t *Tx) LZ4() bool { return t.p.opt.LZ4 != nil && t.p.opt.LZ4() }

// ForceSync makes Commit wait for the WAL whatever synchronous_commit says.
func (t *Tx) ForceSync() { t.forceSync = true }

// AddInvalidation queues shared invalidation messages (16 bytes each, as
// PostgreSQL's SharedInvalidationMessage) for the commit record and for everyone.
func (t *Tx) AddInvalidation(msgs []byte) { t.inval = append(t.inval, msgs...) }

// TouchTemp says that the transaction used a temporary relation, which another
// session could not.
func (t *Tx) TouchTemp() { t.temp = true }

// InvalidateInitFile says that the relation cache's init file becomes stale.
func (t *Tx) InvalidateInitFile() { t.initf = true }

// DropRelAtCommit removes rel's files when the transaction commits.
func (t *Tx) DropRelAtCommit(rel smgr.Rel) {
	t.files = append(t.files, pendingFile{rel, true, len(t.levels)})
}

// CreatedRel removes rel's files if the current subtransaction aborts.
func (t *Tx) CreatedRel(rel smgr.Rel) {
	t.files = append(t.files, pendingFile{rel, false, len(t.levels)})
}

// KeepRel forgets what DropRelAtCommit or CreatedRel (atCommit false) noted of
// rel, as a relation map update does (RelationPreserveStorage).
func (t *Tx) KeepRel(rel smgr.Rel, atCommit bool) {
	kept := t.files[:0]
	for _, f := range t.files {
		if f.rel != rel || f.atCommit != atCommit {
			kept = append(kept, f)
		}
	}
	t.files = kept
}

// pendingFile is a relation whose files go away at the transaction's end.
type pendingFile struct {
	rel      smgr.Rel
	atCommit bool
	depth    int
}

// StatsItem names dropped cumulative statistics (xl_xact_stats_item).
type StatsItem struct {
	Kind    int32
	DB, Obj oid.OID
}

// StatsRelation is the Kind of a relation's statistics (PGSTAT_KIND_RELATION).
const StatsRelation = 2

type pendingStat struct {
	item     StatsItem
	atCommit bool
	depth    int
}

// DropStats notes that an object's statistics go when the transaction commits;
// CreatedStats, when the current subtransaction aborts.
func (t *Tx) DropStats(i StatsItem) { t.stats = append(t.stats, pendingStat{i, true, len(t.levels)}) }

// CreatedStats is DropStats for an object that the transaction made.
func (t *Tx) CreatedStats(i StatsItem) {
	t.stats = append(t.stats, pendingStat{i, false, len(t.levels)})
}
