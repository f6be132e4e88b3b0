package catalog

import (
	"strconv"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/datum/array"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

func itoa(n int) string { return strconv.Itoa(n) }

// byOID is the condition on a catalog's oid column.
func byOID(o oid.OID) Search { return Search{1, datum.Int(int64(o))} }

// findClass finds the pg_class row of a relation for a change.
func (s *Session) findClass(rel oid.OID) (*Found[rows.PgClass], error) {
	f, err := FindRow[rows.PgClass](s, byOID(rel))
	if err == nil && f == nil {
		err = pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", rel)
	}
	return f, err
}

// findColumn finds the pg_attribute row of a column for a change.
func (s *Session) findColumn(rel oid.OID, att int16) (*Found[rows.PgAttribute], error) {
	f, err := FindRow[rows.PgAttribute](s, Search{rows.AnumPgAttributeAttrelid, datum.Int(int64(rel))},
		Search{rows.AnumPgAttributeAttnum, datum.Int(int64(att))})
	if err == nil && f == nil {
		err = pgerr.New(pgerr.UndefinedColumn, "column number %d of relation %d does not exist", att, rel)
	}
	return f, err
}

// AddColumn appends a column to a table. missing is what existing rows have.
func (s *Session) AddColumn(rel oid.OID, a access.Attr, missing *datum.Datum) (int16, error) {
	f, err := s.findClass(rel)
	if err != nil {
		return 0, err
	}
	if f.Row.Relnatts >= 1600 {
		return 0, pgerr.New(pgerr.TooManyColumns, "tables can have at most 1600 columns")
	}
	old, err := s.AttributeByName(rel, a.Name)
	if err != nil {
		return 0, err
	}
	if old != nil {
		if old.Attnum <= 0 {
			return 0, pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", a.Name)
		}
		return 0, pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", a.Name, f.Row.Relname)
	}
	num := f.Row.Relnatts + 1
	r := columnRow(rel, &a, num)
	if missing != nil && !missing.Null {
		r.Atthasmissing = true
		r.Attmissingval = datum.Bytes(array.Build(array.Of(a.Type, []datum.Datum{*missing}), array.Elem{Len: a.Len, ByVal: a.ByVal, Align: a.Align}))
	}
	if _, err := s.Insert(r); err != nil {
		return 0, err
	}
	refs := []Object{{oid.RelType, a.Type, 0}}
	if a.Collation != oid.DefaultCollation {
		refs = append(refs, Object{oid.RelCollation, a.Collation, 0})
	}
	if err := s.Depend(Object{oid.RelClass, rel, int32(num)}, DependNormal, refs...); err != nil {
		return 0, err
	}
	f.Row.Relnatts = num
	if err := s.Update(f.TID, f.Row); err != nil {
		return 0, err
	}
	if err := s.CommandCounterIncrement(); err != nil {
		return 0, err
	}
	return num, s.CreateToastTable(rel)
}

// StoreDefault makes or replaces the default of a column: a pg_node_tree and
// what it depends on. "" removes it.
func (s *Session) StoreDefault(rel oid.OID, att int16, expr string, refs []Object) error {
	defs, err := s.AttrDefs(rel)
	if err != nil {
		return err
	}
	for _, d := range defs {
		if d.Adnum == att {
			o := Object{oid.RelAttrdef, d.Oid, 0}
			if err := s.dropDefault(d.Oid); err != nil {
				return err
			}
			if err := s.forget(o); err != nil {
				return err
			}
			if err := s.CommandCounterIncrement(); err != nil {
				return err
			}
		}
	}
	if expr == "" {
		return nil
	}
	f, err := s.findColumn(rel, att)
	if err != nil {
		return err
	}
	o, err := s.NewOID(oid.RelAttrdef)
	if err != nil {
		return err
	}
	if _, err := s.Insert(&rows.PgAttrdef{Oid: o, Adrelid: rel, Adnum: att, Adbin: expr}); err != nil {
		return err
	}
	f.Row.Atthasdef = true
	if err := s.Update(f.TID, f.Row); err != nil {
		return err
	}
	self, col := Object{oid.RelAttrdef, o, 0}, Object{oid.RelClass, rel, int32(att)}
	kind := DependAuto
	if f.Row.Attgenerated != 0 {
		kind = DependInternal
	}
	if err := s.Depend(self, kind, col); err != nil {
		return err
	}
	if err := s.Depend(self, DependNormal, refs...); err != nil {
		return err
	}
	return s.CommandCounterIncrement()
}

// dropDefault deletes a default's row and its column's mark.
func (s *Session) dropDefault(o oid.OID) error {
	d, err := FindRow[rows.PgAttrdef](s, byOID(o))
	if err != nil || d == nil {
		return err
	}
	if err := s.Delete(oid.RelAttrdef, d.TID); err != nil {
		return err
	}
	f, err := FindRow[rows.PgAttribute](s, Search{rows.AnumPgAttributeAttrelid, datum.Int(int64(d.Row.Adrelid))},
		Search{rows.AnumPgAttributeAttnum, datum.Int(int64(d.Row.Adnum))})
	if err != nil || f == nil || f.Row.Attisdropped {
		return err
	}
	f.Row.Atthasdef, f.Row.Attgenerated = false, 0
	return s.Update(f.TID, f.Row)
}

// NewConstraint is a row of pg_constraint with its dependencies.
type NewConstraint struct {
	Row  rows.PgConstraint
	Refs []Object // what its expression depends on
}

// AddConstraint makes a constraint; Row.Oid 0 gets a new OID.
func (s *Session) AddConstraint(n NewConstraint) (oid.OID, error) {
	r := n.Row
	var err error
	if r.Oid == oid.Invalid {
		if r.Oid, err = s.NewOID(oid.RelConstraint); err != nil {
			return 0, err
		}
	}
	if _, err := s.Insert(&r); err != nil {
		return 0, err
	}
	self := Object{oid.RelConstraint, r.Oid, 0}
	var auto []Object
	switch {
	case r.Conrelid != oid.Invalid && len(r.Conkey) == 0:
		auto = append(auto, Object{oid.RelClass, r.Conrelid, 0})
	case r.Conrelid != oid.Invalid:
		for _, k := range r.Conkey {
			auto = append(auto, Object{oid.RelClass, r.Conrelid, int32(k)})
		}
	case r.Contypid != oid.Invalid:
		auto = append(auto, Object{oid.RelType, r.Contypid, 0})
	}
	if err := s.Depend(self, DependAuto, auto...); err != nil {
		return 0, err
	}
	if err := s.constraintRefs(self, &r); err != nil {
		return 0, err
	}
	if err := s.Depend(self, DependNormal, n.Refs...); err != nil {
		return 0, err
	}
	if r.Contype == 'c' && r.Conrelid != oid.Invalid {
		f, err := s.findClass(r.Conrelid)
		if err != nil {
			return 0, err
		}
		f.Row.Relchecks++
		if err := s.Update(f.TID, f.Row); err != nil {
			return 0, err
		}
	}
	return r.Oid, s.CommandCounterIncrement()
}

// constraintRefs records what a foreign key depends on besides.
func (s *Session) constraintRefs(self Object, r *rows.PgConstraint) error {
	if r.Contype != 'f' {
		return nil
	}
	var refs []Object
	for _, k := range r.Confkey {
		refs = append(refs, Object{oid.RelClass, r.Confrelid, int32(k)})
	}
	refs = append(refs, Object{oid.RelClass, r.Conindid, 0})
	for _, ops := range [][]oid.OID{r.Conpfeqop, r.Conppeqop, r.Conffeqop} {
		for _, o := range ops {
			refs = append(refs, Object{oid.RelOperator, o, 0})
		}
	}
	return s.Depend(self, DependNormal, refs...)
}

// dropConstraint deletes a constraint's row and counts it off its table.
func (s *Session) dropConstraint(o oid.OID) error {
	d, err := FindRow[rows.PgConstraint](s, byOID(o))
	if err != nil || d == nil {
		return err
	}
	if err := s.Delete(oid.RelConstraint, d.TID); err != nil {
		return err
	}
	if d.Row.Contype != 'c' || d.Row.Conrelid == oid.Invalid {
		return nil
	}
	f, err := FindRow[rows.PgClass](s, byOID(d.Row.Conrelid))
	if err != nil || f == nil || f.Row.Relchecks == 0 {
		return err
	}
	f.Row.Relchecks--
	return s.Update(f.TID, f.Row)
}

// CreateRule makes a rewrite rule, with ev_action and ev_qual as pg_node_tree.
// A view's rule is an internal part of it.
func (s *Session) CreateRule(r rows.PgRewrite, refs []Object) (oid.OID, error) {
	f, err := s.findClass(r.EvClass)
	if err != nil {
		return 0, err
	}
	if r.Oid, err = s.NewOID(oid.RelRewrite); err != nil {
		return 0, err
	}
	if _, err := s.Insert(&r); err != nil {
		return 0, err
	}
	kind := DependAuto
	if r.EvType == '1' {
		kind = DependInternal
	}
	self := Object{oid.RelRewrite, r.Oid, 0}
	if err := s.Depend(self, kind, Object{oid.RelClass, r.EvClass, 0}); err != nil {
		return 0, err
	}
	if err := s.Depend(self, DependNormal, refs...); err != nil {
		return 0, err
	}
	f.Row.Relhasrules = true
	if err := s.Update(f.TID, f.Row); err != nil {
		return 0, err
	}
	return r.Oid, s.CommandCounterIncrement()
}

// dropRule deletes a rule's row.
func (s *Session) dropRule(o oid.OID) error {
	d, err := FindRow[rows.PgRewrite](s, byOID(o))
	if err != nil || d == nil {
		return err
	}
	return s.Delete(oid.RelRewrite, d.TID)
}
