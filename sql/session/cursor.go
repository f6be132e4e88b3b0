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
	cursorInsens   = 0x0008
	cursorAsens    = 0x0010
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
	for _, x := range [][3]string{{"\x02\x04", "SCROLL", "NO SCROLL"}, {"\x08\x10", "ASENSITIVE", "INSENSITIVE"}} {
		if both := int32(x[0][0] | x[0][1]); d.Options&both == both {
			return pgerr.New(pgerr.InvalidCursorDefinition, "cannot specify both %s and %s", x[1], x[2])
		}
	}
	if s.portals[d.Portalname] != nil {
		return pgerr.New(pgerr.DuplicateCursor, "cursor \"%s\" already exists", d.Portalname)
	}
	inner := raw
	inner.Stmt = d.Query
	if into := d.Query.GetSelectStmt().GetIntoClause(); into != nil {
		return pgerr.New(pgerr.SyntaxError, "SELECT ... INTO is not allowed here").At(parser.Position(raw.Text, int(into.Rel.GetLocation())))
	}
	st := &statement{raw: inner, text: raw.Text}
	if err := s.analyze(st); err != nil {
		return err
	}
	if err := checkCursor(st, d.Options); err != nil {
		return err
	}
	st.query = st.query.Copy().(*node.Query)
	sources := addRowSources(st.query)
	pl, err := s.planQuery(st.query, true, nil)
	if err != nil {
		return err
	}
	st.plan = pl
	p := &portal{name: d.Portalname, st: st, cols: st.cols, level: len(s.saves), cursor: true, hold: hold, text: raw.Text,
		scroll: d.Options&cursorScroll != 0, binary: d.Options&cursorBinary != 0, sources: sources, created: xact.Timestamp(time.Now())}
	if d.Options&(cursorScroll|cursorNoScroll) == 0 {
		p.scroll = len(st.query.RowMarks) == 0 && scansBackward(pl.Plan)
	}
	if p.binary {
		p.formats = []int16{1}
	}
	// Rows are kept so that the cursor can go back; a cursor that may not is read
	// as it is fetched.
	p.keep = p.scroll
	if err := s.open(p); err != nil {
		s.closeExecution(p)
		return err
	}
	s.portals[p.name] = p
	return nil
}

// checkCursor refuses queries that a cursor with these options may not have.
func checkCursor(st *statement, opts int32) error {
	if st.query == nil || st.query.CommandType != node.CmdSelect {
		return pgerr.New(pgerr.InvalidCursorDefinition, "DECLARE CURSOR must specify a SELECT statement")
	}
	if st.query.HasModifyingCTE {
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR must not contain data-modifying statements in WITH")
	}
	if len(st.query.RowMarks) == 0 {
		return nil
	}
	lock := [...]string{"FOR SOME", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[st.query.RowMarks[0].Strength]
	switch {
	case opts&cursorHold != 0:
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR WITH HOLD ... %s is not supported", lock).
			WithDetail("Holdable cursors must be READ ONLY.")
	case opts&cursorScroll != 0:
		return pgerr.New(pgerr.FeatureNotSupported, "DECLARE SCROLL CURSOR ... %s is not supported", lock).
			WithDetail("Scrollable cursors must be READ ONLY.")
	case opts&cursorInsens != 0:
		return pgerr.New(pgerr.InvalidCursorDefinition, "DECLARE INSENSITIVE CURSOR ... %s is not valid", lock).
			WithDetail("Insensitive cursors must be READ ONLY.")
	}
	return nil
}

// holdCursors keeps the rows of WITH HOLD cursors at the end of their
// transaction.
func (s *Session) holdCursors() error {
	for _, p := range s.portals {
		if !p.hold || p.held {
			continue
		}
		if p.keep {
			if err := s.fill(p, math.MaxInt); err != nil {
				return err
			}
		} else if p.x != nil {
			if err := s.keepAll(p); err != nil {
				return err
			}
			p.all = false
		}
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
			p.kept = append(p.kept, rowsOf(b, p.width())...)
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
	switch {
	case p.broken:
		err = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "portal \"%s\" cannot be run", p.name)
	case p.keep || p.all:
		out, err = s.fetchKept(p, f.Direction, f.HowMany)
	default:
		out, err = s.fetchForward(p, f)
	}
	if err != nil {
		p.broken = true
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

// forwardOnly is the error of a cursor that may not go back.
func forwardOnly() error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cursor can only scan forward").
		WithHint("Declare it with SCROLL option to enable backward scan.")
}

// fetchForward reads a cursor that may not go back.
func (s *Session) fetchForward(p *portal, f *pg.FetchStmt) ([]params, error) {
	n, skip, absolute := f.HowMany, int64(0), false
	switch f.Direction {
	case pg.FetchDirection_FETCH_BACKWARD:
		n = -n
	case pg.FetchDirection_FETCH_ABSOLUTE:
		absolute = true
		if n -= p.sent; n > 0 {
			skip, n = n-1, 1
		} else {
			n = -1
		}
	case pg.FetchDirection_FETCH_RELATIVE:
		if n > 0 {
			skip, n = n-1, 1
		}
	}
	switch {
	case n == 0 && p.row != nil && f.Ismove:
		return []params{p.row}, nil
	case absolute && f.HowMany == 0 && p.sent == 0:
		return nil, nil
	case n < 0 || n == 0 && p.row != nil:
		return nil, forwardOnly()
	}
	p.row = nil
	if n == 0 || p.x == nil && len(p.kept) == 0 {
		return nil, nil
	}
	out, err := s.forward(p, skip+n, n == math.MaxInt64)
	if err != nil {
		return nil, err
	}
	p.sent += int64(len(out))
	return out[min(int(skip), len(out)):], nil
}

// forward reads at most limit rows of a cursor: from its plan, or from what was
// kept of it when its transaction ended.
func (s *Session) forward(p *portal, limit int64, all bool) (out []params, err error) {
	if p.held {
		n := len(p.kept)
		if !all {
			n = min(n, int(limit))
		}
		out, p.kept = p.kept[:n], p.kept[n:]
	} else {
		if all {
			limit = 0
		}
		done, err := p.x.Run(limit, func(b *batch) error {
			out = append(out, rowsOf(b, p.width())...)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if done {
			s.closeExecution(p)
		}
	}
	if len(out) > 0 && !all && int64(len(out)) == limit {
		p.row = out[len(out)-1]
	}
	return out, nil
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
