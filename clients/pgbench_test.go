package clients

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

func start(t *testing.T) *oracle.Server {
	t.Helper()
	s := oracle.BuildPgmini(t, oracle.Find(t)).Initdb(t)
	s.Start()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var (
	processed = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	failed    = regexp.MustCompile(`number of failed transactions: (\d+)`)
)

// pgbench runs it and returns how many transactions it counted; none may fail.
func pgbench(t *testing.T, s *oracle.Server, args ...string) int {
	t.Helper()
	out, err := s.TryTool("pgbench", append(args, "postgres")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Log())
	}
	m, f := processed.FindStringSubmatch(out), failed.FindStringSubmatch(out)
	if m == nil || f == nil || f[1] != "0" {
		t.Fatalf("pgbench %s: %s", strings.Join(args, " "), out)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		t.Fatalf("%d transactions, %v", n, err)
	}
	return n
}

// TestPgbench generates the tables in both ways and runs each built-in script
// in each protocol. Afterwards the table of history and the balances agree with
// each other and with what pgbench counted.
func TestPgbench(t *testing.T) {
	s := start(t)
	for _, steps := range []string{"dtgvp", "dtGvp"} {
		if _, err := s.TryTool("pgbench", "-i", "-q", "-s", "1", "-I", steps, "postgres"); err != nil {
			t.Fatal(err)
		}
		if got := s.Psql("select count(*), sum(aid), count(distinct bid), min(octet_length(filler)) from pgbench_accounts"); got != "100000|5000050000|1|84" {
			t.Errorf("after -I %s: %s", steps, got)
		}
	}
	full, simple := 0, 0
	for _, mode := range []string{"simple", "extended", "prepared"} {
		args := []string{"-n", "-c", "4", "-t", "100", "-M", mode}
		full += pgbench(t, s, append(args, "-b", "tpcb-like")...)
		simple += pgbench(t, s, append(args, "-b", "simple-update")...)
		pgbench(t, s, append(args, "-b", "select-only")...)
	}
	full += pgbench(t, s, "-n", "-C", "-c", "2", "-t", "50")
	if got := s.Psql("select count(*) from pgbench_history"); got != strconv.Itoa(full+simple) {
		t.Errorf("history has %s rows, pgbench counted %d", got, full+simple)
	}
	if got := s.Psql(`select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history),
		(select sum(bbalance) from pgbench_branches) = (select sum(tbalance) from pgbench_tellers)`); got != "t|t" {
		t.Errorf("the sums disagree: %s", got)
	}
}
