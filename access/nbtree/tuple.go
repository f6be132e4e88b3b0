package nbtree

import (
	"slices"

	"github.com/pgmini/pgmini/page"
)

// tuple is an index tuple as it lies on a page. Three kinds share the header:
//
//	plain    TID of the heap tuple, key and INCLUDE columns
//	posting  infoAlt and isPosting: the TID field holds where the sorted array of
//	         heap TIDs starts and how many there are
//	pivot    infoAlt alone: the TID field holds the child and the number of key
//	         columns kept; a heap TID may follow at the very end
type tuple []byte

func (t tuple) info() uint16 { return le.Uint16(t[offInfo:]) }

// size is the length that the header says.
func (t tuple) size() int         { return int(t.info() & infoSize) }
func (t tuple) setSize(n int)     { le.PutUint16(t[offInfo:], t.info()&^infoSize|uint16(n)) }
func (t tuple) tid() page.TID     { return page.GetTID(t) }
func (t tuple) setTID(x page.TID) { page.PutTID(t, x) }
func (t tuple) hasNulls() bool    { return t.info()&infoNull != 0 }

func (t tuple) pivot() bool {
	return t.info()&infoAlt != 0 && uint16(t.tid().Off)&isPosting == 0
}

func (t tuple) posting() bool {
	return t.info()&infoAlt != 0 && uint16(t.tid().Off)&isPosting != 0
}

// natts is the number of columns that a pivot tuple kept; all is the answer for
// the other kinds.
func (t tuple) natts(all int) int {
	if t.pivot() {
		return int(uint16(t.tid().Off) & countMask)
	}
	return all
}

// setNatts makes t a pivot tuple with n key columns.
func (t tuple) setNatts(n int, heapTID bool) {
	off := uint16(n)
	if heapTID {
		off |= pivotHasTID
	}
	le.PutUint16(t[offInfo:], t.info()|infoAlt)
	t.setTID(page.TID{Block: t.tid().Block, Off: page.OffsetNumber(off)})
}

// child is the downlink of a pivot tuple, or a half-dead leaf's top parent.
func (t tuple) child() page.BlockNumber { return t.tid().Block }

func (t tuple) setChild(b page.BlockNumber) {
	t.setTID(page.TID{Block: b, Off: t.tid().Off})
}

// nTIDs is the number of heap TIDs of a leaf tuple.
func (t tuple) nTIDs() int {
	if t.posting() {
		return int(uint16(t.tid().Off) & countMask)
	}
	return 1
}

// keySize is the length without the posting list.
func (t tuple) keySize() int {
	if t.posting() {
		return int(t.tid().Block)
	}
	return t.size()
}

// tidAt is the i-th heap TID of a leaf tuple.
func (t tuple) tidAt(i int) page.TID {
	if t.posting() {
		return page.GetTID(t[t.keySize()+i*page.TIDSize:])
	}
	return t.tid()
}

func (t tuple) maxTID() page.TID { return t.tidAt(t.nTIDs() - 1) }

// heapTID is the tie-breaking last key column: the (least) heap TID, or false
// where a pivot tuple was truncated before it.
func (t tuple) heapTID() (page.TID, bool) {
	if !t.pivot() {
		return t.tidAt(0), true
	}
	if uint16(t.tid().Off)&pivotHasTID == 0 || t.size() < tupHeader+page.TIDSize {
		return page.TID{}, false
	}
	return page.GetTID(t[t.size()-page.TIDSize:]), true
}

// appendTIDs appends all heap TIDs of leaf tuple t.
func (t tuple) appendTIDs(dst []page.TID) []page.TID {
	n := t.nTIDs()
	for i := 0; i < n; i++ {
		dst = append(dst, t.tidAt(i))
	}
	return dst
}

// data is where the columns start.
func (t tuple) data() int {
	if t.hasNulls() {
		return page.MaxAlign(tupHeader + nullBitmap)
	}
	return tupHeader
}

// isNull reports whether column i, from 0, is NULL.
func (t tuple) isNull(i int) bool {
	return t.hasNulls() && t[tupHeader+i/8]&(1<<(i%8)) == 0
}

// formPosting makes the leaf tuple with base's key and the TIDs tids, which are in
// order (_bt_form_posting). One TID makes a plain tuple.
func formPosting(base tuple, tids []page.TID) tuple {
	key := base.keySize()
	size := key
	if len(tids) > 1 {
		size = page.MaxAlign(key + len(tids)*page.TIDSize)
	}
	t := make(tuple, size)
	copy(t, base[:key])
	t.setSize(size)
	if len(tids) == 1 {
		le.PutUint16(t[offInfo:], t.info()&^infoAlt)
		t.setTID(tids[0])
		return t
	}
	le.PutUint16(t[offInfo:], t.info()|infoAlt)
	t.setTID(page.TID{Block: page.BlockNumber(key), Off: page.OffsetNumber(len(tids) | isPosting)})
	for i, x := range tids {
		page.PutTID(t[key+i*page.TIDSize:], x)
	}
	return t
}

// swapPosting splits the posting list old at place at, so that newItem, whose TID
// belongs there, can go to old's right: the returned list has newItem's TID in
// place at, the later ones one place up, and newItem takes the one that falls off
// the end (_bt_swap_posting). The list keeps its size.
func swapPosting(newItem, old tuple, at int) (tuple, error) {
	if !old.posting() || at <= 0 || at >= old.nTIDs() || old.keySize()+old.nTIDs()*page.TIDSize > len(old) {
		return nil, badRecord("posting list split at %d", at)
	}
	t := slices.Clone(old)
	key, n := old.keySize(), old.nTIDs()
	lo := key + at*page.TIDSize
	copy(t[lo+page.TIDSize:key+n*page.TIDSize], old[lo:])
	page.PutTID(t[lo:], newItem.tid())
	newItem.setTID(old.tidAt(n - 1))
	return t, nil
}

// withoutTIDs is the leaf tuple that remains of posting list t when the TIDs with
// the ascending places gone are removed (_bt_update_posting).
func withoutTIDs(t tuple, gone []uint16) (tuple, error) {
	n := t.nTIDs()
	if !t.posting() || len(gone) == 0 || len(gone) >= n || t.keySize()+n*page.TIDSize > len(t) {
		return nil, badRecord("%d of %d posting list items removed", len(gone), n)
	}
	keep := make([]page.TID, 0, n)
	for i := 0; i < n; i++ {
		if len(gone) > 0 && int(gone[0]) == i {
			gone = gone[1:]
			continue
		}
		keep = append(keep, t.tidAt(i))
	}
	if len(gone) > 0 {
		return nil, badRecord("posting list item %d of %d", gone[0], n)
	}
	return formPosting(t, keep), nil
}

// minusInfinity makes the pivot tuple without columns that internal pages start
// with.
func minusInfinity(child page.BlockNumber) tuple {
	t := make(tuple, tupHeader)
	t.setSize(tupHeader)
	t.setNatts(0, false)
	t.setChild(child)
	return t
}
