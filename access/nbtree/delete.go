package nbtree

import (
	"cmp"
	"slices"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
	"github.com/pgmini/pgmini/xlog"
)

// makeRoom tries to make size bytes on the leaf b without a split: first entries
// marked dead go, then, where the page seems to hold versions of the same rows,
// the heap is asked for more, then duplicates are merged. simple stops after the
// first (_bt_delete_or_dedup_one_page).
func (in *insertion) makeRoom(b bufmgr.Buffer, size int, simple bool) error {
	e := in.e
	n := e.nodeOf(b)
	if in.o.Heap != nil {
		var dead []page.OffsetNumber
		for off := n.first(); off <= n.last(); off++ {
			if n.dead(off) {
				dead = append(dead, off)
			}
		}
		if len(dead) > 0 {
			if err := in.deleteDead(b, dead); err != nil {
				return err
			}
			if n.FreeSpace() >= size {
				return nil
			}
			in.dups = true
		}
	}
	churn := in.o.Unchanged || in.dups
	if simple || in.check && !churn {
		return nil
	}
	if churn && in.o.Heap != nil {
		enough, err := in.deleteBottomUp(b, size)
		if err != nil || enough {
			return err
		}
	}
	if !e.idx.Index.EqualImage || e.idx.Index.NoDedup {
		return nil
	}
	return e.dedup(b, in.item, size, churn)
}

// deleteDead deletes the items that carry LP_DEAD, and others that point to the
// same heap blocks if those turn out to be dead too: the heap pages are read
// anyway (_bt_simpledel_pass).
func (in *insertion) deleteDead(b bufmgr.Buffer, dead []page.OffsetNumber) error {
	n := in.e.nodeOf(b)
	blocks := map[page.BlockNumber]bool{in.item.tid().Block: true}
	for _, off := range dead {
		t := n.at(off)
		for i := range t.nTIDs() {
			blocks[t.tidAt(i).Block] = true
		}
	}
	var op DeleteOp
	for off := n.first(); off <= n.last(); off++ {
		t := n.at(off)
		for i := range t.nTIDs() {
			if tid := t.tidAt(i); blocks[tid.Block] {
				op.TIDs = append(op.TIDs, DeleteTID{TID: tid, Item: off, Known: n.dead(off)})
			}
		}
	}
	return in.deleteChecked(b, &op)
}

// deleteBottomUp asks the heap for old versions among the page's duplicates, and
// reports whether that freed enough (_bt_bottomupdel_pass).
func (in *insertion) deleteBottomUp(b bufmgr.Buffer, size int) (bool, error) {
	e := in.e
	n := e.nodeOf(b)
	size += itemOverhead
	op := DeleteOp{BottomUp: true, FreeSpace: max(page.Size/16, size)}
	groups := 0
	first, last := n.first(), n.last()
	for off := first; off <= last; {
		end := off + 1
		for end <= last && e.keepNattsFast(n.at(off), n.at(end)) > e.nkeys {
			end++
		}
		if end-off > 1 {
			groups++
		}
		for i := off; i < end; i++ {
			op.TIDs = candidates(op.TIDs, n, i, end-off > 1)
		}
		off = end
	}
	if e.err != nil {
		return false, e.err
	}
	if err := in.deleteChecked(b, &op); err != nil {
		return false, err
	}
	return groups == 0 || n.ExactFreeSpace() >= max(page.Size/24, size), nil
}

// candidates appends the TIDs of item off. In a group of duplicates a plain tuple
// is promising; of a posting list, the first or last TID if most of the list lies
// in its block.
func candidates(dst []DeleteTID, n node, off page.OffsetNumber, dup bool) []DeleteTID {
	t := n.at(off)
	if !t.posting() {
		return append(dst, DeleteTID{TID: t.tid(), Item: off, Promising: dup, FreeSpace: len(t) + itemOverhead})
	}
	count := t.nTIDs()
	low, mid, high := t.tidAt(0).Block, t.tidAt(count/2).Block, t.maxTID().Block
	for i := range count {
		promising := dup && (i == 0 && low == mid || i == count-1 && low != mid && mid == high)
		dst = append(dst, DeleteTID{TID: t.tidAt(i), Item: off, Promising: promising, FreeSpace: page.TIDSize})
	}
	return dst
}

// deleteChecked asks the heap about op and deletes what may go
// (_bt_delitems_delete_check).
func (in *insertion) deleteChecked(b bufmgr.Buffer, op *DeleteOp) error {
	latest, err := in.o.Heap.Deletable(op)
	if err != nil {
		return err
	}
	gone := op.TIDs[:0]
	for _, d := range op.TIDs {
		if d.OK {
			gone = append(gone, d)
		}
	}
	slices.SortFunc(gone, func(a, b DeleteTID) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), a.TID.Compare(b.TID))
	})
	n := in.e.nodeOf(b)
	var d deletion
	for len(gone) > 0 {
		off := gone[0].Item
		k := 0
		for k < len(gone) && gone[k].Item == off {
			k++
		}
		d.add(n, off, func(i int, tid page.TID) bool {
			_, ok := slices.BinarySearchFunc(gone[:k], tid, func(x DeleteTID, t page.TID) int { return x.TID.Compare(t) })
			return ok
		})
		gone = gone[k:]
	}
	if d.empty() {
		return nil
	}
	return in.e.deleteItems(b, d, latest)
}

// add adds to d the TIDs of item off of n for which dead is true, and returns how
// many those are.
func (d *deletion) add(n node, off page.OffsetNumber, dead func(i int, tid page.TID) bool) int {
	t := n.at(off)
	var gone []uint16
	for i := range t.nTIDs() {
		if dead(i, t.tidAt(i)) {
			gone = append(gone, uint16(i))
		}
	}
	switch {
	case len(gone) == t.nTIDs():
		d.deleted = append(d.deleted, off)
	case len(gone) > 0:
		d.updated = append(d.updated, update{off, gone})
	}
	return len(gone)
}

// deleteItems is the deletion of an insert (_bt_delitems_delete).
func (e *env) deleteItems(b bufmgr.Buffer, d deletion, latest xid.XID) error {
	if err := applyDeletion(e.pool.Page(b), d); err != nil {
		return e.fatal(err)
	}
	e.pool.MarkDirty(b)
	e.begin(infoDelete)
	e.ref(0, b, xlog.Standard, d.encodeData(nil))
	return e.finish(encodeDelete(nil, latest, d), b)
}

// vacuumItems is the deletion of vacuum, on a page locked for cleanup
// (_bt_delitems_vacuum). The page's cycle id is cleared: it has been seen.
func (e *env) vacuumItems(b bufmgr.Buffer, d deletion) error {
	p := e.pool.Page(b)
	if err := applyDeletion(p, d); err != nil {
		return e.fatal(err)
	}
	node{p}.setCycleID(0)
	e.pool.MarkDirty(b)
	e.begin(infoVacuum)
	e.ref(0, b, xlog.Standard, d.encodeData(nil))
	return e.finish(d.encodeCounts(nil), b)
}
