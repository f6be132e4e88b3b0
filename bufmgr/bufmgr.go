// Package bufmgr keeps disk blocks in memory and writes them back.
//
// INV-BUF-1 (write-ahead): a dirty page reaches the data file only after the
// WAL is flushed through the page's LSN.
// Enforced: Pool.writeBack. Tested: TestWriteBackFlushesWAL.
//
// INV-BUF-2 (pins): the tag of a pinned buffer does not change.
// Enforced: Pool.unmap. Tested: TestEvictSkipsPinned.
//
// INV-BUF-3 (no benign race): the bytes of a frame are read under at least the
// shared content lock and changed under the exclusive one; what is written and
// checksummed is a copy.
// Enforced: Pool.writeBack. Tested: TestConcurrent.
//
// INV-BUF-4 (checkpoint): a page that was dirty when Checkpoint began is in its
// file, with the sync queued, when Checkpoint returns nil.
// Enforced: Pool.Checkpoint. Tested: TestCheckpointWritesAll.
//
// Lock order: extension lock, content locks (the access method's order among
// them), frame.io, partition lock, frame.mu. Nobody waits for a content lock
// with a partition lock held, and whoever fills a frame holds its io alone.
package bufmgr

import (
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/internal/osmem"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/smgr"
	"github.com/pgmini/pgmini/xlog"
)

// WAL is the part of the log that the pool needs.
type WAL interface {
	Flush(upTo lsn.LSN) error
	FlushLSN() lsn.LSN
	// Room returns an error if there is no room in the log for what can wait.
	Room() error
	// SaveHint logs a full image of a page whose hints changed, if the page
	// needs one, and returns the end of the record or 0. r is scratch.
	SaveHint(r *xlog.Record, tag page.Tag, p page.Page, standard bool) (lsn.LSN, error)
}

// Options of New.
type Options struct {
	Buffers     int         // shared_buffers in blocks, at least 16
	WAL         WAL         // nil: nothing is logged (tests, initdb's bootstrap)
	Smgr        *smgr.Files // required
	Checksums   bool        // data_checksums
	HintWAL     bool        // wal_log_hints
	Redo        func() bool // true during recovery
	ZeroDamaged func() bool // zero_damaged_pages; nil is off
	Panicked    func() bool // true: this server has PANICed, no page is written any more
}

// Buffer is a pinned frame; 0 is none.
type Buffer int32

// Mode says what Read does.
type Mode uint8

// Modes of Read.
const (
	Normal      Mode = iota // read from disk if not in memory
	Zero                    // do not read: zero page if not in memory, LOCKED exclusively (RBM_ZERO_AND_LOCK)
	ZeroCleanup             // like Zero, with a cleanup lock
	ZeroOnError             // a bad page reads as zeros
)

// partitions of the mapping table (NUM_BUFFER_PARTITIONS). A power of two.
const partitions = 128

// partition maps the tags of one part of the hash space to frames.
type partition struct {
	sync.RWMutex
	frames map[page.Tag]int32
	_      [32]byte // a cache line of its own
}

// Stats count what a pool did; pg_stat_bgwriter and tests read them.
type Stats struct {
	Reads, Writes, Extends, Allocs, BackendWrites atomic.Int64
}

// Pool is a set of page frames. It is safe for concurrent use.
type Pool struct {
	Stats Stats

	opt    Options
	arena  *osmem.Arena
	frames []frame
	parts  [partitions]partition

	hand atomic.Uint64 // clock hand: sweeps done × frames + next frame
	free struct {
		sync.Mutex
		list []int32 // frames without a page
	}
	extension [64]sync.Mutex // by relation and fork

	unlogged struct {
		sync.RWMutex
		rels map[page.RelFileNode]struct{}
	}
	invalid invalidPages

	scratch sync.Pool // *copyBuf, for write-back
	records sync.Pool // *xlog.Record, for hints
}

// copyBuf holds the copy of a page on its way to disk.
type copyBuf struct{ page [page.Size]byte }

