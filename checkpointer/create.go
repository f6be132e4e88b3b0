package checkpointer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// CreatorOptions is what a checkpoint works on.
type CreatorOptions struct {
	Log     *xlog.Log
	Xact    *xact.Manager
	Pool    *bufmgr.Pool
	Smgr    *smgr.Manager
	Control *pgcontrol.File
	PrevTLI lsn.Timeline // 0: the timeline itself

	StandbyInfo func() bool  // wal_level >= replica
	FlushAfter  func() int   // checkpoint_flush_after in blocks
	MinWALSize  func() int64 // bytes
	MaxWALSize  func() int64
	KeepSize    func() int64 // wal_keep_size in bytes
	Completion  func() float64
	Recycle     func() bool // wal_recycle
	LogIt       func() bool // log_checkpoints
	// KeepFrom is the oldest LSN that somebody else needs, as a replication slot;
	// lsn.Invalid for none. Optional.
	KeepFrom func() lsn.LSN
	// Archived says whether a segment may go as far as the archiver is concerned.
	// Optional.
	Archived func(name string) bool
	Now      func() time.Time
	Metrics  *Metrics
	Logger   *slog.Logger
}

// Creator takes checkpoints, one at a time.
type Creator struct {
	o        CreatorOptions
	rec      xlog.Record
	distance float64 // estimated bytes between two checkpoints
}

// NewCreator makes a Creator.
func NewCreator(o CreatorOptions) *Creator {
	if o.Log == nil || o.Xact == nil || o.Pool == nil || o.Smgr == nil || o.Control == nil || o.Now == nil || o.Metrics == nil || o.Logger == nil {
		panic("checkpointer: missing option")
	}
	return &Creator{o: o}
}

// progress is what the log line at the end says.
type progress struct {
	buffers                 int
	begin, write, sync, end time.Time
	added                   int
	removed, recycled       int
}

// Create takes a checkpoint. It reports false if nothing happened since the last
// one and f does not force it. An error is a PANIC of the server.
//
// INV-CKPT-2: the redo point is set first; what was changed before it is then
// written and synced; only then is the record made durable, and last pg_control.
func (c *Creator) Create(ctx context.Context, f Flags, throttle func(done float64)) (bool, error) {
	o := &c.o
	last := o.Control.Get()
	final := f&(Shutdown|EndOfRecovery) != 0
	if !final && f&Force == 0 && o.Log.LastImportant() == last.CheckPoint {
		o.Logger.Debug("checkpoint skipped because system is idle")
		return false, nil
	}
	p := progress{begin: o.Now()}
	if o.LogIt() {
		o.Logger.Info("checkpoint starting:" + f.String())
	}
	o.Smgr.PreCheckpoint()
	if final {
		o.Log.HoldWatermarks(true)
		defer o.Log.HoldWatermarks(f&Shutdown != 0)
		if err := o.Control.Update(func(c *pgcontrol.Control) { c.State = pgcontrol.ShutDowning }); err != nil {
			return false, err
		}
	}
	cp := c.begin(final)
	if err := c.flush(ctx, f, throttle, &p); err != nil {
		return false, err
	}
	if !final && o.StandbyInfo() {
		if _, err := o.Xact.LogStandbySnapshot(); err != nil {
			return false, err
		}
	}
	at, err := c.record(&cp, final)
	if err != nil {
		return false, err
	}
	err = o.Control.Update(func(c *pgcontrol.Control) {
		if final {
			c.State = pgcontrol.ShutDowned
		}
		c.CheckPoint, c.Copy = at, cp
		c.MinRecoveryPoint, c.MinRecoveryPointTLI = lsn.Invalid, 0
	})
	if err != nil {
		return false, err
	}
	if err := o.Smgr.PostCheckpoint(); err != nil {
		o.Logger.Warn(err.Error()) // the checkpoint stands; what stays is an empty file
	}
	return true, c.finish(f, last.Copy.Redo, &cp, &p)
}

// begin sets the redo point and takes down the counters.
func (c *Creator) begin(final bool) pgcontrol.CheckPoint {
	o := &c.o
	tli := o.Log.Timeline()
	cp := pgcontrol.CheckPoint{TLI: tli, PrevTLI: o.PrevTLI, Time: o.Now().Unix()}
	if cp.PrevTLI == 0 {
		cp.PrevTLI = tli
	}
	cp.Redo = o.Log.BeginCheckpoint()
	cp.FullPageWrites = o.Log.FullPageWrites()
	o.Xact.FillCheckPoint(&cp, final)
	if !o.StandbyInfo() {
		cp.OldestActiveXID = xid.Invalid
	}
	return cp
}

