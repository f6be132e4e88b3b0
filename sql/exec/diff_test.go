package exec_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/internal/sqltest"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/sql/plan"
)

const endMark = "@@@end"

// answer is what a query gave: sorted rows, or an SQLSTATE.
type answer struct {
	code string
	rows []string
}

func (a answer) String() string {
	if a.code != "00000" {
		return "ERROR " + a.code
	}
	rows := slices.Sorted(slices.Values(a.rows))
	return fmt.Sprintf("%d rows\n%s", len(rows), strings.Join(rows[:min(len(rows), 40)], "\n"))
}

// stock runs queries in one psql session.
func stock(t testing.TB, c *oracle.Cluster, queries []string) []answer {
	t.Helper()
	var b strings.Builder
	b.WriteString("\\set ON_ERROR_STOP off\n\\pset null NULL\nset client_min_messages = fatal;\nset statement_timeout = 1000;\n")
	for _, q := range queries {
		b.WriteString(q + ";\n\\echo " + endMark + " :SQLSTATE\n")
	}
	out, _ := c.TryPsql("postgres", b.String())
	var all []answer
	var rows []string
	for line := range strings.SplitSeq(out, "\n") {
		if code, ok := strings.CutPrefix(line, endMark+" "); ok {
			all = append(all, answer{code, rows})
			rows = nil
			continue
		}
		rows = append(rows, line)
	}
	if len(all) != len(queries) {
		t.Fatalf("%d answers to %d queries:\n%s", len(all), len(queries), out)
	}
	return all
}

// ours runs a query; a panic counts as an error of its own.
func ours(c *sqltest.Client, q string) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = answer{code: "panic"}, fmt.Errorf("panic: %v\n%s", p, frames(debug.Stack()))
			_ = c.Abort()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c.Ctx = ctx
	defer func() { c.Ctx = nil }()
	r, err := c.Query(q)
	if ctx.Err() != nil {
		return answer{code: "timeout"}, err
	}
	if err != nil {
		if e, ok := pgerr.As(err); ok {
			return answer{code: string(e.Code)}, err
		}
		return answer{code: "XX000"}, err
	}
	a.code = "00000"
	for _, row := range r.Rows {
		a.rows = append(a.rows, strings.Join(row, "|"))
	}
	return a, nil
}

// frames keeps the lines of a stack trace that say where a panic came from.
func frames(stack []byte) string {
	var out []string
	for l := range strings.SplitSeq(string(stack), "\n") {
		if i := strings.Index(l, "/sql/"); i >= 0 && strings.HasPrefix(l, "\t") && len(out) < 8 {
			out = append(out, l[i:])
		}
	}
	return strings.Join(out, "\n")
}

// variant makes settings that force other plans.
func variant(c *sqltest.Client, rng *rand.Rand) string {
	s := plan.Defaults()
	c.WorkMem = 4 << 20
	var names []string
	off := func(name string, f *bool) {
		if rng.IntN(3) == 0 {
			*f = true
			names = append(names, name)
		}
	}
	if rng.IntN(3) > 0 {
		off("nestloop", &s.NoNestLoop)
		off("hashjoin", &s.NoHashJoin)
		off("mergejoin", &s.NoMergeJoin)
		off("seqscan", &s.NoSeqScan)
		off("indexscan", &s.NoIndexScan)
		off("indexonlyscan", &s.NoIndexOnlyScan)
		off("bitmapscan", &s.NoBitmapScan)
		off("hashagg", &s.NoHashAgg)
		off("sort", &s.NoSort)
		off("material", &s.NoMaterial)
		if rng.IntN(3) == 0 {
			s.RandomPageCost, s.CPUIndexTupleCost, s.SeqPageCost = 0.01, 0.0001, 10
			names = append(names, "cheap-index")
		}
		if rng.IntN(3) == 0 {
			c.WorkMem = 2000
			s.WorkMem = 2000
			names = append(names, "work_mem")
		}
	}
	c.Settings = s
	return strings.Join(names, ",")
}

func envInt(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// TestRandomQueries compares random queries with stock PostgreSQL, under settings
// that force all kinds of plans.
func TestRandomQueries(t *testing.T) {
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
	n := envInt("PGMINI_QUERIES", 120)
	for n > 0 {
		var queries []string
		for range min(n, 500) {
			queries = append(queries, g.statement())
		}
		n -= len(queries)
		compareAll(t, cl, c, g.Rand, queries)
	}
}

// compareAll runs queries on both and reports what differs.
func compareAll(t *testing.T, cl *oracle.Cluster, c *sqltest.Client, rng *rand.Rand, queries []string) {
	t.Helper()
	want := stock(t, cl, queries)
	bad, good, failed := 0, 0, 0
	for i, q := range queries {
		w := want[i]
		if w.code == "57014" {
			continue
		}
		for range 3 {
			set := variant(c, rng)
			got, err := ours(c, q)
			if got.code == "timeout" {
				t.Logf("slow: without %s: %s", set, q)
				continue
			}
			if got.code == w.code && same(q, got.rows, w.rows) {
				if good++; w.code != "00000" {
					failed++
				}
				continue
			}
			if bad++; bad <= envInt("PGMINI_SHOW", 5) {
				t.Errorf("%s\n-- without %s\n-- stock: %s\n-- ours: %s %v", q, set, w, got, err)
			}
			break
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d queries differ", bad, len(queries))
	}
	t.Logf("%d equal answers, %d of them errors", good, failed)
}

// zeros are what numerics that are equal may differ by. constant
var zeros = regexp.MustCompile(`(\.\d*?)0+\b`)

// same compares rows: in order if the query has one, else as sets with
// repetition.
func same(q string, a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.Equal(a, b) {
		return true
	}
	norm := func(l []string) (out []string) {
		for _, s := range l {
			out = append(out, strings.ReplaceAll(zeros.ReplaceAllString(s, "$1")+"|", ".|", "|"))
		}
		return
	}
	a, b = norm(a), norm(b)
	if i := strings.LastIndex(q, " order by "); i >= 0 && !strings.ContainsAny(q[i:], "()") {
		return slices.Equal(a, b)
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
