package recovery

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

const walDir = "pg_wal"

// Recovery is one start of a data directory: Check, then Prepare, then Replay,
// then End.
type Recovery struct {
	fs   vfs.FS
	ctl  *pgcontrol.File
	log  *slog.Logger
	size lsn.SegSize

	state pgcontrol.State      // before this start
	at    lsn.LSN              // of the checkpoint record
	cp    pgcontrol.CheckPoint // its body
	info  uint8                // its kind

	mode      Mode
	damaged   bool // the log is damaged at its end, and that is tolerated
	needed    bool // something must be replayed
	lastFPW   bool
	end, last lsn.LSN // end and start of the last record
	why       *xlog.EndError
	records   int
}

// Result is where the log goes on.
type Result struct {
	Performed bool // redo ran: an end-of-recovery checkpoint is due
	Crashed   bool // the directory was not shut down
	// End is where the next record goes and Prev the start of the last one.
	End, Prev lsn.LSN
	Redo      lsn.LSN // redo point of the checkpoint
	Timeline  lsn.Timeline
	// FullPageWrites is its value as the log has it.
	FullPageWrites bool
	// Aborted and MissingContRecord are set if the log ends within a record.
	Aborted, MissingContRecord lsn.LSN
}

// Options of New.
type Options struct {
	FS      vfs.FS
	Control *pgcontrol.File
	Log     *slog.Logger
	Mode    Mode // wal_recovery_mode
}

// New reads the checkpoint that pg_control names. It changes nothing.
func New(o Options) (*Recovery, error) {
	if o.FS == nil || o.Control == nil || o.Log == nil {
		panic("recovery: FS, Control and Log are required")
	}
	c := o.Control.Get()
	r := &Recovery{fs: o.FS, ctl: o.Control, log: o.Log, size: lsn.SegSize(c.WALSegSize), state: c.State, at: c.CheckPoint, mode: o.Mode}
	if err := r.logState(&c); err != nil {
		return nil, err
	}
	if err := r.refuseBackup(); err != nil {
		return nil, err
	}
	if st, err := o.FS.Stat(walDir); err != nil || !st.IsDir() {
		return nil, pgerr.New(pgerr.UndefinedFile, "required WAL directory %q does not exist", walDir)
	}
	return r, r.readCheckPoint(c.Copy.TLI)
}

// CheckPoint is the body of the checkpoint record at which this start begins.
func (r *Recovery) CheckPoint() *pgcontrol.CheckPoint { return &r.cp }

// Needed reports whether anything must be replayed.
func (r *Recovery) Needed() bool { return r.needed }

// stamp prints a time as PostgreSQL's log does.
func stamp(seconds int64) string {
	return time.Unix(seconds, 0).Format("2006-01-02 15:04:05 MST")
}

func (r *Recovery) logState(c *pgcontrol.Control) error {
	t := stamp(c.Time)
	switch c.State {
	case pgcontrol.ShutDowned:
		r.log.Info("database system was shut down at " + t)
	case pgcontrol.ShutDownedRecovery:
		r.log.Info("database system was shut down in recovery at " + t)
	case pgcontrol.ShutDowning:
		r.log.Info("database system shutdown was interrupted; last known up at " + t)
	case pgcontrol.InCrashRecovery:
		r.log.Info("database system was interrupted while in recovery at "+t,
			"hint", "This probably means that some data is corrupted and you will have to use the last backup for recovery.")
	case pgcontrol.InArchiveRecovery:
		r.log.Info("database system was interrupted while in recovery at log time "+stamp(c.Copy.Time),
			"hint", "If this has occurred more than once some data might be corrupted and you might need to choose an earlier recovery target.")
	case pgcontrol.InProduction:
		r.log.Info("database system was interrupted; last known up at " + t)
	default:
		return pgerr.New(pgerr.DataCorrupted, "control file contains invalid database cluster state")
	}
	return nil
}

