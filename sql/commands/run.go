package commands

import (
	"runtime"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/parser"
)

// Statement is a utility statement to run.
type Statement struct {
	Raw    parser.RawStmt
	Params *analyze.Params // of the extended protocol, or nil
	Args   []datum.Datum   // the values of $1 …
}

// cmd is one running command. The session's methods are its own.
type cmd struct {
	env.Session
	st   Statement
	text string
	sink env.Sink
}

// bail carries an error up to Run.
type bail struct{ err error }

// throw ends the command with err, unless it is nil.
func throw(err error) {
	if err != nil {
		panic(bail{err})
	}
}

// must is throw for calls with a result.
func must[T any](v T, err error) T {
	throw(err)
	return v
}

// fail ends the command.
func fail(code pgerr.Code, format string, a ...any) {
	panic(bail{pgerr.New(code, format, a...)})
}

// failWith ends the command with an error that has more than a message.
func failWith(e *pgerr.Error) { panic(bail{e}) }

// notYet ends the command with 0A000.
func notYet(format string, a ...any) { panic(bail{pgerr.NotYet(format, a...)}) }

func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case bail:
		*err = r.err
	case runtime.Error:
		panic(r)
	default:
		panic(r)
	}
}

// Run runs a utility statement and returns its command tag. Rows that it
// returns go to sink.
func Run(s env.Session, st Statement, sink env.Sink) (tag string, err error) {
	defer catch(&err)
	c := &cmd{Session: s, st: st, text: st.Raw.Text, sink: sink}
	return c.run(st.Raw.Stmt), nil
}

// Columns are the result columns of a utility statement; nil: it returns no
// rows.
func Columns(stmt *parser.Node) []env.Column {
	if stmt.GetExplainStmt() != nil {
		return []env.Column{{Name: "QUERY PLAN", Type: oid.Text, TypMod: -1}}
	}
	return nil
}

// run dispatches a statement; the larger families have their own functions.
func (c *cmd) run(stmt *parser.Node) string {
	switch n := stmt.Node.(type) {
	case *pg.Node_CreateStmt:
		c.createTable(n.CreateStmt)
	case *pg.Node_CreateTableAsStmt:
		return c.createTableAs(n.CreateTableAsStmt)
	case *pg.Node_SelectStmt:
		return c.selectInto(n.SelectStmt)
	case *pg.Node_IndexStmt:
		c.createIndex(n.IndexStmt)
	case *pg.Node_AlterTableStmt:
		c.alterTable(n.AlterTableStmt)
	case *pg.Node_DropStmt:
		c.drop(n.DropStmt)
	case *pg.Node_TruncateStmt:
		c.truncate(n.TruncateStmt)
	case *pg.Node_CopyStmt:
		return c.copy(n.CopyStmt)
	case *pg.Node_VacuumStmt:
		c.vacuum(n.VacuumStmt)
	case *pg.Node_ExplainStmt:
		c.explain(n.ExplainStmt)
	case *pg.Node_ReindexStmt:
		c.reindex(n.ReindexStmt)
	case *pg.Node_RefreshMatViewStmt:
		return c.refresh(n.RefreshMatViewStmt)
	case *pg.Node_ClusterStmt:
		c.cluster(n.ClusterStmt)
	case *pg.Node_LockStmt:
		c.lockTables(n.LockStmt)
	case *pg.Node_CheckPointStmt:
		c.checkpoint()
	case *pg.Node_RenameStmt:
		c.rename(n.RenameStmt)
	case *pg.Node_CommentStmt:
		c.comment(n.CommentStmt)
	default:
		c.runObject(stmt)
	}
	return Tag(stmt)
}

// runObject runs the statements on objects other than tables.
func (c *cmd) runObject(stmt *parser.Node) {
	switch n := stmt.Node.(type) {
	case *pg.Node_CreateSchemaStmt:
		c.createSchema(n.CreateSchemaStmt)
	case *pg.Node_CreateEnumStmt:
		c.createEnum(n.CreateEnumStmt)
	case *pg.Node_CompositeTypeStmt:
		c.createComposite(n.CompositeTypeStmt)
	case *pg.Node_CreateDomainStmt:
		c.createDomain(n.CreateDomainStmt)
	case *pg.Node_CreateSeqStmt:
		c.createSequence(n.CreateSeqStmt)
	case *pg.Node_AlterSeqStmt:
		c.alterSequence(n.AlterSeqStmt)
	case *pg.Node_ViewStmt:
		c.createView(n.ViewStmt)
	case *pg.Node_CreatedbStmt:
		c.createDatabase(n.CreatedbStmt)
	case *pg.Node_DropdbStmt:
		c.dropDatabase(n.DropdbStmt)
	case *pg.Node_AlterDatabaseStmt:
		c.alterDatabase(n.AlterDatabaseStmt)
	case *pg.Node_AlterDatabaseSetStmt:
		c.alterDatabaseSet(n.AlterDatabaseSetStmt)
	case *pg.Node_CreateRoleStmt:
		c.createRole(n.CreateRoleStmt)
	case *pg.Node_AlterRoleStmt:
		c.alterRole(n.AlterRoleStmt)
	case *pg.Node_AlterRoleSetStmt:
		c.alterRoleSet(n.AlterRoleSetStmt)
	case *pg.Node_DropRoleStmt:
		c.dropRole(n.DropRoleStmt)
	case *pg.Node_GrantStmt:
		c.grant(n.GrantStmt)
	case *pg.Node_GrantRoleStmt:
		c.grantRole(n.GrantRoleStmt)
	case *pg.Node_AlterOwnerStmt:
		c.alterOwner(n.AlterOwnerStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		c.alterSchemaOf(n.AlterObjectSchemaStmt)
	default:
		notYet("%s", Tag(stmt))
	}
}
