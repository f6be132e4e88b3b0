// Package slru keeps the pages of PostgreSQL's status logs (pg_xact, pg_subtrans,
// pg_multixact, pg_commit_ts) in memory: plain 8 KB pages without header, 32 to a
// file, in a small cache that evicts what was used longest ago.
//
// INV-SLRU-1 (write-ahead): a page reaches its file only after the WAL is flushed
// through every LSN that Update noted on it. Enforced: Cache.writeLocked.
// Tested: TestWriteFlushesWAL.
//
// INV-SLRU-2 (sync): after Checkpoint all that was updated before it is durable,
// names included. Enforced: Cache.Checkpoint. Tested: TestCheckpointIsDurable.
//
// INV-SLRU-3 (no lost update): a page updated while it is being written stays
// dirty. Enforced: Cache.writeLocked. Tested: TestUpdateDuringWrite.
//
// Lock order: Cache.mu is a leaf; the WAL is flushed and files are read and
// written without it.
package slru

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// Layout of a status log (PostgreSQL: access/slru.h). FROZEN.
const (
	PageSize        = 8192
	PagesPerSegment = 32
)

// Options configures a Cache.
type Options struct {
	FS    vfs.FS
	Dir   string // the log's folder, as "pg_xact"
	Slots int    // pages in memory
	// Groups is the number of LSNs that each page keeps; 0 for none.
	Groups int
	// Flush makes the WAL durable; required with Groups.
	Flush func(lsn.LSN) error
	// Precedes says that all of page a is older than page b, in the circular
	// order of the log's ids. Truncate needs it.
	Precedes func(a, b uint32) bool
	// NoSync leaves out every sync (pg_subtrans, whose contents do not survive a
	// restart, or fsync = off).
	NoSync bool
	// InRecovery is true while a missing file reads as zeros; nil means never.
	InRecovery func() bool
	Stats      *Stats
}

// Stats counts what a cache does (pg_stat_slru).
type Stats struct {
	Zeroed, Hit, Read, Written, Exists, Flushes, Truncates atomic.Uint64
}

type state uint8

const (
	empty state = iota
	loading
	valid
)

type slot struct {
	page    uint32
	state   state
	dirty   bool
	writing bool
	used    atomic.Uint64
	data    []byte
	lsns    []lsn.LSN
}

// Cache is one status log. It is safe for concurrent use.
type Cache struct {
	opt   Options
	clock atomic.Uint64

	mu struct {
		sync.RWMutex
		changed  *sync.Cond // a slot stopped loading or writing
		index    map[uint32]*slot
		slots    []*slot
		latest   uint32 // page with the newest ids; never evicted
		unsynced map[uint32]struct{}
	}
}

// New makes an empty cache.
func New(opt Options) *Cache {
	if opt.FS == nil || opt.Dir == "" || opt.Slots < 2 {
		panic("slru: missing option")
	}
	if opt.Stats == nil {
		opt.Stats = new(Stats)
	}
	c := &Cache{opt: opt}
	c.mu.changed = sync.NewCond(&c.mu.RWMutex)
	c.mu.index = make(map[uint32]*slot, opt.Slots)
	c.mu.unsynced = make(map[uint32]struct{})
	return c
}

// Stats are the cache's counters.
func (c *Cache) Stats() *Stats { return c.opt.Stats }

// View calls f with a page and its LSNs, which f must not keep or change. id is
// the transaction that an error message names.
func (c *Cache) View(page, id uint32, f func(p []byte, at []lsn.LSN)) error {
	c.mu.RLock()
	if s := c.mu.index[page]; s != nil && s.state == valid {
		c.touch(s)
		c.opt.Stats.Hit.Add(1)
		f(s.data, s.lsns)
		c.mu.RUnlock()
		return nil
	}
	c.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadLocked(page, id)
	if err != nil {
		return err
	}
	f(s.data, s.lsns)
	return nil
}

// Update calls f to change a page and its LSNs.
func (c *Cache) Update(page, id uint32, f func(p []byte, at []lsn.LSN)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.loadLocked(page, id)
	if err != nil {
		return err
	}
	s.dirty = true
	f(s.data, s.lsns)
	return nil
}

