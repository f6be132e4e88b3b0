// Package smgr is the storage manager: relation forks as files of at most 1 GB,
// on vfs, with PostgreSQL 15's names.
//
// INV-SMGR-1: the sync of what was written, and of the folder of what was made
// or removed, is queued before the call returns, so that the next Sync covers it.
// Enforced: Files.Write, Manager.queueSync. Tested: TestSyncCoversWrites.
//
// INV-SMGR-2: the first segment of a dropped relation's main fork keeps its name
// until a checkpoint that began after the drop is durable: the number is not
// given to a new relation while a crash could replay records of the old one.
// Enforced: Files.Unlink, Manager.PostCheckpoint. Tested: TestUnlinkWaitsForCheckpoint.
//
// Lock order: fork.mu, then Manager.mu, then Manager.sync. No lock of the
// manager is held during input or output, but for the fork's own.
package smgr

import (
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/vfs"
)

// NoBackend is the Backend of a relation that is not temporary.
const NoBackend int32 = -1

// SegmentBlocks is the length of a full segment file: 1 GB (RELSEG_SIZE).
const SegmentBlocks = 131072

// Rel names the files of a relation, temporary or not (PostgreSQL:
// RelFileNodeBackend).
type Rel struct {
	page.RelFileNode
	Backend int32 // NoBackend, or the session that owns a temporary relation
}

// Options of New.
type Options struct {
	MaxOpen       int         // open files at most; 0 is 1000
	SegmentBlocks uint32      // blocks of a full segment; 0 is SegmentBlocks (tests use fewer)
	NoSync        bool        // fsync = off
	Redo          func() bool // true during recovery: missing files are made, reads past the end are zeros
}

// Manager holds the files of all relations of one server.
type Manager struct {
	*Files // the relations that are not temporary

	fs  vfs.FS
	opt Options

	open     atomic.Int64 // open segment files
	lastSync atomic.Pointer[SyncStats]

	mu    sync.RWMutex
	forks map[forkKey]*fork

	syncing sync.Mutex // held by the running Sync
	sync    struct {
		sync.Mutex
		files   map[segKey]struct{} // segments to sync
		dirs    map[string]struct{} // folders to sync
		dropped map[segKey]struct{} // unlinked since the running Sync began; nil if none runs
		cycle   uint64              // checkpoints begun
		unlinks []unlink            // oldest first
	}
}

// forkKey names a fork; segKey one of its files.
type forkKey struct {
	rel  Rel
	fork page.Fork
}

type segKey struct {
	forkKey
	seg uint32
}

// unlink is a first segment, cut to nothing, that waits for a checkpoint.
type unlink struct {
	key   forkKey
	cycle uint64
}

// Files is the view of a manager on the relations of one backend, or on those
// that are not temporary. It is safe for concurrent use.
type Files struct {
	m       *Manager
	backend int32
}

// New returns a manager of the data directory fs.
func New(fs vfs.FS, opt Options) *Manager {
	if opt.MaxOpen == 0 {
		opt.MaxOpen = 1000
	}
	if opt.SegmentBlocks == 0 {
		opt.SegmentBlocks = SegmentBlocks
	}
	if opt.Redo == nil {
		opt.Redo = func() bool { return false }
	}
	m := &Manager{fs: fs, opt: opt, forks: map[forkKey]*fork{}}
	m.Files = &Files{m, NoBackend}
	m.sync.files = map[segKey]struct{}{}
	m.sync.dirs = map[string]struct{}{}
	return m
}

// Temp returns the files of backend's temporary relations.
func (m *Manager) Temp(backend int32) *Files { return &Files{m, backend} }

// Of returns the files that r is among.
func (m *Manager) Of(r Rel) *Files {
	if r.Backend == NoBackend {
		return m.Files
	}
	return m.Temp(r.Backend)
}

// fork is what is known of one fork that was used.
type fork struct {
	key forkKey

	used atomic.Bool  // since the last search for files to close
	size atomic.Int64 // blocks, or unknown

	mu   sync.RWMutex // read: input and output; write: segs and the files' lengths change
	segs []vfs.File   // open segments; nil where closed
}

const unknown = -1

// get returns the entry of a fork, making it.
func (m *Manager) get(k forkKey) *fork {
	m.mu.RLock()
	f := m.forks[k]
	m.mu.RUnlock()
	if f == nil {
		m.mu.Lock()
		if f = m.forks[k]; f == nil {
			f = &fork{key: k}
			f.size.Store(unknown)
			m.forks[k] = f
		}
		m.mu.Unlock()
	}
	if !f.used.Load() {
		f.used.Store(true)
	}
	return f
}

func (f *Files) fork(rel page.RelFileNode, fk page.Fork) *fork {
	return f.m.get(forkKey{Rel{rel, f.backend}, fk})
}

// CloseAll closes every open file, as before removing a database's folder. Cached
// lengths are forgotten.
func (m *Manager) CloseAll() { m.forget(func(forkKey) bool { return true }) }

// DropDatabase forgets open files, sync requests and delayed unlinks of a
// database in a tablespace (0: in all), whose folder the caller is about to remove.
func (m *Manager) DropDatabase(db, spc oid.OID) {
	of := func(k forkKey) bool { return k.rel.DB == db && (spc == 0 || k.rel.Spc == spc) }
	m.sync.Lock()
	for k := range m.sync.files {
		if of(k.forkKey) {
			m.forgetSync(k)
		}
	}
	var keep []unlink
	for _, u := range m.sync.unlinks {
		if !of(u.key) {
			keep = append(keep, u)
		}
	}
	m.sync.unlinks = keep
	m.sync.Unlock()
	m.forget(of)
}

func (m *Manager) forget(of func(forkKey) bool) {
	var list []*fork
	m.mu.Lock()
	for k, f := range m.forks {
		if of(k) {
			list = append(list, f)
			delete(m.forks, k)
		}
	}
	m.mu.Unlock()
	for _, f := range list {
		f.mu.Lock()
		m.closeSegs(f)
		f.mu.Unlock()
	}
}

// closeSegs closes f's files; f.mu is held for writing. What was written is in
// the kernel, so that an error of close says nothing that Sync will not.
func (m *Manager) closeSegs(f *fork) {
	for i, h := range f.segs {
		if h != nil {
			_ = h.Close()
			f.segs[i] = nil
			m.open.Add(-1)
		}
	}
	f.segs = f.segs[:0]
}

// limitOpen closes files of forks that were not used lately, until there is room
// for one more. Forks that are busy are passed over.
func (m *Manager) limitOpen(mine *fork) {
	for turn := 0; turn < 2 && m.open.Load() >= int64(m.opt.MaxOpen); turn++ {
		m.mu.RLock()
		list := make([]*fork, 0, len(m.forks))
		for _, f := range m.forks {
			if f != mine {
				list = append(list, f)
			}
		}
		m.mu.RUnlock()
		for _, f := range list {
			if f.used.Swap(false) || m.open.Load() < int64(m.opt.MaxOpen) || !f.mu.TryLock() {
				continue
			}
			m.closeSegs(f)
			f.mu.Unlock()
		}
	}
}
