package session

import (
	"context"
	"time"

	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// seqState is what a session remembers of a sequence.
type seqState struct {
	last      int64 // currval
	next, end int64 // cached values not yet handed out: next … end by increment
	inc       int64
	cached    bool
	known     bool
	node      uint64 // file, so that a rewritten sequence loses its cache
}

// sequences is builtin.Sequences.
type sequences struct{ s *Session }

func (q sequences) state(seq oid.OID) *seqState {
	if q.s.seqs == nil {
		q.s.seqs = map[oid.OID]*seqState{}
	}
	st := q.s.seqs[seq]
	if st == nil {
		st = &seqState{}
		q.s.seqs[seq] = st
	}
	return st
}

func (q sequences) name(seq oid.OID) string {
	if r, err := q.s.cat.Class(seq); err == nil && r != nil {
		return r.Relname
	}
	return itoa(int64(seq))
}

// Next is part of builtin.Sequences.
func (q sequences) Next(ctx context.Context, seq oid.OID) (int64, error) {
	s := q.s
	if err := s.tx.LockRelation(ctx, s.db, seq, lmgr.RowExclusive); err != nil {
		return 0, err
	}
	rel, err := s.sql.Relation(seq)
	if err != nil {
		return 0, err
	}
	if rel.Kind != 'S' {
		return 0, pgerr.New(pgerr.WrongObjectType, "\"%s\" is not a sequence", rel.Name)
	}
	if s.tx.ReadOnly() && !rel.IsTemp() {
		return 0, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute nextval() in a read-only transaction")
	}
	st := q.state(seq)
	if st.cached && st.node == uint64(rel.Node.Rel) {
		v := st.next
		st.last, st.cached = v, v != st.end
		st.next = v + st.inc
		s.lastSeq = seq
		return v, nil
	}
	row, err := s.cat.Sequence(seq)
	if err != nil {
		return 0, err
	}
	if row == nil {
		return 0, pgerr.New(pgerr.UndefinedTable, "cache lookup failed for sequence %d", seq)
	}
	first, last, err := sequence.Next(s.tx, rel, sequence.Params{Increment: row.Seqincrement, Min: row.Seqmin, Max: row.Seqmax, Cache: row.Seqcache, Cycle: row.Seqcycle})
	if err != nil {
		return 0, err
	}
	*st = seqState{last: first, next: first + row.Seqincrement, end: last, inc: row.Seqincrement, cached: first != last, known: true, node: uint64(rel.Node.Rel)}
	s.lastSeq = seq
	return first, nil
}

// Current is part of builtin.Sequences.
func (q sequences) Current(seq oid.OID) (int64, error) {
	st := q.s.seqs[seq]
	if st == nil || !st.known {
		return 0, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "currval of sequence \"%s\" is not yet defined in this session", q.name(seq))
	}
	return st.last, nil
}

// Last is part of builtin.Sequences.
func (q sequences) Last() (int64, error) {
	st := q.s.seqs[q.s.lastSeq]
	if st == nil || !st.known {
		return 0, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
	}
	return st.last, nil
}

// SetVal is part of builtin.Sequences.
func (q sequences) SetVal(ctx context.Context, seq oid.OID, v int64, called bool) error {
	s := q.s
	if err := s.tx.LockRelation(ctx, s.db, seq, lmgr.RowExclusive); err != nil {
		return err
	}
	rel, err := s.sql.Relation(seq)
	if err != nil {
		return err
	}
	if rel.Kind != 'S' {
		return pgerr.New(pgerr.WrongObjectType, "\"%s\" is not a sequence", rel.Name)
	}
	if s.tx.ReadOnly() && !rel.IsTemp() {
		return pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute setval() in a read-only transaction")
	}
	row, err := s.cat.Sequence(seq)
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.New(pgerr.UndefinedTable, "cache lookup failed for sequence %d", seq)
	}
	if v < row.Seqmin || v > row.Seqmax {
		return pgerr.New(pgerr.NumericValueOutOfRange, "setval: value %d is out of bounds for sequence \"%s\" (%d..%d)", v, rel.Name, row.Seqmin, row.Seqmax)
	}
	st := q.state(seq)
	if called {
		st.last, st.known = v, true
	}
	st.cached = false
	return sequence.Set(s.tx, rel, v, called)
}

