package bufmgr

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgmini/pgmini/internal/invariants"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

// Read pins the block and, unless mode says otherwise, leaves it unlocked.
func (p *Pool) Read(tag page.Tag, mode Mode, s *Strategy) (Buffer, error) {
	pt := p.part(tag)
	pt.RLock()
	i, ok := pt.frames[tag]
	if ok {
		// The entry and hasTag go together under the partition lock.
		p.frames[i].pin(s == nil || p.frames[i].state.Load()&usageAll == 0)
	}
	pt.RUnlock()
	if !ok {
		var err error
		if i, err = p.alloc(tag, s); err != nil {
			return 0, err
		}
	}
	b := Buffer(i + 1)
	if mode == Normal && p.frames[i].state.Load()&isValid != 0 {
		return b, nil
	}
	if err := p.fill(i, mode); err != nil {
		p.Release(b)
		return 0, err
	}
	return b, nil
}

// alloc gives tag a frame and returns it pinned, perhaps not yet valid: whoever
// else found the tag first may be about to read it.
func (p *Pool) alloc(tag page.Tag, s *Strategy) (int32, error) {
	i, err := p.victim(s)
	if err != nil {
		return 0, err
	}
	f := &p.frames[i]
	perm := uint64(0)
	if p.isPermanent(tag) {
		perm = permanent
	}
	pt := p.part(tag)
	pt.Lock()
	if other, ok := pt.frames[tag]; ok {
		p.frames[other].pin(true)
		pt.Unlock()
		f.unpin()
		p.putFree(i)
		return other, nil
	}
	f.mu.Lock()
	f.tag = tag
	f.mu.Unlock()
	f.set(hasTag | usageOne | perm)
	pt.frames[tag] = i
	pt.Unlock()
	p.Stats.Allocs.Add(1)
	s.put(i)
	return i, nil
}

// fill makes the pinned frame i valid, and locks it in the modes that say so.
func (p *Pool) fill(i int32, mode Mode) error {
	f, b := &p.frames[i], Buffer(i+1)
	zero := mode == Zero || mode == ZeroCleanup
	f.io.Lock()
	if f.state.Load()&isValid != 0 {
		f.io.Unlock()
		switch mode {
		case Zero:
			p.Lock(b, Exclusive)
		case ZeroCleanup:
			return p.LockCleanup(context.Background(), b)
		}
		return nil
	}
	defer f.io.Unlock()
	f.set(ioBusy)
	defer f.clear(ioBusy)
	pg := p.Page(b)
	if zero {
		// Nobody has the lock: who pins an invalid frame waits for io first.
		p.Lock(b, Exclusive)
		clear(pg)
	} else {
		p.Stats.Reads.Add(1)
		if err := p.opt.Smgr.Read(f.tag, pg); err != nil {
			return err
		}
		if err := p.verify(f.tag, pg); err != nil {
			if mode != ZeroOnError && !p.opt.ZeroDamaged() {
				return err
			}
			clear(pg)
		}
	}
	f.set(isValid)
	return nil
}

// ChecksumError is why a page is not believed: PostgreSQL says so in a warning beside
// the error.
type ChecksumError struct{ Computed, Stored uint16 }

// Error is PostgreSQL's text of the warning.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("page verification failed, calculated checksum %d but expected %d", e.Computed, e.Stored)
}

// verify checks a page that came from disk (PostgreSQL: PageIsVerified).
func (p *Pool) verify(tag page.Tag, pg page.Page) error {
	err := page.Check(pg)
	if err == nil && p.opt.Checksums && !pg.IsNew() {
		if sum := page.ComputeChecksum(pg, tag.Block); sum != pg.Checksum() {
			err = &ChecksumError{Computed: sum, Stored: pg.Checksum()}
		}
	}
	if err == nil {
		return nil
	}
	return pgerr.Wrap(err, pgerr.DataCorrupted, "invalid page in block %d of relation %s",
		uint32(tag.Block), p.opt.Smgr.Path(tag.Rel, tag.Fork))
}

// Extend adds a zero block to a fork and returns it pinned and locked exclusively.
func (p *Pool) Extend(rel page.RelFileNode, fork page.Fork, s *Strategy) (Buffer, page.BlockNumber, error) {
	mu := p.extLock(rel, fork)
	mu.Lock()
	defer mu.Unlock()
	n, err := p.opt.Smgr.NBlocks(rel, fork)
	if err != nil {
		return 0, 0, err
	}
	b, err := p.extendTo(page.Tag{Rel: rel, Fork: fork, Block: n}, s)
	return b, n, err
}

// Grow makes a fork if it is missing and adds zero blocks until it has n.
func (p *Pool) Grow(rel page.RelFileNode, fork page.Fork, n page.BlockNumber) error {
	mu := p.extLock(rel, fork)
	mu.Lock()
	defer mu.Unlock()
	ok, err := p.opt.Smgr.Exists(rel, fork)
	if err == nil && !ok {
		err = p.opt.Smgr.Create(rel, fork)
	}
	if err != nil {
		return err
	}
	have, err := p.opt.Smgr.NBlocks(rel, fork)
	for ; err == nil && have < n; have++ {
		var b Buffer
		if b, err = p.extendTo(page.Tag{Rel: rel, Fork: fork, Block: have}, nil); err == nil {
			p.UnlockRelease(b)
		}
	}
	return err
}

