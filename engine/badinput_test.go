package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xact"
)

// wantError checks words in an error's message, detail and hint.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", words)
	}
	text := err.Error()
	if e, ok := pgerr.As(err); ok {
		text += "\n" + e.Detail + "\n" + e.Hint
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("error lacks %q:\n%s", w, text)
		}
	}
}

// crashed is a cluster in memory whose server was killed after a commit, with the
// xid of it.
func crashed(t *testing.T) (*memfs.FS, Options) {
	t.Helper()
	fsys := memfs.New()
	newCluster(t, fsys, true)
	opt := Options{FS: fsys, Settings: testSettings(), NoWorkers: true}
	i, err := Open(bg, opt)
	must(t, err)
	tx := i.xact.Begin(xact.BeginOptions{})
	_, err = tx.XID()
	must(t, err)
	must(t, tx.Commit(bg))
	_ = i.Stop(Immediate)
	return fsys, opt
}

func edit(t *testing.T, fsys vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name, 1<<30)
	must(t, err)
	must(t, vfs.WriteFile(fsys, name, change(b)))
}

// TestFlippedControl flips bits all over the control file: each Open says so, and
// none changes the file.
func TestFlippedControl(t *testing.T) {
	fsys, opt := crashed(t)
	good, err := vfs.ReadFile(fsys, "global/pg_control", 1<<20)
	must(t, err)
	for at := 0; at < 292; at += 3 {
		bad := append([]byte(nil), good...)
		bad[at] ^= 0x10
		must(t, vfs.WriteFile(fsys, "global/pg_control", bad))
		if _, err := Open(bg, opt); err == nil {
			t.Fatalf("a flipped bit in byte %d went unnoticed", at)
		}
		now, err := vfs.ReadFile(fsys, "global/pg_control", 1<<20)
		must(t, err)
		if string(now) != string(bad) {
			t.Fatalf("byte %d: the damaged file was changed", at)
		}
	}
	must(t, vfs.WriteFile(fsys, "global/pg_control", good))
	i, err := Open(bg, opt)
	must(t, err)
	must(t, i.Stop(Fast))
}

// TestUnknownVersions refuses directories of other versions, with both numbers.
func TestUnknownVersions(t *testing.T) {
	fsys, opt := crashed(t)
	good, err := vfs.ReadFile(fsys, "global/pg_control", 1<<20)
	must(t, err)
	edit(t, fsys, "global/pg_control", func(b []byte) []byte { b[8], b[9] = 0x78, 0x05; return b })
	_, err = Open(bg, opt)
	wantError(t, err, "1400", "1300")
	must(t, vfs.WriteFile(fsys, "global/pg_control", good))
	must(t, vfs.WriteFile(fsys, "PG_VERSION", []byte("16\n")))
	_, err = Open(bg, opt)
	wantError(t, err, "database files are incompatible with server", "initialized by PostgreSQL version 16", "version 15")
	must(t, vfs.WriteFile(fsys, "PG_VERSION", []byte("x\n")))
	_, err = Open(bg, opt)
	wantError(t, err, "is not a valid data directory")
	must(t, fsys.Remove("PG_VERSION"))
	_, err = Open(bg, opt)
	wantError(t, err, "is not a valid data directory", "PG_VERSION")
}

// TestPermissions refuses a directory that others may read or the group may write.
func TestPermissions(t *testing.T) {
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o750: true, 0o755: false, 0o770: false, 0o701: false} {
		fsys, opt := crashed(t)
		must(t, fsys.Chmod(".", mode))
		i, err := Open(bg, opt)
		if ok {
			must(t, err)
			must(t, i.Stop(Fast))
			continue
		}
		wantError(t, err, "has invalid permissions", "Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).")
	}
	_, err := Open(bg, Options{FS: osfs.New(filepath.Join(t.TempDir(), "none")), Dir: "none"})
	wantError(t, err, `data directory "none" does not exist`)
}

// TestDamagedWAL truncates, zeroes and removes the segment with the checkpoint.
func TestDamagedWAL(t *testing.T) {
	seg := "pg_wal/" + lsn.SegSize(1<<20).FileName(1, 1)
	for name, change := range map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:100] },
		"empty":     func(b []byte) []byte { return nil },
		"zeroed":    func(b []byte) []byte { clear(b); return b },
		"garbage":   func(b []byte) []byte { b[60] ^= 1; return b },
	} {
		fsys, opt := crashed(t)
		before, err := vfs.ReadFile(fsys, "global/pg_control", 1<<20)
		must(t, err)
		edit(t, fsys, seg, change)
		_, err = Open(bg, opt)
		wantError(t, err, "could not locate a valid checkpoint record")
		after, err := vfs.ReadFile(fsys, "global/pg_control", 1<<20)
		must(t, err)
		if string(before) != string(after) {
			t.Errorf("%s: pg_control was changed", name)
		}
	}
	fsys, opt := crashed(t)
	must(t, fsys.Remove(seg))
	_, err := Open(bg, opt)
	wantError(t, err, "could not locate a valid checkpoint record")
	fsys, opt = crashed(t)
	must(t, vfs.RemoveAll(fsys, "pg_wal"))
	_, err = Open(bg, opt)
	wantError(t, err, `required WAL directory "pg_wal" does not exist`)
}

