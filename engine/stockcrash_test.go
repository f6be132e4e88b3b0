package engine

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog"
)

// beforeOldCheckpoint is what the cluster has when the checkpoint is taken from
// which recovery will begin.
const beforeOldCheckpoint = `
create extension bloom;
create table t (id int primary key, k int, v text, pad text);
create index on t (k);
create index on t (v, k);
insert into t select g, g % 100, md5(g::text), repeat('x', g % 50) from generate_series(1, 5000) g;
create table toasted (id serial primary key, big text, lz text);
alter table toasted alter lz set compression lz4;
create unlogged table unlog (id int primary key, v text);
insert into unlog select g, 'v' || g from generate_series(1, 2000) g;
create sequence seq;
create table gone (id int primary key, v text);
insert into gone select g, 'gone' from generate_series(1, 3000) g;
create table shrinks (id int, v text);
insert into shrinks select g, repeat('s', 300) from generate_series(1, 3000) g;
create table rows (id int primary key, n int);
insert into rows select g, 0 from generate_series(1, 40) g;
create database olddb;
select slot_name from pg_create_logical_replication_slot('decoding', 'test_decoding');
`

// crashWork writes records of as many kinds as plain SQL can.
const crashWork = `
insert into t select g, g % 7, md5(g::text), repeat('y', g % 90) from generate_series(5001, 20000) g;
update t set v = v || 'u' where id % 3 = 0;
update t set pad = 'hot' where id % 5 = 0;
delete from t where id % 4 = 0;
vacuum t;
insert into t select g, g % 3, md5(g::text), '' from generate_series(30001, 34000) g;
insert into toasted (big, lz) select (select string_agg(md5((g*1000+i)::text), '') from generate_series(1, 300) i), repeat('lz4 ', g * 300) from generate_series(1, 40) g;
update toasted set big = big || 'more' where id % 2 = 0;
delete from toasted where id % 5 = 0;
vacuum (freeze) toasted;
insert into unlog select g, 'after' from generate_series(3001, 4000) g;
create unlogged table unlog2 (id int primary key, v text);
insert into unlog2 values (1, 'lost');
select count(nextval('seq')) from generate_series(1, 200);
select setval('seq', 1000);
do $$ begin for i in 1..200 loop
  begin insert into rows values (i, i); exception when unique_violation then update rows set n = n + 1 where id = i; end;
end loop; end $$;
begin; savepoint a; insert into rows values (1000, 1); savepoint b; insert into rows values (1001, 1); rollback to b; release a; commit;
begin; insert into rows values (2000, 1); rollback;
drop table gone;
create table gone (id int primary key, v text);
insert into gone values (1, 'new');
truncate gone;
insert into gone values (2, 'newer');
delete from shrinks where id > 100;
vacuum shrinks;
create table multi (id int);
copy multi from stdin;
1
2
3
\.
begin; create table copied (id int, v text); copy copied from stdin with (freeze);
1	one
2	two
\.
commit;
create table bl (a int, b int);
insert into bl select g, g * 2 from generate_series(1, 3000) g;
create index blidx on bl using bloom (a, b);
insert into bl select g, g from generate_series(1, 200) g;
delete from bl where a < 50;
vacuum bl;
alter table rows add column extra int default 7;
alter table rows alter column n type bigint;
create index conc on rows (n);
reindex table rows;
cluster rows using rows_pkey;
vacuum full pg_class;
drop index conc;
create schema s2; create view s2.w as select * from t; create type s2.e as enum ('a', 'b');
create tablespace inplace location '';
create table in_space (id int primary key, v text) tablespace inplace;
insert into in_space select g, 'space' from generate_series(1, 500) g;
create tablespace dropped location '';
drop tablespace dropped;
create database by_wal strategy wal_log;
create database by_file template olddb strategy file_copy;
create database short strategy wal_log;
drop database short;
select pg_logical_emit_message(true, 'prefix', 'message'), pg_logical_emit_message(false, 'prefix', 'message');
select pg_create_restore_point('here');
select pg_replication_origin_create('origin');
select pg_replication_origin_session_setup('origin');
begin; select pg_replication_origin_xact_setup('1/1', now()); insert into rows values (3000, 1); commit;
select pg_replication_origin_session_reset();
select pg_switch_wal();
delete from t where id between 6000 and 16000;
vacuum t;
insert into rows values (1, 1) on conflict (id) do update set n = 5;
insert into rows values (5000, 1) on conflict (id) do nothing;
select count(lo_create(0)) from generate_series(1, 9000);
select pg_replication_origin_advance('origin', '2/2');
begin; insert into rows values (4000, 1); insert into t values (100000, 1, 'prepared', ''); prepare transaction 'left';
begin; insert into rows values (4001, 1); prepare transaction 'done'; commit prepared 'done';
begin; insert into rows values (4002, 1); prepare transaction 'undone'; rollback prepared 'undone';
create temporary table tmp as select * from t;
insert into t select g, g % 11, md5(g::text), '' from generate_series(40001, 42000) g;
update pg_database set datconnlimit = -1 where datname = 'olddb';
analyze t;
select pg_replication_origin_create('dropped');
select pg_replication_origin_advance('dropped', '1/1');
select pg_replication_origin_drop('dropped');
select pg_backup_start('x', true);
select * from pg_backup_stop();
begin; create table rewritten (a int); create table rewritten2 (a int); commit;
vacuum full pg_class;
`

