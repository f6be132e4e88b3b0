package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xact/ssi"
)

// passed tells the reader's serializable transaction about a change that s does
// not see: t is there for s though someone deleted or updated it, or t is not
// there though someone inserted it.
func (v *viewer) passed(t access.Tuple, seen bool, s *xact.Snapshot) {
	x := v.reads
	if x == nil || v.err != nil {
		return
	}
	by := t.Xmin()
	if seen {
		by = v.updateXID(t)
	}
	if !by.IsNormal() || v.tx.IsCurrent(by) || !s.InProgress(by) {
		return
	}
	if err := x.ReadPast(by); err != nil {
		v.err = err
	}
}

// track says who tracks what v sees of rel with snap.
func (v *viewer) track(rel *access.Relation, snap *Snapshot) {
	v.reads = nil
	if snap.kind == snapSerializable {
		v.reads = rel.Reads(snap.mvcc)
	}
}

// noteRead locks the version at tid, which snap saw, for reads that leave no other
// trace. The transaction's own versions need no lock: it has them already.
func (f *Fetcher) noteRead(t access.Tuple, tid page.TID) {
	if f.reads != nil && !f.tx.IsCurrent(t.Xmin()) {
		f.rel.ReadTuple(f.reads, tid)
	}
}

// reader is the serializable transaction that reads; nil if there is none.
type reader = *ssi.Xact
