package nbtree

import (
	"fmt"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about XLOG_BTREE_MARK_PAGE_HALFDEAD, _UNLINK_PAGE(_META) and
// _REUSE_PAGE: the two stages of deleting an empty subtree, and its reuse.
//
// Stage one takes the subtree's downlink out of the parent (block 1) and makes the
// leaf (block 0) half-dead: searches that arrive by old downlinks move right.
// Stage two, page by page from the top of the subtree down to the leaf, takes the
// page (block 0) out of its level: block 1 is its left, block 2 its right
// neighbour, block 3 the half-dead leaf that remembers how far the deletion got,
// block 4 the meta page if the right neighbour becomes the fast root.

// halfDeadRec is xl_btree_mark_page_halfdead.
type halfDeadRec struct {
	parentOff         page.OffsetNumber
	leaf, left, right page.BlockNumber
	topParent         page.BlockNumber // InvalidBlock: the leaf itself is the top
}

func (r halfDeadRec) encode(b []byte) []byte {
	b = append(le.AppendUint16(b, uint16(r.parentOff)), 0, 0)
	for _, v := range [...]page.BlockNumber{r.leaf, r.left, r.right, r.topParent} {
		b = le.AppendUint32(b, uint32(v))
	}
	return b
}

func block(b []byte, off int) page.BlockNumber { return page.BlockNumber(le.Uint32(b[off:])) }

func decodeHalfDead(b []byte) (halfDeadRec, error) {
	if len(b) != 20 {
		return halfDeadRec{}, badRecord("half-dead record of %d bytes", len(b))
	}
	return halfDeadRec{page.OffsetNumber(le.Uint16(b)), block(b, 4), block(b, 8), block(b, 12), block(b, 16)}, nil
}

func descHalfDead(dst, main []byte) []byte {
	r, err := decodeHalfDead(main)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "topparent %d; leaf %d; left %d; right %d", r.topParent, r.leaf, r.left, r.right)
}

// applyRemoveDownlink gives the downlink at off the child of the next one, and
// takes the next one off: the key space of the deleted child goes to its right
// neighbour.
func applyRemoveDownlink(p page.Page, off page.OffsetNumber) error {
	n := node{p}
	if off < n.first() || off >= n.last() {
		return badRecord("downlink %d of %d", off, n.last())
	}
	n.at(off).setChild(n.at(off + 1).child())
	return p.DeleteItem(off + 1)
}

// applyHalfDead makes p the half-dead leaf between left and right.
func applyHalfDead(p page.Page, left, right, topParent page.BlockNumber) error {
	n := initNode(p)
	n.setPrev(left)
	n.setNext(right)
	n.setBits(flagHalfDead | flagLeaf)
	return n.InsertItem(hikey, minusInfinity(topParent))
}

func (r redoer) halfDead() error {
	rec, err := decodeHalfDead(r.d.Main)
	if err != nil {
		return err
	}
	if err := r.page(1, func(p page.Page, _ []byte) error { return applyRemoveDownlink(p, rec.parentOff) }); err != nil {
		return err
	}
	return r.fresh(0, func(p page.Page, _ []byte) error { return applyHalfDead(p, rec.left, rec.right, rec.topParent) })
}

// unlinkRec is xl_btree_unlink_page.
type unlinkRec struct {
	left, right                      page.BlockNumber
	level                            uint32
	safe                             xid.Full
	leafLeft, leafRight, leafTopNext page.BlockNumber // only if the page is not the leaf
}

func (r unlinkRec) encode(b []byte) []byte {
	b = le.AppendUint32(b, uint32(r.left))
	b = le.AppendUint32(b, uint32(r.right))
	b = le.AppendUint32(b, r.level)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(r.safe))
	b = le.AppendUint32(b, uint32(r.leafLeft))
	b = le.AppendUint32(b, uint32(r.leafRight))
	return le.AppendUint32(b, uint32(r.leafTopNext))
}

func decodeUnlink(b []byte) (unlinkRec, error) {
	if len(b) != 36 {
		return unlinkRec{}, badRecord("unlink record of %d bytes", len(b))
	}
	return unlinkRec{block(b, 0), block(b, 4), le.Uint32(b[8:]), xid.Full(le.Uint64(b[16:])), block(b, 24), block(b, 28), block(b, 32)}, nil
}

func descUnlink(dst, main []byte) []byte {
	r, err := decodeUnlink(main)
	if err != nil {
		return dst
	}
	dst = fmt.Appendf(dst, "left %d; right %d; level %d; safexid %d:%d; ", r.left, r.right, r.level, r.safe.Epoch(), r.safe.XID())
	return fmt.Appendf(dst, "leafleft %d; leafright %d; leaftopparent %d", r.leafLeft, r.leafRight, r.leafTopNext)
}

// applyUnlinked makes p a deleted page.
func applyUnlinked(p page.Page, r unlinkRec) {
	n := initNode(p)
	n.setPrev(r.left)
	n.setNext(r.right)
	n.setLevel(r.level)
	if r.level == 0 {
		n.setBits(flagLeaf)
	}
	n.setDeleted(r.safe)
}

// applySetNext gives the left neighbour its new right link.
func applySetNext(p page.Page, right page.BlockNumber) { node{p}.setNext(right) }

func (r redoer) unlink() error {
	rec, err := decodeUnlink(r.d.Main)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		id    uint8
		fresh bool
		apply func(p page.Page, data []byte) error
	}{
		{1, false, func(p page.Page, _ []byte) error { applySetNext(p, rec.right); return nil }},
		{0, true, func(p page.Page, _ []byte) error { applyUnlinked(p, rec); return nil }},
		{2, false, func(p page.Page, _ []byte) error { applySetPrev(p, rec.left); return nil }},
		{3, true, func(p page.Page, _ []byte) error {
			return applyHalfDead(p, rec.leafLeft, rec.leafRight, rec.leafTopNext)
		}},
		{4, true, applyMeta},
	} {
		do := r.page
		if step.fresh {
			do = r.fresh
		}
		if err := do(step.id, step.apply); err != nil {
			return err
		}
	}
	return nil
}

// reuseRec is xl_btree_reuse_page: a deleted page of rel is about to be reused.
type reuseRec struct {
	rel    page.RelFileNode
	block  page.BlockNumber
	latest xid.Full
}

func (r reuseRec) encode(b []byte) []byte {
	b = le.AppendUint32(b, uint32(r.rel.Spc))
	b = le.AppendUint32(b, uint32(r.rel.DB))
	b = le.AppendUint32(b, uint32(r.rel.Rel))
	b = le.AppendUint32(b, uint32(r.block))
	return le.AppendUint64(b, uint64(r.latest))
}

func descReuse(dst, b []byte) []byte {
	if len(b) != 24 {
		return dst
	}
	full := xid.Full(le.Uint64(b[16:]))
	return fmt.Appendf(dst, "rel %d/%d/%d; latestRemovedXid %d:%d",
		le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), full.Epoch(), full.XID())
}
