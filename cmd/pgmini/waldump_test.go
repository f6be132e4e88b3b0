package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
)

// Every line of a varied workload, by the describers of all packages, is the
// same as stock's.
func TestWaldumpSameAsStock(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	c.Start("wal_level=logical", "autovacuum=off", "wal_keep_size=1GB", "max_prepared_transactions=4", "track_commit_timestamp=on")
	start := strings.TrimSpace(c.Psql("select pg_current_wal_lsn()"))
	for _, s := range []string{
		"create table t (id serial primary key, a text, b int)",
		"insert into t (a, b) select repeat(md5(i::text), i % 200), i from generate_series(1, 2000) i",
		"update t set b = b + 1 where id % 3 = 0; delete from t where id % 5 = 0",
		"vacuum freeze t",
		"create index on t (b); create index h on t using hash (b); create index on t using brin (id)",
		"checkpoint",
		"update t set a = 'short' where id % 7 = 0",
		"begin; savepoint s; insert into t (b) values (1); rollback to s; select * from t where id = 1 for update; commit",
		"begin; insert into t (b) values (9); prepare transaction 'x'", "commit prepared 'x'",
		"drop table if exists nothing; create table p as select 1; drop table p",
		"truncate t", "create database d2; drop database d2",
		"insert into t (b) select generate_series(1, 5000); delete from t where b > 2500",
		"vacuum t",
	} {
		for _, one := range strings.Split(s, "; ") {
			if strings.HasPrefix(one, "begin") {
				c.Psql(s)
				break
			}
			c.Psql(one)
		}
	}
	c.Crash()
	want, _ := pg.Try("pg_waldump", "-p", c.Data, "-s", start)
	var got bytes.Buffer
	root := rootCommand()
	root.SetOut(&got)
	root.SetArgs([]string{"waldump", "-p", c.Data, "-s", start})
	if err := root.Execute(); err == nil {
		t.Error("the log ends without saying why")
	}
	g, w := strings.Split(got.String(), "\n"), strings.Split(want, "\n")
	if len(g) != len(w) || len(w) < 10000 {
		t.Fatalf("%d lines, stock has %d", len(g), len(w))
	}
	bad := 0
	for i := range w {
		if g[i] != w[i] {
			if bad++; bad <= 5 {
				t.Errorf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
			}
		}
	}
}
