package nbtree

import (
	"bytes"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
)

// keepNatts is how many key columns are needed to tell last, the last tuple of a
// left page, from first, the first of its right neighbour: one more than there
// are if only the heap TID does (_bt_keep_natts).
func (e *env) keepNatts(last, first tuple) int {
	e.deform(last, e.nkeys, e.cols[:])
	e.deform(first, e.nkeys, e.other[:])
	for i := range e.nkeys {
		if e.compareCol(i, &e.cols[i], &e.other[i], nil) != 0 {
			return i + 1
		}
	}
	return e.nkeys + 1
}

// keepNattsFast is keepNatts by the values' bytes instead of the operator class:
// never fewer columns, and the same number where equal values have equal bytes
// (_bt_keep_natts_fast). Tuples with fewer columns count as different there.
func (e *env) keepNattsFast(a, b tuple) int {
	n := min(a.natts(e.natts), b.natts(e.natts), e.nkeys)
	e.deform(a, n, e.cols[:])
	e.deform(b, n, e.other[:])
	for i := range n {
		if !imageEqual(&e.cols[i], &e.other[i]) {
			return i + 1
		}
	}
	return n + 1
}

func imageEqual(a, b *datum.Datum) bool {
	if a.Null || b.Null {
		return a.Null == b.Null
	}
	return a.Int == b.Int && bytes.Equal(a.Bytes, b.Bytes)
}

// truncate makes the high key between last, the last tuple of the left half, and
// first, the first of the right: first's leading key columns, as few as separate
// the two, and last's heap TID if all are equal (_bt_truncate).
func (e *env) truncate(last, first tuple) (tuple, error) {
	keep := e.keepNatts(last, first)
	if e.err != nil {
		return nil, e.err
	}
	high, err := e.prefix(first, min(keep, e.nkeys))
	if err != nil {
		return nil, err
	}
	if keep <= e.nkeys {
		high.setNatts(keep, false)
		return high, nil
	}
	n := page.MaxAlign(len(high)) + page.MaxAlign(page.TIDSize)
	pivot := make(tuple, n)
	copy(pivot, high)
	pivot.setSize(n)
	pivot.setNatts(e.nkeys, true)
	page.PutTID(pivot[n-page.TIDSize:], last.maxTID())
	return pivot, nil
}

// prefix is leaf tuple t with its first n columns only, and no posting list.
func (e *env) prefix(t tuple, n int) (tuple, error) {
	if n == e.natts {
		high := make(tuple, t.keySize())
		copy(high, t)
		high.setSize(len(high))
		return high, nil
	}
	e.deform(t, n, e.cols[:])
	if e.err != nil {
		return nil, e.err
	}
	end, err := e.prefixEnd(t, n)
	if err != nil {
		return nil, err
	}
	nulls, wide := false, false
	for i := range n {
		nulls = nulls || e.cols[i].Null
		wide = wide || !e.cols[i].Null && e.idx.Desc.Attrs[i].Len < 0
	}
	from, to := t.data(), tupHeader
	if nulls {
		to = page.MaxAlign(tupHeader + nullBitmap)
	}
	size := page.MaxAlign(to + end - from)
	high := make(tuple, size)
	copy(high, t[:offInfo])
	copy(high[to:], t[from:end])
	info := uint16(size)
	if nulls {
		info |= infoNull
		for i := range n {
			if !e.cols[i].Null {
				high[tupHeader+i/8] |= 1 << (i % 8)
			}
		}
	}
	if wide {
		info |= infoVar
	}
	le.PutUint16(high[offInfo:], info)
	return high, nil
}

// prefixEnd is where the bytes of t's first n columns end.
func (e *env) prefixEnd(t tuple, n int) (int, error) {
	off := t.data()
	limit := t.keySize()
	for i := range n {
		if t.isNull(i) {
			continue
		}
		a := &e.idx.Desc.Attrs[i]
		switch {
		case a.Len > 0:
			off = align(off, a.Align) + int(a.Len)
		case a.Len == -2:
			off = align(off, a.Align)
			z := -1
			if off < limit {
				z = bytes.IndexByte(t[off:limit], 0)
			}
			if z < 0 {
				return 0, badRecord("column %d of an index tuple ends past it", i+1)
			}
			off += z + 1
		default:
			if off < limit && t[off] == 0 {
				off = align(off, a.Align)
			}
			if off >= limit {
				return 0, badRecord("column %d of an index tuple ends past it", i+1)
			}
			size := access.StoredSize(t[off:limit])
			if size == 0 {
				return 0, badRecord("column %d of an index tuple ends past it", i+1)
			}
			off += size
		}
	}
	if off > limit {
		return 0, badRecord("index tuple's columns end past it")
	}
	return off, nil
}

// align rounds off up to the boundary that a type's alignment code names.
func align(off int, code byte) int {
	switch code {
	case 's':
		return (off + 1) &^ 1
	case 'i':
		return (off + 3) &^ 3
	case 'd':
		return (off + 7) &^ 7
	}
	return off
}
