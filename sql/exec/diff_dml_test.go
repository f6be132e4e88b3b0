package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/internal/sqltest"
)

// change makes a random INSERT, UPDATE or DELETE of t1, with or without other
// tables, conflicts and RETURNING.
func (g *gen) change() string {
	g.ctes, g.ids = nil, 0
	self := []gcol{}
	for i, n := range columnNames {
		self = append(self, gcol{"t1." + n, columnTypes[i]})
	}
	ret := ""
	returning := func(scope []gcol) {
		if g.chance(50) {
			g.noSub = true
			ret = " returning t1.a, " + g.expr(scope, g.IntN(nTypes), 1) + ", t1.*"
			g.noSub = false
		}
	}
	set := func(scope []gcol) string {
		var l []string
		for _, i := range g.Perm(len(columnNames))[:1+g.IntN(3)] {
			if columnNames[i] == "a" && g.chance(70) {
				continue
			}
			l = append(l, columnNames[i]+" = "+g.expr(scope, columnTypes[i], 2))
		}
		if len(l) == 0 {
			l = []string{"b = coalesce(t1.b, 0) + 1"}
		}
		return strings.Join(l, ", ")
	}
	switch g.IntN(3) {
	case 0:
		q := "select " + g.expr(nil, tInt, 0)
		var list []string
		from, cols := g.from(nil, 1)
		for _, t := range columnTypes {
			list = append(list, g.expr(cols, t, 1))
		}
		if k := g.column(cols, tInt); k != "" && g.chance(70) {
			list[0] = fmt.Sprintf("(%s + %d)", k, g.IntN(60))
		}
		q = "select distinct on (1) " + strings.Join(list, ", ") + " from " + from + " order by 1, 2, 3, 4, 5, 6, 7"
		conflict := g.conflict(self)
		returning(self)
		return "insert into t1 " + q + conflict + ret
	case 1:
		scope, from := self, ""
		if g.chance(40) {
			// One row of the other table at most joins each row of t1.
			from = " from t3 y"
			for i, n := range columnNames {
				scope = append(scope, gcol{"y." + n, columnTypes[i]})
			}
		}
		s := "update t1 set " + set(scope) + from + " where "
		if from != "" {
			s += "t1." + g.pick("a", "b") + " = y." + g.pick("a", "b") + " and "
		}
		s += g.boolean(scope, 2)
		returning(scope)
		return s + ret
	}
	s, scope := "delete from t1", self
	if g.chance(40) {
		s += " using t3 y where t1.a = y." + g.pick("a", "b") + " and "
		for i, n := range columnNames {
			scope = append(scope, gcol{"y." + n, columnTypes[i]})
		}
	} else {
		s += " where "
	}
	s += g.boolean(scope, 2)
	returning(scope)
	return s + ret
}

// conflict is an ON CONFLICT clause, or nothing.
func (g *gen) conflict(self []gcol) string {
	switch g.IntN(4) {
	case 0:
		return " on conflict do nothing"
	case 3:
		return ""
	}
	ex := append([]gcol(nil), self...)
	for i, n := range columnNames {
		ex = append(ex, gcol{"excluded." + n, columnTypes[i]})
	}
	s := " on conflict (a) do update set b = " + g.expr(ex, tInt, 1) + ", c = " + g.expr(ex, tText, 1)
	if g.chance(40) {
		s += " where " + g.boolean(ex, 1)
	}
	return s
}

// TestRandomChanges compares what random changes return and leave behind.
func TestRandomChanges(t *testing.T) {
	pg := oracle.Find(t)
	cl := pg.Initdb(t)
	cl.Start()
	cl.Psql(fixture)
	c := sqltest.New(t, nil).Connect()
	if _, err := c.Query(fixture); err != nil {
		t.Fatal(err)
	}
	seed := uint64(envInt("PGMINI_SEED", int(rand.Uint32())))
	t.Logf("PGMINI_SEED=%d", seed)
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 7))}
	const after = "select * from t1"
	byKey := "select * from t1 where a in (select a from t1) order by a, b, c, l, f, n, r"
	var all, changes []string
	for range envInt("PGMINI_QUERIES", 100) {
		q := g.change()
		changes = append(changes, q)
		all = append(all, "begin", q, after, byKey, "rollback")
	}
	want := stock(t, cl, all)
	bad, failed := 0, 0
	for i, q := range changes {
		w := want[5*i : 5*i+5]
		if w[1].code != "00000" {
			failed++
		}
		if w[1].code == "57014" || w[2].code == "57014" {
			continue // stock took too long
		}
		set := variant(c, g.Rand)
		c.Begin()
		for k, s := range []string{q, after, byKey} {
			got, err := ours(c, s)
			if got.code == w[1+k].code && same(s, got.rows, w[1+k].rows) {
				if got.code != "00000" {
					break
				}
				continue
			}
			if bad++; bad <= envInt("PGMINI_SHOW", 4) {
				t.Errorf("%s\n-- then %s, without %s\n-- stock: %s\n-- ours: %s %v", q, s, set, w[1+k], got, err)
			}
			break
		}
		if c.Tx() != nil {
			if err := c.Abort(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d changes, %d of them errors", len(changes), failed)
	if bad > 0 {
		t.Errorf("%d of %d differ", bad, len(changes))
	}
}
