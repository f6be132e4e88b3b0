package bufmgr

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xlog"
)

// The state word of a frame. Every change is one compare-and-swap, so that pins
// and flags are always consistent with each other.
const (
	pinOne   uint64 = 1
	pinMask  uint64 = 1<<32 - 1
	usageOne uint64 = 1 << 32
	usageMax uint64 = 5
	usageAll uint64 = 7 << 32

	hasTag      uint64 = 1 << 40 // the mapping table leads here
	isValid     uint64 = 1 << 41 // the frame holds the block
	isDirty     uint64 = 1 << 42 // the frame is newer than the file
	justDirtied uint64 = 1 << 43 // changed since the running write took its copy
	checkNeeded uint64 = 1 << 44 // the running checkpoint must write it
	permanent   uint64 = 1 << 45 // not unlogged
	ioBusy      uint64 = 1 << 46 // being read or written
	pinWaiter   uint64 = 1 << 47 // somebody waits until his is the only pin
)

// frame describes one frame of the arena.
type frame struct {
	state atomic.Uint64
	// tag changes only while hasTag is off and the changer has the only pin; who
	// has a pin reads it freely, others under mu.
	tag       page.Tag
	exclusive bool // content is locked exclusively; guarded by content

	content sync.RWMutex // the page's bytes
	io      sync.Mutex   // held while the page is read or written

	mu     sync.Mutex    // guards tag for those without a pin, and waiter
	waiter chan struct{} // of LockCleanup, with pinWaiter
}

// update changes the state word by f until it succeeds; f returns false to give up.
func (f *frame) update(change func(s uint64) (uint64, bool)) (uint64, bool) {
	for {
		old := f.state.Load()
		s, ok := change(old)
		if !ok {
			return old, false
		}
		if f.state.CompareAndSwap(old, s) {
			return s, true
		}
	}
}

func (f *frame) set(bits uint64)   { f.state.Or(bits) }
func (f *frame) clear(bits uint64) { f.state.And(^bits) }

// pin adds a pin and, if use, raises the usage count. It fails if the frame has
// no page.
func (f *frame) pin(use bool) bool {
	for {
		s := f.state.Load()
		if s&hasTag == 0 {
			return false
		}
		n := s + pinOne
		if use && s&usageAll < usageMax*usageOne {
			n += usageOne
		}
		if f.state.CompareAndSwap(s, n) {
			return true
		}
	}
}

func (f *frame) unpin() {
	s := f.state.Add(^uint64(0))
	if s&pinMask == pinMask {
		panic("bufmgr: buffer released without a pin")
	}
	if s&pinWaiter != 0 && s&pinMask == 1 {
		f.mu.Lock()
		if f.waiter != nil && f.state.Load()&pinMask == 1 {
			close(f.waiter)
			f.waiter = nil
			f.clear(pinWaiter)
		}
		f.mu.Unlock()
	}
}

// Pin adds a pin to a buffer that the caller has pinned.
func (p *Pool) Pin(b Buffer) { p.frame(b).state.Add(pinOne) }

// Release drops a pin.
func (p *Pool) Release(b Buffer) { p.frame(b).unpin() }

// LockMode of a page's content lock.
type LockMode uint8

// Content lock modes.
const (
	Shared LockMode = iota
	Exclusive
)

// Lock takes the content lock.
func (p *Pool) Lock(b Buffer, m LockMode) {
	f := p.frame(b)
	if m == Shared {
		f.content.RLock()
		return
	}
	f.content.Lock()
	f.exclusive = true
}

// TryLock takes the exclusive content lock if it is free.
func (p *Pool) TryLock(b Buffer) bool {
	f := p.frame(b)
	if !f.content.TryLock() {
		return false
	}
	f.exclusive = true
	return true
}

// Unlock releases the content lock, whichever mode it has.
func (p *Pool) Unlock(b Buffer) {
	f := p.frame(b)
	if f.exclusive {
		f.exclusive = false
		f.content.Unlock()
		return
	}
	f.content.RUnlock()
}

// UnlockRelease is Unlock, then Release.
func (p *Pool) UnlockRelease(b Buffer) {
	p.Unlock(b)
	p.Release(b)
}

// IsCleanup reports whether b, locked exclusively, has no pin but the caller's.
func (p *Pool) IsCleanup(b Buffer) bool { return p.frame(b).state.Load()&pinMask == 1 }

// TryLockCleanup takes the exclusive lock if it is free and b has no other pin.
func (p *Pool) TryLockCleanup(b Buffer) bool {
	if !p.TryLock(b) {
		return false
	}
	if p.IsCleanup(b) {
		return true
	}
	p.Unlock(b)
	return false
}

// LockCleanup waits for the exclusive lock with no other pin on b (PostgreSQL:
// LockBufferForCleanup). The caller has one pin; one waiter at a time.
func (p *Pool) LockCleanup(ctx context.Context, b Buffer) error {
	f := p.frame(b)
	for {
		p.Lock(b, Exclusive)
		if p.IsCleanup(b) {
			return nil
		}
		f.mu.Lock()
		if f.waiter != nil {
			f.mu.Unlock()
			p.Unlock(b)
			return pgerr.New(pgerr.InternalError, "multiple backends attempting to wait for pincount 1")
		}
		ch := make(chan struct{})
		f.waiter = ch
		f.set(pinWaiter)
		// Who dropped the last other pin before the flag was set wakes nobody.
		if f.state.Load()&pinMask == 1 {
			f.waiter = nil
			f.clear(pinWaiter)
			close(ch)
		}
		f.mu.Unlock()
		p.Unlock(b)
		select {
		case <-ch:
		case <-ctx.Done():
			f.mu.Lock()
			if f.waiter == ch {
				f.waiter = nil
				f.clear(pinWaiter)
			}
			f.mu.Unlock()
			return context.Cause(ctx)
		}
	}
}

// MarkDirty says that b, locked exclusively, changes. It comes before the record
// is inserted, so that a checkpoint that starts in between writes b.
func (p *Pool) MarkDirty(b Buffer) {
	f := p.frame(b)
	if s := f.state.Load(); s&(isDirty|justDirtied) != isDirty|justDirtied {
		f.set(isDirty | justDirtied)
	}
}

// MarkDirtyHint says that hints of b changed, under its exclusive lock. With
// checksums it logs a page image if one is due: a torn write of hints alone
// would otherwise leave a page that no record repairs. Only the main fork's
// images leave the hole out.
func (p *Pool) MarkDirtyHint(b Buffer) error {
	f := p.frame(b)
	s := f.state.Load()
	if s&(isDirty|justDirtied) == isDirty|justDirtied {
		return nil
	}
	if p.opt.WAL == nil || s&permanent == 0 || !p.opt.Checksums && !p.opt.HintWAL {
		p.MarkDirty(b)
		return nil
	}
	if p.opt.Redo() {
		return nil // a standby logs nothing; the hint lives in memory only
	}
	if s&isDirty == 0 && p.opt.WAL.Room() != nil {
		return nil // no room for an image: the hint lives in memory only
	}
	p.MarkDirty(b)
	r := p.records.Get().(*xlog.Record)
	defer p.records.Put(r)
	pg := p.Page(b)
	at, err := p.opt.WAL.SaveHint(r, f.tag, pg, f.tag.Fork == page.MainFork)
	if err != nil {
		return err
	}
	if at > pg.LSN() {
		pg.SetLSN(at)
	}
	return nil
}
