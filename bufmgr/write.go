package bufmgr

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// writeBack writes the pinned frame i if it is dirty. The caller has its content
// locked at least in shared mode; writeBack unlocks it as soon as the page is
// copied (INV-BUF-3). INV-BUF-1: the WAL is flushed first, and if that fails
// nothing is written.
func (p *Pool) writeBack(i int32) error {
	f := &p.frames[i]
	f.io.Lock()
	defer f.io.Unlock()
	if f.state.Load()&isDirty == 0 {
		f.content.RUnlock()
		return nil
	}
	f.set(ioBusy)
	defer f.clear(ioBusy)
	buf := p.scratch.Get().(*copyBuf)
	defer p.scratch.Put(buf)
	pg := page.Page(buf.page[:])
	f.clear(justDirtied)
	copy(pg, p.Page(Buffer(i+1)))
	f.content.RUnlock()

	if p.opt.Panicked() {
		return pgerr.New(pgerr.CrashShutdown, "could not write block %d of relation %s: the server is shutting down after a PANIC",
			uint32(f.tag.Block), p.opt.Smgr.Path(f.tag.Rel, f.tag.Fork))
	}
	if p.opt.WAL != nil && f.state.Load()&permanent != 0 {
		if err := p.opt.WAL.Flush(pg.LSN()); err != nil {
			return fmt.Errorf("flush WAL to %s before block %d: %w", pg.LSN(), uint32(f.tag.Block), err)
		}
	}
	if p.opt.Checksums && !pg.IsNew() {
		pg.SetChecksum(page.ComputeChecksum(pg, f.tag.Block))
	}
	if err := p.opt.Smgr.Write(f.tag, pg); err != nil {
		return err
	}
	p.Stats.Writes.Add(1)
	f.update(func(s uint64) (uint64, bool) {
		s &^= checkNeeded
		if s&justDirtied == 0 {
			s &^= isDirty
		}
		return s, true
	})
	return nil
}

// flushFrame writes frame i if it has all the bits, isDirty or checkNeeded. It
// waits for the content lock, and for a write that is under way.
func (p *Pool) flushFrame(i int32, bits uint64) (wrote bool, err error) {
	f := &p.frames[i]
	if s := f.state.Load(); s&bits != bits || !f.pin(false) {
		return false, nil
	}
	defer f.unpin()
	f.content.RLock()
	if f.state.Load()&bits != bits {
		f.content.RUnlock()
		// Who cleared the bits may be between the write and the end of it.
		f.io.Lock()
		f.io.Unlock() //nolint:staticcheck // waiting is all
		return false, nil
	}
	return true, p.writeBack(i)
}

// tagOf reads a frame's tag without a pin.
func (f *frame) tagOf() (page.Tag, bool) {
	if f.state.Load()&hasTag == 0 {
		return page.Tag{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tag, f.state.Load()&hasTag != 0
}

// CheckpointFlags widen what Checkpoint writes.
type CheckpointFlags struct {
	All        bool // also unlogged relations: shutdown and end of recovery
	FlushAfter int  // checkpoint_flush_after: blocks between WriteBack hints; 0 is never
}

// pageRef is a page that a checkpoint must write.
type pageRef struct {
	tag page.Tag
	i   int32
}

func compareTags(a, b page.Tag) int {
	return cmp.Or(cmp.Compare(a.Rel.Spc, b.Rel.Spc), cmp.Compare(a.Rel.DB, b.Rel.DB), cmp.Compare(a.Rel.Rel, b.Rel.Rel),
		cmp.Compare(a.Fork, b.Fork), cmp.Compare(a.Block, b.Block))
}

// Checkpoint writes all that was dirty at its start, by file and block
// (PostgreSQL: BufferSync). throttle is called after each write with the share
// that is done. It obeys ctx between pages. One call at a time; the caller then
// syncs the files.
func (p *Pool) Checkpoint(ctx context.Context, fl CheckpointFlags, throttle func(done float64)) error {
	var list []pageRef
	for i := range p.frames {
		f := &p.frames[i]
		_, ok := f.update(func(s uint64) (uint64, bool) {
			return s | checkNeeded, s&isDirty != 0 && s&hasTag != 0 && (fl.All || s&permanent != 0)
		})
		if !ok {
			continue
		}
		// The page may go meanwhile: then it was written, and flushFrame sees that.
		if tag, ok := f.tagOf(); ok {
			list = append(list, pageRef{tag, int32(i)})
		}
	}
	slices.SortFunc(list, func(a, b pageRef) int { return compareTags(a.tag, b.tag) })
	hint := writeBackHint{p: p, after: fl.FlushAfter}
	for n, r := range list {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		wrote, err := p.flushFrame(r.i, checkNeeded)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if wrote {
			hint.add(r.tag)
			if throttle != nil {
				throttle(float64(n+1) / float64(len(list)))
			}
		}
	}
	hint.flush()
	return nil
}

// writeBackHint collects written blocks and asks the system to start writing
// them, in runs of neighbours.
type writeBackHint struct {
	p       *Pool
	after   int
	pending []page.Tag
}

func (h *writeBackHint) add(t page.Tag) {
	if h.after == 0 {
		return
	}
	h.pending = append(h.pending, t)
	if len(h.pending) >= h.after {
		h.flush()
	}
}

func (h *writeBackHint) flush() {
	slices.SortFunc(h.pending, compareTags)
	for at := 0; at < len(h.pending); {
		first, n := h.pending[at], 1
		for at+n < len(h.pending) {
			want := first
			want.Block += page.BlockNumber(n)
			if h.pending[at+n] != want {
				break
			}
			n++
		}
		h.p.opt.Smgr.WriteBack(first, n)
		at += n
	}
	h.pending = h.pending[:0]
}

// flushWhere writes the dirty pages whose tag want accepts.
func (p *Pool) flushWhere(want func(page.Tag) bool) error {
	for i := range p.frames {
		f := &p.frames[i]
		if f.state.Load()&isDirty == 0 {
			continue
		}
		if tag, ok := f.tagOf(); !ok || !want(tag) {
			continue
		}
		if _, err := p.flushFrame(int32(i), isDirty); err != nil {
			return err
		}
	}
	return nil
}

// FlushRel writes the dirty buffers of a relation.
func (p *Pool) FlushRel(rel page.RelFileNode) error {
	return p.flushWhere(func(t page.Tag) bool { return t.Rel == rel })
}

// FlushDatabase writes the dirty buffers of a database.
func (p *Pool) FlushDatabase(db oid.OID) error {
	return p.flushWhere(func(t page.Tag) bool { return t.Rel.DB == db })
}

// FlushBuffer writes a pinned, unlocked buffer now if it is dirty.
func (p *Pool) FlushBuffer(b Buffer) error {
	_, err := p.flushFrame(int32(b-1), isDirty)
	return err
}
