package waldump

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// workload leaves records of many kinds behind.
const workload = `
create table t (id serial primary key, a text, b int);
insert into t (a, b) select repeat('x', i % 700), i from generate_series(1, 5000) i;
update t set b = b + 1 where id % 3 = 0;
delete from t where id % 5 = 0;
vacuum t;
create index on t (b);
checkpoint;
update t set a = 'short' where id % 7 = 0;
begin; savepoint s; insert into t (b) values (1); rollback to s; insert into t (b) values (2); commit;
create unlogged table u (x int);
truncate t;
select pg_logical_emit_message(true, 'pre', 'hello'), pg_logical_emit_message(false, 'fix', '\x00ff10'::bytea);
select pg_create_restore_point('here');
create database d1 strategy file_copy;
create database d2 strategy wal_log;
drop database d1;
cluster pg_class using pg_class_oid_index;
vacuum full pg_class;
select pg_switch_wal();
insert into t (b) select generate_series(1, 10000);
vacuum t;
select nextval('t_id_seq');
checkpoint;
`

type testCluster struct {
	*oracle.Cluster
	pg    *oracle.PG
	first string
}

func runWorkload(t *testing.T, settings ...string) testCluster {
	t.Helper()
	pg := oracle.Find(t)
	c := pg.Initdb(t, "--wal-segsize=1")
	c.Start(append(settings, "wal_level=logical", "track_commit_timestamp=on", "wal_keep_size=1GB", "autovacuum=off")...)
	for _, s := range strings.Split(strings.TrimSpace(workload), ";\n") {
		c.Psql(s)
	}
	names := strings.Fields(c.Psql("select name from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' order by 1"))
	c.Crash()
	return testCluster{c, pg, names[0]}
}

// owned says whether a line is of a resource manager whose describer this test
// has; all that it knows are compared.
func table() []xlog.Describer { return append(xlog.Describers(), rmgrs.Describers()...) }

// stock runs pg_waldump; what it says at the end of the log comes second.
func (c testCluster) stock(t *testing.T, args ...string) (out, errs string) {
	t.Helper()
	cmd := c.pg.Command(t.Context(), "pg_waldump", append([]string{"-p", c.Data}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(b), strings.TrimPrefix(strings.TrimSpace(stderr.String()), "pg_waldump: error: ")
}

func (c testCluster) ours(t *testing.T, o Options) (out, errs string) {
	t.Helper()
	o.Path = c.Data
	var b strings.Builder
	err := Run(context.Background(), o, Env{FS: osfs.New("/"), Out: &b, Table: table()})
	if err != nil {
		errs = err.Error()
	}
	return b.String(), errs
}

func diff(t *testing.T, what, got, want string, known func(line string) bool) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(g) != len(w) {
		t.Errorf("%s: %d lines, stock has %d", what, len(g), len(w))
	}
	bad := 0
	for i := range min(len(g), len(w)) {
		if g[i] == w[i] {
			continue
		}
		if !known(w[i]) {
			// Another package describes it: compare what stands before the text.
			if g0, _, _ := strings.Cut(g[i], "desc:"); strings.HasPrefix(w[i], g0) {
				continue
			}
		}
		if bad++; bad <= 5 {
			t.Errorf("%s line %d:\n got %s\nwant %s", what, i+1, g[i], w[i])
		}
	}
}

func TestSameLinesAsStock(t *testing.T) {
	c := runWorkload(t, "wal_compression=lz4")
	known := func(line string) bool {
		for _, d := range table() {
			if strings.HasPrefix(line, "rmgr: "+d.ID.String()+" ") {
				return true
			}
		}
		return !strings.HasPrefix(line, "rmgr: ")
	}
	all := func(string) bool { return true }
	first := c.first
	_, seg, err := lsn.MinSegSize.ParseFileName(first)
	if err != nil {
		t.Fatal(err)
	}
	begin := lsn.MinSegSize.Start(seg).String()
	lines := 0
	for _, o := range []struct {
		args  []string
		opt   Options
		known func(string) bool
	}{
		{[]string{"-s", begin}, Options{Start: begin}, known},
		{[]string{"-b", first}, Options{BkpDetails: true, Args: []string{first}}, known},
		{[]string{"-z", first}, Options{Stats: "rmgr", Args: []string{first}}, all},
		{[]string{"-r", "Storage", "-s", begin}, Options{Rmgr: "storage", Start: begin}, all},
		{[]string{"-w", "-n", "50", "-s", begin}, Options{FullPage: true, Limit: "50", Start: begin}, known},
		{[]string{"-F", "fsm", "-s", begin}, Options{Fork: "fsm", Start: begin}, known},
		{[]string{"-x", "740", "-s", begin}, Options{XID: "740", Start: begin}, known},
		{[]string{"-q", "-s", begin}, Options{Quiet: true, Start: begin}, all},
		{[]string{"-s", (lsn.MinSegSize.Start(seg) + 5000).String(), "-e", (lsn.MinSegSize.Start(seg) + 50000).String()}, Options{Start: (lsn.MinSegSize.Start(seg) + 5000).String(), End: (lsn.MinSegSize.Start(seg) + 50000).String()}, known},
		{[]string{"-s", "0/9000028"}, Options{Start: "0/9000028"}, all},
		{[]string{"--stats=record", "-s", begin, "-r", "XLOG"}, Options{Stats: "record", Start: begin, Rmgr: "XLOG"}, all},
		{[]string{"-r", "list"}, Options{Rmgr: "list"}, all},
		{[]string{"-r", "nope"}, Options{Rmgr: "nope"}, all},
		{[]string{"-B", "1", first}, Options{Block: "1", Args: []string{first}}, all},
		{[]string{"000000010000000000000FFF"}, Options{Args: []string{"000000010000000000000FFF"}}, all},
	} {
		what := strings.Join(o.args, " ")
		want, wantErr := c.stock(t, o.args...)
		got, gotErr := c.ours(t, o.opt)
		lines += strings.Count(want, "\n")
		diff(t, what, got, want, o.known)
		if line, _, _ := strings.Cut(wantErr, "\n"); line != gotErr {
			t.Errorf("%s: error %q, stock says %q", what, gotErr, line)
		}
	}
	if lines < 20000 {
		t.Errorf("only %d lines compared", lines)
	}
}
