package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// hint is a hint bit that a reader found out and could not set, because it held
// the page in share mode.
type hint struct {
	off        page.OffsetNumber
	bit, mask  uint16 // bit to set; t_infomask when it was found out
	xmin, xmax xid.XID
}

// viewer judges the tuples of one page for one transaction. It belongs to one
// goroutine and is reused from page to page.
type viewer struct {
	tx      *xact.Tx
	m       *xact.Manager
	log     *xlog.Log // not nil: hints obey the asynchronous commit rule
	excl    bool      // the page is locked exclusively: hints are set at once
	pageLSN lsn.LSN   // of the page, for that rule
	hints   []hint    // found in share mode
	dirty   bool      // hints were set in exclusive mode
	reads   reader    // who tracks what is seen, at the level serializable
	err     error     // the first failure to read a multixact
}

func newViewer(tx *xact.Tx, rel *access.Relation) viewer {
	v := viewer{tx: tx, m: rel.Sys.Xact}
	if rel.Logged() {
		v.log = rel.Sys.Log
	}
	return v
}

// on prepares v for a page, which the caller has locked.
func (v *viewer) on(p page.Page, excl bool) {
	v.pageLSN, v.excl, v.dirty, v.hints = p.LSN(), excl, false, v.hints[:0]
}

// note records that bit is true of t. INV-HEAP-2: it says "committed" only when
// the commit of x is durable, or the page's LSN will make it so before the page
// is written.
func (v *viewer) note(t access.Tuple, off page.OffsetNumber, bit uint16, x xid.XID) {
	if bit&(access.XminCommitted|access.XmaxCommitted) != 0 && v.log != nil && x != xid.Invalid {
		if at := v.m.CommitLSN(x); at != lsn.Invalid && v.pageLSN < at && v.log.FlushLSN() < at {
			return
		}
	}
	if v.excl {
		t.SetInfomask(t.Infomask() | bit)
		v.dirty = true
		return
	}
	v.hints = append(v.hints, hint{off, bit, t.Infomask(), t.RawXmin(), t.RawXmax()})
}

// setHints writes what note collected in share mode, if the exclusive lock is
// free. The caller holds a pin and no lock. A tuple that changed meanwhile is
// left alone.
func (v *viewer) setHints(pool *bufmgr.Pool, b bufmgr.Buffer) error {
	if len(v.hints) == 0 || !pool.TryLock(b) {
		return nil
	}
	defer pool.Unlock(b)
	p, did := pool.Page(b), false
	for _, h := range v.hints {
		if h.off > p.NumItems() {
			continue
		}
		t, err := tupleOn(p, h.off)
		if err != nil || t.RawXmin() != h.xmin || t.RawXmax() != h.xmax {
			continue
		}
		const hintBits = access.XminFrozen | access.XmaxCommitted | access.XmaxInvalid
		if m := t.Infomask(); (m^h.mask)&^uint16(hintBits) == 0 && m&h.bit == 0 && m&h.mask&hintBits == h.mask&hintBits {
			t.SetInfomask(m | h.bit)
			did = true
		}
	}
	v.hints = v.hints[:0]
	if !did {
		return nil
	}
	return pool.MarkDirtyHint(b)
}

func (v *viewer) cmin(t access.Tuple) xid.Command {
	if t.Infomask()&access.ComboCID != 0 {
		return v.tx.ComboMin(t.RawCid())
	}
	return t.RawCid()
}

func (v *viewer) cmax(t access.Tuple) xid.Command {
	if t.Infomask()&access.ComboCID != 0 {
		return v.tx.ComboMax(t.RawCid())
	}
	return t.RawCid()
}

// updater is the member of t's multixact that updated or deleted it, or
// xid.Invalid.
func (v *viewer) updater(t access.Tuple) xid.XID {
	members, err := v.m.MultiMembers(v.tx, xid.Multi(t.RawXmax()), false)
	if err != nil && v.err == nil {
		v.err = err
	}
	for _, mb := range members {
		if mb.Status.IsUpdate() {
			return mb.XID
		}
	}
	return xid.Invalid
}

