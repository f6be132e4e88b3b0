package exec_test

import (
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/internal/sqltest"
	"github.com/pgmini/pgmini/sql/exec"
	"github.com/pgmini/pgmini/sql/node"
	"github.com/pgmini/pgmini/sql/parser"
	"github.com/pgmini/pgmini/sql/plan"
)

// benchTable has n rows with a primary key.
func benchTable(b *testing.B, n string) *sqltest.Client {
	c := sqltest.New(b, nil).Connect()
	for _, q := range []string{"create table t(a int primary key, b int, c text, d bigint)",
		"insert into t select i, i % 1000, 'row ' || i, i * 7 from generate_series(1, " + n + ") i"} {
		if _, err := c.Query(q); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func benchPlan(b *testing.B, c *sqltest.Client, sql string) *plan.PlannedStmt {
	s, err := parser.Parse(sql)
	if err != nil {
		b.Fatal(err)
	}
	p, err := c.Plan(s[0], nil)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// benchRun measures a statement whose plan is kept.
func benchRun(b *testing.B, n, sql string, args func(i int) []datum.Datum) {
	c := benchTable(b, n)
	c.Begin()
	p := benchPlan(b, c, sql)
	x := c.Execution(p)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		x.Params = args(i)
		run(b, c, x, p)
		if i%1000 == 999 {
			if err := c.Commit(); err != nil {
				b.Fatal(err)
			}
			c.Begin()
		}
	}
	b.StopTimer()
	_ = c.Commit()
}

func run(b *testing.B, c *sqltest.Client, x *exec.Execution, p *plan.PlannedStmt) {
	x.Cid = c.Tx().CommandID(p.CommandType != node.CmdSelect)
	if ok, err := x.Reset(c.Tx(), c.Tx().Snapshot()); err != nil {
		b.Fatal(err)
	} else if !ok {
		x.Snap, x.Tx = c.Tx().Snapshot(), c.Tx()
		if err := x.Start(); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := x.Run(0, discard); err != nil {
		b.Fatal(err)
	}
	x.Close()
	if err := c.Tx().NextCommand(); err != nil {
		b.Fatal(err)
	}
}

func discard(*exec.Batch) error { return nil }

func key(i int) []datum.Datum { return []datum.Datum{datum.Int(int64(i*7919%10000) + 1)} }

func none(int) []datum.Datum { return nil }

func BenchmarkPointSelect(b *testing.B) { benchRun(b, "10000", "select d, c from t where a = $1", key) }

func BenchmarkPointUpdate(b *testing.B) {
	benchRun(b, "10000", "update t set d = d + 1 where a = $1", key)
}

func BenchmarkInsert(b *testing.B) {
	benchRun(b, "1", "insert into t values ($1, 1, 'x', 2)", func(i int) []datum.Datum { return []datum.Datum{datum.Int(int64(i) + 10)} })
}

func BenchmarkCount(b *testing.B) { benchRun(b, "1000000", "select count(*) from t", none) }

func BenchmarkSumWhere(b *testing.B) {
	benchRun(b, "1000000", "select sum(d) from t where b < 100", none)
}

func BenchmarkGroupBy(b *testing.B) {
	benchRun(b, "1000000", "select b, sum(d), count(*) from t group by b", none)
}

func BenchmarkHashJoin(b *testing.B) {
	benchRun(b, "200000", "select count(*) from t x join t y on x.d = y.d", none)
}

func BenchmarkSort(b *testing.B) {
	benchRun(b, "1000000", "select b, c from t order by b, a desc", none)
}

func BenchmarkTopN(b *testing.B) {
	benchRun(b, "1000000", "select b, c from t order by b, a desc limit 10", none)
}
