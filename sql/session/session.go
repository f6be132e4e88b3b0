// Package session is a client's session: its transaction block, statements,
// portals, cursors, settings, and what functions and commands see of it.
//
// A Session serves one goroutine; Cancel and Terminate may be called from
// others.
//
// INV-SESS-1 (block): after an error in a transaction block nothing runs but what
// ends the block or goes back to a savepoint. Enforced: Session.enter. Tested:
// TestBlock.
//
// INV-SESS-2 (locks before plans): a plan runs only while the locks of its
// relations are held, and only if nothing that it was made from changed before
// they were. Enforced: Session.ready. Tested: TestPlanSeesDDL.
package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/charset"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/sql/analyze/syscat"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/session/sqlcat"
	"github.com/pgmini/pgmini/sql/sysfuncs"
	"github.com/pgmini/pgmini/sql/trigger"
	"github.com/pgmini/pgmini/xact"
)

// Server is the server that sessions run in.
type Server interface {
	env.Server
	sysfuncs.Server
	CatalogServer() *catalog.Server
}

// Client is where a session sends its answers. Its methods are called by the
// session's goroutine.
type Client interface {
	// Notice is a message that is no error.
	Notice(severity string, e *pgerr.Error)
	// Parameter tells a setting that clients are told of.
	Parameter(name, value string)
	// Encoding is called when client_encoding changes; nil: text passes as it is.
	Encoding(t *charset.Table)
	// Rows sends the description of a simple query's result.
	Describe(cols []env.Column, formats []int16) error
	// Rows takes rows of the described result.
	Rows(r *Rows) error
	Complete(tag string) error
	Empty() error
	Suspended() error
	// CopyIn and CopyOut begin a COPY.
	CopyIn(binary bool, columns int) (CopyReader, error)
	CopyOut(binary bool, columns int) (CopyWriter, error)
}

// Options says whose session it is. All fields but Settings, SecretKey and Logger
// are required.
type Options struct {
	Server   Server
	Client   Client
	PID      int32
	User     string
	Database string
	// Settings come from the start-up packet.
	Settings [][2]string
	Seed     uint64
	Logger   *slog.Logger
}

// Session is one session.
type Session struct {
	srv    Server
	client Client
	pid    int32
	log    *slog.Logger
	cmd    command // what a running statement waits with

	proc  *xact.Proc
	stats *pgstat.Session
	cat   *catalog.Session
	names *syscat.Catalog
	sql   *sqlcat.Catalog
	env   builtin.Env
	guc   *guc.Session

	charset *charset.Table // of the client; nil: text passes as it is

	db           oid.OID
	dbName       string
	role, auth   oid.OID // current and session user
	authName     string
	super        bool
	authSuper    bool
	connSuper    bool // of the user who connected
	backend      int32
	tempSeq      int
	pathText     string
	pathAt       stamp
	pathTemp     oid.OID
	pathOK       bool
	explicitPath []oid.OID
	created      []oid.OID // schemas for new objects, in order
	pushed       oid.OID   // in front of the search path: the schema being created, or 0

	block
	stmtTime int64
	txTime   int64
	planSet  plan.Settings
	planOK   bool
	version  uint64 // of the settings that plans depend on
	epoch    uint64 // of transactions

	queue     *trigger.Queue
	internals map[string]*statement // queries of triggers
	prepared  map[string]*statement
	portals   map[string]*portal
	unnamed   *portal // of Bind, in use or not
	recent    recentPlans
	idles     idles
	trusted   bool              // the query that is planned may read and change everything
	reported  map[guc.ID]string // as the client knows it
	seqs      map[oid.OID]*seqState
	lastSeq   oid.OID
	local     localBuffers
	rng       rng
	query     string // the running statement's text
	act       activity
}

