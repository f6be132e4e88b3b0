package nbtree

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs/powerfail"
	"github.com/pgmini/pgmini/xlog"
)

const crashRows = 1600

// crashAck is what is durable: rows inserted, -1 once vacuumed too, and where redo
// starts.
type crashAck struct {
	rows int
	redo lsn.LSN
}

func crashOptions(fs *powerfail.FS) xlog.Options {
	return xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.MinSegSize, SystemID: 42, Timeline: 1,
		Buffers: 16, RedoLSN: testStart, FullPageWrites: true, Hints: true, NoInitZero: true}
}

// crashRun grows a tree through splits with so few buffers that dirty pages are
// written all the time, empties part of it with a vacuum, and says after each
// flush of the log which rows are durable: n rows inserted, or all but the middle.
func crashRun(t *testing.T, fs *powerfail.FS, ack func(crashAck)) error {
	for _, d := range []string{"pg_wal", "base", "base/5"} {
		if err := fs.Mkdir(d); err != nil {
			return err
		}
	}
	for _, d := range []string{".", "base"} {
		if err := fs.SyncDir(d); err != nil {
			return err
		}
	}
	l, err := xlog.OpenForWrite(crashOptions(fs), testStart, 0)
	if err != nil {
		return err
	}
	defer l.Close()
	m := smgr.New(fs, smgr.Options{})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 16, WAL: l, Smgr: m.Files, Checksums: true})
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &world{t: t, m: m, pool: pool, sys: &access.System{Smgr: m, Log: l}}
	idx := w.index(100, false, oid.Int4, oid.Text)
	if err := m.Create(idx.Node, page.MainFork); err != nil {
		return err
	}
	if err := w.env(idx).buildEmpty(page.MainFork); err != nil {
		return err
	}
	redo := testStart
	for i := range crashRows {
		vals := []datum.Datum{datum.Int(int64(i * 7919 % 1601)), datum.String(fmt.Sprintf("%0100d", i))}
		if _, err := w.env(idx).insert(context.Background(), vals, tidOf(i), InsertOptions{}, noWait); err != nil {
			return err
		}
		if i%400 == 399 {
			if err := l.Flush(l.InsertEnd()); err != nil {
				return err
			}
			ack(crashAck{i + 1, redo})
		}
		if i%500 == 499 { // a checkpoint
			at := l.BeginCheckpoint()
			m.PreCheckpoint()
			if err := pool.Checkpoint(context.Background(), bufmgr.CheckpointFlags{}, nil); err != nil {
				return err
			}
			if err := m.Sync(); err != nil {
				return err
			}
			if err := l.Flush(l.InsertEnd()); err != nil {
				return err
			}
			redo = at
			ack(crashAck{i + 1, redo})
		}
	}
	_, err = w.env(idx).bulkDelete(context.Background(), nil, func(tid page.TID) bool { return !crashKept(tid) })
	if err == nil {
		err = l.Flush(l.InsertEnd())
	}
	if err == nil {
		ack(crashAck{-1, redo})
	}
	return err
}

// crashKept are the rows that vacuum leaves: the outer keys.
func crashKept(tid page.TID) bool {
	k := (int(tid.Block)*100 + int(tid.Off) - 1) * 7919 % 1601
	return k < 400 || k > 1200
}

// crashCheck replays what the log has and looks at the tree.
func crashCheck(t *testing.T, fs *powerfail.FS, acked []crashAck) error {
	if len(acked) == 0 {
		return nil
	}
	m := smgr.New(fs, smgr.Options{Redo: func() bool { return true }})
	pool, err := bufmgr.New(bufmgr.Options{Buffers: 64, Smgr: m.Files, Checksums: true, Redo: func() bool { return true }})
	if err != nil {
		return err
	}
	defer pool.Close()
	w := &world{t: t, m: m, pool: pool}
	idx := w.index(100, false, oid.Int4, oid.Text)
	if ok, err := m.Exists(idx.Node, page.MainFork); err != nil {
		return err
	} else if !ok {
		if err := m.Create(idx.Node, page.MainFork); err != nil {
			return err
		}
	}
	r := xlog.NewReader(&xlog.Segments{FS: fs, Dir: "pg_wal", Size: lsn.MinSegSize, TLIs: []lsn.Timeline{1}},
		xlog.ReaderOptions{SegSize: lsn.MinSegSize, SystemID: 42, Timeline: 1})
	last := acked[len(acked)-1]
	r.Seek(last.redo)
	redo := Redo(pool)
	for {
		d, err := r.Next()
		if err != nil {
			var end *xlog.EndError
			if !errors.As(err, &end) {
				return err
			}
			break
		}
		if d.Rmgr == xlog.RmBtree {
			err = redo(d)
		} else {
			err = redoImages(pool, d)
		}
		if err != nil {
			return err
		}
	}
	found := map[page.TID]bool{}
	if err := Check(idx, func(_ access.IndexTuple, tid page.TID) { found[tid] = true }); err != nil {
		return err
	}
	rows := last.rows
	if last.rows < 0 {
		rows = crashRows
	}
	for i := range rows {
		if tid := tidOf(i); !found[tid] && (crashKept(tid) || last.rows > 0 && last.rows < crashRows) {
			return fmt.Errorf("row %d is lost", i)
		} else if last.rows < 0 && found[tid] && !crashKept(tid) {
			return fmt.Errorf("row %d is back", i)
		}
	}
	return nil
}

// TestPowerFail cuts the power at many steps of a workload with splits, page
// deletion and evictions.
func TestPowerFail(t *testing.T) {
	w := powerfail.Workload[crashAck]{
		Run:   func(fs *powerfail.FS, ack func(crashAck)) error { return crashRun(t, fs, ack) },
		Check: func(fs *powerfail.FS, acked []crashAck) error { return crashCheck(t, fs, acked) },
		Seeds: 2, Every: 5,
	}
	w.Sweep(t)
}
