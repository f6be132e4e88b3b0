package session

import (
	"slices"
	"strconv"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/env"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/types"
	"github.com/pgmini/pgmini/xact"
)

type params = []datum.Datum

// portal is a statement that is being executed: of the extended protocol, or a
// cursor.
type portal struct {
	name    string
	st      *statement
	cols    []env.Column
	formats []int16
	args    params
	level   int // number of savepoints when it was made

	x    *exec.Execution
	snap *xact.Snapshot // nil or &own
	own  xact.Snapshot
	out  *Rows // reused
	// done: the plan is exhausted and its tag known.
	done bool
	tag  string
	sent int64

	// kept are rows that wait to be fetched: of statements that must run to their
	// end at once, of scrollable and held cursors. all: no more will come.
	kept []params
	keep bool
	all  bool
	pos  int // rows before the cursor; for kept portals

	// of cursors
	cursor       bool
	hold, scroll bool
	sources      []rowSource
	row          params // the current one, if rows are not kept
	binary       bool
	text         string
	created      int64
	broken       bool // a fetch failed
	held         bool // made by a transaction that is over
	failed       bool // made by one that failed: there until its block ends
}

// width is the number of columns that are kept of a row: the result's, and junk
// columns up to the last row source.
func (p *portal) width() int {
	n := len(p.cols)
	for _, r := range p.sources {
		n = max(n, r.col+1)
	}
	return n
}

// Rows is a set of result rows in the formats that the client asked for.
type Rows struct {
	env     *types.Env
	cols    []env.Column
	formats []int16
	funcs   []types.OutFunc
	batch   *exec.Batch
	list    []params
}

// Len is the number of rows.
func (r *Rows) Len() int {
	if r.batch != nil {
		return len(r.batch.Sel)
	}
	return len(r.list)
}

// Columns is the number of columns.
func (r *Rows) Columns() int { return len(r.funcs) }

// Append appends one value in its wire format to dst; null: there is none.
func (r *Rows) Append(dst []byte, row, col int) (out []byte, null bool, err error) {
	var d datum.Datum
	if r.batch != nil {
		d = r.batch.Cols[col].Get(r.batch.Sel[row])
	} else {
		d = r.list[row][col]
	}
	if d.Null {
		return dst, true, nil
	}
	out, err = r.funcs[col](r.env, dst, d)
	return out, false, err
}

// isText reports whether a type's binary form is its text.
func isText(t oid.OID) bool {
	switch t {
	case oid.Text, oid.Varchar, oid.Bpchar, oid.Name, oid.JSON, oid.JSONB, oid.XML, oid.Unknown, oid.Cstring:
		return true
	}
	return false
}

// received is a parameter's value in the server's encoding.
func (s *Session) received(v []byte, t oid.OID, format int16) ([]byte, error) {
	if s.charset == nil || format != 0 && !isText(t) {
		return v, nil
	}
	return s.charset.ToUTF8(nil, v)
}

// IsText reports whether a column's values are text in the server's encoding.
func (r *Rows) IsText(col int) bool {
	return formatOf(r.formats, col) == 0 || isText(r.cols[col].Type)
}

