package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgmini/pgmini/internal/oracle"
	"github.com/pgmini/pgmini/vfs/osfs"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

// TestLostContinuation: a log that ends within a record goes on behind the page
// where its rest should be, says so, and is read over the gap by us and by stock.
func TestLostContinuation(t *testing.T) {
	pg := oracle.Find(t)
	c := pg.Initdb(t)
	var log logBuffer
	opt := Options{FS: osfs.New(c.Data), Dir: c.Data, Settings: testSettings(), NoWorkers: true, Logger: log.logger()}
	i, err := Open(bg, opt)
	must(t, err)
	commit(t, i)
	var rec xlog.Record
	rec.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, 0)
	rec.Data(rmgrs.LogicalMessage{DB: 5, Prefix: "lost", Message: make([]byte, 60000)}.Append(nil))
	_, err = i.wal.Insert(&rec)
	must(t, err)
	must(t, i.wal.Flush(i.wal.InsertEnd()))
	start := rec.Start()
	_ = i.Stop(Immediate)

	// The pages behind the one on which the record starts never reached the disk.
	seg := i.wal.SegSize()
	name := filepath.Join(c.Data, "pg_wal", seg.FileName(1, seg.Containing(start)))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	from := int64(seg.Offset(start))&^(xlog.PageSize-1) + xlog.PageSize
	_, err = f.WriteAt(make([]byte, 128<<10), from)
	must(t, err)
	must(t, f.Close())

	control, err := os.ReadFile(filepath.Join(c.Data, "global/pg_control"))
	must(t, err)
	i, err = Open(bg, opt)
	must(t, err)
	commit(t, i)
	x := i.xact.NextXID().XID().Prev()
	_ = i.Stop(Immediate)
	must(t, os.WriteFile(filepath.Join(c.Data, "global/pg_control"), control, 0o600))
	copied := filepath.Join(pg.TempDir(t), "copy")
	pg.CopyDir(t, c.Data, copied)

	// From the old checkpoint on, both read over the gap.
	i, err = Open(bg, opt)
	must(t, err)
	if !i.xact.DidCommit(x) {
		t.Error("the commit behind the gap is lost")
	}
	log.has(t, "successfully skipped missing contrecord at "+start.String())
	_ = i.Stop(Immediate)
	out, _ := pg.Try("pg_waldump", "-p", filepath.Join(copied, "pg_wal"), "-s", (start &^ (xlog.PageSize - 1)).String(), "-r", "XLOG")
	wantError(t, errors.New(out), "OVERWRITE_CONTRECORD lsn "+start.String())
	stock := pg.Cluster(t, copied)
	stock.Start()
	stock.Crash()
	wantError(t, errors.New(stock.Log()), "successfully skipped missing contrecord at "+start.String())
	compareDirs(t, c.Data, copied)
}
