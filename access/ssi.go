package access

import (
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xact/ssi"
)

// firstUnpinned is the first OID of objects that are no part of the bare system
// (PostgreSQL: FirstUnpinnedObjectId).
const firstUnpinned = 12000

// Reads is who tracks what s sees of r: nil unless s belongs to a serializable
// transaction and r is a table of users, or an index of one.
func (r *Relation) Reads(s *xact.Snapshot) *ssi.Xact {
	if s == nil || s.SSI == nil || r.untracked() || !s.SSI.Reading() {
		return nil
	}
	return s.SSI
}

func (r *Relation) untracked() bool {
	return r.OID < firstUnpinned || r.Persistence == 't' || r.Kind == 'm' || r.Kind == 't'
}

// Wrote tells concurrent serializable transactions that tx, if it is one, is about
// to change the tuple at tid; Off 0 is a new tuple of a heap, or an index entry on
// tid's page. The page is locked exclusively.
func (r *Relation) Wrote(tx *xact.Tx, tid page.TID) error {
	x := tx.SSI()
	if x == nil || r.untracked() {
		return nil
	}
	db := r.database()
	switch {
	case r.Index != nil:
		return x.Write(ssi.Page(db, r.OID, tid.Block), ssi.Relation(db, r.OID))
	case tid.Off == 0:
		return x.Write(ssi.Relation(db, r.OID))
	}
	return x.Write(ssi.Tuple(db, r.OID, tid), ssi.Page(db, r.OID, tid.Block), ssi.Relation(db, r.OID))
}

// ReadAll, ReadPage and ReadTuple note what a serializable transaction has read.
func (r *Relation) ReadAll(x *ssi.Xact) { x.Lock(ssi.Relation(r.database(), r.OID)) }

// ReadPage is ReadAll for a page, of an index with the gaps in it.
func (r *Relation) ReadPage(x *ssi.Xact, blk page.BlockNumber) {
	x.Lock(ssi.Page(r.database(), r.OID, blk))
}

// ReadTuple is ReadAll for one version of a row.
func (r *Relation) ReadTuple(x *ssi.Xact, tid page.TID) {
	x.Lock(ssi.Tuple(r.database(), r.OID, tid))
}

func (r *Relation) database() oid.OID { return r.Node.DB }

// PageSplit gives page to of an index, which takes over keys of page from, the
// SIREAD locks of that. Both pages are locked.
func (r *Relation) PageSplit(from, to page.BlockNumber) {
	if r.Sys.Xact != nil {
		r.Sys.Xact.SSI().Spread(r.database(), r.OID, from, to)
	}
}

// WroteAll tells concurrent serializable transactions that tx is about to empty or
// drop r.
func (r *Relation) WroteAll(tx *xact.Tx) error {
	if tx.SSI() == nil || r.untracked() {
		return nil
	}
	return tx.SSI().WriteAll(r.database(), r.OID)
}

// Moved makes the SIREAD locks on r cover its table as a whole: its tuples get
// other places, or r is an index that goes.
func (r *Relation) Moved() {
	heap := r.OID
	if r.Index != nil {
		heap = r.Index.Heap
	}
	if r.Sys.Xact != nil && !r.untracked() {
		r.Sys.Xact.SSI().Transfer(r.database(), r.OID, heap)
	}
}
