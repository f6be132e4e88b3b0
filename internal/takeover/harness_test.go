package takeover

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// server is either server, running.
type server interface {
	ConnArgs() []string
	TryPsql(db, sql string) (string, error)
	Log() string
	Running() bool
}

// nightly tells whether the tables are to be large.
func nightly() bool { return os.Getenv("PGMINI_NIGHTLY") != "" }

// bigRows is the size of the big table, scale pgbench's.
func bigRows() int {
	if nightly() {
		return 1000000
	}
	return 50000
}

func scale() int {
	if nightly() {
		return 10
	}
	return 1
}

var build struct { // constant after the first use
	once sync.Once
	bin  []byte
	err  error
}

// binary is cmd/pgmini, built once for all tests.
func binary(t *testing.T, pg *oracle.PG) *oracle.Pgmini {
	t.Helper()
	if bin := os.Getenv("PGMINI_BIN"); bin != "" { // one that was built before
		return &oracle.Pgmini{PG: pg, Bin: bin}
	}
	build.once.Do(func() {
		m := oracle.BuildPgmini(t, pg)
		build.bin, build.err = os.ReadFile(m.Bin)
	})
	if build.err != nil || build.bin == nil {
		t.Fatalf("the binary was not built: %v", build.err)
	}
	bin := filepath.Join(pg.TempDir(t), "pgmini")
	if err := os.WriteFile(bin, build.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	return &oracle.Pgmini{PG: pg, Bin: bin}
}

// section is a part of everything.sql.
type section struct{ name, sql string }

var sectionHead = regexp.MustCompile(`(?m)^-- @ (\S+)$`)

// sections reads everything.sql.
func sections(t *testing.T) []section {
	t.Helper()
	b, err := os.ReadFile("testdata/everything.sql")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	heads := sectionHead.FindAllStringSubmatchIndex(text, -1)
	out := make([]section, len(heads))
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		out[i] = section{text[h[2]:h[3]], text[h[1]:end]}
	}
	if len(out) < 50 {
		t.Fatalf("only %d sections", len(out))
	}
	return out
}

// skipped reads skip.txt: a section and the reason on each line.
func skipped(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/skip.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		name, why, _ := strings.Cut(l, " ")
		if why == "" {
			t.Errorf("skip.txt: %s has no reason", name)
		}
		out[name] = why
	}
	return out
}

// script runs a psql script in database postgres.
func script(pg *oracle.PG, s server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := pg.Command(ctx, "psql", append(s.ConnArgs(), "-d", "postgres", "-X", "-q", "-A", "-t",
		"-v", "ON_ERROR_STOP=1", "-v", "n="+strconv.Itoa(bigRows()), "-f", "-")...)
	cmd.Stdin = strings.NewReader(sql)
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return nil
}

// fill runs everything.sql but what is listed in skip.txt.
func fill(t *testing.T, pg *oracle.PG, s server) {
	t.Helper()
	skip := skipped(t)
	began := time.Now()
	n := 0
	for _, sec := range sections(t) {
		if _, ok := skip[sec.name]; ok {
			continue
		}
		if err := script(pg, s, sec.sql); err != nil {
			t.Fatalf("section %s: %v\n%s", sec.name, err, tail(s.Log()))
		}
		n++
	}
	t.Logf("filled with %d sections in %s (skipped: %d)", n, time.Since(began).Round(time.Millisecond), len(skip))
}

// tail is the end of a log.
func tail(log string) string {
	lines := strings.SplitAfter(log, "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "")
}

// state is what all databases of a server hold.
func state(t *testing.T, s server) string {
	t.Helper()
	sql, err := os.ReadFile("testdata/state.sql")
	if err != nil {
		t.Fatal(err)
	}
	dbs, err := s.TryPsql("postgres", `select datname from pg_database where datallowconn order by datname::text collate "C"`)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(s.Log()))
	}
	var out strings.Builder
	for db := range strings.Lines(dbs) {
		db = strings.TrimSpace(db)
		text, err := s.TryPsql(db, string(sql))
		if err != nil {
			t.Errorf("state of %s: %v\n%s", db, err, tail(s.Log()))
		}
		fmt.Fprintf(&out, "database %s\n%s\n", db, text)
	}
	return out.String()
}

