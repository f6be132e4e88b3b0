package xact

import (
	"context"
	"fmt"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// The records of the resource manager Standby: what a standby must know of the
// primary's locks and running transactions.
const (
	standbyRmgr          = xlog.RmStandby
	infoStandbyLock      = 0x00
	infoRunningXacts     = 0x10
	infoStandbyInvals    = 0x20
	standbyInvalsHdrSize = 16
)

// standbyLock is an access exclusive lock on a relation (xl_standby_lock).
type standbyLock struct {
	XID     xid.XID
	DB, Rel oid.OID
}

func appendLocks(b []byte, locks []standbyLock) []byte {
	b = le.AppendUint32(b, uint32(len(locks)))
	for _, l := range locks {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(l.XID)), uint32(l.DB)), uint32(l.Rel))
	}
	return b
}

func decodeLocks(d []byte) ([]standbyLock, error) {
	c := cursor{b: d}
	var locks []standbyLock
	for p := c.items(c.u32(), 12); len(p) > 0; p = p[12:] {
		locks = append(locks, standbyLock{xid.XID(le.Uint32(p)), oid.OID(le.Uint32(p[4:])), oid.OID(le.Uint32(p[8:]))})
	}
	return locks, c.err("standby lock")
}

// LockRelation takes a lock on a relation. An access exclusive lock is logged for
// standbys, which needs an xid.
func (t *Tx) LockRelation(ctx context.Context, db, rel oid.OID, mode lmgr.Mode) error {
	if mode < lmgr.AccessExclusive || !t.m.opt.StandbyInfo() || t.m.recovering.Load() {
		return t.m.opt.Locks.Acquire(ctx, t.p.owner, lmgr.Relation(db, rel), mode)
	}
	held := t.p.owner.Holds(lmgr.Relation(db, rel), mode)
	x, err := t.XID()
	if err != nil {
		return err
	}
	if err := t.m.opt.Locks.Acquire(ctx, t.p.owner, lmgr.Relation(db, rel), mode); err != nil || held {
		return err
	}
	t.locked = true
	return t.m.logLocks(t.record(), x, []standbyLock{{x, db, rel}})
}

// TryLockRelation is LockRelation without waiting.
func (t *Tx) TryLockRelation(db, rel oid.OID, mode lmgr.Mode) (bool, error) {
	tag := lmgr.Relation(db, rel)
	if mode < lmgr.AccessExclusive || !t.m.opt.StandbyInfo() || t.m.recovering.Load() {
		return t.m.opt.Locks.TryAcquire(t.p.owner, tag, mode), nil
	}
	held := t.p.owner.Holds(tag, mode)
	if !t.m.opt.Locks.TryAcquire(t.p.owner, tag, mode) || held {
		return held, nil
	}
	x, err := t.XID()
	if err != nil {
		t.m.opt.Locks.Release(t.p.owner, tag, mode, false)
		return false, err
	}
	t.locked = true
	return true, t.m.logLocks(t.record(), x, []standbyLock{{x, db, rel}})
}

func (m *Manager) logLocks(rec *xlog.Record, x xid.XID, locks []standbyLock) error {
	rec.Begin(standbyRmgr, infoStandbyLock, x)
	rec.Data(appendLocks(nil, locks))
	rec.SetFlags(xlog.MarkUnimportant)
	if _, err := m.opt.Log.Insert(rec); err != nil {
		return m.fatal(err)
	}
	return nil
}

// runningXacts is Standby RUNNING_XACTS (xl_running_xacts): the counts, whether
// subtransactions are missing, three xids, then all running xids.
type runningXacts struct {
	Tops, Subs                        uint32
	Overflow                          bool
	Next, OldestRunning, LatestOfEnds xid.XID
	XIDs                              []xid.XID
}

func (r *runningXacts) append(b []byte) []byte {
	over := uint32(0)
	if r.Overflow {
		over = 1
	}
	for _, v := range []uint32{r.Tops, r.Subs, over, uint32(r.Next), uint32(r.OldestRunning), uint32(r.LatestOfEnds)} {
		b = le.AppendUint32(b, v)
	}
	return appendXIDs(b, r.XIDs)
}

func decodeRunning(d []byte) (r runningXacts, err error) {
	c := cursor{b: d}
	r.Tops, r.Subs = c.u32(), c.u32()
	r.Overflow = c.u32()&0xFF != 0
	r.Next, r.OldestRunning, r.LatestOfEnds = xid.XID(c.u32()), xid.XID(c.u32()), xid.XID(c.u32())
	if uint64(r.Tops)+uint64(r.Subs) > uint64(len(c.b)/4) {
		c.bad = true
		return r, c.err("running transactions")
	}
	r.XIDs = c.xids(r.Tops + r.Subs)
	return r, c.err("running transactions")
}