// refuseBackup stops at what only archive recovery understands.
func (r *Recovery) refuseBackup() error {
	for name, what := range map[string]string{
		"backup_label": "starting from a base backup", "recovery.signal": "archive recovery", "standby.signal": "standby mode",
	} {
		if _, err := r.fs.Stat(name); err == nil {
			return pgerr.NotYet("%s (file %q is present)", what, name)
		}
	}
	switch r.state {
	case pgcontrol.InArchiveRecovery, pgcontrol.ShutDownedRecovery:
		return pgerr.NotYet("going on with archive recovery")
	}
	return nil
}

func (r *Recovery) source(tli lsn.Timeline) *xlog.Segments {
	return &xlog.Segments{FS: r.fs, Dir: walDir, Size: r.size, TLIs: []lsn.Timeline{tli}}
}

func (r *Recovery) reader(src *xlog.Segments) *xlog.Reader {
	c := r.ctl.Get()
	return xlog.NewReader(src, xlog.ReaderOptions{SegSize: r.size, SystemID: c.SystemID, Timeline: src.TLIs[0]})
}

func noCheckPoint(why string, a ...any) error {
	return pgerr.New(pgerr.DataCorrupted, "could not locate a valid checkpoint record").WithDetail(why, a...)
}

func (r *Recovery) readCheckPoint(tli lsn.Timeline) error {
	if r.size.Offset(r.at) < 24 || r.at == lsn.Invalid {
		return noCheckPoint("invalid checkpoint location %s in the control file", r.at)
	}
	src := r.source(tli)
	defer src.Close()
	rd := r.reader(src)
	rd.Seek(r.at)
	d, err := rd.Next()
	switch {
	case err != nil:
		return noCheckPoint("The record at %s cannot be read: %s", r.at, err)
	case d.Rmgr != xlog.RmXLOG:
		return noCheckPoint("invalid resource manager ID in checkpoint record at %s", r.at)
	case d.RmgrInfo() != xlog.InfoCheckpointShutdown && d.RmgrInfo() != xlog.InfoCheckpointOnline:
		return noCheckPoint("invalid xl_info in checkpoint record at %s", r.at)
	case len(d.Main) != pgcontrol.CheckPointSize:
		return noCheckPoint("invalid length of checkpoint record at %s", r.at)
	}
	r.info = d.RmgrInfo()
	if r.cp, err = pgcontrol.DecodeCheckPoint(d.Main); err != nil {
		return err
	}
	r.end, r.last = d.End, d.Start
	switch {
	case r.cp.Redo > r.at:
		return pgerr.New(pgerr.DataCorrupted, "invalid redo in checkpoint record at %s", r.at)
	case r.cp.Redo < r.at && r.info == xlog.InfoCheckpointShutdown:
		return pgerr.New(pgerr.DataCorrupted, "invalid redo record in shutdown checkpoint at %s", r.at)
	case r.cp.Redo < r.at:
		rd.Seek(r.cp.Redo)
		if _, err := rd.Next(); err != nil {
			return pgerr.Wrap(err, pgerr.DataCorrupted, "could not find redo location %s referenced by checkpoint record at %s: %s", r.cp.Redo, r.at, err)
		}
		r.needed = true
	default:
		r.needed = r.state != pgcontrol.ShutDowned
	}
	if !r.cp.NextXID.XID().IsNormal() {
		return pgerr.New(pgerr.DataCorrupted, "invalid next transaction ID")
	}
	r.lastFPW = r.cp.FullPageWrites
	return nil
}

// seek has rd go on where redo begins: at the redo point, or behind a checkpoint
// that nothing preceded.
func (r *Recovery) seek(rd *xlog.Reader) error {
	rd.Seek(r.cp.Redo)
	if r.cp.Redo < r.at {
		return nil
	}
	if _, err := rd.Next(); err != nil {
		return noCheckPoint("The record at %s cannot be read: %s", r.at, err)
	}
	return nil
}

