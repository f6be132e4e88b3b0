package heap

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the records of Heap2/PRUNE and Heap2/VACUUM is in this file:
// line pointers become redirects, dead or unused.

// pruneRec is xl_heap_prune with its block data.
type pruneRec struct {
	LatestRemoved xid.XID
	Redirected    []page.OffsetNumber // pairs: from, to
	Dead, Unused  []page.OffsetNumber
}

func (r *pruneRec) append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(r.LatestRemoved))
	dst = le.AppendUint16(dst, uint16(len(r.Redirected)/2))
	return le.AppendUint16(dst, uint16(len(r.Dead)))
}

func (r *pruneRec) appendData(dst []byte) []byte {
	return appendOffsets(appendOffsets(appendOffsets(dst, r.Redirected), r.Dead), r.Unused)
}

func decodePrune(b, data []byte) (*pruneRec, error) {
	if len(b) < sizePrune {
		return nil, badRecord("short PRUNE")
	}
	nr, nd := 2*int(le.Uint16(b[4:])), int(le.Uint16(b[6:]))
	o := offsets(data)
	if len(o) < nr+nd {
		return nil, badRecord("PRUNE with too few offsets")
	}
	return &pruneRec{xid.XID(le.Uint32(b)), o[:nr], o[nr : nr+nd], o[nr+nd:]}, nil
}

// check refuses offsets that p does not have.
func checkOffsets(p page.Page, lists ...[]page.OffsetNumber) error {
	for _, l := range lists {
		for _, o := range l {
			if o < 1 || o > p.NumItems() {
				return badRecord("an offset is not on the page")
			}
		}
	}
	return nil
}

// applyPrune changes the line pointers and moves the remaining tuples together.
func applyPrune(p page.Page, r *pruneRec) error {
	if err := checkOffsets(p, r.Redirected, r.Dead, r.Unused); err != nil {
		return err
	}
	for i := 0; i < len(r.Redirected); i += 2 {
		p.SetItemID(r.Redirected[i], page.MakeItemID(int(r.Redirected[i+1]), page.LPRedirect, 0))
	}
	for _, o := range r.Dead {
		p.SetItemID(o, page.MakeItemID(0, page.LPDead, 0))
	}
	for _, o := range r.Unused {
		p.SetItemID(o, 0)
	}
	repair(p)
	return nil
}

// repair defragments p, cuts unused line pointers off the end, and notes whether
// unused ones remain (PageRepairFragmentation).
func repair(p page.Page) {
	n, last, unused := p.NumItems(), page.OffsetNumber(0), 0
	for o := page.OffsetNumber(1); o <= n; o++ {
		if id := p.ItemID(o); id.Flags() != page.LPUnused {
			last = o
		} else {
			p.SetItemID(o, 0)
			unused++
		}
	}
	p.Compact()
	if cut := int(n - last); cut > 0 {
		p.SetLower(p.Lower() - cut*page.ItemIDSize)
		unused -= cut
	}
	setFreeLines(p, unused > 0)
}

func setFreeLines(p page.Page, has bool) {
	if has {
		p.SetFlag(page.HasFreeLines)
	} else {
		p.ClearFlag(page.HasFreeLines)
	}
}

// applyVacuum makes dead line pointers unused and cuts those at the end off
// (PageTruncateLinePointerArray). One line pointer always stays.
func applyVacuum(p page.Page, unused []page.OffsetNumber) error {
	if err := checkOffsets(p, unused); err != nil {
		return err
	}
	for _, o := range unused {
		p.SetItemID(o, 0)
	}
	end := p.NumItems()
	for end > 1 && p.ItemID(end).Flags() == page.LPUnused {
		end--
	}
	p.SetLower(page.HeaderSize + int(end)*page.ItemIDSize)
	free := false
	for o := page.OffsetNumber(1); o <= end && !free; o++ {
		free = p.ItemID(o).Flags() == page.LPUnused
	}
	setFreeLines(p, free)
	return nil
}

func descPrune(dst, b []byte) []byte {
	if len(b) < sizePrune {
		return dst
	}
	return descf(dst, "latestRemovedXid %d nredirected %d ndead %d", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]))
}

func descVacuum(dst, b []byte) []byte {
	if len(b) < 2 {
		return dst
	}
	return descf(dst, "nunused %d", le.Uint16(b))
}
