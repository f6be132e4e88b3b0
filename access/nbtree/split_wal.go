package nbtree

import (
	"fmt"
	"slices"

	"github.com/pgmini/pgmini/page"
)

// Everything about XLOG_BTREE_SPLIT_L and _SPLIT_R.
//
// Block 0 is the page that splits and stays as the left half: its data is the new
// tuple (_L, or where a posting list splits too), then the left half's high key.
// Block 1 is the new right half, whole. Block 2 is the old right neighbour, block
// 3 the child whose split this insert completes. A reader that came to the left
// half by an old downlink sees by its high key that it must move right; the left
// half is flagged until the parent has the right half's downlink.

// splitRec is xl_btree_split.
type splitRec struct {
	level      uint32
	firstRight page.OffsetNumber // first item of the old page that goes right
	newOff     page.OffsetNumber // where the new item goes, in the old page's numbers
	postingOff uint16            // place at which the list left of the new item splits
}

func (r splitRec) encode(b []byte) []byte {
	b = le.AppendUint32(b, r.level)
	b = le.AppendUint16(b, uint16(r.firstRight))
	b = le.AppendUint16(b, uint16(r.newOff))
	return le.AppendUint16(b, r.postingOff)
}

func decodeSplit(b []byte) (splitRec, error) {
	if len(b) != 10 {
		return splitRec{}, badRecord("split record of %d bytes", len(b))
	}
	return splitRec{le.Uint32(b), page.OffsetNumber(le.Uint16(b[4:])), page.OffsetNumber(le.Uint16(b[6:])), le.Uint16(b[8:])}, nil
}

func descSplit(dst, main []byte) []byte {
	r, err := decodeSplit(main)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "level %d, firstrightoff %d, newitemoff %d, postingoff %d", r.level, r.firstRight, r.newOff, r.postingOff)
}

// restorePage adds to the empty page n the tuples in data, which is the upper part
// of a page that got them in the order of their numbers: the last comes first.
func restorePage(n node, data []byte) error {
	var ends [maxItemsPerPage]tuple
	items := ends[:0]
	for len(data) > 0 {
		t, err := checkTuple(data)
		if err != nil {
			return err
		}
		if len(items) == len(ends) {
			return badRecord("more than %d tuples on a page", len(ends))
		}
		items = append(items, t)
		data = data[len(t):]
	}
	for i := len(items) - 1; i >= 0; i-- {
		if err := n.InsertItem(n.last()+1, items[i]); err != nil {
			return err
		}
	}
	return nil
}

// applySplitRight makes p the right half.
func applySplitRight(p page.Page, level uint32, left, next page.BlockNumber, data []byte) error {
	n := initNode(p)
	n.setPrev(left)
	n.setNext(next)
	n.setLevel(level)
	if level == 0 {
		n.setBits(flagLeaf)
	}
	return restorePage(n, data)
}

// applySplitLeft makes p, the page before the split, its left half. onLeft says
// that the new item goes left.
func applySplitLeft(p page.Page, r splitRec, onLeft bool, right page.BlockNumber, data []byte) error {
	n := node{p}
	var newItem, list tuple
	var err error
	if onLeft || r.postingOff != 0 {
		if newItem, err = checkTuple(data); err != nil {
			return err
		}
		data = data[len(newItem):]
	}
	if r.newOff < n.first() || r.newOff > n.last()+1 || r.firstRight < n.first() || r.firstRight > n.last()+1 {
		return badRecord("split at %d, %d of %d items", r.firstRight, r.newOff, n.last())
	}
	if r.postingOff != 0 {
		if r.newOff <= n.first() {
			return badRecord("posting list split before item %d", r.newOff)
		}
		newItem = slices.Clone(newItem)
		if list, err = swapPosting(newItem, n.at(r.newOff-1), int(r.postingOff)); err != nil {
			return err
		}
	}
	high, err := checkTuple(data)
	if err != nil || len(high) != len(data) {
		return badRecord("split: high key in %d bytes", len(data))
	}
	half, err := leftHalf(n, r, onLeft, newItem, list, high)
	if err != nil {
		return err
	}
	copy(p[page.HeaderSize:], half[page.HeaderSize:])
	p.SetLower(half.Lower())
	p.SetUpper(half.Upper())
	n.setBits(flagIncomplete)
	if r.level == 0 {
		n.addBits(flagLeaf)
	}
	n.setNext(right)
	n.setCycleID(0)
	return nil
}

// leftHalf builds the left half's items on a page of their own.
func leftHalf(n node, r splitRec, onLeft bool, newItem, list, high tuple) (page.Page, error) {
	half := node{make(page.Page, page.Size)}
	half.Init(opaqueSize)
	copy(half.sp(), n.sp())
	if err := half.InsertItem(hikey, high); err != nil {
		return nil, err
	}
	add := func(t tuple) error { return half.InsertItem(half.last()+1, t) }
	off := n.first()
	for ; off < r.firstRight; off++ {
		if onLeft && off == r.newOff {
			if err := add(newItem); err != nil {
				return nil, err
			}
		}
		t := n.at(off)
		if list != nil && off == r.newOff-1 {
			t = list
		}
		if err := add(t); err != nil {
			return nil, err
		}
	}
	if onLeft && off == r.newOff {
		if err := add(newItem); err != nil {
			return nil, err
		}
	}
	return half.Page, nil
}

// applySetPrev gives the page to the right of the new right half its left link.
func applySetPrev(p page.Page, left page.BlockNumber) { node{p}.setPrev(left) }

func (r redoer) split() error {
	rec, err := decodeSplit(r.d.Main)
	if err != nil {
		return err
	}
	b0, b1, b2 := r.d.Block(0), r.d.Block(1), r.d.Block(2)
	if b0 == nil || b1 == nil {
		return badRecord("split record without its pages")
	}
	next := noBlock
	if b2 != nil {
		next = b2.Tag.Block
	}
	if err := r.clearIncomplete(3); err != nil {
		return err
	}
	left, right := b0.Tag.Block, b1.Tag.Block
	if err := r.fresh(1, func(p page.Page, data []byte) error {
		return applySplitRight(p, rec.level, left, next, data)
	}); err != nil {
		return err
	}
	if err := r.page(0, func(p page.Page, data []byte) error {
		return applySplitLeft(p, rec, r.d.RmgrInfo() == infoSplitL, right, data)
	}); err != nil {
		return err
	}
	return r.page(2, func(p page.Page, _ []byte) error {
		applySetPrev(p, right)
		return nil
	})
}