// TestSecondServer: one directory has one server, in this process or another, and
// a stock one counts.
func TestSecondServer(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o700))
	newCluster(t, osfs.New(dir), true)
	opt := Options{FS: osfs.New(dir), Dir: dir, PID: os.Getpid(), Settings: testSettings()}
	i, err := Open(bg, opt)
	must(t, err)
	must(t, i.SetStatus("ready", 5432, "/sock", "127.0.0.1"))
	_, err = Open(bg, opt)
	wantError(t, err, `lock file "postmaster.pid" already exists`, "Is another postmaster (PID", dir)
	p, err := ReadPIDFile(opt.FS)
	must(t, err)
	if p.PID != os.Getpid() || p.Port != 5432 || p.Status != "ready" || p.Dir != dir || p.SocketDir != "/sock" {
		t.Errorf("postmaster.pid: %+v", p)
	}
	must(t, i.Stop(Fast))
	if _, err := os.Stat(filepath.Join(dir, PIDFileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("postmaster.pid is still there: %v", err)
	}
	// A process that holds no lock, as stock PostgreSQL's.
	must(t, vfs.WriteFile(opt.FS, PIDFileName, []byte("4242\n"+dir+"\n")))
	opt.Alive = func(pid int) bool { return pid == 4242 }
	_, err = Open(bg, opt)
	wantError(t, err, `lock file "postmaster.pid" already exists`, "(PID 4242)")
	opt.Alive = func(int) bool { return false }
	i, err = Open(bg, opt)
	must(t, err)
	must(t, i.Stop(Fast))
}

// TestStockRefusesOurs: stock PostgreSQL sees that our server has the directory.
// It looks at processes of its own user that are not its parent: another stock
// server lends its number.
func TestStockRefusesOurs(t *testing.T) {
	pg := oracle.Find(t)
	lender := pg.Initdb(t)
	lender.Start()
	p, err := ReadPIDFile(osfs.New(lender.Data))
	must(t, err)
	c := pg.Initdb(t)
	i, err := Open(bg, Options{FS: osfs.New(c.Data), Dir: c.Data, PID: p.PID, Settings: testSettings()})
	must(t, err)
	pg.Own(t, c.Data)
	err = c.TryStart()
	wantError(t, err, `lock file "postmaster.pid" already exists`)
	must(t, i.Stop(Fast))
	pg.Own(t, c.Data)
	c.Start()
	c.Stop()
}

// TestForeignRecords: a log with records that cannot be replayed is refused, and
// stock can still recover.
func TestForeignRecords(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	c.Start("autovacuum=off", "checkpoint_timeout=1h")
	c.Psql("create table g (id int, a int[]); insert into g select i, array[i] from generate_series(1, 100) i; checkpoint; create index on g using gin (a); insert into g values (1, '{1}')")
	c.Crash()
	before := listDir(t, c.Data, pageFile, statusFile)
	control, err := os.ReadFile(filepath.Join(c.Data, "global/pg_control"))
	must(t, err)
	_, err = Open(bg, Options{FS: osfs.New(c.Data), Dir: c.Data, Settings: testSettings()})
	wantError(t, err, "Gin", "at 0/")
	if pgerr.CodeOf(err) != pgerr.FeatureNotSupported {
		t.Errorf("code %s", pgerr.CodeOf(err))
	}
	after := listDir(t, c.Data, pageFile, statusFile)
	for n, b := range before {
		if string(after[n]) != string(b) {
			t.Errorf("%s was changed", n)
		}
	}
	if now, err := os.ReadFile(filepath.Join(c.Data, "global/pg_control")); err != nil || string(now) != string(control) {
		t.Errorf("pg_control was changed (%v)", err)
	}
	pg.Own(t, c.Data)
	c.Start()
	if n := c.Psql("select count(*) from g"); n != "101" {
		t.Errorf("%s rows", n)
	}
	c.Stop()
}

// TestDamagedRelation: a missing file and a flipped bit in a page are errors that
// name the relation; the instance lives on.
func TestDamagedRelation(t *testing.T) {
	fsys, i, opt := openMem(t)
	s := newStore(i, sweepNode)
	tx := i.xact.Begin(xact.BeginOptions{})
	tx.Snapshot()
	must(t, s.create(tx))
	for id := range 300 {
		must(t, s.insert(tx, id, strings.Repeat("x", 100)))
	}
	must(t, tx.Commit(bg))
	must(t, i.Stop(Fast))
	good, err := vfs.ReadFile(fsys, "base/5/20000", 1<<30)
	must(t, err)

	edit(t, fsys, "base/5/20000", func(b []byte) []byte { b[8192+5000] ^= 4; return b })
	i, err = Open(bg, opt)
	must(t, err)
	_, err = newStore(i, sweepNode).rows()
	wantError(t, err, "invalid page in block 1 of relation base/5/20000")
	if pgerr.CodeOf(err) != pgerr.DataCorrupted {
		t.Errorf("code %s", pgerr.CodeOf(err))
	}
	commit(t, i)
	must(t, i.Stop(Fast))

	must(t, fsys.Remove("base/5/20000"))
	i, err = Open(bg, opt)
	must(t, err)
	_, err = i.pool.NBlocks(s.rel.Node, 0)
	wantError(t, err, `could not open file "base/5/20000"`)
	if pgerr.CodeOf(err) != pgerr.UndefinedFile {
		t.Errorf("code %s", pgerr.CodeOf(err))
	}
	commit(t, i)
	must(t, i.Stop(Fast))

	must(t, vfs.WriteFile(fsys, "base/5/20000", good))
	i, err = Open(bg, opt)
	must(t, err)
	rows, err := newStore(i, sweepNode).rows()
	must(t, err)
	if len(rows) != 300 {
		t.Errorf("%d rows", len(rows))
	}
	must(t, i.Stop(Fast))
}
