package xact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

const testStart lsn.LSN = 1 << 20

var bg = context.Background()

// env is a transaction system over a real log on some file system.
type env struct {
	fs  vfs.FS
	log *xlog.Log
	m   *Manager
	opt Options
}

func walOptions(fs vfs.FS) xlog.Options {
	return xlog.Options{FS: fs, Dir: "pg_wal", SegSize: lsn.MinSegSize, SystemID: 1, Timeline: 1, Buffers: 16,
		RedoLSN: testStart, NoInitZero: true}
}

func testCheckPoint() *pgcontrol.CheckPoint {
	return &pgcontrol.CheckPoint{NextXID: 700, NextOID: oid.FirstNormal, NextMulti: 1, OldestXID: 600, OldestXIDDB: 1, OldestMulti: 1, OldestMultiDB: 1}
}

func makeDirs(fs vfs.FS) error {
	for _, d := range []string{"pg_wal", "pg_xact", "pg_subtrans", "pg_multixact", "pg_multixact/offsets",
		"pg_multixact/members", "pg_commit_ts", "pg_twophase"} {
		if err := fs.Mkdir(d); err != nil {
			return err
		}
		if err := fs.SyncDir("."); err != nil {
			return err
		}
	}
	if err := fs.SyncDir("pg_multixact"); err != nil {
		return err
	}
	m := Open(Options{FS: fs, Locks: lmgr.New(lmgr.Options{})}, testCheckPoint())
	if err := m.Bootstrap(); err != nil {
		return err
	}
	return m.Checkpoint()
}

// openEnv replays the log from its start and opens the system.
func openEnv(fs vfs.FS, opt Options, cp *pgcontrol.CheckPoint) (*env, error) {
	opt.FS = fs
	opt.Locks = lmgr.New(lmgr.Options{})
	e := &env{fs: fs, opt: opt, m: Open(opt, cp)}
	wal := walOptions(fs)
	r := xlog.NewReader(&xlog.Segments{FS: fs, Dir: "pg_wal", Size: wal.SegSize, TLIs: []lsn.Timeline{1}},
		xlog.ReaderOptions{SegSize: wal.SegSize, SystemID: 1, Timeline: 1})
	r.Seek(testStart)
	if err := e.m.LoadPrepared(); err != nil {
		return nil, err
	}
	redo := e.m.Redo()
	for {
		d, err := r.Next()
		var end *xlog.EndError
		if errors.As(err, &end) {
			break
		} else if err != nil {
			return nil, err
		}
		e.m.AdvancePast(d.XID)
		if f := redo[d.Rmgr]; f != nil {
			if err := f(d); err != nil {
				return nil, err
			}
		}
	}
	end := max(r.End(), testStart)
	l, err := xlog.OpenForWrite(wal, end, r.Start())
	if err != nil {
		return nil, err
	}
	e.log = l
	e.m.SetLog(l)
	return e, e.m.StartUp()
}

func newEnv(t testing.TB, opt Options) *env {
	t.Helper()
	fs := memfs.New()
	if err := makeDirs(fs); err != nil {
		t.Fatal(err)
	}
	e, err := openEnv(fs, opt, testCheckPoint())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.log.Close() })
	return e
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommitAndAbort(t *testing.T) {
	e := newEnv(t, Options{})
	a := e.m.Begin(BeginOptions{})
	x := must(a.XID())
	if x != 700 || !e.m.IsInProgress(x) || !a.IsCurrent(x) {
		t.Fatal(x)
	}
	b := e.m.Begin(BeginOptions{Isolation: RepeatableRead})
	s := b.Register(b.Snapshot())
	ok(t, a.Commit(bg))
	if e.m.IsInProgress(x) || !e.m.DidCommit(x) || e.m.DidAbort(x) {
		t.Fatal("not committed")
	}
	if !s.InProgress(x) || !b.Snapshot().InProgress(x) || b.LatestSnapshot().InProgress(x) {
		t.Fatal("snapshots are wrong")
	}
	y := must(b.XID())
	ok(t, b.Abort())
	if e.m.DidCommit(y) || !e.m.DidAbort(y) {
		t.Fatal("not aborted")
	}
}

