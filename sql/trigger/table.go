package trigger

import (
	"slices"
	"strings"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
)

// Func is a trigger function, by its OID in pg_proc.
type Func oid.OID

// The functions of constraints. FROZEN.
const (
	uniqueRecheck Func = 1250
	CheckIns      Func = 1644
	CheckUpd      Func = 1645
	CascadeDel    Func = 1646
	CascadeUpd    Func = 1647
	RestrictDel   Func = 1648
	RestrictUpd   Func = 1649
	SetNullDel    Func = 1650
	SetNullUpd    Func = 1651
	SetDefaultDel Func = 1652
	SetDefaultUpd Func = 1653
	NoActionDel   Func = 1654
	NoActionUpd   Func = 1655
)

// UniqueRecheck is the function of a deferrable unique key's trigger.
const UniqueRecheck = uniqueRecheck

// onUpdate: for the actions, odd functions are those of UPDATE.
func (f Func) onUpdate() bool { return f&1 == 1 }

// Known reports whether a trigger function is one that a Queue can fire.
func Known(f oid.OID) bool {
	return Func(f) == uniqueRecheck || Func(f) >= CheckIns && Func(f) <= NoActionUpd
}

// Bits of pg_trigger.tgtype. FROZEN.
const (
	typeRow    = 1
	typeBefore = 2
	typeInsert = 4
	typeDelete = 8
	typeUpdate = 16
)

// Types of the triggers of constraints.
const (
	TypeInsert = typeRow | typeInsert
	TypeDelete = typeRow | typeDelete
	TypeUpdate = typeRow | typeUpdate
)

// Trigger is a row of pg_trigger that can fire.
type Trigger struct {
	Rel                  oid.OID
	Name                 string
	Func                 Func
	Type                 int16
	Constraint, Index    oid.OID
	Deferrable, Deferred bool
	enabled              byte // pg_trigger.tgenabled
	fk                   *foreignKey
}

func (t *Trigger) isCheck() bool { return t.Func == CheckIns || t.Func == CheckUpd }

// table is what fires for one table, in the order of names.
type table struct {
	q    *Queue
	list []*Trigger
}

// Table is part of exec.Triggers.
func (q *Queue) Table(rel *access.Relation) (exec.TableTriggers, error) {
	gen, epoch := q.h.CatalogStamp()
	if gen != q.gen || epoch != q.epoch {
		q.gen, q.epoch = gen, epoch
		clear(q.tables)
	}
	t, ok := q.tables[rel.OID]
	if !ok {
		var err error
		if t, err = q.load(rel); err != nil {
			return nil, err
		}
		q.tables[rel.OID] = t
	}
	if len(t.list) == 0 {
		return nil, nil
	}
	return t, nil
}

// load reads the triggers of a table that are enabled.
func (q *Queue) load(rel *access.Relation) (*table, error) {
	t := &table{q: q}
	class, err := q.h.Catalog().Class(rel.OID)
	if err != nil || class == nil || !class.Relhastriggers {
		return t, err
	}
	list, err := q.h.Catalog().TriggersOf(rel.OID)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if !Known(r.Tgfoid) {
			continue
		}
		g := &Trigger{Rel: rel.OID, Name: r.Tgname, Func: Func(r.Tgfoid), Type: r.Tgtype, Constraint: r.Tgconstraint, Index: r.Tgconstrindid,
			Deferrable: r.Tgdeferrable, Deferred: r.Tginitdeferred, enabled: r.Tgenabled}
		if g.Func != uniqueRecheck {
			if g.fk, err = q.foreignKey(r.Tgconstraint); err != nil {
				return nil, err
			}
		}
		t.list = append(t.list, g)
	}
	slices.SortFunc(t.list, func(a, b *Trigger) int { return strings.Compare(a.Name, b.Name) })
	return t, nil
}

// fires reports whether a trigger is for an event: ALTER TABLE … DISABLE TRIGGER
// and session_replication_role may turn it off.
func (g *Trigger) fires(event int16, replica bool) bool {
	switch g.enabled {
	case 'D':
		return false
	case 'O':
		return g.Type&event != 0 && !replica
	case 'R':
		return g.Type&event != 0 && replica
	}
	return g.Type&event != 0
}

// Inserted is part of exec.TableTriggers.
func (t *table) Inserted(_ []datum.Datum, at page.TID, recheck []oid.OID) error {
	replica := t.q.h.Replica()
	for _, g := range t.list {
		if !g.fires(typeInsert, replica) || g.Func == uniqueRecheck && !slices.Contains(recheck, g.Index) {
			continue
		}
		t.q.add(event{t: g, new: at})
	}
	return nil
}

// Updated is part of exec.TableTriggers. An update that leaves a foreign key's
// columns as they are is none to it.
func (t *table) Updated(old, vals []datum.Datum, from, to page.TID, mine bool, recheck []oid.OID) error {
	replica := t.q.h.Replica()
	for _, g := range t.list {
		if !g.fires(typeUpdate, replica) {
			continue
		}
		switch {
		case g.Func == uniqueRecheck:
			if !slices.Contains(recheck, g.Index) {
				continue
			}
		case g.isCheck():
			if !g.fk.checkNeeded(old, vals, mine) {
				continue
			}
		default:
			if !g.fk.actionNeeded(old, vals) {
				continue
			}
		}
		t.q.add(event{t: g, old: from, new: to})
	}
	return nil
}

// Deleted is part of exec.TableTriggers.
func (t *table) Deleted(from page.TID) error {
	replica := t.q.h.Replica()
	for _, g := range t.list {
		if g.fires(typeDelete, replica) {
			t.q.add(event{t: g, old: from})
		}
	}
	return nil
}

// foreignKey reads a foreign key's description.
func (q *Queue) foreignKey(con oid.OID) (*foreignKey, error) {
	r, err := q.h.Catalog().Constraint(con)
	if err != nil {
		return nil, err
	}
	if r == nil || r.Contype != 'f' {
		return nil, pgerr.New(pgerr.InternalError, "cache lookup failed for constraint %d", con)
	}
	return &foreignKey{row: r, texts: map[string]*prepared{}}, nil
}
