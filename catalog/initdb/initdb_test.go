package initdb

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
)

// newCluster makes a cluster of ours that the stock server may take over.
func newCluster(t *testing.T, pg *oracle.PG, o Options) (*oracle.Cluster, string) {
	t.Helper()
	dir := filepath.Join(pg.TempDir(t), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o.FS, o.Random, o.NoSync = osfs.New(dir), rand.Reader, true
	start := time.Now()
	if err := Create(o); err != nil {
		t.Fatal(err)
	}
	t.Logf("made in %v", time.Since(start))
	pg.Own(t, dir)
	return pg.Cluster(t, dir), dir
}

func TestStockStarts(t *testing.T) {
	pg := oracle.Find(t)
	c, dir := newCluster(t, pg, Options{Password: "secret"})
	if out := pg.Run(t, "pg_controldata", dir); !strings.Contains(out, "shut down\n") {
		t.Error(out)
	}
	if out := pg.Run(t, "pg_checksums", "--check", "-D", dir); !strings.Contains(out, "Bad checksums:  0") {
		t.Error(out)
	}
	if out := pg.Run(t, "pg_waldump", "-p", filepath.Join(dir, "pg_wal"), "-n", "1", "000000010000000000000001"); !strings.Contains(out, "CHECKPOINT_SHUTDOWN") {
		t.Error(out)
	}
	single := pg.Command(context.Background(), "postgres", "--single", "-D", dir, "postgres")
	single.Stdin = strings.NewReader("SELECT count(*) > 3000 AS many FROM pg_proc;\n")
	if out, err := single.CombinedOutput(); err != nil || !strings.Contains(string(out), `many = "t"`) {
		t.Errorf("%v: %s", err, out)
	}
	c.Start()
	defer c.Stop()
	c.Psql("CREATE SCHEMA s; CREATE TABLE s.t (a int PRIMARY KEY, b text UNIQUE, c numeric[] DEFAULT '{1.5}'); INSERT INTO s.t SELECT i, repeat('x', i) FROM generate_series(1, 500) i; CREATE VIEW v AS SELECT * FROM s.t; VACUUM FULL pg_class; VACUUM FULL pg_proc; REINDEX DATABASE postgres; ANALYZE")
	if got := strings.TrimSpace(c.Psql("SELECT count(*), sum(length(b)) FROM s.t WHERE a <= 100")); got != "100|5050" && !strings.Contains(got, "5050") {
		t.Error(got)
	}
	for q, want := range map[string]string{ // functions whose bodies are ours
		"SELECT lpad('a', 3) || '|' || round(2.5) || bit_length('ab'::text) || (time '10:00', interval '2h') OVERLAPS (time '11:00', time '12:00')": "  a|316true",
		"SELECT date '2020-01-01' + time '10:00', interval '1 day' + date '2020-01-01', 5 + date '2020-01-01'":                                      "2020-01-01 10:00:00|2020-01-02 00:00:00|2020-01-06",
		"SELECT obj_description(1259, 'pg_class') IS NULL, pg_sleep_for('1ms'), date_part('year', date '2020-01-01'), log10(100.0)":                 "t||2020|2.0000000000000000",
		"SELECT substring('abcdef' similar '%#\"b_#\"%' escape '#'), 'a' || 1, quote_literal(5)":                                                    "bc|a1|'5'",
	} {
		if got := c.Psql(q); got != want {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
	out := c.Tool("pg_amcheck", "--all", "--heapallindexed", "--rootdescend", "--parent-check", "--install-missing")
	if strings.TrimSpace(out) != "" {
		t.Error(out)
	}
}

// TestStockChecks lets amcheck look at the pages we made before anything else
// changes them.
func TestStockChecks(t *testing.T) {
	pg := oracle.Find(t)
	c, _ := newCluster(t, pg, Options{})
	c.Start("autovacuum=off")
	defer c.Stop()
	if got := c.Psql("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 't', 'i') AND relpages <> pg_relation_size(oid, 'main') / 8192"); strings.TrimSpace(got) != "0" {
		t.Errorf("%s relations have another length than pg_class says", got)
	}
	for _, db := range []string{"postgres", "template1"} {
		out, err := c.TryPsql(db, `CREATE EXTENSION amcheck;
			SELECT bt_index_parent_check(indexrelid, true, true) FROM pg_index WHERE indexrelid IN (SELECT oid FROM pg_class WHERE relam = 403);
			SELECT c.relname, v.* FROM pg_class c, verify_heapam(c.oid, skip := 'none') v WHERE relkind IN ('r', 't')`)
		if err != nil || strings.Contains(out, "ERROR") || strings.Contains(out, "pg_") {
			t.Errorf("%s: %v %s", db, err, out)
		}
	}
	// Index scans and sequential scans agree.
	got := c.Psql(`SET enable_seqscan = off; SELECT count(*) FROM pg_proc WHERE oid > 0;
		SET enable_seqscan = on; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM pg_proc WHERE oid > 0`)
	if f := strings.Fields(strings.ReplaceAll(got, "SET", "")); len(f) != 2 || f[0] != f[1] {
		t.Error(got)
	}
}

// TestViews compares the columns of our system views with those of the stock
// ones, and their rows, on the stock server.
func TestViews(t *testing.T) {
	pg := oracle.Find(t)
	c, _ := newCluster(t, pg, Options{})
	c.Start()
	defer c.Stop()
	stock := pg.Initdb(t)
	stock.Start()
	defer stock.Stop()
	const q = `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relkind = 'v' AND c.relnamespace IN (11, (SELECT oid FROM pg_namespace WHERE nspname = 'information_schema')) AND a.attnum > 0 ORDER BY 1, a.attnum`
	want := map[string]string{}
	for line := range strings.SplitSeq(stock.Psql(q), "\n") {
		view, col, _ := strings.Cut(line, "|")
		want[view] += col + "\n"
	}
	got := map[string]string{}
	for line := range strings.SplitSeq(c.Psql(q), "\n") {
		view, col, _ := strings.Cut(line, "|")
		got[view] += col + "\n"
	}
	if len(got) < 40 {
		t.Errorf("%d views", len(got))
	}
	for v := range got {
		if got[v] != want[v] {
			t.Errorf("%s has\n%sbut in PostgreSQL\n%s", v, got[v], want[v])
		}
		if _, err := c.TryPsql("postgres", "SET search_path = pg_catalog, information_schema; SELECT * FROM "+v); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	const rows = "SELECT count(*), max(tablename) FROM pg_tables WHERE schemaname = 'pg_catalog'; SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pg%'; SELECT count(*) FROM pg_indexes WHERE schemaname = 'pg_catalog'; SELECT name, setting FROM pg_settings WHERE name = 'work_mem'"
	if a, b := c.Psql(rows), stock.Psql(rows); a != b {
		t.Errorf("ours: %s\nstock: %s", a, b)
	}
}

func TestUnfinished(t *testing.T) {
	fs := memfs.New()
	o := Options{FS: fs, Random: strings.NewReader("xx")} // too few for the nonce
	if err := Create(o); err == nil {
		t.Fatal("no error")
	}
	if _, err := fs.Stat("global/pg_control"); err == nil {
		t.Error("pg_control is there")
	}
}

func BenchmarkCreate(b *testing.B) {
	for b.Loop() {
		if err := Create(Options{FS: memfs.New(), Random: rand.Reader, NoSync: true}); err != nil {
			b.Fatal(err)
		}
	}
}