func TestSubtransactions(t *testing.T) {
	e := newEnv(t, Options{})
	p := e.m.NewProc(ProcOptions{Database: 5})
	a := p.Begin(BeginOptions{})
	var log []string
	note := func(s string) func() { return func() { log = append(log, s) } }
	ok(t, a.BeginSub("s1"))
	ok(t, a.BeginSub("s2"))
	a.OnCommit(note("commit 2"))
	a.OnAbort(note("abort 2"))
	x2 := must(a.XID()) // parents get theirs first
	if a.TopXID() != x2-2 || e.m.TopXID(x2) != a.TopXID() {
		t.Fatal(a.TopXID(), x2)
	}
	ok(t, a.CommitSub())
	if !a.IsCurrent(x2) {
		t.Fatal("committed child is not current")
	}
	ok(t, a.BeginSub("s3"))
	x3 := must(a.XID())
	a.OnAbort(note("abort 3"))
	ok(t, a.AbortSub())
	if a.IsCurrent(x3) || e.m.IsInProgress(x3) || !e.m.DidAbort(x3) {
		t.Fatal("aborted child lives")
	}
	snap := e.m.Begin(BeginOptions{})
	if s := snap.Snapshot(); !s.InProgress(x2) || s.InProgress(x3) {
		t.Fatal("snapshot")
	}
	ok(t, a.Commit(bg))
	for x := x2 - 2; x <= x2; x++ {
		if !e.m.DidCommit(x) {
			t.Errorf("%d not committed", x)
		}
	}
	if !slices.Equal(log, []string{"abort 3", "commit 2"}) {
		t.Error(log)
	}
	if snap.Snapshot().InProgress(x2) {
		t.Error("read committed does not see it")
	}
}

// TestTreeAcrossPages commits a tree whose members lie on two pg_xact pages.
func TestTreeAcrossPages(t *testing.T) {
	e := newEnv(t, Options{})
	e.m.gen.next = xid.Full(clogXactsPerPage - 2)
	e.m.procs.latest.Store(clogXactsPerPage - 3)
	ok(t, e.m.zeroSubtrans(e.m.gen.next.XID(), e.m.gen.next.XID()))
	a := e.m.Begin(BeginOptions{})
	top := must(a.XID())
	var subs []xid.XID
	for range 100 { // more than a Proc shows
		ok(t, a.BeginSub(""))
		subs = append(subs, must(a.XID()))
		ok(t, a.CommitSub())
	}
	s := e.m.Begin(BeginOptions{})
	snap := s.Register(s.Snapshot())
	if !snap.Overflowed {
		// they are all past the latest finished xid: nothing to list
		b := e.m.Begin(BeginOptions{})
		must(b.XID())
		ok(t, b.Commit(bg))
		snap = s.Register(s.Snapshot())
	}
	if !snap.Overflowed || !snap.InProgress(subs[99]) || !e.m.IsInProgress(subs[99]) || !snap.InProgress(top) {
		t.Fatal("overflowed subtransaction is not seen as running")
	}
	ok(t, a.Commit(bg))
	for _, x := range append(subs, top) {
		if !e.m.DidCommit(x) || e.m.IsInProgress(x) || !snap.InProgress(x) {
			t.Fatalf("%d", x)
		}
	}
}

func TestSnapshotCache(t *testing.T) {
	e := newEnv(t, Options{})
	w, r := e.m.Begin(BeginOptions{}), e.m.Begin(BeginOptions{})
	x := must(w.XID())
	_ = r.Snapshot()
	d := r.stmt.data
	if r.Snapshot(); r.stmt.data != d {
		t.Error("not reused")
	}
	ok(t, w.Commit(bg))
	if s := r.Snapshot(); s.data == d || s.InProgress(x) {
		t.Error("stale snapshot")
	}
}

func TestHorizon(t *testing.T) {
	e := newEnv(t, Options{})
	r := e.m.NewProc(ProcOptions{Database: 5}).Begin(BeginOptions{})
	s := r.Register(r.Snapshot())
	w := e.m.Begin(BeginOptions{})
	x := must(w.XID())
	ok(t, w.Commit(bg))
	if h := e.m.OldestXmin(5, false); h != s.Xmin {
		t.Errorf("horizon %d passes snapshot %d", h, s.Xmin)
	}
	if h := e.m.OldestXmin(6, false); h != x+1 {
		t.Errorf("another database holds %d back", h)
	}
	if h := e.m.OldestXmin(0, false); h != s.Xmin {
		t.Errorf("shared horizon %d", h)
	}
	r.Unregister(s)
	if h := e.m.OldestXmin(5, false); h != x+1 || !e.m.Removable(x, 5, false) {
		t.Errorf("horizon %d is held back by nobody", h)
	}
}

