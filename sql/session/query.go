package session

import (
	"time"

	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/xact"
)

// Simple runs a query string as the simple protocol does: its statements form
// one transaction unless they say otherwise. The error is the one to report;
// what came before it was answered.
func (s *Session) Simple(text string) (err error) {
	s.start(text)
	defer s.stop(&err)
	s.dropPortal("")
	delete(s.prepared, "")
	if st, args := s.recall(text); st != nil {
		if done, err := s.again(st, args); done || err != nil {
			return err
		}
	}
	raws, err := parser.Parse(text)
	if err != nil {
		return err
	}
	if len(raws) == 0 {
		return s.client.Empty()
	}
	for i, raw := range raws {
		st := &statement{raw: raw, text: text}
		last := i == len(raws)-1
		if len(raws) > 1 && s.state == outside && !s.failed && !isTransaction(raw.Stmt) {
			if err := s.begin(implicit); err != nil {
				return err
			}
		}
		if err := s.simple(st, last); err != nil {
			return err
		}
	}
	return nil
}

// simple runs one statement of a simple query.
func (s *Session) simple(st *statement, last bool) error {
	if err := s.enter(endsFailed(st.raw.Stmt)); err != nil {
		return err
	}
	p := &portal{st: st, level: len(s.saves)}
	tag, err := s.execute(p)
	if err != nil {
		return err
	}
	if err := s.leave(last); err != nil {
		return err
	}
	return s.client.Complete(tag)
}

// again runs a statement that was run before, with other literals. done is false
// if it must be analyzed anew, from its own text: nothing has happened then.
func (s *Session) again(st *statement, args params) (done bool, err error) {
	if err := s.enter(false); err != nil {
		return false, err
	}
	err = s.ready(st, args)
	switch code := pgerr.CodeOf(err); {
	case err == nil && (len(args) == 0 || !s.partial(st)):
	case err != nil && (s.cmd.Err() != nil || code == pgerr.LockNotAvailable || code == pgerr.TRDeadlockDetected):
		return false, err
	default:
		s.forget(st)
		return false, nil
	}
	p := s.newPortal("")
	p.st, p.args, p.level = st, args, len(s.saves)
	tag, err := s.execute(p)
	if err != nil {
		return true, err
	}
	if err := s.leave(true); err != nil {
		return true, err
	}
	return true, s.client.Complete(tag)
}

// execute runs a portal of the simple protocol to its end and returns its tag.
func (s *Session) execute(p *portal) (tag string, err error) {
	defer s.closeExecution(p)
	st := p.st
	if isUtility(st.raw.Stmt) {
		return s.utility(st, nil, &resultSink{s: s, describe: true})
	}
	if err := s.ready(st, p.args); err != nil {
		return "", err
	}
	if p.cols = st.cols; p.cols != nil {
		if p.out, err = s.rowsFor(st, p.cols, nil); err != nil {
			return "", err
		}
		if isWrite(st.query) {
			return s.executeReturning(p)
		}
		if err := s.client.Describe(p.cols, nil); err != nil {
			return "", err
		}
	}
	if _, _, err := s.run(p, 0, s.client.Rows); err != nil {
		return "", err
	}
	return p.tag, nil
}

// executeReturning runs a statement that changes rows and returns some: what
// fails before the first is not described.
func (s *Session) executeReturning(p *portal) (tag string, err error) {
	described := false
	describe := func() error {
		if described {
			return nil
		}
		described = true
		return s.client.Describe(p.cols, nil)
	}
	if _, _, err = s.run(p, 0, func(r *Rows) error {
		if err := describe(); err != nil {
			return err
		}
		return s.client.Rows(r)
	}); err == nil {
		err = describe()
	}
	return p.tag, err
}

// start begins a message that runs statements.
func (s *Session) start(text string) {
	s.query = text
	now := time.Now()
	s.stmtTime = xact.Timestamp(now)
	s.active(now, text)
	s.cmd.start(time.Duration(s.guc.Int(guc.StatementTimeout)) * time.Millisecond)
}

// stop ends it; after an error the transaction is rolled back or fails.
func (s *Session) stop(err *error) {
	s.cmd.finish()
	if *err != nil {
		s.fail()
		*err = s.worded(*err)
	}
	s.query = ""
	s.rest()
}

// worded gives an error the class that it has for clients: what interrupts a
// statement from outside comes first.
func (s *Session) worded(err error) error {
	if end := s.Ended(); end != nil {
		return end
	}
	if e, ok := pgerr.As(err); ok {
		return e
	}
	return pgerr.Wrap(err, pgerr.InternalError, "%v", err)
}