// Check reads the log to its end and refuses records that cannot be replayed, and a
// log that is damaged. INV-REC-1: nothing was changed before.
func (r *Recovery) Check(t *Table) error {
	if !r.needed {
		return nil
	}
	src := r.source(r.cp.TLI)
	defer src.Close()
	rd := r.reader(src)
	if err := r.seek(rd); err != nil {
		return err
	}
	for {
		d, err := rd.Next()
		if err != nil {
			var end *xlog.EndError
			if !errors.As(err, &end) {
				return err
			}
			return r.judge(end) // Replay will find the same end
		}
		if d.Rmgr != xlog.RmXLOG && t[d.Rmgr] == nil {
			return pgerr.NotYet("replaying WAL records of resource manager %s (at %s)", d.Rmgr, d.Start)
		}
	}
}

// Prepare readies the files: what the last server left unsynced becomes durable,
// what was being made goes away, unlogged relations are emptied.
func (r *Recovery) Prepare(noSync bool) error {
	if r.state != pgcontrol.ShutDowned {
		if err := removeTempWAL(r.fs); err != nil {
			return err
		}
		if !noSync {
			if err := syncDataDirectory(r.fs); err != nil {
				return err
			}
		}
	}
	if !r.needed {
		return nil
	}
	r.log.Info("database system was not properly shut down; automatic recovery in progress")
	err := r.ctl.Update(func(c *pgcontrol.Control) {
		c.State = pgcontrol.InCrashRecovery
		c.CheckPoint, c.Copy = r.at, r.cp
	})
	if err != nil {
		return err
	}
	return resetUnlogged(r.fs, dropForks)
}

