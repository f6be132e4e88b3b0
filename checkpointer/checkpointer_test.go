package checkpointer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgmini/pgmini/lsn"
)

const seg = lsn.SegSize(1 << 20)

// fake is a server whose checkpoints only take time.
type fake struct {
	start   time.Time
	mu      sync.Mutex
	log     []string
	text    bytes.Buffer
	timeout atomic.Int64 // seconds
	maxWAL  atomic.Int64
	insert  atomic.Uint64
	redo    atomic.Uint64
	writes  int // per checkpoint
	fail    error
	metrics Metrics
}

func (f *fake) options() Options {
	return Options{
		Do: func(_ context.Context, fl Flags, throttle func(float64)) (bool, error) {
			begin := time.Now()
			f.redo.Store(f.insert.Load())
			for n := range f.writes {
				throttle(float64(n+1) / float64(f.writes))
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.log = append(f.log, strings.TrimSpace(fmt.Sprintf("%v%s took %v", begin.Sub(f.start), fl, time.Since(begin).Round(time.Second))))
			return true, f.fail
		},
		Timeout:    func() time.Duration { return time.Duration(f.timeout.Load()) * time.Second },
		Completion: func() float64 { return 0.9 },
		Warning:    func() time.Duration { return 30 * time.Second },
		MaxWALSize: f.maxWAL.Load,
		SegSize:    seg,
		InsertLSN:  func() lsn.LSN { return lsn.LSN(f.insert.Load()) },
		RedoLSN:    func() lsn.LSN { return lsn.LSN(f.redo.Load()) },
		Metrics:    &f.metrics,
		Log:        slog.New(slog.NewTextHandler(&f.text, nil)),
	}
}

func newFake() *fake {
	f := &fake{start: time.Now()}
	f.timeout.Store(300)
	f.maxWAL.Store(64 << 20)
	return f
}

func run(c *Checkpointer) (stop func(why error) error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func(why error) error {
		cancel(why)
		return <-done
	}
}

func (f *fake) want(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.log, want) {
		t.Errorf("got  %q\nwant %q", f.log, want)
	}
}

// TestTimer follows the timeout, its reload, requests and the end.
func TestTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := New(f.options())
		stop := run(c)
		time.Sleep(301 * time.Second)
		f.timeout.Store(600)
		c.Reload()
		time.Sleep(700 * time.Second)
		if err := c.Checkpoint(context.Background(), Immediate|Force); err != nil {
			t.Error(err)
		}
		if err := stop(nil); err != nil {
			t.Error(err)
		}
		f.want(t, "5m0s time took 0s", "15m0s time took 0s", "16m41s immediate force wait took 0s", "16m41s shutdown immediate took 0s")
		if f.metrics.Timed.Load() != 2 || f.metrics.Requested.Load() != 1 {
			t.Errorf("timed %d, requested %d", f.metrics.Timed.Load(), f.metrics.Requested.Load())
		}
		if err := c.Checkpoint(context.Background(), 0); err == nil {
			t.Error("a checkpoint after the end")
		}
	})
}

// TestSpread: a timed checkpoint takes 0.9 of the timeout; an immediate request
// hurries it, and growth of the log does.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.writes = 10000
		c := New(f.options())
		stop := run(c)
		time.Sleep(575 * time.Second)
		f.want(t, "5m0s time took 4m30s")
		time.Sleep(125 * time.Second) // 100 s into the next one
		if err := c.Checkpoint(context.Background(), Immediate); err != nil {
			t.Error(err)
		}
		f.want(t, "5m0s time took 4m30s", "10m0s time took 1m40s", "11m40s immediate wait took 0s")
		c.Request(0)
		time.Sleep(10 * time.Second)
		f.insert.Add(64 << 20)
		time.Sleep(time.Second)
		f.want(t, "5m0s time took 4m30s", "10m0s time took 1m40s", "11m40s immediate wait took 0s", "11m40s took 10s")
		if err := stop(ErrImmediate); err != nil {
			t.Error(err)
		}
		if len(f.log) != 4 {
			t.Error("a checkpoint at an immediate stop")
		}
	})
}

// TestLogGrowth: a checkpoint begins when the log has grown by its share of
// max_wal_size, and too many of them are reported.
func TestLogGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := New(f.options())
		stop := run(c)
		// 64 segments / 1.9 = 33: the segment 32 behind the redo point's.
		c.SegmentOpened(31)
		time.Sleep(time.Second)
		f.want(t)
		f.insert.Store(32 << 20)
		c.SegmentOpened(32)
		time.Sleep(10 * time.Second)
		f.want(t, "1s wal took 0s")
		c.SegmentOpened(33)
		time.Sleep(time.Second)
		f.want(t, "1s wal took 0s")
		c.SegmentOpened(64)
		time.Sleep(time.Second)
		f.want(t, "1s wal took 0s", "12s wal took 0s")
		if err := stop(nil); err != nil {
			t.Error(err)
		}
		if !strings.Contains(f.text.String(), "checkpoints are occurring too frequently (11 seconds apart)") {
			t.Error(f.text.String())
		}
	})
}

// TestRequestStartsANewOne: a request during a checkpoint is answered by the next
// one; requests that wait together share it.
func TestRequestStartsANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.writes = 10000
		c := New(f.options())
		stop := run(c)
		c.Request(0)
		time.Sleep(time.Second)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := c.Checkpoint(context.Background(), 0); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		c.Request(Immediate) // hurries the one under way too
		wg.Wait()
		f.want(t, "0s took 1s", "1s immediate wait took 0s")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.Checkpoint(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a wait that was cancelled: %v", err)
		}
		if err := stop(nil); err != nil {
			t.Error(err)
		}
	})
}

// TestFailure: who waits learns of it, and Run returns it.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fail = errors.New("no disk")
		c := New(f.options())
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		if err := c.Checkpoint(ctx, Immediate); !errors.Is(err, f.fail) {
			t.Errorf("Checkpoint: %v", err)
		}
		if err := <-done; !errors.Is(err, f.fail) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestFlags prints the words of PostgreSQL's log.
func TestFlags(t *testing.T) {
	if got := (Shutdown | Immediate | FlushAll | CauseTime | CauseXLOG | EndOfRecovery | Force | Wait).String(); got !=
		" shutdown end-of-recovery immediate force wait wal time flush-all" {
		t.Error(got)
	}
}
