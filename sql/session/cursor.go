package session

import (
	"math"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/xact"
)

// Options of DECLARE CURSOR (PostgreSQL: CURSOR_OPT_*).
const (
	cursorBinary   = 0x0001
	cursorScroll   = 0x0002
	cursorNoScroll = 0x0004
	cursorHold     = 0x0020
)

func (s *Session) declare(raw parser.RawStmt, d *pg.DeclareCursorStmt) error {
	hold := d.Options&cursorHold != 0
	if !hold && s.state != inBlock {
		return pgerr.New(pgerr.NoActiveSQLTransaction, "DECLARE CURSOR can only be used in transaction blocks")
	}
	if d.Portalname == "" {
		return pgerr.New(pgerr.InvalidCursorName, "invalid cursor name: must not be empty")
	}
	if s.portals[d.Portalname] != nil {
		return pgerr.New(pgerr.DuplicateCursor, "cursor \"%s\" already exists", d.Portalname)
	}
	inner := raw
	inner.Stmt = d.Query
	st := &statement{raw: inner, text: raw.Text}
	if err := s.analyze(st); err != nil {
		return err
	}
	if st.query == nil || st.query.CommandType != node.CmdSelect {
		return pgerr.New(pgerr.InvalidCursorDefinition, "DECLARE CURSOR must specify a SELECT statement")
	}
	if st.query.HasModifyingCTE {
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR must not contain data-modifying statements in WITH")
	}
	pl, err := s.planQuery(st.query, true, nil)
	if err != nil {
		return err
	}
	st.plan = pl
	p := &portal{name: d.Portalname, st: st, cols: st.cols, level: len(s.saves), cursor: true, hold: hold, text: raw.Text,
		scroll: d.Options&cursorScroll != 0, noScroll: d.Options&cursorNoScroll != 0, binary: d.Options&cursorBinary != 0,
		created: xact.Timestamp(time.Now())}
	if p.binary {
		p.formats = []int16{1}
	}
	// Rows are kept so that the cursor can go back; a cursor that may not is read
	// as it is fetched.
	p.keep = !p.noScroll
	if err := s.open(p); err != nil {
		s.closeExecution(p)
		return err
	}
	s.portals[p.name] = p
	return nil
}

// holdCursors keeps the rows of WITH HOLD cursors at the end of their
// transaction.
func (s *Session) holdCursors() error {
	for _, p := range s.portals {
		if !p.hold || p.held {
			continue
		}
		skip := int64(len(p.kept))
		if !p.all {
			if p.keep {
				if err := s.fill(p, math.MaxInt); err != nil {
					return err
				}
			} else {
				skip = 0
				if err := s.keepAll(p); err != nil {
					return err
				}
				p.keep, p.pos = true, 0
			}
		}
		_ = skip
		p.held, p.level = true, -1
	}
	return nil
}

// fill fetches rows of a kept cursor until it has n of them.
func (s *Session) fill(p *portal, n int) error {
	for !p.all && len(p.kept) < n {
		if p.x == nil {
			p.all = true
			break
		}
		limit := int64(0)
		if n < math.MaxInt {
			limit = int64(n - len(p.kept))
		}
		before := len(p.kept)
		done, err := p.x.Run(limit, func(b *batch) error {
			p.kept = append(p.kept, rowsOf(b, len(p.cols))...)
			return nil
		})
		if err != nil {
			return err
		}
		if done || limit > 0 && len(p.kept) == before {
			p.all = true
			s.closeExecution(p)
		}
	}
	return nil
}

func (s *Session) fetch(f *pg.FetchStmt, sink *resultSink) (string, error) {
	p := s.portals[f.Portalname]
	if p == nil {
		return "", pgerr.New(pgerr.UndefinedCursor, "cursor \"%s\" does not exist", f.Portalname)
	}
	if p.binary {
		sink.formats = p.formats
	}
	if !f.Ismove {
		if err := sink.Describe(p.cols); err != nil {
			return "", err
		}
	}
	var out []params
	var err error
	if p.keep || p.all {
		out, err = s.fetchKept(p, f.Direction, f.HowMany)
	} else {
		out, err = s.fetchForward(p, f.Direction, f.HowMany)
	}
	if err != nil {
		return "", err
	}
	if f.Ismove {
		return "MOVE " + itoa(int64(len(out))), nil
	}
	for _, r := range out {
		if err := sink.Row(r); err != nil {
			return "", err
		}
	}
	return "FETCH " + itoa(int64(len(out))), nil
}

