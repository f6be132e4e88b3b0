// Package checkpointer takes checkpoints: from time to time, when the log has
// grown, on request, and when the server stops.
//
// INV-CKPT-1: a request is answered by a checkpoint whose redo point is behind
// everything the caller did before. Enforced: Checkpointer.Checkpoint. Tested:
// TestRequestStartsANewOne.
//
// INV-CKPT-2: pg_control names a checkpoint only after all that its redo point
// leaves out is durable. Enforced: Creator.Create. Tested: TestSweep.
//
// INV-CKPT-3: no segment from the redo point of pg_control's checkpoint on is
// removed. Enforced: Creator.removeOld. Tested: TestKeepsSegments.
package checkpointer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
)

// Flags say what a checkpoint is for and how it is taken (PostgreSQL:
// CHECKPOINT_*).
type Flags uint16

// The flags.
const (
	Shutdown      Flags = 1 << 0 // the server stops
	EndOfRecovery Flags = 1 << 1
	Immediate     Flags = 1 << 2 // as fast as possible
	Force         Flags = 1 << 3 // even if nothing happened
	FlushAll      Flags = 1 << 4 // unlogged relations too
	Wait          Flags = 1 << 5
	CauseXLOG     Flags = 1 << 7 // the log has grown
	CauseTime     Flags = 1 << 8
)

// String is f as the log prints it, with a space before each word.
func (f Flags) String() string {
	var b strings.Builder
	for _, x := range []struct {
		bit  Flags
		word string
	}{
		{Shutdown, "shutdown"}, {EndOfRecovery, "end-of-recovery"}, {Immediate, "immediate"}, {Force, "force"},
		{Wait, "wait"}, {CauseXLOG, "wal"}, {CauseTime, "time"}, {FlushAll, "flush-all"},
	} {
		if f&x.bit != 0 {
			b.WriteString(" " + x.word)
		}
	}
	return b.String()
}

// Options is all the checkpointer needs. Func fields are read whenever they
// matter, because their settings reload.
type Options struct {
	// Do takes a checkpoint. Between writes it calls throttle with the share that
	// is done; throttle sleeps as long as the checkpoint is ahead of its schedule.
	// It reports false if there was nothing to do.
	Do         func(ctx context.Context, f Flags, throttle func(done float64)) (bool, error)
	Timeout    func() time.Duration // checkpoint_timeout
	Completion func() float64       // checkpoint_completion_target
	Warning    func() time.Duration // checkpoint_warning; 0 is off
	MaxWALSize func() int64         // max_wal_size in bytes
	SegSize    lsn.SegSize
	InsertLSN  func() lsn.LSN // where the log ends
	RedoLSN    func() lsn.LSN // redo point of the latest checkpoint
	Metrics    *Metrics
	Log        *slog.Logger
}

// Metrics belongs to the caller: pg_stat_bgwriter reads it.
type Metrics struct {
	Timed, Requested    atomic.Int64 // checkpoints_timed, checkpoints_req
	Buffers             atomic.Int64 // buffers_checkpoint
	WriteTime, SyncTime atomic.Int64 // nanoseconds
}

// Checkpointer takes the checkpoints of one server. Make it with New and let Run
// work.
type Checkpointer struct {
	o    Options
	wake chan struct{}
	mu   struct {
		sync.Mutex
		flags    Flags // of the next checkpoint
		pending  bool
		started  uint64 // checkpoints begun
		done     uint64 // checkpoints ended
		failed   map[uint64]error
		changed  chan struct{} // closed at each start and end
		finished error         // Run has returned
	}
	last time.Time // start of the last checkpoint
}

// New makes a checkpointer.
func New(o Options) *Checkpointer {
	if o.Do == nil || o.Timeout == nil || o.Completion == nil || o.MaxWALSize == nil || o.Metrics == nil || o.Log == nil {
		panic("checkpointer: missing option")
	}
	c := &Checkpointer{o: o, wake: make(chan struct{}, 1)}
	c.mu.changed = make(chan struct{})
	c.mu.failed = map[uint64]error{}
	return c
}

// Request asks for a checkpoint and does not wait.
func (c *Checkpointer) Request(f Flags) {
	c.mu.Lock()
	c.mu.flags |= f
	c.mu.pending = true
	c.mu.Unlock()
	c.Reload()
}

