package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// chain follows the HOT chain that starts at off and returns the offset of the
// first version that snap sees, or 0; allDead tells that every version passed is
// dead to everyone.
func (f *Fetcher) chain(p page.Page, off page.OffsetNumber, snap *Snapshot) (found page.OffsetNumber, allDead bool) {
	if p.IsNew() || off < 1 || off > p.NumItems() {
		return 0, false
	}
	start, allDead := true, true
	var prior xid.XID
	var oldest xid.XID
	for range maxTuplesPerPage {
		if off < 1 || off > p.NumItems() {
			break
		}
		id := p.ItemID(off)
		if id.Flags() != page.LPNormal {
			if id.Flags() == page.LPRedirect && start {
				off, start = page.OffsetNumber(id.Off()), false
				continue
			}
			break
		}
		t, err := tupleOn(p, off)
		if err != nil {
			break
		}
		if start && t.IsHeapOnly() || prior != xid.Invalid && t.Xmin() != prior {
			break
		}
		if f.sees(t, off, snap) {
			return off, false
		}
		if allDead {
			if oldest == xid.Invalid {
				oldest = horizon(f.m, f.rel)
			}
			fate, _ := f.vacuum(t, off, oldest)
			allDead = fate == dead
		}
		if !t.IsHotUpdated() {
			break
		}
		prior = f.updateXID(t)
		off, start = t.CTID().Off, false
	}
	return 0, allDead
}

// HotRoot returns, for each offset of p that belongs to a HOT chain or is a plain
// tuple, the offset where index entries point (heap_get_root_tuples). It serves
// index builds.
func HotRoot(p page.Page, roots []page.OffsetNumber) {
	clear(roots)
	for off := page.OffsetNumber(1); off <= p.NumItems(); off++ {
		id := p.ItemID(off)
		next := page.OffsetNumber(0)
		var prior xid.XID
		switch id.Flags() {
		case page.LPNormal:
			t, err := tupleOn(p, off)
			if err != nil || t.IsHeapOnly() {
				continue
			}
			roots[off-1] = off
			if !t.IsHotUpdated() {
				continue
			}
			next, prior = t.CTID().Off, t.RawXmax()
			if t.Infomask()&access.XmaxIsMulti != 0 {
				prior = xid.Invalid
			}
		case page.LPRedirect:
			next = page.OffsetNumber(id.Off())
		default:
			continue
		}
		for range maxTuplesPerPage {
			if next < 1 || next > p.NumItems() {
				break
			}
			t, err := tupleOn(p, next)
			if err != nil || prior != xid.Invalid && t.Xmin() != prior {
				break
			}
			roots[next-1] = off
			if !t.IsHotUpdated() {
				break
			}
			next, prior = t.CTID().Off, t.RawXmax()
			if t.Infomask()&access.XmaxIsMulti != 0 {
				prior = xid.Invalid
			}
		}
	}
}
