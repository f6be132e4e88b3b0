package xact

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// workload makes every kind of record that this package owns and a stock server
// writes without a standby.
const workload = `
create table t (k int primary key, v text);
insert into t select i, 'x' from generate_series(1, 10) i;
begin; insert into t values (100, 'a'); rollback;
begin; savepoint a; insert into t values (101, 'a'); savepoint b; insert into t values (102, 'b');
rollback to b; insert into t values (103, 'c'); release a; commit;
begin; select * from t where k = 1 for share; savepoint a; update t set v = 'y' where k = 1; commit;
begin; select * from t where k = 2 for key share; savepoint a; select * from t where k = 2 for no key update;
savepoint b; update t set v = 'z' where k = 2; commit;
create table dropped (a int primary key, b text); insert into dropped values (1, 'x');
begin; create table never (a int); insert into never values (1); savepoint s; create table never2 (a int); rollback to s; rollback;
drop table dropped;
begin; insert into t values (200, 'p'); savepoint q; insert into t values (201, 'p'); prepare transaction 'one';
begin; create table prep (a int); drop table prep; create table prep2 (a int); prepare transaction 'two';
begin; insert into t values (202, 'p'); prepare transaction 'three';
commit prepared 'one';
commit prepared 'two';
rollback prepared 'three';
truncate t;
insert into t values (5, 'r');
create index on t (v);
vacuum full t;
do $$ begin for i in 1..150 loop begin insert into t values (1000 + i, 'sub'); exception when others then null; end; end loop; end $$;
do $$ begin for i in 1..20000 loop begin insert into t values (10000 + i, 'sub'); exception when others then null; end; end loop; end $$;
select pg_replication_origin_create('o1');
select pg_replication_origin_advance('o1', '0/123');
select pg_replication_origin_drop('o1');
begin; lock table t in share mode; insert into t values (204, 'p'); prepare transaction 'open one';
`

func startOracle(t *testing.T) *oracle.Cluster {
	t.Helper()
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("max_prepared_transactions=10", "wal_level=logical", "track_commit_timestamp=on", "checkpoint_timeout=1h")
	c.Psql(workload)
	return c
}