// extendTo makes block tag.Block, the first past the end; the extension lock is held.
func (p *Pool) extendTo(tag page.Tag, s *Strategy) (Buffer, error) {
	if tag.Block == page.InvalidBlock {
		return 0, pgerr.New(pgerr.ProgramLimitExceeded, "cannot extend relation %s beyond %d blocks",
			p.opt.Smgr.Path(tag.Rel, tag.Fork), uint32(page.InvalidBlock))
	}
	i, err := p.alloc(tag, s)
	if err != nil {
		return 0, err
	}
	f, b := &p.frames[i], Buffer(i+1)
	pg := p.Page(b)
	f.io.Lock()
	if f.state.Load()&isValid != 0 { // left over from an extension that failed
		f.io.Unlock()
		p.Lock(b, Exclusive)
	} else {
		defer f.io.Unlock()
		p.Lock(b, Exclusive) // nobody waits for it: he would wait for io first
		clear(pg)
	}
	if !pg.IsNew() {
		p.UnlockRelease(b)
		return 0, pgerr.New(pgerr.DataCorrupted, "unexpected data beyond EOF in block %d of relation %s",
			uint32(tag.Block), p.opt.Smgr.Path(tag.Rel, tag.Fork)).
			WithHint("This has been seen to occur with buggy kernels; consider updating your system.")
	}
	if err := p.opt.Smgr.Extend(tag, pg); err != nil {
		p.UnlockRelease(b)
		return 0, err
	}
	p.Stats.Extends.Add(1)
	f.set(isValid)
	return b, nil
}

var errNoBuffers = errors.New("every buffer is pinned")

// victim returns a frame without a page, with one pin: the caller's.
func (p *Pool) victim(s *Strategy) (int32, error) {
	if i, ok := s.next(p); ok {
		if got, err := p.evict(i, s); got || err != nil {
			return i, err
		}
	}
	for {
		if i, ok := p.takeFree(); ok {
			return i, nil
		}
		i, err := p.sweep()
		if err != nil {
			return 0, err
		}
		clean, err := p.clean(i, s)
		if clean && p.unmap(i) {
			return i, nil
		}
		p.frames[i].unpin()
		if err != nil {
			return 0, err
		}
	}
}

// evict claims frame i if nobody uses it.
func (p *Pool) evict(i int32, s *Strategy) (bool, error) {
	f := &p.frames[i]
	_, ok := f.update(func(st uint64) (uint64, bool) {
		return st + pinOne, st&pinMask == 0 && st&hasTag != 0 && st&usageAll <= usageOne
	})
	if !ok {
		return false, nil
	}
	clean, err := p.clean(i, s)
	if clean && p.unmap(i) {
		return true, nil
	}
	f.unpin()
	return false, err
}

func (p *Pool) takeFree() (int32, bool) {
	p.free.Lock()
	defer p.free.Unlock()
	for n := len(p.free.list); n > 0; n = len(p.free.list) {
		i := p.free.list[n-1]
		p.free.list = p.free.list[:n-1]
		// The sweep may have taken it meanwhile.
		if p.frames[i].state.CompareAndSwap(0, pinOne) {
			return i, true
		}
	}
	return 0, false
}

func (p *Pool) putFree(i int32) {
	p.free.Lock()
	p.free.list = append(p.free.list, i)
	p.free.Unlock()
}

// sweep moves the clock hand to a frame that nobody pins and nobody used since
// the last rounds, and pins it.
func (p *Pool) sweep() (int32, error) {
	n := uint64(len(p.frames))
	for idle := uint64(0); idle <= n; idle++ {
		i := int32((p.hand.Add(1) - 1) % n)
		f := &p.frames[i]
		lowered := false
		_, ok := f.update(func(s uint64) (uint64, bool) {
			lowered = false
			switch {
			case s&pinMask != 0 || s&hasTag == 0:
				return 0, false
			case s&usageAll != 0:
				lowered = true
				return s - usageOne, true
			}
			return s + pinOne, true
		})
		if ok && !lowered {
			return i, nil
		}
		if lowered {
			idle = 0
		}
	}
	return 0, pgerr.Wrap(errNoBuffers, pgerr.InternalError, "no unpinned buffers available")
}

// clean writes the pinned frame i if it is dirty. It gives up where it would
// wait for the content lock, or where a bulk read would wait for the WAL.
func (p *Pool) clean(i int32, s *Strategy) (bool, error) {
	f := &p.frames[i]
	if f.state.Load()&isDirty == 0 {
		return true, nil
	}
	if !f.content.TryRLock() {
		return false, nil
	}
	if s.rejects(p, i) {
		f.content.RUnlock()
		return false, nil
	}
	p.Stats.BackendWrites.Add(1)
	err := p.writeBack(i)
	return err == nil, err
}

// unmap takes the page from frame i, pinned by the caller. INV-BUF-2: it fails if
// anybody else has a pin, or made it dirty again.
func (p *Pool) unmap(i int32) bool {
	f := &p.frames[i]
	pt := p.part(f.tag)
	pt.Lock()
	s := f.state.Load()
	if s&(pinMask|isDirty) != pinOne || !f.state.CompareAndSwap(s, pinOne) {
		pt.Unlock()
		return false
	}
	delete(pt.frames, f.tag)
	pt.Unlock()
	if invariants.Enabled {
		poison(p.Page(Buffer(i + 1)))
	}
	return true
}

// poison makes a slice that outlived its pin show.
func poison(pg page.Page) {
	for i := range pg {
		pg[i] = 0xDB
	}
}
