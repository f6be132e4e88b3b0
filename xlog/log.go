package xlog

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// Options is all that a Log needs. Func fields are read whenever they matter,
// because their settings reload; the zero value of an optional field is its
// default.
type Options struct {
	FS       vfs.FS
	Dir      string // pg_wal
	SegSize  lsn.SegSize
	SystemID uint64
	Timeline lsn.Timeline
	// Buffers is the number of WAL pages in memory (wal_buffers); 0 is 512.
	Buffers int
	// RedoLSN is the redo point of the latest checkpoint.
	RedoLSN lsn.LSN
	// FullPageWrites is its value at the start (full_page_writes).
	FullPageWrites bool
	// NoSync leaves out every sync (fsync = off).
	NoSync bool
	// NoInitZero reserves new segments without writing zeros (wal_init_zero off).
	NoInitZero bool
	// Watermarks has the log say, behind what is durable, that it is.
	Watermarks bool
	// ClearBehind zeroes what a server that crashed left behind the end: its pages
	// would be read again if the log ended just before one of them.
	ClearBehind bool
	// MissingContRecord is the page on which the rest of an aborted record should
	// have been: its header tells readers that the record was given up.
	MissingContRecord lsn.LSN

	Compression func() Compression   // wal_compression; optional
	Consistency func(id RmgrID) bool // wal_consistency_checking; optional
	CommitDelay func() time.Duration // commit_delay; optional
	// Siblings reports whether at least commit_siblings other transactions are
	// active; optional.
	Siblings func() bool
	// WriterDelay and FlushAfter are wal_writer_delay and wal_writer_flush_after
	// in bytes; optional.
	WriterDelay func() time.Duration
	FlushAfter  func() int64
	// Hints says that hint bit updates must be logged: checksums or
	// wal_log_hints.
	Hints   bool
	Metrics *Metrics // optional
	// Opened is told of each segment that the log goes on to write; Failed of the
	// failure that stops it, before anybody else can see it, perhaps more than once.
	// Both must return at once. Optional.
	Opened func(seg lsn.SegNo)
	Failed func(error)
}

// Metrics counts what the log does: pg_stat_wal and more. It belongs to the
// caller.
type Metrics struct {
	Records, FPI, Bytes atomic.Int64
	BuffersFull         atomic.Int64
	Writes, Syncs       atomic.Int64
	WriteNS, SyncNS     atomic.Int64
	// Flushes is indexed by Trigger: who had the log flushed.
	Flushes [triggers]atomic.Int64
	// SegmentsCreated counts segments that a writer had to wait for;
	// SegmentsAhead those that were made in the background.
	SegmentsCreated, SegmentsAhead atomic.Int64
}

// Trigger says who had the log flushed.
type Trigger uint8

// The triggers.
const (
	ForOther      Trigger = iota
	ForCommit             // a commit that waits
	ForWriter             // a turn of the WAL writer
	ForCheckpoint         // a checkpoint
	ForEviction           // a dirty page must leave the pool
	ForRingFull           // the ring has no room: a write, not a sync
	triggers
)

// Log is the write-ahead log of one server, open for writing.
type Log struct {
	opt Options
	geo geometry
	met *Metrics

	ins   inserter
	ring  ring
	group group
	out   output
	marks marks
	room  room
	hint  chan struct{} // wakes the WAL writer

	asyncLSN  atomic.Uint64 // end of the latest asynchronous commit
	sleeping  atomic.Bool   // the WAL writer hibernates
	lastFlush atomic.Int64  // of the WAL writer, in nanoseconds
	segMu     sync.Mutex    // creation and installation of segments
	prealloc  chan struct{} // wakes the preallocator
	failure   atomic.Pointer[pgerr.Error]
}

