package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xlog"
	"github.com/pgmini/pgmini/xlog/rmgrs"
)

func (i *Instance) segments(t *testing.T) []string {
	t.Helper()
	list, err := i.opt.FS.List("pg_wal")
	must(t, err)
	var out []string
	for _, e := range list {
		if lsn.IsFileName(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// grow fills n segments.
func grow(t *testing.T, i *Instance, n int) {
	t.Helper()
	var rec xlog.Record
	for from := i.wal.InsertLSN(); i.wal.InsertLSN() < from+lsn.LSN(n)<<20; {
		rec.Begin(xlog.RmLogicalMsg, rmgrs.InfoLogicalMessage, 0)
		rec.Data(rmgrs.LogicalMessage{DB: 5, Prefix: "p", Message: make([]byte, 60000)}.Append(nil))
		end, err := i.wal.Insert(&rec)
		must(t, err)
		must(t, i.wal.Flush(end))
	}
}

// TestKeepsSegments: a checkpoint removes or recycles old segments, but none from
// its redo point on, nor those that wal_keep_size or a slot wants.
func TestKeepsSegments(t *testing.T) {
	fsys := memfs.New()
	newCluster(t, fsys, true)
	s := testSettings()
	keep := int64(0)
	s.MinWALSize, s.MaxWALSize = func() int64 { return 3 << 20 }, func() int64 { return 6 << 20 }
	s.WALKeepSize = func() int64 { return keep }
	var log logBuffer
	i, err := Open(bg, Options{FS: fsys, Settings: s, NoWorkers: true, Logger: log.logger()})
	must(t, err)
	grow(t, i, 10)
	if n := len(i.segments(t)); n < 10 {
		t.Fatalf("%d segments", n)
	}
	must(t, i.Checkpoint(bg, checkpointer.Force))
	redo := i.wal.SegSize().Containing(i.Control().Copy.Redo)
	have := i.segments(t)
	if have[0] != i.wal.SegSize().FileName(1, redo) || len(have) > 8 {
		t.Errorf("redo point in segment %d, left %v", redo, have)
	}
	log.has(t, "recycled")

	keep = 4 << 20
	grow(t, i, 8)
	must(t, i.Checkpoint(bg, checkpointer.Force))
	redo = i.wal.SegSize().Containing(i.Control().Copy.Redo)
	if have := i.segments(t); have[0] != i.wal.SegSize().FileName(1, redo-4) {
		t.Errorf("wal_keep_size: redo point in segment %d, left %v", redo, have)
	}

	must(t, fsys.Mkdir("pg_replslot/s"))
	before := i.segments(t)[0]
	grow(t, i, 8)
	must(t, i.Checkpoint(bg, checkpointer.Force))
	if have := i.segments(t); !slices.Contains(have, before) {
		t.Errorf("a slot's segments went: had %s, left %v", before, have)
	}
	must(t, i.Stop(Fast))
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log.String())
	}
}

// TestIdle: without a change there is no checkpoint, unless one is forced.
func TestIdle(t *testing.T) {
	_, i, _ := openMem(t)
	commit(t, i)
	must(t, i.Checkpoint(bg, checkpointer.Immediate))
	at := i.Control().CheckPoint
	must(t, i.Checkpoint(bg, checkpointer.Immediate))
	if now := i.Control().CheckPoint; now != at {
		t.Errorf("a checkpoint of nothing at %s, after %s", now, at)
	}
	must(t, i.Checkpoint(bg, checkpointer.Immediate|checkpointer.Force))
	if i.Control().CheckPoint == at {
		t.Error("a forced checkpoint was skipped")
	}
	must(t, i.Stop(Fast))
}
