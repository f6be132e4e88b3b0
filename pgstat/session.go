package pgstat

import (
	"sync"
	"time"

	"github.com/pgmini/pgmini/oid"
)

// entry is a relation in a session.
type entry struct {
	key
	now   Counts  // of this transaction; Inserted and so on: of rolled back parts
	trans []trans // of this transaction's levels that changed rows, ascending
	dirty bool    // listed in Session.dirty

	// Guarded by Session.mu:
	done      Counts
	waiting   bool // listed in ready
	truncated bool // before done.Live and done.Dead
}

// trans are the changes of a (sub)transaction.
type trans struct {
	depth                  int
	ins, upd, del          int64
	truncated              bool
	preIns, preUpd, preDel int64 // before the truncation
}

// Session counts for one session. Its methods but those of readers belong to the
// session's goroutine; on a nil Session they do nothing.
type Session struct {
	srv    *Server
	db     oid.OID
	tables map[key]*entry
	last   [2]*entry
	dirty  []*entry

	mu struct {
		sync.Mutex
		ready   []*entry
		dropped []key
		dbOID   oid.OID
		db      Database
	}
}

// SetDatabase says which database is counted for. The first call counts a
// session of it.
func (l *Session) SetDatabase(db oid.OID) {
	if l == nil {
		return
	}
	l.db = db
	l.mu.Lock()
	l.mu.dbOID = db
	l.mu.Unlock()
}

// Server is where the session's counts go; nil for a nil Session.
func (l *Session) Server() *Server {
	if l == nil {
		return nil
	}
	return l.srv
}

// Count changes the database's counters.
func (l *Session) Count(f func(*Database)) {
	if l == nil {
		return
	}
	l.mu.Lock()
	f(&l.mu.db)
	l.mu.Unlock()
}

// Close hands the rest of the counts over.
func (l *Session) Close() {
	if l == nil {
		return
	}
	l.srv.mu.Lock()
	defer l.srv.mu.Unlock()
	l.srv.take(l)
	delete(l.srv.mu.sessions, l)
}

// rel finds the entry of a relation. Two are remembered: a table and its index.
func (l *Session) rel(rel oid.OID, shared bool) *entry {
	if e := l.last[0]; e != nil && e.rel == rel && e.dirty {
		return e
	}
	if e := l.last[1]; e != nil && e.rel == rel && e.dirty {
		l.last[0], l.last[1] = e, l.last[0]
		return e
	}
	k := key{l.db, rel}
	if shared {
		k.db = 0
	}
	e := l.tables[k]
	if e == nil {
		e = &entry{key: k}
		l.tables[k] = e
	}
	if !e.dirty {
		e.dirty = true
		l.dirty = append(l.dirty, e)
	}
	l.last[0], l.last[1] = e, l.last[0]
	return e
}

// Scan counts the start of a scan of a table or an index.
func (l *Session) Scan(rel oid.OID, shared bool) {
	if l != nil {
		l.rel(rel, shared).now.Scans++
	}
}

// Returned counts rows that a sequential scan, or entries that an index scan
// read.
func (l *Session) Returned(rel oid.OID, shared bool, n int) {
	if l != nil && n > 0 {
		l.rel(rel, shared).now.Returned += int64(n)
	}
}

// Fetched counts visible rows: of an index that led to them, or of a table that a
// bitmap led to.
func (l *Session) Fetched(rel oid.OID, shared bool, n int) {
	if l != nil && n > 0 {
		l.rel(rel, shared).now.Fetched += int64(n)
	}
}

// level is the changes at a depth of the transaction.
func (e *entry) level(depth int) *trans {
	if n := len(e.trans); n > 0 && e.trans[n-1].depth == depth {
		return &e.trans[n-1]
	}
	e.trans = append(e.trans, trans{depth: depth})
	return &e.trans[len(e.trans)-1]
}

// Inserted counts n new rows at a depth of the transaction.
func (l *Session) Inserted(rel oid.OID, shared bool, depth, n int) {
	if l != nil {
		l.rel(rel, shared).level(depth).ins += int64(n)
	}
}

// Updated counts a new version of a row.
func (l *Session) Updated(rel oid.OID, shared bool, depth int, hot bool) {
	if l == nil {
		return
	}
	e := l.rel(rel, shared)
	e.level(depth).upd++
	if hot {
		e.now.HotUpdated++
	}
}

// Deleted counts a deleted row.
func (l *Session) Deleted(rel oid.OID, shared bool, depth int) {
	if l != nil {
		l.rel(rel, shared).level(depth).del++
	}
}

// Truncated notes that the relation is empty from here on.
func (l *Session) Truncated(rel oid.OID, shared bool, depth int) {
	if l == nil {
		return
	}
	t := l.rel(rel, shared).level(depth)
	if !t.truncated {
		t.truncated, t.preIns, t.preUpd, t.preDel = true, t.ins, t.upd, t.del
	}
	t.ins, t.upd, t.del = 0, 0, 0
}

