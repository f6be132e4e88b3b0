package heap

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// TestMVCC is a table of who sees what: own commands, savepoints, others.
func TestMVCC(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	want := func(what string, tx *xact.Tx, s Snapshot, ids ...string) {
		t.Helper()
		exp := map[int]string{}
		for i := 0; i < len(ids); i += 2 {
			var id int
			fmt.Sscan(ids[i], &id)
			exp[id] = ids[i+1]
		}
		if got := w.rows(tx, rel, s); !maps.Equal(got, exp) {
			t.Errorf("%s: sees %v, want %v", what, got, exp)
		}
	}
	a, other := w.begin(), w.sys.Xact.Begin(xact.BeginOptions{Isolation: xact.RepeatableRead})
	before := MVCC(other.Register(other.Snapshot()))
	s0 := MVCC(a.Register(a.Snapshot()))
	tid := w.insert(a, rel, 1, "one")
	want("the inserting command itself", a, s0)
	must(t, a.NextCommand())
	s1 := MVCC(a.Register(a.Snapshot()))
	want("the next command", a, s1, "1", "one")
	u := w.update(a, rel, tid, 1, "uno")
	want("a snapshot from before the update (combo command id)", a, s1, "1", "one")
	must(t, a.NextCommand())
	want("after the update", a, MVCC(a.Snapshot()), "1", "uno")
	must(t, a.BeginSub("s"))
	w.delete(a, rel, u.TID)
	w.insert(a, rel, 2, "two")
	must(t, a.NextCommand())
	want("in the subtransaction", a, MVCC(a.Snapshot()), "2", "two")
	must(t, a.AbortSub())
	want("after its rollback", a, MVCC(a.Snapshot()), "1", "uno")
	want("another transaction", other, MVCC(other.Snapshot()))
	want("now, for the other", other, Self())
	var d Dirty
	f := NewFetcher(other, rel)
	if _, ok, err := f.Fetch(u.TID, DirtySnapshot(&d)); err != nil || !ok || d.Xmin != a.TopXID() {
		t.Errorf("dirty, for the other: %v %v %+v", ok, err, d)
	}
	f.Close()
	must(t, a.Commit(bg))
	want("repeatable read", other, before)
	want("self after commit", other, Self(), "1", "uno")
	b := w.begin()
	want("a new snapshot", b, MVCC(b.Snapshot()), "1", "uno")
	res, fd, err := Delete(bg, b, rel, tid, ChangeOptions{Command: b.CommandID(true)})
	if err != nil || res != Updated || fd.CTID != u.TID {
		t.Errorf("delete of an old version: %v %+v %v", res, fd, err)
	}
	must(t, b.Abort())
	must(t, other.Abort())
}

// hintsOf returns the hint bits of the tuple at tid.
func (w *world) hintsOf(rel *access.Relation, tid page.TID) uint16 {
	b, err := w.pool.Read(rel.Tag(page.MainFork, tid.Block), bufmgr.Normal, nil)
	must(w.t, err)
	defer w.pool.Release(b)
	t, err := tupleOn(w.pool.Page(b), tid.Off)
	must(w.t, err)
	return t.Infomask() & (access.XminFrozen | access.XmaxCommitted | access.XmaxInvalid)
}

// TestHintBits: a scan leaves the outcome in the tuple, but not "committed" of an
// asynchronous commit that is not durable and that the page's LSN does not cover.
func TestHintBits(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	p := w.sys.Xact.NewProc(xact.ProcOptions{SyncCommit: func() bool { return false }})
	a := p.Begin(xact.BeginOptions{})
	tid := w.insert(a, rel, 1, "async")
	must(t, a.Commit(bg))
	w.now(rel)
	if h := w.hintsOf(rel, tid); h != access.XmaxInvalid {
		t.Errorf("hints %#x before the commit is durable", h)
	}
	must(t, w.sys.Log.Flush(w.sys.Log.InsertEnd()))
	w.now(rel)
	if h := w.hintsOf(rel, tid); h != access.XmaxInvalid|access.XminCommitted {
		t.Errorf("hints %#x after", h)
	}
	b := w.begin()
	gone := w.insert(b, rel, 2, "aborted")
	w.delete(b, rel, tid)
	must(t, b.Abort())
	w.now(rel)
	if h := w.hintsOf(rel, gone); h != access.XmaxInvalid|access.XminInvalid {
		t.Errorf("hints %#x of an aborted insertion", h)
	}
	if h := w.hintsOf(rel, tid); h != access.XmaxInvalid|access.XminCommitted {
		t.Errorf("hints %#x of an aborted deletion", h)
	}
}