// Zero makes page a page of zeros, whatever it was.
func (c *Cache) Zero(page uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.slotLocked(page)
	for err == nil && s.writing {
		c.mu.changed.Wait() // the slot may be another page's afterwards
		s, err = c.slotLocked(page)
	}
	if err != nil {
		return err
	}
	clear(s.data)
	clear(s.lsns)
	s.state, s.dirty = valid, true
	c.mu.latest = page
	c.opt.Stats.Zeroed.Add(1)
	return nil
}

// SetLatest names the page with the newest ids, which stays in memory.
func (c *Cache) SetLatest(page uint32) {
	c.mu.Lock()
	c.mu.latest = page
	c.mu.Unlock()
}

func (c *Cache) touch(s *slot) {
	if now := c.clock.Load(); s.used.Load() != now {
		s.used.Store(c.clock.Add(1))
	}
}

// loadLocked returns page's slot with its contents. It may let go of the lock
// while it waits and reads.
func (c *Cache) loadLocked(page, id uint32) (*slot, error) {
	s, err := c.slotLocked(page)
	if err != nil {
		return nil, err
	}
	c.touch(s)
	if s.state == valid {
		c.opt.Stats.Hit.Add(1)
		return s, nil
	}
	s.state = loading
	c.mu.Unlock()
	err = c.read(page, id, s.data)
	c.mu.Lock()
	defer c.mu.changed.Broadcast()
	c.opt.Stats.Read.Add(1)
	if err != nil {
		s.state = empty
		delete(c.mu.index, page)
		return nil, err
	}
	clear(s.lsns)
	s.state = valid
	return s, nil
}

// slotLocked returns the slot of page: its own, or a freed one that is empty.
func (c *Cache) slotLocked(page uint32) (*slot, error) {
	for {
		if s := c.mu.index[page]; s != nil {
			if s.state != loading {
				return s, nil
			}
			c.mu.changed.Wait()
			continue
		}
		s := c.victimLocked()
		switch {
		case s == nil:
			c.mu.changed.Wait() // all busy
		case s.dirty:
			if err := c.writeLocked(s); err != nil {
				return nil, err
			}
		default:
			if s.state == valid {
				delete(c.mu.index, s.page)
			}
			s.page, s.state = page, empty
			c.mu.index[page] = s
			return s, nil
		}
	}
}

// victimLocked is a free slot, or the one that was used longest ago.
func (c *Cache) victimLocked() *slot {
	var best *slot
	for _, s := range c.mu.slots {
		if s.state == empty && c.mu.index[s.page] != s {
			return s
		}
	}
	if len(c.mu.slots) < c.opt.Slots {
		s := &slot{data: make([]byte, PageSize)}
		if c.opt.Groups > 0 {
			s.lsns = make([]lsn.LSN, c.opt.Groups)
		}
		c.mu.slots = append(c.mu.slots, s)
		return s
	}
	for _, s := range c.mu.slots {
		if s.state != valid || s.writing || s.page == c.mu.latest {
			continue
		}
		if best == nil || s.used.Load() < best.used.Load() {
			best = s
		}
	}
	return best
}

// writeLocked writes a dirty slot. It lets go of the lock while it flushes and
// writes; the slot may be dirty again afterwards. INV-SLRU-1: the flush comes
// first, and if it fails nothing is written.
func (c *Cache) writeLocked(s *slot) error {
	for s.writing {
		c.mu.changed.Wait()
	}
	if !s.dirty || s.state != valid {
		return nil
	}
	var upTo lsn.LSN
	for _, at := range s.lsns {
		upTo = max(upTo, at)
	}
	page, copied := s.page, append([]byte(nil), s.data...)
	s.writing, s.dirty = true, false
	c.mu.Unlock()
	var err error
	if upTo != lsn.Invalid {
		err = c.opt.Flush(upTo)
	}
	if err == nil {
		err = c.write(page, copied)
	}
	c.mu.Lock()
	s.writing = false
	if !c.opt.NoSync {
		// Not before the write: a checkpoint that passed this slot already would
		// take the note, sync too early, and leave none for the next one.
		c.mu.unsynced[page/PagesPerSegment] = struct{}{}
	}
	if err != nil {
		s.dirty = true
	}
	c.mu.changed.Broadcast()
	c.opt.Stats.Written.Add(1)
	return err
}

