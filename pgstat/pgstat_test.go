package pgstat

import (
	"sync"
	"testing"
)

// TestOutcome follows INV-STAT-1 through commits, rollbacks, subtransactions and
// truncations.
func TestOutcome(t *testing.T) {
	type want struct{ ins, upd, del, live, dead, changed int64 }
	for _, c := range []struct {
		name string
		run  func(l *Session)
		want want
	}{
		{"commit", func(l *Session) {
			l.Inserted(1, false, 1, 5)
			l.Updated(1, false, 1, true)
			l.Deleted(1, false, 1)
			l.End(true)
		}, want{5, 1, 1, 4, 2, 7}},
		{"rollback", func(l *Session) {
			l.Inserted(1, false, 1, 5)
			l.Updated(1, false, 1, false)
			l.End(false)
		}, want{5, 1, 0, 0, 6, 0}},
		{"subtransaction rolled back", func(l *Session) {
			l.Inserted(1, false, 1, 2)
			l.Inserted(1, false, 2, 3)
			l.EndSub(2, false)
			l.Deleted(1, false, 1)
			l.End(true)
		}, want{5, 0, 1, 1, 4, 3}},
		{"subtransaction kept", func(l *Session) {
			l.Inserted(1, false, 3, 3)
			l.EndSub(3, true)
			l.Inserted(1, false, 2, 1)
			l.EndSub(2, true)
			l.End(true)
		}, want{4, 0, 0, 4, 0, 4}},
		{"truncation", func(l *Session) {
			l.Inserted(1, false, 1, 9)
			l.End(true)
			l.Inserted(1, false, 1, 4)
			l.Truncated(1, false, 1)
			l.Inserted(1, false, 1, 2)
			l.End(true)
		}, want{11, 0, 0, 2, 0, 11}},
		{"truncation rolled back", func(l *Session) {
			l.Inserted(1, false, 1, 9)
			l.End(true)
			l.Inserted(1, false, 1, 4)
			l.Truncated(1, false, 1)
			l.Inserted(1, false, 1, 2)
			l.End(false)
		}, want{13, 0, 0, 9, 4, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New()
			l := s.NewSession()
			l.SetDatabase(7)
			c.run(l)
			x, ok := s.Table(7, 1)
			got := want{x.Inserted, x.Updated, x.Deleted, x.Live, x.Dead, x.ChangedSinceAnalyze}
			if !ok || got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestSessions has sessions count side by side while others read and leave.
func TestSessions(t *testing.T) {
	s := New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				l := s.NewSession()
				l.SetDatabase(7)
				for range 100 {
					l.Inserted(1, false, 1, 1)
					l.Scan(2, false)
					l.Returned(3, true, 2)
					l.End(true)
				}
				s.Table(7, 1)
				l.Close()
			}
		})
	}
	wg.Wait()
	a, _ := s.Table(7, 1)
	b, _ := s.Table(7, 2)
	c, _ := s.Table(7, 3) // shared
	d, _ := s.Database(7)
	if a.Inserted != 8000 || a.Live != 8000 || b.Scans != 8000 || c.Returned != 16000 || d.Commits != 8000 || d.Inserted != 8000 {
		t.Errorf("%+v %+v %+v %+v", a, b, c, d)
	}
}

// TestNil counts without a server.
func TestNil(t *testing.T) {
	var l *Session
	l.Scan(1, false)
	l.Returned(1, false, 1)
	l.Fetched(1, false, 1)
	l.Inserted(1, false, 1, 1)
	l.Updated(1, false, 1, true)
	l.Deleted(1, false, 1)
	l.Truncated(1, false, 1)
	l.EndSub(2, true)
	l.End(true)
	l.Dropped(1, 1)
	l.Vacuumed(1, false, 1, 1)
	l.Analyzed(1, false, 1, 1, true)
	l.Close()
	if l.Pending(1) != (Counts{}) || l.Server() != nil {
		t.Error("a nil session counted")
	}
}

// TestDropped forgets relations that are gone, and databases.
func TestDropped(t *testing.T) {
	s := New()
	l := s.NewSession()
	l.SetDatabase(7)
	l.Inserted(1, false, 1, 1)
	l.Inserted(2, false, 1, 1)
	l.End(true)
	l.Dropped(7, 1)
	if _, ok := s.Table(7, 1); ok {
		t.Error("a dropped relation is still known")
	}
	s.ResetTable(7, 2)
	if x, _ := s.Table(7, 2); x.Inserted != 0 {
		t.Error("a reset left counts")
	}
	l.Inserted(2, false, 1, 1)
	l.End(true)
	s.DropDatabase(7)
	if _, ok := s.Table(7, 2); ok {
		t.Error("a dropped database is still known")
	}
}

// TestAllocations holds the hot path to no allocation once a relation is known.
func TestAllocations(t *testing.T) {
	s := New()
	l := s.NewSession()
	l.SetDatabase(7)
	run := func() {
		l.Scan(2, false)
		l.Returned(2, false, 1)
		l.Fetched(2, false, 1)
		l.Updated(1, false, 1, true)
		l.End(true)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTransaction(b *testing.B) {
	s := New()
	b.RunParallel(func(pb *testing.PB) {
		l := s.NewSession()
		for pb.Next() {
			l.Scan(2, false)
			l.Returned(2, false, 1)
			l.Fetched(2, false, 1)
			l.Updated(1, false, 1, true)
			l.End(true)
		}
	})
}
