package catalog

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// CreateSequence makes the relation, the row in pg_sequence, and the first and
// only tuple of a sequence. n needs no columns; seq.Seqrelid is filled in.
func (s *Session) CreateSequence(n NewRelation, seq rows.PgSequence) (oid.OID, error) {
	n.Kind, n.Columns = 'S', sequence.Columns()
	o, err := s.CreateRelation(n)
	if err != nil {
		return 0, err
	}
	rel, err := s.Relation(o)
	if err != nil {
		return 0, err
	}
	first := sequence.State{LastValue: seq.Seqstart}
	if err := sequence.Init(s.tx, rel, page.MainFork, first); err != nil {
		return 0, err
	}
	if rel.Persistence == 'u' {
		if err := sequence.Init(s.tx, rel, page.InitFork, first); err != nil {
			return 0, err
		}
	}
	seq.Seqrelid = o
	if _, err := s.Insert(&seq); err != nil {
		return 0, err
	}
	return o, s.CommandCounterIncrement()
}
