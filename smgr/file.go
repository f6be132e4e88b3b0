package smgr

import (
	"errors"
	"io"
	"io/fs"
	"path"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/vfs"
)

// acquire returns segment n of f, opened, with f.mu held for reading: the caller
// unlocks it. On error f.mu is free.
func (m *Manager) acquire(f *fork, n uint32, create bool) (vfs.File, error) {
	for {
		f.mu.RLock()
		if int(n) < len(f.segs) && f.segs[n] != nil {
			return f.segs[n], nil
		}
		f.mu.RUnlock()
		m.limitOpen(f)
		f.mu.Lock()
		_, err := m.openSeg(f, n, create)
		f.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

// openSeg opens segment n; f.mu is held for writing.
func (m *Manager) openSeg(f *fork, n uint32, create bool) (vfs.File, error) {
	if int(n) < len(f.segs) && f.segs[n] != nil {
		return f.segs[n], nil
	}
	k := segKey{f.key, n}
	h, err := m.fs.Open(k.path(), vfs.Write)
	if errors.Is(err, fs.ErrNotExist) && create {
		h, err = m.fs.Open(k.path(), vfs.Write|vfs.Create)
		m.queueDir(path.Dir(k.path()))
	}
	if err != nil {
		return nil, pgerr.File(err, "open", k.path())
	}
	for len(f.segs) <= int(n) {
		f.segs = append(f.segs, nil)
	}
	f.segs[n] = h
	m.open.Add(1)
	return h, nil
}

// place is the segment of a block, and the block's offset in its file.
func (m *Manager) place(b page.BlockNumber) (seg uint32, off int64) {
	return uint32(b) / m.opt.SegmentBlocks, int64(uint32(b)%m.opt.SegmentBlocks) * page.Size
}

// Create makes the file of a fork, and the database's folder in a tablespace if
// it is missing. During recovery both may exist already.
func (f *Files) Create(rel page.RelFileNode, fork page.Fork) error {
	fk := f.fork(rel, fork)
	fk.mu.Lock()
	defer fk.mu.Unlock()
	name := f.Path(rel, fork)
	redo := f.m.opt.Redo()
	if redo && len(fk.segs) > 0 && fk.segs[0] != nil {
		return nil
	}
	h, err := f.m.fs.Open(name, vfs.Write|vfs.Create|vfs.Excl)
	if errors.Is(err, fs.ErrNotExist) && rel.Spc != oid.GlobalTablespace {
		if err = f.m.makeDir(path.Dir(name), redo); err != nil {
			return err
		}
		h, err = f.m.fs.Open(name, vfs.Write|vfs.Create|vfs.Excl)
	}
	if errors.Is(err, fs.ErrExist) && redo {
		_, err = f.m.openSeg(fk, 0, false)
		return err
	}
	if err != nil {
		return pgerr.File(err, "create", name)
	}
	f.m.closeSegs(fk)
	fk.segs = append(fk.segs, h)
	f.m.open.Add(1)
	fk.size.Store(0)
	if f.backend == NoBackend {
		f.m.queueSync(segKey{fk.key, 0})
		f.m.queueDir(path.Dir(name))
	}
	return nil
}

// makeDir makes a database's folder. During recovery the tablespace's may be
// missing too: its drop comes later in the log.
func (m *Manager) makeDir(dir string, redo bool) error {
	var err error
	if redo {
		err = vfs.MkdirAll(m.fs, dir)
	} else if err = m.fs.Mkdir(dir); errors.Is(err, fs.ErrExist) {
		err = nil
	}
	m.queueDir(path.Dir(dir))
	if err != nil {
		return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "create", dir)), "could not create directory %q%s", dir, pgerr.OSText(err))
	}
	return nil
}

// Exists reports whether the fork has a file.
func (f *Files) Exists(rel page.RelFileNode, fork page.Fork) (bool, error) {
	fk := f.fork(rel, fork)
	if fk.size.Load() != unknown {
		return true, nil
	}
	name := f.Path(rel, fork)
	_, err := f.m.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, pgerr.File(err, "stat", name)
	}
	return true, nil
}