// orderLog checks that pg_xact says nothing before the commit is flushed.
type orderLog struct {
	Log
	before func()
}

func (l *orderLog) FlushCommit(upTo lsn.LSN) error {
	if l.before != nil {
		l.before()
	}
	return l.Log.FlushCommit(upTo)
}

func TestCommitOrder(t *testing.T) {
	e := newEnv(t, Options{})
	ol := &orderLog{Log: e.log}
	e.m.SetLog(ol)
	a := e.m.Begin(BeginOptions{})
	x := must(a.XID())
	seen := false
	ol.before = func() {
		seen = true
		if e.m.DidCommit(x) || !e.m.IsInProgress(x) {
			t.Error("committed before the flush")
		}
	}
	ok(t, a.Commit(bg))
	if !seen || e.log.FlushLSN() == testStart || e.m.CommitLSN(x) != lsn.Invalid {
		t.Fatal("no flush")
	}
	async := e.m.NewProc(ProcOptions{SyncCommit: func() bool { return false }})
	b := async.Begin(BeginOptions{})
	y := must(b.XID())
	ol.before = func() { t.Error("asynchronous commit waits") }
	ok(t, b.Commit(bg))
	if at := e.m.CommitLSN(y); at == lsn.Invalid || at <= e.log.FlushLSN() {
		t.Fatalf("hint bits would be set at once: %s", at)
	}
	ok(t, e.m.Checkpoint())
	if e.log.FlushLSN() < e.m.CommitLSN(y) {
		t.Fatal("pg_xact is ahead of the log")
	}
}

func TestCommitCritical(t *testing.T) {
	e := newEnv(t, Options{})
	ol := &orderLog{Log: e.log}
	e.m.SetLog(ol)
	var c Critical
	ol.before = func() {
		if c = e.m.CommitCritical(); c.Done() {
			t.Error("a checkpoint would not wait")
		}
	}
	a := e.m.Begin(BeginOptions{})
	must(a.XID())
	ok(t, a.Commit(bg))
	c.Wait()
	if len(c.procs) != 1 || len(e.m.CommitCritical().procs) != 0 {
		t.Fatal(c)
	}
}

// TestVisibilityOrder: while transactions commit, whatever a snapshot does not
// see as running is decided.
func TestVisibilityOrder(t *testing.T) {
	e := newEnv(t, Options{})
	var last atomic.Uint32
	last.Store(700)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			p := e.m.NewProc(ProcOptions{SyncCommit: func() bool { return g == 0 }})
			defer p.Close()
			for range 300 {
				a := p.Begin(BeginOptions{})
				x := must(a.XID())
				if g == 1 {
					_ = a.BeginSub("")
					x = must(a.XID())
					_ = a.CommitSub()
				}
				for o := last.Load(); uint32(x) > o && !last.CompareAndSwap(o, uint32(x)); o = last.Load() {
				}
				if x%5 == 0 {
					_ = a.Abort()
				} else if err := a.Commit(bg); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			p := e.m.NewProc(ProcOptions{Database: 5})
			defer p.Close()
			for !stop.Load() {
				r := p.Begin(BeginOptions{})
				s := r.Snapshot()
				hi := xid.XID(last.Load())
				for x := hi; x >= 700 && x+50 > hi; x-- {
					if !s.InProgress(x) && !e.m.DidCommit(x) && !e.m.DidAbort(x) {
						t.Errorf("%d is neither running nor decided", x)
					}
				}
				if h := e.m.OldestXmin(5, false); h.Follows(s.Xmin) {
					t.Errorf("horizon %d passes %d", h, s.Xmin)
				}
				_ = r.Commit(bg)
			}
		})
	}
	time.AfterFunc(200*time.Millisecond, func() { stop.Store(true) })
	wg.Wait()
}

