package walwriter

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgmini/pgmini/vfs/memfs"
	"github.com/pgmini/pgmini/xlog"
)

func openLog(t *testing.T, opt xlog.Options) *xlog.Log {
	t.Helper()
	fs := memfs.New()
	if err := fs.Mkdir("pg_wal"); err != nil {
		t.Fatal(err)
	}
	opt.FS, opt.Dir, opt.SegSize, opt.Timeline = fs, "pg_wal", 1<<20, 1
	l, err := xlog.OpenForWrite(opt, 1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func run(t *testing.T, l Log) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	w := New(Options{Log: l, Delay: func() time.Duration { return 200 * time.Millisecond }})
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAsyncCommitIsFlushed(t *testing.T) {
	for _, before := range []time.Duration{0, 130 * time.Millisecond, time.Hour} { // the last: hibernating
		synctest.Test(t, func(t *testing.T) {
			l := openLog(t, xlog.Options{})
			defer l.Close()
			stop := run(t, l)
			defer stop()
			time.Sleep(before)
			var r xlog.Record
			for i := range 20 {
				r.Begin(xlog.RmXLOG, xlog.InfoNoop, 0)
				r.Data(make([]byte, 3000))
				at, err := l.Insert(&r)
				if err != nil {
					t.Fatal(err)
				}
				l.SetAsyncLSN(at)
				time.Sleep(600*time.Millisecond + time.Millisecond)
				if l.FlushLSN() < at {
					t.Fatalf("commit %d not durable after three delays: flushed to %s of %s", i, l.FlushLSN(), at)
				}
			}
		})
	}
}

// counting is a Log that never has work.
type counting struct {
	turns atomic.Int64
	wake  chan struct{}
	sleep atomic.Bool
	err   error
}

func (c *counting) BackgroundFlush() (bool, error) { c.turns.Add(1); return false, c.err }
func (c *counting) Wake() <-chan struct{}          { return c.wake }
func (c *counting) SetHibernating(on bool)         { c.sleep.Store(on) }

func TestHibernates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{wake: make(chan struct{}, 1)}
		stop := run(t, c)
		time.Sleep(9*time.Second + time.Millisecond)
		synctest.Wait()
		if n := c.turns.Load(); n != 46 || c.sleep.Load() {
			t.Errorf("%d turns in 9 s, hibernating %v", n, c.sleep.Load())
		}
		time.Sleep(111 * time.Second)
		synctest.Wait()
		if n := c.turns.Load(); n > 46+5+22 || !c.sleep.Load() {
			t.Errorf("%d turns in two idle minutes, hibernating %v", n, c.sleep.Load())
		}
		turns := c.turns.Load()
		c.wake <- struct{}{}
		synctest.Wait()
		if n := c.turns.Load() - turns; n != 1 || c.sleep.Load() {
			t.Errorf("woken: %d turns, hibernating %v", n, c.sleep.Load())
		}
		stop()
	})
}

func TestErrorEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{err: errors.New("disk gone")}
		w := New(Options{Log: c, Delay: func() time.Duration { return time.Second }})
		if err := w.Run(t.Context()); !errors.Is(err, c.err) {
			t.Error(err)
		}
	})
}
