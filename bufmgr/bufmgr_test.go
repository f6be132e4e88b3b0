package bufmgr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xlog"
)

var rel = page.RelFileNode{Spc: 1663, DB: 5, Rel: 16384} // constant

// fakeWAL counts flushes and images.
type fakeWAL struct {
	flushed atomic.Uint64
	insert  atomic.Uint64
	hints   atomic.Int64
	fail    error
}

func (w *fakeWAL) Flush(upTo lsn.LSN) error {
	if w.fail != nil {
		return w.fail
	}
	for {
		old := w.flushed.Load()
		if old >= uint64(upTo) || w.flushed.CompareAndSwap(old, uint64(upTo)) {
			return nil
		}
	}
}
func (w *fakeWAL) FlushLSN() lsn.LSN { return lsn.LSN(w.flushed.Load()) }
func (w *fakeWAL) Room() error       { return nil }

func (w *fakeWAL) SaveHint(*xlog.Record, page.Tag, page.Page, bool) (lsn.LSN, error) {
	w.hints.Add(1)
	return lsn.LSN(w.insert.Add(100)), nil
}

// watchFS checks INV-BUF-1 at the moment of each write.
type watchFS struct {
	vfs.FS
	wal *fakeWAL
	bad atomic.Int64
}

type watchFile struct {
	vfs.File
	fs *watchFS
}

func (f *watchFS) Open(name string, flag vfs.Flag) (vfs.File, error) {
	h, err := f.FS.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &watchFile{h, f}, nil
}

func (h *watchFile) WriteAt(b []byte, off int64) (int, error) {
	pg := page.Page(b)
	if pg.LSN() > h.fs.wal.FlushLSN() {
		h.fs.bad.Add(1)
	}
	if !pg.IsNew() && page.ComputeChecksum(pg, page.BlockNumber(off/page.Size)) != pg.Checksum() {
		h.fs.bad.Add(1)
	}
	return h.File.WriteAt(b, off)
}

type env struct {
	*Pool
	fs  *memfs.FS
	w   *watchFS
	wal *fakeWAL
	m   *smgr.Manager
}

func newPool(t testing.TB, n int) *env {
	t.Helper()
	e := &env{fs: memfs.New(), wal: &fakeWAL{}}
	e.w = &watchFS{FS: e.fs, wal: e.wal}
	for _, d := range []string{"base", "base/5"} {
		must(t, e.fs.Mkdir(d))
	}
	e.m = smgr.New(e.w, smgr.Options{})
	e.reopen(t, n)
	must(t, e.m.Create(rel, page.MainFork))
	return e
}