// lines describes the line pointers of block 0.
func (w *world) lines(rel *access.Relation) string {
	p := w.pages(rel.Node, page.MainFork)[0]
	var out []string
	for o := page.OffsetNumber(1); o <= p.NumItems(); o++ {
		id := p.ItemID(o)
		switch id.Flags() {
		case page.LPRedirect:
			out = append(out, fmt.Sprintf("%d->%d", o, id.Off()))
		case page.LPDead:
			out = append(out, fmt.Sprintf("%d dead", o))
		case page.LPNormal:
			out = append(out, fmt.Sprintf("%d", o))
		default:
			out = append(out, fmt.Sprintf("%d unused", o))
		}
	}
	return strings.Join(out, ", ")
}

// TestPrune follows the line pointers of a HOT chain through pruning and VACUUM.
func TestPrune(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	do := func(f func(tx *xact.Tx)) {
		tx := w.begin()
		f(tx)
		must(t, tx.Commit(bg))
	}
	prune := func(want string) {
		t.Helper()
		tx := w.begin()
		b, err := w.pool.Read(rel.Tag(page.MainFork, 0), bufmgr.Normal, nil)
		must(t, err)
		if !w.pool.TryLockCleanup(b) {
			t.Fatal("no cleanup lock: somebody kept a pin")
		}
		v := newViewer(tx, rel)
		_, err = prunePage(&v, rel, b, horizon(w.sys.Xact, rel))
		must(t, err)
		w.pool.UnlockRelease(b)
		must(t, tx.Abort())
		if got := w.lines(rel); got != want {
			t.Errorf("after pruning: %s, want %s", got, want)
		}
	}
	var one, two page.TID
	do(func(tx *xact.Tx) { one, two = w.insert(tx, rel, 1, "a"), w.insert(tx, rel, 2, "b") })
	cur := one
	for i := range 3 {
		do(func(tx *xact.Tx) {
			u := w.update(tx, rel, cur, 1, fmt.Sprint(i))
			if !u.HOT || u.Lock != NoKeyExclusive {
				t.Errorf("update %d: %+v", i, u)
			}
			cur = u.TID
		})
	}
	prune("1->5, 2, 3 unused, 4 unused, 5")
	do(func(tx *xact.Tx) {
		f := NewFetcher(tx, rel)
		defer f.Close()
		tup, found, _, err := f.FetchHOT(one, MVCC(tx.Snapshot()))
		if err != nil || !found || tup.TID != cur {
			t.Errorf("through the redirect: %v %v %v", tup.TID, found, err)
		}
	})
	do(func(tx *xact.Tx) { // the key changes: not HOT
		if u := w.update(tx, rel, two, 3, "c"); u.HOT || u.Lock != Exclusive {
			t.Errorf("key update: %+v", u)
		}
	})
	do(func(tx *xact.Tx) { w.delete(tx, rel, cur) })
	prune("1 dead, 2 dead, 3")
	do(func(tx *xact.Tx) {
		f := NewFetcher(tx, rel)
		defer f.Close()
		if _, found, _, err := f.FetchHOT(two, MVCC(tx.Snapshot())); found || err != nil {
			t.Error("a dead row is found", err)
		}
	})
	w.vacuum(rel, 0)
	if got := w.lines(rel); got != "1 unused, 2 unused, 3" {
		t.Errorf("after VACUUM: %s", got)
	}
	p := w.pages(rel.Node, page.MainFork)[0]
	tup, err := tupleOn(p, 3)
	must(t, err)
	if p.Flags()&page.AllVisible == 0 || tup.Xmin() != xid.Frozen {
		t.Errorf("after VACUUM: flags %#x xmin %d", p.Flags(), tup.Xmin())
	}
	do(func(tx *xact.Tx) { w.delete(tx, rel, page.TID{Off: 3}) })
	if res := w.vacuum(rel, 0); res.Truncated != 1 || res.Pages != 0 || res.NewFrozenXID <= 700 {
		t.Errorf("VACUUM of an empty table: %+v", res)
	}
}

