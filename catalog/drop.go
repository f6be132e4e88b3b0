package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

// DropBehavior is RESTRICT or CASCADE.
type DropBehavior byte

// Behaviors of DROP.
const (
	Restrict DropBehavior = 0
	Cascade  DropBehavior = 1
)

// target is an object that a drop will remove.
type target struct {
	obj     Object
	because Object // what it depends on
	normal  bool   // it goes only with CASCADE
}

// dropPlan collects what a drop removes, dependents before what they depend on.
type dropPlan struct {
	s     *Session
	roots []Object
	seen  map[Object]bool
	list  []target
	// strong are those that go along without CASCADE, by whatever way they were
	// reached.
	strong map[Object]bool
	// unlocked: nothing will be dropped, so that nothing is locked.
	unlocked bool
}

// Drop removes objects and what depends on them (PostgreSQL: performDeletion).
// RESTRICT fails with 2BP01, listing the dependents as PostgreSQL does; CASCADE
// tells notice what else goes.
func (s *Session) Drop(objs []Object, how DropBehavior, notice func(*pgerr.Error)) error {
	p := &dropPlan{s: s, roots: objs, seen: map[Object]bool{}, strong: map[Object]bool{}}
	for _, o := range objs {
		if err := p.visit(target{obj: o}); err != nil {
			return err
		}
	}
	if err := p.report(how, notice); err != nil {
		return err
	}
	for _, t := range p.list {
		if err := s.remove(t.obj); err != nil {
			return err
		}
		if err := s.forget(t.obj); err != nil {
			return err
		}
		if err := s.CommandCounterIncrement(); err != nil {
			return err
		}
	}
	return nil
}

// CheckDrop fails as Drop with RESTRICT would, and changes nothing.
func (s *Session) CheckDrop(o Object) error {
	p := &dropPlan{s: s, roots: []Object{o}, seen: map[Object]bool{}, strong: map[Object]bool{}, unlocked: true}
	if err := p.visit(target{obj: o}); err != nil {
		return err
	}
	return p.report(Restrict, nil)
}

// visit adds an object after all that depends on it.
func (p *dropPlan) visit(t target) error {
	if p.seen[t.obj] || t.obj.Sub != 0 && p.seen[Object{t.obj.Class, t.obj.ID, 0}] {
		return nil
	}
	if t.obj.pinned() {
		d, err := p.s.Describe(t.obj)
		if err != nil {
			return err
		}
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because it is required by the database system", d)
	}
	if t.obj.Class == oid.RelClass && t.obj.Sub == 0 && !p.unlocked {
		if err := p.s.lockDrop(t.obj.ID); err != nil {
			return err
		}
	}
	moved, err := p.owner(t)
	if err != nil || moved {
		return err
	}
	p.seen[t.obj] = true
	deps, err := p.s.dependents(t.obj)
	if err != nil {
		return err
	}
	slices.SortStableFunc(deps, younger)
	strong := map[Object]bool{} // dependents that go along without CASCADE
	for _, d := range deps {
		if d.Row.Deptype != DependNormal {
			strong[Object{d.Row.Classid, d.Row.Objid, d.Row.Objsubid}] = true
			p.strong[Object{d.Row.Classid, d.Row.Objid, d.Row.Objsubid}] = true
		}
	}
	for _, d := range deps {
		o := Object{d.Row.Classid, d.Row.Objid, d.Row.Objsubid}
		if o.Class == t.obj.Class && o.ID == t.obj.ID { // a column of the same table
			if t.obj.Sub == 0 {
				continue
			}
		}
		if err := p.visit(target{obj: o, because: t.obj, normal: !strong[o]}); err != nil {
			return err
		}
	}
	p.list = append(p.list, t)
	return nil
}

// younger orders dependents as PostgreSQL visits them: the last made first, so
// that reports, which go backwards, name the oldest first.
func younger(a, b Found[rows.PgDepend]) int {
	return cmp.Or(cmp.Compare(b.Row.Objid, a.Row.Objid), cmp.Compare(a.Row.Classid, b.Row.Classid),
		cmp.Compare(uint32(a.Row.Objsubid), uint32(b.Row.Objsubid)))
}

