package session

import (
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
	"github.com/pgmini/pgmini/xact"
)

type batch = exec.Batch

// prepareStmt is SQL's PREPARE.
func (s *Session) prepareStmt(raw parser.RawStmt, p *pg.PrepareStmt) error {
	if p.Name == "" {
		return pgerr.New(pgerr.InvalidPstatementDefinition, "invalid statement name: must not be empty")
	}
	if s.prepared[p.Name] != nil {
		return pgerr.New(pgerr.DuplicatePstatement, "prepared statement \"%s\" already exists", p.Name)
	}
	inner := raw
	inner.Stmt = p.Query
	st := &statement{name: p.Name, raw: inner, text: raw.Text, fromSQL: true, created: xact.Timestamp(time.Now())}
	s.path()
	for _, t := range p.Argtypes {
		o, _, err := analyze.ResolveTypeName(s.names, raw.Text, t.GetTypeName())
		if err != nil {
			return err
		}
		st.params.Types = append(st.params.Types, o)
	}
	if isUtility(inner.Stmt) {
		return pgerr.New(pgerr.InvalidPstatementDefinition, "utility statements cannot be prepared")
	}
	st.params.Infer = true
	if err := s.analyze(st); err != nil {
		return err
	}
	if err := undetermined(st.params.Types); err != nil {
		return err
	}
	st.params.Infer, st.known = false, true
	s.prepared[p.Name] = st
	return nil
}

// arguments evaluates the arguments of EXECUTE.
func (s *Session) arguments(text string, e *pg.ExecuteStmt, st *statement) (params, error) {
	want := st.params.Types
	if len(e.Params) != len(want) {
		return nil, pgerr.New(pgerr.SyntaxError, "wrong number of parameters for prepared statement \"%s\"", e.Name).
			WithDetail("Expected %d parameters but got %d.", len(want), len(e.Params))
	}
	out := make(params, len(want))
	for i, n := range e.Params {
		x, err := analyze.Expr(s.names, text, n, nil, analyze.UseExecute)
		if err != nil {
			return nil, err
		}
		c, err := analyze.Coerce(s.names, x, want[i], -1, node.CoercionAssignment)
		if err != nil {
			if e, ok := pgerr.As(err); ok && e.Position == 0 {
				return nil, e.At(parser.Position(text, node.ExprLocation(x)))
			}
			return nil, err
		}
		if c == nil {
			from, _ := analyze.BareTypeName(s.names, node.ExprType(x))
			to, _ := analyze.BareTypeName(s.names, want[i])
			return nil, pgerr.New(pgerr.DatatypeMismatch, "parameter $%d of type %s cannot be coerced to the expected type %s", i+1, from, to).
				WithHint("You will need to rewrite or cast the expression.").At(parser.Position(text, node.ExprLocation(x)))
		}
		if out[i], err = s.eval(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// executeStmt is SQL's EXECUTE.
func (s *Session) executeStmt(raw parser.RawStmt, e *pg.ExecuteStmt, sink *resultSink) (string, error) {
	st, err := s.findPrepared(e.Name)
	if err != nil {
		return "", err
	}
	if isUtility(st.raw.Stmt) {
		return s.utility(st, nil, sink)
	}
	s.path()
	args, err := s.arguments(raw.Text, e, st)
	if err != nil {
		return "", err
	}
	if err := s.ready(st, args); err != nil {
		return "", err
	}
	p := &portal{st: st, args: args, cols: st.cols, level: len(s.saves)}
	defer s.closeExecution(p)
	if p.cols != nil {
		if err := sink.Describe(p.cols); err != nil {
			return "", err
		}
		p.out = sink.rows
	}
	deliver := s.client.Rows
	if sink.keep != nil {
		if err := s.keepAll(p); err != nil {
			return "", err
		}
		sink.keep.kept = p.kept
		return p.tag, nil
	}
	if _, _, err := s.run(p, 0, deliver); err != nil {
		return "", err
	}
	return p.tag, nil
}

func (s *Session) deallocate(d *pg.DeallocateStmt) (string, error) {
	if d.Name == "" {
		clear(s.prepared)
		return "DEALLOCATE ALL", nil
	}
	if s.prepared[d.Name] == nil {
		return "", pgerr.New(pgerr.UndefinedPstatement, "prepared statement \"%s\" does not exist", d.Name)
	}
	delete(s.prepared, d.Name)
	return "DEALLOCATE", nil
}

// Prepared is part of env.Session.
func (s *Session) Prepared(text string, stmt *parser.Node) (*plan.PlannedStmt, []datum.Datum, error) {
	e := stmt.GetExecuteStmt()
	st, err := s.findPrepared(e.GetName())
	if err != nil {
		return nil, nil, err
	}
	s.path()
	args, err := s.arguments(text, e, st)
	if err != nil {
		return nil, nil, err
	}
	if err := s.ready(st, args); err != nil {
		return nil, nil, err
	}
	if st.plan == nil {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "prepared statement is not a SELECT")
	}
	return st.plan, args, nil
}

// PreparedQuery is part of env.Session.
func (s *Session) PreparedQuery(name string) (*node.Query, error) {
	st, err := s.findPrepared(name)
	if err != nil {
		return nil, err
	}
	s.path()
	if err := s.analyze(st); err != nil {
		return nil, err
	}
	if st.query == nil || st.query.CommandType != node.CmdSelect {
		return nil, pgerr.New(pgerr.WrongObjectType, "prepared statement is not a SELECT")
	}
	return st.query, nil
}
