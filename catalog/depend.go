package catalog

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
)

// Object names any database object (PostgreSQL: ObjectAddress). Class is the
// catalog's OID; Sub is a column number or 0.
type Object struct {
	Class, ID oid.OID
	Sub       int32
}

// Kinds of dependency (pg_depend.deptype).
const (
	DependNormal    byte = 'n'
	DependAuto      byte = 'a'
	DependInternal  byte = 'i'
	DependExtension byte = 'e'
)

// pinned reports whether an object is built in and cannot be dropped, so that
// nothing records a dependency on it.
func (o Object) pinned() bool {
	switch {
	case o.ID >= oid.FirstUnpinned:
		return false
	case o.Class == oid.RelNamespace && o.ID == oid.PublicNamespace, o.Class == oid.RelDatabase, o.Class == oid.RelLargeobject:
		return false
	}
	return true
}

// Depend records that obj depends on each of refs; built-in refs need no row.
func (s *Session) Depend(obj Object, kind byte, refs ...Object) error {
	for i, r := range refs {
		if r.ID == oid.Invalid || r.pinned() || contains(refs[:i], r) {
			continue
		}
		if _, err := s.Insert(&rows.PgDepend{Classid: obj.Class, Objid: obj.ID, Objsubid: obj.Sub,
			Refclassid: r.Class, Refobjid: r.ID, Refobjsubid: r.Sub, Deptype: kind}); err != nil {
			return err
		}
	}
	return nil
}

func contains(list []Object, o Object) bool {
	for _, x := range list {
		if x == o {
			return true
		}
	}
	return false
}

// DependOwner records the owner of an object in pg_shdepend. The bootstrap
// superuser and other built-in roles need no row.
func (s *Session) DependOwner(obj Object, owner oid.OID) error {
	if (Object{oid.RelAuthID, owner, 0}).pinned() {
		return nil
	}
	db := s.opt.Database
	if c, ok := rows.FindCatalog(obj.Class); ok && c.Shared {
		db = oid.Invalid
	}
	_, err := s.Insert(&rows.PgShdepend{Dbid: db, Classid: obj.Class, Objid: obj.ID, Objsubid: obj.Sub,
		Refclassid: oid.RelAuthID, Refobjid: owner, Deptype: 'o'})
	return err
}

// dependsOn lists the rows that say what obj depends on.
func (s *Session) dependsOn(obj Object) ([]Found[rows.PgDepend], error) {
	by := []Search{{rows.AnumPgDependClassid, datum.Int(int64(obj.Class))}, {rows.AnumPgDependObjid, datum.Int(int64(obj.ID))}}
	if obj.Sub != 0 {
		by = append(by, Search{rows.AnumPgDependObjsubid, datum.Int(int64(obj.Sub))})
	}
	return FindRows[rows.PgDepend](s, by...)
}

// dependents lists the rows that say what depends on obj or, if obj is whole, on
// a part of it.
func (s *Session) dependents(obj Object) ([]Found[rows.PgDepend], error) {
	by := []Search{{rows.AnumPgDependRefclassid, datum.Int(int64(obj.Class))}, {rows.AnumPgDependRefobjid, datum.Int(int64(obj.ID))}}
	if obj.Sub != 0 {
		by = append(by, Search{rows.AnumPgDependRefobjsubid, datum.Int(int64(obj.Sub))})
	}
	return FindRows[rows.PgDepend](s, by...)
}

// forget removes the rows about an object that goes: what it depends on, its
// owner, its initial privileges and descriptions.
func (s *Session) forget(obj Object) error {
	deps, err := s.dependsOn(obj)
	if err != nil {
		return err
	}
	for _, d := range deps {
		if err := s.Delete(oid.RelDepend, d.TID); err != nil {
			return err
		}
	}
	db := s.opt.Database
	if c, ok := rows.FindCatalog(obj.Class); ok && c.Shared {
		db = oid.Invalid
	}
	owners, err := FindRows[rows.PgShdepend](s, Search{rows.AnumPgShdependDbid, datum.Int(int64(db))},
		Search{rows.AnumPgShdependClassid, datum.Int(int64(obj.Class))}, Search{rows.AnumPgShdependObjid, datum.Int(int64(obj.ID))})
	if err != nil {
		return err
	}
	for _, d := range owners {
		if err := s.Delete(oid.RelShdepend, d.TID); err != nil {
			return err
		}
	}
	notes, err := FindRows[rows.PgDescription](s, Search{rows.AnumPgDescriptionObjoid, datum.Int(int64(obj.ID))},
		Search{rows.AnumPgDescriptionClassoid, datum.Int(int64(obj.Class))})
	if err != nil {
		return err
	}
	for _, d := range notes {
		if obj.Sub == 0 || d.Row.Objsubid == obj.Sub {
			if err := s.Delete(oid.RelDescription, d.TID); err != nil {
				return err
			}
		}
	}
	return nil
}
