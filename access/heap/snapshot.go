package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// Snapshot says which tuples a scan or fetch sees (PostgreSQL: Snapshot with its
// SnapshotType). The zero value sees what is live as of now, Self.
type Snapshot struct {
	kind  snapKind
	mvcc  *xact.Snapshot
	dirty *Dirty
	xmin  xid.XID
}

type snapKind uint8

const (
	snapSelf snapKind = iota
	snapMVCC
	snapSerializable // MVCC whose reads are tracked
	snapAny
	snapDirty
	snapToast
	snapNonVacuumable
)

// Dirty is what a dirty snapshot found out about the tuple that it returned: the
// transactions to wait for, if they run.
type Dirty struct {
	Xmin, Xmax xid.XID
	SpecToken  uint32 // of a speculative insertion, with Xmin
}

// MVCC sees what s sees.
func MVCC(s *xact.Snapshot) Snapshot {
	if s.SSI != nil {
		return Snapshot{kind: snapSerializable, mvcc: s}
	}
	return Snapshot{kind: snapMVCC, mvcc: s}
}

// Self sees what is committed now and all that the current transaction did.
func Self() Snapshot { return Snapshot{} }

// Any sees every tuple.
func Any() Snapshot { return Snapshot{kind: snapAny} }

// DirtySnapshot is Self with the changes of running transactions; d says whose.
func DirtySnapshot(d *Dirty) Snapshot { return Snapshot{kind: snapDirty, dirty: d} }

// NonVacuumable sees all that VACUUM with the horizon oldest would keep.
func NonVacuumable(oldest xid.XID) Snapshot { return Snapshot{kind: snapNonVacuumable, xmin: oldest} }

func toastSnapshot() Snapshot { return Snapshot{kind: snapToast} }

// sees reports whether s shows the tuple t at off of the page that v is on.
func (v *viewer) sees(t access.Tuple, off page.OffsetNumber, s *Snapshot) bool {
	switch s.kind {
	case snapMVCC:
		return v.mvcc(t, off, s.mvcc)
	case snapSerializable:
		seen := v.mvcc(t, off, s.mvcc)
		v.passed(t, seen, s.mvcc)
		return seen
	case snapAny:
		return true
	case snapDirty:
		return v.dirtyView(t, off, s.dirty)
	case snapToast:
		return v.toast(t)
	case snapNonVacuumable:
		f, _ := v.vacuum(t, off, s.xmin)
		return f != dead
	}
	return v.self(t, off)
}
