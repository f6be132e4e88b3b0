package nbtree

import (
	"slices"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// deletePage deletes the empty leaf b, locked for writing, with the ancestors that
// have no other child, and then its right sibling if that is empty and was to be
// deleted first. It lets b go. If the deletion is not possible now nothing happens:
// the next vacuum tries again (_bt_pagedel).
func (v *vacuum) deletePage(b bufmgr.Buffer, start page.BlockNumber) error {
	e := v.e
	for {
		ok, err := v.stageOne(b)
		if err != nil || !ok {
			e.drop(b)
			return err
		}
		rightEmpty := false
		for e.nodeOf(b).is(flagHalfDead) {
			if rightEmpty, ok, err = v.stageTwo(b, start); err != nil || !ok {
				return err // b is released
			}
		}
		next := e.nodeOf(b).next()
		e.drop(b)
		if !rightEmpty {
			return nil
		}
		if b, _, err = e.get(next, write); err != nil {
			return err
		}
	}
}

// stageOne makes the empty leaf b half-dead, unless it is; false if it must stay.
func (v *vacuum) stageOne(b bufmgr.Buffer) (bool, error) {
	e := v.e
	haveStack := false
	for {
		n := e.nodeOf(b)
		if !n.leaf() || n.rightmost() || n.is(flagRoot|flagDeleted|flagIncomplete) || n.first() <= n.last() {
			return false, nil
		}
		if n.is(flagHalfDead) {
			return true, nil
		}
		if haveStack {
			return v.markHalfDead(b)
		}
		high, blk, left := slices.Clone(n.at(hikey)), e.blockOf(b), n.prev()
		// The descent locks pages above and to the left: not while b is locked.
		e.pool.Unlock(b)
		split, err := v.descend(high, blk, left)
		e.pool.Lock(b, write)
		if err != nil || split {
			return false, err
		}
		haveStack = true
	}
}

// descend fills e.stack with the way to the page with the given high key; true if
// the page is the right half of an unfinished split.
func (v *vacuum) descend(high tuple, blk, left page.BlockNumber) (split bool, err error) {
	e := v.e
	if left != noBlock {
		if split, err := e.splitPending(left, blk); err != nil || split {
			return split, err
		}
	}
	var k searchKey
	e.keyOf(&k, high)
	k.pivot = true
	leaf, _, err := e.search(&k, read)
	if err == nil && leaf != 0 {
		e.drop(leaf)
	}
	return false, err
}

// splitPending reports whether left is an unfinished split's left half and right
// its right half: then right has no downlink yet.
func (e *env) splitPending(left, right page.BlockNumber) (bool, error) {
	b, n, err := e.get(left, read)
	if err != nil {
		return false, err
	}
	defer e.drop(b)
	return n.next() == right && n.is(flagIncomplete), nil
}

// markHalfDead is the first stage of deleting a subtree (_bt_mark_page_halfdead).
func (v *vacuum) markHalfDead(b bufmgr.Buffer) (bool, error) {
	e := v.e
	n := e.nodeOf(b)
	leaf, left, right := e.blockOf(b), n.prev(), n.next()
	rb, rn, err := e.get(right, read)
	if err != nil {
		return false, err
	}
	half := rn.is(flagHalfDead)
	e.drop(rb)
	if half { // its downlink is gone: ours could not be given to it
		return false, nil
	}
	top, topRight := leaf, right
	pb, off, err := v.subtreeParent(leaf, len(e.stack), &top, &topRight)
	if err != nil || pb == 0 {
		return false, err
	}
	defer e.drop(pb)
	pn := e.nodeOf(pb)
	if pn.at(off).child() != top || pn.at(off+1).child() != topRight {
		return false, e.corrupt("right sibling %d of block %d is not next child of block %d", topRight, top, e.blockOf(pb))
	}
	rec := halfDeadRec{parentOff: off, leaf: leaf, left: left, right: right, topParent: page.InvalidBlock}
	if top != leaf {
		rec.topParent = top
	}
	e.idx.PageSplit(leaf, right) // the right sibling takes over the range of keys
	if err := applyRemoveDownlink(pn.Page, off); err != nil {
		return false, err
	}
	e.pool.MarkDirty(pb)
	at := n.LSN()
	if err := applyHalfDead(n.Page, left, right, rec.topParent); err != nil {
		return false, e.fatal(err) // the parent is changed
	}
	n.SetLSN(at)
	e.pool.MarkDirty(b)
	e.begin(infoHalfDead)
	e.ref(0, b, xlog.WillInit)
	e.ref(1, pb, xlog.Standard)
	return true, e.finish(rec.encode(nil), pb, b)
}

// subtreeParent climbs from child, whose parent depth steps of e.stack lead to,
// over ancestors that have no other child, to one that keeps others: it returns
// that page, locked for writing, and the offset of the downlink that must go. top
// is the page that this points to, topRight its right sibling. 0 if the subtree
// cannot be deleted: it is its parent's last child, or the end of its level, or
// beside an unfinished split (_bt_lock_subtree_parent).
func (v *vacuum) subtreeParent(child page.BlockNumber, depth int, top, topRight *page.BlockNumber) (bufmgr.Buffer, page.OffsetNumber, error) {
	e := v.e
	level := uint32(0)
	for {
		pb, off, err := e.findParent(child, level, depth)
		if err != nil || pb == 0 {
			return 0, 0, err
		}
		n := e.nodeOf(pb)
		if off < n.last() {
			return pb, off, nil
		}
		blk, left := e.blockOf(pb), n.prev()
		deletable := off == n.first() && !n.rightmost() && !n.is(flagIncomplete|flagRoot)
		if deletable {
			*top, *topRight = blk, n.next()
		}
		e.drop(pb)
		if !deletable {
			return 0, 0, nil
		}
		if left != noBlock {
			if split, err := e.splitPending(left, blk); err != nil || split {
				return 0, 0, err
			}
		}
		child, level, depth = blk, level+1, max(depth-1, 0)
	}
}

// unlinking is the second stage for one page under way.
type unlinking struct {
	leaf, target, left, right, meta bufmgr.Buffer // target may be leaf
	rec                             unlinkRec
	m                               meta
}

// stageTwo takes the topmost remaining page of b's half-dead subtree out of its
// level. b, locked for writing, stays so, unless the answer is false or an error:
// then it is released (_bt_unlink_halfdead_page).
func (v *vacuum) stageTwo(b bufmgr.Buffer, start page.BlockNumber) (rightEmpty, ok bool, err error) {
	e := v.e
	u := unlinking{leaf: b}
	n := e.nodeOf(b)
	top := n.at(hikey).child()
	u.rec.leafLeft, u.rec.leafRight = n.prev(), n.next()
	e.pool.Unlock(b)
	if ok, err = v.lockForUnlink(&u, top); err != nil || !ok {
		return false, false, err
	}
	rn := e.nodeOf(u.right)
	rightEmpty = rn.first() > rn.last()
	if err = v.unlink(&u); err != nil {
		u.release(e, true)
		return false, false, err
	}
	blk := e.blockOf(u.target)
	v.stats.NewlyDeleted++
	if blk <= start {
		v.stats.Deleted++
	}
	if len(v.pending) < maxPending {
		v.pending = append(v.pending, pendingPage{blk, u.rec.safe})
	}
	u.release(e, false)
	return rightEmpty, true, nil
}

// release lets the pages go; the leaf too if all.
func (u *unlinking) release(e *env, all bool) {
	for _, b := range [...]bufmgr.Buffer{u.meta, u.left, u.right} {
		if b != 0 {
			e.drop(b)
		}
	}
	if u.target != 0 && u.target != u.leaf {
		e.drop(u.target)
	}
	if all {
		e.drop(u.leaf)
	}
}

// lockForUnlink locks, in the order in which all do, up from the leaf and left to
// right: leaf, left sibling, target, right sibling, meta page. On false or error
// everything is released.
func (v *vacuum) lockForUnlink(u *unlinking, top page.BlockNumber) (bool, error) {
	e := v.e
	leafBlk := e.blockOf(u.leaf)
	target := leafBlk
	if top != page.InvalidBlock {
		target = top
		tb, tn, err := e.get(target, read)
		if err != nil {
			e.pool.Release(u.leaf)
			return false, err
		}
		u.rec.left = tn.prev()
		e.pool.Unlock(tb)
		e.pool.Lock(u.leaf, write)
		u.target = tb
	} else {
		u.rec.left = u.rec.leafLeft
	}
	abandon := func(err error) (bool, error) { // target is pinned, not locked
		if u.target != 0 {
			e.pool.Release(u.target)
			e.drop(u.leaf)
		} else {
			e.pool.Release(u.leaf)
		}
		if u.left != 0 {
			e.drop(u.left)
		}
		return false, err
	}
	for u.rec.left != noBlock {
		lb, ln, err := e.get(u.rec.left, write)
		if err != nil {
			return abandon(err)
		}
		if !ln.is(flagDeleted) && ln.next() == target {
			u.left = lb
			break
		}
		u.rec.left = ln.next()
		e.drop(lb)
		if u.rec.left == noBlock {
			return abandon(e.corrupt("no left sibling of block %d", target))
		}
	}
	if u.target == 0 {
		u.target = u.leaf
	}
	e.pool.Lock(u.target, write)
	err := v.checkTarget(u, target, leafBlk)
	if err == nil {
		err = v.lockRight(u, target)
	}
	if err != nil {
		u.release(e, true)
		return false, err
	}
	return true, nil
}

// checkTarget verifies that the locked target can go, and fills the record.
func (v *vacuum) checkTarget(u *unlinking, target, leafBlk page.BlockNumber) error {
	e := v.e
	n := e.nodeOf(u.target)
	if n.rightmost() || n.is(flagDeleted) || n.prev() != u.rec.left {
		return e.corrupt("target page %d of a deletion changed", target)
	}
	u.rec.right, u.rec.level, u.rec.leafTopNext = n.next(), n.level(), page.InvalidBlock
	if u.target == u.leaf {
		if n.first() <= n.last() || !n.leaf() || !n.is(flagHalfDead) {
			return e.corrupt("half-dead page %d changed", target)
		}
		return nil
	}
	if n.first() != n.last() || n.leaf() {
		return e.corrupt("target page %d of a deletion changed", target)
	}
	if next := n.at(n.first()).child(); next != leafBlk {
		u.rec.leafTopNext = next
	}
	return nil
}

// lockRight locks the right sibling, and the meta page if that becomes the fast
// root: it is then alone on its level.
func (v *vacuum) lockRight(u *unlinking, target page.BlockNumber) error {
	e := v.e
	rb, rn, err := e.get(u.rec.right, write)
	if err != nil {
		return err
	}
	u.right = rb
	if rn.prev() != target {
		return e.corrupt("right sibling's left-link doesn't match: block %d links to %d instead of expected %d", u.rec.right, rn.prev(), target)
	}
	if u.rec.left == noBlock && rn.rightmost() && rn.level() == u.rec.level {
		if u.meta, u.m, err = e.getMeta(write); err != nil {
			u.meta = 0
			return err
		}
		if u.m.fastLevel > u.rec.level+1 { // the fast root is higher still
			e.drop(u.meta)
			u.meta = 0
		}
	}
	u.rec.safe = e.txs.nextXID()
	return nil
}

// unlink changes and logs the locked pages.
func (v *vacuum) unlink(u *unlinking) error {
	e := v.e
	info := uint8(infoUnlink)
	if u.meta != 0 {
		info = infoUnlinkMeta
	}
	e.begin(info)
	target := e.pool.Page(u.target)
	at := target.LSN()
	applyUnlinked(target, u.rec)
	target.SetLSN(at)
	e.pool.MarkDirty(u.target)
	e.ref(0, u.target, xlog.WillInit)
	if u.left != 0 {
		applySetNext(e.pool.Page(u.left), u.rec.right)
		e.pool.MarkDirty(u.left)
		e.ref(1, u.left, xlog.Standard)
	}
	applySetPrev(e.pool.Page(u.right), u.rec.left)
	e.pool.MarkDirty(u.right)
	e.ref(2, u.right, xlog.Standard)
	stamped := [...]bufmgr.Buffer{u.target, u.left, u.right, u.meta, 0}
	if u.target != u.leaf {
		p := e.pool.Page(u.leaf)
		at := p.LSN()
		if err := applyHalfDead(p, u.rec.leafLeft, u.rec.leafRight, u.rec.leafTopNext); err != nil {
			return e.fatal(err)
		}
		p.SetLSN(at)
		e.pool.MarkDirty(u.leaf)
		e.ref(3, u.leaf, xlog.WillInit)
		stamped[4] = u.leaf
	}
	if u.meta != 0 {
		u.m.fastRoot, u.m.fastLevel = u.rec.right, u.rec.level
		if err := e.changeMeta(4, u.meta, u.m); err != nil {
			return err
		}
	}
	return e.finish(u.rec.encode(nil), stamped[:]...)
}