// Connect starts a session for an authenticated user.
func Connect(ctx context.Context, o Options) (*Session, error) {
	s := &Session{srv: o.Server, client: o.Client, pid: o.PID, log: o.Logger, prepared: map[string]*statement{}, portals: map[string]*portal{},
		reported: map[guc.ID]string{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.queue = trigger.New(triggerHost{s})
	s.cmd.init(ctx)
	s.rng.seed(o.Seed)
	s.guc = guc.NewSession(o.Server.Registry())
	s.guc.OnChange = s.changed
	s.stats = o.Server.Stats().NewSession()
	s.proc = o.Server.System().Xact.NewProc(xact.ProcOptions{PID: o.PID, Stats: s.stats, SyncCommit: s.syncCommit, LZ4: s.lz4, Notice: func(e *pgerr.Error) { s.Notice("WARNING", e) }})
	if err := s.attach(o); err != nil {
		s.proc.Close()
		s.stats.Close()
		return nil, err
	}
	s.stats.Count(func(d *pgstat.Database) { d.Sessions++ })
	return s, nil
}

func (s *Session) lz4() bool { return s.guc.Str(guc.DefaultToastCompression) == "lz4" }

func (s *Session) syncCommit() bool { return s.guc.Str(guc.SynchronousCommit) != "off" }

func fatal(e *pgerr.Error) error {
	e.Fatal = true
	return e
}

// attach finds the role and the database and applies their settings.
func (s *Session) attach(o Options) error {
	s.cat = s.srv.CatalogServer().NewSession(catalog.SessionOptions{Backend: -1})
	s.names = &syscat.Catalog{S: s.cat, Path: []oid.OID{oid.CatalogNamespace}}
	tx := s.proc.Begin(xact.BeginOptions{})
	s.cat.Bind(&s.cmd, tx)
	err := s.find(o, tx.VirtualID().Backend)
	s.cat.Bind(&s.cmd, nil)
	if err != nil {
		_ = tx.Abort()
		return err
	}
	if err := tx.Commit(&s.cmd); err != nil {
		return err
	}
	s.wire()
	tx = s.proc.Begin(xact.BeginOptions{})
	s.cat.Bind(&s.cmd, tx)
	if err = s.check(o); err == nil {
		err = s.configure(o)
	}
	s.cat.Bind(&s.cmd, nil)
	if err != nil {
		_ = tx.Abort()
		return err
	}
	return tx.Commit(&s.cmd)
}

// find reads the shared catalogs.
func (s *Session) find(o Options, backend int32) error {
	r, err := s.cat.AuthIDByName(o.User)
	if err != nil {
		return err
	}
	if r == nil {
		return fatal(pgerr.New(pgerr.InvalidAuthorizationSpecification, "role \"%s\" does not exist", o.User))
	}
	if !r.Rolcanlogin {
		return fatal(pgerr.New(pgerr.InvalidAuthorizationSpecification, "role \"%s\" is not permitted to log in", o.User))
	}
	s.role, s.auth, s.authName, s.super, s.authSuper = r.Oid, r.Oid, r.Rolname, r.Rolsuper, r.Rolsuper
	s.connSuper = r.Rolsuper
	d, err := s.cat.DatabaseByName(o.Database)
	if err != nil {
		return err
	}
	if d == nil {
		return fatal(pgerr.New(pgerr.InvalidCatalogName, "database \"%s\" does not exist", o.Database))
	}
	s.db, s.dbName, s.backend = d.Oid, d.Datname, backend
	s.env.UnicodeCase = d.Datctype != "C" && d.Datctype != "POSIX"
	s.proc.SetDatabase(d.Oid, d.Dattablespace)
	s.stats.SetDatabase(d.Oid)
	s.cat = s.srv.CatalogServer().NewSession(catalog.SessionOptions{Database: d.Oid, Tablespace: d.Dattablespace, Backend: backend,
		LocalPool: s.localPool})
	return nil
}

// check decides whether the database takes the session.
func (s *Session) check(Options) error {
	locks := s.srv.System().Locks
	if err := locks.AcquireSession(&s.cmd, s.proc.Locks(), databaseTag(s.db), lmgr.RowExclusive); err != nil {
		return err
	}
	d, err := s.cat.Database(s.db)
	if err != nil {
		return err
	}
	if d == nil {
		return fatal(pgerr.New(pgerr.InvalidCatalogName, "database \"%s\" does not exist", s.dbName).
			WithDetail("It seems to have just been dropped or renamed."))
	}
	if !d.Datallowconn {
		return fatal(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "database \"%s\" is not currently accepting connections", s.dbName))
	}
	if d.Datconnlimit == catalog.InvalidDatabase {
		return fatal(pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot connect to invalid database %q", d.Datname).
			WithHint("Use DROP DATABASE to drop invalid databases."))
	}
	if n := int(d.Datconnlimit); n >= 0 && !s.super && s.srv.DatabaseUsers(s.db, s.proc) >= n {
		return fatal(pgerr.New(pgerr.TooManyConnections, "too many connections for database \"%s\"", s.dbName))
	}
	return nil
}

// databaseTag is the lock that every session holds on its database.
func databaseTag(db oid.OID) lmgr.Tag { return lmgr.Object(0, databaseClass, db, 0) }

const databaseClass oid.OID = 1262 // pg_database

// configure applies the settings of the database, the role and the client.
func (s *Session) configure(o Options) error {
	s.guc.Super = s.super
	yes := "off"
	if s.super {
		yes = "on"
	}
	if err := s.guc.SetInternal(guc.IsSuperuser, yes); err != nil {
		return err
	}
	if err := s.guc.SetInternal(guc.SessionAuthorization, s.authName); err != nil {
		return err
	}
	for _, k := range []struct {
		db, role oid.OID
		src      guc.Source
	}{{0, 0, guc.SourceGlobal}, {s.db, 0, guc.SourceDatabase}, {0, s.auth, guc.SourceUser}, {s.db, s.auth, guc.SourceDBUser}} {
		set, err := s.cat.RoleSettings(k.db, k.role)
		if err != nil {
			return err
		}
		if set == nil {
			continue
		}
		for _, line := range set.Setconfig {
			if name, value, ok := cut(line); ok {
				if err := s.guc.Set(name, value, k.src, false); err != nil {
					s.Notice("WARNING", asError(err))
				}
			}
		}
	}
	for _, id := range []guc.ID{guc.ServerEncoding} {
		if err := s.guc.SetInternal(id, "UTF8"); err != nil {
			return err
		}
	}
	if err := s.guc.Set("client_encoding", "UTF8", guc.SourceDefault, false); err != nil {
		return err
	}
	for _, kv := range o.Settings {
		if err := s.guc.Set(kv[0], kv[1], guc.SourceClient, false); err != nil {
			e := asError(err)
			e.Fatal = true
			return e
		}
	}
	s.guc.Started()
	s.act.user, s.act.db, s.act.started, s.act.state = s.auth, s.db, time.Now(), "idle"
	s.noteApp()
	return nil
}

// Close ends the session: an open transaction is rolled back.
func (s *Session) Close() {
	s.cmd.finish()
	if s.tx != nil {
		s.abortAll()
	}
	s.dropTemp()
	s.proc.Close()
	s.local.close()
	s.stats.Spent(0, 0, time.Since(s.act.started))
	s.stats.Close()
}

// PID is the session's process id.
func (s *Session) PID() int32 { return s.pid }

// Reports sends the settings that clients are told of and that changed; all of
// them at the start.
func (s *Session) Reports(all bool) {
	if all {
		for id := range guc.ID(guc.Count()) {
			if guc.Get(id).Report {
				s.report(id)
			}
		}
		s.guc.TakeReports()
		return
	}
	for _, id := range s.guc.TakeReports() {
		s.report(id)
	}
}

func (s *Session) report(id guc.ID) {
	d := guc.Get(id)
	v, err := s.guc.Show(d.Name)
	if last, ok := s.reported[id]; err != nil || ok && last == v {
		return
	}
	s.reported[id] = v
	s.client.Parameter(d.Name, v)
}

// Status is the byte of ReadyForQuery: I, T or E.
func (s *Session) Status() byte {
	switch {
	case s.failed:
		return 'E'
	case s.state == inBlock:
		return 'T'
	}
	return 'I'
}

// Timeouts tells how long the client may be idle now, and the error that ends
// the session then.
func (s *Session) Timeouts() (time.Duration, *pgerr.Error) {
	if s.state == inBlock || s.failed {
		if ms := s.guc.Int(guc.IdleInTransactionSessionTimeout); ms > 0 {
			return time.Duration(ms) * time.Millisecond, pgerr.New(pgerr.IdleInTransactionSessionTimeout, "terminating connection due to idle-in-transaction timeout")
		}
		return 0, nil
	}
	if ms := s.guc.Int(guc.IdleSessionTimeout); ms > 0 {
		return time.Duration(ms) * time.Millisecond, pgerr.New(pgerr.IdleSessionTimeout, "terminating connection due to idle-session timeout")
	}
	return 0, nil
}

func asError(err error) *pgerr.Error {
	if e, ok := pgerr.As(err); ok {
		return e
	}
	return pgerr.Wrap(err, pgerr.InternalError, "%v", err)
}

// Proc is the session's place in the proc array.
func (s *Session) Proc() *xact.Proc { return s.proc }

// WireType is a type as result descriptions name it, a domain's base type, with
// its length.
func (s *Session) WireType(t oid.OID, typmod int32) (oid.OID, int32, int16) {
	for range 32 {
		ti, ok := s.sql.Type(t)
		if !ok {
			return t, typmod, -1
		}
		if ti.Type != 'd' {
			return t, typmod, ti.Len
		}
		if typmod < 0 {
			typmod = ti.TypMod
		}
		t = ti.Base
	}
	return t, typmod, -1
}