// NBlocks is the length of a fork in blocks.
func (f *Files) NBlocks(rel page.RelFileNode, fork page.Fork) (page.BlockNumber, error) {
	fk := f.fork(rel, fork)
	if n := fk.size.Load(); n != unknown {
		return page.BlockNumber(n), nil
	}
	fk.mu.Lock()
	defer fk.mu.Unlock()
	return f.measure(fk)
}

// measure reads the length from the files; fk.mu is held for writing.
func (f *Files) measure(fk *fork) (page.BlockNumber, error) {
	if n := fk.size.Load(); n != unknown {
		return page.BlockNumber(n), nil
	}
	var total int64
	full := int64(f.m.opt.SegmentBlocks)
	for seg := uint32(0); ; seg++ {
		h, err := f.m.openSeg(fk, seg, false)
		if seg > 0 && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return 0, err
		}
		bytes, err := h.Size()
		if err != nil {
			return 0, pgerr.File(err, "seek in", h.Name())
		}
		n := bytes / page.Size
		if n > full {
			return 0, pgerr.New(pgerr.DataCorrupted, "segment too big")
		}
		total += n
		if n < full {
			break
		}
	}
	fk.size.Store(total)
	return page.BlockNumber(total), nil
}

// Read fills p with a block. Past the end it fails, but gives zeros during
// recovery.
func (f *Files) Read(tag page.Tag, p page.Page) error {
	fk := f.fork(tag.Rel, tag.Fork)
	seg, off := f.m.place(tag.Block)
	h, err := f.m.acquire(fk, seg, false)
	if err != nil {
		return err
	}
	n, err := h.ReadAt(p[:page.Size], off)
	fk.mu.RUnlock()
	switch {
	case n == page.Size:
		return nil
	case err != nil && !errors.Is(err, io.EOF):
		e := pgerr.File(err, "read", h.Name())
		return pgerr.Wrap(err, pgerr.CodeOf(e), "could not read block %d in file %q%s", tag.Block, h.Name(), pgerr.OSText(err))
	case f.m.opt.Redo():
		clear(p)
		return nil
	}
	return pgerr.New(pgerr.DataCorrupted, "could not read block %d in file %q: read only %d of %d bytes",
		tag.Block, h.Name(), n, page.Size)
}

// Write writes an existing block and queues the sync of its file. INV-SMGR-1.
func (f *Files) Write(tag page.Tag, p page.Page) error {
	fk := f.fork(tag.Rel, tag.Fork)
	seg, off := f.m.place(tag.Block)
	h, err := f.m.acquire(fk, seg, f.m.opt.Redo())
	if err != nil {
		return err
	}
	_, err = h.WriteAt(p[:page.Size], off)
	fk.mu.RUnlock()
	if err != nil {
		e := pgerr.File(err, "write", h.Name())
		return pgerr.Wrap(err, pgerr.CodeOf(e), "could not write block %d in file %q%s", tag.Block, h.Name(), pgerr.OSText(err))
	}
	f.queue(fk, seg)
	return nil
}

func (f *Files) queue(fk *fork, seg uint32) {
	if f.backend == NoBackend {
		f.m.queueSync(segKey{fk.key, seg})
	}
}

