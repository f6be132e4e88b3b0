package session

import (
	"context"
	"io"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/builtin"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/ruleutils"
	"github.com/pgmini/pgmini/xact"
)

var _ env.Session = (*Session)(nil)

// Context is part of env.Session.
func (s *Session) Context() context.Context { return &s.cmd }

// Tx is part of env.Session.
func (s *Session) Tx() *xact.Tx { return s.tx }

// Catalog is part of env.Session.
func (s *Session) Catalog() *catalog.Session { return s.cat }

// Names is part of env.Session.
func (s *Session) Names() ruleutils.Catalog {
	s.path()
	return s.names
}

// PlanCatalog is part of env.Session.
func (s *Session) PlanCatalog() plan.Catalog { return s.sql.Plan() }

// ExecCatalog is part of env.Session.
func (s *Session) ExecCatalog() exec.Catalog { return s.sql.Exec() }

// Env is part of env.Session.
func (s *Session) Env() *builtin.Env { return &s.env }

// Settings is part of env.Session.
func (s *Session) Settings() *guc.Session { return s.guc }

// Server is part of env.Session.
func (s *Session) Server() env.Server { return s.srv }

// Database is part of env.Session.
func (s *Session) Database() oid.OID { return s.db }

// DatabaseName is part of env.Session.
func (s *Session) DatabaseName() string { return s.dbName }

// User is part of env.Session.
func (s *Session) User() oid.OID { return s.role }

// SessionUser is part of env.Session.
func (s *Session) SessionUser() oid.OID { return s.auth }

// Superuser is part of env.Session.
func (s *Session) Superuser() bool { return s.super }

// rank orders the severities of messages as client_min_messages does. constant
var rank = map[string]int{"DEBUG5": 0, "DEBUG4": 1, "DEBUG3": 2, "DEBUG2": 3, "DEBUG1": 4, "LOG": 5, "NOTICE": 6, "WARNING": 7, "ERROR": 8, "INFO": 9}

// Notice is part of env.Session.
func (s *Session) Notice(severity string, e *pgerr.Error) {
	min := "NOTICE"
	if s.guc != nil {
		min = s.guc.Str(guc.ClientMinMessages)
	}
	if m, ok := rank[upper(min)]; ok && rank[severity] < m && severity != "INFO" {
		return
	}
	s.client.Notice(severity, e)
}

func upper(v string) string {
	b := []byte(v)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
	}
	return string(b)
}

// PreventInBlock is part of env.Session.
func (s *Session) PreventInBlock(command string) error {
	switch {
	case s.state == inBlock:
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", command)
	case s.pipelined:
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s cannot be executed within a pipeline", command)
	case s.state == implicit:
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", command)
	case len(s.saves) > 0:
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s cannot run inside a subtransaction", command)
	}
	return nil
}

// RequireBlock is part of env.Session.
func (s *Session) RequireBlock(command string) error {
	if s.state != inBlock {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", command)
	}
	return nil
}

// NextTransaction is part of env.Session.
func (s *Session) NextTransaction() error {
	if err := s.commit(); err != nil {
		return err
	}
	return s.begin(single)
}

// Increment is part of env.Session.
func (s *Session) Increment() error {
	if s.tx == nil {
		return nil
	}
	return s.cat.CommandCounterIncrement()
}

// Analyze is part of env.Session.
func (s *Session) Analyze(raw parser.RawStmt, p *analyze.Params) (*node.Query, error) {
	s.path()
	q, err := analyze.Analyze(s.names, raw, p)
	if err != nil {
		return nil, err
	}
	return s.Lock(q)
}

// Lock is part of env.Session.
func (s *Session) Lock(q *node.Query) (*node.Query, error) {
	first := collectLocks(s, q, nil)
	out, err := analyze.ExpandViews(s.names, q)
	if err != nil {
		return nil, err
	}
	if err := s.lock(collectLocks(s, out, first)); err != nil {
		return nil, err
	}
	return out, nil
}

// Plan is part of env.Session.
func (s *Session) Plan(q *node.Query, cursor bool) (*plan.PlannedStmt, error) {
	return s.planQuery(q, cursor, nil)
}

// Execution is part of env.Session.
func (s *Session) Execution(p *plan.PlannedStmt) *exec.Execution {
	return s.execution(p, s.tx.Register(s.tx.Snapshot()), true)
}

func (s *Session) execution(p *plan.PlannedStmt, snap *xact.Snapshot, write bool) *exec.Execution {
	return &exec.Execution{Ctx: &s.cmd, Stmt: p, Cat: s.sql.Exec(), Env: &s.env, Tx: s.tx, Snap: snap,
		Cid: s.tx.CommandID(write), WorkMem: int(s.guc.Int(guc.WorkMem)) << 10, Temp: tempFiles{s},
		CurrentOf: s.currentOf, Triggers: s.queue}
}

// Done is part of env.Session.
func (s *Session) Done(x *exec.Execution) {
	if x.Snap != nil && s.tx != nil {
		s.tx.Unregister(x.Snap)
		x.Snap = nil
	}
}

// CopyReader is the data that a client sends in COPY.
type CopyReader interface{ io.Reader }

// CopyWriter is the data that COPY sends to a client; each Write is one message.
type CopyWriter interface{ io.WriteCloser }

// CopyIn is part of env.Session.
func (s *Session) CopyIn(binary bool, columns int) (io.Reader, error) {
	return s.client.CopyIn(binary, columns)
}

// CopyOut is part of env.Session.
func (s *Session) CopyOut(binary bool, columns int) (io.WriteCloser, error) {
	return s.client.CopyOut(binary, columns)
}

// eval computes an expression without variables.
func (s *Session) eval(e node.Node) (datum.Datum, error) {
	t := &node.TargetEntry{Expr: e, Resno: 1}
	r := &plan.Result{Node: plan.Node{Rows: 1, TargetList: []*node.TargetEntry{t}}}
	x := &exec.Execution{Ctx: &s.cmd, Stmt: &plan.PlannedStmt{CommandType: node.CmdSelect, Plan: r}, Cat: s.sql.Exec(), Env: &s.env,
		Tx: s.tx, Snap: s.tx.LatestSnapshot(), Cid: s.tx.CommandID(false), Params: s.sql.Known, Temp: tempFiles{s}}
	defer x.Close()
	if err := x.Start(); err != nil {
		return datum.Datum{}, err
	}
	out := datum.Datum{Null: true}
	_, err := x.Run(0, func(b *exec.Batch) error {
		out = b.Cols[0].Get(b.Sel[0]).Clone()
		return nil
	})
	return out, err
}
