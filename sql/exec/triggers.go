package exec

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// Triggers takes note of changed rows for AFTER triggers, and fires them at the
// end of a statement (package sql/trigger).
type Triggers interface {
	// Table returns the triggers of a table; nil: it has none that can fire.
	Table(rel *access.Relation) (TableTriggers, error)
	// Begin opens a statement: what is noted until its End belongs to it.
	Begin()
	// End fires what the statement's changes made due.
	End() error
}

// TableTriggers notes the changes of one table. recheck are the indexes in which
// a deferrable unique key may have a duplicate.
type TableTriggers interface {
	Inserted(vals []datum.Datum, at page.TID, recheck []oid.OID) error
	// Updated notes a new version; mine says that the old one was this
	// transaction's own.
	Updated(old, vals []datum.Datum, from, to page.TID, mine bool, recheck []oid.OID) error
	Deleted(from page.TID) error
}

// TriggersOf returns the triggers of a table that this execution must tell of
// changes, or nil.
func (x *Execution) TriggersOf(rel *access.Relation) (TableTriggers, error) {
	if x.Triggers == nil {
		return nil, nil
	}
	return x.Triggers.Table(rel)
}

// Notes opens the statement's level of events, before the first is noted. A query
// that runs inside of a trigger leaves its events to the statement outside.
func (x *Execution) Notes() {
	if !x.NoFire && !x.noting {
		x.noting = true
		x.Triggers.Begin()
	}
}

// Fire fires the AFTER triggers of the statement.
func (x *Execution) Fire() error {
	if !x.noting {
		return nil
	}
	x.noting = false
	return x.Triggers.End()
}

// Recheck are the deferrable unique indexes in which the row last given to Index
// may have a duplicate.
func (w *TableWriter) Recheck() []oid.OID {
	if w == nil {
		return nil
	}
	return w.recheck
}

func (n *modify) noteInsert(x *Execution, vals []datum.Datum, at page.TID) error {
	if n.trig == nil {
		return nil
	}
	x.Notes()
	return n.trig.Inserted(vals, at, n.writer.Recheck())
}

func (n *modify) noteUpdate(x *Execution, old, vals []datum.Datum, from, to page.TID) error {
	if n.trig == nil {
		return nil
	}
	x.Notes()
	return n.trig.Updated(old, vals, from, to, x.Tx.IsCurrent(n.oldXmin), n.writer.Recheck())
}

func (n *modify) noteDelete(x *Execution, from page.TID) error {
	if n.trig == nil {
		return nil
	}
	x.Notes()
	return n.trig.Deleted(from)
}
