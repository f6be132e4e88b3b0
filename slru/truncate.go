package slru

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/pgmini/pgmini/pgerr"
)

// Truncate removes the segments all of whose pages precede cutoff's. The caller
// has logged it. It reports false, and removes nothing, if cutoff is newer than
// the latest page: an apparent wraparound.
func (c *Cache) Truncate(cutoff uint32) (bool, error) {
	c.opt.Stats.Truncates.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opt.Precedes(c.mu.latest, cutoff) {
		return false, nil
	}
	for _, s := range c.mu.slots {
		for s.writing || s.state == loading {
			c.mu.changed.Wait()
		}
		if s.state == valid && c.opt.Precedes(s.page, cutoff) && c.mayDelete(s.page/PagesPerSegment, cutoff) {
			delete(c.mu.index, s.page)
			s.state, s.dirty = empty, false
		}
	}
	segs, err := c.segments()
	if err != nil {
		return false, err
	}
	for _, seg := range segs {
		if c.mayDelete(seg, cutoff) {
			delete(c.mu.unsynced, seg)
			if err := c.remove(seg); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// mayDelete reports whether every page of seg precedes cutoff.
func (c *Cache) mayDelete(seg, cutoff uint32) bool {
	first := seg * PagesPerSegment
	return c.opt.Precedes(first, cutoff) && c.opt.Precedes(first+PagesPerSegment-1, cutoff)
}

func (c *Cache) remove(seg uint32) error {
	name := c.fileName(seg)
	if err := c.opt.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pgerr.File(err, "remove", name)
	}
	return nil
}

// CouldTruncate reports whether Truncate would remove anything.
func (c *Cache) CouldTruncate(cutoff uint32) (bool, error) {
	segs, err := c.segments()
	if err != nil {
		return false, err
	}
	for _, seg := range segs {
		if c.mayDelete(seg, cutoff) {
			return true, nil
		}
	}
	return false, nil
}

// RemoveSegment drops one segment, from memory and from disk.
func (c *Cache) RemoveSegment(seg uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.mu.slots {
		for s.writing || s.state == loading {
			c.mu.changed.Wait()
		}
		if s.state == valid && s.page/PagesPerSegment == seg {
			delete(c.mu.index, s.page)
			s.state, s.dirty = empty, false
		}
	}
	delete(c.mu.unsynced, seg)
	return c.remove(seg)
}

// RemoveAll drops every segment.
func (c *Cache) RemoveAll() error {
	segs, err := c.segments()
	if err != nil {
		return err
	}
	for _, seg := range segs {
		if err := c.RemoveSegment(seg); err != nil {
			return err
		}
	}
	return nil
}

// segments lists the segments on disk.
func (c *Cache) segments() ([]uint32, error) {
	entries, err := c.opt.FS.List(c.opt.Dir)
	if err != nil {
		return nil, pgerr.File(err, "open", c.opt.Dir)
	}
	var segs []uint32
	for _, e := range entries {
		if n := len(e.Name()); n < 4 || n > 6 {
			continue
		}
		seg, err := strconv.ParseUint(e.Name(), 16, 32)
		if err == nil && c.fileName(uint32(seg)) == c.opt.Dir+"/"+e.Name() {
			segs = append(segs, uint32(seg))
		}
	}
	return segs, nil
}

// OnDisk reports whether the file of page reaches to its end.
func (c *Cache) OnDisk(page uint32) (bool, error) {
	c.opt.Stats.Exists.Add(1)
	info, err := c.opt.FS.Stat(c.fileName(page / PagesPerSegment))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, pgerr.File(err, "stat", c.fileName(page/PagesPerSegment))
	}
	return info.Size() >= int64(page%PagesPerSegment+1)*PageSize, nil
}

// Has reports whether page is in memory or on disk.
func (c *Cache) Has(page uint32) (bool, error) {
	c.mu.RLock()
	s := c.mu.index[page]
	ok := s != nil && s.state == valid
	c.mu.RUnlock()
	if ok {
		return true, nil
	}
	return c.OnDisk(page)
}