// owner handles an object that is an internal part of another, or an extension's:
// asked for by name it cannot go alone; reached from elsewhere it takes its owner
// along.
func (p *dropPlan) owner(t target) (moved bool, err error) {
	deps, err := p.s.dependsOn(t.obj)
	if err != nil {
		return false, err
	}
	for _, d := range deps {
		if d.Row.Deptype != DependInternal && d.Row.Deptype != DependExtension {
			continue
		}
		ref := Object{d.Row.Refclassid, d.Row.Refobjid, d.Row.Refobjsubid}
		if p.seen[ref] || contains(p.roots, ref) || p.seen[Object{ref.Class, ref.ID, 0}] {
			continue
		}
		if t.because == (Object{}) {
			mine, err := p.s.Describe(t.obj)
			if err != nil {
				return false, err
			}
			theirs, err := p.s.Describe(ref)
			if err != nil {
				return false, err
			}
			return false, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because %s requires it", mine, theirs).
				WithHint("You can drop %s instead.", theirs)
		}
		if d.Row.Deptype == DependInternal {
			return true, p.visit(target{obj: ref, because: t.because, normal: t.normal})
		}
	}
	return false, nil
}

// report refuses or announces what goes beside the roots.
func (p *dropPlan) report(how DropBehavior, notice func(*pgerr.Error)) error {
	var lines []string
	var last string
	for i := len(p.list) - 1; i >= 0; i-- {
		t := p.list[i]
		if !t.normal || p.strong[t.obj] || contains(p.roots, t.obj) {
			continue
		}
		d, err := p.s.Describe(t.obj)
		if err != nil {
			return err
		}
		if how == Cascade {
			last = d
			lines = append(lines, "drop cascades to "+d)
			continue
		}
		ref, err := p.s.Describe(t.because)
		if err != nil {
			return err
		}
		lines = append(lines, d+" depends on "+ref)
	}
	if len(lines) == 0 {
		return nil
	}
	if how == Cascade {
		e := &pgerr.Error{Code: pgerr.SuccessfulCompletion, Msg: "drop cascades to " + last}
		if len(lines) > 1 {
			e = pgerr.New(pgerr.SuccessfulCompletion, "drop cascades to %d other objects", len(lines)).WithDetail("%s", joined(lines))
		}
		if notice != nil {
			notice(e)
		}
		return nil
	}
	hint := "Use DROP ... CASCADE to drop the dependent objects too."
	if len(p.roots) > 1 {
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop desired object(s) because other objects depend on them").
			WithDetail("%s", joined(lines)).WithHint("%s", hint)
	}
	d, err := p.s.Describe(p.roots[0])
	if err != nil {
		return err
	}
	return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because other objects depend on it", d).
		WithDetail("%s", joined(lines)).WithHint("%s", hint)
}

// maxReported is how many dependents a message names.
const maxReported = 100

func joined(lines []string) string {
	more := len(lines) - maxReported
	if more <= 0 {
		return strings.Join(lines, "\n")
	}
	noun := "objects"
	if more == 1 {
		noun = "object"
	}
	return strings.Join(lines[:maxReported], "\n") + "\nand " + itoa(more) + " other " + noun + " (see server log for list)"
}

func (s *Session) lockDrop(rel oid.OID) error {
	return s.tx.LockRelation(s.ctx, s.opt.Database, rel, lmgr.AccessExclusive)
}

// remove deletes the rows that an object is.
func (s *Session) remove(o Object) error {
	switch o.Class {
	case oid.RelClass:
		if o.Sub != 0 {
			return s.dropColumn(o.ID, int16(o.Sub))
		}
		return s.dropRelation(o.ID)
	case oid.RelType:
		return s.removeAll(o.Class, o.ID, part{oid.RelEnum, rows.AnumPgEnumEnumtypid}, part{oid.RelRange, rows.AnumPgRangeRngtypid})
	case oid.RelProc:
		return s.removeAll(o.Class, o.ID, part{oid.RelAggregate, rows.AnumPgAggregateAggfnoid})
	case oid.RelAttrdef:
		return s.dropDefault(o.ID)
	case oid.RelConstraint:
		return s.dropConstraint(o.ID)
	case oid.RelRewrite:
		return s.dropRule(o.ID)
	case oid.RelTrigger:
		return s.dropTrigger(o.ID)
	}
	return s.removeAll(o.Class, o.ID)
}

