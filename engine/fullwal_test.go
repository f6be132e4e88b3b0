package engine

import (
	"maps"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xact"
)

// fullWAL is a file system whose pg_wal lies on a disk of its own: when full, no file
// there grows.
type fullWAL struct {
	vfs.FS
	full *atomic.Bool
}

func (f fullWAL) Open(name string, flag vfs.Flag) (vfs.File, error) {
	h, err := f.FS.Open(name, flag)
	if err == nil && strings.HasPrefix(name, "pg_wal/") {
		h = fullFile{h, f.full}
	}
	return h, err
}

type fullFile struct {
	vfs.File
	full *atomic.Bool
}

func (h fullFile) room(end int64) error {
	if size, err := h.Size(); err == nil && end > size && h.full.Load() {
		return syscall.ENOSPC
	}
	return nil
}

func (h fullFile) WriteAt(b []byte, off int64) (int, error) {
	if err := h.room(off + int64(len(b))); err != nil {
		return 0, err
	}
	return h.File.WriteAt(b, off)
}

func (h fullFile) Preallocate(off, n int64) error {
	if err := h.room(off + n); err != nil {
		return err
	}
	return h.File.Preallocate(off, n)
}

// walWorld is a server with a store on such a file system, and the rows committed.
type walWorld struct {
	t    *testing.T
	disk fullWAL
	set  Settings
	i    *Instance
	s    *store
	rows map[int]string
}

func newWALWorld(t *testing.T, keep int64) *walWorld {
	t.Helper()
	w := &walWorld{t: t, disk: fullWAL{memfs.New(), new(atomic.Bool)}, set: *testSettings(), rows: map[int]string{}}
	w.set.WALKeepSize = func() int64 { return keep }
	w.set.MinWALSize, w.set.MaxWALSize = func() int64 { return 2 << 20 }, func() int64 { return 8 << 20 }
	newCluster(t, w.disk, true)
	w.open()
	tx := w.i.xact.Begin(xact.BeginOptions{})
	must(t, w.s.create(tx))
	must(t, tx.Commit(bg))
	return w
}

func (w *walWorld) open() {
	w.t.Helper()
	i, err := Open(bg, Options{FS: w.disk, Settings: &w.set})
	must(w.t, err)
	w.i, w.s = i, newStore(i, sweepNode)
}

// insert adds a row of many bytes in a transaction of its own.
func (w *walWorld) insert(id int) error {
	tx := w.i.xact.Begin(xact.BeginOptions{})
	tx.Snapshot()
	if err := w.s.insert(tx, id, long(id)); err != nil {
		must(w.t, tx.Abort())
		return err
	}
	must(w.t, tx.Commit(bg))
	w.rows[id] = long(id)
	return nil
}

// same compares the rows, which must be readable.
func (w *walWorld) same(when string) {
	w.t.Helper()
	got, err := w.s.rows()
	must(w.t, err)
	if !maps.Equal(got, w.rows) {
		w.t.Errorf("%s: %d rows, want %d", when, len(got), len(w.rows))
	}
	if err := w.i.Err(); err != nil {
		w.t.Fatalf("%s: the server is down: %v", when, err)
	}
}

// TestFullWALDisk: when no WAL segment can be made any more, changes are refused
// with 53100, what was changed before can be committed, reads go on, a restart
// succeeds, and when there is room all works again by itself.
func TestFullWALDisk(t *testing.T) {
	w := newWALWorld(t, 1<<40) // no segment is ever removed
	must(t, w.insert(0))
	open := w.i.xact.Begin(xact.BeginOptions{})
	open.Snapshot()
	must(t, w.s.insert(open, -1, "begun before"))
	w.disk.full.Store(true)
	var err error
	for id := 1; id < 10000 && err == nil; id++ {
		err = w.insert(id)
	}
	if pgerr.CodeOf(err) != pgerr.DiskFull {
		t.Fatalf("after %d rows: %v", len(w.rows), err)
	}
	t.Logf("after %d rows: %v", len(w.rows), err)
	w.same("full")
	must(t, open.Commit(bg))
	w.rows[-1] = "begun before"
	w.same("committed while it is full")
	_ = w.i.Stop(Immediate)
	w.open() // still full
	w.same("restarted while it is full")
	if err := w.insert(20000); err != nil && pgerr.CodeOf(err) != pgerr.DiskFull {
		t.Errorf("after the restart: %v", err)
	}
	must(t, w.i.Stop(Fast))
	w.open()
	w.same("stopped and started while it is full")
	w.disk.full.Store(false)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err = w.insert(30000); err == nil {
			break
		}
		if pgerr.CodeOf(err) != pgerr.DiskFull || time.Since(began) > 10*time.Second {
			t.Fatalf("there is room again: %v", err)
		}
	}
	for id := range 300 {
		must(t, w.insert(40000+id))
	}
	w.same("room again")
	must(t, w.i.Stop(Fast))
}

// TestFullWALDiskRecycles: as long as a checkpoint frees segments, a full disk stops
// nobody for long.
func TestFullWALDiskRecycles(t *testing.T) {
	w := newWALWorld(t, 0)
	for id := range 400 { // some segments exist by now
		must(t, w.insert(id))
	}
	w.disk.full.Store(true)
	began := time.Now()
	refused := 0
	for id := 1000; id < 1500; id++ {
		for {
			err := w.insert(id)
			if err == nil {
				break
			}
			if refused++; pgerr.CodeOf(err) != pgerr.DiskFull || time.Since(began) > 20*time.Second {
				t.Fatalf("row %d, refused %d times: %v", id, refused, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	t.Logf("refused %d times, done in %s", refused, time.Since(began).Round(time.Millisecond))
	w.same("recycling")
	must(t, w.i.Stop(Fast))
}
