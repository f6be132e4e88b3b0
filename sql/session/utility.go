package session

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/commands"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/xact"
)

// resultSink takes the rows of a utility statement: to the client, or kept in a
// portal.
type resultSink struct {
	s        *Session
	describe bool // the simple protocol: the description is sent first
	formats  []int16
	keep     *portal
	rows     *Rows
	n        int64
}

var _ env.Sink = (*resultSink)(nil)

// Describe is part of env.Sink.
func (k *resultSink) Describe(cols []env.Column) (err error) {
	if k.keep != nil {
		return nil
	}
	if k.rows, err = k.s.newRows(cols, k.formats); err != nil {
		return err
	}
	if k.describe {
		return k.s.client.Describe(cols, k.formats)
	}
	return nil
}

// Row is part of env.Sink.
func (k *resultSink) Row(vals []datum.Datum) error {
	k.n++
	if k.keep != nil {
		row := make(params, len(vals))
		for i := range vals {
			row[i] = vals[i].Clone()
		}
		k.keep.kept = append(k.keep.kept, row)
		return nil
	}
	k.rows.batch, k.rows.list = nil, []params{vals}
	return k.s.client.Rows(k.rows)
}

// isTransaction reports a statement that controls the transaction block.
func isTransaction(n *parser.Node) bool { return n.GetTransactionStmt() != nil }

// endsFailed reports a statement that a failed block accepts.
func endsFailed(n *parser.Node) bool {
	t := n.GetTransactionStmt()
	if t == nil {
		return false
	}
	switch t.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO,
		pg.TransactionStmtKind_TRANS_STMT_PREPARE:
		return true
	}
	return false
}

// analyzeUtility analyzes the query inside of a utility statement, for its
// parameters' types.
func (s *Session) analyzeUtility(st *statement) error {
	if st.done {
		return nil
	}
	switch {
	case st.raw.Stmt.GetExplainStmt() != nil, st.raw.Stmt.GetCreateTableAsStmt() != nil, st.raw.Stmt.GetSelectStmt() != nil:
		if prepared(st.raw.Stmt) {
			break
		}
		s.path()
		if _, err := analyze.Analyze(s.names, st.raw, &st.params); err != nil {
			return err
		}
	}
	st.done = true
	return nil
}

// prepared reports EXPLAIN EXECUTE and CREATE TABLE AS EXECUTE.
func prepared(n *parser.Node) bool {
	return n.GetExplainStmt().GetQuery().GetExecuteStmt() != nil || n.GetCreateTableAsStmt().GetQuery().GetExecuteStmt() != nil
}

