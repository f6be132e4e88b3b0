package catalog

import (
	"slices"
	"strconv"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// TempNamespace is the schema of the session's temporary tables, pg_temp_N, made
// at its first use in the bound transaction. What an earlier session with the
// same number left there is dropped.
func (s *Session) TempNamespace() (oid.OID, error) {
	if s.tempSpace != oid.Invalid {
		return s.tempSpace, nil
	}
	if s.opt.Backend < 0 || s.opt.LocalPool == nil {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "cannot create temporary tables in this session")
	}
	n := strconv.Itoa(int(s.opt.Backend))
	space, err := s.tempSchema("pg_temp_" + n)
	if err != nil {
		return 0, err
	}
	toast, err := s.tempSchema("pg_toast_temp_" + n)
	if err != nil {
		return 0, err
	}
	s.tempSpace, s.tempToast = space, toast
	s.tx.OnAbort(func() { s.tempSpace, s.tempToast = oid.Invalid, oid.Invalid })
	return space, s.DropTempRelations()
}

// TempIfAny is the schema of the session's temporary tables, or 0 if it has none.
func (s *Session) TempIfAny() oid.OID { return s.tempSpace }

func (s *Session) tempSchema(name string) (oid.OID, error) {
	ns, err := s.NamespaceByName(name)
	if err != nil {
		return 0, err
	}
	if ns != nil {
		return ns.Oid, nil
	}
	return s.CreateNamespace(name, oid.BootstrapSuperuser)
}

// DropTempRelations drops all that is in the session's temporary schema: DISCARD
// TEMP and the end of a session.
func (s *Session) DropTempRelations() error {
	if s.tempSpace == oid.Invalid {
		return nil
	}
	deps, err := s.dependents(Object{oid.RelNamespace, s.tempSpace, 0})
	if err != nil {
		return err
	}
	var objs []Object
	for _, d := range deps {
		objs = append(objs, Object{d.Row.Classid, d.Row.Objid, d.Row.Objsubid})
	}
	return s.Drop(objs, Cascade, nil)
}

// EmptyAtCommit makes a temporary table lose its rows at the end of each
// transaction (ON COMMIT DELETE ROWS).
func (s *Session) EmptyAtCommit(rel oid.OID) {
	s.emptied = append(s.emptied, rel)
	s.tx.OnAbort(func() { s.emptied = slices.DeleteFunc(s.emptied, func(o oid.OID) bool { return o == rel }) })
}

// EmptyTempTables empties the tables of EmptyAtCommit, for good: it comes right
// before the commit.
func (s *Session) EmptyTempTables() error {
	left := s.emptied[:0:0]
	for _, o := range s.emptied {
		rel, err := s.Relation(o)
		if err != nil {
			return err
		}
		if rel == nil {
			continue // dropped
		}
		left = append(left, o)
		if err := s.emptyTemp(rel); err != nil {
			return err
		}
	}
	s.emptied = left
	return nil
}

// emptyTemp cuts the files of a temporary table, its TOAST table and all their
// indexes to nothing.
func (s *Session) emptyTemp(rel *access.Relation) error {
	n, err := rel.Pool.NBlocks(rel.Node, page.MainFork)
	if err != nil {
		return err
	}
	if n > 0 {
		if err := heap.Truncate(s.tx, rel, 0); err != nil {
			return err
		}
		indexes, err := s.IndexesOf(rel.OID)
		if err != nil {
			return err
		}
		for _, ix := range indexes {
			idx, err := s.Relation(ix.Indexrelid)
			if err != nil {
				return err
			}
			if err := heap.Truncate(s.tx, idx, 0); err != nil {
				return err
			}
			if err := nbtree.BuildEmpty(s.tx, idx, page.MainFork); err != nil {
				return err
			}
		}
	}
	if rel.ToastOID == oid.Invalid {
		return nil
	}
	toast, err := s.Relation(rel.ToastOID)
	if err != nil || toast == nil {
		return err
	}
	return s.emptyTemp(toast)
}
