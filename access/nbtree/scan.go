package nbtree

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact/ssi"
)

// Scan returns the entries of an index that meet some keys, in index order. It
// reads page by page: the matches of a leaf are copied, then the page is let go.
// It belongs to one goroutine; after Rescan it starts anew and allocates nothing.
type Scan struct {
	e        env
	opt      ScanOptions
	conds    []cond
	arrays   []array
	width    int // columns that the conditions look at
	key      searchKey
	possible bool
	started  bool
	whole    bool // all of an empty index is locked for ScanOptions.Reads
	end      int8 // the scan ran out, forward 1 or backward -1
	cur      batch
	mark     batch
	marked   bool
	markVals []int // array.cur at the mark
}

// hit is one matching heap TID of a batch.
type hit struct {
	tid page.TID
	off page.OffsetNumber // of its item on the leaf
	tup int32             // where its tuple starts in batch.tuples
}

// batch is the matches of one leaf, in index order (PostgreSQL: BTScanPosData).
type batch struct {
	pin        bufmgr.Buffer // held if ScanOptions.KeepPin
	blk, next  page.BlockNumber
	at         lsn.LSN // of the page when it was read
	more, less bool    // there may be matches to the right, to the left
	hits       []hit
	i          int
	tuples     []byte // with ScanOptions.WantTuple
	killed     []int32
}

// BeginScan makes a scan of idx. Close it.
func BeginScan(idx *access.Relation, keys []Key, opt ScanOptions) (*Scan, error) {
	s := &Scan{opt: opt}
	s.e.init(idx, nil, nil)
	s.possible = s.prepare(keys)
	return s, nil
}

// Track sets ScanOptions.Reads for another transaction.
func (s *Scan) Track(x *ssi.Xact) { s.opt.Reads, s.whole = x, false }

// Rescan starts s anew with other keys.
func (s *Scan) Rescan(keys []Key) {
	s.leave()
	s.unmark()
	s.e.err = nil
	s.started, s.end = false, 0
	s.possible = s.prepare(keys)
}

// Close lets go what s holds.
func (s *Scan) Close() {
	s.leave()
	s.unmark()
}

// Next moves to the next match, or backward to the previous, and returns its heap
// TID; false at the end.
func (s *Scan) Next(forward bool) (page.TID, bool, error) {
	if !s.possible {
		return page.TID{}, false, nil
	}
	if s.end != 0 {
		if (s.end > 0) == forward {
			return page.TID{}, false, nil
		}
		s.end, s.started = 0, false // turned round: the last match is the first
	}
	for {
		ok, err := s.advance(forward)
		if err != nil {
			return page.TID{}, false, err
		}
		if ok {
			return s.cur.hits[s.cur.i].tid, true, nil
		}
		if len(s.arrays) == 0 || !s.nextArrays(forward) {
			s.leave()
			s.end = -1
			if forward {
				s.end = 1
			}
			return page.TID{}, false, nil
		}
		s.leave()
		if ok, err = s.first(forward); err != nil {
			return page.TID{}, false, err
		}
		if ok {
			return s.cur.hits[s.cur.i].tid, true, nil
		}
	}
}

// advance moves within the scan for one combination of array values.
func (s *Scan) advance(forward bool) (bool, error) {
	if !s.started {
		s.started = true
		s.startArrays(forward)
		return s.first(forward)
	}
	if forward {
		if s.cur.i+1 < len(s.cur.hits) {
			s.cur.i++
			return true, nil
		}
	} else if s.cur.i > 0 && len(s.cur.hits) > 0 {
		s.cur.i--
		return true, nil
	}
	return s.stepPage(forward)
}

// Tuple is the index tuple of the current match, for scans with WantTuple. It
// aliases s until the next call.
func (s *Scan) Tuple() access.IndexTuple {
	at := s.cur.hits[s.cur.i].tup
	t := tuple(s.cur.tuples[at:])
	return access.IndexTuple(t[:t.keySize()])
}

// Values reads the columns of the current match into dst, for scans with
// WantTuple.
func (s *Scan) Values(dst []datum.Datum) error {
	return access.DeformIndex(s.e.idx.Desc, s.Tuple(), min(len(dst), s.e.natts), dst)
}

// Kill says that the row of the current match is dead to all: its entry gets the
// LP_DEAD hint when the scan leaves the page, if the page has not changed.
func (s *Scan) Kill() {
	if s.cur.i >= 0 && s.cur.i < len(s.cur.hits) {
		s.cur.killed = append(s.cur.killed, int32(s.cur.i))
	}
}