// Extend writes a block at or past the end. One caller at a time may extend a fork.
func (f *Files) Extend(tag page.Tag, p page.Page) error {
	if tag.Block == page.InvalidBlock {
		return pgerr.New(pgerr.ProgramLimitExceeded, "cannot extend file %q beyond %d blocks",
			f.Path(tag.Rel, tag.Fork), uint32(page.InvalidBlock))
	}
	fk := f.fork(tag.Rel, tag.Fork)
	old, err := f.NBlocks(tag.Rel, tag.Fork)
	if err != nil {
		return err
	}
	seg, off := f.m.place(tag.Block)
	first, _ := f.m.place(old)
	for s := first; s < seg; s++ { // only the last segment may be short
		if err := f.resizeSeg(fk, s, int64(f.m.opt.SegmentBlocks)*page.Size); err != nil {
			return err
		}
	}
	h, err := f.m.acquire(fk, seg, true)
	if err != nil {
		return err
	}
	_, err = h.WriteAt(p[:page.Size], off)
	if err == nil && page.BlockNumber(fk.size.Load()) <= tag.Block {
		fk.size.Store(int64(tag.Block) + 1)
	}
	fk.mu.RUnlock()
	if err != nil {
		e, _ := pgerr.As(pgerr.File(err, "extend", h.Name()))
		return e.WithHint("Check free disk space.")
	}
	f.queue(fk, seg)
	return nil
}

func (f *Files) resizeSeg(fk *fork, seg uint32, bytes int64) error {
	h, err := f.m.acquire(fk, seg, true)
	if err != nil {
		return err
	}
	err = h.Truncate(bytes)
	fk.mu.RUnlock()
	if err != nil {
		return pgerr.File(err, "truncate", h.Name())
	}
	f.queue(fk, seg)
	return nil
}

// Truncate cuts a fork to n blocks. Its buffers must be dropped first. Segments
// past the end are cut to nothing and keep their names.
func (f *Files) Truncate(rel page.RelFileNode, fork page.Fork, n page.BlockNumber) error {
	fk := f.fork(rel, fork)
	fk.mu.Lock()
	defer fk.mu.Unlock()
	old, err := f.measure(fk)
	if err != nil {
		return err
	}
	if n == old {
		return nil
	}
	if n > old {
		if f.m.opt.Redo() {
			return nil // a later truncation was already done
		}
		return pgerr.New(pgerr.InternalError, "could not truncate file %q to %d blocks: it's only %d blocks now",
			f.Path(rel, fork), n, old)
	}
	fk.size.Store(unknown) // until all is cut: an error in between leaves the truth on disk
	last, _ := f.m.place(old - 1)
	for seg := int64(last); seg >= 0; seg-- {
		keep, at := f.m.place(n)
		cut := int64(0)
		switch {
		case uint32(seg) < keep:
			fk.size.Store(int64(n))
			return nil
		case uint32(seg) == keep:
			cut = at
		}
		h, err := f.m.openSeg(fk, uint32(seg), false)
		if err == nil {
			err = h.Truncate(cut)
		}
		if err != nil {
			return pgerr.Wrap(err, pgerr.CodeOf(pgerr.File(err, "truncate", "")),
				"could not truncate file %q to %d blocks%s", segKey{fk.key, uint32(seg)}.path(), cut/page.Size, pgerr.OSText(err))
		}
		f.queue(fk, uint32(seg))
	}
	fk.size.Store(int64(n))
	return nil
}

// Prefetch hints that a block will be read.
func (f *Files) Prefetch(tag page.Tag) {
	fk := f.fork(tag.Rel, tag.Fork)
	seg, off := f.m.place(tag.Block)
	if h, err := f.m.acquire(fk, seg, false); err == nil {
		_ = h.Prefetch(off, page.Size)
		fk.mu.RUnlock()
	}
}

// WriteBack hints that n blocks from tag on may go to the disk now. Files that
// are closed are passed over.
func (f *Files) WriteBack(tag page.Tag, n int) {
	fk := f.fork(tag.Rel, tag.Fork)
	fk.mu.RLock()
	defer fk.mu.RUnlock()
	for n > 0 {
		seg, off := f.m.place(tag.Block)
		count := min(n, int(f.m.opt.SegmentBlocks)-int(off/page.Size))
		if int(seg) < len(fk.segs) && fk.segs[seg] != nil {
			_ = fk.segs[seg].WriteBack(off, int64(count)*page.Size)
		}
		tag.Block += page.BlockNumber(count)
		n -= count
	}
}