// EndSub ends the subtransaction at a depth.
func (l *Session) EndSub(depth int, commit bool) {
	if l == nil {
		return
	}
	for _, e := range l.dirty {
		n := len(e.trans)
		if n == 0 || e.trans[n-1].depth < depth {
			continue
		}
		t := e.trans[n-1]
		e.trans = e.trans[:n-1]
		if !commit {
			if t.truncated {
				t.ins, t.upd, t.del = t.preIns, t.preUpd, t.preDel
			}
			e.now.Inserted += t.ins
			e.now.Updated += t.upd
			e.now.Deleted += t.del
			e.now.Dead += t.ins + t.upd
			continue
		}
		up := e.level(depth - 1)
		if t.truncated {
			if !up.truncated {
				up.truncated, up.preIns, up.preUpd, up.preDel = true, up.ins, up.upd, up.del
			}
			up.ins, up.upd, up.del = t.ins, t.upd, t.del
		} else {
			up.ins, up.upd, up.del = up.ins+t.ins, up.upd+t.upd, up.del+t.del
		}
	}
}

// End ends the transaction and makes its counts ready for readers.
func (l *Session) End(commit bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if commit {
		l.mu.db.Commits++
	} else {
		l.mu.db.Rollbacks++
	}
	for i, e := range l.dirty {
		e.end(commit)
		if !e.waiting {
			e.waiting = true
			l.mu.ready = append(l.mu.ready, e)
		}
		l.dirty[i] = nil
	}
	l.dirty = l.dirty[:0]
	if len(l.tables) > maxTables {
		clear(l.tables)
		l.last = [2]*entry{}
	}
}

// maxTables bounds what a session remembers.
const maxTables = 4096

// end moves the counts of a transaction to done.
func (e *entry) end(commit bool) {
	n := &e.now
	for i := range e.trans {
		t := &e.trans[i]
		if t.truncated && !commit {
			t.ins, t.upd, t.del = t.preIns, t.preUpd, t.preDel
		}
		n.Inserted += t.ins
		n.Updated += t.upd
		n.Deleted += t.del
		if !commit {
			n.Dead += t.ins + t.upd
			continue
		}
		if t.truncated {
			e.truncated, e.done.Live, e.done.Dead, n.Live, n.Dead = true, 0, 0, 0, 0
		}
		n.Live += t.ins - t.del
		n.Dead += t.upd + t.del
		n.ChangedSinceAnalyze += t.ins + t.upd + t.del
	}
	n.InsertsSinceVacuum += n.Inserted
	e.done.add(n)
	*n = Counts{}
	e.trans = e.trans[:0]
	e.dirty = false
}

// Dropped notes that a relation is gone; its transaction has committed.
func (l *Session) Dropped(db, rel oid.OID) {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.mu.dropped = append(l.mu.dropped, key{db, rel})
	l.mu.Unlock()
	delete(l.tables, key{db, rel})
	l.last = [2]*entry{}
}

// Pending are the counts of a relation in the running transaction
// (pg_stat_get_xact_…).
func (l *Session) Pending(rel oid.OID) Counts {
	if l == nil {
		return Counts{}
	}
	e := l.tables[key{l.db, rel}]
	if e == nil {
		if e = l.tables[key{0, rel}]; e == nil {
			return Counts{}
		}
	}
	c := e.now
	for _, t := range e.trans {
		c.Inserted += t.ins
		c.Updated += t.upd
		c.Deleted += t.del
	}
	return c
}

// Spent counts how the session used its time since the last call.
func (l *Session) Spent(active, idleInTransaction, all time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.mu.db.ActiveTime += active
	l.mu.db.IdleInTransactionTime += idleInTransaction
	l.mu.db.SessionTime += all
	l.mu.Unlock()
}

// Vacuumed notes that VACUUM left live and dead rows in a table.
func (l *Session) Vacuumed(rel oid.OID, shared bool, live, dead int64) {
	l.report(rel, shared, func(t *Table) {
		t.Live, t.Dead, t.InsertsSinceVacuum = live, dead, 0
		t.LastVacuum = time.Now()
		t.VacuumCount++
	})
}

// Analyzed notes that ANALYZE estimated a table's live and dead rows; all says
// that it looked at all columns. What the transaction itself changed comes on top
// at its end.
func (l *Session) Analyzed(rel oid.OID, shared bool, live, dead int64, all bool) {
	if l == nil {
		return
	}
	c := l.Pending(rel)
	l.report(rel, shared, func(t *Table) {
		t.Live, t.Dead = max(live-c.Inserted+c.Deleted, 0), max(dead-c.Updated-c.Deleted, 0)
		if all {
			t.ChangedSinceAnalyze = 0
		}
		t.LastAnalyze = time.Now()
		t.AnalyzeCount++
	})
}

// report changes the totals of a relation.
func (l *Session) report(rel oid.OID, shared bool, f func(*Table)) {
	if l == nil {
		return
	}
	k := key{l.db, rel}
	if shared {
		k.db = 0
	}
	s := l.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	f(s.table(k))
}
