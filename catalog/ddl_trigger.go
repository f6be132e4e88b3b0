package catalog

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// CreateConstraintTrigger makes the trigger of a constraint, an internal part of
// it, with the given prefix before its OID as its name, and returns its OID.
func (s *Session) CreateConstraintTrigger(r rows.PgTrigger, prefix string) (oid.OID, error) {
	var err error
	if r.Oid, err = s.NewOID(oid.RelTrigger); err != nil {
		return 0, err
	}
	r.Tgname = prefix + "_" + itoa(int(r.Oid))
	r.Tgenabled, r.Tgisinternal, r.Tgattr, r.Tgargs = 'O', true, []int16{}, datum.Bytes([]byte{})
	if _, err := s.Insert(&r); err != nil {
		return 0, err
	}
	if err := s.Depend(Object{oid.RelTrigger, r.Oid, 0}, DependInternal, Object{oid.RelConstraint, r.Tgconstraint, 0}); err != nil {
		return 0, err
	}
	f, err := s.findClass(r.Tgrelid)
	if err != nil {
		return 0, err
	}
	if !f.Row.Relhastriggers {
		f.Row.Relhastriggers = true
		if err := s.Update(f.TID, f.Row); err != nil {
			return 0, err
		}
	}
	s.InvalidateRelation(r.Tgrelid)
	return r.Oid, s.CommandCounterIncrement()
}

// dropTrigger deletes a trigger's row. Its table is locked as for any change of
// its description.
func (s *Session) dropTrigger(o oid.OID) error {
	d, err := FindRow[rows.PgTrigger](s, byOID(o))
	if err != nil || d == nil {
		return err
	}
	if err := s.lockDrop(d.Row.Tgrelid); err != nil {
		return err
	}
	return s.Delete(oid.RelTrigger, d.TID)
}
