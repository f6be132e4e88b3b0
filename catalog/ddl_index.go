package catalog

import (
	"strconv"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

func toastName(rel oid.OID) string { return "pg_toast_" + strconv.FormatUint(uint64(rel), 10) }

// NewIndex is an index to be made. The caller builds its contents.
type NewIndex struct {
	OID        oid.OID // 0: a new one
	Table      *access.Relation
	Name       string
	Tablespace oid.OID
	AM         oid.OID
	AttNums    []int16  // 0 is an expression; key columns first, then INCLUDEd ones
	Names      []string // column names
	KeyCols    int
	Opclasses  []oid.OID // of key columns
	Collations []oid.OID
	Options    []int16
	Exprs      string        // pg_node_tree list or ""
	ExprAttrs  []access.Attr // types of the expressions, in order
	Pred       string        // pg_node_tree list or ""
	RelOptions []string

	Unique, Primary, NullsNotDistinct, Exclusion bool
	Constraint                                   byte // 0, 'p', 'u': make the constraint's row too
	Deferrable, InitiallyDeferred                bool
	Invalid                                      bool     // built later: CREATE INDEX CONCURRENTLY
	Refs                                         []Object // what the expressions depend on
	BuildEmpty                                   bool     // the table has no rows: make an empty index at once
}

// CreateIndex makes the rows and the empty file of an index.
func (s *Session) CreateIndex(n NewIndex) (oid.OID, error) {
	t := n.Table
	old, err := s.ClassByName(n.Name, t.Namespace)
	if err != nil {
		return 0, err
	}
	if old != nil {
		return 0, pgerr.New(pgerr.DuplicateTable, "relation %q already exists", n.Name)
	}
	if n.OID == oid.Invalid {
		if n.OID, err = s.newFilenode(n.Tablespace, t.Persistence, true); err != nil {
			return 0, err
		}
	}
	if err := s.lockNew(n.OID); err != nil {
		return 0, err
	}
	table, err := s.Class(t.OID)
	if err != nil {
		return 0, err
	}
	c := s.classRow(&NewRelation{OID: n.OID, Name: n.Name, Namespace: t.Namespace, Tablespace: n.Tablespace, Kind: 'i',
		Persistence: t.Persistence, Owner: table.Relowner, AM: n.AM, Options: n.RelOptions, Columns: make([]access.Attr, len(n.AttNums))})
	c.Reltuples = 0
	if _, err := s.Insert(c); err != nil {
		return 0, err
	}
	if err := s.indexColumns(&n); err != nil {
		return 0, err
	}
	if _, err := s.Insert(&rows.PgIndex{Indexrelid: n.OID, Indrelid: t.OID, Indnatts: int16(len(n.AttNums)), Indnkeyatts: int16(n.KeyCols),
		Indisunique: n.Unique, Indnullsnotdistinct: n.NullsNotDistinct, Indisprimary: n.Primary, Indisexclusion: n.Exclusion,
		Indimmediate: !n.Deferrable, Indisvalid: !n.Invalid, Indisready: !n.Invalid, Indislive: true, Indkey: n.AttNums,
		Indcollation: n.Collations, Indclass: n.Opclasses, Indoption: n.Options, Indexprs: n.Exprs, Indpred: n.Pred}); err != nil {
		return 0, err
	}
	if err := s.indexDepends(&n); err != nil {
		return 0, err
	}
	if err := s.createStorage(c); err != nil {
		return 0, err
	}
	if err := s.CommandCounterIncrement(); err != nil {
		return 0, err
	}
	if n.BuildEmpty || n.Invalid { // else the build will note it
		if err := s.setHasIndex(t.OID); err != nil {
			return 0, err
		}
	}
	s.InvalidateRelation(t.OID)
	if err := s.emptyIndex(&n, c); err != nil {
		return 0, err
	}
	return n.OID, s.CommandCounterIncrement()
}

// emptyIndex writes the init fork of an unlogged index, and the main fork if the
// table is empty.
func (s *Session) emptyIndex(n *NewIndex, c *rows.PgClass) error {
	idx, err := s.Relation(n.OID)
	if err != nil {
		return err
	}
	if n.BuildEmpty {
		if err := nbtree.BuildEmpty(s.tx, idx, page.MainFork); err != nil {
			return err
		}
	}
	if c.Relpersistence != 'u' || n.AM != oid.BtreeAM {
		return nil
	}
	files, err := s.smgrRel(c)
	if err != nil {
		return err
	}
	if err := s.createFork(files, page.InitFork, true); err != nil {
		return err
	}
	return nbtree.BuildEmpty(s.tx, idx, page.InitFork)
}

// setHasIndex notes in pg_class that a table has an index, in place.
func (s *Session) setHasIndex(table oid.OID) error {
	f, err := FindRow[rows.PgClass](s, Search{rows.AnumPgClassOid, datum.Int(int64(table))})
	if err != nil || f == nil {
		return err
	}
	if f.Row.Relhasindex {
		s.InvalidateRelation(table)
		return nil
	}
	f.Row.Relhasindex = true
	return s.UpdateInPlace(f.TID, f.Row)
}

// indexColumns makes the pg_attribute rows of an index.
func (s *Session) indexColumns(n *NewIndex) error {
	exprs := n.ExprAttrs
	for i, att := range n.AttNums {
		var a access.Attr
		switch {
		case att > 0:
			a = n.Table.Desc.Attrs[att-1]
		case len(exprs) > 0:
			a, exprs = exprs[0], exprs[1:]
		default:
			return pgerr.New(pgerr.InternalError, "index %q has too few expressions", n.Name)
		}
		if i < n.KeyCols {
			a.Collation = n.Collations[i]
			oc, err := s.Opclass(n.Opclasses[i])
			if err != nil {
				return err
			}
			if oc == nil {
				return pgerr.New(pgerr.UndefinedObject, "cache lookup failed for opclass %d", n.Opclasses[i])
			}
			if err := s.keyType(&a, oc); err != nil {
				return err
			}
		}
		if i >= n.KeyCols {
			a.Collation = oid.Invalid
		}
		a.Name, a.NotNull, a.HasDef, a.HasMissing, a.Identity, a.Generated = n.Names[i], false, false, false, 0, 0
		a.IsLocal, a.InhCount, a.StatTarget = true, 0, -1
		if _, err := s.Insert(columnRow(n.OID, &a, int16(i+1))); err != nil {
			return err
		}
	}
	return nil
}

// keyType changes a column's type to what an operator class stores.
func (s *Session) keyType(a *access.Attr, oc *rows.PgOpclass) error {
	if oc.Opckeytype == oid.Invalid || oc.Opckeytype == a.Type || oc.Opckeytype == oid.AnyElement {
		return nil
	}
	t, err := s.Type(oc.Opckeytype)
	if err != nil || t == nil {
		return err
	}
	a.Type, a.TypMod, a.Len, a.ByVal, a.Align, a.Storage, a.Compression = t.Oid, -1, t.Typlen, t.Typbyval, t.Typalign, t.Typstorage, 0
	return nil
}

// indexDepends records what an index depends on: its constraint, or else the
// columns it is on; collations, operator classes and what expressions use.
func (s *Session) indexDepends(n *NewIndex) error {
	self := Object{oid.RelClass, n.OID, 0}
	if n.Table.Kind == 't' {
		return s.Depend(self, DependAuto, Object{oid.RelClass, n.Table.OID, 1}, Object{oid.RelClass, n.Table.OID, 2})
	}
	var cols []Object
	for _, att := range n.AttNums {
		if att != 0 {
			cols = append(cols, Object{oid.RelClass, n.Table.OID, int32(att)})
		}
	}
	if n.Constraint != 0 {
		row := rows.PgConstraint{Conname: n.Name, Connamespace: n.Table.Namespace, Contype: n.Constraint, Condeferrable: n.Deferrable,
			Condeferred: n.InitiallyDeferred, Convalidated: true, Conrelid: n.Table.OID, Conindid: n.OID,
			Confupdtype: ' ', Confdeltype: ' ', Confmatchtype: ' ', Conislocal: true, Connoinherit: true, Conkey: n.AttNums[:n.KeyCols]}
		con, err := s.AddConstraint(NewConstraint{Row: row, Refs: nil})
		if err != nil {
			return err
		}
		for _, c := range cols[n.KeyCols:] {
			if contains(cols[:n.KeyCols], c) {
				continue
			}
			if err := s.Depend(Object{oid.RelConstraint, con, 0}, DependAuto, c); err != nil {
				return err
			}
		}
		if err := s.Depend(self, DependInternal, Object{oid.RelConstraint, con, 0}); err != nil {
			return err
		}
		if n.Deferrable {
			if err := s.DeferrableKey(con, &row, n.Constraint == 'p'); err != nil {
				return err
			}
		}
	} else {
		if len(cols) == 0 {
			cols = []Object{{oid.RelClass, n.Table.OID, 0}}
		}
		if err := s.Depend(self, DependAuto, cols...); err != nil {
			return err
		}
	}
	var refs []Object
	for i := range n.KeyCols {
		if n.Collations[i] != oid.Invalid && n.Collations[i] != oid.DefaultCollation {
			refs = append(refs, Object{oid.RelCollation, n.Collations[i], 0})
		}
		refs = append(refs, Object{oid.RelOpclass, n.Opclasses[i], 0})
	}
	if err := s.Depend(self, DependNormal, refs...); err != nil {
		return err
	}
	return s.dependExpr(self, n.Table.OID, n.Refs)
}

// Facts about the trigger of a deferrable unique key: its function and type (after
// each inserted or updated row). FROZEN.
const (
	uniqueKeyRecheck oid.OID = 1250
	recheckType      int16   = 1 | 4 | 16
)

// DeferrableKey makes the trigger that checks a deferrable unique key.
func (s *Session) DeferrableKey(con oid.OID, row *rows.PgConstraint, primary bool) error {
	prefix := "Unique_ConstraintTrigger"
	if primary {
		prefix = "PK_ConstraintTrigger"
	}
	_, err := s.CreateConstraintTrigger(rows.PgTrigger{Tgrelid: row.Conrelid, Tgfoid: uniqueKeyRecheck, Tgtype: recheckType, Tgconstrindid: row.Conindid,
		Tgconstraint: con, Tgdeferrable: true, Tginitdeferred: row.Condeferred}, prefix)
	return err
}

// dependExpr records what the expression of obj uses: columns of its own table
// automatically, all else normally.
func (s *Session) dependExpr(obj Object, table oid.OID, refs []Object) error {
	for _, r := range refs {
		kind := DependNormal
		if r.Class == oid.RelClass && r.ID == table {
			kind = DependAuto
		}
		if err := s.Depend(obj, kind, r); err != nil {
			return err
		}
	}
	return nil
}
