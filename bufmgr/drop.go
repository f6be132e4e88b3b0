package bufmgr

import (
	"time"

	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
)

// DropRel forgets the buffers of a relation's fork from block from on, unwritten.
// The caller has locked the relation so that nobody reads them.
func (p *Pool) DropRel(rel page.RelFileNode, fork page.Fork, from page.BlockNumber) {
	if n, err := p.opt.Smgr.NBlocks(rel, fork); err == nil && !p.opt.Redo() && n >= from &&
		int(n-from) < len(p.frames)/32 {
		for b := from; b < n; b++ {
			tag := page.Tag{Rel: rel, Fork: fork, Block: b}
			pt := p.part(tag)
			pt.RLock()
			i, ok := pt.frames[tag]
			pt.RUnlock()
			if ok {
				p.invalidate(i, tag)
			}
		}
		return
	}
	p.dropWhere(func(t page.Tag) bool { return t.Rel == rel && t.Fork == fork && t.Block >= from })
}

// DropRelAll forgets the buffers of all forks of the relations, unwritten, and
// that they were unlogged.
func (p *Pool) DropRelAll(rels ...page.RelFileNode) {
	set := make(map[page.RelFileNode]struct{}, len(rels))
	for _, r := range rels {
		set[r] = struct{}{}
	}
	p.dropWhere(func(t page.Tag) bool { _, ok := set[t.Rel]; return ok })
	p.unlogged.Lock()
	for _, r := range rels {
		delete(p.unlogged.rels, r)
	}
	p.unlogged.Unlock()
}

// DropDatabase forgets the buffers of a database, unwritten.
func (p *Pool) DropDatabase(db oid.OID) {
	p.dropWhere(func(t page.Tag) bool { return t.Rel.DB == db })
}

func (p *Pool) dropWhere(want func(page.Tag) bool) {
	for i := range p.frames {
		if tag, ok := p.frames[i].tagOf(); ok && want(tag) {
			p.invalidate(int32(i), tag)
		}
	}
}

// invalidate frees frame i if it still holds tag. A pin on it can only be that of
// a checkpoint or of the sweep, which drop it soon.
func (p *Pool) invalidate(i int32, tag page.Tag) {
	f := &p.frames[i]
	pt := p.part(tag)
	for {
		pt.Lock()
		if now, ok := pt.frames[tag]; !ok || now != i {
			pt.Unlock()
			return
		}
		if s := f.state.Load(); s&pinMask == 0 && f.state.CompareAndSwap(s, 0) {
			delete(pt.frames, tag)
			pt.Unlock()
			p.putFree(i)
			return
		}
		pt.Unlock()
		f.io.Lock()
		f.io.Unlock() //nolint:staticcheck // waiting is all
		time.Sleep(50 * time.Microsecond)
	}
}