func TestReadOnlyAllocatesNothing(t *testing.T) {
	e := newEnv(t, Options{})
	p := e.m.NewProc(ProcOptions{Database: 5})
	w := e.m.Begin(BeginOptions{})
	must(w.XID())
	if n := testing.AllocsPerRun(200, func() {
		a := p.Begin(BeginOptions{})
		if a.Snapshot().InProgress(699) {
			panic("wrong")
		}
		if a.Commit(bg) != nil {
			panic("failed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCombo(t *testing.T) {
	e := newEnv(t, Options{})
	a := e.m.Begin(BeginOptions{})
	c := a.ComboCommand(3, 9)
	if d := a.ComboCommand(4, 9); d == c || a.ComboCommand(3, 9) != c || a.ComboMin(d) != 4 || a.ComboMax(c) != 9 {
		t.Fatal(c, d)
	}
	if a.CommandID(false) != 0 || a.NextCommand() != nil || a.CommandID(true) != 0 || a.NextCommand() != nil || a.CommandID(false) != 1 {
		t.Fatal(a.cmd)
	}
}

func TestFilesGoAtTheRightEnd(t *testing.T) {
	var gone []oid.OID
	e := newEnv(t, Options{RemoveFiles: func(rels []smgr.Rel, _ bool) error {
		for _, r := range rels {
			gone = append(gone, r.Rel)
		}
		return nil
	}})
	rel := func(n oid.OID) smgr.Rel {
		return smgr.Rel{RelFileNode: page.RelFileNode{Spc: 1663, DB: 5, Rel: n}, Backend: smgr.NoBackend}
	}
	a := e.m.Begin(BeginOptions{})
	must(a.XID())
	a.CreatedRel(rel(1))
	a.DropRelAtCommit(rel(2))
	ok(t, a.BeginSub(""))
	a.CreatedRel(rel(3))
	a.DropRelAtCommit(rel(4))
	ok(t, a.AbortSub())
	if !slices.Equal(gone, []oid.OID{3}) {
		t.Fatal(gone)
	}
	ok(t, a.Commit(bg))
	if !slices.Equal(gone, []oid.OID{3, 2}) {
		t.Fatal(gone)
	}
}

func TestWraparoundStops(t *testing.T) {
	e := newEnv(t, Options{DatabaseName: func(oid.OID) string { return "postgres" }})
	var warned *pgerr.Error
	p := e.m.NewProc(ProcOptions{Notice: func(w *pgerr.Error) { warned = w }})
	e.m.gen.next = xid.Full(600 + 0x7FFFFFFF - warnBefore)
	must(p.Begin(BeginOptions{}).XID())
	if warned == nil || warned.Msg != fmt.Sprintf("database %q must be vacuumed within %d transactions", "postgres", warnBefore) {
		t.Fatal(warned)
	}
	e.m.gen.next = xid.Full(600 + 0x7FFFFFFF - stopBefore)
	_, err := e.m.Begin(BeginOptions{}).XID()
	if pgerr.CodeOf(err) != pgerr.ProgramLimitExceeded ||
		err.Error() != `database is not accepting commands to avoid wraparound data loss in database "postgres"` {
		t.Fatal(err)
	}
}

func TestNextOID(t *testing.T) {
	e := newEnv(t, Options{})
	for i := range 10000 {
		if o := must(e.m.NextOID()); o != oid.FirstNormal+oid.OID(i) {
			t.Fatal(o)
		}
	}
	cp := new(pgcontrol.CheckPoint)
	e.m.FillCheckPoint(cp, false)
	if cp.NextOID != oid.FirstNormal+2*oidsPrefetch {
		t.Fatal(cp.NextOID)
	}
}

func TestWaitFor(t *testing.T) {
	e := newEnv(t, Options{})
	a, b := e.m.Begin(BeginOptions{}), e.m.Begin(BeginOptions{})
	ok(t, a.BeginSub(""))
	x := must(a.XID())
	ok(t, a.CommitSub())
	if e.m.TryWaitFor(b, x) {
		t.Fatal("did not wait")
	}
	done := make(chan error, 1)
	go func() { done <- e.m.WaitFor(bg, b, x) }()
	time.Sleep(20 * time.Millisecond)
	if len(done) != 0 {
		t.Fatal("did not wait for the parent")
	}
	ok(t, a.Commit(bg))
	ok(t, <-done)
}