// part is a catalog whose rows belong to an object by a column.
type part struct {
	catalog oid.OID
	anum    int16
}

// removeAll deletes the row of a catalog with an OID, and the rows of its parts.
func (s *Session) removeAll(catalog, id oid.OID, parts ...part) error {
	c, ok := rows.FindCatalog(catalog)
	if !ok || c.Columns()[0].Name != "oid" {
		return pgerr.NotYet("dropping an object of catalog %d", catalog)
	}
	for _, p := range append(parts, part{catalog, 1}) {
		by := []Search{{p.anum, datum.Int(int64(id))}}
		index, keys := chooseIndex(p.catalog, by)
		var found []tid
		err := s.scan(p.catalog, index, keys, func(at tid, vals []datum.Datum) error {
			if oid.OID(uint32(vals[p.anum-1].Int)) == id {
				found = append(found, at)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, at := range found {
			if err := s.Delete(p.catalog, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropRelation deletes the rows of a relation and, at commit, its files.
func (s *Session) dropRelation(rel oid.OID) error {
	c, err := s.Class(rel)
	if err != nil {
		return err
	}
	if c == nil {
		return pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", rel)
	}
	if hasStorage(c.Relkind) || c.Relkind == 'p' {
		s.tx.DropStats(xact.StatsItem{Kind: xact.StatsRelation, DB: s.opt.Database, Obj: rel})
	}
	if hasStorage(c.Relkind) {
		if err := s.leaveReaders(rel); err != nil {
			return err
		}
		files, err := s.smgrRel(c)
		if err != nil {
			return err
		}
		s.dropAtCommit(files)
	}
	parts := []part{{oid.RelAttribute, rows.AnumPgAttributeAttrelid}, {oid.RelStatistic, rows.AnumPgStatisticStarelid},
		{oid.RelInherits, rows.AnumPgInheritsInhrelid}}
	switch c.Relkind {
	case 'i', 'I':
		parts = append(parts, part{oid.RelIndex, rows.AnumPgIndexIndexrelid})
		if ix, err := s.Index(rel); err != nil {
			return err
		} else if ix != nil {
			s.InvalidateRelation(ix.Indrelid)
		}
	case 'S':
		parts = append(parts, part{oid.RelSequence, rows.AnumPgSequenceSeqrelid})
	case 'p':
		parts = append(parts, part{oid.RelPartitioned, rows.AnumPgPartitionedTablePartrelid})
	}
	return s.removeAll(oid.RelClass, rel, parts...)
}

// dropColumn keeps a column's place and takes everything else from it.
func (s *Session) dropColumn(rel oid.OID, att int16) error {
	f, err := FindRow[rows.PgAttribute](s, Search{rows.AnumPgAttributeAttrelid, datum.Int(int64(rel))}, Search{rows.AnumPgAttributeAttnum, datum.Int(int64(att))})
	if err != nil {
		return err
	}
	if f == nil {
		return pgerr.New(pgerr.UndefinedColumn, "column number %d of relation %d does not exist", att, rel)
	}
	a := f.Row
	a.Attname = "........pg.dropped." + itoa(int(att)) + "........"
	a.Attisdropped, a.Atttypid, a.Attnotnull, a.Attstattarget, a.Attgenerated, a.Atthasmissing = true, 0, false, 0, 0, false
	a.Attmissingval, a.Attidentity = nullDatum(), 0
	if err := s.Update(f.TID, a); err != nil {
		return err
	}
	st, err := FindRows[rows.PgStatistic](s, Search{rows.AnumPgStatisticStarelid, datum.Int(int64(rel))}, Search{rows.AnumPgStatisticStaattnum, datum.Int(int64(att))})
	if err != nil {
		return err
	}
	for _, r := range st {
		if err := s.Delete(oid.RelStatistic, r.TID); err != nil {
			return err
		}
	}
	return nil
}

// leaveReaders settles what serializable transactions have read of a relation that
// goes: of a table the drop is a change of it all, of an index the table stays.
func (s *Session) leaveReaders(rel oid.OID) error {
	if s.tx.SSI() == nil && s.tx.Manager().SSI().Idle() {
		return nil
	}
	r, err := s.Relation(rel)
	if err != nil || r == nil {
		return err
	}
	if r.Index != nil {
		r.Moved()
		return nil
	}
	return r.WroteAll(s.tx)
}
