// Package page is PostgreSQL 15's 8 KB page: header, line pointers, special
// space, checksum. It also names pages and tuples (Tag, TID).
//
// INV-PAGE-1: HeaderSize <= lower <= upper <= special <= Size on every page that
// Check accepted; an item that Item returns lies within [upper, special).
// Enforced: Check. Tested: FuzzPage.
package page

import (
	"errors"
	"fmt"

	"github.com/pgmini/pgmini/internal/invariants"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/xid"
)

// ErrCorrupt marks bytes that no PostgreSQL page has.
var ErrCorrupt = errors.New("page is corrupt")

// Page is one block. Its length is always Size; the bytes belong to whoever
// pinned the buffer, and a Page must not outlive that pin.
type Page []byte

// MaxAlign rounds n up to the alignment of the platform, 8.
func MaxAlign(n int) int { return (n + 7) &^ 7 }

// Init makes p an empty page with special bytes of special space (PostgreSQL:
// PageInit). special is rounded up to 8.
func (p Page) Init(special int) {
	clear(p)
	top := Size - MaxAlign(special)
	le.PutUint16(p[offLower:], HeaderSize)
	le.PutUint16(p[offUpper:], uint16(top))
	le.PutUint16(p[offSpecial:], uint16(top))
	le.PutUint16(p[offSizeVer:], Size|LayoutVersion)
}

// LSN is pd_lsn: the end of the last record that changed p.
func (p Page) LSN() lsn.LSN {
	return lsn.LSN(uint64(le.Uint32(p[offLSN:]))<<32 | uint64(le.Uint32(p[offLSN+4:])))
}

// SetLSN stamps pd_lsn. It never goes back, but for a page that was just made.
func (p Page) SetLSN(l lsn.LSN) {
	if invariants.Enabled && l < p.LSN() {
		panic(fmt.Sprintf("page LSN would go back: %s -> %s", p.LSN(), l))
	}
	le.PutUint32(p[offLSN:], uint32(l>>32))
	le.PutUint32(p[offLSN+4:], uint32(l))
}

// Checksum is pd_checksum as stored.
func (p Page) Checksum() uint16 { return le.Uint16(p[offChecksum:]) }

// SetChecksum stores pd_checksum.
func (p Page) SetChecksum(c uint16) { le.PutUint16(p[offChecksum:], c) }

// Flags is pd_flags.
func (p Page) Flags() uint16 { return le.Uint16(p[offFlags:]) }

// SetFlag sets the bits f of pd_flags.
func (p Page) SetFlag(f uint16) { le.PutUint16(p[offFlags:], p.Flags()|f) }

// ClearFlag clears the bits f of pd_flags.
func (p Page) ClearFlag(f uint16) { le.PutUint16(p[offFlags:], p.Flags()&^f) }

// Lower is the end of the line pointers.
func (p Page) Lower() int { return int(le.Uint16(p[offLower:])) }

// Upper is the start of the tuples.
func (p Page) Upper() int { return int(le.Uint16(p[offUpper:])) }

// SpecialOff is the start of the special space.
func (p Page) SpecialOff() int { return int(le.Uint16(p[offSpecial:])) }

// SetLower sets the end of the line pointers.
func (p Page) SetLower(n int) { le.PutUint16(p[offLower:], uint16(n)) }

// SetUpper sets the start of the tuples.
func (p Page) SetUpper(n int) { le.PutUint16(p[offUpper:], uint16(n)) }

// Special is the special space, aliasing p.
func (p Page) Special() []byte { return p[p.SpecialOff():Size:Size] }

// PruneXID is pd_prune_xid: the oldest id whose tuples may be prunable, or 0.
func (p Page) PruneXID() xid.XID { return xid.XID(le.Uint32(p[offPruneXID:])) }

// SetPruneXID sets pd_prune_xid.
func (p Page) SetPruneXID(x xid.XID) { le.PutUint32(p[offPruneXID:], uint32(x)) }

// IsNew reports whether p was never initialised: an all-zero page.
func (p Page) IsNew() bool { return p.Upper() == 0 }

// ItemID is a packed line pointer: off:15 flags:2 len:15, low bits first.
type ItemID uint32

