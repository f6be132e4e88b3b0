package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pgmini/pgmini/access/indexheap"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/recovery"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

var toast = indexheap.Toast{} // constant

// Room says whether the log has room; during recovery nothing is logged.
func (w *walRef) Room() error {
	if l := w.p.Load(); l != nil {
		return l.Room()
	}
	return nil
}

// SaveHint logs an image of a page whose hints change; during recovery none.
func (w *walRef) SaveHint(r *xlog.Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error) {
	if l := w.p.Load(); l != nil {
		return l.SaveHint(r, tag, p, standard)
	}
	return lsn.Invalid, nil
}

// recover brings the directory to the state in which transactions may begin
// (PostgreSQL: StartupXLOG).
func (i *Instance) recover(ctx context.Context) error {
	var err error
	if i.control, err = pgcontrol.Open(i.opt.FS, i.opt.Now); err != nil {
		return err
	}
	rec, err := recovery.New(recovery.Options{FS: i.opt.FS, Control: i.control, Log: i.log, Mode: i.set.WALRecoveryMode})
	if err != nil {
		return err
	}
	if err := i.openStorage(rec.CheckPoint()); err != nil {
		return err
	}
	env := &recovery.Env{FS: i.opt.FS, Smgr: i.smgr, Pool: i.pool, Xact: i.xact, HintWAL: i.hintWAL(), Log: i.log}
	table := env.Redo()
	if err := rec.Check(table); err != nil {
		return err
	}
	if err := recovery.RemoveTempFiles(i.opt.FS, i.log); err != nil {
		return err
	}
	// Statistics that stock PostgreSQL kept are stale from here on.
	if err := i.opt.FS.Remove("pg_stat/pgstat.stat"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.log.Warn("could not remove the statistics file", "error", err)
	}
	if err := rec.Prepare(!i.set.Fsync); err != nil {
		return err
	}
	if err := i.xact.LoadPrepared(); err != nil {
		return err
	}
	end, err := rec.Replay(env, table)
	if err != nil {
		return err
	}
	if err := i.openLog(&end); err != nil {
		return err
	}
	return i.endRecovery(ctx, &end)
}

// openStorage makes everything that redo works on.
func (i *Instance) openStorage(cp *pgcontrol.CheckPoint) error {
	i.recovering.Store(true)
	c := i.control.Get()
	i.smgr = smgr.New(i.opt.FS, smgr.Options{MaxOpen: i.set.MaxOpenFiles, NoSync: !i.set.Fsync, Redo: i.recovering.Load})
	var err error
	i.pool, err = bufmgr.New(bufmgr.Options{Buffers: max(16, i.set.SharedBuffers), WAL: &i.walRef, Smgr: i.smgr.Files,
		Checksums: c.ChecksumVersion != 0, HintWAL: i.set.WALLogHints, Redo: i.recovering.Load,
		ZeroDamaged: i.set.ZeroDamaged, Panicked: i.panicked.Load})
	if err != nil {
		return err
	}
	i.locks = lmgr.New(lmgr.Options{DeadlockTimeout: i.set.DeadlockTimeout, Describe: i.opt.Describe})
	x := xact.Options{FS: i.opt.FS, Locks: i.locks, Buffers: i.set.SharedBuffers, NoSync: !i.set.Fsync,
		StandbyInfo: i.standbyInfo, LogicalInfo: func() bool { return i.set.WALLevel == pgcontrol.Logical },
		TrackCommitTimestamp: i.set.TrackCommitTimestamp, FreezeMaxAge: i.set.FreezeMaxAge, MaxPrepared: int(i.set.MaxPreparedXacts),
		SSI: i.set.SSI, RemoveFiles: i.removeFiles, Invalidate: i.invalidate, Now: i.opt.Now, Logger: i.log, Panic: i.Panic}
	if f := i.opt.DatabaseName; f != nil {
		x.DatabaseName = func(db oid.OID) string { return f(uint32(db)) }
	}
	i.xact = xact.Open(x, cp)
	return nil
}

// removeFiles removes relations' buffers, then their files.
func (i *Instance) removeFiles(rels []smgr.Rel, redo bool) error {
	var errs []error
	for _, r := range rels {
		if r.Backend == smgr.NoBackend {
			i.pool.DropRelAll(r.RelFileNode)
		}
		for f := page.MainFork; redo && f <= page.MaxFork; f++ {
			i.pool.ForgetInvalid(r.RelFileNode, f, 0)
		}
		errs = append(errs, i.smgr.Of(r).Unlink(r.RelFileNode))
	}
	return errors.Join(errs...)
}

func (i *Instance) invalidate(msgs []byte, _ bool, _, _ oid.OID) {
	if i.catalog != nil {
		i.catalog.Invalidate(msgs)
	}
}