// newRows finds the output functions of result columns.
func (s *Session) newRows(cols []env.Column, formats []int16) (*Rows, error) {
	r := &Rows{env: &s.env.Env, cols: cols, formats: slices.Clone(formats), funcs: make([]types.OutFunc, len(cols))}
	for i := range cols {
		var err error
		if formatOf(formats, i) == 1 {
			r.funcs[i], err = s.env.SendFunc(cols[i].Type)
		} else {
			r.funcs[i], err = s.env.OutputFunc(cols[i].Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// rowsFor is newRows for a statement's columns; the last one is used again.
func (s *Session) rowsFor(st *statement, cols []env.Column, formats []int16) (*Rows, error) {
	if r := st.rows; r != nil && len(cols) > 0 && len(r.cols) == len(cols) && &r.cols[0] == &cols[0] && slices.Equal(r.formats, formats) {
		return r, nil
	}
	r, err := s.newRows(cols, formats)
	if err == nil {
		st.rows = r
	}
	return r, err
}

// formatOf is the format of column i: none given is text, one is for all.
func formatOf(f []int16, i int) int16 {
	switch {
	case len(f) == 0:
		return 0
	case len(f) == 1:
		return f[0]
	case i < len(f):
		return f[i]
	}
	return 0
}

// isWrite reports whether a query changes rows, at any level.
func isWrite(q *node.Query) bool { return q.CommandType != node.CmdSelect || q.HasModifyingCTE }

// commandName is the word of a plannable command in tags and messages.
func commandName(c node.CmdType) string {
	switch c {
	case node.CmdSelect:
		return "SELECT"
	case node.CmdInsert:
		return "INSERT"
	case node.CmdUpdate:
		return "UPDATE"
	case node.CmdDelete:
		return "DELETE"
	}
	return "MERGE"
}

// open starts the execution of a portal's plan with a snapshot of now.
func (s *Session) open(p *portal) error {
	q := p.st.query
	if s.tx.ReadOnly() && isWrite(q) && !s.onlyTemp(q) {
		return pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", commandName(q.CommandType))
	}
	if x := p.st.idle; x != nil {
		p.st.idle = nil
		if x.Stmt == p.st.plan {
			return s.reopen(p, x, isWrite(q))
		}
	}
	return s.openNew(p, isWrite(q))
}

func (s *Session) openNew(p *portal, write bool) error {
	p.snap = s.tx.RegisterAs(&p.own, s.tx.Snapshot())
	p.x = s.execution(p.st.plan, p.snap, write)
	p.x.Params = p.args
	return p.x.Start()
}

// reopen starts an execution that ended before again. Its plan is the statement's
// still, so that nothing changed that it depends on (INV-SESS-2).
func (s *Session) reopen(p *portal, x *exec.Execution, write bool) error {
	p.x, p.snap = x, s.tx.RegisterAs(&p.own, s.tx.Snapshot())
	x.Params, x.Cid = p.args, s.tx.CommandID(write)
	ok, err := x.Reset(s.tx, p.snap)
	if ok || err != nil {
		return err
	}
	s.tx.Unregister(p.snap)
	return s.openNew(p, write)
}

// onlyTemp reports whether a query writes to a temporary table only.
func (s *Session) onlyTemp(q *node.Query) bool {
	if q.ResultRelation == 0 || q.HasModifyingCTE {
		return false
	}
	r, err := s.cat.Relation(q.Rtable[q.ResultRelation-1].Relid)
	return err == nil && r != nil && r.IsTemp()
}

// closeExecution gives back what a running plan holds.
func (s *Session) closeExecution(p *portal) {
	if p.x == nil {
		return
	}
	p.x.Close()
	if s.tx != nil {
		s.tx.Unregister(p.snap)
	}
	p.x, p.snap = nil, nil
}

// run delivers at most limit rows (0: all) of a plannable portal to deliver, and
// reports how many there were and whether it came to the end. The command tag is
// p.tag then; a portal that returns rows and is run in several parts tells in each
// tag what that part was.
func (s *Session) run(p *portal, limit int64, deliver func(*Rows) error) (n int64, done bool, err error) {
	switch {
	case p.failed, p.done && p.cols == nil:
		return 0, true, cannotRun(p)
	case p.done && p.x == nil && !p.keep:
		p.tag = tagOf(p.st.query.CommandType, 0)
		return 0, true, nil
	}
	if p.x == nil && !p.all {
		if err := s.open(p); err != nil {
			return 0, false, err
		}
		// What has side effects runs to its end at once.
		if isWrite(p.st.query) && p.cols != nil && limit > 0 {
			p.keep = true
			if err := s.keepAll(p); err != nil {
				return 0, false, err
			}
		}
	}
	if p.keep {
		if n, done, err = s.deliverKept(p, limit, deliver); done {
			p.tag = tagOf(p.st.query.CommandType, n)
		}
		return n, done, err
	}
	done, err = p.x.Run(limit, func(b *exec.Batch) error {
		n += int64(len(b.Sel))
		if p.cols == nil {
			return nil
		}
		p.out.batch, p.out.list = b, nil
		return deliver(p.out)
	})
	if err != nil {
		return n, false, err
	}
	p.sent += n
	if done {
		s.finishPortal(p, n)
	}
	return n, done, nil
}

// cannotRun is the error of a portal that failed, or is done and has no rows.
func cannotRun(p *portal) error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "portal \"%s\" cannot be run", p.name)
}

// finishPortal notes the tag of a plan that came to its end.
func (s *Session) finishPortal(p *portal, rows int64) {
	p.done = true
	c := p.st.query.CommandType
	if c != node.CmdSelect {
		rows = p.x.Processed
	}
	if p.tag = oneRow[c]; rows != 1 || p.tag == "" {
		p.tag = tagOf(c, rows)
	}
	x := p.x
	s.closeExecution(p)
	// A portal of a cursor may be asked for more, and a statement may have been
	// planned again meanwhile.
	if !p.cursor && x.Stmt == p.st.plan && x.Reusable() {
		s.idles.keep(p.st, x)
	}
}

// maxIdle bounds how many ended executions a session keeps, as each has memory for
// some rows.
const maxIdle = 32

// idles are the statements with an execution kept, oldest at next.
type idles struct {
	list [maxIdle]*statement
	next int
}

func (r *idles) keep(st *statement, x *exec.Execution) {
	if st.idle = x; st.kept {
		return
	}
	if old := r.list[r.next]; old != nil {
		old.idle, old.kept = nil, false
	}
	r.list[r.next], st.kept = st, true
	r.next = (r.next + 1) % maxIdle
}

// oneRow are the usual tags. constant
var oneRow = [...]string{node.CmdSelect: "SELECT 1", node.CmdInsert: "INSERT 0 1", node.CmdUpdate: "UPDATE 1", node.CmdDelete: "DELETE 1", 15: ""}

func tagOf(c node.CmdType, rows int64) string {
	name := commandName(c)
	if c == node.CmdInsert {
		name += " 0"
	}
	return name + " " + strconv.FormatInt(rows, 10)
}

// keepAll runs a portal to its end and keeps the rows.
func (s *Session) keepAll(p *portal) error {
	if p.all {
		return nil
	}
	if p.x == nil {
		if err := s.open(p); err != nil {
			return err
		}
	}
	n := int64(0)
	_, err := p.x.Run(0, func(b *exec.Batch) error {
		n += int64(len(b.Sel))
		p.kept = append(p.kept, rowsOf(b, p.width())...)
		return nil
	})
	if err != nil {
		return err
	}
	s.finishPortal(p, n)
	p.all = true
	return nil
}

// rowsOf copies the rows of a batch.
func rowsOf(b *exec.Batch, cols int) []params {
	out := make([]params, len(b.Sel))
	for k, i := range b.Sel {
		row := make(params, cols)
		for c := range row {
			row[c] = b.Cols[c].Get(i).Clone()
		}
		out[k] = row
	}
	return out
}

func (s *Session) deliverKept(p *portal, limit int64, deliver func(*Rows) error) (n int64, done bool, err error) {
	rest := p.kept[p.pos:]
	if limit > 0 && int64(len(rest)) > limit {
		rest = rest[:limit]
	}
	if len(rest) > 0 && p.cols != nil {
		p.out.batch, p.out.list = nil, rest
		if err := deliver(p.out); err != nil {
			return 0, false, err
		}
	}
	n = int64(len(rest))
	p.pos += len(rest)
	p.sent += n
	return n, limit == 0 || n < limit, nil
}

// closePortals drops the portals that were made at savepoint depth level or
// deeper; at the end of a transaction, 0, held cursors stay.
func (s *Session) closePortals(level int) {
	for name, p := range s.portals {
		if p.held || p.level < level {
			continue
		}
		s.forgetPortal(p)
		delete(s.portals, name)
	}
}

// failPortals ends what portals of closePortals(level) run; their names stay.
func (s *Session) failPortals(level int) {
	for _, p := range s.portals {
		if !p.held && p.level >= level {
			s.forgetPortal(p)
			p.failed = true
		}
	}
}

// lowerPortals says that the savepoints from n on belong to their parent now.
func (s *Session) lowerPortals(n int) {
	for _, p := range s.portals {
		p.level = min(p.level, n)
	}
}

func (s *Session) dropPortal(name string) {
	if p := s.portals[name]; p != nil {
		s.forgetPortal(p)
		delete(s.portals, name)
	}
}

// forgetPortal lets go of what a portal holds, also of long parameters.
func (s *Session) forgetPortal(p *portal) {
	s.closeExecution(p)
	clear(p.args)
	p.kept = nil
}

// InUse is part of env.Session.
func (s *Session) InUse(rel oid.OID) bool {
	for _, p := range s.portals {
		if p.st != nil && !p.held && (p.cursor || p.x != nil) && slices.ContainsFunc(p.st.locks, func(l relLock) bool { return l.rel == rel }) {
			return true
		}
	}
	return false
}
