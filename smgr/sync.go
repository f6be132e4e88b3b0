package smgr

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

func (m *Manager) queueSync(k segKey) {
	m.sync.Lock()
	m.sync.files[k] = struct{}{}
	m.sync.Unlock()
}

func (m *Manager) queueDir(dir string) {
	m.sync.Lock()
	m.sync.dirs[dir] = struct{}{}
	m.sync.Unlock()
}

// forgetSync takes back the sync of a file that is removed; m.sync is held.
func (m *Manager) forgetSync(k segKey) {
	delete(m.sync.files, k)
	if m.sync.dropped != nil {
		m.sync.dropped[k] = struct{}{}
	}
}

// PreCheckpoint starts a cycle of delayed unlinks: call before the redo point is
// set (PostgreSQL: SyncPreCheckpoint).
func (m *Manager) PreCheckpoint() {
	m.sync.Lock()
	m.sync.cycle++
	m.sync.Unlock()
}

// Sync makes durable all that was written before the call (PostgreSQL:
// ProcessSyncRequests). A failure is a PANIC: the kernel may have dropped the
// data, and a retry would say otherwise.
func (m *Manager) Sync() error {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	m.sync.Lock()
	files, dirs := m.sync.files, m.sync.dirs
	m.sync.files, m.sync.dirs = map[segKey]struct{}{}, map[string]struct{}{}
	m.sync.dropped = map[segKey]struct{}{}
	m.sync.Unlock()
	defer func() {
		m.sync.Lock()
		m.sync.dropped = nil
		m.sync.Unlock()
	}()
	if m.opt.NoSync {
		return nil
	}
	keys := make([]segKey, 0, len(files))
	for k := range files {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b segKey) int { return cmp.Compare(a.path(), b.path()) })
	var st SyncStats
	defer func() { m.lastSync.Store(&st) }()
	for _, k := range keys {
		begin := time.Now()
		err := m.syncSeg(k)
		st.add(time.Since(begin))
		if errors.Is(err, fs.ErrNotExist) && m.wasDropped(k) {
			continue
		}
		if err != nil {
			return pgerr.File(err, "fsync", k.path())
		}
	}
	names := make([]string, 0, len(dirs))
	for d := range dirs {
		names = append(names, d)
	}
	slices.Sort(names)
	for _, d := range names {
		if err := m.fs.SyncDir(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return pgerr.File(err, "fsync", d)
		}
	}
	return nil
}

// SyncStats describes a Sync.
type SyncStats struct {
	Files          int
	Longest, Total time.Duration
}

func (s *SyncStats) add(d time.Duration) {
	s.Files++
	s.Longest, s.Total = max(s.Longest, d), s.Total+d
}

// LastSync describes the latest Sync.
func (m *Manager) LastSync() SyncStats {
	if s := m.lastSync.Load(); s != nil {
		return *s
	}
	return SyncStats{}
}

func (m *Manager) wasDropped(k segKey) bool {
	m.sync.Lock()
	defer m.sync.Unlock()
	_, ok := m.sync.dropped[k]
	return ok
}

// syncSeg syncs one file, through its open handle if it has one.
func (m *Manager) syncSeg(k segKey) error {
	m.mu.RLock()
	f := m.forks[k.forkKey]
	m.mu.RUnlock()
	if f != nil {
		f.mu.RLock()
		if int(k.seg) < len(f.segs) && f.segs[k.seg] != nil {
			defer f.mu.RUnlock()
			return f.segs[k.seg].Datasync()
		}
		f.mu.RUnlock()
	}
	h, err := m.fs.Open(k.path(), vfs.Write)
	if err != nil {
		return err
	}
	err = h.Datasync()
	return errors.Join(err, h.Close())
}

// Unlink removes all forks of a relation; missing ones are no error. INV-SMGR-2:
// the first segment of the main fork stays, cut to nothing, until PostCheckpoint.
func (f *Files) Unlink(rel page.RelFileNode) error {
	var errs []error
	for fork := page.MaxFork; fork > page.MainFork; fork-- {
		errs = append(errs, f.UnlinkFork(rel, fork))
	}
	return errors.Join(append(errs, f.UnlinkFork(rel, page.MainFork))...)
}

// UnlinkFork removes one fork, the main fork as Unlink does.
func (f *Files) UnlinkFork(rel page.RelFileNode, fork page.Fork) error {
	k := forkKey{Rel{rel, f.backend}, fork}
	m := f.m
	m.mu.Lock()
	old := m.forks[k]
	delete(m.forks, k)
	m.mu.Unlock()
	if old != nil {
		old.mu.Lock()
		m.closeSegs(old)
		old.mu.Unlock()
	}
	delay := fork == page.MainFork && f.backend == NoBackend && !m.opt.Redo()
	for seg := uint32(0); ; seg++ {
		name := segKey{k, seg}.path()
		m.sync.Lock()
		m.forgetSync(segKey{k, seg})
		m.sync.Unlock()
		var err error
		if seg == 0 && delay {
			err = m.cut(name)
		} else {
			err = m.fs.Remove(name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return pgerr.File(err, "remove", name)
		}
		m.sync.Lock()
		m.sync.dirs[path.Dir(name)] = struct{}{}
		if seg == 0 && delay {
			m.sync.unlinks = append(m.sync.unlinks, unlink{k, m.sync.cycle})
		}
		m.sync.Unlock()
	}
}

func (m *Manager) cut(name string) error {
	h, err := m.fs.Open(name, vfs.Write)
	if err != nil {
		return err
	}
	return errors.Join(h.Truncate(0), h.Close())
}

// PostCheckpoint removes what was dropped before PreCheckpoint: call when the
// checkpoint is durable (PostgreSQL: SyncPostCheckpoint).
func (m *Manager) PostCheckpoint() error {
	m.sync.Lock()
	n := 0
	for n < len(m.sync.unlinks) && m.sync.unlinks[n].cycle < m.sync.cycle {
		n++
	}
	list := m.sync.unlinks[:n:n]
	m.sync.unlinks = slices.Clone(m.sync.unlinks[n:])
	m.sync.Unlock()
	var errs []error
	for _, u := range list {
		name := segKey{u.key, 0}.path()
		if err := m.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, pgerr.File(err, "remove", name))
		}
		m.queueDir(path.Dir(name))
	}
	return errors.Join(errs...)
}
