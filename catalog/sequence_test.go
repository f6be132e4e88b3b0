package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/catalog/sequence"
	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgerr"
)

// TestNext takes values off the same sequences as stock PostgreSQL does, and
// compares the values, the errors and the tuple that is left.
func TestNext(t *testing.T) {
	pg := oracle.Find(t)
	pgc := pg.Initdb(t)
	pgc.Start()
	defer pgc.Stop()
	w := newWorld(t, "")
	c := w.connect()
	for i, s := range []struct {
		start, inc, min, max int64
		cycle                bool
		takes                int
	}{
		{1, 1, 1, 1 << 62, false, 36}, {5, 3, 1, 20, false, 8}, {5, 3, 1, 20, true, 20}, {-1, -1, -5, -1, true, 12},
		{-1, -2, -6, -1, false, 5}, {10, 100, 1, 150, true, 6}, {9223372036854775800, 5, 1, 9223372036854775807, false, 4},
		{-9223372036854775800, -5, -9223372036854775808, 0, false, 4},
	} {
		name := fmt.Sprintf("q%d", i)
		cycle := ""
		if s.cycle {
			cycle = "CYCLE"
		}
		pgc.Psql(fmt.Sprintf("CREATE SEQUENCE %s START %d INCREMENT %d MINVALUE %d MAXVALUE %d %s", name, s.start, s.inc, s.min, s.max, cycle))
		c.begin()
		o, err := c.CreateSequence(NewRelation{Name: name, Namespace: oid.PublicNamespace, Persistence: 'p', Owner: 10},
			rows.PgSequence{Seqtypid: oid.Int8, Seqstart: s.start, Seqincrement: s.inc, Seqmin: s.min, Seqmax: s.max, Seqcache: 1, Seqcycle: s.cycle})
		must(t, err)
		rel, err := c.Relation(o)
		must(t, err)
		for range s.takes {
			want, err := pgc.TryPsql("postgres", "SELECT nextval('"+name+"'); SELECT * FROM "+name)
			want, tup, _ := strings.Cut(want, "\n")
			v, _, ours := sequence.Next(c.Tx(), rel, sequence.Params{Increment: s.inc, Min: s.min, Max: s.max, Cache: 1, Cycle: s.cycle})
			if (err != nil) != (ours != nil) || err == nil && want != fmt.Sprint(v) {
				t.Errorf("%s: %d %v, want %s %v", name, v, ours, want, err)
			}
			if e, ok := pgerr.As(ours); ok && err != nil && !strings.Contains(err.Error(), e.Msg) {
				t.Errorf("%s: %q, want %q", name, e.Msg, err)
			}
			st, gerr := sequence.Get(rel)
			must(t, gerr)
			if err == nil && tup != fmt.Sprintf("%d|%d|%s", st.LastValue, st.LogCount, map[bool]string{true: "t", false: "f"}[st.IsCalled]) {
				t.Errorf("%s: tuple %+v, want %s", name, st, tup)
			}
		}
		c.commit()
	}
}