// WritePage writes a page now if it is dirty.
func (c *Cache) WritePage(page uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.mu.index[page]; s != nil {
		return c.writeLocked(s)
	}
	return nil
}

// Checkpoint writes all dirty pages and makes the log durable. An error of a
// sync means that data is lost: the caller must PANIC.
func (c *Cache) Checkpoint() error {
	c.opt.Stats.Flushes.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.mu.slots {
		if err := c.writeLocked(s); err != nil {
			return err
		}
	}
	if c.opt.NoSync || len(c.mu.unsynced) == 0 {
		return nil
	}
	segs := c.mu.unsynced
	c.mu.unsynced = make(map[uint32]struct{})
	c.mu.Unlock()
	err := c.sync(segs)
	c.mu.Lock()
	return err
}

func (c *Cache) sync(segs map[uint32]struct{}) error {
	for seg := range segs {
		name := c.fileName(seg)
		f, err := c.opt.FS.Open(name, vfs.Write)
		if errors.Is(err, fs.ErrNotExist) {
			continue // truncated away meanwhile
		}
		if err != nil {
			return pgerr.File(err, "open", name)
		}
		err = f.Sync()
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return pgerr.File(err, "fsync", name)
		}
	}
	if err := c.opt.FS.SyncDir(c.opt.Dir); err != nil {
		return pgerr.File(err, "fsync", c.opt.Dir)
	}
	return nil
}

func (c *Cache) fileName(seg uint32) string { return fmt.Sprintf("%s/%04X", c.opt.Dir, seg) }

// read fills p with a page of its file.
func (c *Cache) read(page, id uint32, p []byte) error {
	name := c.fileName(page / PagesPerSegment)
	off := int64(page%PagesPerSegment) * PageSize
	recovering := c.opt.InRecovery != nil && c.opt.InRecovery()
	f, err := c.opt.FS.Open(name, vfs.Read)
	if errors.Is(err, fs.ErrNotExist) && recovering {
		clear(p)
		return nil
	}
	if err != nil {
		return accessError(id, err, "Could not open file %q: %v.", name, cause(err))
	}
	defer f.Close()
	n, err := f.ReadAt(p, off)
	if n == PageSize {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		if recovering {
			clear(p[n:])
			return nil
		}
		return accessError(id, io.ErrUnexpectedEOF, "Could not read from file %q at offset %d: read too few bytes.", name, off)
	}
	return accessError(id, err, "Could not read from file %q at offset %d: %v.", name, off, cause(err))
}

func (c *Cache) write(page uint32, p []byte) error {
	name := c.fileName(page / PagesPerSegment)
	off := int64(page%PagesPerSegment) * PageSize
	f, err := c.opt.FS.Open(name, vfs.Write|vfs.Create)
	if err != nil {
		return accessError(0, err, "Could not open file %q: %v.", name, cause(err))
	}
	_, err = f.WriteAt(p, off)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return accessError(0, err, "Could not write to file %q at offset %d: %v.", name, off, cause(err))
	}
	return nil
}

// accessError words an error as PostgreSQL does; the SQLSTATE is that of the file
// system's error.
func accessError(id uint32, err error, detail string, a ...any) error {
	code := pgerr.CodeOf(pgerr.File(err, "access", ""))
	return pgerr.Wrap(err, code, "could not access status of transaction %d", id).WithDetail(detail, a...)
}

// cause is the operating system's own words, as PostgreSQL prints them.
func cause(err error) string {
	if t := pgerr.OSText(err); t != "" {
		return strings.TrimPrefix(t, ": ")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "No such file or directory"
	}
	return err.Error()
}
