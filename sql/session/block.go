package session

import (
	"github.com/pgmini/pgmini/guc"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
)

// blockState is where a session is between BEGIN and COMMIT.
type blockState uint8

const (
	outside  blockState = iota // no transaction
	single                     // the transaction of one statement
	implicit                   // of a multi-statement query, or of a pipeline up to Sync
	inBlock                    // after BEGIN
)

// block is the transaction block of a session.
type block struct {
	tx    *xact.Tx // nil in a failed block outside of savepoints
	state blockState
	// failed: an error happened in the block; only its end or ROLLBACK TO may come.
	failed bool
	// uncommitted: SHOW says read uncommitted, which is read committed.
	uncommitted bool
	saves       []savepoint
	// pipelined: statements of the pipeline ran in tx, which waits for Sync.
	pipelined bool
}

// savepoint is one level of SAVEPOINT. Unnamed levels do not exist here.
type savepoint struct {
	name string
	dead bool // its subtransaction was rolled back after an error
}

// enter begins the work of a statement. INV-SESS-1: exit says that the statement
// can end a failed block.
func (s *Session) enter(exit bool) error {
	if s.failed {
		if exit {
			return nil
		}
		return pgerr.New(pgerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	if s.tx == nil {
		return s.begin(single)
	}
	return nil
}

func (s *Session) begin(state blockState) error {
	iso := xact.ReadCommitted
	switch s.guc.Str(guc.DefaultTransactionIsolation) {
	case "repeatable read":
		iso = xact.RepeatableRead
	case "serializable":
		iso = xact.Serializable
	}
	s.uncommitted = s.guc.Str(guc.DefaultTransactionIsolation) == "read uncommitted"
	s.tx = s.proc.Begin(xact.BeginOptions{Isolation: iso, ReadOnly: s.guc.Bool(guc.DefaultTransactionReadOnly),
		Deferrable: s.guc.Bool(guc.DefaultTransactionDeferrable)})
	s.state, s.pipelined = state, false
	s.guc.Begin()
	s.cat.Bind(&s.cmd, s.tx)
	s.epoch++
	s.sql.Epoch = s.epoch
	s.txTime = xact.Timestamp(s.tx.Start())
	if s.stmtTime != 0 {
		s.txTime = s.stmtTime // a transaction starts with its first statement
	}
	return nil
}

// leave ends the work of a statement that succeeded. last: no further statement
// of the query or pipeline follows.
func (s *Session) leave(last bool) error {
	switch {
	case s.tx == nil || s.failed:
		return nil
	case s.state == single || s.state == implicit && last:
		return s.commit()
	}
	return s.Increment()
}

// commit ends the transaction. On an error it is rolled back.
func (s *Session) commit() error {
	err := s.queue.FireDeferred()
	if err == nil {
		err = s.holdCursors()
	}
	if err != nil {
		s.abortAll()
		return err
	}
	s.closePortals(0)
	tx := s.tx
	for range s.saves {
		if err := tx.CommitSub(); err != nil {
			s.abortAll()
			return err
		}
		s.guc.Commit()
	}
	s.saves = s.saves[:0]
	if err := s.cat.EmptyTempTables(); err != nil {
		s.abortAll()
		return err
	}
	s.queue.Reset()
	err = tx.Commit(&s.cmd)
	s.tx, s.state, s.failed = nil, outside, false
	s.cat.Bind(&s.cmd, nil)
	if err != nil {
		s.guc.Abort()
		return err
	}
	s.guc.Commit()
	return nil
}

// abortAll rolls the whole transaction back and leaves the block.
func (s *Session) abortAll() {
	s.closePortals(0)
	s.rollback()
	s.state, s.failed = outside, false
	s.saves = s.saves[:0]
}

// rollback ends the transaction, if one is left.
func (s *Session) rollback() {
	for i := len(s.saves) - 1; i >= 0; i-- {
		if !s.saves[i].dead {
			s.guc.Abort()
			s.saves[i].dead = true
		}
	}
	if s.tx == nil {
		return
	}
	if err := s.tx.Abort(); err != nil {
		s.log.Error("abort transaction", "err", err)
	}
	s.queue.Reset()
	s.tx = nil
	s.guc.Abort()
	s.cat.Bind(&s.cmd, nil)
}

// fail takes a statement's changes back after an error.
func (s *Session) fail() {
	switch {
	case s.failed:
	case s.tx == nil:
		s.state = outside
	case s.state != inBlock:
		s.abortAll()
	case len(s.saves) > 0:
		s.failPortals(len(s.saves))
		s.abortSub()
		s.failed = true
	default:
		s.failPortals(0)
		s.rollback()
		s.failed = true
	}
}

// abortSub rolls the innermost savepoint's work back.
func (s *Session) abortSub() {
	top := &s.saves[len(s.saves)-1]
	if top.dead {
		return
	}
	top.dead = true
	s.queue.Abandon()
	if err := s.tx.AbortSub(); err != nil {
		s.log.Error("abort subtransaction", "err", err)
	}
	s.guc.Abort()
}

func (s *Session) savepoint(name string) error {
	if err := s.tx.BeginSub(name); err != nil {
		return err
	}
	s.guc.Begin()
	s.saves = append(s.saves, savepoint{name: name})
	return nil
}

func (s *Session) findSavepoint(name string) (int, error) {
	for i := len(s.saves) - 1; i >= 0; i-- {
		if s.saves[i].name == name {
			return i, nil
		}
	}
	return 0, pgerr.New(pgerr.SEInvalidSpecification, "savepoint \"%s\" does not exist", name)
}

func (s *Session) releaseSavepoint(name string) error {
	n, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	for len(s.saves) > n {
		if err := s.tx.CommitSub(); err != nil {
			return err
		}
		s.guc.Commit()
		s.saves = s.saves[:len(s.saves)-1]
	}
	s.lowerPortals(n)
	return nil
}

func (s *Session) rollbackTo(name string) error {
	n, err := s.findSavepoint(name)
	if err != nil {
		return err
	}
	s.closePortals(n + 1)
	for len(s.saves) > n {
		s.abortSub()
		s.saves = s.saves[:len(s.saves)-1]
	}
	s.failed = false
	return s.savepoint(name)
}
