package sysviews

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"flag"
	"os"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/catalog/bootstrap"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

var update = flag.Bool("update", false, "write the file that initdb loads") // constant

const file = "../../catalog/bootstrap/views15.txt.gz"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session opens a fresh cluster in memory; its transaction is aborted at the end.
func session(t *testing.T, o initdb.Options) (*catalog.Session, *pgcontrol.Control) {
	t.Helper()
	var fs vfs.FS = memfs.New()
	o.FS, o.Random, o.NoSync = fs, rand.Reader, true
	must(t, initdb.Create(o))
	ctl, err := pgcontrol.Read(fs)
	must(t, err)
	log, err := xlog.OpenForWrite(xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.SegSize(ctl.WALSegSize), SystemID: ctl.SystemID,
		Timeline: 1, Buffers: 256, RedoLSN: ctl.Copy.Redo, FullPageWrites: true, Hints: true}, ctl.CheckPoint+120, ctl.CheckPoint)
	must(t, err)
	t.Cleanup(func() { log.Close() })
	sm := smgr.New(fs, smgr.Options{})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 4000, WAL: log, Smgr: sm.Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	locks := lmgr.New(lmgr.Options{})
	xm := xact.Open(xact.Options{FS: fs, Locks: locks, RemoveFiles: func([]smgr.Rel, bool) error { return nil },
		Invalidate: func([]byte, bool, oid.OID, oid.OID) {}}, &ctl.Copy)
	xm.SetLog(log)
	must(t, xm.StartUp())
	srv := catalog.NewServer(catalog.Options{FS: fs, Pool: pool, Sys: &access.System{Smgr: sm, Log: log, Xact: xm, Locks: locks, HintWAL: true, Toast: indexheap.Toast{}}})
	proc := xm.NewProc(xact.ProcOptions{PID: 1, Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace})
	s := srv.NewSession(catalog.SessionOptions{Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace, Backend: -1})
	ctx := context.Background()
	s.Bind(ctx, proc.Begin(xact.BeginOptions{}))
	t.Cleanup(func() { s.Tx().Abort(); s.Bind(ctx, nil); proc.Close() })
	return s, ctl
}

// TestCurrent generates the views and compares them with the file; with -update
// it writes the file.
func TestCurrent(t *testing.T) {
	s, ctl := session(t, initdb.Options{NoViews: true})
	all, err := Generate(s, ctl.Copy.NextOID)
	must(t, err)
	text, err := Encode(all)
	must(t, err)
	if *update {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		must(t, err)
		_, err = z.Write([]byte(text))
		must(t, err)
		must(t, z.Close())
		must(t, os.WriteFile(file, b.Bytes(), 0o644))
		return
	}
	have, err := bootstrap.ViewRows()
	must(t, err)
	if have != text {
		t.Error("the file that initdb loads is not what the SQL yields: go test ./sql/sysviews -run TestCurrent -update")
	}
}