// Mark remembers the current match.
func (s *Scan) Mark() {
	s.unmark()
	m, c := &s.mark, &s.cur
	hits, tuples := append(m.hits[:0], c.hits...), append(m.tuples[:0], c.tuples...)
	*m = *c
	m.hits, m.tuples, m.killed = hits, tuples, nil
	if m.pin != 0 {
		s.e.pool.Pin(m.pin)
	}
	s.marked = true
	s.markVals = s.markVals[:0]
	for i := range s.arrays {
		s.markVals = append(s.markVals, s.arrays[i].cur)
	}
}

// Restore goes back to the marked match.
func (s *Scan) Restore() {
	if !s.marked {
		return
	}
	s.leave()
	s.started, s.end = true, 0
	for i, v := range s.markVals {
		a := &s.arrays[i]
		a.cur = v
		s.conds[a.cond].Arg = a.vals[v]
	}
	m, c := &s.mark, &s.cur
	hits, tuples, killed := append(c.hits[:0], m.hits...), append(c.tuples[:0], m.tuples...), c.killed[:0]
	*c = *m
	c.hits, c.tuples, c.killed = hits, tuples, killed
	if c.pin != 0 {
		s.e.pool.Pin(c.pin)
	}
}

func (s *Scan) unmark() {
	if s.marked && s.mark.pin != 0 {
		s.e.pool.Release(s.mark.pin)
	}
	s.mark.pin, s.marked = 0, false
}

// Bitmap gives add the heap TIDs of all matches and returns their number.
func (s *Scan) Bitmap(add func(page.TID)) (int64, error) {
	var n int64
	for {
		tid, ok, err := s.Next(true)
		if err != nil || !ok {
			return n, err
		}
		add(tid)
		n++
	}
}

// first finds the first match (_bt_first).
func (s *Scan) first(forward bool) (bool, error) {
	e := &s.e
	s.cur.hits, s.cur.i = s.cur.hits[:0], 0
	n, strict := s.startKey(forward)
	var b bufmgr.Buffer
	var nd node
	var err error
	if n == 0 {
		b, nd, err = e.endpoint(0, !forward, read)
	} else {
		s.key.n, s.key.hasTID = n, false
		s.key.next = strict == forward // forward: > key if strict; backward: from the last <= key on
		s.key.pivot = false
		b, nd, err = e.search(&s.key, read)
	}
	if err != nil || b == 0 {
		s.cur.more, s.cur.less = false, false
		if err == nil && s.opt.Reads != nil && !s.whole {
			// An empty index has no page to lock. It may have got one meanwhile.
			s.whole = true
			e.idx.ReadAll(s.opt.Reads)
			return s.first(forward)
		}
		return false, err
	}
	off := nd.first()
	switch {
	case n > 0:
		off = e.binarySearch(&s.key, nd)
		if !forward {
			off--
		}
	case !forward:
		off = nd.last()
	}
	s.cur.more, s.cur.less = forward, !forward
	if s.readPage(b, nd, off, forward) {
		return s.result()
	}
	return s.stepPage(forward)
}

// result reports what comparing met.
func (s *Scan) result() (bool, error) { return s.e.err == nil, s.e.err }

// readPage copies the matches of the locked leaf b from off on, in the direction,
// and unlocks it; false if there are none (_bt_readpage).
func (s *Scan) readPage(b bufmgr.Buffer, n node, off page.OffsetNumber, forward bool) bool {
	c := &s.cur
	if s.opt.Reads != nil {
		s.e.idx.ReadPage(s.opt.Reads, s.e.blockOf(b))
	}
	c.blk, c.next, c.at = s.e.blockOf(b), n.next(), n.LSN()
	c.hits, c.tuples, c.killed = c.hits[:0], c.tuples[:0], c.killed[:0]
	first, last := n.first(), n.last()
	more := true
	if forward {
		for off = max(off, first); off <= last && more; off++ {
			if n.dead(off) {
				continue
			}
			t := n.at(off)
			var ok bool
			if ok, more = s.match(t, true); ok {
				s.save(t, off, true)
			}
		}
		if more && !n.rightmost() {
			_, more = s.match(n.at(hikey), true)
		}
		c.more = c.more && more
		c.i = 0
	} else {
		for off = min(off, last); off >= first && more; off-- {
			if n.dead(off) {
				continue
			}
			t := n.at(off)
			var ok bool
			if ok, more = s.match(t, false); ok {
				s.save(t, off, false)
			}
		}
		c.less = c.less && more
		for i, j := 0, len(c.hits)-1; i < j; i, j = i+1, j-1 {
			c.hits[i], c.hits[j] = c.hits[j], c.hits[i]
		}
		c.i = len(c.hits) - 1
	}
	s.e.pool.Unlock(b)
	if s.opt.KeepPin && len(c.hits) > 0 {
		c.pin = b
	} else {
		s.e.pool.Release(b)
	}
	return len(c.hits) > 0
}