// same compares two states, or two other texts, and shows the lines that differ.
func same(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := filepath.Join(t.TempDir(), "want"), filepath.Join(t.TempDir(), "got")
	if err := os.WriteFile(w, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(g, []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
	b, _ := exec.Command("diff", "-U0", w, g).Output()
	lines := strings.SplitAfter(string(b), "\n")
	t.Errorf("%s differs:\n%s", what, strings.Join(lines[:min(len(lines), 40)], ""))
}

// amcheck runs stock's pg_amcheck on every database of a running stock server.
func amcheck(t *testing.T, c *oracle.Cluster) {
	t.Helper()
	cmd := c.PG.Command(t.Context(), "pg_amcheck", append(c.ConnArgs(), "--all", "--heapallindexed", "--install-missing", "--jobs=2")...)
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), "NOTICE:  extension \"amcheck\" already exists, skipping\n", "")
	if err != nil || text != "" {
		t.Errorf("pg_amcheck: %v\n%s", err, head(text, 40))
	}
}

// head is the beginning of a text.
func head(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[:min(len(lines), n)], "")
}

// stop stops pgmini and fails t if it does not stop cleanly.
func stop(t *testing.T, s *oracle.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// copyOf copies a data directory whose server is stopped or was killed.
func copyOf(t *testing.T, pg *oracle.PG, data string) string {
	t.Helper()
	to := filepath.Join(pg.TempDir(t), "data")
	pg.CopyDir(t, data, to)
	return to
}

// more changes what everything.sql made, the way a server does that took over.
func more(t *testing.T, pg *oracle.PG, s server, tag int) {
	t.Helper()
	b, err := os.ReadFile("testdata/more.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := script(pg, s, strings.ReplaceAll(string(b), ":tag", strconv.Itoa(tag))); err != nil {
		t.Errorf("more.sql: %v\n%s", err, tail(s.Log()))
	}
}

// tpcb prepares pgbench's tables.
func tpcb(t *testing.T, pg *oracle.PG, s server) {
	t.Helper()
	args := append(s.ConnArgs(), "-i", "-q", "-s", strconv.Itoa(scale()), "postgres")
	if out, err := pg.Command(t.Context(), "pgbench", args...).CombinedOutput(); err != nil {
		t.Fatalf("pgbench -i: %v\n%s\n%s", err, out, tail(s.Log()))
	}
}

// load runs pgbench and the script of churn.sql in loops until stop is called, so
// that a server can be killed in the middle of both.
func load(t *testing.T, pg *oracle.PG, s server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	churn, err := os.ReadFile("testdata/churn.sql")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		out, err := pg.Command(ctx, "pgbench", append(s.ConnArgs(), "-n", "-c", "4", "-j", "2", "-T", "600", "postgres")...).CombinedOutput()
		t.Logf("pgbench under load: %v: %s", err, head(string(out), 3))
	})
	for i := range 2 {
		wg.Go(func() {
			sql := strings.ReplaceAll(string(churn), ":client", strconv.Itoa(i))
			for n := 0; ctx.Err() == nil && s.Running(); n++ {
				if err := script(pg, s, strings.ReplaceAll(sql, ":turn", strconv.Itoa(n))); err != nil && !regexp.MustCompile(`closed the connection|could not connect|Connection refused|connection to server|terminating connection|server conn crashed|shutting down`).MatchString(err.Error()) {
					t.Errorf("churn.sql: %v", err)
					return
				}
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// sums are pgbench's four sums; a crash must leave them equal.
func sums(t *testing.T, s server) {
	t.Helper()
	out, err := s.TryPsql("postgres", `select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches),
 (select sum(tbalance) from pgbench_tellers) = (select sum(bbalance) from pgbench_branches),
 (select coalesce(sum(delta), 0) from pgbench_history) = (select sum(bbalance) from pgbench_branches), (select count(*) > 0 from pgbench_history)`)
	if err != nil || out != "t|t|t|t" {
		t.Errorf("pgbench's sums: %q %v", out, err)
	}
}

// sortedSegments are the WAL segments of a directory.
func sortedSegments(t *testing.T, data string) []string {
	t.Helper()
	es, err := os.ReadDir(filepath.Join(data, "pg_wal"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range es {
		if len(e.Name()) == 24 {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out
}
