package lmgr

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgmini/pgmini/pgerr"
)

func TestConflictTable(t *testing.T) {
	// Rows of the table "Conflicting Lock Modes" of PostgreSQL's documentation,
	// weakest mode first: X conflicts.
	want := []string{
		".......X",
		"......XX",
		"....XXXX",
		"...XXXXX",
		"..XX.XXX",
		"..XXXXXX",
		".XXXXXXX",
		"XXXXXXXX",
	}
	m := New(Options{})
	a, b := m.NewOwner(1), m.NewOwner(2)
	tag := Relation(5, 16384)
	for i := Mode(1); i <= 8; i++ {
		for j := Mode(1); j <= 8; j++ {
			if !m.TryAcquire(a, tag, i) {
				t.Fatal("first lock refused")
			}
			got := m.TryAcquire(b, tag, j)
			if got == (want[i-1][j-1] == 'X') {
				t.Errorf("%s then %s: granted %v", i, j, got)
			}
			m.ReleaseAll(a, false)
			m.ReleaseAll(b, false)
		}
	}
	for i := range m.parts {
		if n := len(m.parts[i].locks); n != 0 {
			t.Errorf("%d locks left", n)
		}
	}
}

// start requests a lock in its own goroutine and returns when it waits or is done.
func start(m *Manager, o *Owner, tag Tag, mode Mode) chan error {
	c := make(chan error, 1)
	go func() { c <- m.Acquire(context.Background(), o, tag, mode) }()
	synctest.Wait()
	return c
}

func done(c chan error) bool { return len(c) == 1 }

func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b, c := m.NewOwner(1), m.NewOwner(2), m.NewOwner(3)
		tag := Relation(5, 16384)
		m.TryAcquire(a, tag, AccessShare)
		wb := start(m, b, tag, AccessExclusive)
		wc := start(m, c, tag, AccessShare) // compatible with a, but must not overtake b
		if done(wb) || done(wc) {
			t.Fatal("overtaken")
		}
		m.ReleaseAll(a, false)
		synctest.Wait()
		if !done(wb) || done(wc) {
			t.Fatal("b first")
		}
		m.ReleaseAll(b, false)
		synctest.Wait()
		if !done(wc) {
			t.Fatal("c was forgotten")
		}
	})
}

func TestAheadOfOwnWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b := m.NewOwner(1), m.NewOwner(2)
		tag := Relation(5, 16384)
		m.TryAcquire(a, tag, RowExclusive)
		wb := start(m, b, tag, Exclusive)
		// b waits for a: a's next request must not queue behind b.
		wa := start(m, a, tag, ShareUpdateExclusive)
		if !done(wa) || done(wb) {
			t.Fatal("a waits behind the one who waits for it")
		}
		m.ReleaseAll(a, false)
		synctest.Wait()
		if !done(wb) {
			t.Fatal("b was forgotten")
		}
	})
}

func TestDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b := m.NewOwner(101), m.NewOwner(202)
		ta, tb := Transaction(700), Relation(5, 16384)
		m.TryAcquire(a, ta, Exclusive)
		m.TryAcquire(b, tb, AccessExclusive)
		wb := start(m, b, ta, Share)
		time.Sleep(500 * time.Millisecond)
		wa := start(m, a, tb, RowExclusive)
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if !done(wb) {
			t.Fatal("no deadlock found")
		}
		e, ok := pgerr.As(<-wb)
		if !ok || e.Code != pgerr.TRDeadlockDetected || e.Msg != "deadlock detected" {
			t.Fatal(e)
		}
		want := "Process 202 waits for ShareLock on transaction 700; blocked by process 101.\n" +
			"Process 101 waits for RowExclusiveLock on relation 16384 of database 5; blocked by process 202."
		if e.Detail != want {
			t.Errorf("detail:\n%s\nwant:\n%s", e.Detail, want)
		}
		if done(wa) {
			t.Fatal("a was granted before b let go")
		}
		m.ReleaseAll(b, false)
		if err := <-wa; err != nil {
			t.Fatal(err)
		}
	})
}

func TestEarlyDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b := m.NewOwner(1), m.NewOwner(2)
		tag := Relation(5, 16384)
		m.TryAcquire(a, tag, Share)
		m.TryAcquire(b, tag, Share)
		wa := start(m, a, tag, RowExclusive)
		wb := start(m, b, tag, RowExclusive) // at once: the upgrade can never work
		if !done(wb) {
			t.Fatal("not found at once")
		}
		if err := <-wb; pgerr.CodeOf(err) != pgerr.TRDeadlockDetected {
			t.Fatal(err)
		}
		m.ReleaseAll(b, false)
		if err := <-wa; err != nil {
			t.Fatal(err)
		}
	})
}

// TestSoftDeadlock: a waits behind b in a queue only because b came first, and b
// waits for a elsewhere in fact; turning the queue around helps.
func TestSoftDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b, c := m.NewOwner(1), m.NewOwner(2), m.NewOwner(3)
		r1, r2 := Relation(5, 1), Relation(5, 2)
		m.TryAcquire(a, r2, AccessExclusive)
		m.TryAcquire(c, r1, AccessShare)
		wb := start(m, b, r1, AccessExclusive) // waits for c
		wa := start(m, a, r1, AccessShare)     // soft: behind b
		wc := start(m, c, r2, AccessShare)     // hard: waits for a
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if !done(wa) || done(wb) || done(wc) {
			t.Fatalf("a %v b %v c %v", done(wa), done(wb), done(wc))
		}
		if err := <-wa; err != nil {
			t.Fatal(err)
		}
		m.ReleaseAll(a, false)
		if err := <-wc; err != nil {
			t.Fatal(err)
		}
		m.ReleaseAll(c, false)
		if err := <-wb; err != nil {
			t.Fatal(err)
		}
	})
}

func TestTimeoutAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b := m.NewOwner(1), m.NewOwner(2)
		tag := AdvisoryInt8(5, -1)
		m.TryAcquireSession(a, tag, Exclusive)
		b.LockTimeout = 10 * time.Millisecond
		err := m.Acquire(context.Background(), b, tag, Exclusive)
		if pgerr.CodeOf(err) != pgerr.LockNotAvailable {
			t.Fatal(err)
		}
		b.LockTimeout = 0
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(5*time.Second, cancel)
		err = m.Acquire(ctx, b, tag, Exclusive)
		if pgerr.CodeOf(err) != pgerr.QueryCanceled || !strings.HasPrefix(err.Error(), "canceling statement due to user request") {
			t.Fatal(err)
		}
		m.ReleaseAll(a, false)
		if m.TryAcquire(b, tag, Exclusive) {
			t.Fatal("a session lock went with the transaction")
		}
		m.ReleaseAll(a, true)
		if !m.TryAcquire(b, tag, Exclusive) {
			t.Fatal("still locked")
		}
	})
}

func TestSubtransactionLocks(t *testing.T) {
	m := New(Options{})
	a, b := m.NewOwner(1), m.NewOwner(2)
	t1, t2 := Relation(5, 1), Relation(5, 2)
	m.TryAcquire(a, t1, Exclusive)
	a.BeginSub()
	m.TryAcquire(a, t1, Exclusive)
	m.TryAcquire(a, t2, Exclusive)
	a.AbortSub()
	if !a.Holds(t1, Exclusive) || a.Holds(t2, Exclusive) {
		t.Fatal("abort released the wrong locks")
	}
	a.BeginSub()
	m.TryAcquire(a, t2, Exclusive)
	a.CommitSub()
	if m.TryAcquire(b, t2, Share) {
		t.Fatal("committed subtransaction lost its lock")
	}
	m.ReleaseAll(a, false)
	if !m.TryAcquire(b, t2, Share) {
		t.Fatal("lock leaked")
	}
}

func TestVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		a, b := m.NewOwner(1), m.NewOwner(2)
		id := VirtualXID{3, 7}
		a.StartVirtual(id)
		c := make(chan error, 1)
		go func() { c <- m.WaitVirtual(context.Background(), b, id) }()
		synctest.Wait()
		if done(c) {
			t.Fatal("did not wait")
		}
		if got := m.Blockers(2); len(got) != 1 || got[0] != 1 {
			t.Fatal(got)
		}
		a.EndVirtual()
		if err := <-c; err != nil {
			t.Fatal(err)
		}
		if rows := m.List(); len(rows) != 0 {
			t.Fatal(rows)
		}
	})
}

// TestStress takes random locks from many goroutines: exclusion is checked by
// counters, progress by the test ending at all.
func TestStress(t *testing.T) {
	m := New(Options{DeadlockTimeout: func() time.Duration { return 3 * time.Millisecond }})
	const tags = 4
	var held [tags][maxMode + 1]int
	var mu sync.Mutex
	check := func(tag int, mode Mode, d int) {
		mu.Lock()
		defer mu.Unlock()
		if d > 0 {
			for c := Mode(1); c <= maxMode; c++ {
				if mode.Conflicts(c) && held[tag][c] > 0 {
					t.Errorf("%s granted beside %s", mode, c)
				}
			}
		}
		held[tag][mode] += d
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			o := m.NewOwner(int32(g + 1))
			defer o.Close()
			x := uint64(g)*7919 + 1
			next := func(n uint64) int { x = x*6364136223846793005 + 1442695040888963407; return int(x >> 33 % n) }
			for range 300 {
				used := map[int]bool{}
				type got struct {
					tag  int
					mode Mode
				}
				var have []got
				for range 3 {
					tag, mode := next(tags), Mode(next(8)+1)
					if used[tag] {
						continue // an upgrade would conflict with the counters of this test
					}
					if m.Acquire(context.Background(), o, Relation(1, 100).with(tag), mode) != nil {
						break
					}
					used[tag] = true
					check(tag, mode, 1)
					have = append(have, got{tag, mode})
				}
				for _, h := range have {
					check(h.tag, h.mode, -1)
				}
				m.ReleaseAll(o, false)
			}
		})
	}
	wg.Wait()
	if rows := m.List(); len(rows) != 0 {
		t.Fatal(rows)
	}
}

func (t Tag) with(i int) Tag { t.F2 += uint32(i); return t }

func TestReacquireAllocatesNothing(t *testing.T) {
	m := New(Options{})
	o := m.NewOwner(1)
	tag := Relation(5, 16384)
	ctx := context.Background()
	n := testing.AllocsPerRun(100, func() {
		_ = m.Acquire(ctx, o, tag, AccessShare)
		_ = m.Acquire(ctx, o, tag, RowExclusive)
		m.ReleaseAll(o, false)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
