package engine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/bgwriter"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/catalog"
	"github.com/pgmini/pgmini/checkpointer"
	"github.com/pgmini/pgmini/lmgr"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgcontrol"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xlog"
)

// Options of Open. FS is required.
type Options struct {
	FS       vfs.FS    // rooted at the data directory
	Dir      string    // its name, for messages and postmaster.pid
	Settings *Settings // nil: the defaults
	PID      int       // of this process, for postmaster.pid
	// Alive reports whether a process may be another server on the directory, one
	// that takes no flock as we do; nil: there are none.
	Alive func(pid int) bool
	// Orphans reports whether processes of the server that wrote p, which is gone,
	// may still write to the directory; nil: there are none.
	Orphans   func(p *PIDFile) bool
	Port      int // for postmaster.pid
	SocketDir string
	Listen    string
	Logger    *slog.Logger
	Now       func() time.Time
	// Describe names a lock's tag in messages; DatabaseName a database in warnings.
	// Optional.
	Describe     func(lmgr.Tag) string
	DatabaseName func(db uint32) string
	// NoWorkers leaves out every background worker: Checkpoint and Stop then work
	// in the caller's goroutine, so that each step of a test is the same each time.
	NoWorkers bool
}

// Instance is a data directory that is open.
type Instance struct {
	opt  Options
	set  Settings
	log  *slog.Logger
	lock io.Closer
	pid  struct {
		sync.Mutex
		PIDFile
	}

	control *pgcontrol.File
	smgr    *smgr.Manager
	pool    *bufmgr.Pool
	wal     *xlog.Log
	walRef  walRef
	xact    *xact.Manager
	locks   *lmgr.Manager
	sys     *access.System
	catalog *catalog.Server

	creator *checkpointer.Creator
	ckpt    *checkpointer.Checkpointer
	ckptMu  sync.Mutex // without workers: one checkpoint at a time
	metrics Metrics

	recovering atomic.Bool
	panicked   atomic.Bool
	start      time.Time

	sessions sessions
	stages   []*stage      // appended under mu
	done     chan struct{} // closed when the instance must stop: Panic
	stopOnce sync.Once
	stopErr  error
	mu       struct {
		sync.Mutex
		failure error
	}
}

// Metrics are the counters of the background workers.
type Metrics struct {
	WAL        xlog.Metrics
	Checkpoint checkpointer.Metrics
	Bgwriter   bgwriter.Metrics
}

// walRef is the log as the pool sees it: none during recovery, when what is
// written was read from the log.
type walRef struct{ p atomic.Pointer[xlog.Log] }

var _ bufmgr.WAL = (*walRef)(nil)

// Flush makes the log durable for a page that must be written.
func (w *walRef) Flush(upTo lsn.LSN) error {
	if l := w.p.Load(); l != nil && upTo > l.FlushLSN() {
		return l.FlushFor(xlog.ForEviction, upTo)
	}
	return nil
}

// FlushLSN is the end of what is durable.
func (w *walRef) FlushLSN() lsn.LSN {
	if l := w.p.Load(); l != nil {
		return l.FlushLSN()
	}
	return ^lsn.LSN(0)
}

// Open opens a data directory.
func Open(ctx context.Context, opt Options) (*Instance, error) {
	if opt.FS == nil {
		panic("engine: Open without FS")
	}
	if opt.Settings == nil {
		s := DefaultSettings()
		opt.Settings = &s
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Dir == "" {
		opt.Dir = "."
	}
	i := &Instance{opt: opt, set: *opt.Settings, log: opt.Logger, start: opt.Now(), done: make(chan struct{})}
	i.sessions.init()
	if err := checkDirectory(opt.FS, opt.Dir); err != nil {
		return nil, err
	}
	i.pid.PIDFile = PIDFile{PID: opt.PID, Dir: opt.Dir, Start: i.start.Unix(), Port: opt.Port, SocketDir: opt.SocketDir,
		Listen: opt.Listen, Status: "starting"}
	lock, err := lockDirectory(opt.FS, &i.pid.PIDFile, opt.Alive, opt.Orphans)
	if err != nil {
		return nil, err
	}
	i.lock = lock
	if err := i.open(ctx); err != nil {
		i.panicked.Store(true) // nothing of it may reach the disk any more
		return nil, errors.Join(err, i.close())
	}
	return i, nil
}

func (i *Instance) open(ctx context.Context) error {
	if err := i.recover(ctx); err != nil {
		return err
	}
	i.sys = &access.System{Smgr: i.smgr, Log: i.wal, Locks: i.locks, Xact: i.xact, Toast: toast, HintWAL: i.hintWAL()}
	i.catalog = catalog.NewServer(catalog.Options{FS: i.opt.FS, Sys: i.sys, Pool: i.pool, Checkpoint: func(ctx context.Context) error {
		return i.Checkpoint(ctx, checkpointer.Immediate|checkpointer.Force|checkpointer.FlushAll)
	}})
	i.startWorkers()
	return nil
}

// hintWAL reports whether hint bits are logged.
func (i *Instance) hintWAL() bool {
	c := i.control.Get()
	return c.ChecksumVersion != 0 || i.set.WALLogHints
}

func (i *Instance) standbyInfo() bool { return i.set.WALLevel >= pgcontrol.Replica }

// close frees what an instance holds; nothing is written.
func (i *Instance) close() error {
	var errs []error
	if i.wal != nil {
		errs = append(errs, i.wal.Close())
	}
	if i.pool != nil {
		errs = append(errs, i.pool.Close())
	}
	if i.smgr != nil {
		i.smgr.CloseAll()
	}
	errs = append(errs, i.opt.FS.Remove(PIDFileName), i.lock.Close())
	return errors.Join(errs...)
}

// Panic says that what is in memory can no longer be trusted to match the log:
// no page is written any more, every session ends, and only Stop is left to do.
// INV-ENG-2. It returns at once.
func (i *Instance) Panic(err error) {
	was := i.panicked.Swap(true)
	i.mu.Lock()
	first := i.mu.failure == nil && !was // was: an immediate stop, at which workers fail, or another's PANIC
	if first {
		i.mu.failure = pgerr.Wrap(err, pgerr.CrashShutdown, "the database system is in recovery mode: %v", err)
	}
	why := i.mu.failure
	i.mu.Unlock()
	if !first {
		return
	}
	i.log.Error("PANIC: " + err.Error())
	i.sessions.refuse(why)
	i.sessions.cancelAll(why)
	i.stopStages(checkpointer.ErrImmediate)
	close(i.done)
}

// Guard looks at an error that a session got, and returns it: one from within a
// critical section, which left a page changed that the log does not explain, is a
// PANIC. Whoever runs statements calls it for each that fails.
func (i *Instance) Guard(err error) error {
	if p, ok := errors.AsType[*heap.Panic](err); ok {
		i.Panic(p)
	}
	return err
}

// Failed is closed when the instance has had a PANIC and must be stopped.
func (i *Instance) Failed() <-chan struct{} { return i.done }

// Err is the cause of the PANIC, or nil.
func (i *Instance) Err() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.mu.failure
}

