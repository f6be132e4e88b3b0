package session

import (
	"context"
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/sql/trigger"
	"github.com/pgmini/pgmini/xact"
)

// triggerHost is the session as its trigger queue sees it.
type triggerHost struct{ s *Session }

var _ trigger.Host = triggerHost{}

// Context is part of trigger.Host.
func (h triggerHost) Context() context.Context { return &h.s.cmd }

// Tx is part of trigger.Host.
func (h triggerHost) Tx() *xact.Tx { return h.s.tx }

// Catalog is part of trigger.Host.
func (h triggerHost) Catalog() *catalog.Session { return h.s.cat }

// ExecCatalog is part of trigger.Host.
func (h triggerHost) ExecCatalog() exec.Catalog { return h.s.sql.Exec() }

// Text is part of trigger.Host.
func (h triggerHost) Text(t oid.OID, v datum.Datum) (string, error) { return h.s.env.Text(t, v) }

// CatalogStamp is part of trigger.Host.
func (h triggerHost) CatalogStamp() (generation, epoch uint64) {
	return h.s.cat.Generation(), h.s.epoch
}

// Replica is part of trigger.Host.
func (h triggerHost) Replica() bool { return h.s.guc.Str(guc.SessionReplicationRole) == "replica" }

// Evaluation is part of trigger.Host.
func (h triggerHost) Evaluation() (*exec.Execution, func()) {
	x := h.s.Execution(&plan.PlannedStmt{})
	return x, func() { x.Close(); h.s.Done(x) }
}

// Internal is part of trigger.Host. The statement stays analyzed and planned for
// the next row. An error names it in its context.
func (h triggerHost) Internal(q trigger.Query) (trigger.Result, error) {
	r, err := h.s.internal(q)
	if err == nil {
		return r, nil
	}
	if e, ok := pgerr.As(err); ok {
		c := *e
		c.Where = "SQL statement \"" + q.Text + "\""
		if e.Where != "" {
			c.Where = e.Where + "\n" + c.Where
		}
		return r, &c
	}
	return r, err
}

func (s *Session) internal(q trigger.Query) (out trigger.Result, err error) {
	if err := s.Increment(); err != nil {
		return out, err
	}
	st, err := s.internalStatement(q)
	if err != nil {
		return out, err
	}
	s.trusted = true // keys are checked with the rights of the tables' owners
	err = s.ready(st, nil)
	s.trusted = false
	if err != nil {
		return out, err
	}
	x := s.Execution(st.plan)
	x.NoFire, x.Params = true, q.Args
	if q.Latest && s.tx.Isolation() != xact.ReadCommitted {
		x.Crosscheck = x.Snap
		x.Snap = s.tx.Register(s.tx.LatestSnapshot())
		defer s.tx.Unregister(x.Crosscheck)
	}
	defer s.Done(x)
	defer x.Close()
	if err := x.Start(); err != nil {
		return out, err
	}
	_, err = x.Run(q.Limit, func(b *exec.Batch) error {
		if out.Rows == 0 && len(b.Sel) > 0 {
			out.First = rowsOf(&exec.Batch{Cols: b.Cols, N: b.N, Sel: b.Sel[:1]}, len(b.Cols))[0]
		}
		out.Rows += int64(len(b.Sel))
		return nil
	})
	if st.query.CommandType != node.CmdSelect {
		out.Rows = x.Processed
	}
	return out, err
}

// maxInternal bounds how many queries of triggers stay planned.
const maxInternal = 1000

// internalStatement finds or makes the statement of a query.
func (s *Session) internalStatement(q trigger.Query) (*statement, error) {
	if st := s.internals[q.Text]; st != nil && slices.Equal(st.params.Types, q.Types) {
		return st, nil
	}
	raws, err := parser.Parse(q.Text)
	if err != nil {
		return nil, err
	}
	st := &statement{raw: raws[0], text: q.Text}
	st.params.Types = q.Types
	if s.internals == nil || len(s.internals) >= maxInternal {
		s.internals = map[string]*statement{}
	}
	s.internals[q.Text] = st
	return st, nil
}

// Triggers is part of env.Session.
func (s *Session) Triggers() *trigger.Queue { return s.queue }

// setConstraints runs SET CONSTRAINTS.
func (s *Session) setConstraints(n *pg.ConstraintsSetStmt) (string, error) {
	const tag = "SET CONSTRAINTS"
	if s.state != inBlock {
		s.Notice("WARNING", pgerr.New(pgerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", tag))
	}
	var list []oid.OID
	for _, e := range n.Constraints {
		found, err := s.namedConstraints(e.GetRangeVar())
		if err != nil {
			return "", err
		}
		list = append(list, found...)
	}
	return tag, s.queue.SetConstraints(list, n.Deferred)
}

// namedConstraints finds the constraints of a name: all those of the first schema
// that has one.
func (s *Session) namedConstraints(rv *pg.RangeVar) ([]oid.OID, error) {
	if rv.Catalogname != "" && rv.Catalogname != s.dbName {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "cross-database references are not implemented: \"%s.%s.%s\"", rv.Catalogname, rv.Schemaname, rv.Relname)
	}
	path := s.path()
	if rv.Schemaname != "" {
		ns, err := s.cat.NamespaceByName(rv.Schemaname)
		if err != nil {
			return nil, err
		}
		if ns == nil {
			return nil, pgerr.New(pgerr.InvalidSchemaName, "schema \"%s\" does not exist", rv.Schemaname)
		}
		path = []oid.OID{ns.Oid}
	}
	for _, ns := range path {
		l, err := catalog.FindRows[rows.PgConstraint](s.cat, catalog.Search{Anum: rows.AnumPgConstraintConname, Value: datum.String(rv.Relname)},
			catalog.Search{Anum: rows.AnumPgConstraintConnamespace, Value: datum.Int(int64(ns))})
		if err != nil {
			return nil, err
		}
		var out []oid.OID
		for _, f := range l {
			if f.Row.Condeferrable {
				out = append(out, f.Row.Oid)
			} else {
				return nil, pgerr.New(pgerr.WrongObjectType, "constraint \"%s\" is not deferrable", rv.Relname)
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return nil, pgerr.New(pgerr.UndefinedObject, "constraint \"%s\" does not exist", rv.Relname)
}