// admin is builtin.Admin.
type admin struct{ s *Session }

// InRecovery is part of builtin.Admin.
func (a admin) InRecovery() bool { return false }

// InsertLSN is part of builtin.Admin.
func (a admin) InsertLSN() lsn.LSN { return a.s.srv.System().Log.InsertLSN() }

// WriteLSN is part of builtin.Admin.
func (a admin) WriteLSN() lsn.LSN { return a.s.srv.System().Log.WriteLSN() }

// FlushLSN is part of builtin.Admin.
func (a admin) FlushLSN() lsn.LSN { return a.s.srv.System().Log.FlushLSN() }

// Timeline is part of builtin.Admin.
func (a admin) Timeline() lsn.Timeline { return a.s.srv.System().Log.Timeline() }

// SegSize is part of builtin.Admin.
func (a admin) SegSize() lsn.SegSize { return a.s.srv.System().Log.SegSize() }

// Switch is part of builtin.Admin.
func (a admin) Switch() (lsn.LSN, error) { return a.s.srv.System().Log.Switch() }

// RestorePoint is part of builtin.Admin.
func (a admin) RestorePoint(name string) (lsn.LSN, error) {
	log := a.s.srv.System().Log
	end, err := log.InsertRestorePoint(&a.s.tx.Rec, &xlog.RestorePoint{Time: xact.Timestamp(time.Now()), Name: name})
	if err == nil {
		err = log.Flush(end)
	}
	return end, err
}

// Message is part of builtin.Admin.
func (a admin) Message(prefix string, body []byte, transactional bool) (lsn.LSN, error) {
	tx := a.s.tx
	if transactional {
		if _, err := tx.XID(); err != nil {
			return 0, err
		}
	}
	r := &tx.Rec
	r.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, tx.XIDIfAny())
	r.Data(rmgrs.LogicalMessage{DB: a.s.db, Transactional: transactional, Prefix: prefix, Message: body}.Append(nil))
	return a.s.srv.System().Log.Insert(r)
}

// advisory is builtin.AdvisoryLocks.
type advisory struct{ s *Session }

func (a advisory) tag(k1, k2 uint32, class int) lmgr.Tag {
	if class == 2 {
		return lmgr.AdvisoryInt4(a.s.db, int32(k1), int32(k2))
	}
	return lmgr.AdvisoryInt8(a.s.db, int64(uint64(k1)<<32|uint64(k2)))
}

func advisoryMode(shared bool) lmgr.Mode {
	if shared {
		return lmgr.Share
	}
	return lmgr.Exclusive
}

// Lock is part of builtin.AdvisoryLocks.
func (a advisory) Lock(ctx context.Context, k1, k2 uint32, class int, shared, xact, try bool) (bool, error) {
	m, o, tag, mode := a.s.srv.System().Locks, a.s.proc.Locks(), a.tag(k1, k2, class), advisoryMode(shared)
	switch {
	case try && xact:
		return m.TryAcquire(o, tag, mode), nil
	case try:
		return m.TryAcquireSession(o, tag, mode), nil
	case xact:
		return true, m.Acquire(ctx, o, tag, mode)
	}
	return true, m.AcquireSession(ctx, o, tag, mode)
}

// Unlock is part of builtin.AdvisoryLocks.
func (a advisory) Unlock(k1, k2 uint32, class int, shared bool) (bool, error) {
	mode := advisoryMode(shared)
	if a.s.srv.System().Locks.Release(a.s.proc.Locks(), a.tag(k1, k2, class), mode, true) {
		return true, nil
	}
	a.s.Notice("WARNING", pgerr.New(pgerr.SuccessfulCompletion, "you don't own a lock of type %s", mode))
	return false, nil
}

// UnlockAll is part of builtin.AdvisoryLocks.
func (a advisory) UnlockAll() { a.s.srv.System().Locks.ReleaseAdvisorySession(a.s.proc.Locks()) }
