// Package pgstat keeps the cumulative statistics of relations and databases:
// what pg_stat_user_tables, pg_stat_user_indexes and pg_stat_database show.
//
// A session counts in a Session of its own, without locks and, once it has seen
// a relation, without allocations. At the end of a transaction it moves the
// counts, under a lock that only it and readers take, to where readers collect
// them.
//
// INV-STAT-1 (as PostgreSQL counts): rows that were inserted, updated and deleted
// count whether or not the transaction commits; the live and dead rows follow
// its outcome, and that of its subtransactions.
// Enforced: Session.End. Tested: TestOutcome.
//
// INV-STAT-2 (nothing is lost): what a Session counted until its last End is in
// the totals, also after Close. Enforced: Server.collect. Tested: TestSessions.
package pgstat

import (
	"maps"
	"sync"
	"time"

	"github.com/pgmini/pgmini/oid"
)

// Counts are the counters of a table or an index since the last reset.
type Counts struct {
	Scans, Returned, Fetched                int64 // scans; rows or index entries read; rows fetched by an index
	Inserted, Updated, HotUpdated, Deleted  int64
	Live, Dead                              int64 // rows; changes of them in a Session
	ChangedSinceAnalyze, InsertsSinceVacuum int64
	BlocksFetched, BlocksHit                int64
}

func (c *Counts) add(d *Counts) {
	c.Scans += d.Scans
	c.Returned += d.Returned
	c.Fetched += d.Fetched
	c.Inserted += d.Inserted
	c.Updated += d.Updated
	c.HotUpdated += d.HotUpdated
	c.Deleted += d.Deleted
	c.Live += d.Live
	c.Dead += d.Dead
	c.ChangedSinceAnalyze += d.ChangedSinceAnalyze
	c.InsertsSinceVacuum += d.InsertsSinceVacuum
	c.BlocksFetched += d.BlocksFetched
	c.BlocksHit += d.BlocksHit
}

// Table is all that is known of a relation.
type Table struct {
	Counts
	LastVacuum, LastAnalyze   time.Time
	VacuumCount, AnalyzeCount int64
}

// Database are the counters of one database.
type Database struct {
	Commits, Rollbacks                                         int64
	Returned, Fetched, Inserted, Updated, Deleted              int64
	BlocksFetched, BlocksHit                                   int64
	Deadlocks, TempFiles, TempBytes                            int64
	Sessions, SessionsAbandoned, SessionsFatal, SessionsKilled int64
	SessionTime, ActiveTime, IdleInTransactionTime             time.Duration
	Reset                                                      time.Time
}

// key is a relation: Database 0 is for shared ones.
type key struct{ db, rel oid.OID }

// Server holds the totals of one server.
type Server struct {
	mu struct {
		sync.Mutex
		tables   map[key]*Table
		dbs      map[oid.OID]*Database
		sessions map[*Session]struct{}
		base     map[string]int64     // of counters kept elsewhere, at their last reset
		resets   map[string]time.Time // of groups of those
	}
	started time.Time
}

// New makes empty totals.
func New() *Server {
	s := &Server{started: time.Now()}
	s.clear()
	return s
}

func (s *Server) clear() {
	s.mu.tables, s.mu.dbs = map[key]*Table{}, map[oid.OID]*Database{}
	s.mu.base, s.mu.resets = map[string]int64{}, map[string]time.Time{}
	if s.mu.sessions == nil {
		s.mu.sessions = map[*Session]struct{}{}
	}
}

// NewSession makes the counters of a session in a database.
func (s *Server) NewSession() *Session {
	l := &Session{srv: s, tables: map[key]*entry{}}
	s.mu.Lock()
	s.mu.sessions[l] = struct{}{}
	s.mu.Unlock()
	return l
}

// table finds or makes a relation's totals. The caller holds the lock.
func (s *Server) table(k key) *Table {
	t := s.mu.tables[k]
	if t == nil {
		t = &Table{}
		s.mu.tables[k] = t
	}
	return t
}