// MakeItemID packs a line pointer.
func MakeItemID(off, flags, length int) ItemID {
	return ItemID(uint32(off)&0x7fff | uint32(flags)&3<<15 | uint32(length)<<17)
}

// Off is lp_off; of a redirect, the offset number it leads to.
func (i ItemID) Off() int { return int(i & 0x7fff) }

// Flags is lp_flags.
func (i ItemID) Flags() int { return int(i >> 15 & 3) }

// Len is lp_len.
func (i ItemID) Len() int { return int(i >> 17) }

// HasStorage reports whether i owns bytes of the page.
func (i ItemID) HasStorage() bool { return i.Len() != 0 }

// NumItems is the number of line pointers (PostgreSQL: PageGetMaxOffsetNumber).
func (p Page) NumItems() OffsetNumber {
	l := p.Lower()
	if l <= HeaderSize {
		return 0
	}
	return OffsetNumber((l - HeaderSize) / ItemIDSize)
}

// ItemID returns line pointer n, which must be between 1 and NumItems.
func (p Page) ItemID(n OffsetNumber) ItemID {
	return ItemID(le.Uint32(p[HeaderSize+(int(n)-1)*ItemIDSize:]))
}

// SetItemID stores line pointer n.
func (p Page) SetItemID(n OffsetNumber, i ItemID) {
	le.PutUint32(p[HeaderSize+(int(n)-1)*ItemIDSize:], uint32(i))
}

// Item returns the bytes of item n, aliasing p. The capacity is clamped so that
// an append by the caller cannot scribble over the neighbouring tuple. A dead
// line pointer with storage (btree's) has an item too.
func (p Page) Item(n OffsetNumber) ([]byte, error) {
	if n < 1 || n > p.NumItems() {
		return nil, fmt.Errorf("%w: item %d of %d", ErrCorrupt, n, p.NumItems())
	}
	id := p.ItemID(n)
	lo, hi := id.Off(), id.Off()+id.Len()
	if id.Flags() == LPUnused || id.Flags() == LPRedirect || id.Len() == 0 || lo < p.Upper() || hi > p.SpecialOff() {
		return nil, fmt.Errorf("%w: item %d is [%d,%d) flags %d", ErrCorrupt, n, lo, hi, id.Flags())
	}
	return p[lo:hi:hi], nil
}

// Check validates the header and the line pointers of a page that came from
// disk. An all-zero page is valid (PostgreSQL: PageIsVerified without checksum).
func Check(p Page) error {
	if len(p) != Size {
		return fmt.Errorf("%w: %d bytes", ErrCorrupt, len(p))
	}
	if p.IsNew() {
		for _, b := range p {
			if b != 0 {
				return fmt.Errorf("%w: upper is 0 but the page is not zero", ErrCorrupt)
			}
		}
		return nil
	}
	lo, up, sp := p.Lower(), p.Upper(), p.SpecialOff()
	if p.Flags()&^validFlags != 0 || lo < HeaderSize || lo > up || up > sp || sp > Size || sp%8 != 0 {
		return fmt.Errorf("%w: flags %#x lower %d upper %d special %d", ErrCorrupt, p.Flags(), lo, up, sp)
	}
	if v := le.Uint16(p[offSizeVer:]); v != Size|LayoutVersion {
		return fmt.Errorf("%w: page size and version %#x", ErrCorrupt, v)
	}
	return nil
}

// FreeSpace is the room for one more item and its line pointer, or 0
// (PostgreSQL: PageGetFreeSpace).
func (p Page) FreeSpace() int {
	n := p.Upper() - p.Lower()
	if n < ItemIDSize {
		return 0
	}
	return n - ItemIDSize
}

// ExactFreeSpace is the gap between line pointers and items.
func (p Page) ExactFreeSpace() int { return max(0, p.Upper()-p.Lower()) }

// FreeOffset returns the offset number that AddItem would give a new heap tuple:
// the first unused line pointer if the page says it has one, else one past the
// last.
func (p Page) FreeOffset() OffsetNumber {
	n := p.NumItems()
	if p.Flags()&HasFreeLines != 0 {
		for o := OffsetNumber(1); o <= n; o++ {
			if id := p.ItemID(o); id.Flags() == LPUnused && !id.HasStorage() {
				return o
			}
		}
	}
	return n + 1
}