// Reload has the checkpointer look at its settings again.
func (c *Checkpointer) Reload() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Checkpoint asks for a checkpoint and waits for its end. INV-CKPT-1: one that is
// under way does not count.
func (c *Checkpointer) Checkpoint(ctx context.Context, f Flags) error {
	c.mu.Lock()
	want := c.mu.started + 1
	c.mu.flags |= f | Wait
	c.mu.pending = true
	c.mu.Unlock()
	c.Reload()
	for {
		c.mu.Lock()
		done, err, over, changed := c.mu.done >= want, c.mu.failed[want], c.mu.finished, c.mu.changed
		c.mu.Unlock()
		switch {
		case done && err != nil:
			return pgerr.Wrap(err, pgerr.InternalError, "checkpoint request failed").
				WithHint("Consult recent messages in the server log for details.")
		case done:
			return nil
		case over != nil:
			return over
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// SegmentOpened asks for a checkpoint if the log has grown as far as max_wal_size
// allows. It returns at once.
func (c *Checkpointer) SegmentOpened(seg lsn.SegNo) {
	if c.o.RedoLSN == nil {
		return
	}
	if seg >= c.o.SegSize.Containing(c.o.RedoLSN())+c.segments()-1 {
		c.Request(CauseXLOG)
	}
}

// segments is how many segments the log may grow by between two checkpoints
// (CheckPointSegments).
func (c *Checkpointer) segments() lsn.SegNo {
	n := float64(c.o.MaxWALSize()) / float64(c.o.SegSize) / (1 + c.o.Completion())
	return lsn.SegNo(max(1, n))
}

// Run takes checkpoints until ctx is done, then the last one, unless ctx's cause
// is ErrImmediate. An error is a PANIC of the server.
func (c *Checkpointer) Run(ctx context.Context) (err error) {
	defer func() {
		c.mu.Lock()
		c.mu.finished = pgerr.New(pgerr.AdminShutdown, "the database system is shutting down")
		if err != nil {
			c.mu.finished = err
		}
		c.signalLocked()
		c.mu.Unlock()
	}()
	c.last = time.Now()
	for {
		t := time.NewTimer(time.Until(c.last.Add(c.o.Timeout())))
		var timed bool
		select {
		case <-ctx.Done():
			t.Stop()
			if context.Cause(ctx) == ErrImmediate { //nolint:errorlint // the sentinel itself
				return nil
			}
			return c.take(context.WithoutCancel(ctx), Shutdown|Immediate)
		case <-t.C:
			timed = true
		case <-c.wake:
		}
		t.Stop()
		c.mu.Lock()
		f, pending := c.mu.flags, c.mu.pending
		c.mu.Unlock()
		if timed || time.Since(c.last) >= c.o.Timeout() {
			if !pending {
				c.o.Metrics.Timed.Add(1)
			}
			f |= CauseTime
			timed = true
		}
		if pending {
			c.o.Metrics.Requested.Add(1)
		}
		if !pending && !timed {
			continue
		}
		c.warn(f)
		if err := c.take(ctx, f); err != nil {
			return err
		}
	}
}

// ErrImmediate is the cause with which Run's context ends when the server must
// not take its last checkpoint.
var ErrImmediate = pgerr.New(pgerr.CrashShutdown, "the database system is shutting down immediately")

// warn says that the log grows too fast for max_wal_size.
func (c *Checkpointer) warn(f Flags) {
	if c.o.Warning == nil || f&CauseXLOG == 0 {
		return
	}
	if since := time.Since(c.last); since < c.o.Warning() {
		n := int(since.Seconds())
		unit := "seconds"
		if n == 1 {
			unit = "second"
		}
		c.o.Log.Info(fmt.Sprintf("checkpoints are occurring too frequently (%d %s apart)", n, unit),
			"hint", `Consider increasing the configuration parameter "max_wal_size".`)
	}
}

// take takes one checkpoint.
func (c *Checkpointer) take(ctx context.Context, f Flags) error {
	c.mu.Lock()
	f |= c.mu.flags
	c.mu.flags, c.mu.pending = 0, false
	c.mu.started++
	n := c.mu.started
	c.signalLocked()
	c.mu.Unlock()
	// A checkpoint that failed is tried again soon, one that was done counts from
	// its start (PostgreSQL: last_checkpoint_time).
	start := time.Now()
	_, err := c.o.Do(ctx, f, c.throttle(ctx, f, start))
	c.Reload()
	c.last = start
	c.mu.Lock()
	c.mu.done = n
	if err != nil {
		c.mu.failed[n] = err
	}
	c.signalLocked()
	c.mu.Unlock()
	return err
}

func (c *Checkpointer) signalLocked() {
	close(c.mu.changed)
	c.mu.changed = make(chan struct{})
}

// nap is how long a checkpoint that is ahead of its schedule sleeps at once.
const nap = 100 * time.Millisecond

// throttle spreads a checkpoint's writes over the time, or the growth of the log,
// until the next one (PostgreSQL: CheckpointWriteDelay).
func (c *Checkpointer) throttle(ctx context.Context, f Flags, start time.Time) func(done float64) {
	if f&(Immediate|Shutdown|EndOfRecovery) != 0 {
		return func(float64) {}
	}
	var from lsn.LSN
	if c.o.InsertLSN != nil {
		from = c.o.InsertLSN()
	}
	return func(done float64) {
		if ctx.Err() != nil || c.hurried() || done*c.o.Completion() < c.elapsed(start, from) {
			return
		}
		t := time.NewTimer(nap)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-c.wake: // perhaps to hurry; take passes it on
		}
	}
}

// elapsed is the share of the time, or of the log, between two checkpoints that
// has gone by.
func (c *Checkpointer) elapsed(start time.Time, from lsn.LSN) float64 {
	share := float64(time.Since(start)) / float64(c.o.Timeout())
	if c.o.InsertLSN != nil {
		grown := float64(c.o.InsertLSN()-from) / float64(c.o.SegSize) / float64(c.segments())
		share = max(share, grown)
	}
	return share
}

// hurried reports whether somebody wants a checkpoint at once: the one under way
// stops sleeping.
func (c *Checkpointer) hurried() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.pending && c.mu.flags&Immediate != 0
}
