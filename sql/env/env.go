// Package env is a session as utility commands see it: what package
// sql/commands asks of package sql/session, which runs it.
package env

import (
	"context"
	"io"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/sql/trigger"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
)

// Session is what a utility command may use of its session. Everything is bound
// to the running transaction.
type Session interface {
	// Context ends with a cancel request, a timeout or the server.
	Context() context.Context
	// Tx is the running transaction; another one after NextTransaction.
	Tx() *xact.Tx
	Catalog() *catalog.Session
	// Names resolves names by the search path, for analysis and ruleutils.
	Names() ruleutils.Catalog
	PlanCatalog() plan.Catalog
	ExecCatalog() exec.Catalog
	Env() *builtin.Env
	Settings() *guc.Session
	Server() Server

	Database() oid.OID
	DatabaseName() string
	// User is the role whose rights count (SET ROLE); SessionUser who connected or
	// SET SESSION AUTHORIZATION.
	User() oid.OID
	SessionUser() oid.OID
	Superuser() bool

	// SearchPath is where unqualified names are looked up: pg_catalog and the
	// temporary schema included.
	SearchPath() []oid.OID
	// CreationNamespace is where an unqualified new object goes; 3F000 if nowhere.
	CreationNamespace() (oid.OID, error)
	// TempNamespace is the session's temporary schema, made when it is first asked
	// for.
	TempNamespace() (oid.OID, error)

	// InSchema runs f with a schema in front of the search path.
	InSchema(ns oid.OID, f func() error) error

	// Notice sends a message that is no error: severity NOTICE, WARNING, INFO, LOG
	// or DEBUG1.
	Notice(severity string, e *pgerr.Error)

	// InUse reports whether an open cursor or portal of the session reads a relation.
	InUse(rel oid.OID) bool
	// PreventInBlock fails with 25001 in a transaction block or a multi-statement
	// query: "VACUUM cannot run inside a transaction block". After it the command
	// may call NextTransaction.
	PreventInBlock(command string) error
	// RequireBlock fails with 25P01 outside of a transaction block.
	RequireBlock(command string) error
	// NextTransaction commits and begins another transaction.
	NextTransaction() error
	// Increment is CommandCounterIncrement.
	Increment() error

	// Analyze analyzes a raw statement, expands its views, and locks its relations.
	Analyze(stmt parser.RawStmt, params *analyze.Params) (*node.Query, error)
	// Lock locks the relations of a query that was analyzed elsewhere or read from a
	// rule, and expands its views.
	Lock(q *node.Query) (*node.Query, error)
	// Plan plans what Analyze or Lock returned. cursor plans for the first rows.
	Plan(q *node.Query, cursor bool) (*plan.PlannedStmt, error)
	// Execution is an execution with all session fields filled, with a registered
	// snapshot of now. The caller may set Params and Analyze, calls Start, Run and
	// Close, then Done.
	Execution(p *plan.PlannedStmt) *exec.Execution
	// Done unregisters the snapshot of an Execution.
	Done(x *exec.Execution)
	// Triggers is the queue of AFTER triggers.
	Triggers() *trigger.Queue
	// Prepared finds a statement that PREPARE made, planned for arguments that were
	// evaluated: for EXPLAIN EXECUTE and CREATE TABLE AS EXECUTE.
	Prepared(text string, stmt *parser.Node) (*plan.PlannedStmt, []datum.Datum, error)

	// PreparedQuery is the query of a statement that PREPARE made; 42809 if it is no
	// SELECT.
	PreparedQuery(name string) (*node.Query, error)

	// CopyIn asks the client for data; CopyOut offers it. Both formats are for all
	// columns.
	CopyIn(binary bool, columns int) (io.Reader, error)
	CopyOut(binary bool, columns int) (io.WriteCloser, error)
}

// Server is the running server as commands see it.
type Server interface {
	System() *access.System
	Pool() *bufmgr.Pool
	FS() vfs.FS // the data directory
	Registry() *guc.Registry
	// Checkpoint makes a checkpoint, immediate or spread, and waits for it.
	Checkpoint(ctx context.Context, immediate bool) error
	// DatabaseUsers counts the other sessions that are connected to a database.
	DatabaseUsers(db oid.OID, except *xact.Proc) int
	// Files opens server-side files for COPY and the like: an absolute path, or one
	// relative to the data directory.
	Files() vfs.FS
	InsertLSN() lsn.LSN
}

// Column describes a result column.
type Column struct {
	Name   string
	Type   oid.OID
	TypMod int32
	Table  oid.OID // the column's table and number, if it is one
	Attnum int16
}

// Sink takes the rows of a command that returns some. Describe comes first.
type Sink interface {
	Describe(cols []Column) error
	Row(vals []datum.Datum) error
}
