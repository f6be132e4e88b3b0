package xact

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

const twoPhaseDir = "pg_twophase"

// preparedTable is the prepared transactions, by xid.
type preparedTable struct {
	sync.Mutex
	all map[xid.XID]*prepared
}

// prepared is one prepared transaction. Its Proc keeps it running.
type prepared struct {
	state  preparedState
	raw    []byte
	onDisk bool
	proc   *Proc
	busy   bool // somebody is preparing or finishing it
}

// PreparedXact is a row of pg_prepared_xacts.
type PreparedXact struct {
	XID       xid.XID
	GID       string
	At        time.Time
	Owner, DB oid.OID
}

// Prepared lists the prepared transactions.
func (m *Manager) Prepared() []PreparedXact {
	m.prepared.Lock()
	defer m.prepared.Unlock()
	var list []PreparedXact
	for _, p := range m.prepared.all {
		list = append(list, PreparedXact{p.state.XID, p.state.GID, TimeOf(p.state.At), p.state.Owner, p.state.DB})
	}
	return list
}

// Prepare makes the transaction independent of its session: it stays running,
// locks and all, until CommitPrepared or AbortPrepared, across restarts. On error
// it is rolled back.
func (t *Tx) Prepare(ctx context.Context, gid string, owner oid.OID) error {
	if err := t.prepare(ctx, gid, owner); err != nil {
		if t.active {
			_ = t.Abort()
		}
		return err
	}
	return nil
}

func (t *Tx) prepare(ctx context.Context, gid string, owner oid.OID) error {
	m := t.m
	for len(t.levels) > 1 {
		if err := t.CommitSub(); err != nil {
			return err
		}
	}
	for i := 0; i < len(t.hooks); i++ {
		if h := t.hooks[i]; h.kind == beforeCommit {
			if err := h.pre(ctx); err != nil {
				return err
			}
		}
	}
	if t.temp {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot PREPARE a transaction that has operated on temporary objects")
	}
	if t.ssi != nil {
		return pgerr.NotYet("PREPARE TRANSACTION at the isolation level SERIALIZABLE")
	}
	x, err := t.XID()
	if err != nil {
		return err
	}
	if err := m.opt.Locks.CheckTransfer(t.p.owner); err != nil {
		return err
	}
	if err := m.reserveGID(gid, x); err != nil {
		return err
	}
	c, a := t.endRecord(true, 1, t.top()), t.endRecord(false, 1, t.top())
	s := preparedState{XID: x, DB: t.p.opt.Database, Owner: owner, At: c.Time, GID: gid, Subs: append([]xid.XID(nil), c.Subs...),
		CommitRels: c.Rels, AbortRels: a.Rels, CommitStats: c.Stats, AbortStats: a.Stats, InitFile: t.initf,
		Invals: append([]byte(nil), t.inval...), Origin: t.origin, Locks: t.p.owner.Held(),
		OldestMulti: xid.Multi(t.p.multiOldest.Load())}
	raw := s.append()
	t.p.critical.Add(1)
	t.Rec.Begin(xlog.RmXact, infoPrepare, x)
	t.Rec.Data(raw)
	t.Rec.SetFlags(xlog.IncludeOrigin)
	end, err := m.opt.Log.Insert(&t.Rec)
	if err == nil {
		err = m.opt.Log.FlushCommit(end)
	}
	if err != nil {
		return m.fatal(err)
	}
	// The dummy is in the array before this session leaves it.
	if err := m.addPrepared(&s, raw, false); err != nil {
		return m.fatal(err)
	}
	t.p.critical.Add(1)
	m.prepared.Lock()
	dummy := m.prepared.all[x].proc
	m.prepared.Unlock()
	if err := m.opt.Locks.Transfer(t.p.owner, dummy.owner); err != nil {
		return m.fatal(err)
	}
	t.leave()
	t.releaseLocks()
	m.prepared.Lock()
	m.prepared.all[x].busy = false
	m.prepared.Unlock()
	t.finish()
	return nil
}

// leave takes the transaction out of its session's entry of the array without
// ending it.
func (t *Tx) leave() {
	a := &t.m.procs
	a.mu.Lock()
	defer a.mu.Unlock()
	p := t.p
	p.xid.Store(0)
	p.xmin.Store(0)
	p.nsubs.Store(0)
	p.overflow.Store(false)
	a.ended.Add(1)
}

