package commands_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
)

// TestIndexBesideWriters makes and drops indexes while pgbench changes the table:
// every index finds the rows that a scan of the table finds, also on stock
// PostgreSQL, whose amcheck looks for missing entries.
func TestIndexBesideWriters(t *testing.T) {
	pg := oracle.Find(t)
	s := oracle.BuildPgmini(t, pg).Initdb(t)
	s.Start()
	s.Psql("create table w (a int primary key, b int, c text) with (fillfactor = 70); insert into w select g, g % 100, 'c' || g from generate_series(1, 1500) g")
	dir := pg.TempDir(t)
	script := filepath.Join(dir, "change.sql")
	if err := os.WriteFile(script, []byte(`\set a random(1, 3000)
\set b random(1, 100)
update w set c = c || 'x' where a = :a;
update w set b = :b where a = :a + 1;
delete from w where a = :a + 2;
insert into w values (:a, :b, 'new') on conflict (a) do update set b = excluded.b + 1;
begin; update w set b = b + 1 where a = :a + 5; rollback;
`), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := pg.Command(ctx, "pgbench", append(s.ConnArgs(), "-n", "-c", "4", "-T", "2", "-f", script, "postgres")...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	made := 0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); made++ {
		for _, q := range []string{"create index concurrently wb on w (b)", "create index concurrently wc on w (c, a) where b > 50", "create unique index concurrently wu on w (a, b)",
			"drop index concurrently wc"} {
			if _, err := s.TryPsql("postgres", q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		compareScans(t, s)
		if time.Now().Add(500 * time.Millisecond).Before(end) {
			for _, q := range []string{"drop index concurrently wb", "drop index wu"} {
				if _, err := s.TryPsql("postgres", q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			continue
		}
		break
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("pgbench: %v\n%s", err, out.String())
	}
	t.Logf("%d rounds", made+1)
	compareScans(t, s)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(pg.TempDir(t), "copy")
	pg.CopyDir(t, s.Data, data)
	c := pg.Cluster(t, data)
	c.Start()
	if out := c.Tool("pg_amcheck", "-d", "postgres", "--heapallindexed", "--install-missing"); strings.TrimSpace(out) != "" {
		t.Errorf("pg_amcheck: %s", out)
	}
	c.Stop()
}

// compareScans asks the same of the table and of its indexes in one snapshot.
func compareScans(t *testing.T, s *oracle.Server) {
	t.Helper()
	q := "begin isolation level repeatable read; "
	for _, on := range []string{"off", "on"} {
		q += fmt.Sprintf("set local enable_seqscan = %s; set local enable_indexscan = %s; set local enable_bitmapscan = %s; set local enable_indexonlyscan = %s; ", on, flip(on), flip(on), flip(on))
		q += "select count(*), sum(a), sum(b) from w where b between 1 and 60; select count(*), sum(a) from w where a between 1 and 5000 and b > 0; "
	}
	out, err := s.TryPsql("postgres", q+"commit")
	if err != nil {
		t.Fatal(err)
	}
	l := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(out, "BEGIN", ""), "SET", ""), "COMMIT", ""))
	if len(l) != 4 || l[0] != l[2] || l[1] != l[3] {
		t.Errorf("an index and its table differ: %q", out)
	}
}

func flip(on string) string {
	if on == "on" {
		return "off"
	}
	return "on"
}
