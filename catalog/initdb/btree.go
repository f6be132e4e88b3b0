package initdb

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
)

// Facts of PostgreSQL 15's btree pages (access/nbtree.h). FROZEN.
const (
	opaqueSize = 16
	leafFlag   = 1
	rootFlag   = 2
	metaFlag   = 8
	metaMagic  = 0x053162
	metaEnd    = page.HeaderSize + 48
	altTID     = 0x2000 // t_info: t_tid holds facts about a pivot tuple
	pivotTID   = 0x1000 // in t_tid's offset: the tuple ends with a heap TID
	leafRoom   = (page.Size - page.HeaderSize - opaqueSize) - page.Size/10
	innerRoom  = (page.Size - page.HeaderSize - opaqueSize) - page.Size*3/10
)

var le = binary.LittleEndian // constant

// indexSpec is what building an index needs to know.
type indexSpec struct {
	desc     *access.TupleDesc
	compare  []access.CompareFunc
	equalImg bool
}

// entry is one tuple of a level that is being built: on the leaf level with its
// values, above it the low key of a child.
type entry struct {
	vals  []datum.Datum
	tid   page.TID
	tuple access.IndexTuple
}

func (s *indexSpec) order(a, b entry) int {
	for i, f := range s.compare {
		if c := s.column(f, a.vals[i], b.vals[i]); c != 0 {
			return c
		}
	}
	return a.tid.Compare(b.tid)
}

// column compares with NULLs last.
func (s *indexSpec) column(f access.CompareFunc, a, b datum.Datum) int {
	switch {
	case a.Null && b.Null:
		return 0
	case a.Null:
		return 1
	case b.Null:
		return -1
	}
	return f(a, b)
}

// buildIndex makes a btree of entries, bottom up.
func buildIndex(s *indexSpec, entries []entry) (file, error) {
	var f file
	f.extend(opaqueSize) // the meta page, filled at the end
	slices.SortFunc(entries, s.order)
	for i := range entries {
		var err error
		if entries[i].tuple, err = access.FormIndexTuple(s.desc, entries[i].vals, entries[i].tid); err != nil {
			return nil, err
		}
	}
	root, level := 0, 0
	for len(entries) > 0 {
		up, err := s.buildLevel(&f, entries, level)
		if err != nil {
			return nil, err
		}
		if len(up) == 1 {
			root = f.pages() - 1
			break
		}
		entries = up
		level++
	}
	s.writeMeta(f.page(0), root, level)
	return f, nil
}

// buildLevel writes the pages of one level and returns an entry for each.
func (s *indexSpec) buildLevel(f *file, items []entry, level int) ([]entry, error) {
	room := leafRoom
	if level > 0 {
		room = innerRoom
	}
	var up []entry
	var low access.IndexTuple // nil: minus infinity
	first := f.pages()
	for at := 0; at < len(items); {
		end := fill(items, at, room)
		if level > 0 {
			low = items[at].tuple
			items[at].tuple = minusInfinity(items[at].tuple)
		}
		p := f.extend(opaqueSize)
		blk := f.pages() - 1
		off := page.OffsetNumber(1)
		var high access.IndexTuple
		if end < len(items) {
			high = items[end].tuple
			if level == 0 {
				var err error
				if high, err = s.pivot(items[end-1], items[end]); err != nil {
					return nil, err
				}
			}
			if err := p.PutItem(off, high); err != nil {
				return nil, err
			}
			off++
		}
		for _, e := range items[at:end] {
			if err := p.PutItem(off, e.tuple); err != nil {
				return nil, err
			}
			off++
		}
		prev, next, flags := blk-1, blk+1, 0
		if at == 0 {
			prev = 0
			if level == 0 {
				low = nil
			}
		}
		if end == len(items) {
			next = 0
		}
		if level == 0 {
			flags |= leafFlag
		}
		if first == blk && end == len(items) {
			flags |= rootFlag
		}
		putOpaque(p, prev, next, level, flags)
		up = append(up, entry{tuple: downlink(low, blk)})
		low, at = high, end
	}
	return up, nil
}

// fill returns the end of the items from at on that go to one page, keeping room
// for the high key.
func fill(items []entry, at, room int) int {
	used := 0
	for i := at; i < len(items); i++ {
		used += len(items[i].tuple) + page.ItemIDSize
		next := 0
		if i+1 < len(items) {
			next = len(items[i+1].tuple) + 8 + page.ItemIDSize
		}
		if used+next > room && i > at {
			return i
		}
	}
	return len(items)
}

// pivot is the shortest key that separates left from right: the columns up to
// the first that differs; if none does, all of them and left's heap TID.
func (s *indexSpec) pivot(left, right entry) (access.IndexTuple, error) {
	n := 0
	for n < len(s.compare) && s.column(s.compare[n], left.vals[n], right.vals[n]) == 0 {
		n++
	}
	keep := min(n+1, len(s.compare))
	d := &access.TupleDesc{Attrs: s.desc.Attrs[:keep]}
	t, err := access.FormIndexTuple(d, right.vals[:keep], page.TID{Off: page.OffsetNumber(keep)})
	if err != nil {
		return nil, err
	}
	if n == len(s.compare) {
		t = append(t, make([]byte, 8)...)
		page.PutTID(t[len(t)-page.TIDSize:], left.tid)
		t.SetTID(page.TID{Off: page.OffsetNumber(keep) | pivotTID})
		t.SetInfo(t.Info() + 8)
	}
	t.SetInfo(t.Info() | altTID)
	return t, nil
}

// downlink is low with a child's block number; a nil low is minus infinity.
func downlink(low access.IndexTuple, blk int) access.IndexTuple {
	if low == nil {
		low = make(access.IndexTuple, 8)
		low.SetInfo(8 | altTID)
	}
	t := slices.Clone(low)
	t.SetTID(page.TID{Block: page.BlockNumber(blk), Off: low.TID().Off})
	return t
}

// minusInfinity keeps nothing of an inner tuple but its downlink.
func minusInfinity(t access.IndexTuple) access.IndexTuple {
	return downlink(nil, int(t.TID().Block))
}

func putOpaque(p page.Page, prev, next, level, flags int) {
	o := p.Special()
	le.PutUint32(o, uint32(prev))
	le.PutUint32(o[4:], uint32(next))
	le.PutUint32(o[8:], uint32(level))
	le.PutUint16(o[12:], uint16(flags))
}

func (s *indexSpec) writeMeta(p page.Page, root, level int) {
	b := p[page.HeaderSize:]
	le.PutUint32(b, metaMagic)
	le.PutUint32(b[4:], 4)
	le.PutUint32(b[8:], uint32(root))
	le.PutUint32(b[12:], uint32(level))
	le.PutUint32(b[16:], uint32(root))
	le.PutUint32(b[20:], uint32(level))
	le.PutUint64(b[32:], math.Float64bits(-1))
	if s.equalImg {
		b[40] = 1
	}
	p.SetLower(metaEnd)
	putOpaque(p, 0, 0, 0, metaFlag)
}