// PutItem stores item at offset number n, which is unused or one past the last
// (PostgreSQL: PageAddItem with PAI_OVERWRITE). It fails, changing nothing, if
// the item does not fit.
func (p Page) PutItem(n OffsetNumber, item []byte) error {
	count := p.NumItems()
	if n < 1 || n > count+1 {
		return fmt.Errorf("%w: put item %d of %d", ErrCorrupt, n, count)
	}
	lower := p.Lower()
	if n == count+1 {
		lower += ItemIDSize
	} else if id := p.ItemID(n); id.Flags() != LPUnused || id.HasStorage() {
		return fmt.Errorf("%w: item %d is in use", ErrCorrupt, n)
	}
	return p.place(n, lower, item)
}

// InsertItem stores item at offset number n, moving the line pointers from n on
// one place up (PostgreSQL: PageAddItem without overwrite).
func (p Page) InsertItem(n OffsetNumber, item []byte) error {
	count := p.NumItems()
	if n < 1 || n > count+1 {
		return fmt.Errorf("%w: insert item %d of %d", ErrCorrupt, n, count)
	}
	if p.Lower()+ItemIDSize > p.Upper()-MaxAlign(len(item)) {
		return fmt.Errorf("%w: no room for an item of %d bytes", ErrCorrupt, len(item))
	}
	at := HeaderSize + (int(n)-1)*ItemIDSize
	copy(p[at+ItemIDSize:], p[at:p.Lower()])
	return p.place(n, p.Lower()+ItemIDSize, item)
}

func (p Page) place(n OffsetNumber, lower int, item []byte) error {
	upper := p.Upper() - MaxAlign(len(item))
	if len(item) == 0 || lower > upper {
		return fmt.Errorf("%w: no room for an item of %d bytes", ErrCorrupt, len(item))
	}
	p.SetItemID(n, MakeItemID(upper, LPNormal, len(item)))
	copy(p[upper:], item)
	clear(p[upper+len(item) : upper+MaxAlign(len(item))])
	p.SetLower(lower)
	p.SetUpper(upper)
	return nil
}

// CheckItems validates every line pointer that has storage: its item lies between
// upper and special, and all of them fit there. Who is about to change a page in
// a way that may not fail calls it first.
func (p Page) CheckItems() error {
	total := 0
	for n := OffsetNumber(1); n <= p.NumItems(); n++ {
		id := p.ItemID(n)
		if !id.HasStorage() {
			continue
		}
		if id.Off() < p.Upper() || id.Off()+id.Len() > p.SpecialOff() {
			return fmt.Errorf("%w: item %d is [%d,%d)", ErrCorrupt, n, id.Off(), id.Off()+id.Len())
		}
		total += MaxAlign(id.Len())
	}
	if room := p.SpecialOff() - p.Lower(); total > room {
		return fmt.Errorf("%w: items of %d bytes in %d", ErrCorrupt, total, room)
	}
	return nil
}

// Compact moves the items together against the special space: the item of the
// lowest offset number ends up highest (PostgreSQL: compactify_tuples, without
// the truncation of line pointers that its callers do). The result depends only
// on the items, so that doing and redoing agree.
func (p Page) Compact() {
	var old [Size]byte
	from := p.Upper()
	copy(old[from:], p[from:p.SpecialOff()])
	upper := p.SpecialOff()
	for n := OffsetNumber(1); n <= p.NumItems(); n++ {
		id := p.ItemID(n)
		if !id.HasStorage() || id.Off() < from || id.Off()+id.Len() > p.SpecialOff() || upper-MaxAlign(id.Len()) < p.Lower() {
			continue // all but the first only on a damaged page: see CheckItems
		}
		upper -= MaxAlign(id.Len())
		copy(p[upper:], old[id.Off():id.Off()+id.Len()])
		p.SetItemID(n, MakeItemID(upper, id.Flags(), id.Len()))
	}
	p.SetUpper(upper)
}