// multixacts makes sessions share rows.
const multixacts = `
\set x random(1, 8)
\set y random(9, 16)
begin;
select id from rows where id = :x for key share;
savepoint s;
update rows set n = n + 1 where id = :x;
select id from rows where id = :y for share;
end;
`

// stockCrash is a stock cluster that was killed under load and is to be recovered
// from an old checkpoint, so that all that happened since is replayed. With images
// the pages are those of the crash, and each starts from its full-page image;
// without, they are those of the checkpoint, and each change is replayed.
func stockCrash(t *testing.T, pg *oracle.PG, images bool) *oracle.Cluster {
	t.Helper()
	c := pg.Initdb(t)
	fpw := "full_page_writes=off"
	if images {
		fpw = "full_page_writes=on"
	}
	c.Start("autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=4GB", "wal_keep_size=2GB", "max_prepared_transactions=10",
		"track_commit_timestamp=on", "allow_in_place_tablespaces=on", "wal_level=logical", fpw)
	c.Psql(beforeOldCheckpoint)
	c.Tool("pgbench", "-i", "-q", "-s", "1", "postgres")
	c.Psql("checkpoint")
	before := filepath.Join(pg.TempDir(t), "before")
	pg.CopyDir(t, c.Data, before)
	control, err := os.ReadFile(filepath.Join(c.Data, "global/pg_control"))
	must(t, err)
	c.Psql(crashWork)
	script := filepath.Join(c.Sock, "multi.sql")
	must(t, os.WriteFile(script, []byte(multixacts), 0o644))
	c.Tool("pgbench", "-n", "-c", "4", "-t", "60", "--max-tries=50", "-f", script, "postgres")
	c.Psql("checkpoint")
	c.Tool("pgbench", "-n", "-c", "4", "-t", "200", "postgres")
	c.Psql("update rows set n = n where id < 5")
	c.Crash()
	appendRecords(t, c.Data)
	checkKinds(t, pg, c.Data, control)
	if images {
		must(t, os.WriteFile(filepath.Join(c.Data, "global/pg_control"), control, 0o600))
		return c
	}
	must(t, os.RemoveAll(filepath.Join(before, "pg_wal")))
	pg.CopyDir(t, filepath.Join(c.Data, "pg_wal"), filepath.Join(before, "pg_wal"))
	return pg.Cluster(t, before)
}

// appendRecords writes the records that a stock server does not write in normal
// running behind the log of one that crashed.
func appendRecords(t *testing.T, data string) {
	t.Helper()
	fsys := osfs.New(data)
	c, err := pgcontrol.Read(fsys)
	must(t, err)
	size := lsn.SegSize(c.WALSegSize)
	src := &xlog.Segments{FS: fsys, Dir: "pg_wal", Size: size, TLIs: []lsn.Timeline{c.Copy.TLI}}
	defer src.Close()
	r := xlog.NewReader(src, xlog.ReaderOptions{SegSize: size, SystemID: c.SystemID, Timeline: c.Copy.TLI})
	r.Seek(c.CheckPoint)
	for err == nil {
		_, err = r.Next()
	}
	l, err := xlog.OpenForWrite(xlog.Options{FS: fsys, Dir: "pg_wal", SegSize: size, SystemID: c.SystemID, Timeline: c.Copy.TLI, NoSync: true}, r.End(), r.Start())
	must(t, err)
	defer l.Close()
	var rec xlog.Record
	rec.Begin(xlog.RmXLOG, xlog.InfoNoop, 0)
	rec.Data(make([]byte, 16))
	_, err = l.Insert(&rec)
	must(t, err)
	rec.Begin(xlog.RmXLOG, xlog.InfoFPWChange, 0)
	rec.Data([]byte{0})
	_, err = l.Insert(&rec)
	must(t, err)
	_, err = l.InsertEndOfRecovery(&rec, &xlog.EndOfRecovery{TLI: c.Copy.TLI, PrevTLI: c.Copy.TLI})
	must(t, err)
	must(t, l.Flush(l.InsertEnd()))
}

