package catalog

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a small server on a cluster that initdb made.
type world struct {
	t   testing.TB
	fs  vfs.FS
	ctl *pgcontrol.Control
	log *xlog.Log
	srv *Server
	xm  *xact.Manager
	sm  *smgr.Manager
}

// newWorld makes a cluster in dir, or in memory if dir is "", and opens it.
func newWorld(t testing.TB, dir string) *world {
	t.Helper()
	var fs vfs.FS = memfs.New()
	if dir != "" {
		must(t, os.MkdirAll(dir, 0o700))
		fs = osfs.New(dir)
	}
	must(t, initdb.Create(initdb.Options{FS: fs, Random: rand.Reader, NoSync: true}))
	return openWorld(t, fs)
}

// openWorld opens a cluster that was shut down; its log goes on after the
// checkpoint.
func openWorld(t testing.TB, fs vfs.FS) *world {
	t.Helper()
	ctl, err := pgcontrol.Read(fs)
	must(t, err)
	w := &world{t: t, fs: fs, ctl: ctl}
	end := ctl.CheckPoint + 120 // the record has 114 bytes, aligned to 8
	w.log, err = xlog.OpenForWrite(xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.SegSize(ctl.WALSegSize), SystemID: ctl.SystemID,
		Timeline: 1, Buffers: 256, RedoLSN: ctl.Copy.Redo, FullPageWrites: true, Hints: true}, end, ctl.CheckPoint)
	must(t, err)
	t.Cleanup(func() { w.log.Close() })
	sm := smgr.New(fs, smgr.Options{})
	w.sm = sm
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 4000, WAL: w.log, Smgr: sm.Files, Checksums: true})
	must(t, err)
	t.Cleanup(func() { pool.Close() })
	locks := lmgr.New(lmgr.Options{})
	w.xm = xact.Open(xact.Options{FS: fs, Locks: locks,
		RemoveFiles: func(rels []smgr.Rel, _ bool) error {
			for _, r := range rels {
				if err := sm.Of(r).Unlink(r.RelFileNode); err != nil {
					return err
				}
			}
			return nil
		},
		Invalidate: func(msgs []byte, _ bool, _, _ oid.OID) { w.srv.Invalidate(msgs) }}, &ctl.Copy)
	w.xm.SetLog(w.log)
	must(t, w.xm.StartUp())
	w.srv = NewServer(Options{FS: fs, Pool: pool, Sys: &access.System{Smgr: sm, Log: w.log, Xact: w.xm, Locks: locks, HintWAL: true, Toast: indexheap.Toast{}}})
	return w
}

// client is a session with its proc.
type client struct {
	*Session
	w    *world
	proc *xact.Proc
}

func (w *world) connect() *client { return w.connectAs(-1) }

// connectAs is a session that may have temporary tables.
func (w *world) connectAs(backend int32) *client {
	c := &client{w: w, proc: w.xm.NewProc(xact.ProcOptions{PID: int32(os.Getpid()), Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace})}
	o := SessionOptions{Database: oid.PostgresDB, Tablespace: oid.DefaultTablespace, Backend: -1}
	if backend >= 0 {
		var pool *bufmgr.Pool
		o.Backend = backend
		o.LocalPool = func() (*bufmgr.Pool, error) {
			var err error
			if pool == nil {
				pool, err = bufmgr.NewLocal(64, w.sm.Temp(backend))
			}
			return pool, err
		}
		w.t.Cleanup(func() {
			if pool != nil {
				pool.Close()
			}
		})
	}
	c.Session = w.srv.NewSession(o)
	c.SetSearchPath([]oid.OID{oid.PublicNamespace})
	w.t.Cleanup(c.proc.Close)
	return c
}

func (c *client) begin() { c.Bind(bg, c.proc.Begin(xact.BeginOptions{})) }

func (c *client) commit() {
	c.w.t.Helper()
	must(c.w.t, c.Tx().Commit(bg))
	c.Bind(bg, nil)
}

func (c *client) abort() {
	c.w.t.Helper()
	must(c.w.t, c.Tx().Abort())
	c.Bind(bg, nil)
}

// crash leaves the cluster as kill -9 would: the log is written, the pages not.
func (w *world) crash() {
	w.t.Helper()
	must(w.t, w.log.Flush(w.log.InsertLSN()))
	w.ctl.State = pgcontrol.InProduction
	must(w.t, writeControl(w.fs, w.ctl))
}

func int4(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Int4, Len: 4, ByVal: true, Align: 'i', Storage: 'p', TypMod: -1, IsLocal: true, StatTarget: -1}
}

func text(name string) access.Attr {
	return access.Attr{Name: name, Type: oid.Text, Len: -1, Align: 'i', Storage: 'x', TypMod: -1, IsLocal: true, StatTarget: -1, Collation: oid.DefaultCollation}
}