// flush makes durable all that was changed before the redo point.
func (c *Creator) flush(ctx context.Context, f Flags, throttle func(float64), p *progress) error {
	o := &c.o
	// A commit record before the redo point whose status is not in pg_xact yet
	// would be lost.
	if err := o.Xact.CommitCritical().Wait(); err != nil {
		return err
	}
	p.write = o.Now()
	if err := o.Xact.Checkpoint(); err != nil {
		return err
	}
	flags := bufmgr.CheckpointFlags{All: f&(Shutdown|EndOfRecovery|FlushAll) != 0, FlushAfter: o.FlushAfter()}
	err := o.Pool.Checkpoint(context.WithoutCancel(ctx), flags, func(done float64) {
		p.buffers++
		o.Metrics.Buffers.Add(1)
		throttle(done)
	})
	if err != nil {
		return err
	}
	p.sync = o.Now()
	if err := o.Smgr.Sync(); err != nil {
		return err
	}
	p.end = o.Now()
	o.Metrics.WriteTime.Add(int64(p.sync.Sub(p.write)))
	o.Metrics.SyncTime.Add(int64(p.end.Sub(p.sync)))
	// A truncation logged before the redo point must have cut its file.
	return o.Xact.CommitCritical().Wait()
}

// record logs the checkpoint durably and returns where.
func (c *Creator) record(cp *pgcontrol.CheckPoint, final bool) (lsn.LSN, error) {
	at, end, err := c.o.Log.InsertCheckpoint(&c.rec, cp, final)
	if err != nil {
		return 0, err
	}
	if err := c.o.Log.FlushFor(xlog.ForCheckpoint, end); err != nil {
		return 0, err
	}
	if final && at != cp.Redo {
		return 0, errors.New("concurrent write-ahead log activity while database system is shutting down")
	}
	return at, nil
}

// finish removes what the checkpoint made needless.
func (c *Creator) finish(f Flags, prior lsn.LSN, cp *pgcontrol.CheckPoint, p *progress) error {
	o := &c.o
	distance := float64(cp.Redo - prior)
	if distance > c.distance {
		c.distance = distance
	} else {
		c.distance = 0.9*c.distance + 0.1*distance
	}
	if err := c.removeOld(cp.Redo, p); err != nil {
		return err
	}
	if f&Shutdown == 0 {
		n, err := o.Log.Preallocate(1)
		if err != nil {
			o.Logger.Warn("could not make the next WAL segment", "error", err) // the writer will try itself
		}
		p.added = n
	}
	if !o.Xact.Recovering() {
		if err := o.Xact.TruncateSubtrans(); err != nil {
			return err
		}
	}
	if o.LogIt() {
		o.Logger.Info(c.summary(p, distance))
	}
	return nil
}

// removeOld removes or recycles segments. INV-CKPT-3.
func (c *Creator) removeOld(redo lsn.LSN, p *progress) error {
	o := &c.o
	seg := o.Log.SegSize()
	keep := seg.Containing(redo)
	if n := lsn.SegNo(o.KeepSize() / int64(seg)); n > 0 {
		current := seg.Containing(o.Log.InsertLSN())
		if current <= n {
			return nil
		}
		keep = min(keep, current-n)
	}
	if o.KeepFrom != nil {
		if at := o.KeepFrom(); at != lsn.Invalid {
			keep = min(keep, seg.Containing(at))
		}
	}
	var err error
	p.removed, p.recycled, err = o.Log.RemoveOld(keep, redo, xlog.Retention{
		MinSize: o.MinWALSize(), MaxSize: o.MaxWALSize(), Completion: o.Completion(), Distance: c.distance,
		Recycle: o.Recycle(), Archived: o.Archived,
		Refused: func(err error) { o.Logger.Warn(err.Error()) },
	})
	return err
}

// summary is the log's line at the end, in PostgreSQL's form.
func (c *Creator) summary(p *progress, distance float64) string {
	now := c.o.Now()
	st := c.o.Smgr.LastSync()
	average := time.Duration(0)
	if st.Files > 0 {
		average = st.Total / time.Duration(st.Files)
	}
	sec := func(d time.Duration) string {
		return fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond)
	}
	return fmt.Sprintf("checkpoint complete: wrote %d buffers (%.1f%%); %d WAL file(s) added, %d removed, %d recycled; "+
		"write=%s s, sync=%s s, total=%s s; sync files=%d, longest=%s s, average=%s s; distance=%d kB, estimate=%d kB",
		p.buffers, float64(p.buffers)*100/float64(c.o.Pool.Size()), p.added, p.removed, p.recycled,
		sec(p.sync.Sub(p.write)), sec(p.end.Sub(p.sync)), sec(now.Sub(p.begin)), st.Files, sec(st.Longest), sec(average),
		int64(distance/1024), int64(c.distance/1024))
}
