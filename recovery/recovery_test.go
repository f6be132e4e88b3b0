package recovery

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xlog"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, fsys vfs.FS, files ...string) {
	t.Helper()
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		must(t, vfs.MkdirAll(fsys, name[:strings.LastIndexByte(name, '/')]))
		must(t, vfs.WriteFile(fsys, name, []byte(text)))
	}
}

func exists(fsys vfs.FS, name string) bool {
	_, err := fsys.Stat(name)
	return err == nil
}

// TestResetUnlogged: what has an init fork loses its other forks, then gets the
// init fork's contents; the rest stays.
func TestResetUnlogged(t *testing.T) {
	fsys := memfs.New()
	put(t, fsys, "base/5/100=old", "base/5/100.1=old", "base/5/100_fsm=old", "base/5/100_vm=old", "base/5/100_init=init",
		"base/5/101=kept", "base/5/101_fsm=kept", "base/5/1000=kept", "base/5/PG_VERSION=15", "base/5/t3_100=temp",
		"pg_tblspc/77/PG_15_202209061/5/200=old", "pg_tblspc/77/PG_15_202209061/5/200_init=spc")
	must(t, resetUnlogged(fsys, dropForks))
	for name, want := range map[string]bool{"base/5/100": false, "base/5/100.1": false, "base/5/100_fsm": false, "base/5/100_vm": false,
		"base/5/100_init": true, "base/5/101": true, "base/5/101_fsm": true, "base/5/1000": true, "base/5/t3_100": true,
		"pg_tblspc/77/PG_15_202209061/5/200": false} {
		if exists(fsys, name) != want {
			t.Errorf("%s: there %v, want %v", name, !want, want)
		}
	}
	must(t, resetUnlogged(fsys, copyInits))
	for name, want := range map[string]string{"base/5/100": "init", "pg_tblspc/77/PG_15_202209061/5/200": "spc"} {
		b, err := vfs.ReadFile(fsys, name, 100)
		if err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if exists(fsys, "base/5/100_fsm") || exists(fsys, "base/5/100.1") {
		t.Error("a fork came back")
	}
}

// TestRemoveTempFiles removes what temporary tables and sorts left.
func TestRemoveTempFiles(t *testing.T) {
	fsys := memfs.New()
	put(t, fsys, "base/5/t3_100=x", "base/5/t12_100_fsm=x", "base/5/t3_100.2=x", "base/5/100=x", "base/5/tother=x",
		"base/pgsql_tmp/pgsql_tmp12.0=x", "base/pgsql_tmp/pgsql_tmp12.fileset/0=x", "base/pgsql_tmp/strange=x",
		"pg_tblspc/77/PG_15_202209061/pgsql_tmp/pgsql_tmp1.1=x", "pg_tblspc/77/PG_15_202209061/5/t1_5=x")
	must(t, RemoveTempFiles(fsys, slog.New(slog.DiscardHandler)))
	for name, want := range map[string]bool{"base/5/t3_100": false, "base/5/t12_100_fsm": false, "base/5/t3_100.2": false, "base/5/100": true,
		"base/5/tother": true, "base/pgsql_tmp/pgsql_tmp12.0": false, "base/pgsql_tmp/pgsql_tmp12.fileset": false, "base/pgsql_tmp/strange": true,
		"pg_tblspc/77/PG_15_202209061/pgsql_tmp/pgsql_tmp1.1": false, "pg_tblspc/77/PG_15_202209061/5/t1_5": false} {
		if exists(fsys, name) != want {
			t.Errorf("%s: there %v, want %v", name, !want, want)
		}
	}
}

// TestRefusesForeignRecords: a record of an access method without a replay
// function stops the start before anything changes.
func TestRefusesForeignRecords(t *testing.T) {
	for id := xlog.RmgrID(0); id <= xlog.RmMaxBuiltin; id++ {
		fsys := memfs.New()
		put(t, fsys, "pg_wal/archive_status/x=", "global/x=")
		const seg = lsn.SegSize(1 << 20)
		start := seg.Start(1) + 40
		l, err := xlog.OpenForWrite(xlog.Options{FS: fsys, Dir: "pg_wal", SegSize: seg, SystemID: 7, Timeline: 1, RedoLSN: start, FullPageWrites: true}, seg.Start(1), 0)
		must(t, err)
		var rec xlog.Record
		cp := pgcontrol.CheckPoint{Redo: l.BeginCheckpoint(), TLI: 1, PrevTLI: 1, NextXID: 700, NextOID: 20000, NextMulti: 1, OldestXID: 3, OldestMulti: 1}
		at, _, err := l.InsertCheckpoint(&rec, &cp, true)
		must(t, err)
		rec.Begin(id, 0, 0)
		rec.Block(0, page.Tag{Rel: page.RelFileNode{Spc: oid.DefaultTablespace, DB: 5, Rel: 1}}, make(page.Page, page.Size), xlog.ForceImage)
		rec.Data(make([]byte, 8))
		_, err = l.Insert(&rec)
		must(t, err)
		must(t, l.Flush(l.InsertEnd()))
		c := pgcontrol.New(7, seg, true, [32]byte{})
		c.State, c.CheckPoint, c.Copy = pgcontrol.InProduction, at, cp
		must(t, pgcontrol.Write(fsys, c, time.Unix(1, 0)))
		ctl, err := pgcontrol.Open(fsys, time.Now)
		must(t, err)
		r, err := New(Options{FS: fsys, Control: ctl, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		var known Table
		foreign := map[xlog.RmgrID]bool{xlog.RmHash: true, xlog.RmGin: true, xlog.RmGist: true, xlog.RmSPGist: true, xlog.RmBrin: true}
		for k := range known {
			if !foreign[xlog.RmgrID(k)] {
				known[k] = func(*xlog.Decoded) error { return nil }
			}
		}
		err = r.Check(&known)
		if !foreign[id] {
			must(t, err)
			continue
		}
		if pgerr.CodeOf(err) != pgerr.FeatureNotSupported || !strings.Contains(err.Error(), id.String()) || !strings.Contains(err.Error(), rec.Start().String()) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestRelFileNames: which names are files of permanent relations.

func TestRelFileNames(t *testing.T) {
	for name, ok := range map[string]bool{"1234": true, "1234.5": true, "1_fsm": true, "1_vm": true, "1_init": true, "1_init.2": true,
		"t1_2": false, "": false, "1_x": false, "a": false, "1.": false, "_fsm": false, "1_": false, "pg_filenode.map": false} {
		if _, got := parseRelFile(name); got != ok {
			t.Errorf("%q: %v", name, got)
		}
	}
}
