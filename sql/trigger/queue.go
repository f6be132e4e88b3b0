package trigger

import (
	"context"
	"maps"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/xact"
)

// Host is the session that a Queue works for.
type Host interface {
	Context() context.Context
	Tx() *xact.Tx
	Catalog() *catalog.Session
	ExecCatalog() exec.Catalog
	// Text is a value as text.
	Text(t oid.OID, v datum.Datum) (string, error)
	// CatalogStamp changes whenever the catalogs may have.
	CatalogStamp() (generation, epoch uint64)
	// Replica reports session_replication_role = replica.
	Replica() bool
	// Internal runs a query of a trigger.
	Internal(q Query) (Result, error)
	// Evaluation is an execution for single expressions; end gives it back.
	Evaluation() (x *exec.Execution, end func())
}

// Query is a query that a trigger runs.
type Query struct {
	Text  string
	Types []oid.OID
	Args  []datum.Datum
	Limit int64 // rows wanted; 0: all
	// Latest: a repeatable read transaction must see what was committed since its
	// snapshot, and fail rather than change it.
	Latest bool
}

// Result of a Query: the number of rows that it returned or changed, and the
// first one returned.
type Result struct {
	Rows  int64
	First []datum.Datum
}

// event is a trigger that is due for a row.
type event struct {
	t        *Trigger
	old, new page.TID
	fired    bool
}

// timing is the effect of SET CONSTRAINTS. A map is never changed once it is here.
type timing struct {
	all map[bool]bool // {deferred: true} after SET CONSTRAINTS ALL
	one map[oid.OID]bool
}

// Queue holds the events of a session's transaction.
type Queue struct {
	h        Host
	levels   [][]event
	deferred []event
	set      timing
	marked   uint32 // the subtransaction whose abort cuts deferred
	hooked   bool

	tables     map[oid.OID]*table
	gen, epoch uint64
}

// New makes the queue of a session.
func New(h Host) *Queue { return &Queue{h: h, tables: map[oid.OID]*table{}} }

var _ exec.Triggers = (*Queue)(nil)

// Begin is part of exec.Triggers.
func (q *Queue) Begin() { q.levels = append(q.levels, nil) }

// End is part of exec.Triggers. What fires may add events, which fire too.
func (q *Queue) End() error {
	at := len(q.levels) - 1
	for i := 0; i < len(q.levels[at]); i++ {
		e := q.levels[at][i]
		if q.isDeferred(e.t) {
			q.deferEvent(e)
			continue
		}
		if err := q.fire(&e); err != nil {
			return err
		}
	}
	q.levels = q.levels[:at]
	return nil
}

// add notes an event in the running statement.
func (q *Queue) add(e event) {
	if at := len(q.levels) - 1; at >= 0 {
		q.levels[at] = append(q.levels[at], e)
		return
	}
	q.deferEvent(e)
}

// deferEvent keeps an event for the end of the transaction. INV-TRIG-2.
func (q *Queue) deferEvent(e event) {
	tx := q.h.Tx()
	if id := tx.SubID(); !q.hooked || q.marked != id {
		q.marked, q.hooked = id, true
		n := len(q.deferred)
		tx.OnAbort(func() { q.deferred = q.deferred[:min(n, len(q.deferred))] })
	}
	q.deferred = append(q.deferred, e)
}

// isDeferred reports whether a trigger waits for the end of the transaction.
func (q *Queue) isDeferred(t *Trigger) bool {
	if !t.Deferrable {
		return false
	}
	if d, ok := q.set.one[t.Constraint]; ok {
		return d
	}
	if q.set.all != nil {
		return q.set.all[true]
	}
	return t.Deferred
}

// FireDeferred fires all that is left, before the transaction commits.
func (q *Queue) FireDeferred() error {
	return q.fireDue(func(*Trigger) bool { return true })
}

