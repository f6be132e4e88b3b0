package session

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/analyze"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
)

// statement is one parsed statement with all that was derived from it.
type statement struct {
	name    string
	raw     parser.RawStmt // Stmt nil: the empty query
	text    string         // as pg_prepared_statements shows it
	fromSQL bool
	created int64
	params  analyze.Params

	query *node.Query      // analyzed, views expanded; nil for utility statements
	util  *analyze.Utility // of a utility statement
	cols  []env.Column     // result columns; nil: no rows
	known bool             // cols is final: a change is an error
	locks []relLock
	plan  *plan.PlannedStmt
	stamp stamp
	whole stamp // when its tables were seen to have no partial index
	done  bool  // query, util, cols and locks are set

	idle *exec.Execution // of plan, ended, for the next run
	kept bool            // it is one of Session.idles
	rows *Rows           // of cols, in the formats of the last run
}

type relLock struct {
	rel    oid.OID
	shared bool
	mode   lmgr.Mode
}

// stamp says when a plan was made.
type stamp struct {
	catalog uint64
	version uint64 // of the settings
	epoch   uint64 // of the transaction, if it had changed the catalogs itself
}

func (s *Session) now() stamp {
	s.path()
	t := stamp{catalog: s.cat.Generation(), version: s.version}
	if t.catalog>>63 != 0 {
		t.epoch = s.epoch
	}
	return t
}

// isUtility reports whether a raw statement is planned by nobody.
func isUtility(n *parser.Node) bool {
	switch {
	case n.GetSelectStmt() != nil:
		return n.GetSelectStmt().GetIntoClause() != nil
	case n.GetInsertStmt() != nil, n.GetUpdateStmt() != nil, n.GetDeleteStmt() != nil, n.GetMergeStmt() != nil:
		return false
	}
	return true
}

// analyze brings st.query up to date and locks its relations. INV-SESS-2: the
// loop ends only when nothing changed while the locks were awaited.
func (s *Session) analyze(st *statement) error {
	if isUtility(st.raw.Stmt) {
		return s.analyzeUtility(st)
	}
	for range maxRetries {
		at := s.now()
		if st.done && st.stamp == at {
			if err := s.lock(st.locks); err != nil {
				return err
			}
			if s.now() == at {
				return nil
			}
			continue
		}
		fresh := *st
		fresh.plan, fresh.idle, fresh.rows = nil, nil, nil
		p := st.params
		p.Types = append([]oid.OID(nil), st.params.Types...)
		q, err := analyze.Analyze(s.names, st.raw, &p)
		if err != nil {
			return err
		}
		first := collectLocks(s, q, nil)
		if q, err = analyze.ExpandViews(s.names, q); err != nil {
			return err
		}
		fresh.query, fresh.params.Types = q, p.Types
		fresh.locks = collectLocks(s, q, first)
		if err := s.lock(fresh.locks); err != nil {
			return err
		}
		if s.now() != at {
			continue
		}
		fresh.cols = queryColumns(q)
		if st.known && !sameColumns(st.cols, fresh.cols) {
			return pgerr.New(pgerr.FeatureNotSupported, "cached plan must not change result type")
		}
		fresh.stamp, fresh.done = at, true
		*st = fresh
		return nil
	}
	return pgerr.New(pgerr.TRSerializationFailure, "the catalogs changed again and again while the statement was analyzed")
}

// maxRetries bounds how often DDL may overtake one statement.
const maxRetries = 1000

// ready makes st executable: analyzed, locked, planned. args are the parameters'
// values, for estimates.
func (s *Session) ready(st *statement, args params) error {
	if err := s.tx.WaitSafe(&s.cmd); err != nil {
		return err
	}
	if err := s.analyze(st); err != nil {
		return err
	}
	if st.plan != nil || st.query == nil {
		return nil
	}
	p, err := s.planQuery(st.query, false, args)
	if err != nil {
		return err
	}
	if !p.Transient {
		st.plan = p
		return nil
	}
	cp := *st
	cp.plan = p
	*st = cp
	st.stamp = stamp{} // plan again next time
	return nil
}

func (s *Session) planQuery(q *node.Query, cursor bool, args params) (*plan.PlannedStmt, error) {
	s.sql.Known = args
	defer func() { s.sql.Known = nil }()
	p, err := plan.Make(s.sql.Plan(), q.Copy().(*node.Query), plan.Options{Settings: s.planSettings(), FastStart: cursor})
	if err == nil && !s.trusted {
		err = s.permit(q, s.role)
	}
	return p, err
}

// lock takes locks of the transaction.
func (s *Session) lock(l []relLock) error {
	for _, k := range l {
		db := s.db
		if k.shared {
			db = 0
		}
		if s.proc.Locks().Holds(lmgr.Relation(db, k.rel), k.mode) {
			continue
		}
		if err := s.tx.LockRelation(&s.cmd, db, k.rel, k.mode); err != nil {
			return err
		}
	}
	return nil
}

// collectLocks lists the relations of a query, all levels, in order.
func collectLocks(s *Session, q *node.Query, into []relLock) []relLock {
	add := func(t *node.RangeTblEntry) {
		mode := lmgr.Mode(t.Rellockmode)
		if mode == 0 {
			mode = lmgr.AccessShare
		}
		for i := range into {
			if into[i].rel == t.Relid {
				into[i].mode = max(into[i].mode, mode)
				return
			}
		}
		into = append(into, relLock{t.Relid, s.shared(t.Relid), mode})
	}
	node.WalkLevels(q, func(n node.Node, _ int) bool {
		if t, ok := n.(*node.RangeTblEntry); ok && t.Rtekind == node.RTERelation {
			add(t)
		}
		return true
	})
	return into
}

// shared reports whether a relation belongs to all databases.
func (s *Session) shared(rel oid.OID) bool {
	var r *access.Relation
	if r, _ = s.cat.Relation(rel); r == nil {
		return false
	}
	return r.Shared
}

// queryColumns are the columns of a query's result; nil if it has none.
func queryColumns(q *node.Query) []env.Column {
	list := q.TargetList
	if q.CommandType != node.CmdSelect {
		list = q.ReturningList
		if len(list) == 0 {
			return nil
		}
	}
	cols := make([]env.Column, 0, len(list))
	for _, t := range list {
		if t.Resjunk {
			continue
		}
		cols = append(cols, env.Column{Name: t.Resname, Type: node.ExprType(t.Expr), TypMod: node.ExprTypmod(t.Expr), Table: t.Resorigtbl,
			Attnum: int16(t.Resorigcol)})
	}
	return cols
}

func sameColumns(a, b []env.Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].TypMod != b[i].TypMod || a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}
