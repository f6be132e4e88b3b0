package catalog

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum/cmp"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// Comparison orders values of a type by its default btree operator class.
func (s *Session) Comparison(typ, collation oid.OID) (access.CompareFunc, error) {
	oc, err := s.DefaultOpclass(typ, oid.BtreeAM)
	if err != nil {
		return nil, err
	}
	if oc == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s", s.typeWord(typ))
	}
	f, _, err := s.comparison(oc, typ, collation)
	return f, err
}

// FamilyComparison is support function 1 of a btree operator family for two
// types. Where they differ, the arguments stay in this order.
func (s *Session) FamilyComparison(family, left, right, collation oid.OID) (access.CompareFunc, error) {
	procs, err := s.AmprocsByFamily(family)
	if err != nil {
		return nil, err
	}
	for _, p := range procs {
		if p.Amprocnum != 1 || p.Amproclefttype != left || p.Amprocrighttype != right {
			continue
		}
		fn, err := s.Proc(p.Amproc)
		if err != nil {
			return nil, err
		}
		if fn == nil {
			return nil, pgerr.New(pgerr.UndefinedFunction, "cache lookup failed for function %d", p.Amproc)
		}
		if f, ok := cmp.ByProc(fn.Prosrc); ok {
			return access.CompareFunc(f), nil
		}
		return s.polymorphic(fn.Prosrc, left, collation)
	}
	return nil, pgerr.New(pgerr.InternalError, "missing support function 1(%d,%d) in opfamily %d", left, right, family)
}

// typeWord is a type's name for messages.
func (s *Session) typeWord(typ oid.OID) string {
	if t, err := s.Type(typ); err == nil && t != nil {
		return t.Typname
	}
	return "???"
}