// updateXID is the transaction that updated or deleted t, or xid.Invalid if t
// was only locked (HeapTupleHeaderGetUpdateXid).
func (v *viewer) updateXID(t access.Tuple) xid.XID {
	m := t.Infomask()
	switch {
	case m&access.XmaxInvalid != 0 || access.XmaxLockedOnly(m):
		return xid.Invalid
	case m&access.XmaxIsMulti != 0:
		return v.updater(t)
	}
	return t.RawXmax()
}

func (v *viewer) multiRunning(t access.Tuple) bool {
	return v.m.MultiIsRunning(v.tx, xid.Multi(t.RawXmax()), access.XmaxLockedOnly(t.Infomask()))
}

// inserted decides whether the transaction that inserted t committed, hinting.
// It must be neither the current one nor running for the caller.
func (v *viewer) inserted(t access.Tuple, off page.OffsetNumber) bool {
	x := t.RawXmin()
	if v.m.DidCommit(x) {
		v.note(t, off, access.XminCommitted, x)
		return true
	}
	v.note(t, off, access.XminInvalid, xid.Invalid)
	return false
}

// mvcc reports whether s sees t (HeapTupleSatisfiesMVCC).
func (v *viewer) mvcc(t access.Tuple, off page.OffsetNumber, s *xact.Snapshot) bool {
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		x := t.RawXmin()
		switch {
		case m&access.XminInvalid != 0:
			return false
		case v.tx.IsCurrent(x):
			return v.cmin(t) < s.CurCID && v.ownLives(t, off, func(c xid.Command) bool { return c >= s.CurCID })
		case s.InProgress(x), !v.inserted(t, off):
			return false
		}
	} else if m&access.XminInvalid == 0 && s.InProgress(t.RawXmin()) && !v.tx.IsCurrent(t.RawXmin()) {
		return false
	}
	if m&access.XmaxInvalid != 0 || access.XmaxLockedOnly(m) {
		return true
	}
	x := t.RawXmax()
	if m&access.XmaxIsMulti != 0 {
		x = v.updater(t)
		switch {
		case x == xid.Invalid:
			return true
		case v.tx.IsCurrent(x):
			return v.cmax(t) >= s.CurCID
		}
		return s.InProgress(x) || !v.m.DidCommit(x)
	}
	if m&access.XmaxCommitted != 0 {
		return s.InProgress(x) && !v.tx.IsCurrent(x)
	}
	if v.tx.IsCurrent(x) {
		return v.cmax(t) >= s.CurCID
	}
	return s.InProgress(x) || !v.deleted(t, off)
}

// deleted decides whether the transaction in t's xmax, which is over, committed,
// hinting.
func (v *viewer) deleted(t access.Tuple, off page.OffsetNumber) bool {
	x := t.RawXmax()
	if v.m.DidCommit(x) {
		v.note(t, off, access.XmaxCommitted, x)
		return true
	}
	v.note(t, off, access.XmaxInvalid, xid.Invalid)
	return false
}

// ownLives decides about a tuple that the current transaction inserted: still
// there, or deleted by a command for which late is true.
func (v *viewer) ownLives(t access.Tuple, off page.OffsetNumber, late func(xid.Command) bool) bool {
	m := t.Infomask()
	if m&access.XmaxInvalid != 0 || access.XmaxLockedOnly(m) {
		return true
	}
	x := t.RawXmax()
	if m&access.XmaxIsMulti != 0 {
		x = v.updater(t)
	}
	if !v.tx.IsCurrent(x) { // a subtransaction that aborted
		if m&access.XmaxIsMulti == 0 {
			v.note(t, off, access.XmaxInvalid, xid.Invalid)
		}
		return true
	}
	return late(v.cmax(t))
}

// self reports whether t is live as of now: committed, or done by the current
// transaction (HeapTupleSatisfiesSelf).
func (v *viewer) self(t access.Tuple, off page.OffsetNumber) bool {
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		x := t.RawXmin()
		switch {
		case m&access.XminInvalid != 0:
			return false
		case v.tx.IsCurrent(x):
			return v.ownLives(t, off, func(xid.Command) bool { return false })
		case v.m.IsInProgress(x), !v.inserted(t, off):
			return false
		}
	}
	x := v.updateXID(t)
	switch {
	case x == xid.Invalid:
		return true
	case m&access.XmaxCommitted != 0, v.tx.IsCurrent(x):
		return false
	case v.m.IsInProgress(x):
		return true
	case m&access.XmaxIsMulti != 0:
		return !v.m.DidCommit(x)
	}
	return !v.deleted(t, off)
}

