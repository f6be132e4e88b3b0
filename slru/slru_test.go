package slru

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
)

func newCache(t *testing.T, slots int, flush func(lsn.LSN) error) (*Cache, vfs.FS) {
	t.Helper()
	f := memfs.New()
	if err := f.Mkdir("pg_xact"); err != nil {
		t.Fatal(err)
	}
	return New(Options{FS: f, Dir: "pg_xact", Slots: slots, Groups: 4, Flush: flush,
		Precedes: func(a, b uint32) bool { return int32(a-b) < 0 }}), f
}

func fill(t *testing.T, c *Cache, page uint32, v byte, at lsn.LSN) {
	t.Helper()
	err := c.Update(page, page, func(p []byte, g []lsn.LSN) { p[7], g[1] = v, at })
	if err != nil {
		t.Fatal(err)
	}
}

func TestEvictAndReload(t *testing.T) {
	c, _ := newCache(t, 4, func(lsn.LSN) error { return nil })
	for i := range uint32(100) {
		if err := c.Zero(i); err != nil {
			t.Fatal(err)
		}
		fill(t, c, i, byte(i+1), 0)
	}
	for i := range uint32(100) {
		var got byte
		if err := c.View(i, 0, func(p []byte, _ []lsn.LSN) { got = p[7] }); err != nil || got != byte(i+1) {
			t.Fatalf("page %d: %d, %v", i, got, err)
		}
	}
}

func TestWriteFlushesWAL(t *testing.T) {
	var flushed lsn.LSN
	broken := errors.New("no disk")
	fail := false
	c, f := newCache(t, 4, func(l lsn.LSN) error {
		if fail {
			return broken
		}
		flushed = max(flushed, l)
		return nil
	})
	_ = c.Zero(0)
	fill(t, c, 0, 1, 500)
	fail = true
	if err := c.Checkpoint(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, err := f.Stat("pg_xact/0000"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("written before the WAL")
	}
	fail = false
	if err := c.Checkpoint(); err != nil || flushed != 500 {
		t.Fatal(err, flushed)
	}
	if ok, err := c.OnDisk(0); err != nil || !ok {
		t.Fatal(ok, err)
	}
}

// TestUpdateDuringWrite changes a page while the WAL is flushed for it.
func TestUpdateDuringWrite(t *testing.T) {
	var c *Cache
	n := 0
	c, f := newCache(t, 4, func(lsn.LSN) error {
		if n++; n == 1 {
			return c.Update(0, 0, func(p []byte, _ []lsn.LSN) { p[7] = 2 })
		}
		return nil
	})
	_ = c.Zero(0)
	fill(t, c, 0, 1, 10)
	for range 2 {
		if err := c.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	h, err := f.Open("pg_xact/0000", vfs.Read)
	if err != nil {
		t.Fatal(err)
	}
	var b [8]byte
	if _, err := h.ReadAt(b[:], 0); err != nil || b[7] != 2 {
		t.Fatal(b, err)
	}
}

// syncLog counts what was made durable.
type syncLog struct {
	vfs.FS
	files, dirs int
}

type syncFile struct {
	vfs.File
	l *syncLog
}

func (l *syncLog) Open(name string, flag vfs.Flag) (vfs.File, error) {
	f, err := l.FS.Open(name, flag)
	return &syncFile{f, l}, err
}
func (l *syncLog) SyncDir(name string) error { l.dirs++; return l.FS.SyncDir(name) }
func (f *syncFile) Sync() error              { f.l.files++; return f.File.Sync() }

func TestCheckpointIsDurable(t *testing.T) {
	base := memfs.New()
	_ = base.Mkdir("pg_xact")
	l := &syncLog{FS: base}
	c := New(Options{FS: l, Dir: "pg_xact", Slots: 4})
	for _, page := range []uint32{0, 1, 40} {
		_ = c.Zero(page)
	}
	if err := c.Checkpoint(); err != nil || l.files != 2 || l.dirs != 1 {
		t.Fatalf("%v: %d files, %d folders synced", err, l.files, l.dirs)
	}
	if err := c.Checkpoint(); err != nil || l.files != 2 {
		t.Fatalf("%v: synced again", err)
	}
}

func TestErrorWords(t *testing.T) {
	c, _ := newCache(t, 4, nil)
	err := c.View(96, 777, func([]byte, []lsn.LSN) {})
	e, ok := pgerr.As(err)
	if !ok || e.Msg != "could not access status of transaction 777" || e.Code != pgerr.UndefinedFile ||
		e.Detail != `Could not open file "pg_xact/0003": No such file or directory.` {
		t.Fatalf("%+v", e)
	}
	_ = c.Zero(96)
	_ = c.Checkpoint()
	e, _ = pgerr.As(c.View(97, 778, func([]byte, []lsn.LSN) {}))
	if e == nil || e.Detail != `Could not read from file "pg_xact/0003" at offset 8192: read too few bytes.` {
		t.Fatalf("%+v", e)
	}
}

func TestTruncate(t *testing.T) {
	c, f := newCache(t, 4, nil)
	for page := range uint32(100) {
		_ = c.Zero(page)
	}
	if err := c.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Truncate(70); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for seg, want := range []bool{false, false, true, true} {
		_, err := f.Stat(c.fileName(uint32(seg)))
		if (err == nil) != want {
			t.Errorf("segment %d: %v", seg, err)
		}
	}
	if ok, err := c.Truncate(200); ok || err != nil {
		t.Fatal("truncated past the latest page")
	}
}

func TestViewAllocatesNothing(t *testing.T) {
	c, _ := newCache(t, 4, nil)
	_ = c.Zero(3)
	var b byte
	if n := testing.AllocsPerRun(100, func() { _ = c.View(3, 1, func(p []byte, _ []lsn.LSN) { b = p[0] }) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = b
}
