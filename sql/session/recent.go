package session

import (
	"slices"
	"strconv"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/parser"
)

// recentPlans remembers statements that came as text: of the simple protocol by
// their shape, their small integers lifted out, and unnamed Parse messages by
// their text. The oldest goes first.
type recentPlans struct {
	by    map[string]*recent
	order []string
	key   []byte
	lits  []parser.Literal
	args  params
}

// recent is one entry. Simple statements are looked at twice before one is kept:
// the first time only that they came is noted.
type recent struct {
	st    *statement
	given []oid.OID // of a Parse
	never bool      // the shape has something that must not be lifted
}

const (
	maxRecent     = 32
	maxRecentText = 2048
	maxLifted     = 32
)

func (r *recentPlans) reset() { *r = recentPlans{} }

func (r *recentPlans) put(key string, e *recent) {
	if r.by == nil {
		r.by = map[string]*recent{}
	}
	if _, ok := r.by[key]; !ok {
		if len(r.order) >= maxRecent {
			delete(r.by, r.order[0])
			r.order = append(r.order[:0], r.order[1:]...)
		}
		r.order = append(r.order, key)
	}
	r.by[key] = e
}

// shape fills r.key with the shape of a statement and r.lits with its lifted
// literals, small integers; all others stay in the key.
func (r *recentPlans) shape(text string) bool {
	if len(text) > maxRecentText || !plannable(text) {
		return false
	}
	var ok bool
	if r.key, r.lits, ok = parser.Key(append(r.key[:0], 'Q'), r.lits[:0], text); !ok {
		return false
	}
	n := 0
	for _, l := range r.lits {
		if v := text[l.Start:l.End]; !l.Number || !smallInt(v) {
			r.key = append(append(r.key, 0), v...)
			continue
		}
		r.lits[n] = l
		n++
	}
	r.lits = r.lits[:n]
	return n <= maxLifted
}

func smallInt(v string) bool {
	if len(v) > 9 {
		return false
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return true
}

// plannable reports text that may start a statement with a plan.
func plannable(text string) bool {
	switch t := parser.NewScanner(text).Next(); {
	case t.Kind != parser.Word:
		return false
	default:
		switch lower(text[t.Start:t.End]) {
		case "select", "insert", "update", "delete":
			return true
		}
	}
	return false
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 32
		}
	}
	return string(b)
}

// recall finds a statement of the same shape that was run before, and the values
// of its literals.
func (s *Session) recall(text string) (*statement, params) {
	r := &s.recent
	if !r.shape(text) {
		return nil, nil
	}
	e := r.by[string(r.key)]
	switch {
	case e == nil:
		r.put(string(r.key), &recent{})
		return nil, nil
	case e.never:
		return nil, nil
	case e.st == nil:
		if e.st = s.lift(text); e.st == nil {
			e.never = true
			return nil, nil
		}
	}
	if len(r.lits) == 0 {
		return e.st, nil
	}
	args := slices.Grow(r.args[:0], len(r.lits))[:len(r.lits)]
	r.args = args
	for i, l := range r.lits {
		v, err := strconv.ParseInt(text[l.Start:l.End], 10, 32)
		if err != nil {
			return nil, nil
		}
		args[i] = datum.Int(v)
	}
	return e.st, args
}

// lift makes the statement with parameters in place of the literals r.lits; nil:
// it would mean something else.
func (s *Session) lift(text string) *statement {
	r := &s.recent
	if len(r.lits) > 0 && positional(text) {
		return nil
	}
	var b []byte
	at := 0
	st := &statement{}
	for i, l := range r.lits {
		b = append(b, text[at:l.Start]...)
		b = append(b, " $"...)
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = append(b, ' ')
		at = l.End
		st.params.Types = append(st.params.Types, oid.Int4)
	}
	b = append(b, text[at:]...)
	raws, err := parser.Parse(string(b))
	if err != nil || len(raws) != 1 || isUtility(raws[0].Stmt) {
		return nil
	}
	st.raw, st.text = raws[0], string(b)
	return st
}

// positional reports words after which a number may be no value (ORDER BY 1), or
// one that decides the plan (LIMIT 1).
func positional(text string) bool {
	sc := parser.NewScanner(text)
	for {
		t := sc.Next()
		switch t.Kind {
		case parser.EOF:
			return false
		case parser.Word:
			switch lower(text[t.Start:t.End]) {
			case "order", "group", "distinct", "limit", "offset", "fetch", "union", "intersect", "except", "window", "over", "partition",
				"interval", "tablesample", "conflict", "with", "like", "ilike", "similar":
				return true
			}
		}
	}
}

// forget drops a statement whose analysis fails now.
func (s *Session) forget(st *statement) {
	for _, e := range s.recent.by {
		if e.st == st {
			e.st, e.never = nil, true
		}
	}
}

// partial reports whether one of a statement's tables has a partial index, which
// only a literal can prove useful.
func (s *Session) partial(st *statement) bool {
	if st.whole == st.stamp {
		return false
	}
	for _, k := range st.locks {
		rel, err := s.cat.Relation(k.rel)
		if err != nil || rel == nil || rel.Kind != 'r' {
			continue
		}
		list, err := s.sql.Exec().Indexes(rel)
		if err != nil {
			return true
		}
		for _, x := range list {
			if len(x.Pred) > 0 {
				return true
			}
		}
	}
	st.whole = st.stamp
	return false
}

// reparse takes an unnamed statement that was parsed before, if it means the same
// now.
func (s *Session) reparse(text string, types []oid.OID) bool {
	if len(text) > maxRecentText || s.failed {
		return false
	}
	r := &s.recent
	r.key = append(append(r.key[:0], 'P'), text...)
	e := r.by[string(r.key)]
	if e == nil || e.st == nil || !slices.Equal(e.given, types) {
		return false
	}
	if err := s.enter(false); err != nil {
		return false
	}
	if s.now() != e.st.stamp {
		return false
	}
	s.prepared[""] = e.st
	return true
}

// rememberParse keeps an unnamed statement.
func (s *Session) rememberParse(st *statement, given []oid.OID) {
	if len(st.text) <= maxRecentText {
		s.recent.put("P"+st.text, &recent{st: st, given: given})
	}
}