// TestFetchAllocatesNothing: a visible tuple is fetched by its TID without
// allocation.
func TestFetchAllocatesNothing(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	tx := w.begin()
	tid := w.insert(tx, rel, 1, strings.Repeat("v", 100))
	must(t, tx.Commit(bg))
	tx = w.begin()
	defer tx.Abort()
	s := MVCC(tx.Register(tx.Snapshot()))
	f := NewFetcher(tx, rel)
	defer f.Close()
	var v [2]datum.Datum
	one := func() {
		tup, found, _, err := f.FetchHOT(tid, s)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		must(t, access.Deform(rel.Desc, tup.Data, 2, v[:], nil))
	}
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScan(b *testing.B) {
	w := newWorld(b, 4096, false)
	rel := w.table(20000)
	tx := w.begin()
	var rows [][]datum.Datum
	for i := range 100000 {
		rows = append(rows, row(i, strings.Repeat("x", 84)))
	}
	must(b, MultiInsert(bg, tx, rel, rows, InsertOptions{Command: tx.CommandID(true)}, make([]page.TID, len(rows))))
	must(b, tx.Commit(bg))
	tx = w.begin()
	defer tx.Abort()
	var v [2]datum.Datum
	b.ReportAllocs()
	for b.Loop() {
		s, err := BeginScan(tx, rel, MVCC(tx.Snapshot()), ScanOptions{})
		must(b, err)
		n := 0
		for {
			ts, err := s.NextBatch()
			must(b, err)
			if ts == nil {
				break
			}
			for _, t := range ts {
				if err := access.Deform(rel.Desc, t.Data, 2, v[:], nil); err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		if n != 100000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100000, "ns/row")
}

func BenchmarkInsert(b *testing.B) {
	w := newWorld(b, 4096, false)
	rel := w.table(20000)
	tx := w.begin()
	vals := row(1, strings.Repeat("x", 84))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Insert(bg, tx, rel, vals, InsertOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSample: every row is equally likely, the estimates are right.
func TestSample(t *testing.T) {
	w := newWorld(t, 256, false)
	rel := w.table(20000)
	tx := w.begin()
	var rows [][]datum.Datum
	for i := range 5000 {
		rows = append(rows, row(i, strings.Repeat("x", 60)))
	}
	tids := make([]page.TID, len(rows))
	must(t, MultiInsert(bg, tx, rel, rows, InsertOptions{Command: tx.CommandID(true)}, tids))
	must(t, tx.Commit(bg))
	tx = w.begin()
	for i := 0; i < 5000; i += 10 {
		w.delete(tx, rel, tids[i])
	}
	must(t, tx.Commit(bg))
	tx = w.begin()
	defer tx.Abort()
	s, err := SampleRows(bg, tx, rel, 300, rand.New(rand.NewPCG(1, 1)))
	must(t, err)
	if len(s.Rows) != 300 || s.Live != 4500 || s.Dead != 500 {
		t.Errorf("%d rows, estimates %v live %v dead", len(s.Rows), s.Live, s.Dead)
	}
	small, err := SampleRows(bg, tx, rel, 20, rand.New(rand.NewPCG(1, 1)))
	must(t, err)
	if len(small.Rows) != 20 || small.Live < 3500 || small.Live > 5500 {
		t.Errorf("%d rows, %v live of 4500", len(small.Rows), small.Live)
	}
}

func BenchmarkMultiInsert(b *testing.B) {
	w := newWorld(b, 16384, false)
	rel := w.table(20000)
	tx := w.begin()
	var rows [][]datum.Datum
	for i := range 1000 {
		rows = append(rows, row(i, strings.Repeat("x", 84)))
	}
	tids := make([]page.TID, len(rows))
	bulk := NewBulk(rel)
	b.ReportAllocs()
	for b.Loop() {
		if err := MultiInsert(bg, tx, rel, rows, InsertOptions{Bulk: bulk}, tids); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}

// TestFreezeMulti: lockers that are over leave no trace after a freeze; one that
// runs stays, as does its multixact's age.
func TestFreezeMulti(t *testing.T) {
	w := newWorld(t, 64, false)
	rel := w.table(20000)
	tx := w.begin()
	tid := w.insert(tx, rel, 1, "a")
	must(t, tx.Commit(bg))
	lock := func() *xact.Tx {
		tx := w.begin()
		res, _, _, err := LockTuple(bg, tx, rel, tid, LockOptions{Mode: Share})
		if err != nil || res != OK {
			t.Fatal(res, err)
		}
		return tx
	}
	tuple := func() access.Tuple {
		tup, err := tupleOn(w.pages(rel.Node, page.MainFork)[0], 1)
		must(t, err)
		return tup
	}
	a, b := lock(), lock()
	m := tuple()
	if m.Infomask()&access.XmaxIsMulti == 0 || !access.XmaxLockedOnly(m.Infomask()) {
		t.Fatalf("two share locks: infomask %#x", m.Infomask())
	}
	must(t, a.Commit(bg))
	if res := w.vacuum(rel, 0); res.NewMinMulti > xid.Multi(tuple().RawXmax()) {
		t.Errorf("relminmxid %d is past a multixact that is in use, %d", res.NewMinMulti, tuple().RawXmax())
	}
	c := w.begin()
	if got, _, _, err := LockTuple(bg, c, rel, tid, LockOptions{Mode: Exclusive, Wait: WaitSkip}); err != nil || got != WouldBlock {
		t.Errorf("a running locker was frozen away: %d %v", got, err)
	}
	must(t, c.Abort())
	must(t, b.Commit(bg))
	tx = w.begin()
	res, err := Vacuum(bg, tx, rel, VacuumParams{NoPageSkipping: true, FreezeTableAge: 1 << 30, MultiFreezeTableAge: 1 << 30, RelFrozenXID: 600, RelMinMulti: 1})
	must(t, err)
	must(t, tx.Commit(bg))
	got := tuple()
	if got.RawXmax() != xid.Invalid || got.Infomask()&access.XmaxInvalid == 0 || got.Xmin() != xid.Frozen || res.Frozen != 1 {
		t.Errorf("after the freeze: xmax %d infomask %#x, %d frozen", got.RawXmax(), got.Infomask(), res.Frozen)
	}
	w.sameAfterRedo(rel)
}

func BenchmarkHotUpdate(b *testing.B) {
	w := newWorld(b, 4096, false)
	rel := w.table(20000)
	tx := w.begin()
	tid := w.insert(tx, rel, 1, strings.Repeat("x", 84))
	must(b, tx.Commit(bg))
	vals := row(1, strings.Repeat("y", 84))
	b.ReportAllocs()
	for b.Loop() {
		tx := w.begin()
		res, u, _, err := Update(bg, tx, rel, tid, vals, ChangeOptions{Command: tx.CommandID(true)})
		if err != nil || res != OK {
			b.Fatal(res, err)
		}
		tid = u.TID
		if err := tx.Commit(bg); err != nil {
			b.Fatal(err)
		}
		buf, _ := w.pool.Read(rel.Tag(page.MainFork, tid.Block), bufmgr.Normal, nil)
		tx = w.begin()
		if err := PruneOpt(tx, rel, buf); err != nil {
			b.Fatal(err)
		}
		w.pool.Release(buf)
		tx.Abort()
	}
}