// utility runs a utility statement and returns its tag.
func (s *Session) utility(st *statement, args params, sink *resultSink) (string, error) {
	switch n := st.raw.Stmt.Node.(type) {
	case *pg.Node_TransactionStmt:
		return s.transaction(n.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		return s.setVariable(n.VariableSetStmt)
	case *pg.Node_AlterSystemStmt:
		return s.alterSystem(n.AlterSystemStmt.Setstmt)
	case *pg.Node_VariableShowStmt:
		return "SHOW", s.show(n.VariableShowStmt.Name, sink)
	case *pg.Node_PrepareStmt:
		return "PREPARE", s.prepareStmt(st.raw, n.PrepareStmt)
	case *pg.Node_ExecuteStmt:
		return s.executeStmt(st.raw, n.ExecuteStmt, sink)
	case *pg.Node_DeallocateStmt:
		return s.deallocate(n.DeallocateStmt)
	case *pg.Node_DeclareCursorStmt:
		return "DECLARE CURSOR", s.declare(st.raw, n.DeclareCursorStmt)
	case *pg.Node_FetchStmt:
		return s.fetch(n.FetchStmt, sink)
	case *pg.Node_ClosePortalStmt:
		return s.closeCursor(n.ClosePortalStmt)
	case *pg.Node_DiscardStmt:
		return s.discard(n.DiscardStmt)
	case *pg.Node_ConstraintsSetStmt:
		s.path()
		return s.setConstraints(n.ConstraintsSetStmt)
	case *pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_NotifyStmt:
		return "", pgerr.NotYet("%s", strings.Fields(strings.ToUpper(st.raw.Text[st.raw.Location:]))[0])
	}
	if s.tx.ReadOnly() && !allowedReadOnly(st.raw.Stmt) {
		return "", pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", commands.Tag(st.raw.Stmt))
	}
	if err := s.tx.WaitSafe(&s.cmd); err != nil {
		return "", err
	}
	s.path()
	return commands.Run(s, commands.Statement{Raw: st.raw, Params: &st.params, Args: args}, sink)
}

func allowedReadOnly(n *parser.Node) bool {
	switch n.Node.(type) {
	case *pg.Node_ExplainStmt, *pg.Node_CheckPointStmt, *pg.Node_LockStmt, *pg.Node_LoadStmt, *pg.Node_VacuumStmt, *pg.Node_ReindexStmt:
		return true
	case *pg.Node_CopyStmt:
		return !n.GetCopyStmt().GetIsFrom()
	}
	return false
}

// utilityColumns are the result columns of the session's own statements.
func (s *Session) utilityColumns(n *parser.Node) ([]env.Column, bool) {
	switch x := n.Node.(type) {
	case *pg.Node_VariableShowStmt:
		return showColumns(x.VariableShowStmt.Name), true
	case *pg.Node_FetchStmt:
		if x.FetchStmt.Ismove {
			return nil, true
		}
		if p := s.portals[x.FetchStmt.Portalname]; p != nil {
			return p.cols, true
		}
		return nil, true
	case *pg.Node_ExecuteStmt:
		if st := s.prepared[x.ExecuteStmt.Name]; st != nil {
			return s.columnsOf(st), true
		}
		return nil, true
	}
	return nil, false
}

func (s *Session) transaction(t *pg.TransactionStmt) (string, error) {
	switch t.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		tag := "BEGIN"
		if t.Kind == pg.TransactionStmtKind_TRANS_STMT_START {
			tag = "START TRANSACTION"
		}
		if s.state == inBlock {
			s.Notice("WARNING", pgerr.New(pgerr.ActiveSQLTransaction, "there is already a transaction in progress"))
		}
		s.state = inBlock
		return tag, s.transactionModes(t.Options, false)
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		return s.commitStmt(t.Chain)
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return "ROLLBACK", s.rollbackStmt(t.Chain)
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		if err := s.RequireBlock("SAVEPOINT"); err != nil {
			return "", err
		}
		return "SAVEPOINT", s.savepoint(t.SavepointName)
	case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
		if err := s.RequireBlock("RELEASE SAVEPOINT"); err != nil {
			return "", err
		}
		return "RELEASE", s.releaseSavepoint(t.SavepointName)
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if s.state != inBlock {
			return "", pgerr.New(pgerr.NoActiveSQLTransaction, "ROLLBACK TO SAVEPOINT can only be used in transaction blocks")
		}
		return "ROLLBACK", s.rollbackTo(t.SavepointName)
	case pg.TransactionStmtKind_TRANS_STMT_PREPARE:
		return s.prepareTransaction(t.Gid)
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
		commit := t.Kind == pg.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED
		tag := "ROLLBACK PREPARED"
		if commit {
			tag = "COMMIT PREPARED"
		}
		if err := s.PreventInBlock(tag); err != nil {
			return "", err
		}
		return tag, s.srv.System().Xact.FinishPrepared(s.tx, t.Gid, commit, s.role, s.super)
	}
	return "", pgerr.NotYet("this transaction statement")
}

// chained is what COMMIT AND CHAIN keeps.
func (s *Session) chained(chain bool) func() error {
	if !chain || s.state != inBlock {
		return func() error { return nil }
	}
	iso, ro, deferrable := xact.ReadCommitted, false, false
	if s.tx != nil {
		iso, ro, deferrable = s.tx.Isolation(), s.tx.ReadOnly(), s.tx.Deferrable()
	}
	return func() error {
		if err := s.begin(inBlock); err != nil {
			return err
		}
		s.tx.SetIsolation(iso)
		s.tx.SetReadOnly(ro)
		s.tx.SetDeferrable(deferrable)
		return nil
	}
}

func (s *Session) commitStmt(chain bool) (string, error) {
	if s.failed {
		again := s.chained(chain)
		s.abortAll()
		return "ROLLBACK", again()
	}
	if s.state != inBlock {
		if chain {
			return "", pgerr.New(pgerr.NoActiveSQLTransaction, "COMMIT AND CHAIN can only be used in transaction blocks")
		}
		// What a query or a pipeline did before is committed all the same.
		s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "there is no transaction in progress"))
		return "COMMIT", s.commit()
	}
	again := s.chained(chain)
	if err := s.commit(); err != nil {
		return "", err
	}
	return "COMMIT", again()
}

func (s *Session) rollbackStmt(chain bool) error {
	if s.state != inBlock && !s.failed {
		if chain {
			return pgerr.New(pgerr.NoActiveSQLTransaction, "ROLLBACK AND CHAIN can only be used in transaction blocks")
		}
		s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "there is no transaction in progress"))
		s.abortAll()
		return nil
	}
	again := s.chained(chain)
	s.abortAll()
	return again()
}

// beforePrepare does what a commit does that can fail.
func (s *Session) beforePrepare() error {
	if err := s.queue.FireDeferred(); err != nil {
		return err
	}
	for _, p := range s.portals {
		if p.hold && !p.held {
			return pgerr.New(pgerr.FeatureNotSupported, "cannot PREPARE a transaction that has created a cursor WITH HOLD")
		}
	}
	s.closePortals(0)
	for range s.saves {
		if err := s.tx.CommitSub(); err != nil {
			return err
		}
		s.guc.Commit()
	}
	return nil
}