// fireDue fires the deferred events that due picks. INV-TRIG-2.
func (q *Queue) fireDue(due func(*Trigger) bool) error {
	for i := 0; i < len(q.deferred); i++ {
		if q.deferred[i].fired || !due(q.deferred[i].t) {
			continue
		}
		e := q.deferred[i]
		q.deferred[i].fired = true
		if q.h.Tx().Depth() > 1 {
			q.h.Tx().OnAbort(func() {
				if i < len(q.deferred) {
					q.deferred[i].fired = false
				}
			})
		}
		if err := q.fire(&e); err != nil {
			return err
		}
	}
	return nil
}

// Reset forgets everything: the transaction is over.
func (q *Queue) Reset() {
	q.levels, q.deferred, q.set, q.hooked = q.levels[:0], q.deferred[:0], timing{}, false
}

// Abandon forgets the statements that an error ended.
func (q *Queue) Abandon() { q.levels = q.levels[:0] }

// Pending reports whether an event of a table waits.
func (q *Queue) Pending(rel oid.OID) bool {
	for _, l := range append(q.levels[:len(q.levels):len(q.levels)], q.deferred) {
		for i := range l {
			if l[i].t.Rel == rel && !l[i].fired {
				return true
			}
		}
	}
	return false
}

// SetConstraints runs SET CONSTRAINTS for constraints, or for all if there are
// none. What is not deferred any more fires. INV-TRIG-2.
func (q *Queue) SetConstraints(list []oid.OID, deferred bool) error {
	old := q.set
	q.h.Tx().OnAbort(func() { q.set = old })
	if list == nil {
		q.set = timing{all: map[bool]bool{deferred: true}}
	} else {
		q.set.one = maps.Clone(q.set.one)
		if q.set.one == nil {
			q.set.one = map[oid.OID]bool{}
		}
		for _, c := range list {
			q.set.one[c] = deferred
		}
	}
	if deferred {
		return nil
	}
	return q.fireDue(func(t *Trigger) bool { return !q.isDeferred(t) })
}

// fire runs one trigger. INV-TRIG-3.
func (q *Queue) fire(e *event) error {
	rel, err := q.h.ExecCatalog().Relation(e.t.Rel)
	if err != nil {
		return err
	}
	switch {
	case e.t.Func == uniqueRecheck:
		return q.recheck(rel, e)
	case e.t.isCheck():
		vals, ok, err := q.row(rel, e.new, heap.Self())
		if err != nil || !ok {
			return err
		}
		return q.check(rel, e.t.fk, vals)
	}
	vals, ok, err := q.row(rel, e.old, heap.Any())
	if err != nil || !ok {
		return err
	}
	var now []datum.Datum
	if e.t.Func.onUpdate() {
		if now, _, err = q.row(rel, e.new, heap.Any()); err != nil {
			return err
		}
	}
	return q.act(rel, e.t, vals, now)
}

// row reads the version at a place.
func (q *Queue) row(rel *access.Relation, at page.TID, snap heap.Snapshot) ([]datum.Datum, bool, error) {
	f := heap.NewFetcher(q.h.Tx(), rel)
	defer f.Close()
	t, ok, err := f.Fetch(at, snap)
	if err != nil || !ok {
		return nil, false, err
	}
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	data := append(access.Tuple(nil), t.Data...)
	return vals, true, access.Deform(rel.Desc, data, len(vals), vals, heap.NewDetoaster(q.h.Tx(), rel))
}

// recheck looks again for duplicates of a row whose unique key is deferrable.
func (q *Queue) recheck(rel *access.Relation, e *event) error {
	f := heap.NewFetcher(q.h.Tx(), rel)
	t, ok, _, err := f.FetchHOT(e.new, heap.Self())
	data := append(access.Tuple(nil), t.Data...)
	f.Close()
	if err != nil || !ok {
		return err
	}
	vals := make([]datum.Datum, len(rel.Desc.Attrs))
	if err := access.Deform(rel.Desc, data, len(vals), vals, heap.NewDetoaster(q.h.Tx(), rel)); err != nil {
		return err
	}
	x, end := q.h.Evaluation()
	defer end()
	w, err := x.NewTableWriter(rel)
	if err != nil {
		return err
	}
	return w.RecheckUnique(x, e.t.Index, vals, e.new)
}