// reserveGID checks that a transaction may be prepared under gid, and that the
// session level holds none of its locks.
func (m *Manager) reserveGID(gid string, x xid.XID) error {
	if len(gid) >= gidSize {
		return pgerr.New(pgerr.InvalidParameterValue, "transaction identifier %q is too long", gid)
	}
	if m.opt.MaxPrepared == 0 {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "prepared transactions are disabled").
			WithHint("Set max_prepared_transactions to a nonzero value.")
	}
	t := &m.prepared
	t.Lock()
	defer t.Unlock()
	for _, p := range t.all {
		if p.state.GID == gid {
			return pgerr.New(pgerr.DuplicateObject, "transaction identifier %q is already in use", gid)
		}
	}
	if len(t.all) >= m.opt.MaxPrepared {
		return pgerr.New(pgerr.OutOfMemory, "maximum number of prepared transactions reached").
			WithHint("Increase max_prepared_transactions (currently %d).", m.opt.MaxPrepared)
	}
	if t.all == nil {
		t.all = make(map[xid.XID]*prepared)
	}
	t.all[x] = &prepared{state: preparedState{XID: x, GID: gid}, busy: true}
	return nil
}

// addPrepared makes the entry and its Proc. One that is there already stays: a
// checkpoint may have written the file of a record that is replayed later.
func (m *Manager) addPrepared(s *preparedState, raw []byte, onDisk bool) error {
	t := &m.prepared
	t.Lock()
	defer t.Unlock()
	if t.all == nil {
		t.all = make(map[xid.XID]*prepared)
	}
	old := t.all[s.XID]
	if old != nil && old.proc != nil {
		return nil
	}
	p := m.NewProc(ProcOptions{Database: s.DB})
	next := m.NextXID()
	for i, x := range s.Subs {
		if i == maxCachedSubs {
			p.overflow.Store(true)
			break
		}
		p.subs[i].Store(uint32(x))
		p.nsubs.Store(int32(i + 1))
	}
	p.multiOldest.Store(uint32(s.OldestMulti))
	p.xid.Store(uint64(nearest(s.XID, next)))
	t.all[s.XID] = &prepared{state: *s, raw: raw, onDisk: onDisk, proc: p, busy: old != nil && old.busy}
	return nil
}

// FinishPrepared commits or rolls back a prepared transaction (COMMIT PREPARED,
// ROLLBACK PREPARED). user is who asks; super says that it may finish anyone's.
func (m *Manager) FinishPrepared(t *Tx, gid string, commit bool, user oid.OID, super bool) error {
	p, err := m.lockPrepared(gid, t.Database(), user, super)
	if err != nil {
		return err
	}
	s := &p.state
	r := endRec{Time: Timestamp(m.opt.Now()), Subs: s.Subs, XID: s.XID, GID: s.GID, Flags: hasTwoPhase}
	op := uint8(infoAbortPrepared)
	r.Rels, r.Stats = s.AbortRels, s.AbortStats
	if commit {
		op, r.Rels, r.Stats, r.Invals = infoCommitPrepared, s.CommitRels, s.CommitStats, s.Invals
		if s.InitFile {
			r.Flags |= updateInitFile
		}
		if len(r.Invals) > 0 || m.opt.LogicalInfo() {
			r.Flags |= hasDBInfo
			r.DB, r.Spc = t.Database(), t.Tablespace()
		}
	}
	for _, f := range []struct {
		n    int
		flag uint32
	}{{len(r.Subs), hasSubxacts}, {len(r.Rels), hasRelFileNodes}, {len(r.Stats), hasDroppedStats}, {len(r.Invals), hasInvals}} {
		if f.n > 0 {
			r.Flags |= f.flag
		}
	}
	if m.opt.LogicalInfo() {
		r.Flags |= hasGID
	}
	t.p.critical.Add(1)
	end, err := r.log(m, &t.Rec, op, t.XIDIfAny(), &t.nodes)
	if err == nil && commit {
		err = m.stampTree(s.XID, s.Subs, r.Time, 0)
	}
	if err == nil {
		err = m.opt.Log.FlushCommit(end)
	}
	if err == nil {
		st := aborted
		if commit {
			st = committed
		}
		err = m.setTree(s.XID, s.Subs, st, lsn.Invalid)
	}
	if err != nil {
		return m.fatal(err)
	}
	t.p.critical.Add(1)
	latest := xid.Full(p.proc.xid.Load())
	for _, x := range s.Subs {
		latest = max(latest, nearest(x, latest))
	}
	p.proc.end(latest)
	if len(r.Invals) > 0 {
		m.opt.Invalidate(r.Invals, s.InitFile, r.DB, r.Spc)
	}
	m.warn(t.p, m.opt.RemoveFiles(plainRels(r.Rels), false))
	m.warn(t.p, m.forgetPrepared(s.XID))
	return nil
}

// lockPrepared finds the prepared transaction that is to be finished.
func (m *Manager) lockPrepared(gid string, db, user oid.OID, super bool) (*prepared, error) {
	m.prepared.Lock()
	defer m.prepared.Unlock()
	for _, p := range m.prepared.all {
		if p.state.GID != gid {
			continue
		}
		switch {
		case p.busy:
			return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "prepared transaction with identifier %q is busy", gid)
		case !super && user != p.state.Owner:
			return nil, pgerr.New(pgerr.InsufficientPrivilege, "permission denied to finish prepared transaction").
				WithHint("Must be superuser or the user that prepared the transaction.")
		case db != p.state.DB:
			return nil, pgerr.New(pgerr.FeatureNotSupported, "prepared transaction belongs to another database").
				WithHint("Connect to the database where the transaction was prepared to finish it.")
		}
		p.busy = true
		return p, nil
	}
	return nil, pgerr.New(pgerr.UndefinedObject, "prepared transaction with identifier %q does not exist", gid)
}

