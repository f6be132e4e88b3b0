package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// update judges whether command cur of the current transaction may change the
// tuple t at tid (HeapTupleSatisfiesUpdate).
func (v *viewer) update(t access.Tuple, tid page.TID, cur xid.Command) Result {
	m := t.Infomask()
	if m&access.XminCommitted == 0 {
		x := t.RawXmin()
		switch {
		case m&access.XminInvalid != 0:
			return Invisible
		case v.tx.IsCurrent(x):
			if v.cmin(t) >= cur {
				return Invisible
			}
			return v.updateOwn(t, tid, cur)
		case v.m.IsInProgress(x), !v.inserted(t, tid.Off):
			return Invisible
		}
	}
	locked := access.XmaxLockedOnly(m)
	switch {
	case m&access.XmaxInvalid != 0, m&access.XmaxCommitted != 0 && locked:
		return OK
	case m&access.XmaxCommitted != 0:
		return gone(t, tid)
	case m&access.XmaxIsMulti != 0:
		return v.updateMulti(t, tid, cur)
	}
	x := t.RawXmax()
	switch {
	case v.tx.IsCurrent(x):
		if locked {
			return BeingModified
		}
		return v.byCommand(t, cur)
	case v.m.IsInProgress(x):
		return BeingModified
	case !v.m.DidCommit(x), locked:
		v.note(t, tid.Off, access.XmaxInvalid, xid.Invalid)
		return OK
	}
	v.note(t, tid.Off, access.XmaxCommitted, x)
	return gone(t, tid)
}

// updateOwn is update for a tuple that the current transaction inserted.
func (v *viewer) updateOwn(t access.Tuple, tid page.TID, cur xid.Command) Result {
	m, x := t.Infomask(), t.RawXmax()
	multi := m&access.XmaxIsMulti != 0
	switch {
	case m&access.XmaxInvalid != 0:
		return OK
	case access.XmaxLockedOnly(m):
		if multi && v.multiRunning(t) || !multi && v.m.IsInProgress(x) {
			return BeingModified
		}
		return OK
	case multi:
		if x = v.updater(t); !v.tx.IsCurrent(x) { // the subtransaction that deleted it aborted
			if v.multiRunning(t) {
				return BeingModified
			}
			return OK
		}
	case !v.tx.IsCurrent(x):
		v.note(t, tid.Off, access.XmaxInvalid, xid.Invalid)
		return OK
	}
	return v.byCommand(t, cur)
}

func (v *viewer) updateMulti(t access.Tuple, tid page.TID, cur xid.Command) Result {
	if access.XmaxLockedOnly(t.Infomask()) {
		if v.multiRunning(t) {
			return BeingModified
		}
		v.note(t, tid.Off, access.XmaxInvalid, xid.Invalid)
		return OK
	}
	x := v.updater(t)
	switch {
	case x != xid.Invalid && v.tx.IsCurrent(x):
		return v.byCommand(t, cur)
	case v.multiRunning(t):
		return BeingModified
	case x != xid.Invalid && v.m.DidCommit(x):
		return gone(t, tid)
	}
	v.note(t, tid.Off, access.XmaxInvalid, xid.Invalid)
	return OK
}

// byCommand is the result for a tuple that the current transaction changed: at
// or after command cur, or before it.
func (v *viewer) byCommand(t access.Tuple, cur xid.Command) Result {
	if v.cmax(t) >= cur {
		return SelfModified
	}
	return Invisible
}

// gone tells an update from a deletion.
func gone(t access.Tuple, tid page.TID) Result {
	if t.CTID() != tid {
		return Updated
	}
	return Deleted
}