func (s *Server) database(db oid.OID) *Database {
	d := s.mu.dbs[db]
	if d == nil {
		d = &Database{}
		s.mu.dbs[db] = d
	}
	return d
}

// collect takes over what the sessions have counted. The caller holds the lock.
func (s *Server) collect() {
	for l := range s.mu.sessions {
		s.take(l)
	}
}

// take adds what a session has ready to the totals. The caller holds the lock.
func (s *Server) take(l *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.mu.ready {
		t := s.table(e.key)
		if e.truncated {
			t.Live, t.Dead = 0, 0
		}
		t.add(&e.done)
		t.Live, t.Dead = max(t.Live, 0), max(t.Dead, 0)
		d := s.database(e.key.db)
		d.Returned += e.done.Returned
		d.Fetched += e.done.Fetched
		d.Inserted += e.done.Inserted
		d.Updated += e.done.Updated
		d.Deleted += e.done.Deleted
		d.BlocksFetched += e.done.BlocksFetched
		d.BlocksHit += e.done.BlocksHit
		e.done, e.truncated, e.waiting = Counts{}, false, false
	}
	clear(l.mu.ready)
	l.mu.ready = l.mu.ready[:0]
	for _, k := range l.mu.dropped {
		delete(s.mu.tables, k)
	}
	l.mu.dropped = l.mu.dropped[:0]
	if l.mu.db != (Database{}) {
		d := s.database(l.mu.dbOID)
		d.Commits += l.mu.db.Commits
		d.Rollbacks += l.mu.db.Rollbacks
		d.Deadlocks += l.mu.db.Deadlocks
		d.TempFiles += l.mu.db.TempFiles
		d.TempBytes += l.mu.db.TempBytes
		d.Sessions += l.mu.db.Sessions
		d.SessionsAbandoned += l.mu.db.SessionsAbandoned
		d.SessionsFatal += l.mu.db.SessionsFatal
		d.SessionsKilled += l.mu.db.SessionsKilled
		d.SessionTime += l.mu.db.SessionTime
		d.ActiveTime += l.mu.db.ActiveTime
		d.IdleInTransactionTime += l.mu.db.IdleInTransactionTime
		l.mu.db = Database{}
	}
}

// Table returns the totals of a relation; ok is false if nothing was counted.
func (s *Server) Table(db, rel oid.OID) (t Table, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	if p := s.mu.tables[key{db, rel}]; p != nil {
		return *p, true
	}
	if p := s.mu.tables[key{0, rel}]; p != nil {
		return *p, true
	}
	return Table{}, false
}

// Database returns the totals of a database; 0 is for shared relations.
func (s *Server) Database(db oid.OID) (d Database, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	if p := s.mu.dbs[db]; p != nil {
		return *p, true
	}
	return Database{}, false
}

// ResetDatabase sets all counters of a database back (pg_stat_reset).
func (s *Server) ResetDatabase(db oid.OID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	for k := range s.mu.tables {
		if k.db == db {
			delete(s.mu.tables, k)
		}
	}
	s.mu.dbs[db] = &Database{Reset: time.Now()}
}

// ResetTable sets the counters of one relation back
// (pg_stat_reset_single_table_counters), and tells its database's time of reset.
func (s *Server) ResetTable(db, rel oid.OID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	delete(s.mu.tables, key{db, rel})
	delete(s.mu.tables, key{0, rel})
	s.database(db).Reset = time.Now()
}

// DropDatabase forgets a database.
func (s *Server) DropDatabase(db oid.OID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect()
	for k := range s.mu.tables {
		if k.db == db {
			delete(s.mu.tables, k)
		}
	}
	delete(s.mu.dbs, db)
}

// ResetShared sets a group of counters that are kept elsewhere back: now are
// their values.
func (s *Server) ResetShared(group string, now map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.mu.base, now)
	s.mu.resets[group] = time.Now()
}

// Since is a counter's value n without what it was at the last reset.
func (s *Server) Since(name string, n int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n - s.mu.base[name]
}

// ResetTime is when a group was last reset, or when the server was first started.
func (s *Server) ResetTime(group string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.mu.resets[group]; ok {
		return t
	}
	return s.started
}
