package nbtree

import (
	"slices"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
)

// buildPosting is the largest posting list that a build makes: a tenth of a page,
// with its line pointer.
const buildPosting = page.Size*10/100&^7 - page.ItemIDSize

// loader writes sorted leaf tuples as a tree, from left to right, one page of each
// level at a time in memory.
type loader struct {
	e      *env
	ring   *bufmgr.Strategy
	levels []*loadLevel
	alloc  page.BlockNumber // next block to give out
	blocks page.BlockNumber // length of the file
	merge  bool
	base   tuple
	tids   []page.TID
}

// loadLevel is the rightmost page so far of one level. Its first line pointer is
// kept for the high key.
type loadLevel struct {
	n     node
	blk   page.BlockNumber
	level uint32
	low   tuple             // downlink to be, without child
	last  page.OffsetNumber // of the last item; hikey if none
	extra int               // bytes of the last item that a high key would not need
}

func newLoader(e *env) (*loader, error) {
	l := &loader{e: e, alloc: 1, merge: e.idx.Index.EqualImage && !e.idx.Index.Unique && !e.idx.Index.NoDedup, ring: e.pool.NewStrategy(bufmgr.BulkWrite)}
	b, blk, err := e.pool.Extend(e.idx.Node, page.MainFork, l.ring) // the meta page, written last
	if err != nil {
		return nil, err
	}
	e.drop(b)
	if blk != metaBlock {
		return nil, e.corrupt("build of a file that is not empty")
	}
	l.blocks = 1
	return l, nil
}

// add appends a leaf tuple, merging duplicates.
func (l *loader) add(t tuple) error {
	if !l.merge {
		return l.put(0, t, 0)
	}
	if l.base != nil && l.e.keepNattsFast(l.base, t) > l.e.nkeys &&
		page.MaxAlign(l.base.keySize()+(len(l.tids)+1)*page.TIDSize) <= buildPosting {
		l.tids = append(l.tids, t.tid())
		return nil
	}
	if err := l.flush(); err != nil {
		return err
	}
	l.base = append(l.base[:0], t...)
	l.tids = append(l.tids[:0], t.tid())
	return nil
}

// flush appends the tuple that is being merged.
func (l *loader) flush() error {
	if l.base == nil {
		return nil
	}
	t := formPosting(l.base, l.tids)
	return l.put(0, t, t.size()-t.keySize())
}

func (l *loader) newLevel(level uint32) *loadLevel {
	s := &loadLevel{level: level, last: hikey}
	l.newPage(s)
	l.levels = append(l.levels, s)
	return s
}

// newPage gives s an empty page with room for a high key.
func (l *loader) newPage(s *loadLevel) {
	s.n = initNode(make(page.Page, page.Size))
	s.n.setLevel(s.level)
	if s.level == 0 {
		s.n.setBits(flagLeaf)
	}
	s.n.SetLower(page.HeaderSize + page.ItemIDSize)
	s.blk = l.alloc
	l.alloc++
}

// put appends t to a level. extra bytes of it would not go into a high key
// (_bt_buildadd).
func (l *loader) put(level int, t tuple, extra int) error {
	for len(l.levels) <= level {
		l.newLevel(uint32(len(l.levels)))
	}
	s := l.levels[level]
	fill := nonleafFill
	need := page.MaxAlign(len(t))
	if level == 0 {
		fill = l.e.fillFactor()
		need += page.MaxAlign(page.TIDSize)
	}
	free := s.n.FreeSpace()
	if free < need || free+s.extra < page.Size*(100-fill)/100 && s.last > firstAfterHikey {
		if err := l.turnPage(level, s); err != nil {
			return err
		}
	}
	s.extra = extra
	if s.last == hikey {
		s.low = minusInfinity(0)
	}
	s.last++
	if level > 0 && s.last == firstAfterHikey {
		t = minusInfinity(t.child())
	}
	return s.n.InsertItem(s.last, t)
}

// turnPage completes the page of s: its last item moves to a new page and leaves
// its key behind as the high key.
func (l *loader) turnPage(level int, s *loadLevel) error {
	old, oldBlk, last := s.n, s.blk, s.last
	if last <= firstAfterHikey {
		return l.e.corrupt("tuple does not fit on an empty page")
	}
	moved := slices.Clone(old.at(last))
	l.newPage(s)
	first := moved
	if level > 0 {
		first = minusInfinity(moved.child())
	}
	if err := s.n.InsertItem(firstAfterHikey, first); err != nil {
		return err
	}
	old.SetItemID(hikey, old.ItemID(last))
	old.SetLower(old.Lower() - page.ItemIDSize)
	if level == 0 {
		high, err := l.e.truncate(old.at(last-1), moved)
		if err != nil {
			return err
		}
		if err := old.OverwriteItem(hikey, high); err != nil {
			return err
		}
	}
	s.low.setChild(oldBlk)
	if err := l.put(level+1, s.low, 0); err != nil {
		return err
	}
	s.low = slices.Clone(old.at(hikey))
	old.setNext(s.blk)
	s.n.setPrev(oldBlk)
	s.last = firstAfterHikey
	return l.write(oldBlk, old)
}

// finish completes all levels, from the leaves up, and writes the meta page.
func (l *loader) finish() error {
	if err := l.flush(); err != nil {
		return err
	}
	m := meta{version: metaVersion, allEqual: l.e.idx.Index.EqualImage}
	for i := 0; i < len(l.levels); i++ {
		s := l.levels[i]
		if i == len(l.levels)-1 {
			s.n.addBits(flagRoot)
			m.root, m.level, m.fastRoot, m.fastLevel = s.blk, s.level, s.blk, s.level
		} else {
			s.low.setChild(s.blk)
			if err := l.put(i+1, s.low, 0); err != nil {
				return err
			}
		}
		// The last page of a level has no high key: its line pointers move down.
		copy(s.n.Page[page.HeaderSize:], s.n.Page[page.HeaderSize+page.ItemIDSize:s.n.Lower()])
		s.n.SetLower(s.n.Lower() - page.ItemIDSize)
		if err := l.write(s.blk, s.n); err != nil {
			return err
		}
	}
	p := make(page.Page, page.Size)
	writeMeta(p, m)
	return l.write(metaBlock, node{p})
}

// write puts a complete page into its block and logs it.
func (l *loader) write(blk page.BlockNumber, n node) error {
	e := l.e
	var b bufmgr.Buffer
	var err error
	for l.blocks <= blk {
		var at page.BlockNumber
		if b, at, err = e.pool.Extend(e.idx.Node, page.MainFork, l.ring); err != nil {
			return err
		}
		l.blocks = at + 1
		if at != blk {
			e.drop(b)
			b = 0
		}
	}
	if b == 0 {
		if b, err = e.pool.Read(e.idx.Tag(page.MainFork, blk), bufmgr.Zero, l.ring); err != nil {
			return err
		}
	}
	copy(e.pool.Page(b), n.Page)
	e.pool.MarkDirty(b)
	err = e.logPage(b, false)
	e.drop(b)
	return err
}