func (e *env) reopen(t testing.TB, n int) {
	t.Helper()
	p, err := New(Options{Buffers: n, WAL: e.wal, Smgr: e.m.Files, Checksums: true})
	must(t, err)
	e.Pool = p
	t.Cleanup(func() { must(t, p.Close()) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// change initialises or overwrites a page with one item, as a logged change does.
func (e *env) change(b Buffer, text string) {
	e.MarkDirty(b)
	pg := e.Page(b)
	old := pg.LSN()
	pg.Init(0)
	if err := pg.PutItem(1, []byte(text)); err != nil {
		panic(err)
	}
	pg.SetLSN(max(old, lsn.LSN(e.wal.insert.Add(100))))
}

func (e *env) add(t testing.TB, text string) page.BlockNumber {
	t.Helper()
	b, n, err := e.Extend(rel, page.MainFork, nil)
	must(t, err)
	e.change(b, text)
	e.UnlockRelease(b)
	return n
}

func (e *env) text(t testing.TB, n page.BlockNumber) string {
	t.Helper()
	b, err := e.Read(page.Tag{Rel: rel, Block: n}, Normal, nil)
	must(t, err)
	e.Lock(b, Shared)
	defer e.UnlockRelease(b)
	it, err := e.Page(b).Item(1)
	must(t, err)
	return string(it)
}

func (e *env) pins() (n int) {
	for i := range e.frames {
		n += int(e.frames[i].state.Load() & pinMask)
	}
	return n
}

func TestWriteBackFlushesWAL(t *testing.T) {
	e := newPool(t, 16)
	for i := range 100 { // far more than fit: evictions write
		e.add(t, fmt.Sprint(i))
	}
	for i := range 100 {
		if got := e.text(t, page.BlockNumber(i)); got != fmt.Sprint(i) {
			t.Fatalf("block %d holds %q", i, got)
		}
	}
	if e.w.bad.Load() != 0 {
		t.Errorf("%d writes before their WAL or with a wrong checksum", e.w.bad.Load())
	}
	if e.Stats.Writes.Load() == 0 || e.pins() != 0 {
		t.Errorf("writes %d, pins %d", e.Stats.Writes.Load(), e.pins())
	}
	e.add(t, "x")
	e.wal.fail = errors.New("no disk")
	if err := e.Checkpoint(t.Context(), CheckpointFlags{All: true}, nil); !errors.Is(err, e.wal.fail) {
		t.Errorf("checkpoint with a failing WAL: %v", err)
	}
}

func TestEvictSkipsPinned(t *testing.T) {
	e := newPool(t, 16)
	for i := range 40 {
		e.add(t, fmt.Sprint(i))
	}
	var held []Buffer
	for i := range 16 {
		b, err := e.Read(page.Tag{Rel: rel, Block: page.BlockNumber(i)}, Normal, nil)
		must(t, err)
		held = append(held, b)
	}
	_, err := e.Read(page.Tag{Rel: rel, Block: 30}, Normal, nil)
	if !errors.Is(err, errNoBuffers) {
		t.Fatalf("all pinned: %v", err)
	}
	e.Release(held[15])
	if got := e.text(t, 30); got != "30" {
		t.Errorf("got %q", got)
	}
	for i, b := range held[:15] {
		if e.Tag(b).Block != page.BlockNumber(i) {
			t.Errorf("pinned block %d became %s", i, e.Tag(b))
		}
		e.Release(b)
	}
}

func TestCheckpointWritesAll(t *testing.T) {
	e := newPool(t, 64)
	for i := range 50 {
		e.add(t, fmt.Sprint(i))
	}
	var order []float64
	must(t, e.Checkpoint(t.Context(), CheckpointFlags{FlushAfter: 8}, func(d float64) { order = append(order, d) }))
	if len(order) != 50 || order[49] != 1 {
		t.Errorf("throttled %d times, last %v", len(order), order[len(order)-1])
	}
	e.reopen(t, 64) // a new pool sees only the files
	for i := range 50 {
		if got := e.text(t, page.BlockNumber(i)); got != fmt.Sprint(i) {
			t.Fatalf("block %d holds %q", i, got)
		}
	}
}

func TestUnloggedIsPassedOver(t *testing.T) {
	e := newPool(t, 64)
	e.SetUnlogged(rel)
	n := e.add(t, "x")
	must(t, e.Checkpoint(t.Context(), CheckpointFlags{}, nil))
	if e.Stats.Writes.Load() != 0 {
		t.Error("an ordinary checkpoint wrote an unlogged page")
	}
	e.wal.fail = errors.New("must not be asked")
	must(t, e.Checkpoint(t.Context(), CheckpointFlags{All: true}, nil))
	if e.Stats.Writes.Load() != 1 {
		t.Errorf("a shutdown checkpoint wrote %d pages", e.Stats.Writes.Load())
	}
	_ = n
}

func TestBadChecksum(t *testing.T) {
	e := newPool(t, 16)
	e.add(t, "hello")
	must(t, e.FlushRel(rel))
	h, err := e.fs.Open("base/5/16384", vfs.Write)
	must(t, err)
	_, err = h.WriteAt([]byte{0x55}, 5000)
	must(t, err)
	e.reopen(t, 16)
	tag := page.Tag{Rel: rel, Block: 0}
	_, err = e.Read(tag, Normal, nil)
	if x, ok := pgerr.As(err); !ok || x.Code != pgerr.DataCorrupted || x.Msg != "invalid page in block 0 of relation base/5/16384" {
		t.Fatalf("got %v", err)
	}
	if e.pins() != 0 {
		t.Error("a failed read keeps its pin")
	}
	b, err := e.Read(tag, ZeroOnError, nil)
	must(t, err)
	if !e.Page(b).IsNew() {
		t.Error("the page is not zero")
	}
	e.Release(b)
}

func TestFullDisk(t *testing.T) {
	e := newPool(t, 16)
	e.add(t, "a")
	e.fs.SetBudget(0)
	_, _, err := e.Extend(rel, page.MainFork, nil)
	if pgerr.CodeOf(err) != pgerr.DiskFull || e.pins() != 0 {
		t.Fatalf("got %v, %d pins", err, e.pins())
	}
	e.fs.SetBudget(-1)
	if n := e.add(t, "b"); n != 1 || e.text(t, 1) != "b" {
		t.Errorf("block %d after the disk had room again", n)
	}
}

func TestDrop(t *testing.T) {
	for _, size := range []int{16, 2048} { // scans all frames, or looks the blocks up
		e := newPool(t, size)
		for i := range 10 {
			e.add(t, fmt.Sprint(i))
		}
		e.DropRel(rel, page.MainFork, 4)
		must(t, e.m.Truncate(rel, page.MainFork, 4))
		if got := e.text(t, 3); got != "3" {
			t.Errorf("got %q", got)
		}
		b, n, err := e.Extend(rel, page.MainFork, nil)
		must(t, err)
		if n != 4 || !e.Page(b).IsNew() {
			t.Errorf("block %d after truncation is not new", n)
		}
		e.UnlockRelease(b)
		e.DropRelAll(rel)
		must(t, e.Checkpoint(t.Context(), CheckpointFlags{All: true}, nil))
		for i := range e.frames {
			if e.frames[i].state.Load() != 0 {
				t.Fatal("a frame is still in use")
			}
		}
	}
}

func TestHints(t *testing.T) {
	e := newPool(t, 16)
	n := e.add(t, "x")
	must(t, e.FlushRel(rel))
	b, err := e.Read(page.Tag{Rel: rel, Block: n}, Normal, nil)
	must(t, err)
	before := e.Page(b).LSN()
	for range 2 { // the second finds the page dirty
		if !e.TryLock(b) {
			t.Fatal("lock is free")
		}
		must(t, e.MarkDirtyHint(b))
		e.Unlock(b)
	}
	if e.wal.hints.Load() != 1 || e.Page(b).LSN() <= before {
		t.Errorf("%d images, LSN %s -> %s", e.wal.hints.Load(), before, e.Page(b).LSN())
	}
	e.Release(b)
}

func TestCleanupLock(t *testing.T) {
	e := newPool(t, 16)
	n := e.add(t, "x")
	tag := page.Tag{Rel: rel, Block: n}
	mine, err := e.Read(tag, Normal, nil)
	must(t, err)
	other, err := e.Read(tag, Normal, nil)
	must(t, err)
	if e.TryLockCleanup(mine) {
		t.Fatal("cleanup lock with two pins")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := e.LockCleanup(ctx, mine); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	done := make(chan error)
	go func() { done <- e.LockCleanup(t.Context(), mine) }()
	time.Sleep(5 * time.Millisecond)
	e.Release(other)
	must(t, <-done)
	e.UnlockRelease(mine)
	if e.pins() != 0 {
		t.Error("pins left")
	}
}

func TestRing(t *testing.T) {
	e := newPool(t, 1024)
	for i := range 900 {
		e.add(t, fmt.Sprint(i))
	}
	must(t, e.Checkpoint(t.Context(), CheckpointFlags{}, nil))
	e.reopen(t, 1024)
	s := e.NewStrategy(BulkRead)
	for i := range 900 {
		b, err := e.Read(page.Tag{Rel: rel, Block: page.BlockNumber(i)}, Normal, s)
		must(t, err)
		e.Release(b)
	}
	used := 0
	for i := range e.frames {
		if e.frames[i].state.Load()&hasTag != 0 {
			used++
		}
	}
	if used != 32 {
		t.Errorf("a bulk read used %d frames, want 32", used)
	}
}

// visit does one random thing to block n, whose text holds n and count.
func (e *env) visit(t *testing.T, rng *rand.Rand, n int, count *atomic.Int64) {
	var s *Strategy
	if rng.IntN(4) == 0 {
		s = e.NewStrategy(Vacuum)
	}
	b, err := e.Read(page.Tag{Rel: rel, Block: page.BlockNumber(n)}, Normal, s)
	if err != nil {
		t.Error(err)
		return
	}
	switch rng.IntN(5) {
	case 0, 1:
		e.Lock(b, Exclusive)
		e.change(b, fmt.Sprintf("%d %d", n, count.Add(1)))
	case 2:
		if !e.TryLockCleanup(b) {
			e.Release(b)
			return
		}
		if err := e.MarkDirtyHint(b); err != nil {
			t.Error(err)
		}
	default:
		e.Lock(b, Shared)
	}
	defer e.UnlockRelease(b)
	var blk, c int
	it, err := e.Page(b).Item(1)
	if err == nil {
		_, err = fmt.Sscan(string(it), &blk, &c)
	}
	if err != nil || blk != n || int64(c) != count.Load() {
		t.Errorf("block %d holds %q, count %d, %v", n, it, count.Load(), err)
	}
}

// createAndDrop makes a relation, fills it and drops it with its checkpoint.
func (e *env) createAndDrop(r page.RelFileNode) error {
	if err := e.m.Create(r, page.MainFork); err != nil {
		return err
	}
	for range 5 {
		b, _, err := e.Extend(r, page.MainFork, nil)
		if err != nil {
			return err
		}
		e.change(b, "dropped")
		e.UnlockRelease(b)
	}
	e.DropRelAll(r)
	e.m.PreCheckpoint()
	if err := errors.Join(e.m.Unlink(r), e.m.Sync()); err != nil {
		return err
	}
	e.m.PreCheckpoint()
	return e.m.PostCheckpoint()
}

// TestConcurrent runs readers, writers, hinters, a checkpointer and a dropper on
// a pool that is much too small. Each page holds its block number and a counter
// that only grows; the race detector sees every unguarded byte.
func TestConcurrent(t *testing.T) {
	e := newPool(t, 32)
	const blocks, workers = 200, 8
	for i := range blocks {
		e.add(t, fmt.Sprintf("%d 0", i))
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	var counts [blocks]atomic.Int64
	stop := make(chan struct{})
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for range 1500 {
				n := rng.IntN(blocks)
				e.visit(t, rng, n, &counts[n])
			}
		})
	}
	var back sync.WaitGroup
	loop := func(f func() error) {
		back.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loop(func() error {
		return errors.Join(e.Checkpoint(context.Background(), CheckpointFlags{FlushAfter: 4}, nil), e.m.Sync())
	})
	loop(func() error { return e.createAndDrop(page.RelFileNode{Spc: 1663, DB: 5, Rel: 16385}) })
	wg.Wait()
	close(stop)
	back.Wait()
	if e.w.bad.Load() != 0 || e.pins() != 0 {
		t.Errorf("%d bad writes, %d pins", e.w.bad.Load(), e.pins())
	}
	must(t, e.Checkpoint(t.Context(), CheckpointFlags{All: true}, nil))
	e.reopen(t, 32)
	for i := range blocks {
		if got, want := e.text(t, page.BlockNumber(i)), fmt.Sprintf("%d %d", i, counts[i].Load()); got != want {
			t.Errorf("block %d holds %q, want %q", i, got, want)
		}
	}
}

func TestHitDoesNotAllocate(t *testing.T) {
	e := newPool(t, 16)
	n := e.add(t, "x")
	tag := page.Tag{Rel: rel, Block: n}
	if got := testing.AllocsPerRun(1000, func() {
		b, err := e.Read(tag, Normal, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Lock(b, Shared)
		e.UnlockRelease(b)
	}); got != 0 {
		t.Errorf("%v allocations on a hit", got)
	}
}

func BenchmarkHit(b *testing.B) {
	e := newPool(b, 16)
	n := e.add(b, "x")
	tag := page.Tag{Rel: rel, Block: n}
	b.ReportAllocs()
	for b.Loop() {
		buf, err := e.Read(tag, Normal, nil)
		if err != nil {
			b.Fatal(err)
		}
		e.Lock(buf, Shared)
		e.UnlockRelease(buf)
	}
}