// checkKinds compares the records that the workload wrote with those that the table
// of record types says it does.
func checkKinds(t *testing.T, pg *oracle.PG, data string, control []byte) {
	t.Helper()
	c, err := pgcontrol.Decode(control)
	must(t, err)
	out, _ := pg.Try("pg_waldump", "--stats=record", "-p", filepath.Join(data, "pg_wal"), "-s", c.Copy.Redo.String())
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 && f[1] != "0" {
			seen[strings.TrimSuffix(f[0], "+INIT")] = true
		}
	}
	table, err := os.ReadFile("testdata/record-types")
	must(t, err)
	n := 0
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 1 && f[0][0] != '#' && slices.Contains(f[1:], "stock") {
			n++
			if !seen[f[0]] {
				t.Errorf("the workload wrote no %s", f[0])
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d record types in the table", n)
	}
}

// TestRecoversLikeStock replays a crashed stock directory with our engine and
// with stock on a copy, and compares each page of each relation and status log.
func TestRecoversLikeStock(t *testing.T) {
	pg := oracle.Find(t)
	t.Run("images", func(t *testing.T) { recoverLikeStock(t, pg, true) })
	t.Run("changes", func(t *testing.T) { recoverLikeStock(t, pg, false) })
}

func recoverLikeStock(t *testing.T, pg *oracle.PG, images bool) {
	ours := stockCrash(t, pg, images)
	settings := []string{"autovacuum=off", "max_prepared_transactions=10", "track_commit_timestamp=on", "wal_level=logical"}
	theirs := filepath.Join(pg.TempDir(t), "theirs")
	pg.CopyDir(t, ours.Data, theirs)
	stock := pg.Cluster(t, theirs)
	stock.Start(settings...)
	stock.Crash()

	s := DefaultSettings()
	s.SharedBuffers, s.Fsync, s.MaxPreparedXacts, s.TrackCommitTimestamp = 2000, false, 10, true
	s.WALLevel = pgcontrol.Logical
	var log logBuffer
	i, err := Open(bg, Options{FS: osfs.New(ours.Data), Dir: ours.Data, Settings: &s, Logger: log.logger(), NoWorkers: true})
	must(t, err)
	_ = i.Stop(Immediate)
	t.Log(log.String())
	if t.Failed() {
		return
	}
	n := compareDirs(t, ours.Data, theirs)
	compareControl(t, ours.Data, theirs)
	t.Logf("%d pages are equal", n)

	// Stock goes on with what we recovered, and finds the same rows.
	pg.Own(t, ours.Data)
	ours.Start(settings...)
	stock.Start(settings...)
	for _, q := range []string{
		"select md5(string_agg(t::text, ',' order by id)) from t", "select md5(string_agg(r::text, ',' order by id)) from rows r",
		"select md5(string_agg(r::text, ',' order by id)) from toasted r", "select count(*) from unlog", "select count(*) from unlog2",
		"select sum(bbalance) from pgbench_branches", "select sum(delta) from pgbench_history", "select last_value from seq",
		"select string_agg(gid, ',') from pg_prepared_xacts", "select string_agg(datname, ',' order by datname) from pg_database",
		"select md5(string_agg(r::text, ',' order by a)) from bl r", "select count(*) from in_space",
	} {
		if a, b := ours.Psql(q), stock.Psql(q); a != b {
			t.Errorf("%s: ours %q, stock %q", q, a, b)
		}
	}
	stock.Crash()
	ours.Psql("commit prepared 'left'")
	if images { // the pages are stock's: once is enough
		return
	}
	if out, err := pg.Try("pg_amcheck", append(ours.ConnArgs(), "--all", "--heapallindexed", "--install-missing")...); err != nil || out != "" {
		t.Errorf("amcheck: %v\n%s", err, out)
	}
	ours.Stop()
	pg.Run(t, "pg_checksums", "--check", "-D", ours.Data)
}