// Checkpoint takes a checkpoint and waits for it (CHECKPOINT is Immediate|Force).
func (i *Instance) Checkpoint(ctx context.Context, f checkpointer.Flags) error {
	if i.ckpt != nil {
		return i.ckpt.Checkpoint(ctx, f)
	}
	i.ckptMu.Lock()
	defer i.ckptMu.Unlock()
	_, err := i.creator.Create(ctx, f|checkpointer.Wait, func(float64) {})
	if err != nil {
		i.Panic(err)
	}
	return err
}

// RequestCheckpoint asks for a checkpoint without waiting.
func (i *Instance) RequestCheckpoint(f checkpointer.Flags) {
	if i.ckpt != nil {
		i.ckpt.Request(f)
	}
}

// Reload has the workers look at their settings again.
func (i *Instance) Reload() error {
	if i.ckpt != nil {
		i.ckpt.Reload()
	}
	return i.updateFullPageWrites()
}

func (i *Instance) updateFullPageWrites() error {
	var r xlog.Record
	return i.wal.SetFullPageWrites(&r, i.set.FullPageWrites(), i.standbyInfo())
}

// SetStatus changes the status line of postmaster.pid ("ready"), and the places
// where the server listens if they are not empty.
func (i *Instance) SetStatus(status string, port int, socketDir, listen string) error {
	i.pid.Lock()
	defer i.pid.Unlock()
	i.pid.Status = status
	if port != 0 {
		i.pid.Port = port
	}
	if socketDir != "" {
		i.pid.SocketDir = socketDir
	}
	if listen != "" {
		i.pid.Listen = listen
	}
	return i.pid.write(i.opt.FS)
}

// The parts of an instance.

// FS is the data directory.
func (i *Instance) FS() vfs.FS { return i.opt.FS }

// Dir is the data directory's name.
func (i *Instance) Dir() string { return i.opt.Dir }

// Settings are what the instance was opened with.
func (i *Instance) Settings() *Settings { return &i.set }

// Control is the control file.
func (i *Instance) Control() pgcontrol.Control { return i.control.Get() }

// Smgr holds the files of relations.
func (i *Instance) Smgr() *smgr.Manager { return i.smgr }

// Pool is the shared buffers.
func (i *Instance) Pool() *bufmgr.Pool { return i.pool }

// Log is the write-ahead log.
func (i *Instance) Log() *xlog.Log { return i.wal }

// Xact is the transaction system.
func (i *Instance) Xact() *xact.Manager { return i.xact }

// Locks is the lock table.
func (i *Instance) Locks() *lmgr.Manager { return i.locks }

// System is what access methods get of the server.
func (i *Instance) System() *access.System { return i.sys }

// Catalog is the catalogs' shared state.
func (i *Instance) Catalog() *catalog.Server { return i.catalog }

// Metrics are the workers' counters.
func (i *Instance) Metrics() *Metrics { return &i.metrics }

// StartTime is when the instance was opened (pg_postmaster_start_time).
func (i *Instance) StartTime() time.Time { return i.start }

// Logger is the instance's log.
func (i *Instance) Logger() *slog.Logger { return i.log }

// LocalPool makes a session's buffers for temporary tables: temp_buffers pages.
func (i *Instance) LocalPool(backend int32, buffers int) (*bufmgr.Pool, error) {
	return bufmgr.NewLocal(buffers, i.smgr.Temp(backend))
}
