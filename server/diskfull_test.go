package server_test

import (
	"context"
	"crypto/rand"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/engine"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// smallDisk is a file system on which what is below base has only room for left
// more bytes; the rest, the WAL too, lives on another disk.
type smallDisk struct {
	vfs.FS
	left *atomic.Int64
}

func (d smallDisk) Open(name string, flag vfs.Flag) (vfs.File, error) {
	f, err := d.FS.Open(name, flag)
	if err == nil && strings.HasPrefix(name, "base/") {
		f = smallFile{f, d.left}
	}
	return f, err
}

type smallFile struct {
	vfs.File
	left *atomic.Int64
}

func (f smallFile) room(end int64) error {
	size, err := f.Size()
	if grow := end - size; err == nil && grow > 0 && f.left.Add(-grow) < 0 {
		f.left.Add(grow)
		return syscall.ENOSPC
	}
	return err
}

func (f smallFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.room(off + int64(len(b))); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}

func (f smallFile) Preallocate(off, n int64) error {
	if err := f.room(off + n); err != nil {
		return err
	}
	return f.File.Preallocate(off, n)
}

// pipe connects without a network.
func pipe(t testing.TB, db *pgmini.DB) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig("host=/nowhere user=postgres database=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		go db.ServeConn(context.WithoutCancel(ctx), far, true)
		return near, nil
	}
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDiskFull fills the disk by COPY: 53100, the transaction is rolled back, the
// server lives, and works on when there is room again.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	d := smallDisk{memfs.New(), &atomic.Int64{}}
	d.left.Store(1 << 40)
	if err := initdb.Create(initdb.Options{FS: d, NoSync: true, Random: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	open := func() (*pgmini.DB, *pgx.Conn) {
		db, err := pgmini.Open(ctx, pgmini.Config{FS: d, Dir: "/data", PID: 1, Settings: [][2]string{{"shared_buffers", "2MB"}}})
		if err != nil {
			t.Fatal(err)
		}
		return db, pipe(t, db)
	}
	db, c := open()
	must := func(sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(sql, err)
		}
	}
	must("create table t(v text); create table u(a int); insert into u values (1)")
	d.left.Store(2 << 20)
	rows := strings.NewReader(strings.Repeat(strings.Repeat("0123456789abcdef", 50)+"\n", 10000))
	if _, err := c.PgConn().CopyFrom(ctx, rows, "copy t from stdin"); code(err) != "53100" {
		t.Fatal("COPY into a full disk: ", err)
	}
	got := func(want string) {
		t.Helper()
		var n string
		if err := c.QueryRow(ctx, "select (select count(*) from u) || ' ' || (select count(*) from t)").Scan(&n); err != nil || n != want {
			t.Errorf("%s, want %s: %v", n, want, err)
		}
	}
	got("1 0")
	d.left.Store(1 << 40)
	must("insert into t values ('again'); insert into u values (2); checkpoint")
	got("2 1")
	c.Close(ctx)
	if err := db.Stop(engine.Fast); err != nil {
		t.Fatal(err)
	}
	db, c = open()
	got("2 1")
	c.Close(ctx)
	if err := db.Stop(engine.Fast); err != nil {
		t.Fatal(err)
	}
}
