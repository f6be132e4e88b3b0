package bufmgr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xlog"
)

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
	Mode    Mode // Zero or ZeroCleanup where the record initialises the page
	Cleanup bool // cleanup lock instead of exclusive
}

// ReadForRedo finds the page of block reference id (PostgreSQL:
// XLogReadBufferForRedoExtended). Unless the action is NotFound, b is pinned and
// locked exclusively, with a cleanup lock if asked. NeedsRedo obliges the caller
// to apply the change, to stamp d.End and to MarkDirty.
func ReadForRedo(p *Pool, d *xlog.Decoded, id uint8, r RedoRead) (Buffer, Action, error) {
	ref := d.Block(id)
	if ref == nil {
		return 0, NotFound, pgerr.New(pgerr.InternalError, "failed to locate backup block with ID %d in WAL record", id)
	}
	zero := r.Mode == Zero || r.Mode == ZeroCleanup
	if zero != ref.WillInit && !ref.ApplyImage {
		return 0, NotFound, pgerr.New(pgerr.InternalError, "block %d of the WAL record at %s: redo and record disagree on initialising the page", id, d.Start)
	}
	if ref.ApplyImage {
		mode := Zero
		if r.Cleanup || r.Mode == ZeroCleanup {
			mode = ZeroCleanup
		}
		b, err := p.ReadExtended(ref.Tag, mode)
		if err != nil {
			return 0, NotFound, err
		}
		return b, Restored, p.restore(d, id, b)
	}
	b, err := p.ReadExtended(ref.Tag, r.Mode)
	if err != nil || b == 0 {
		return 0, NotFound, err
	}
	if !zero {
		if r.Cleanup {
			if err := p.LockCleanup(context.Background(), b); err != nil {
				p.Release(b)
				return 0, NotFound, err
			}
		} else {
			p.Lock(b, Exclusive)
		}
	}
	if d.End <= p.Page(b).LSN() {
		return b, Done, nil
	}
	return b, NeedsRedo, nil
}

// restore puts the image of block reference id into b.
func (p *Pool) restore(d *xlog.Decoded, id uint8, b Buffer) error {
	pg := p.Page(b)
	if err := d.RestoreImage(id, pg); err != nil {
		p.UnlockRelease(b)
		return err
	}
	if !pg.IsNew() {
		pg.SetLSN(d.End)
	}
	p.MarkDirty(b)
	if p.Tag(b).Fork != page.InitFork {
		return nil
	}
	// At the end of recovery init forks are copied as files.
	p.Unlock(b)
	err := p.FlushBuffer(b)
	p.Lock(b, Exclusive)
	return err
}

// ReadExtended reads a block for redo (PostgreSQL: XLogReadBufferExtended): the
// file is made if it is missing, and in the Zero modes the fork is extended up to
// the block. In Normal mode a block that does not exist, or was never
// initialised, is noted as invalid and gives buffer 0.
func (p *Pool) ReadExtended(tag page.Tag, mode Mode) (Buffer, error) {
	mu := p.extLock(tag.Rel, tag.Fork)
	mu.Lock()
	n, err := p.sizeForRedo(tag)
	if err != nil {
		mu.Unlock()
		return 0, err
	}
	if tag.Block >= n && mode == Normal {
		mu.Unlock()
		return 0, p.invalid.note(p, tag, false)
	}
	for n <= tag.Block {
		b, err := p.extendTo(page.Tag{Rel: tag.Rel, Fork: tag.Fork, Block: n}, nil)
		if err != nil {
			mu.Unlock()
			return 0, err
		}
		p.UnlockRelease(b)
		n++
	}
	mu.Unlock()
	b, err := p.Read(tag, mode, nil)
	if err != nil || mode != Normal {
		return b, err
	}
	p.Lock(b, Shared)
	isNew := p.Page(b).IsNew()
	p.Unlock(b)
	if isNew {
		p.Release(b)
		return 0, p.invalid.note(p, tag, true)
	}
	return b, nil
}

func (p *Pool) sizeForRedo(tag page.Tag) (page.BlockNumber, error) {
	ok, err := p.opt.Smgr.Exists(tag.Rel, tag.Fork)
	if err == nil && !ok {
		err = p.opt.Smgr.Create(tag.Rel, tag.Fork)
	}
	if err != nil {
		return 0, err
	}
	return p.opt.Smgr.NBlocks(tag.Rel, tag.Fork)
}

// invalidPages are the blocks that records changed but that do not exist: each
// must be dropped or truncated later in the log, before the consistent point.
type invalidPages struct {
	mu         sync.Mutex
	pages      map[page.Tag]bool // value: the page exists but is all zero
	consistent bool
}

func (v *invalidPages) note(p *Pool, tag page.Tag, present bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.consistent {
		return invalidPage(p, tag, present)
	}
	if v.pages == nil {
		v.pages = map[page.Tag]bool{}
	}
	if _, ok := v.pages[tag]; !ok {
		v.pages[tag] = present
	}
	return nil
}

func invalidPage(p *Pool, tag page.Tag, present bool) error {
	what := "does not exist"
	if present {
		what = "is uninitialized"
	}
	return pgerr.New(pgerr.DataCorrupted, "WAL contains references to invalid pages").
		WithDetail("page %d of relation %s %s", uint32(tag.Block), p.opt.Smgr.Path(tag.Rel, tag.Fork), what)
}

// ForgetInvalid takes the blocks of a fork from block from on out of the table of
// invalid pages: the log dropped or truncated them.
func (p *Pool) ForgetInvalid(rel page.RelFileNode, fork page.Fork, from page.BlockNumber) {
	p.invalid.forget(func(t page.Tag) bool { return t.Rel == rel && t.Fork == fork && t.Block >= from })
}

// ForgetInvalidDatabase is ForgetInvalid for a dropped database.
func (p *Pool) ForgetInvalidDatabase(db oid.OID) {
	p.invalid.forget(func(t page.Tag) bool { return t.Rel.DB == db })
}

func (v *invalidPages) forget(want func(page.Tag) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for t := range v.pages {
		if want(t) {
			delete(v.pages, t)
		}
	}
}

// HasInvalid reports whether invalid pages are still in the table: a restart
// point must wait.
func (p *Pool) HasInvalid() bool {
	p.invalid.mu.Lock()
	defer p.invalid.mu.Unlock()
	return len(p.invalid.pages) > 0
}

// CheckInvalid is called when recovery reaches consistency (PostgreSQL:
// XLogCheckInvalidPages). Whatever is still invalid is corruption, which stops
// recovery, and from now on each new one is at once.
func (p *Pool) CheckInvalid() error {
	v := &p.invalid
	v.mu.Lock()
	defer v.mu.Unlock()
	v.consistent = true
	if len(v.pages) == 0 {
		return nil
	}
	var all []string
	for t, present := range v.pages {
		e, _ := pgerr.As(invalidPage(p, t, present))
		all = append(all, e.Detail)
	}
	slices.Sort(all)
	err := pgerr.New(pgerr.DataCorrupted, "WAL contains references to invalid pages")
	return err.WithDetail("%s", strings.Join(all[:min(len(all), 20)], fmt.Sprintln()))
}