// save appends the TIDs of a matching item, in scan order.
func (s *Scan) save(t tuple, off page.OffsetNumber, forward bool) {
	c := &s.cur
	at := int32(len(c.tuples))
	if s.opt.WantTuple {
		c.tuples = append(c.tuples, t[:t.keySize()]...)
	}
	count := t.nTIDs()
	for i := range count {
		if !forward {
			i = count - 1 - i
		}
		c.hits = append(c.hits, hit{t.tidAt(i), off, at})
	}
}

// stepPage goes to the next page with matches (_bt_steppage).
func (s *Scan) stepPage(forward bool) (bool, error) {
	e, c := &s.e, &s.cur
	blk, next := c.blk, c.next
	more := c.more
	if !forward {
		more = c.less
	}
	if !more {
		return false, e.err
	}
	s.leave()
	if forward {
		c.less = true
	} else {
		c.more = true
	}
	for e.err == nil {
		var b bufmgr.Buffer
		var n node
		var err error
		if forward {
			if next == noBlock || !c.more {
				c.more = false
				return false, nil
			}
			b, n, err = e.get(next, read)
		} else {
			if !c.less {
				return false, nil
			}
			if b, n, err = e.walkLeft(blk); err == nil && b == 0 {
				c.less = false
				return false, nil
			}
		}
		if err != nil {
			return false, err
		}
		blk, next = e.blockOf(b), n.next()
		if n.ignore() {
			e.drop(b)
			continue
		}
		off := n.first()
		if !forward {
			off = n.last()
		}
		if s.readPage(b, n, off, forward) {
			return s.result()
		}
	}
	return false, e.err
}

// walkLeft returns the live left sibling of page blk, locked for reading, or 0 if
// it is the first. The page, or its sibling, may have split or been deleted since
// (_bt_walk_left).
func (e *env) walkLeft(blk page.BlockNumber) (bufmgr.Buffer, node, error) {
	b, n, err := e.get(blk, read)
	for {
		if err != nil {
			return 0, node{}, err
		}
		for n.is(flagDeleted) { // its key space is to the right
			if n.rightmost() {
				e.drop(b)
				return 0, node{}, e.corrupt("fell off the end")
			}
			if b, n, err = e.step(b, n.next(), read); err != nil {
				return 0, node{}, err
			}
		}
		origin, left := e.blockOf(b), n.prev()
		if left == noBlock {
			e.drop(b)
			return 0, node{}, nil
		}
		b, n, err = e.step(b, left, read)
		for tries := 0; err == nil; tries++ {
			if !n.is(flagDeleted) && n.next() == origin {
				if !n.ignore() {
					return b, n, nil
				}
				break // half-dead: go on from there
			}
			if n.rightmost() || tries == 4 {
				if b, n, err = e.step(b, origin, read); err == nil && !n.is(flagDeleted) && n.prev() == left {
					e.drop(b)
					return 0, node{}, e.corrupt("could not find left sibling of block %d", origin)
				}
				break
			}
			b, n, err = e.step(b, n.next(), read)
		}
	}
}

// leave kills what is to be killed on the current page and lets it go.
func (s *Scan) leave() {
	c := &s.cur
	if len(c.killed) > 0 {
		s.killItems()
		c.killed = c.killed[:0]
	}
	if c.pin != 0 {
		s.e.pool.Release(c.pin)
		c.pin = 0
	}
	c.hits, c.i = c.hits[:0], 0
}

// killItems sets LP_DEAD on the items whose every TID was killed. The page's LSN
// tells whether it is as it was: otherwise a TID may be another row's by now.
// Hints are set only if the lock is free.
func (s *Scan) killItems() {
	e, c := &s.e, &s.cur
	if e.log == nil {
		return
	}
	b, err := e.pin(c.blk)
	if err != nil {
		return
	}
	defer e.pool.Release(b)
	if !e.pool.TryLock(b) {
		return
	}
	defer e.pool.Unlock(b)
	n := e.nodeOf(b)
	if n.LSN() != c.at || e.check(n.Page, b) != nil {
		return
	}
	changed := false
	for _, k := range c.killed {
		off := c.hits[k].off
		if off < n.first() || off > n.last() || n.dead(off) || !c.allKilled(n.at(off), off) {
			continue
		}
		id := n.ItemID(off)
		n.SetItemID(off, page.MakeItemID(id.Off(), page.LPDead, id.Len()))
		changed = true
	}
	if changed {
		n.addBits(flagHasGarbage)
		_ = e.pool.MarkDirtyHint(b) // a hint: its loss costs time only
	}
}

// allKilled reports whether every TID of the item at off was killed.
func (c *batch) allKilled(t tuple, off page.OffsetNumber) bool {
	killed := 0
	for i, k := range c.killed {
		dup := false
		for _, j := range c.killed[:i] {
			dup = dup || j == k
		}
		if !dup && c.hits[k].off == off {
			killed++
		}
	}
	return killed == t.nTIDs()
}
