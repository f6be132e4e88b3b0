// Package sysfuncs answers the functions that read the catalogs, the files or
// the state of the server: builtin.System over a session's catalogs.
//
// INV-SYS-1 (same answers): a function yields what PostgreSQL 15 yields for the
// same object, or 0A000 with its name. Enforced: System.Call. Tested: TestRegress.
package sysfuncs

import (
	"time"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/pgstat"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// Deps is what the functions ask of their session and its server. Catalog,
// Names, SearchPath, User and SessionUser are required; of the others, a function
// that needs a missing one answers 0A000, or no rows.
type Deps struct {
	Catalog *catalog.Session
	// Names is the catalog by the session's search path.
	Names func() ruleutils.Catalog
	// SearchPath is where names are looked up, pg_catalog and the temporary schema
	// included; Explicit is search_path alone, existing schemas only.
	SearchPath, Explicit func() []oid.OID
	User, SessionUser    func() oid.OID // current_user, session_user
	TempNamespace        func() oid.OID // the session's temporary schema; 0: none yet
	PID                  int32
	Settings             *guc.Session
	FS                   vfs.FS // the data directory
	Files                vfs.FS // any file of the server; relative names are in the data directory
	Locks                *lmgr.Manager
	Xact                 *xact.Manager
	Server               Server
	Cursors              func() []Cursor
	Prepared             func() []PreparedStatement
	Query                func() string // the running statement's text
	Stats                *pgstat.Session
	// LastValue reads a sequence; false: not called yet.
	LastValue func(seq oid.OID) (v int64, called bool, err error)
}

// Server is what the functions ask of the running server.
type Server interface {
	StartTime() time.Time
	LoadTime() time.Time // of the configuration
	// Activity lists sessions and background workers.
	Activity() []Activity
	// Counter reads a server-wide counter by the name of its function, or of its
	// column of pg_stat_wal. False: it is not counted.
	Counter(name string) (int64, bool)
	// Stats are the counters of relations and databases; ResetShared sets a group
	// of the others back: wal, bgwriter, archiver, recovery_prefetch.
	Stats() *pgstat.Server
	ResetShared(group string)
	// Signal cancels the statement of a session or, with terminate, ends it. False:
	// there is no such session.
	Signal(pid int32, terminate bool) bool
	Reload() error
}

// Activity is one row of pg_stat_activity. Zero times and empty strings are NULL.
type Activity struct {
	PID                                        int32
	Database, User                             oid.OID
	Application, ClientAddr, ClientHost        string
	ClientPort                                 int32 // -1: a Unix socket; 0: not a client
	BackendStart, XactStart, QueryStart, Since time.Time
	WaitType, WaitEvent, State                 string // State: active, idle, idle in transaction, …
	XID, Xmin                                  uint32
	Query, Type                                string // Type: client backend, checkpointer, …
	SSL                                        bool
	SSLVersion, SSLCipher                      string
	SSLBits                                    int32
}

// Cursor is one row of pg_cursors.
type Cursor struct {
	Name, Statement          string
	Holdable, Binary, Scroll bool
	Created                  int64 // microseconds since 2000-01-01 UTC
}

// PreparedStatement is one row of pg_prepared_statements.
type PreparedStatement struct {
	Name, Statement           string
	Prepared                  int64
	Params                    []oid.OID
	FromSQL                   bool
	GenericPlans, CustomPlans int64
}

// System is a session's builtin.System.
type System struct {
	d     Deps
	views struct { // what updatable found at a generation of the catalogs
		gen    uint64
		events map[oid.OID]int
	}
}

// New makes the functions of one session.
func New(d Deps) *System { return &System{d: d} }

var _ builtin.System = (*System)(nil)

// answer is what a function yields; done is false for a function of another
// group.
type answer struct {
	v    datum.Datum
	done bool
	err  error
}

func value(v datum.Datum) answer { return answer{v: v, done: true} }
func null() answer               { return value(datum.Null()) }
func number(n int64) answer      { return value(datum.Int(n)) }
func boolean(b bool) answer      { return value(datum.Bool(b)) }
func text(s string) answer       { return value(datum.String(s)) }
func failed(err error) answer    { return answer{v: datum.Null(), done: true, err: err} }
func checked(a answer, e error) answer {
	if e != nil {
		return failed(e)
	}
	return a
}

// textOrNull is NULL for "".
func textOrNull(s string, err error) answer {
	if s == "" {
		return checked(null(), err)
	}
	return checked(text(s), err)
}

// Call is part of builtin.System.
func (s *System) Call(prosrc string, c *builtin.Call) (datum.Datum, error) {
	groups := [...]func(string, *builtin.Call) answer{s.visible, s.definition, s.object, s.session, s.privilege, s.size, s.server, s.statistic, s.control, s.readFile, s.aged, s.identify, s.misc}
	for _, g := range groups {
		if a := g(prosrc, c); a.done {
			return a.v, a.err
		}
	}
	return datum.Null(), pgerr.NotYet("function %s", prosrc)
}

// Rows is part of builtin.System.
func (s *System) Rows(prosrc string, c *builtin.Call) (builtin.Rows, error) {
	rows, ok, err := s.rows(prosrc, c)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, pgerr.NotYet("function %s", prosrc)
	}
	return &builtin.TableRows{Data: rows}, nil
}

func argOID(c *builtin.Call, i int) oid.OID { return oid.OID(uint32(c.Args[i].Int)) }

func argBool(c *builtin.Call, i int) bool { return i < len(c.Args) && c.Args[i].Bool() }