// New makes a pool.
func New(o Options) (*Pool, error) {
	if o.Smgr == nil {
		panic("bufmgr: Options.Smgr is required")
	}
	if o.Buffers < 16 || o.Buffers > 1<<30 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "%d buffers are outside the valid range (16 .. %d)", o.Buffers, 1<<30)
	}
	never := func() bool { return false }
	for _, f := range []*func() bool{&o.Redo, &o.ZeroDamaged, &o.Panicked} {
		if *f == nil {
			*f = never
		}
	}
	arena, err := osmem.New(o.Buffers, page.Size)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.OutOfMemory, "could not map shared memory")
	}
	p := &Pool{opt: o, arena: arena, frames: make([]frame, o.Buffers)}
	for i := range p.parts {
		p.parts[i].frames = make(map[page.Tag]int32, o.Buffers/partitions+1)
	}
	p.free.list = make([]int32, o.Buffers)
	for i := range p.free.list {
		p.free.list[i] = int32(o.Buffers - 1 - i)
	}
	p.unlogged.rels = map[page.RelFileNode]struct{}{}
	p.scratch.New = func() any { return new(copyBuf) }
	p.records.New = func() any { return new(xlog.Record) }
	return p, nil
}

// NewLocal makes a pool for one session's temporary tables: no WAL, no checkpoint.
func NewLocal(buffers int, files *smgr.Files) (*Pool, error) {
	return New(Options{Buffers: max(buffers, 16), Smgr: files})
}

// Close frees the frames. Nothing is written, and no page may be used any more.
func (p *Pool) Close() error { return p.arena.Close() }

// Size is the number of frames.
func (p *Pool) Size() int { return len(p.frames) }

// Smgr returns the files under the pool.
func (p *Pool) Smgr() *smgr.Files { return p.opt.Smgr }

// SetUnlogged says that a relation is unlogged: its hints are not logged and an
// ordinary checkpoint passes its pages over. Call it before its pages are read;
// DropRelAll forgets it. The init fork is always logged.
func (p *Pool) SetUnlogged(rel page.RelFileNode) {
	p.unlogged.Lock()
	p.unlogged.rels[rel] = struct{}{}
	p.unlogged.Unlock()
}

// SetLogged takes SetUnlogged back.
func (p *Pool) SetLogged(rel page.RelFileNode) {
	p.unlogged.Lock()
	delete(p.unlogged.rels, rel)
	p.unlogged.Unlock()
}

func (p *Pool) isPermanent(tag page.Tag) bool {
	if tag.Fork == page.InitFork {
		return true
	}
	p.unlogged.RLock()
	defer p.unlogged.RUnlock()
	_, un := p.unlogged.rels[tag.Rel]
	return !un
}

func (p *Pool) part(tag page.Tag) *partition {
	// Neighbouring blocks fall into different partitions; relations are mixed in.
	h := uint32(tag.Block) + uint32(tag.Rel.Rel)*0x9E3779B1 + uint32(tag.Fork)<<5
	return &p.parts[h&(partitions-1)]
}

func (p *Pool) extLock(rel page.RelFileNode, fork page.Fork) *sync.Mutex {
	h := uint32(rel.Rel)*0x9E3779B1>>16 + uint32(fork)
	return &p.extension[h%uint32(len(p.extension))]
}

// frame returns the frame of a buffer that the caller has pinned.
func (p *Pool) frame(b Buffer) *frame { return &p.frames[b-1] }

// Page is the frame of b; it must not outlive the pin.
func (p *Pool) Page(b Buffer) page.Page { return p.arena.Block(int(b - 1)) }

// Tag names the block in b.
func (p *Pool) Tag(b Buffer) page.Tag { return p.frame(b).tag }

// NBlocks is the length of a fork in blocks.
func (p *Pool) NBlocks(rel page.RelFileNode, fork page.Fork) (page.BlockNumber, error) {
	return p.opt.Smgr.NBlocks(rel, fork)
}

// Prefetch hints that a block will be read.
func (p *Pool) Prefetch(tag page.Tag) {
	pt := p.part(tag)
	pt.RLock()
	_, ok := pt.frames[tag]
	pt.RUnlock()
	if !ok {
		p.opt.Smgr.Prefetch(tag)
	}
}
