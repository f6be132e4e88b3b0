// Package bufmgr keeps disk blocks in memory and writes them back.
package bufmgr

import (
	"context"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/smgr"
)

// WAL is the part of the log that the pool needs.
type WAL interface {
	Flush(upTo lsn.LSN) error
	// SaveHint logs a full image of a page whose hints are about to change, if
	// the page needs one, and returns the end of the record or 0.
	SaveHint(tag page.Tag, p page.Page) (lsn.LSN, error)
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
	Zero                    // do not read: zero page, LOCKED exclusively (RBM_ZERO_AND_LOCK)
	ZeroCleanup             // like Zero, with a cleanup lock
	ZeroOnError             // a bad page reads as zeros
)

// LockMode of a page's content lock.
type LockMode uint8

// Content lock modes.
const (
	Shared LockMode = iota
	Exclusive
)

// Pool is a set of page frames.
type Pool struct{}

// Strategy keeps a bulk operation to a small ring of buffers; nil is none. It
// belongs to one goroutine.
type Strategy struct{}

// Kinds of rings.
const (
	BulkRead  = "bulkread"  // 256 kB
	BulkWrite = "bulkwrite" // 16 MB
	Vacuum    = "vacuum"    // 256 kB
)

// NewStrategy returns a ring for a bulk operation on p.
func (p *Pool) NewStrategy(kind string) *Strategy { panic("unwritten") }

// New makes a pool.
func New(o Options) (*Pool, error) { panic("unwritten") }

// NewLocal makes a pool for one session's temporary tables: no WAL, no checkpoint.
func NewLocal(buffers int, files *smgr.Files) (*Pool, error) { panic("unwritten") }

// Close frees the frames. Nothing is written.
func (p *Pool) Close() error { panic("unwritten") }

// Read pins the block and, unless mode says otherwise, leaves it unlocked.
func (p *Pool) Read(tag page.Tag, mode Mode, s *Strategy) (Buffer, error) { panic("unwritten") }

// Extend adds a zero block to a fork and returns it pinned and locked exclusively.
func (p *Pool) Extend(rel page.RelFileNode, fork page.Fork, s *Strategy) (Buffer, page.BlockNumber, error) {
	panic("unwritten")
}

// NBlocks is the length of a fork in blocks.
func (p *Pool) NBlocks(rel page.RelFileNode, fork page.Fork) (page.BlockNumber, error) {
	panic("unwritten")
}

// Prefetch hints that a block will be read.
func (p *Pool) Prefetch(tag page.Tag) { panic("unwritten") }

// Page is the frame of b; it must not outlive the pin.
func (p *Pool) Page(b Buffer) page.Page { panic("unwritten") }

// Tag names the block in b.
func (p *Pool) Tag(b Buffer) page.Tag { panic("unwritten") }

// Pin adds a pin.
func (p *Pool) Pin(b Buffer) { panic("unwritten") }

// Release drops a pin.
func (p *Pool) Release(b Buffer) { panic("unwritten") }

// Lock takes the content lock.
func (p *Pool) Lock(b Buffer, m LockMode) { panic("unwritten") }

// TryLock takes the exclusive content lock if it is free.
func (p *Pool) TryLock(b Buffer) bool { panic("unwritten") }

// LockCleanup waits for the exclusive lock with no other pin on b.
func (p *Pool) LockCleanup(ctx context.Context, b Buffer) error { panic("unwritten") }

// TryLockCleanup takes the exclusive lock if it is free and b has no other pin.
func (p *Pool) TryLockCleanup(b Buffer) bool { panic("unwritten") }

// IsCleanup reports whether b, locked exclusively, has no pin but the caller's.
func (p *Pool) IsCleanup(b Buffer) bool { panic("unwritten") }

// Unlock releases the content lock, whichever mode it has.
func (p *Pool) Unlock(b Buffer) { panic("unwritten") }

// UnlockRelease is Unlock, then Release.
func (p *Pool) UnlockRelease(b Buffer) { panic("unwritten") }

// MarkDirty says that b, locked exclusively, changes. It comes before the record
// is inserted, so that a checkpoint that starts in between writes b.
func (p *Pool) MarkDirty(b Buffer) { panic("unwritten") }

// MarkDirtyHint says that hints of b changed, under its exclusive lock. With
// checksums it logs a page image if one is due.
func (p *Pool) MarkDirtyHint(b Buffer) error { panic("unwritten") }

// DropRel forgets the buffers of a relation's forks from block from on, unwritten.
func (p *Pool) DropRel(rel page.RelFileNode, fork page.Fork, from page.BlockNumber) {
	panic("unwritten")
}

// DropRelAll forgets the buffers of all forks of the relations, unwritten.
func (p *Pool) DropRelAll(rels ...page.RelFileNode) { panic("unwritten") }

// DropDatabase forgets the buffers of a database, unwritten.
func (p *Pool) DropDatabase(db uint32) { panic("unwritten") }

// FlushRel writes the dirty buffers of a relation.
func (p *Pool) FlushRel(rel page.RelFileNode) error { panic("unwritten") }

// FlushDatabase writes the dirty buffers of a database.
func (p *Pool) FlushDatabase(db uint32) error { panic("unwritten") }

// CheckpointFlags widen what Checkpoint writes.
type CheckpointFlags struct {
	All        bool // also unlogged relations: shutdown and end of recovery
	FlushAfter int  // blocks after which WriteBack is hinted; 0 is never
}

// Checkpoint writes all that was dirty at its start, by file and block. throttle
// is called after each write with the share that is done.
func (p *Pool) Checkpoint(ctx context.Context, f CheckpointFlags, throttle func(done float64)) error {
	panic("unwritten")
}

// Action is what a redo function must do with its page.
type Action uint8

// Actions of ReadForRedo.
const (
	NeedsRedo Action = iota // apply the change
	Done                    // the page has it already
	Restored                // the record's image was put in place
	NotFound                // dropped or truncated later in the log: b is 0
)

// RedoRead says how ReadForRedo reads and locks.
type RedoRead struct {
	Mode    Mode
	Cleanup bool // cleanup lock instead of exclusive
}
