package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// tupleLock[m] is the heavyweight lock that queues those who want row lock m;
// its conflicts are those of the row locks.
var tupleLock = [...]lmgr.Mode{lmgr.AccessShare, lmgr.RowShare, lmgr.Exclusive, lmgr.AccessExclusive} // constant

// statusMode is the row lock that a multixact member amounts to.
var statusMode = [...]LockMode{KeyShare, Share, NoKeyExclusive, Exclusive, NoKeyExclusive, Exclusive} // constant

func (m LockMode) conflicts(n LockMode) bool { return tupleLock[m].Conflicts(tupleLock[n]) }

// memberStatus is the role in a multixact of one who takes m, to update or only
// to lock.
func memberStatus(m LockMode, update bool) xact.MultiStatus {
	switch {
	case update && m == Exclusive:
		return xact.MultiUpdate
	case update:
		return xact.MultiNoKeyUpdate
	}
	return xact.MultiStatus(m)
}

// xmaxState is what a tuple's xmax says: the id and its infomask bits.
type xmaxState struct {
	xmax  xid.XID
	m, m2 uint16
}

// single is the state for one transaction that has no company.
func single(x xid.XID, mode LockMode, update bool) xmaxState {
	s := xmaxState{xmax: x}
	if mode == Exclusive {
		s.m2 = access.KeysUpdated
	}
	if update {
		return s
	}
	s.m = access.XmaxLockOnly
	switch mode {
	case KeyShare:
		s.m |= access.XmaxKeyShrLock
	case Share:
		s.m |= access.XmaxShrLock
	default:
		s.m |= access.XmaxExclLock
	}
	return s
}

// oldStatus is the role of the single transaction in an xmax.
func oldStatus(m, m2 uint16) xact.MultiStatus {
	key := m2&access.KeysUpdated != 0
	switch {
	case !access.XmaxLockedOnly(m) && key:
		return xact.MultiUpdate
	case !access.XmaxLockedOnly(m):
		return xact.MultiNoKeyUpdate
	case m&access.LockMask == access.XmaxKeyShrLock:
		return xact.MultiForKeyShare
	case m&access.LockMask == access.XmaxShrLock:
		return xact.MultiForShare
	case key:
		return xact.MultiForUpdate
	}
	return xact.MultiForNoKeyUpdate
}

// newXmax is the xmax of t after x takes mode on it, beside those who hold it
// already and do not conflict (PostgreSQL: compute_new_xmax_infomask).
func (v *viewer) newXmax(t access.Tuple, x xid.XID, mode LockMode, update bool) (xmaxState, error) {
	m, m2, old := t.Infomask(), t.Infomask2(), t.RawXmax()
	if m&access.XmaxInvalid != 0 || old == xid.Invalid {
		return single(x, mode, update), nil
	}
	add := xact.MultiMember{XID: x, Status: memberStatus(mode, update)}
	if m&access.XmaxIsMulti != 0 {
		if !v.multiRunning(t) {
			if u := v.updateXID(t); u == xid.Invalid || !v.m.DidCommit(u) {
				return single(x, mode, update), v.err
			}
		}
		multi, err := v.m.MultiExpand(v.tx, xid.Multi(old), add)
		if err != nil {
			return xmaxState{}, err
		}
		return v.multiState(multi)
	}
	status := oldStatus(m, m2)
	switch {
	case m&access.XmaxCommitted != 0:
	case v.m.IsInProgress(old):
		if old == x {
			if s := statusMode[status]; s > mode {
				mode = s
			}
			return single(x, mode, update), nil
		}
	case access.XmaxLockedOnly(m), !v.m.DidCommit(old):
		return single(x, mode, update), nil
	}
	multi, err := v.m.MultiCreate(v.tx, []xact.MultiMember{{XID: old, Status: status}, add})
	if err != nil {
		return xmaxState{}, err
	}
	return v.multiState(multi)
}

// multiState is the state of a tuple whose xmax is multi
// (GetMultiXactIdHintBits).
func (v *viewer) multiState(multi xid.Multi) (xmaxState, error) {
	members, err := v.m.MultiMembers(v.tx, multi, false)
	if err != nil {
		return xmaxState{}, err
	}
	s := xmaxState{xmax: xid.XID(multi), m: access.XmaxIsMulti}
	strongest, update := KeyShare, false
	for _, mb := range members {
		strongest = max(strongest, statusMode[mb.Status])
		update = update || mb.Status.IsUpdate()
		if mb.Status == xact.MultiForUpdate || mb.Status == xact.MultiUpdate {
			s.m2 |= access.KeysUpdated
		}
	}
	switch strongest {
	case KeyShare:
		s.m |= access.XmaxKeyShrLock
	case Share:
		s.m |= access.XmaxShrLock
	default:
		s.m |= access.XmaxExclLock
	}
	if !update {
		s.m |= access.XmaxLockOnly
	}
	return s, nil
}

func (s xmaxState) bits() uint8 { return infobits(s.m, s.m2) }
