package xlog

import (
	"sync"
	"sync/atomic"

	"github.com/pgmini/pgmini/lsn"
)

// ring holds the newest pages of the log (wal_buffers).
//
// INV-XLOG-3: a slot is given to another page only when its page was written to
// the segment file.
// Enforced: ring.extendWritten. Tested: TestTinyRing.
type ring struct {
	mem  []byte
	n    uint64
	ends []atomic.Uint64 // LSN behind the page in each slot; 0 while it changes

	mu    sync.Mutex    // extending
	ready atomic.Uint64 // pages below are initialised
}

func (g *ring) init(n int) {
	g.n = uint64(n)
	g.mem = make([]byte, n*PageSize)
	g.ends = make([]atomic.Uint64, n)
}

func (g *ring) index(at lsn.LSN) uint64 { return uint64(at) / PageSize % g.n }

// slot is the memory of the page that at lies on.
func (g *ring) slot(at lsn.LSN) []byte {
	i := g.index(at) * PageSize
	return g.mem[i : i+PageSize : i+PageSize]
}

// page returns the page that at lies on, making it if need be. The caller has
// reserved bytes of it under ticket t, and all its bytes below done are in
// place.
func (g *ring) page(l *Log, at lsn.LSN, t uint64, done bytePos) ([]byte, error) {
	end := uint64(at&^(PageSize-1) + PageSize)
	if g.ends[g.index(at)].Load() != end {
		// Before waiting for room, say how far we are: whoever makes room waits
		// for inserts into older pages, ours among them.
		l.ins.advance(t, done)
		if err := g.extend(l, end); err != nil {
			return nil, err
		}
	}
	return g.slot(at), nil
}

// extend initialises pages up to end, one after the other. The lock is not held
// while waiting for room: whoever still fills an older page may need it first.
func (g *ring) extend(l *Log, end uint64) error {
	for {
		full := g.extendWritten(l, end)
		if full == lsn.Invalid {
			return nil
		}
		l.met.BuffersFull.Add(1)
		if err := l.makeRoom(full); err != nil {
			return err
		}
	}
}

// extendWritten extends as far as slots are free, and returns the end of the
// page that must be written before it can go on; Invalid if it is done.
func (g *ring) extendWritten(l *Log, end uint64) lsn.LSN {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.ready.Load() < end {
		at := lsn.LSN(g.ready.Load())
		i := g.index(at)
		if old := lsn.LSN(g.ends[i].Load()); old > l.WriteLSN() {
			return old
		}
		g.ends[i].Store(0)
		p := g.slot(at)
		clear(p)
		l.pageHeader(p, at)
		g.ends[i].Store(uint64(at + PageSize))
		g.ready.Store(uint64(at + PageSize))
	}
	return lsn.Invalid
}

// pageHeader fills in the header of a new page.
func (l *Log) pageHeader(p []byte, at lsn.LSN) {
	var info uint16
	if l.ins.backups.Load() == 0 {
		info |= bkpRemovable
	}
	if at == l.opt.MissingContRecord && at != lsn.Invalid {
		info |= firstIsOverwriteContRecord
	}
	if l.geo.seg.Offset(at) == 0 {
		info |= isLongHeader
		le.PutUint64(p[offSysID:], l.opt.SystemID)
		le.PutUint32(p[offSegSize:], uint32(l.geo.seg))
		le.PutUint32(p[offXLogBlcksz:], PageSize)
	}
	le.PutUint16(p[offMagic:], PageMagic)
	le.PutUint16(p[offPageInfo:], info)
	le.PutUint32(p[offPageTLI:], uint32(l.opt.Timeline))
	le.PutUint64(p[offPageAddr:], uint64(at))
}