func (s *Session) prepareTransaction(gid string) (string, error) {
	if s.failed {
		s.abortAll()
		return "ROLLBACK", nil
	}
	if s.state != inBlock {
		s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "there is no transaction in progress"))
		return "ROLLBACK", nil
	}
	if err := s.beforePrepare(); err != nil {
		s.abortAll()
		return "", err
	}
	s.saves = s.saves[:0]
	s.queue.Reset()
	err := s.tx.Prepare(&s.cmd, gid, s.role)
	s.tx, s.state = nil, outside
	s.cat.Bind(&s.cmd, nil)
	if err != nil {
		s.guc.Abort()
		return "", err
	}
	s.guc.Commit()
	return "PREPARE TRANSACTION", nil
}

// transactionModes applies ISOLATION LEVEL, READ ONLY and DEFERRABLE.
func (s *Session) transactionModes(opts []*pg.Node, forSession bool) error {
	for _, o := range opts {
		d := o.GetDefElem()
		val := constText(d.GetArg())
		name := d.GetDefname()
		if forSession {
			if err := s.setMode(name, val); err != nil {
				return err
			}
			continue
		}
		switch name {
		case "transaction_isolation":
			if err := s.setIsolation(val); err != nil {
				return err
			}
		case "transaction_read_only":
			if err := s.setReadOnly(val != "0"); err != nil {
				return err
			}
		case "transaction_deferrable":
			if err := s.setDeferrable(val != "0"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) setMode(name, val string) error {
	if name != "transaction_isolation" {
		val = map[bool]string{true: "on", false: "off"}[val != "0"]
	}
	return s.guc.Set("default_"+name, val, guc.SourceSession, false)
}

func (s *Session) setIsolation(val string) error {
	level := xact.ReadCommitted
	switch strings.ToLower(val) {
	case "read committed", "read uncommitted":
	case "repeatable read":
		level = xact.RepeatableRead
	case "serializable":
		level = xact.Serializable
	default:
		return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter \"transaction_isolation\": \"%s\"", val)
	}
	s.uncommitted = strings.EqualFold(val, "read uncommitted")
	if level == s.tx.Isolation() {
		return nil
	}
	if s.tx.HasSnapshot() {
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION ISOLATION LEVEL must be called before any query")
	}
	if len(s.saves) > 0 {
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction")
	}
	s.tx.SetIsolation(level)
	return nil
}

func (s *Session) setDeferrable(on bool) error {
	switch {
	case len(s.saves) > 0:
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction")
	case s.tx.HasSnapshot():
		return pgerr.New(pgerr.ActiveSQLTransaction, "SET TRANSACTION [NOT] DEFERRABLE must be called before any query")
	}
	s.tx.SetDeferrable(on)
	return nil
}

func (s *Session) setReadOnly(on bool) error {
	if !on && s.tx.ReadOnly() {
		if len(s.saves) > 0 {
			return pgerr.New(pgerr.ActiveSQLTransaction, "cannot set transaction read-write mode inside a read-only transaction")
		}
		if s.tx.HasSnapshot() {
			return pgerr.New(pgerr.ActiveSQLTransaction, "transaction read-write mode must be set before any query")
		}
	}
	s.tx.SetReadOnly(on)
	return nil
}

// constText is the text of a constant in a parse tree.
func constText(n *pg.Node) string {
	if c := n.GetAConst(); c != nil {
		switch v := c.Val.(type) {
		case *pg.A_Const_Ival:
			return itoa(int64(v.Ival.Ival))
		case *pg.A_Const_Fval:
			return v.Fval.Fval
		case *pg.A_Const_Sval:
			return v.Sval.Sval
		case *pg.A_Const_Boolval:
			if v.Boolval.Boolval {
				return "true"
			}
			return "false"
		}
		if c.Val == nil && !c.Isnull {
			return "0"
		}
	}
	if n.GetString_() != nil {
		return n.GetString_().Sval
	}
	if n.GetInteger() != nil {
		return itoa(int64(n.GetInteger().Ival))
	}
	if t := n.GetTypeCast(); t != nil {
		return constText(t.Arg)
	}
	return ""
}

func (s *Session) discard(d *pg.DiscardStmt) (string, error) {
	switch d.Target {
	case pg.DiscardMode_DISCARD_ALL:
		if err := s.PreventInBlock("DISCARD ALL"); err != nil {
			return "", err
		}
		for name := range s.portals {
			s.dropPortal(name)
		}
		if err := s.guc.ResetAll(); err != nil {
			return "", err
		}
		clear(s.prepared)
		s.srv.System().Locks.ReleaseAdvisorySession(s.proc.Locks())
		s.recent.reset()
		s.seqs, s.lastSeq = nil, oid.Invalid
		return "DISCARD ALL", s.cat.DropTempRelations()
	case pg.DiscardMode_DISCARD_PLANS:
		s.recent.reset()
		s.version++
		return "DISCARD PLANS", nil
	case pg.DiscardMode_DISCARD_SEQUENCES:
		s.seqs, s.lastSeq = nil, oid.Invalid
		return "DISCARD SEQUENCES", nil
	}
	return "DISCARD TEMP", s.cat.DropTempRelations()
}
