package session

import (
	"sync"
	"time"

	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/sql/sysfuncs"
)

// system answers the functions that read the catalogs, the files, the session and
// the server.
func (s *Session) system() builtin.System {
	return sysfuncs.New(sysfuncs.Deps{
		Catalog: s.cat, Names: func() ruleutils.Catalog { return s.Names() },
		SearchPath: s.path,
		Explicit: func() []oid.OID {
			s.path()
			return s.explicitPath
		},
		User: s.User, SessionUser: s.SessionUser, TempNamespace: func() oid.OID { return s.cat.TempIfAny() },
		PID: s.pid, Settings: s.guc, FS: s.srv.FS(), Files: s.srv.Files(), Locks: s.srv.System().Locks, Xact: s.srv.System().Xact, Server: s.srv,
		Cursors: s.cursors, Prepared: s.preparedList, Query: func() string { return s.query }, Stats: s.stats, LastValue: s.lastValue,
	})
}

func (s *Session) cursors() []sysfuncs.Cursor {
	var out []sysfuncs.Cursor
	for name, p := range s.portals {
		out = append(out, sysfuncs.Cursor{Name: name, Statement: p.text, Holdable: p.hold, Binary: p.binary, Scroll: p.scroll, Created: p.created})
	}
	return out
}

func (s *Session) preparedList() []sysfuncs.PreparedStatement {
	var out []sysfuncs.PreparedStatement
	for name, st := range s.prepared {
		if name != "" {
			out = append(out, sysfuncs.PreparedStatement{Name: name, Statement: st.text, Prepared: st.created, Params: st.params.Types, FromSQL: st.fromSQL})
		}
	}
	return out
}

func (s *Session) lastValue(seq oid.OID) (int64, bool, error) {
	rel, err := s.sql.Relation(seq)
	if err != nil {
		return 0, false, err
	}
	if rel.Kind != 'S' {
		return 0, false, pgerr.New(pgerr.WrongObjectType, "\"%s\" is not a sequence", rel.Name)
	}
	st, err := sequence.Get(rel)
	return st.LastValue, st.IsCalled, err
}

// activity is what other sessions may see of this one.
type activity struct {
	sync.Mutex
	state       string
	query       string
	app         string
	user, db    oid.OID
	started     time.Time
	queryStart  time.Time
	xactStart   time.Time
	stateChange time.Time
}

// active notes that a statement begins.
func (s *Session) active(now time.Time, text string) {
	a := &s.act
	a.Lock()
	s.spend(now)
	a.state, a.query, a.queryStart, a.stateChange = "active", text, now, now
	if s.tx == nil {
		a.xactStart = now
	}
	a.Unlock()
}

// rest notes that the session waits for the client.
func (s *Session) rest() {
	state := "idle"
	switch {
	case s.failed:
		state = "idle in transaction (aborted)"
	case s.state == inBlock:
		state = "idle in transaction"
	}
	a, now := &s.act, time.Now()
	a.Lock()
	s.spend(now)
	a.state, a.stateChange = state, now
	if s.tx == nil {
		a.xactStart = time.Time{}
	}
	a.Unlock()
}

// spend counts the time in the state that ends now.
func (s *Session) spend(now time.Time) {
	switch a := &s.act; a.state {
	case "active":
		s.stats.Spent(now.Sub(a.stateChange), 0, 0)
	case "idle in transaction", "idle in transaction (aborted)":
		s.stats.Spent(0, now.Sub(a.stateChange), 0)
	}
}

// noteApp notes application_name.
func (s *Session) noteApp() {
	s.act.Lock()
	s.act.app = s.guc.Str(guc.ApplicationName)
	s.act.Unlock()
}

// Activity is the session's row of pg_stat_activity, but for what only the
// connection knows. It may be called from any goroutine.
func (s *Session) Activity() sysfuncs.Activity {
	a := &s.act
	a.Lock()
	defer a.Unlock()
	out := sysfuncs.Activity{PID: s.pid, Database: a.db, User: a.user, Application: a.app, BackendStart: a.started, XactStart: a.xactStart,
		QueryStart: a.queryStart, Since: a.stateChange, State: a.state, Query: a.query, Type: "client backend"}
	if a.state != "active" {
		out.WaitType, out.WaitEvent = "Client", "ClientRead"
	}
	return out
}