// fetchForward reads a cursor that may not go back.
func (s *Session) fetchForward(p *portal, dir pg.FetchDirection, n int64) ([]params, error) {
	back := pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cursor can only scan forward").
		WithHint("Declare it with SCROLL option to enable backward scan.")
	skip := int64(0)
	switch dir {
	case pg.FetchDirection_FETCH_BACKWARD:
		return nil, back
	case pg.FetchDirection_FETCH_ABSOLUTE:
		if n <= p.sent {
			return nil, back
		}
		skip, n = n-p.sent-1, 1
	case pg.FetchDirection_FETCH_RELATIVE:
		if n <= 0 {
			return nil, back
		}
		skip, n = n-1, 1
	}
	if n < 0 {
		return nil, back
	}
	if n == 0 || p.x == nil {
		return nil, nil
	}
	limit := skip + n
	if n == math.MaxInt64 {
		limit = 0
	}
	var out []params
	done, err := p.x.Run(limit, func(b *batch) error {
		out = append(out, rowsOf(b, len(p.cols))...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if done {
		s.closeExecution(p)
	}
	p.sent += int64(len(out))
	return out[min(int(skip), len(out)):], nil
}

// fetchKept moves in the kept rows. pos is the number of the current row, from 1;
// 0 is before the first, len+1 after the last.
func (s *Session) fetchKept(p *portal, dir pg.FetchDirection, n int64) ([]params, error) {
	all := n == math.MaxInt64 || n == math.MinInt64+1
	at := int64(p.pos)
	one := func(to int64) ([]params, error) {
		if to < 0 {
			to = 0
		}
		if err := s.fill(p, int(min(to, math.MaxInt32))); err != nil {
			return nil, err
		}
		if to > int64(len(p.kept)) {
			p.pos = len(p.kept) + 1
			return nil, nil
		}
		p.pos = int(to)
		if to == 0 {
			return nil, nil
		}
		return p.kept[to-1 : to], nil
	}
	switch dir {
	case pg.FetchDirection_FETCH_ABSOLUTE:
		if n < 0 {
			if err := s.fill(p, math.MaxInt); err != nil {
				return nil, err
			}
			n += int64(len(p.kept)) + 1
		}
		return one(n)
	case pg.FetchDirection_FETCH_RELATIVE:
		return one(at + n)
	case pg.FetchDirection_FETCH_BACKWARD:
		n = -n
	}
	switch {
	case n == 0:
		if at >= 1 && at <= int64(len(p.kept)) {
			return p.kept[at-1 : at], nil
		}
		return nil, nil
	case n > 0:
		want := at + n
		if all || want < 0 {
			want = math.MaxInt
		}
		if err := s.fill(p, int(want)); err != nil {
			return nil, err
		}
		from, to := min(at, int64(len(p.kept))), min(want, int64(len(p.kept)))
		p.pos = int(to)
		if want > int64(len(p.kept)) {
			p.pos = len(p.kept) + 1
		}
		return p.kept[from:to], nil
	}
	count := -n
	if all {
		count = math.MaxInt32
	}
	var out []params
	for k := at - 1; count > 0; k, count = k-1, count-1 {
		if k < 1 {
			p.pos = 0
			return out, nil
		}
		out = append(out, p.kept[k-1])
		p.pos = int(k)
	}
	return out, nil
}

func (s *Session) closeCursor(c *pg.ClosePortalStmt) (string, error) {
	if c.Portalname == "" {
		for name := range s.portals {
			s.dropPortal(name)
		}
		return "CLOSE CURSOR ALL", nil
	}
	if s.portals[c.Portalname] == nil {
		return "", pgerr.New(pgerr.UndefinedCursor, "cursor \"%s\" does not exist", c.Portalname)
	}
	s.dropPortal(c.Portalname)
	return "CLOSE CURSOR", nil
}
