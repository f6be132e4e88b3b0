package session

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/commands"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/xact"
)

// Step runs one message of the extended protocol: f is one of the methods below.
// After an error the transaction is rolled back or fails, and the caller skips to
// Sync.
func (s *Session) Step(f func() error) (err error) {
	if s.stmtTime == 0 {
		now := time.Now()
		s.stmtTime = xact.Timestamp(now)
		s.active(now, "")
	}
	s.cmd.start(time.Duration(s.guc.Int(guc.StatementTimeout)) * time.Millisecond)
	defer s.stop(&err)
	return f()
}

// Sync ends a pipeline: the transaction of its statements commits.
func (s *Session) Sync() (err error) {
	s.stmtTime = 0
	if s.tx == nil || s.state == inBlock || s.failed {
		return nil
	}
	s.cmd.start(0)
	defer s.stop(&err)
	return s.commit()
}

// Parse makes a prepared statement. types are the parameters' types, 0 where they
// are to be inferred.
func (s *Session) Parse(name, text string, types []oid.OID) error {
	s.query = text
	if name == "" {
		delete(s.prepared, "")
	}
	if name == "" && s.reparse(text, types) {
		return nil
	}
	raws, err := parser.Parse(text)
	if err != nil {
		return err
	}
	if len(raws) > 1 {
		return pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	st := &statement{name: name, text: text, created: xact.Timestamp(time.Now())}
	st.params.Infer = true
	st.params.Types = types
	given := append([]oid.OID(nil), types...)
	if len(raws) == 1 {
		st.raw = raws[0]
		if err := s.enter(endsFailed(st.raw.Stmt)); err != nil {
			return err
		}
		if !s.failed {
			if err := s.analyze(st); err != nil {
				return err
			}
			if err := undetermined(st.params.Types); err != nil {
				return err
			}
		}
		st.params.Infer = false
		st.known = st.done
	}
	if s.prepared[name] != nil {
		return pgerr.New(pgerr.DuplicatePstatement, "prepared statement \"%s\" already exists", name)
	}
	s.prepared[name] = st
	if name == "" && st.query != nil {
		s.rememberParse(st, given)
	}
	return nil
}

func undetermined(types []oid.OID) error {
	for i, t := range types {
		if t == 0 || t == oid.Unknown {
			return pgerr.New(pgerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
	}
	return nil
}

func (s *Session) findPrepared(name string) (*statement, error) {
	st := s.prepared[name]
	if st != nil {
		return st, nil
	}
	if name == "" {
		return nil, pgerr.New(pgerr.UndefinedPstatement, "unnamed prepared statement does not exist")
	}
	return nil, pgerr.New(pgerr.UndefinedPstatement, "prepared statement \"%s\" does not exist", name)
}

// Bind makes a portal. values nil is NULL; the slices may be reused afterwards.
func (s *Session) Bind(name, stmt string, formats []int16, values [][]byte, results []int16) error {
	st, err := s.findPrepared(stmt)
	if err != nil {
		return err
	}
	s.query = st.text
	if len(formats) > 1 && len(formats) != len(values) {
		return pgerr.New(pgerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", len(formats), len(values))
	}
	if len(values) != len(st.params.Types) {
		return pgerr.New(pgerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement \"%s\" requires %d",
			len(values), stmt, len(st.params.Types))
	}
	if name != "" && s.portals[name] != nil {
		return pgerr.New(pgerr.DuplicateCursor, "cursor \"%s\" already exists", name)
	}
	s.dropPortal(name)
	p := s.newPortal(name)
	p.st, p.level, p.text = st, len(s.saves), st.text
	if st.raw.Stmt != nil {
		if err := s.enter(endsFailed(st.raw.Stmt)); err != nil {
			return err
		}
		if !s.failed {
			if err := s.bindValues(p, formats, values, results); err != nil {
				return err
			}
		}
	}
	s.portals[name] = p
	return nil
}

// newPortal is a portal with nothing in it. The unnamed one is used again and
// again: by when the next is made, the last is gone.
func (s *Session) newPortal(name string) *portal {
	if name != "" {
		return &portal{name: name}
	}
	if s.unnamed == nil {
		s.unnamed = &portal{}
	}
	p := s.unnamed
	*p = portal{args: p.args[:0], formats: p.formats[:0]}
	return p
}

func (s *Session) bindValues(p *portal, formats []int16, values [][]byte, results []int16) error {
	st := p.st
	p.args = slices.Grow(p.args[:0], len(values))[:len(values)]
	clear(p.args)
	for i, v := range values {
		if v == nil {
			p.args[i].Null = true
			continue
		}
		v, err := s.received(v, st.params.Types[i], formatOf(formats, i))
		if err != nil {
			return err
		}
		switch f := formatOf(formats, i); f {
		case 0:
			p.args[i], err = s.env.Input(st.params.Types[i], v, -1)
		case 1:
			p.args[i], err = s.env.Recv(st.params.Types[i], v, -1)
		default:
			err = pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", f)
		}
		if err != nil {
			e := asError(err)
			if e.Where == "" {
				e.Where = fmt.Sprintf("unnamed portal parameter $%d", i+1)
				if p.name != "" {
					e.Where = fmt.Sprintf("portal \"%s\" parameter $%d", p.name, i+1)
				}
				if formatOf(formats, i) == 0 {
					e.Where += " = '...'" // log_parameter_max_length_on_error is 0
				}
			}
			return e
		}
		p.args[i] = p.args[i].Clone()
	}
	if !isUtility(st.raw.Stmt) {
		if err := s.ready(st, p.args); err != nil {
			return err
		}
	}
	p.cols = s.columnsOf(st)
	if len(results) > 1 && len(results) != len(p.cols) {
		return pgerr.New(pgerr.ProtocolViolation, "bind message has %d result formats but query has %d columns", len(results), len(p.cols))
	}
	p.formats = append(p.formats[:0], results...)
	return nil
}

// columnsOf are the result columns of a statement, nil if it returns no rows.
func (s *Session) columnsOf(st *statement) []env.Column {
	if st.raw.Stmt == nil {
		return nil
	}
	if !isUtility(st.raw.Stmt) {
		return st.cols
	}
	if c, ok := s.utilityColumns(st.raw.Stmt); ok {
		return c
	}
	return commands.Columns(st.raw.Stmt)
}

// DescribeStatement are the parameters' types and the result columns of a
// prepared statement.
func (s *Session) DescribeStatement(name string) (types []oid.OID, cols []env.Column, err error) {
	st, err := s.findPrepared(name)
	if err != nil {
		return nil, nil, err
	}
	if s.failed && s.columnsOf(st) != nil {
		return nil, nil, s.enter(false)
	}
	if st.raw.Stmt != nil && !s.failed {
		if err := s.enter(endsFailed(st.raw.Stmt)); err != nil {
			return nil, nil, err
		}
		if err := s.analyze(st); err != nil {
			return nil, nil, err
		}
	}
	return st.params.Types, s.columnsOf(st), nil
}

// DescribePortal are the result columns of a portal and their formats.
func (s *Session) DescribePortal(name string) ([]env.Column, []int16, error) {
	p, err := s.findPortal(name)
	if err != nil {
		return nil, nil, err
	}
	if s.failed && p.cols != nil {
		return nil, nil, s.enter(false)
	}
	return p.cols, p.formats, nil
}

func (s *Session) findPortal(name string) (*portal, error) {
	if p := s.portals[name]; p != nil {
		return p, nil
	}
	return nil, pgerr.New(pgerr.UndefinedCursor, "portal \"%s\" does not exist", name)
}

// Execute runs a portal: at most limit rows, 0 is all.
func (s *Session) Execute(name string, limit int64) error {
	p, err := s.findPortal(name)
	if err != nil {
		return err
	}
	s.query = p.text
	st := p.st
	if st.raw.Stmt == nil {
		return s.client.Empty()
	}
	if err := s.enter(endsFailed(st.raw.Stmt)); err != nil {
		return err
	}
	if limit < 0 {
		limit = 0
	}
	if isUtility(st.raw.Stmt) {
		return s.executeUtility(p, limit)
	}
	if p.cols != nil && p.out == nil {
		if p.out, err = s.rowsFor(st, p.cols, p.formats); err != nil {
			return err
		}
	}
	_, done, err := s.run(p, limit, s.client.Rows)
	if err != nil {
		return err
	}
	if !done {
		return s.client.Suspended()
	}
	if err := s.Increment(); err != nil {
		return err
	}
	s.pipelined = true
	return s.client.Complete(p.tag)
}

// executeUtility runs a utility statement at its first Execute and hands out the
// rows that it returned.
func (s *Session) executeUtility(p *portal, limit int64) error {
	st := p.st
	if p.failed || p.done && p.cols == nil {
		return cannotRun(p)
	}
	direct := !p.done && limit == 0 // the rows were sent as they came
	if !p.done {
		sink := &resultSink{s: s, formats: p.formats}
		if limit > 0 {
			sink.keep = p
		}
		tag, err := s.utility(st, p.args, sink)
		if err != nil {
			return err
		}
		p.tag, p.done, p.all, p.keep = tag, true, true, true
		if s.tx != nil && !s.failed {
			if err := s.Increment(); err != nil {
				return err
			}
			s.pipelined = !isTransaction(st.raw.Stmt)
		}
	}
	if len(p.kept) > 0 && p.out == nil {
		var err error
		if p.out, err = s.newRows(p.cols, p.formats); err != nil {
			return err
		}
	}
	n, done, err := s.deliverKept(p, limit, s.client.Rows)
	if err != nil {
		return err
	}
	if !done {
		return s.client.Suspended()
	}
	if !direct && strings.HasPrefix(p.tag, "FETCH ") {
		p.tag = "FETCH " + itoa(n)
	}
	return s.client.Complete(p.tag)
}

// CloseStatement forgets a prepared statement; a missing one is no error.
func (s *Session) CloseStatement(name string) { delete(s.prepared, name) }

// ClosePortal forgets a portal.
func (s *Session) ClosePortal(name string) { s.dropPortal(name) }
