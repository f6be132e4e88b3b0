package walwriter

import (
	"context"
	"errors"
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
	turns int
	wake  chan struct{}
	sleep bool
	err   error
}

func (c *counting) BackgroundFlush() (bool, error) { c.turns++; return false, c.err }
func (c *counting) Wake() <-chan struct{}          { return c.wake }
func (c *counting) SetHibernating(on bool)         { c.sleep = on }

func TestHibernates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{wake: make(chan struct{}, 1)}
		stop := run(t, c)
		time.Sleep(9*time.Second + time.Millisecond)
		if c.turns != 46 || c.sleep {
			t.Errorf("%d turns in 9 s, hibernating %v", c.turns, c.sleep)
		}
		time.Sleep(111 * time.Second)
		if c.turns > 46+5+22 || !c.sleep {
			t.Errorf("%d turns in two idle minutes, hibernating %v", c.turns, c.sleep)
		}
		turns := c.turns
		c.wake <- struct{}{}
		time.Sleep(time.Millisecond)
		if c.turns != turns+1 || c.sleep {
			t.Errorf("woken: %d turns, hibernating %v", c.turns-turns, c.sleep)
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
