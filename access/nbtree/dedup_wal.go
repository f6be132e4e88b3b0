package nbtree

import (
	"fmt"

	"github.com/pgmini/pgmini/page"
)

// Everything about XLOG_BTREE_DEDUP: block 0 is the leaf, its data the intervals.

// interval is BTDedupInterval: n items from base on become one posting list.
type interval struct {
	base page.OffsetNumber
	n    uint16
}

func encodeIntervals(b []byte, ivs []interval) []byte {
	for _, v := range ivs {
		b = le.AppendUint16(b, uint16(v.base))
		b = le.AppendUint16(b, v.n)
	}
	return b
}

// decodeIntervals reads the block data of a record whose main data says how many
// intervals there are.
func decodeIntervals(main, data []byte) ([]interval, error) {
	if len(main) != 2 || len(data) != 4*int(le.Uint16(main)) {
		return nil, badRecord("dedup record of %d and %d bytes", len(main), len(data))
	}
	ivs := make([]interval, len(data)/4)
	for i := range ivs {
		ivs[i] = interval{page.OffsetNumber(le.Uint16(data[4*i:])), le.Uint16(data[4*i+2:])}
	}
	return ivs, nil
}

func descDedup(dst, main []byte) []byte {
	if len(main) != 2 {
		return dst
	}
	return fmt.Appendf(dst, "nintervals %d", le.Uint16(main))
}

// applyDedup merges the items of each interval.
func applyDedup(p page.Page, ivs []interval) error {
	n := node{p}
	out := node{make(page.Page, page.Size)}
	out.Init(opaqueSize)
	copy(out.sp(), n.sp())
	tids := make([]page.TID, 0, maxTIDsPerPage)
	last := n.last()
	for off := page.OffsetNumber(1); off <= last; {
		t := n.at(off)
		count := page.OffsetNumber(1)
		if len(ivs) > 0 && ivs[0].base == off {
			count = page.OffsetNumber(ivs[0].n)
			ivs = ivs[1:]
			if off < n.first() || count < 2 || int(off)+int(count)-1 > int(last) {
				return badRecord("dedup interval of %d items at %d of %d", count, off, last)
			}
			tids = tids[:0]
			for i := range count {
				u := n.at(off + i)
				if u.pivot() {
					return badRecord("dedup of a pivot tuple")
				}
				tids = u.appendTIDs(tids)
			}
			t = formPosting(t, tids)
		}
		if err := out.InsertItem(out.last()+1, t); err != nil {
			return err
		}
		off += count
	}
	if len(ivs) > 0 {
		return badRecord("dedup interval at %d of %d", ivs[0].base, last)
	}
	out.dropBits(flagHasGarbage)
	copy(p[page.HeaderSize:], out.Page[page.HeaderSize:])
	p.SetLower(out.Lower())
	p.SetUpper(out.Upper())
	return nil
}

func (r redoer) dedup() error {
	return r.page(0, func(p page.Page, data []byte) error {
		ivs, err := decodeIntervals(r.d.Main, data)
		if err != nil {
			return err
		}
		return applyDedup(p, ivs)
	})
}
