package page

import "fmt"

// Operations of index pages, where a line pointer that goes takes its number
// with it. Where the bytes of the remaining items end up is part of the contract:
// replay must leave the page that PostgreSQL leaves.

// DeleteItem removes item n and its line pointer, closing both gaps (PostgreSQL:
// PageIndexTupleDelete).
func (p Page) DeleteItem(n OffsetNumber) error {
	count := p.NumItems()
	if n < 1 || n > count {
		return fmt.Errorf("%w: delete item %d of %d", ErrCorrupt, n, count)
	}
	id := p.ItemID(n)
	off, size, upper := id.Off(), MaxAlign(id.Len()), p.Upper()
	if size == 0 || off < upper || off+size > p.SpecialOff() {
		return fmt.Errorf("%w: item %d is [%d,%d)", ErrCorrupt, n, off, off+size)
	}
	at := HeaderSize + (int(n)-1)*ItemIDSize
	copy(p[at:], p[at+ItemIDSize:p.Lower()])
	copy(p[upper+size:], p[upper:off])
	p.SetUpper(upper + size)
	p.SetLower(p.Lower() - ItemIDSize)
	p.shift(off, size)
	return nil
}

// shift moves by d the line pointers of the items that lie below or at off.
func (p Page) shift(off, d int) {
	for n := OffsetNumber(1); n <= p.NumItems(); n++ {
		if id := p.ItemID(n); id.HasStorage() && id.Off() <= off {
			p.SetItemID(n, MakeItemID(id.Off()+d, id.Flags(), id.Len()))
		}
	}
}

// DeleteItems removes the items with the ascending numbers del (PostgreSQL:
// PageIndexMultiDelete). More than two at once leave the rest packed in the order
// of their numbers; one or two keep the order in memory.
func (p Page) DeleteItems(del []OffsetNumber) error {
	if len(del) <= 2 {
		for i := len(del) - 1; i >= 0; i-- {
			if err := p.DeleteItem(del[i]); err != nil {
				return err
			}
		}
		return nil
	}
	count := p.NumItems()
	for i, n := range del {
		if n < 1 || n > count || i > 0 && n <= del[i-1] {
			return fmt.Errorf("%w: delete item %d of %d", ErrCorrupt, n, count)
		}
	}
	var old [Size]byte
	copy(old[:], p)
	upper, kept := p.SpecialOff(), OffsetNumber(0)
	for n := OffsetNumber(1); n <= count; n++ {
		id := Page(old[:]).ItemID(n)
		if len(del) > 0 && del[0] == n {
			del = del[1:]
			continue
		}
		lo, hi := id.Off(), id.Off()+id.Len()
		if id.Len() == 0 || lo < HeaderSize || hi > p.SpecialOff() || upper-MaxAlign(id.Len()) < HeaderSize {
			return fmt.Errorf("%w: item %d is [%d,%d)", ErrCorrupt, n, lo, hi)
		}
		upper -= MaxAlign(id.Len())
		copy(p[upper:], old[lo:hi])
		kept++
		p.SetItemID(kept, MakeItemID(upper, id.Flags(), id.Len()))
	}
	p.SetLower(HeaderSize + int(kept)*ItemIDSize)
	p.SetUpper(upper)
	return nil
}

// OverwriteItem replaces item n by item, in place, moving its neighbours in
// memory if the size changes (PostgreSQL: PageIndexTupleOverwrite).
func (p Page) OverwriteItem(n OffsetNumber, item []byte) error {
	count := p.NumItems()
	if n < 1 || n > count || len(item) == 0 {
		return fmt.Errorf("%w: overwrite item %d of %d", ErrCorrupt, n, count)
	}
	id := p.ItemID(n)
	off, oldSize, newSize, upper := id.Off(), MaxAlign(id.Len()), MaxAlign(len(item)), p.Upper()
	if off < upper || off+oldSize > p.SpecialOff() {
		return fmt.Errorf("%w: item %d is [%d,%d)", ErrCorrupt, n, off, off+oldSize)
	}
	if newSize > oldSize+upper-p.Lower() {
		return fmt.Errorf("%w: no room for an item of %d bytes", ErrCorrupt, len(item))
	}
	if d := oldSize - newSize; d != 0 {
		copy(p[upper+d:off+d], p[upper:off])
		p.SetUpper(upper + d)
		p.shift(off, d)
		off += d
	}
	p.SetItemID(n, MakeItemID(off, LPNormal, len(item)))
	copy(p[off:off+newSize], item)
	return nil
}
