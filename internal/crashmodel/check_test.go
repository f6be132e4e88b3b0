package crashmodel

import (
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
)

// check compares the directory with the model, and chooses for each client the
// state that survived.
func (w *world) check() {
	s, err := connect(w.inst, 3, nil)
	if err == nil {
		defer s.close()
		s.begin(xact.RepeatableRead)
		err = w.checkAll(s)
	}
	if err == nil {
		err = s.commit()
	}
	if err != nil && !w.fs.Off() {
		w.fatal("after recovery", err)
	}
}

func (w *world) checkAll(s *session) error {
	have := make([]*state, len(w.clients))
	for i := range have {
		have[i] = &state{kv: map[int64]uint64{}, tables: map[string]int{}, loose: map[string]int{}}
	}
	if err := w.checkAccounts(s, have); err != nil {
		return err
	}
	kv, err := s.open("kv", lmgr.AccessShare)
	if err != nil {
		return err
	}
	list, err := w.checkTable(s, kv)
	if err != nil {
		return err
	}
	for _, r := range list {
		have[r.vals[0].Int/keyStride].kv[r.vals[0].Int] = hashOf(r.vals)
	}
	if err := w.checkOwn(s, have); err != nil {
		return err
	}
	for i, c := range w.clients {
		if w.stock != nil && w.stock[i] != have[i].hist {
			return fmt.Errorf("client %d: %d transactions survived, %d by stock PostgreSQL's recovery", i, have[i].hist, w.stock[i])
		}
		if err := w.checkClient(c, have[i]); err != nil {
			return err
		}
	}
	w.stock = nil
	for _, c := range w.clients {
		w.floor = max(w.floor, c.cur.seq)
	}
	v, err := s.nextval()
	if err == nil && v <= w.floor {
		err = fmt.Errorf("nextval gives %d again: it had reached %d", v, w.floor)
	}
	if err == nil && w.gen%8 == 0 {
		err = w.checkCatalogs(s)
	}
	return err
}

// checkClient looks for the state that survived among those that may. INV-CM-1.
func (w *world) checkClient(c *client, have *state) error {
	var hist []int
	for _, m := range c.may {
		if m.hist == have.hist {
			if err := m.equal(have); err != nil {
				return fmt.Errorf("client %d after %d transactions: %w", c.id, have.hist, err)
			}
			m.loose = have.loose
			c.cur, c.may = m, []*state{m}
			return nil
		}
		hist = append(hist, m.hist)
	}
	return fmt.Errorf("client %d: %d transactions survived, want one of %v", c.id, have.hist, hist)
}

// checkAccounts adds up the transfers. INV-CM-2.
func (w *world) checkAccounts(s *session, have []*state) error {
	t, err := s.open("accounts", lmgr.AccessShare)
	if err != nil {
		return err
	}
	h, err := s.open("history", lmgr.AccessShare)
	if err != nil {
		return err
	}
	acc, err := w.checkTable(s, t)
	if err != nil {
		return err
	}
	hist, err := w.checkTable(s, h)
	if err != nil {
		return err
	}
	want := map[int64]int64{}
	for k := range int64(accounts) {
		want[k] = initial
	}
	for _, r := range hist {
		id, amt := r.vals[0].Int, r.vals[3].Int
		want[r.vals[1].Int] -= amt
		want[r.vals[2].Int] += amt
		have[id/histStride].hist++
		if n := int(id % histStride); n == 0 || n > len(hist) {
			return fmt.Errorf("history has row %d among %d", id, len(hist))
		}
	}
	seen := map[int64]bool{}
	for _, r := range hist {
		seen[r.vals[0].Int] = true
	}
	for i, st := range have {
		for n := 1; n <= st.hist; n++ {
			if !seen[int64(i*histStride+n)] {
				return fmt.Errorf("client %d has %d transactions in history, but not number %d", i, st.hist, n)
			}
		}
	}
	for _, r := range acc {
		if k := r.vals[0].Int; want[k] != r.vals[1].Int {
			return fmt.Errorf("account %d has %d, want %d", k, r.vals[1].Int, want[k])
		}
	}
	if len(acc) != accounts {
		return fmt.Errorf("%d accounts", len(acc))
	}
	return nil
}

// checkOwn finds and checks the clients' own tables.
func (w *world) checkOwn(s *session, have []*state) error {
	list, err := catalog.FindRows[rows.PgClass](s.Session, catalog.Search{Anum: rows.AnumPgClassRelnamespace, Value: datum.Int(int64(oid.PublicNamespace))})
	if err != nil {
		return err
	}
	for _, f := range list {
		var kind rune
		var id, n int
		if _, err := fmt.Sscanf(f.Row.Relname, "%c_%d_%d", &kind, &id, &n); err != nil || f.Row.Relkind != 'r' {
			continue
		}
		t, err := s.open(f.Row.Relname, lmgr.AccessShare)
		if err != nil {
			return err
		}
		list, err := w.checkTable(s, t)
		if err != nil {
			return err
		}
		seen := map[int64]bool{}
		for _, r := range list {
			seen[r.vals[0].Int] = true
		}
		for i := range list {
			if !seen[int64(i)] {
				return fmt.Errorf("%s has %d rows, but not %d", t.Name, len(list), i)
			}
		}
		if kind == 'u' {
			have[id].loose[t.Name] = len(list)
		} else {
			have[id].tables[t.Name] = len(list)
		}
		w.clients[id].made = max(w.clients[id].made, n)
	}
	return nil
}

// checkTable reads a table, checks the structure of its indexes, and that each
// index leads to each row.
func (w *world) checkTable(s *session, t *table) ([]row, error) {
	list, err := s.scan(t.Relation)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	for _, x := range t.indexes {
		entries := map[page.TID]bool{}
		if err := nbtree.Check(x, func(_ access.IndexTuple, tid page.TID) { entries[tid] = true }); err != nil {
			return nil, fmt.Errorf("%s: %w", x.Name, err)
		}
		if x != t.indexes[0] {
			continue
		}
		for _, r := range list {
			g, err := s.get(t, r.vals[0].Int)
			if err != nil {
				return nil, err
			}
			if g == nil || g.tid != r.tid {
				return nil, fmt.Errorf("%s: row %v at %v, by the index %v", t.Name, r.vals[0], r.tid, g)
			}
		}
	}
	return list, nil
}

// checkCatalogs checks the indexes of all catalogs.
func (w *world) checkCatalogs(s *session) error {
	for i := range rows.Indexes() {
		x, err := s.Relation(rows.Indexes()[i].OID)
		if err != nil {
			return err
		}
		if err := nbtree.Check(x, nil); err != nil {
			return fmt.Errorf("%s: %w", x.Name, err)
		}
	}
	return nil
}
