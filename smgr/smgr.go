// Package smgr is the storage manager: relation forks as files of at most 1 GB,
// on vfs, with PostgreSQL 15's names.
package smgr

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs"
)

// NoBackend is the Backend of a relation that is not temporary.
const NoBackend int32 = -1

// Rel names the files of a relation, temporary or not (PostgreSQL:
// RelFileNodeBackend).
type Rel struct {
	page.RelFileNode
	Backend int32 // NoBackend, or the session that owns a temporary relation
}

// Options of New.
type Options struct {
	MaxOpen int         // open files at most; 0 is 1000
	NoSync  bool        // fsync = off
	Redo    func() bool // true during recovery: missing files are made, reads past the end are zeros
}

// Manager holds the files of all relations of one server.
type Manager struct {
	*Files // the relations that are not temporary
}

// New returns a manager of the data directory fs.
func New(fs vfs.FS, opt Options) *Manager { panic("unwritten") }

// Temp returns the files of backend's temporary relations.
func (m *Manager) Temp(backend int32) *Files { panic("unwritten") }

// Of returns the files that r is among.
func (m *Manager) Of(r Rel) *Files { panic("unwritten") }

// PreCheckpoint starts a cycle of delayed unlinks: call before the redo point is set.
func (m *Manager) PreCheckpoint() { panic("unwritten") }

// Sync makes durable all that was written before the call. A failure is a PANIC.
func (m *Manager) Sync() error { panic("unwritten") }

// PostCheckpoint unlinks what was dropped before PreCheckpoint: call when the
// checkpoint is durable.
func (m *Manager) PostCheckpoint() error { panic("unwritten") }

// DropDatabase forgets open files and sync requests of a database, whose
// directory the caller is about to remove.
func (m *Manager) DropDatabase(db, spc uint32) { panic("unwritten") }

// Files is the view of a manager on the relations of one backend, or on those
// that are not temporary. It is safe for concurrent use.
type Files struct {
	backend int32
}

// Create makes the file of a fork. During recovery it may exist already.
func (f *Files) Create(rel page.RelFileNode, fork page.Fork) error { panic("unwritten") }

// Exists reports whether the fork has a file.
func (f *Files) Exists(rel page.RelFileNode, fork page.Fork) (bool, error) { panic("unwritten") }

// NBlocks is the length of a fork in blocks.
func (f *Files) NBlocks(rel page.RelFileNode, fork page.Fork) (page.BlockNumber, error) {
	panic("unwritten")
}

// Read fills p with a block.
func (f *Files) Read(tag page.Tag, p page.Page) error { panic("unwritten") }

// Write writes an existing block and queues the sync of its file.
func (f *Files) Write(tag page.Tag, p page.Page) error { panic("unwritten") }

// Extend writes a block at or past the end.
func (f *Files) Extend(tag page.Tag, p page.Page) error { panic("unwritten") }

// Truncate cuts a fork to n blocks. Its buffers must be dropped first.
func (f *Files) Truncate(rel page.RelFileNode, fork page.Fork, n page.BlockNumber) error {
	panic("unwritten")
}

// Unlink removes all forks. The first segment of the main fork stays, with
// length 0, until after the next checkpoint, so that its number is not reused
// while a crash could still replay records of the old relation.
func (f *Files) Unlink(rel page.RelFileNode) error { panic("unwritten") }

// ImmediateSync makes a fork durable now.
func (f *Files) ImmediateSync(rel page.RelFileNode, fork page.Fork) error { panic("unwritten") }

// Prefetch hints that a block will be read.
func (f *Files) Prefetch(tag page.Tag) { panic("unwritten") }

// WriteBack hints that n blocks from tag on may go to the disk now.
func (f *Files) WriteBack(tag page.Tag, n int) { panic("unwritten") }

// Path is the file name of a fork's first segment, as messages show it
// (PostgreSQL: relpath).
func (f *Files) Path(rel page.RelFileNode, fork page.Fork) string { panic("unwritten") }