// dirtyView is self, but changes of running transactions count, and are reported
// (HeapTupleSatisfiesDirty).
func (v *viewer) dirtyView(t access.Tuple, off page.OffsetNumber, d *Dirty) bool {
	*d = Dirty{}
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		x := t.RawXmin()
		switch {
		case m&access.XminInvalid != 0:
			return false
		case v.tx.IsCurrent(x):
			return v.ownLives(t, off, func(xid.Command) bool { return false })
		case v.m.IsInProgress(x):
			d.Xmin = x
			if c := t.CTID(); c.Off == access.SpecToken {
				d.SpecToken = uint32(c.Block)
			}
			return true
		case !v.inserted(t, off):
			return false
		}
	}
	x := v.updateXID(t)
	switch {
	case x == xid.Invalid:
		return true
	case m&access.XmaxCommitted != 0, v.tx.IsCurrent(x):
		return false
	case v.m.IsInProgress(x):
		d.Xmax = x
		return true
	case m&access.XmaxIsMulti != 0:
		return !v.m.DidCommit(x)
	}
	return !v.deleted(t, off)
}

// toast reports whether a chunk may be read: whatever was not rolled back
// (HeapTupleSatisfiesToast). Who sees the pointer may see the chunks.
func (v *viewer) toast(t access.Tuple) bool {
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		return m&access.XminInvalid == 0 && t.RawXmin() != xid.Invalid
	}
	return true
}

// fate is what VACUUM makes of a tuple (PostgreSQL: HTSV_Result).
type fate uint8

const (
	dead fate = iota
	live
	recentlyDead
	insertInProgress
	deleteInProgress
)

// vacuum judges t against the horizon: what a transaction before oldest deleted
// is dead. after is the deleter of a recently dead tuple, or of a dead one.
func (v *viewer) vacuum(t access.Tuple, off page.OffsetNumber, oldest xid.XID) (f fate, after xid.XID) {
	f, after = v.vacuumAny(t, off)
	if f == recentlyDead && after.Precedes(oldest) {
		f = dead
	}
	return f, after
}

func (v *viewer) vacuumAny(t access.Tuple, off page.OffsetNumber) (fate, xid.XID) {
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		x := t.RawXmin()
		switch {
		case m&access.XminInvalid != 0:
			return dead, xid.Invalid
		case v.tx.IsCurrent(x):
			if u := v.updateXID(t); u != xid.Invalid && v.tx.IsCurrent(u) {
				return deleteInProgress, xid.Invalid
			}
			return insertInProgress, xid.Invalid
		case v.m.IsInProgress(x):
			return insertInProgress, xid.Invalid
		case !v.inserted(t, off):
			return dead, xid.Invalid
		}
	}
	x := t.RawXmax()
	multi := m&access.XmaxIsMulti != 0
	switch {
	case m&access.XmaxInvalid != 0:
		return live, xid.Invalid
	case access.XmaxLockedOnly(m):
		if multi && !v.multiRunning(t) || !multi && !v.m.IsInProgress(x) {
			v.note(t, off, access.XmaxInvalid, xid.Invalid)
		}
		return live, xid.Invalid
	case multi:
		x = v.updater(t)
		switch {
		case x != xid.Invalid && v.m.IsInProgress(x):
			return deleteInProgress, xid.Invalid
		case x != xid.Invalid && v.m.DidCommit(x):
			return recentlyDead, x
		case !v.multiRunning(t):
			v.note(t, off, access.XmaxInvalid, xid.Invalid)
		}
		return live, xid.Invalid
	case m&access.XmaxCommitted == 0:
		if v.m.IsInProgress(x) {
			return deleteInProgress, xid.Invalid
		}
		if !v.deleted(t, off) {
			return live, xid.Invalid
		}
	}
	return recentlyDead, x
}