// OpenForWrite continues a log that ends at end, the end of the record that
// starts at prev. The page that holds end is read back, so that what stands
// before end is kept.
func OpenForWrite(opt Options, end, prev lsn.LSN) (*Log, error) {
	switch {
	case opt.FS == nil || !opt.SegSize.Valid() || opt.Timeline == 0:
		panic("xlog: OpenForWrite without FS, SegSize or Timeline")
	case end == lsn.Invalid:
		panic("xlog: OpenForWrite at an invalid LSN")
	}
	if opt.Buffers == 0 {
		opt.Buffers = 512
	}
	opt.Buffers = max(opt.Buffers, 4)
	l := &Log{opt: opt, geo: newGeometry(opt.SegSize), met: opt.Metrics,
		hint: make(chan struct{}, 1), prealloc: make(chan struct{}, 1)}
	if l.met == nil {
		l.met = new(Metrics)
	}
	if opt.NoSync {
		l.opt.Watermarks = false // nothing is known to be durable
	}
	whole := end
	if opt.MissingContRecord != lsn.Invalid {
		whole = prev // the parts of a record before end are lost for good only when the log says so
	}
	l.marks.whole.Store(uint64(whole))
	l.marks.told.Store(uint64(end))
	l.marks.said.Store(uint64(end))
	l.marks.last.Store(uint64(end))
	l.ring.init(opt.Buffers)
	l.ins.init(l.geo.pos(end), l.geo.pos(prev), prev, opt)
	l.out.scratch = make([]byte, PageSize)
	l.out.written.Store(uint64(end))
	l.out.flushed.Store(uint64(end))
	if err := l.adoptLastPage(end); err != nil {
		return nil, err
	}
	if opt.ClearBehind {
		if err := l.clearBehind(end); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// adoptLastPage puts the page that end lies on into the ring, cut at end.
func (l *Log) adoptLastPage(end lsn.LSN) error {
	pageAt := end &^ (PageSize - 1)
	l.ring.ready.Store(uint64(pageAt))
	off := int(end - pageAt)
	if off == 0 {
		return nil
	}
	seg := l.geo.seg.Containing(pageAt)
	name := l.path(seg)
	f, err := l.opt.FS.Open(name, vfs.Read)
	if err != nil {
		return pgerr.File(err, "open", name)
	}
	defer f.Close()
	p := l.ring.slot(pageAt)
	if n, err := f.ReadAt(p[:off], int64(l.geo.seg.Offset(pageAt))); n < off {
		return pgerr.File(fmt.Errorf("read %d of %d: %w", n, off, err), "read", name)
	}
	clear(p[off:])
	l.ring.ends[l.ring.index(pageAt)].Store(uint64(pageAt + PageSize))
	l.ring.ready.Store(uint64(pageAt + PageSize))
	return nil
}

func (l *Log) path(seg lsn.SegNo) string {
	return join(l.opt.Dir, l.geo.seg.FileName(l.opt.Timeline, seg))
}

// Err is the failure that stopped the log, if one did.
func (l *Log) Err() error {
	if e := l.failure.Load(); e != nil {
		return e
	}
	return nil
}

// fail stops the log for good: nobody can tell any more what is on disk, so
// nothing may be written behind it. The first failure stays.
func (l *Log) fail(err error) error {
	e, ok := pgerr.As(err)
	if !ok {
		e = pgerr.Wrap(err, pgerr.IOError, "could not write to log file")
	}
	// The server hears of it first: whoever finds the log failed may hold a page
	// with a change that has no record, and lets go of it.
	if l.failure.Load() == nil && l.opt.Failed != nil {
		l.opt.Failed(e)
	}
	l.failure.CompareAndSwap(nil, e)
	l.ins.waitMu.Lock()
	l.ins.failed = true
	l.ins.cond.Broadcast()
	l.ins.waitMu.Unlock()
	return l.Err()
}

// InsertLSN is where the next record starts (pg_current_wal_insert_lsn).
func (l *Log) InsertLSN() lsn.LSN { return l.geo.start(bytePos(l.ins.reserved.Load())) }

// InsertEnd is the end of the last record that was inserted: what Flush takes
// to make all of them durable.
func (l *Log) InsertEnd() lsn.LSN { return l.geo.end(bytePos(l.ins.reserved.Load())) }

// WriteLSN is the end of what was written (pg_current_wal_lsn).
func (l *Log) WriteLSN() lsn.LSN { return lsn.LSN(l.out.written.Load()) }

// FlushLSN is the end of what is durable (pg_current_wal_flush_lsn).
func (l *Log) FlushLSN() lsn.LSN { return lsn.LSN(l.out.flushed.Load()) }

// RedoLSN is the redo point of the latest checkpoint that began (RedoRecPtr).
func (l *Log) RedoLSN() lsn.LSN { return lsn.LSN(l.ins.redo.Load()) }

// Timeline is the timeline that is written.
func (l *Log) Timeline() lsn.Timeline { return l.opt.Timeline }

// SegSize is the length of a segment.
func (l *Log) SegSize() lsn.SegSize { return l.geo.seg }

// Metrics are the log's counters.
func (l *Log) Metrics() *Metrics { return l.met }

// LastImportant is the start of the latest record that was not marked
// unimportant: an idle server has none behind its checkpoint.
func (l *Log) LastImportant() lsn.LSN { return lsn.LSN(l.ins.important.Load()) }

// Close closes the segment that is open. It does not flush.
func (l *Log) Close() error {
	if f := l.out.file; f != nil {
		l.out.file = nil
		return f.Close()
	}
	return nil
}
