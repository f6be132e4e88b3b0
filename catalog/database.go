package catalog

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// CreateSequence makes the relation, the row in pg_sequence, and the first and
// only tuple of a sequence.
func (s *Session) CreateSequence(n NewRelation, seq rows.PgSequence) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateSequence")
}

// DatabaseStrategy is how CREATE DATABASE copies its template.
type DatabaseStrategy byte

// Strategies of CREATE DATABASE.
const (
	WalLog   DatabaseStrategy = 'w'
	FileCopy DatabaseStrategy = 'f'
)

// CreateDatabase makes a database from a template: row.Oid 0 gets a new OID.
func (s *Session) CreateDatabase(row rows.PgDatabase, template oid.OID, how DatabaseStrategy) (oid.OID, error) {
	return 0, pgerr.NotYet("CreateDatabase")
}

// DropDatabase removes a database nobody is connected to.
func (s *Session) DropDatabase(db oid.OID) error { return pgerr.NotYet("DropDatabase") }