// LogStandbySnapshot logs the locks and transactions of the moment, as every
// checkpoint and the background writer do at wal_level >= replica.
func (m *Manager) LogStandbySnapshot() (lsn.LSN, error) {
	rec := new(xlog.Record)
	if locks := m.exclusiveLocks(); len(locks) > 0 {
		if err := m.logLocks(rec, xid.Invalid, locks); err != nil {
			return lsn.Invalid, err
		}
	}
	// The generator stays locked until the record is in: no xid is given between
	// the two.
	m.gen.mu.Lock()
	defer m.gen.mu.Unlock()
	r := runningXacts{Next: m.gen.next.XID(), OldestRunning: m.gen.next.XID()}
	a := &m.procs
	a.mu.RLock()
	oldest := m.gen.next
	for _, p := range a.all {
		f := xid.Full(p.xid.Load())
		if f == 0 {
			continue
		}
		r.XIDs = append(r.XIDs, f.XID())
		oldest = min(oldest, f)
		r.Overflow = r.Overflow || p.overflow.Load()
	}
	r.Tops = uint32(len(r.XIDs))
	for _, p := range a.all {
		for i := range p.nsubs.Load() {
			if !r.Overflow {
				r.XIDs = append(r.XIDs, xid.XID(p.subs[i].Load()))
			}
		}
	}
	r.LatestOfEnds = xid.Full(a.latest.Load()).XID()
	a.mu.RUnlock()
	r.Subs = uint32(len(r.XIDs)) - r.Tops
	r.OldestRunning = oldest.XID()
	rec.Begin(standbyRmgr, infoRunningXacts, xid.Invalid)
	rec.Data(r.append(nil))
	rec.SetFlags(xlog.MarkUnimportant)
	end, err := m.opt.Log.Insert(rec)
	if err != nil {
		return lsn.Invalid, m.fatal(err)
	}
	m.opt.Log.SetAsyncLSN(end)
	return end, nil
}

// exclusiveLocks lists the access exclusive locks on relations of transactions
// that have an xid.
func (m *Manager) exclusiveLocks() []standbyLock {
	byOwner := make(map[*lmgr.Owner]xid.XID)
	m.procs.mu.RLock()
	for _, p := range m.procs.all {
		if f := xid.Full(p.xid.Load()); f != 0 {
			byOwner[p.owner] = f.XID()
		}
	}
	m.procs.mu.RUnlock()
	var locks []standbyLock
	m.opt.Locks.EachExclusiveRelation(func(o *lmgr.Owner, t lmgr.Tag) {
		if x, ok := byOwner[o]; ok {
			locks = append(locks, standbyLock{x, oid.OID(t.F1), oid.OID(t.F2)})
		}
	})
	return locks
}

// appendStandbyInvals encodes Standby INVALIDATIONS (xl_invalidations).
func appendStandbyInvals(b []byte, db, spc oid.OID, initFile bool, msgs []byte) []byte {
	flag := uint32(0)
	if initFile {
		flag = 1
	}
	for _, v := range []uint32{uint32(db), uint32(spc), flag, uint32(len(msgs) / invalSize)} {
		b = le.AppendUint32(b, v)
	}
	return append(b, msgs...)
}

type standbyInvals struct {
	DB, Spc  oid.OID
	InitFile bool
	Msgs     []byte
}

func decodeStandbyInvals(d []byte) (r standbyInvals, err error) {
	c := cursor{b: d}
	r.DB, r.Spc = oid.OID(c.u32()), oid.OID(c.u32())
	r.InitFile = c.u32()&0xFF != 0
	r.Msgs = c.items(c.u32(), invalSize)
	return r, c.err("standby invalidation")
}

// RedoStandby replays the records of the resource manager Standby. Crash recovery
// needs of them only the next xid and the messages.
func (m *Manager) RedoStandby(d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case infoStandbyLock:
		_, err := decodeLocks(d.Main)
		return err
	case infoRunningXacts:
		r, err := decodeRunning(d.Main)
		if err == nil && r.Next.IsNormal() {
			m.advanceNext(r.Next.Prev())
		}
		return err
	case infoStandbyInvals:
		r, err := decodeStandbyInvals(d.Main)
		if err == nil && len(r.Msgs) > 0 {
			m.opt.Invalidate(r.Msgs, r.InitFile, r.DB, r.Spc)
		}
		return err
	}
	return unknownRecord(d)
}

func descStandby(dst []byte, d *xlog.Decoded) []byte {
	switch d.RmgrInfo() {
	case infoStandbyLock:
		locks, _ := decodeLocks(d.Main)
		for _, l := range locks {
			dst = fmt.Appendf(dst, "xid %d db %d rel %d ", l.XID, l.DB, l.Rel)
		}
	case infoRunningXacts:
		r, err := decodeRunning(d.Main)
		if err != nil {
			return dst
		}
		dst = fmt.Appendf(dst, "nextXid %d latestCompletedXid %d oldestRunningXid %d", r.Next, r.LatestOfEnds, r.OldestRunning)
		if r.Tops > 0 {
			dst = fmt.Appendf(dst, "; %d xacts:", r.Tops)
			for _, x := range r.XIDs[:r.Tops] {
				dst = fmt.Appendf(dst, " %d", x)
			}
		}
		if r.Overflow {
			dst = append(dst, "; subxid overflowed"...)
		}
		if r.Subs > 0 {
			dst = fmt.Appendf(dst, "; %d subxacts:", r.Subs)
			for _, x := range r.XIDs[r.Tops:] {
				dst = fmt.Appendf(dst, " %d", x)
			}
		}
	case infoStandbyInvals:
		if r, err := decodeStandbyInvals(d.Main); err == nil {
			dst = appendInvals(dst, r.Msgs, r.InitFile, r.DB, r.Spc)
		}
	}
	return dst
}