// Replay runs the redo loop and ends with the status logs and the unlogged
// relations ready for transactions. e's pool and files know that it is recovery.
func (r *Recovery) Replay(e *Env, t *Table) (Result, error) {
	if !r.needed {
		return r.result(), nil
	}
	e.Xact.SetCheckPoint(&r.cp)
	src := r.source(r.cp.TLI)
	defer src.Close()
	rd := r.reader(src)
	if err := r.seek(rd); err != nil {
		return Result{}, err
	}
	begin := time.Now()
	for {
		d, err := rd.Next()
		if err != nil {
			if !errors.As(err, &r.why) {
				return Result{}, err
			}
			break
		}
		if r.records == 0 {
			r.log.Info(fmt.Sprintf("redo starts at %s", d.Start))
		}
		r.records++
		if err := r.apply(e, t, d); err != nil {
			return Result{}, fmt.Errorf("WAL redo at %s for %s: %w", d.Start, d.Rmgr, err)
		}
		r.end, r.last = d.End, d.Start
	}
	r.log.Info(r.why.Error())
	if r.damaged {
		if err := r.quarantine(); err != nil {
			return Result{}, err
		}
	}
	if r.records == 0 {
		r.log.Info("redo is not required")
	} else {
		r.log.Info(fmt.Sprintf("redo done at %s system usage: elapsed: %.2f s", r.last, time.Since(begin).Seconds()))
	}
	if err := e.Pool.CheckInvalid(); err != nil {
		return Result{}, err
	}
	e.Smgr.CloseAll() // files are copied behind its back
	if err := resetUnlogged(r.fs, copyInits); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

func (r *Recovery) result() Result {
	out := Result{Performed: r.needed, Crashed: r.state != pgcontrol.ShutDowned, End: r.end, Prev: r.last,
		Redo: r.cp.Redo, Timeline: r.cp.TLI, FullPageWrites: r.lastFPW}
	if r.why != nil && r.why.MissingContRecord != lsn.Invalid {
		out.Aborted, out.MissingContRecord = r.why.Aborted, r.why.MissingContRecord
		out.End = out.MissingContRecord
	}
	return out
}

// apply replays one record.
func (r *Recovery) apply(e *Env, t *Table, d *xlog.Decoded) error {
	e.Xact.AdvancePast(d.XID)
	if d.Rmgr == xlog.RmXLOG {
		return r.redoXLOG(e, d)
	}
	f := t[d.Rmgr]
	if f == nil {
		return pgerr.NotYet("replaying WAL records of resource manager %s (at %s)", d.Rmgr, d.Start)
	}
	return f(d)
}

// redoXLOG replays the records of the resource manager XLOG.
func (r *Recovery) redoXLOG(e *Env, d *xlog.Decoded) error {
	switch d.RmgrInfo() {
	case xlog.InfoNextOID:
		next, err := xlog.DecodeNextOID(d.Main)
		if err != nil {
			return err
		}
		e.Xact.SetNextOID(next)
	case xlog.InfoCheckpointShutdown, xlog.InfoCheckpointOnline:
		return r.redoCheckPoint(e.Xact, d)
	case xlog.InfoEndOfRecovery:
		x, err := xlog.DecodeEndOfRecovery(d.Main)
		if err != nil {
			return err
		}
		if x.TLI != r.cp.TLI {
			return pgerr.New(pgerr.DataCorrupted, "unexpected timeline ID %d (should be %d) in end-of-recovery record", x.TLI, r.cp.TLI)
		}
	case xlog.InfoOverwriteContRecord:
		x, err := xlog.DecodeOverwriteContRecord(d.Main)
		if err != nil {
			return err
		}
		if x.LSN != d.Overwritten {
			return pgerr.New(pgerr.DataCorrupted, "mismatching overwritten LSN %s -> %s", x.LSN, d.Overwritten)
		}
		r.log.Info(fmt.Sprintf("successfully skipped missing contrecord at %s, overwritten at %s", x.LSN, xact.TimeOf(x.Time).Format("2006-01-02 15:04:05.999999 MST")))
	case xlog.InfoFPI, xlog.InfoFPIForHint:
		return e.redoImages(d)
	case xlog.InfoParameterChange:
		p, err := xlog.DecodeParameterChange(d.Main)
		if err != nil {
			return err
		}
		return r.ctl.Update(func(c *pgcontrol.Control) { SetParameters(c, &p) })
	case xlog.InfoFPWChange:
		on, err := xlog.DecodeFPWChange(d.Main)
		if err != nil {
			return err
		}
		r.lastFPW = on
	case xlog.InfoNoop, xlog.InfoSwitch, xlog.InfoRestorePoint, xlog.InfoBackupEnd:
	default:
		return unknown(d)
	}
	return nil
}

// SetParameters puts what a PARAMETER_CHANGE record holds into the control file.
func SetParameters(c *pgcontrol.Control, p *xlog.ParameterChange) {
	c.MaxConnections, c.MaxWorkerProcesses, c.MaxWALSenders = p.MaxConnections, p.MaxWorkerProcesses, p.MaxWALSenders
	c.MaxPreparedXacts, c.MaxLocksPerXact = p.MaxPreparedXacts, p.MaxLocksPerXact
	c.WALLevel, c.WALLogHints, c.TrackCommitTimestamp = p.WALLevel, p.WALLogHints, p.TrackCommitTimestamp
}

// redoCheckPoint takes the counters over: all of a shutdown checkpoint's, which
// nobody raced with; of an online one's only those that are ahead.
func (r *Recovery) redoCheckPoint(x *xact.Manager, d *xlog.Decoded) error {
	cp, err := pgcontrol.DecodeCheckPoint(d.Main)
	if err != nil {
		return err
	}
	if cp.TLI != r.cp.TLI {
		return pgerr.New(pgerr.DataCorrupted, "unexpected timeline ID %d (should be %d) in checkpoint record", cp.TLI, r.cp.TLI)
	}
	if d.RmgrInfo() == xlog.InfoCheckpointShutdown {
		x.SetCheckPoint(&cp)
	} else {
		x.AdvanceCheckPoint(&cp)
	}
	return nil
}
