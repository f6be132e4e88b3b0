package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// ScanOptions of BeginScan.
type ScanOptions struct {
	Backward bool
	// First and N restrict the scan to N blocks from First on; N 0 is all.
	First page.BlockNumber
	N     page.BlockNumber
	// NoPrune leaves pages as they are.
	NoPrune bool
}

// bulkThreshold is the share of the pool above which a scan keeps to a ring.
const bulkThreshold = 4

// Scan reads the tuples of a relation that a snapshot sees, a page at a time. It
// keeps no pin between calls.
type Scan struct {
	viewer
	rel  *access.Relation
	snap Snapshot
	opt  ScanOptions
	ring *bufmgr.Strategy
	next page.BlockNumber // how many blocks of the range are done
	n    page.BlockNumber // blocks in the range
	pg   pageCopy
}

// pageCopy is a private copy of a page: tuples in it stay when the page is
// unlocked, and their headers do not change under the reader's eyes.
type pageCopy struct {
	buf    [page.Size]byte
	tuples []Tuple
}

// BeginScan starts a scan of rel as of now: pages added later are not read.
func BeginScan(tx *xact.Tx, rel *access.Relation, snap Snapshot, opt ScanOptions) (*Scan, error) {
	s := &Scan{viewer: newViewer(tx, rel), rel: rel, snap: snap, opt: opt}
	return s, s.Rescan(snap)
}

// Rescan starts again, with another snapshot.
func (s *Scan) Rescan(snap Snapshot) error {
	if s.track(s.rel, &snap); s.reads != nil {
		s.rel.ReadAll(s.reads) // before its size is asked: pages that come later are gaps
	}
	n, err := s.rel.Pool.NBlocks(s.rel.Node, page.MainFork)
	if err != nil {
		return err
	}
	s.snap, s.next, s.n = snap, 0, n
	if s.opt.N != 0 {
		first := min(s.opt.First, n)
		s.n = min(s.opt.N, n-first)
	}
	if s.ring == nil && int(n) > s.rel.Pool.Size()/bulkThreshold {
		s.ring = s.rel.Pool.NewStrategy(bufmgr.BulkRead)
	}
	s.tx.Stats().Scan(s.rel.OID, s.rel.Shared)
	return nil
}

// NextBatch returns the visible tuples of the next page that has any, in scan
// order, or nil at the end. They are valid until the next call.
func (s *Scan) NextBatch() ([]Tuple, error) {
	for s.next < s.n {
		i := s.next
		if s.opt.Backward {
			i = s.n - 1 - i
		}
		s.next++
		ts, err := s.readPage(s.opt.First + i)
		if err != nil || len(ts) > 0 {
			s.tx.Stats().Returned(s.rel.OID, s.rel.Shared, len(ts))
			return ts, err
		}
	}
	return nil, nil
}

func (s *Scan) readPage(blk page.BlockNumber) ([]Tuple, error) {
	pool := s.rel.Pool
	b, err := pool.Read(s.rel.Tag(page.MainFork, blk), bufmgr.Normal, s.ring)
	if err != nil {
		return nil, err
	}
	defer pool.Release(b)
	if !s.opt.NoPrune {
		if err := PruneOpt(s.tx, s.rel, b); err != nil {
			return nil, err
		}
	}
	pool.Lock(b, bufmgr.Shared)
	ts := s.pg.collect(&s.viewer, pool.Page(b), blk, &s.snap, s.opt.Backward)
	pool.Unlock(b)
	if s.err != nil {
		return nil, s.err
	}
	return ts, s.setHints(pool, b)
}

// collect copies p and lists the tuples that snap sees. p is locked in share mode
// at least.
func (c *pageCopy) collect(v *viewer, p page.Page, blk page.BlockNumber, snap *Snapshot, backward bool) []Tuple {
	c.tuples = c.tuples[:0]
	if p.IsNew() {
		return nil
	}
	c.copy(p)
	v.on(p, false)
	cp := page.Page(c.buf[:])
	n := cp.NumItems()
	all := p.Flags()&page.AllVisible != 0 && (snap.kind == snapMVCC || snap.kind == snapSerializable)
	for i := page.OffsetNumber(1); i <= n; i++ {
		off := i
		if backward {
			off = n + 1 - i
		}
		if cp.ItemID(off).Flags() != page.LPNormal {
			continue
		}
		t, err := tupleOn(cp, off)
		if err != nil {
			if v.err == nil {
				v.err = pgerr.Wrap(err, pgerr.DataCorrupted, "block %d", blk)
			}
			return nil
		}
		if all || v.sees(t, off, snap) {
			c.tuples = append(c.tuples, Tuple{page.TID{Block: blk, Off: off}, t})
		}
	}
	return c.tuples
}

// copy takes what is in use of p.
func (c *pageCopy) copy(p page.Page) {
	copy(c.buf[:p.Lower()], p[:p.Lower()])
	copy(c.buf[p.Upper():], p[p.Upper():])
}

// Close ends the scan.
func (s *Scan) Close() {}

// Fetcher reads single tuples by TID, for index scans and TID scans. Its buffers
// are reused: what it returned is valid until the next call. It belongs to one
// goroutine and keeps the last page pinned until Close.
type Fetcher struct {
	viewer
	rel *access.Relation
	buf bufmgr.Buffer
	blk page.BlockNumber
	row []byte
	pg  pageCopy
}

// NewFetcher returns a fetcher of rel.
func NewFetcher(tx *xact.Tx, rel *access.Relation) *Fetcher {
	return &Fetcher{viewer: newViewer(tx, rel), rel: rel}
}

// Bind makes a closed fetcher serve another transaction.
func (f *Fetcher) Bind(tx *xact.Tx) { f.tx = tx }