// openLog opens the log for writing where recovery found its end.
func (i *Instance) openLog(end *recovery.Result) error {
	c := i.control.Get()
	s := &i.set
	l, err := xlog.OpenForWrite(xlog.Options{
		FS: i.opt.FS, Dir: "pg_wal", SegSize: lsn.SegSize(c.WALSegSize), SystemID: c.SystemID, Timeline: end.Timeline,
		Buffers: s.WALBufferPages(int64(c.WALSegSize)), RedoLSN: end.Redo, FullPageWrites: end.FullPageWrites,
		NoSync: !s.Fsync, NoInitZero: !s.WALInitZero, MissingContRecord: end.MissingContRecord,
		Watermarks: true, ClearBehind: end.Crashed,
		Compression: s.WALCompression, CommitDelay: s.CommitDelay,
		Siblings:    func() bool { return i.xact.ActiveAtLeast(s.CommitSiblings() + 1) },
		WriterDelay: s.WALWriterDelay, FlushAfter: s.WALWriterFlushAfter,
		Hints: i.hintWAL(), Metrics: &i.metrics.WAL,
		Opened: i.segmentOpened, Failed: i.Panic,
	}, end.End, end.Prev)
	if err != nil {
		return err
	}
	i.wal = l
	i.xact.SetLog(l)
	i.creator = checkpointer.NewCreator(checkpointer.CreatorOptions{
		Log: l, Xact: i.xact, Pool: i.pool, Smgr: i.smgr, Control: i.control,
		StandbyInfo: i.standbyInfo, FlushAfter: s.CheckpointFlushAfter, MinWALSize: s.MinWALSize, MaxWALSize: s.MaxWALSize,
		KeepSize: s.WALKeepSize, Completion: s.CheckpointCompletion, Recycle: s.WALRecycle, LogIt: s.LogCheckpoints,
		KeepFrom: i.slotsNeed, Now: i.opt.Now, Metrics: &i.metrics.Checkpoint, Logger: i.log,
	})
	return nil
}

// slotsNeed is the oldest LSN that replication slots need. Slots are not read
// yet: where there are any, everything is kept.
func (i *Instance) slotsNeed() lsn.LSN {
	if list, err := i.opt.FS.List("pg_replslot"); err == nil && len(list) > 0 {
		return 1
	}
	return lsn.Invalid
}

// endRecovery lets transactions begin: the status logs are trimmed, the log says
// what must be said, and after redo a checkpoint makes its work durable.
func (i *Instance) endRecovery(ctx context.Context, end *recovery.Result) error {
	i.walRef.p.Store(i.wal)
	i.recovering.Store(false)
	if err := i.xact.StartUp(); err != nil {
		return fmt.Errorf("start the transaction system: %w", err)
	}
	var rec xlog.Record
	if end.MissingContRecord != lsn.Invalid {
		o := xlog.OverwriteContRecord{LSN: end.Aborted, Time: xact.Timestamp(i.opt.Now())}
		if _, err := i.wal.InsertOverwriteContRecord(&rec, &o); err != nil {
			return err
		}
	}
	// Like PostgreSQL without a record: the checkpoint says it.
	if err := i.wal.SetFullPageWrites(&rec, i.set.FullPageWrites(), false); err != nil {
		return err
	}
	if end.Performed {
		f := checkpointer.EndOfRecovery | checkpointer.Immediate | checkpointer.Wait
		if _, err := i.creator.Create(ctx, f, func(float64) {}); err != nil {
			return err
		}
	}
	if err := i.reportParameters(&rec); err != nil {
		return err
	}
	return i.control.Update(func(c *pgcontrol.Control) { c.State = pgcontrol.InProduction })
}

// reportParameters logs the settings that a standby must match if they are not
// what pg_control says (PostgreSQL: XLogReportParameters).
func (i *Instance) reportParameters(rec *xlog.Record) error {
	s := &i.set
	p := xlog.ParameterChange{MaxConnections: s.MaxConnections, MaxWorkerProcesses: s.MaxWorkerProcesses, MaxWALSenders: s.MaxWALSenders,
		MaxPreparedXacts: s.MaxPreparedXacts, MaxLocksPerXact: s.MaxLocksPerXact, WALLevel: s.WALLevel,
		WALLogHints: s.WALLogHints, TrackCommitTimestamp: s.TrackCommitTimestamp}
	have := i.control.Get()
	want := have
	recovery.SetParameters(&want, &p)
	if want == have {
		return nil
	}
	if want.WALLevel != have.WALLevel || i.standbyInfo() {
		end, err := i.wal.InsertParameterChange(rec, &p)
		if err != nil {
			return err
		}
		if err := i.wal.Flush(end); err != nil {
			return err
		}
	}
	return i.control.Update(func(c *pgcontrol.Control) { recovery.SetParameters(c, &p) })
}