// forgetPrepared drops the entry, its Proc with its locks, and its file.
func (m *Manager) forgetPrepared(x xid.XID) error {
	m.prepared.Lock()
	p := m.prepared.all[x]
	delete(m.prepared.all, x)
	m.prepared.Unlock()
	if p != nil && p.proc != nil {
		p.proc.xid.Store(0)
		p.proc.Close()
	}
	name := stateFile(x)
	if err := m.opt.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pgerr.File(err, "remove", name)
	}
	return nil
}

func stateFile(x xid.XID) string { return fmt.Sprintf("%s/%08X", twoPhaseDir, uint32(x)) }

// checkpointPrepared writes the state files of prepared transactions, so that
// their records may be left behind by the redo point.
func (m *Manager) checkpointPrepared() error {
	m.prepared.Lock()
	defer m.prepared.Unlock()
	wrote := false
	for x, p := range m.prepared.all {
		if p.onDisk || p.raw == nil {
			continue
		}
		b := le.AppendUint32(append([]byte(nil), p.raw...), crc32.Checksum(p.raw, castagnoli))
		if err := m.writeState(stateFile(x), b); err != nil {
			return err
		}
		p.onDisk, wrote = true, true
	}
	if !wrote || m.opt.NoSync {
		return nil
	}
	return m.opt.FS.SyncDir(twoPhaseDir)
}

// writeState makes a state file. It appears whole: one that a crash left half
// written would keep the server from starting, if its transaction had begun before
// the checkpoint that recovery starts from.
func (m *Manager) writeState(name string, b []byte) error {
	temp := name + ".tmp"
	f, err := m.opt.FS.Open(temp, vfs.Write|vfs.Create|vfs.Trunc)
	if err != nil {
		return pgerr.File(err, "create", temp)
	}
	_, err = f.WriteAt(b, 0)
	if err == nil && !m.opt.NoSync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return pgerr.File(err, "write", temp)
	}
	if err := m.opt.FS.Rename(temp, name); err != nil {
		return pgerr.Wrap(err, pgerr.IOError, "could not rename file %q to %q", temp, name)
	}
	return nil
}

// LoadPrepared reads pg_twophase: call it before replaying the WAL. Files of
// transactions that are over, or from the future, are removed.
func (m *Manager) LoadPrepared() error {
	entries, err := m.opt.FS.List(twoPhaseDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pgerr.File(err, "open", twoPhaseDir)
	}
	for _, e := range entries {
		v, err := strconv.ParseUint(e.Name(), 16, 32)
		if err != nil || len(e.Name()) != 8 {
			continue
		}
		x := xid.XID(v)
		done, err := m.outcomeKnown(x)
		if err != nil {
			return err
		}
		if done || x.FollowsOrEquals(m.NextXID().XID()) {
			if err := m.opt.FS.Remove(stateFile(x)); err != nil {
				return pgerr.File(err, "remove", stateFile(x))
			}
			continue
		}
		if err := m.loadPrepared(x); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) outcomeKnown(x xid.XID) (bool, error) {
	s, _, err := m.getStatus(x)
	return s == committed || s == aborted, err
}

func (m *Manager) loadPrepared(x xid.XID) error {
	name := stateFile(x)
	f, err := m.opt.FS.Open(name, vfs.Read)
	if err != nil {
		return pgerr.File(err, "open", name)
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil || n > 1<<30 {
		return pgerr.New(pgerr.DataCorrupted, "incorrect size of file %q: %d bytes", name, n)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		return pgerr.File(err, "read", name)
	}
	s, err := decodeStateFile(name, b)
	if err != nil {
		return err
	}
	return m.addPrepared(&s, b[:len(b)-4], true)
}

// recoverPrepared gives the prepared transactions their locks and the entries of
// their subtransactions back, at the end of recovery.
func (m *Manager) recoverPrepared() error {
	m.prepared.Lock()
	defer m.prepared.Unlock()
	for _, p := range m.prepared.all {
		for _, sub := range p.state.Subs {
			if err := m.setParent(sub, p.state.XID); err != nil {
				return err
			}
		}
		held := append([]lmgr.Held{{Tag: lmgr.Transaction(p.state.XID), Mode: lmgr.Exclusive}}, p.state.Locks...)
		for _, l := range held {
			if !m.opt.Locks.TryAcquire(p.proc.owner, l.Tag, l.Mode) {
				return pgerr.New(pgerr.DataCorrupted, "lock on %s of prepared transaction %d is held already", l.Tag, p.state.XID)
			}
		}
	}
	return nil
}