// Close drops the pin. The fetcher can be used again.
func (f *Fetcher) Close() {
	if f.buf != 0 {
		f.rel.Pool.Release(f.buf)
		f.buf = 0
	}
}

// page pins block blk. It reports false if the relation has no such page.
func (f *Fetcher) page(blk page.BlockNumber) (bool, error) {
	if f.buf != 0 && f.blk == blk {
		return true, nil
	}
	f.Close()
	n, err := f.rel.Pool.NBlocks(f.rel.Node, page.MainFork)
	if err != nil || blk >= n {
		return false, err
	}
	return true, f.read(blk)
}

// read pins block blk; one that the relation does not have is an error.
func (f *Fetcher) read(blk page.BlockNumber) error {
	b, err := f.rel.Pool.Read(f.rel.Tag(page.MainFork, blk), bufmgr.Normal, nil)
	if err != nil {
		return err
	}
	f.buf, f.blk = b, blk
	return PruneOpt(f.tx, f.rel, b)
}

// Fetch returns the tuple at tid if snap sees it (heap_fetch).
func (f *Fetcher) Fetch(tid page.TID, snap Snapshot) (Tuple, bool, error) {
	ok, err := f.page(tid.Block)
	if err != nil || !ok {
		return Tuple{}, false, err
	}
	pool := f.rel.Pool
	pool.Lock(f.buf, bufmgr.Shared)
	p := pool.Page(f.buf)
	f.on(p, false)
	f.track(f.rel, &snap)
	found := false
	if t, err := tupleOn(p, tid.Off); err == nil && f.sees(t, tid.Off, &snap) {
		f.row, found = append(f.row[:0], t...), true
		f.noteRead(t, tid)
	}
	pool.Unlock(f.buf)
	if f.err != nil {
		return Tuple{}, false, f.err
	}
	return Tuple{tid, f.row}, found, f.setHints(pool, f.buf)
}

// Latest follows the row at tid to its newest version that snap sees
// (heap_get_latest_tid); false: it sees none of them.
func (f *Fetcher) Latest(tid page.TID, snap Snapshot) (latest page.TID, found bool, err error) {
	prior := xid.Invalid
	for {
		t, ok, err := f.Fetch(tid, Any())
		if err != nil || !ok || prior != xid.Invalid && t.Data.Xmin() != prior {
			return latest, found, err
		}
		m := t.Data.Infomask()
		next, only := t.Data.CTID(), m&access.XmaxInvalid != 0 || access.XmaxLockedOnly(m)
		if !only {
			prior = f.updateXID(t.Data)
		}
		if _, seen, err := f.Fetch(tid, snap); err != nil {
			return latest, found, err
		} else if seen {
			latest, found = tid, true
		}
		if only || next == tid || next.Off == access.MovedPartitions || prior == xid.Invalid {
			return latest, found, nil
		}
		tid = next
	}
}

// FetchHOT returns the version of the row at tid, or of the HOT chain that starts
// there, that snap sees (heap_hot_search_buffer). If none is seen, allDead says
// that the whole chain is dead to everyone, so that the index entry may be killed.
// An index entry that points behind the table's end is an error: the table has
// lost pages.
func (f *Fetcher) FetchHOT(tid page.TID, snap Snapshot) (t Tuple, found, allDead bool, err error) {
	if f.buf == 0 || f.blk != tid.Block {
		f.Close()
		if err := f.read(tid.Block); err != nil {
			return Tuple{}, false, false, err
		}
	}
	pool := f.rel.Pool
	pool.Lock(f.buf, bufmgr.Shared)
	p := pool.Page(f.buf)
	f.on(p, false)
	f.track(f.rel, &snap)
	off, allDead := f.chain(p, tid.Off, &snap)
	if off != 0 {
		tp, _ := tupleOn(p, off)
		f.row = append(f.row[:0], tp...)
		f.noteRead(tp, page.TID{Block: tid.Block, Off: off})
	}
	pool.Unlock(f.buf)
	if f.err != nil {
		return Tuple{}, false, false, f.err
	}
	err = f.setHints(pool, f.buf)
	return Tuple{page.TID{Block: tid.Block, Off: off}, f.row}, off != 0, allDead && off == 0, err
}

// FetchPage returns the visible versions at the offsets of one page, HOT chains
// followed: a bitmap scan's step. nil offsets is the whole page (a lossy bitmap).
func (f *Fetcher) FetchPage(blk page.BlockNumber, offs []page.OffsetNumber, snap Snapshot) ([]Tuple, error) {
	ok, err := f.page(blk)
	if err != nil || !ok {
		return nil, err
	}
	pool := f.rel.Pool
	pool.Lock(f.buf, bufmgr.Shared)
	p := pool.Page(f.buf)
	f.track(f.rel, &snap)
	var ts []Tuple
	if offs == nil {
		ts = f.pg.collect(&f.viewer, p, blk, &snap, false)
		for _, t := range ts {
			f.noteRead(t.Data, t.TID)
		}
	} else if !p.IsNew() {
		f.pg.copy(p)
		f.on(p, false)
		cp := page.Page(f.pg.buf[:])
		f.pg.tuples = f.pg.tuples[:0]
		for _, o := range offs {
			if got, _ := f.chain(cp, o, &snap); got != 0 {
				t, _ := tupleOn(cp, got)
				f.pg.tuples = append(f.pg.tuples, Tuple{page.TID{Block: blk, Off: got}, t})
				f.noteRead(t, page.TID{Block: blk, Off: got})
			}
		}
		ts = f.pg.tuples
	}
	pool.Unlock(f.buf)
	if f.err != nil {
		return nil, f.err
	}
	return ts, f.setHints(pool, f.buf)
}
