package catalog

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// Server is the catalog state that all sessions of a server share.
type Server struct{}

// Session is one session's view of one database's catalogs.
type Session struct{}

// Relation returns what access methods must know of a table, index, sequence,
// TOAST table or view. nil, nil: there is none. The value is immutable and may
// be kept until Valid says no.
func (s *Session) Relation(o oid.OID) (*access.Relation, error) {
	return nil, pgerr.NotYet("the relation cache")
}

// Valid reports whether r is still what Relation would return.
func (s *Session) Valid(r *access.Relation) bool { return false }

// Generation changes whenever a lookup of this session may have another answer
// than before. Plans that were made at the same generation are valid.
func (s *Session) Generation() uint64 { return 0 }

// CommandCounterIncrement makes this transaction's changes so far visible to
// its next command and to its lookups.
func (s *Session) CommandCounterIncrement() error { return pgerr.NotYet("CommandCounterIncrement") }

// Search is a condition on a catalog's column: equal to a value.
type Search struct {
	Anum  int16
	Value datum.Datum
}

// Found is a catalog row in a scan, with its place.
type Found[T any] struct {
	Row *T
	TID page.TID
}

// NewOID returns an OID that no row of a catalog has.
func (s *Session) NewOID(catalog oid.OID) (oid.OID, error) { return 0, pgerr.NotYet("NewOID") }

// Insert adds a row to its catalog and to the catalog's indexes.
func (s *Session) Insert(r rows.Row) (page.TID, error) {
	return page.TID{}, pgerr.NotYet("catalog insert")
}

// Update replaces the row at tid.
func (s *Session) Update(tid page.TID, r rows.Row) error { return pgerr.NotYet("catalog update") }

// Delete removes the row at tid of a catalog.
func (s *Session) Delete(catalog oid.OID, tid page.TID) error { return pgerr.NotYet("catalog delete") }

// UpdateInPlace overwrites the row at tid without a new version, for statistics
// and horizons (PostgreSQL: heap_inplace_update). Its length may not change.
func (s *Session) UpdateInPlace(tid page.TID, r rows.Row) error {
	return pgerr.NotYet("catalog update in place")
}

// FindRow finds the newest version of the row of a catalog that equals the
// conditions, for a change. nil, nil: there is none.
func FindRow[T any, P interface {
	*T
	rows.Row
}](s *Session, by ...Search) (*Found[T], error) {
	return nil, pgerr.NotYet("catalog scan")
}

// FindRows finds all rows of a catalog that equal the conditions.
func FindRows[T any, P interface {
	*T
	rows.Row
}](s *Session, by ...Search) ([]Found[T], error) {
	return nil, pgerr.NotYet("catalog scan")
}