// compareControl compares the counters of the end-of-recovery checkpoints.
func compareControl(t *testing.T, ours, theirs string) {
	t.Helper()
	read := func(dir string) pgcontrol.Control {
		c, err := pgcontrol.Read(osfs.New(dir))
		must(t, err)
		out := pgcontrol.Control{Copy: c.Copy, State: c.State, WALLevel: c.WALLevel, CheckPoint: c.CheckPoint, UnloggedLSN: c.UnloggedLSN}
		out.Copy.Time = 0
		return out
	}
	if a, b := read(ours), read(theirs); a != b {
		t.Errorf("control file:\nours  %+v\nstock %+v", a, b)
	}
}

// relation files, without maps of free space, which are not logged.
var pageFile = regexp.MustCompile(`^(global|base/\d+|pg_tblspc/\d+/PG_15_202209061/\d+)/\d+(_vm|_init)?(\.\d+)?$`) // constant

// statusFile are those of status logs whose contents outlive a restart, and the
// relation maps and files of prepared transactions.
var statusFile = regexp.MustCompile(`^(pg_xact|pg_multixact/(offsets|members)|pg_commit_ts|pg_twophase|pg_logical/mappings)/|pg_filenode\.map$|PG_VERSION$`) // constant

func listDir(t *testing.T, dir string, want ...*regexp.Regexp) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		for _, re := range want {
			if re.MatchString(rel) {
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				all[rel] = b
			}
		}
		return nil
	})
	must(t, err)
	return all
}

// compareDirs compares two data directories and returns how many pages are equal.
func compareDirs(t *testing.T, ours, theirs string) (pages int) {
	t.Helper()
	a, b := listDir(t, ours, pageFile, statusFile), listDir(t, theirs, pageFile, statusFile)
	names := slices.Sorted(maps.Keys(a))
	for n := range b {
		if _, ok := a[n]; !ok {
			t.Errorf("we lack %s (%d bytes)", n, len(b[n]))
		}
	}
	bad := 0
	for _, n := range names {
		x, y := a[n], b[n]
		if _, ok := b[n]; !ok {
			t.Errorf("stock lacks %s (%d bytes)", n, len(x))
			continue
		}
		if len(x) != len(y) {
			t.Errorf("%s: %d bytes, stock has %d", n, len(x), len(y))
		}
		isPage := pageFile.MatchString(n)
		for off := 0; off < min(len(x), len(y)); off += page.Size {
			p, q := x[off:min(len(x), off+page.Size)], y[off:min(len(y), off+page.Size)]
			if isPage {
				p, q = masked(p), masked(q)
			}
			if bytes.Equal(p, q) {
				pages++
				continue
			}
			if bad++; bad < 20 {
				at := 0
				for p[at] == q[at] {
					at++
				}
				t.Errorf("%s block %d differs at %d: ours %x, stock %x", n, off/page.Size, at, p[at:min(len(p), at+32)], q[at:min(len(q), at+32)])
				if isPage {
					t.Logf("lsn %s / %s, lower %d/%d, upper %d/%d, flags %x/%x", page.Page(p).LSN(), page.Page(q).LSN(), page.Page(p).Lower(), page.Page(q).Lower(),
						page.Page(p).Upper(), page.Page(q).Upper(), page.Page(p).Flags(), page.Page(q).Flags())
				}
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d pages differ", bad)
	}
	return pages
}

// masked hides what redo may leave different: the checksum, the hole, and the
// padding behind items.
func masked(b []byte) []byte {
	p := page.Page(bytes.Clone(b))
	p.SetChecksum(0)
	if p.IsNew() || p.Upper() > page.Size || p.Lower() < page.HeaderSize || p.Lower() > p.Upper() {
		return p
	}
	clear(p[p.Lower():p.Upper()])
	if p.Lower() > page.HeaderSize && strings.Trim(string(p[page.HeaderSize:p.Lower()]), "\x00") != "" && p.CheckItems() == nil {
		for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
			if id := p.ItemID(off); id.HasStorage() {
				clear(p[id.Off()+id.Len() : min(page.Size, id.Off()+page.MaxAlign(id.Len()))])
			}
		}
	}
	return p
}