func readControl(t *testing.T, fs vfs.FS) *pgcontrol.Control {
	t.Helper()
	f, err := pgcontrol.Read(fs)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// eachRecord reads the WAL of a data directory from at on.
func eachRecord(t *testing.T, fs vfs.FS, ctl *pgcontrol.Control, at lsn.LSN, f func(d *xlog.Decoded)) (end, prev lsn.LSN) {
	t.Helper()
	size := lsn.SegSize(ctl.WALSegSize)
	tli := ctl.Copy.TLI
	r := xlog.NewReader(&xlog.Segments{FS: fs, Dir: "pg_wal", Size: size, TLIs: []lsn.Timeline{tli}},
		xlog.ReaderOptions{SegSize: size, SystemID: ctl.SystemID, Timeline: tli})
	r.Seek(at)
	for {
		d, err := r.Next()
		var e *xlog.EndError
		if errors.As(err, &e) {
			return r.End(), r.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		f(d)
	}
}

var waldumpLine = regexp.MustCompile(`^rmgr: (\S+) .* lsn: ([0-9A-F]+/[0-9A-F]+), prev [^,]*, desc: (.*)$`)

// TestDescribeAsWaldump compares our descriptions with pg_waldump's.
func TestDescribeAsWaldump(t *testing.T) {
	c := startOracle(t)
	c.Psql("checkpoint")
	c.Psql("create table after (a int)")
	c.Crash()
	fs := osfs.New(c.Data)
	ctl := readControl(t, fs)
	start := lsn.SegSize(ctl.WALSegSize).Start(1)
	out, _ := c.PG.Try("pg_waldump", "-p", c.Data+"/pg_wal", "-s", start.String(), "-n", "1000000")
	want := map[string]string{}
	for _, line := range strings.Split(out, "\n") {
		if m := waldumpLine.FindStringSubmatch(line); m != nil {
			l, err := lsn.Parse(m[2])
			if err != nil {
				t.Fatal(err)
			}
			want[l.String()] = m[1] + " " + m[3]
		}
	}
	by := map[xlog.RmgrID]xlog.Describer{}
	for _, d := range Describers() {
		by[d.ID] = d
	}
	kinds, bad := map[string]int{}, 0
	eachRecord(t, fs, ctl, start, func(d *xlog.Decoded) {
		desc, mine := by[d.Rmgr]
		if !mine {
			return
		}
		name := desc.Identify(d.RmgrInfo())
		got := d.Rmgr.String() + " " + name
		if text := desc.Desc(nil, d); len(text) > 0 {
			got += " " + string(text)
		}
		kinds[d.Rmgr.String()+" "+name]++
		if w := strings.TrimRight(want[d.Start.String()], " "); strings.TrimRight(got, " ") != w {
			if bad++; bad < 10 {
				t.Errorf("%s:\n ours  %q\n stock %q", d.Start, got, want[d.Start.String()])
			}
		}
	})
	for _, k := range []string{"Transaction COMMIT", "Transaction ABORT", "Transaction PREPARE", "Transaction COMMIT_PREPARED",
		"Transaction ABORT_PREPARED", "Transaction ASSIGNMENT", "Transaction INVALIDATION", "MultiXact CREATE_ID",
		"Standby LOCK", "Standby RUNNING_XACTS", "CommitTs ZEROPAGE", "ReplicationOrigin SET", "ReplicationOrigin DROP"} {
		if kinds[k] == 0 {
			t.Errorf("the workload made no %s record", k)
		}
	}
	t.Log(kinds)
}

// TestRecoverStock replays the transaction records of a crashed stock server and
// compares every outcome and multixact with what the server said before.
func TestRecoverStock(t *testing.T) {
	c := startOracle(t)
	status := c.Psql(`select x || ' ' || pg_xact_status(x::text::xid8) from generate_series(
		(select oldest_xid::text::bigint from pg_control_checkpoint()), txid_snapshot_xmax(txid_current_snapshot()) - 1) x where x > 720`)
	multis := c.Psql(`select m || ' ' || string_agg(xid || ' ' || mode, ',' order by xid::text::bigint, mode) from generate_series(1, 3) m,
		lateral pg_get_multixact_members(m::text::xid) group by m order by m`)
	stamps := c.Psql(`select xid || ' ' || (extract(epoch from timestamp) * 1000000)::bigint from pg_last_committed_xact()`)
	c.Crash()
	m := recoverDir(t, c.Data)
	n := 0
	for _, line := range strings.Split(status, "\n") {
		xs, want, _ := strings.Cut(line, " ")
		v, err := strconv.ParseUint(xs, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		x := xid.XID(v)
		got := "in progress"
		switch {
		case m.IsInProgress(x):
		case m.DidCommit(x):
			got = "committed"
		case m.DidAbort(x):
			got = "aborted"
		}
		if got != want {
			t.Errorf("transaction %d: %s, stock says %s", x, got, want)
		}
		n++
	}
	if n < 20000 {
		t.Errorf("only %d transactions compared", n)
	}
	tx := m.Begin(BeginOptions{})
	for _, line := range strings.Split(multis, "\n") {
		ms, want, _ := strings.Cut(line, " ")
		v, _ := strconv.Atoi(ms)
		list, err := m.MultiMembers(tx, xid.Multi(v), false)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range list {
			got = append(got, fmt.Sprintf("%d %s", x.XID, memberNames[x.Status]))
		}
		if s := strings.Join(got, ","); s != want {
			t.Errorf("multixact %s: %s, stock says %s", ms, s, want)
		}
	}
	var lx, lt int64
	if _, err := fmt.Sscan(stamps, &lx, &lt); err != nil {
		t.Fatal(err)
	}
	at, _, found, err := m.CommitTimestamp(xid.XID(lx))
	if err != nil || !found || TimeOf(at).UnixMicro() != lt {
		t.Errorf("commit timestamp of %d: %v %v %v, stock says %d", lx, at, found, err, lt)
	}
}

// recoverDir runs this package's part of recovery on a data directory.
func recoverDir(t *testing.T, dir string) *Manager {
	t.Helper()
	fs := osfs.New(dir)
	ctl := readControl(t, fs)
	cp := ctl.Copy
	m := Open(Options{FS: fs, Locks: lmgr.New(lmgr.Options{}), TrackCommitTimestamp: true, NoSync: true, MaxPrepared: 10}, &cp)
	ok(t, m.LoadPrepared())
	redo := m.Redo()
	eachRecord(t, fs, ctl, cp.Redo, func(d *xlog.Decoded) {
		m.AdvancePast(d.XID)
		if f := redo[d.Rmgr]; f != nil {
			ok(t, f(d))
		}
	})
	ok(t, m.StartUp())
	return m
}
