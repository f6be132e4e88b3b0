package nbtree

import (
	"slices"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// splitPage splits the page b so that t gets its place at newOff, and returns the
// new right half, locked like b. child is as in insertOnPage and is let go. With a
// posting list split, orig is the item as it was, list what its left neighbour
// becomes. On error b is released (_bt_split).
func (e *env) splitPage(b, child bufmgr.Buffer, newOff page.OffsetNumber, t, orig, list tuple, at int) (right bufmgr.Buffer, err error) {
	n := e.nodeOf(b)
	var sib bufmgr.Buffer
	defer func() {
		if child != 0 {
			e.drop(child)
		}
		if sib != 0 {
			e.drop(sib)
		}
		if err != nil {
			e.drop(b)
			if right != 0 {
				e.drop(right)
			}
		}
	}()
	firstRight, onLeft, err := e.findSplit(n, newOff, t)
	if err != nil {
		return 0, err
	}
	high, err := e.newHighKey(n, firstRight, newOff, onLeft, t, list)
	if err != nil {
		return 0, err
	}
	rec := splitRec{level: n.level(), firstRight: firstRight, newOff: newOff}
	if list != nil && newOff-1 < firstRight {
		rec.postingOff = uint16(at)
	}
	var left []byte
	switch {
	case rec.postingOff != 0:
		left = padded(nil, orig)
	case onLeft:
		left = padded(nil, t)
	}
	left = padded(left, high)
	rest := rightHalf(n, firstRight, newOff, onLeft, t, list)
	if right, err = e.newPage(); err != nil {
		return 0, err
	}
	rblk, next := e.blockOf(right), n.next()
	if next != noBlock {
		var sn node
		if sib, sn, err = e.get(next, write); err != nil {
			sib = 0
			return right, err
		}
		if sn.prev() != e.blockOf(b) {
			return right, e.corrupt("right sibling's left-link doesn't match: block %d links to %d instead of expected %d", next, sn.prev(), e.blockOf(b))
		}
	}
	cycle := e.cycleID()
	splitEnd := sib != 0 && e.nodeOf(sib).cycleID() != cycle
	if err = applySplitRight(e.pool.Page(right), rec.level, e.blockOf(b), next, rest); err == nil {
		err = applySplitLeft(n.Page, rec, onLeft, rblk, left)
	}
	if err != nil {
		return right, e.fatal(err)
	}
	n.setCycleID(cycle)
	rn := e.nodeOf(right)
	rn.setCycleID(cycle)
	if splitEnd {
		rn.addBits(flagSplitEnd)
	}
	if n.leaf() {
		e.idx.PageSplit(e.blockOf(b), rblk)
	}
	return right, e.logSplit(b, right, sib, child, rec, onLeft, left, rest)
}

// padded appends t and zeros to the next multiple of 8.
func padded(b []byte, t tuple) []byte {
	b = append(b, t...)
	return append(b, make([]byte, page.MaxAlign(len(t))-len(t))...)
}

// newHighKey is the high key of the left half.
func (e *env) newHighKey(n node, firstRight, newOff page.OffsetNumber, onLeft bool, t, list tuple) (tuple, error) {
	first := t
	if onLeft || newOff != firstRight {
		first = n.at(firstRight)
	}
	if !n.leaf() {
		return slices.Clone(first), nil
	}
	var last tuple
	switch {
	case onLeft && newOff == firstRight:
		last = t
	case firstRight <= n.first():
		return nil, e.corrupt("split before the first item")
	case list != nil && newOff-1 == firstRight-1:
		last = list
	default:
		last = n.at(firstRight - 1)
	}
	return e.truncate(last, first)
}

// rightHalf is the content of the new right page, the last item first. On internal
// pages the first data item becomes minus infinity.
func rightHalf(n node, firstRight, newOff page.OffsetNumber, onLeft bool, t, list tuple) []byte {
	var items []tuple
	if !n.rightmost() {
		items = append(items, n.at(hikey))
	}
	firstData := len(items)
	for off := firstRight; off <= n.last(); off++ {
		if !onLeft && off == newOff {
			items = append(items, t)
		}
		if list != nil && off == newOff-1 {
			items = append(items, list)
		} else {
			items = append(items, n.at(off))
		}
	}
	if !onLeft && newOff > n.last() {
		items = append(items, t)
	}
	if !n.leaf() {
		items[firstData] = minusInfinity(items[firstData].child())
	}
	out := make([]byte, 0, page.Size)
	for i := len(items) - 1; i >= 0; i-- {
		out = padded(out, items[i])
	}
	return out
}

// logSplit links the right neighbour, completes the child's split, logs.
func (e *env) logSplit(b, right, sib, child bufmgr.Buffer, rec splitRec, onLeft bool, left, rest []byte) error {
	e.pool.MarkDirty(b)
	e.pool.MarkDirty(right)
	info := uint8(infoSplitR)
	if onLeft {
		info = infoSplitL
	}
	e.begin(info)
	e.ref(0, b, xlog.Standard, left)
	e.ref(1, right, xlog.WillInit, rest)
	if sib != 0 {
		applySetPrev(e.pool.Page(sib), e.blockOf(right))
		e.pool.MarkDirty(sib)
		e.ref(2, sib, xlog.Standard)
	}
	if child != 0 {
		if err := applyClearIncomplete(e.pool.Page(child), nil); err != nil {
			return e.fatal(err)
		}
		e.pool.MarkDirty(child)
		e.ref(3, child, xlog.Standard)
	}
	return e.finish(rec.encode(nil), b, right, sib, child)
}

// insertParent adds the downlink of right, the new right half of left, to their
// parent, and lets both go (_bt_insert_parent).
func (e *env) insertParent(left, right bufmgr.Buffer, depth int, isRoot, isOnly bool) error {
	if isRoot {
		return e.newRoot(left, right)
	}
	ln := e.nodeOf(left)
	lblk, rblk := e.blockOf(left), e.blockOf(right)
	item := slices.Clone(ln.at(hikey))
	item.setChild(rblk)
	pb, off, err := e.findParent(lblk, ln.level(), depth)
	e.drop(right)
	if err != nil {
		e.drop(left)
		return err
	}
	if pb == 0 {
		e.drop(left)
		return e.corrupt("failed to re-find parent key for split pages %d/%d", lblk, rblk)
	}
	return e.insertOnPage(pb, left, max(depth-1, 0), item, off+1, 0, isOnly)
}

// findParent returns the parent page of child, which is on level, locked for
// writing, and the offset of child's downlink; 0 if there is none. The stack says
// where it was last seen: it can only have moved right. An empty stack means that
// child was the root when the descent began (_bt_getstackbuf).
func (e *env) findParent(child page.BlockNumber, level uint32, depth int) (bufmgr.Buffer, page.OffsetNumber, error) {
	var from step
	if depth > 0 {
		from = e.stack[depth-1]
	} else {
		b, _, err := e.endpoint(level+1, false, read)
		if err != nil || b == 0 {
			return 0, 0, err
		}
		from.blk = e.blockOf(b)
		e.drop(b)
	}
	blk, start := from.blk, from.off
	for {
		b, n, err := e.get(blk, write)
		if err != nil {
			return 0, 0, err
		}
		if n.is(flagIncomplete) {
			if err := e.finishSplit(b, max(depth-1, 0)); err != nil {
				return 0, 0, err
			}
			continue
		}
		if !n.ignore() {
			if off := findDownlink(n, child, start); off != 0 {
				if depth > 0 {
					e.stack[depth-1] = step{blk, off}
				}
				return b, off, nil
			}
		}
		if n.rightmost() {
			e.drop(b)
			return 0, 0, nil
		}
		blk, start = n.next(), 0
		e.drop(b)
	}
}

// findDownlink looks for child's downlink on n, from start on first: it mostly is
// there or to the right.
func findDownlink(n node, child page.BlockNumber, start page.OffsetNumber) page.OffsetNumber {
	first, last := n.first(), n.last()
	start = min(max(start, first), last+1)
	for off := start; off <= last; off++ {
		if n.at(off).child() == child {
			return off
		}
	}
	for off := start - 1; off >= first && off > 0; off-- {
		if n.at(off).child() == child {
			return off
		}
	}
	return 0
}

// finishSplit gives the right half of b, which a crash or an error left without
// downlink, its downlink, and lets b go (_bt_finish_split). depth is how much of
// e.stack leads to b's parent.
func (e *env) finishSplit(b bufmgr.Buffer, depth int) error {
	n := e.nodeOf(b)
	right, rn, err := e.get(n.next(), write)
	if err != nil {
		e.drop(b)
		return err
	}
	wasRoot := false
	if depth == 0 {
		mb, m, err := e.getMeta(write)
		if err != nil {
			e.drop(right)
			e.drop(b)
			return err
		}
		wasRoot = m.root == e.blockOf(b)
		e.drop(mb)
	}
	return e.insertParent(b, right, depth, wasRoot, n.leftmost() && rn.rightmost())
}

// newRoot puts a root above left, the old one, and right, and lets them go
// (_bt_newroot).
func (e *env) newRoot(left, right bufmgr.Buffer) error {
	defer e.drop(left)
	defer e.drop(right)
	ln := e.nodeOf(left)
	rb, err := e.newPage()
	if err != nil {
		return err
	}
	defer e.drop(rb)
	mb, m, err := e.getMeta(write)
	if err != nil {
		return err
	}
	defer e.drop(mb)
	item := slices.Clone(ln.at(hikey))
	item.setChild(e.blockOf(right))
	data := padded(padded(nil, item), minusInfinity(e.blockOf(left)))
	rec := newRootRec{e.blockOf(rb), ln.level() + 1}
	if err := applyNewRoot(e.pool.Page(rb), rec.level, data); err != nil {
		return e.fatal(err)
	}
	e.pool.MarkDirty(rb)
	if err := applyClearIncomplete(ln.Page, nil); err != nil {
		return e.fatal(err)
	}
	e.pool.MarkDirty(left)
	m.root, m.level, m.fastRoot, m.fastLevel = rec.root, rec.level, rec.root, rec.level
	e.begin(infoNewRoot)
	e.ref(0, rb, xlog.WillInit, data)
	e.ref(1, left, xlog.Standard)
	if err := e.changeMeta(2, mb, m); err != nil {
		return err
	}
	return e.finish(rec.encode(nil), rb, left, mb)
}

// makeRoot gives an empty index its first leaf and returns it locked for reading;
// 0 if another session was faster.
func (e *env) makeRoot() (bufmgr.Buffer, node, error) {
	mb, m, err := e.getMeta(write)
	if err != nil {
		return 0, node{}, err
	}
	defer e.drop(mb)
	if m.root != noBlock {
		return 0, node{}, nil
	}
	rb, err := e.newPage()
	if err != nil {
		return 0, node{}, err
	}
	rec := newRootRec{e.blockOf(rb), 0}
	m.root, m.level, m.fastRoot, m.fastLevel, m.delPages = rec.root, 0, rec.root, 0, 0
	err = applyNewRoot(e.pool.Page(rb), 0, nil)
	if err == nil {
		e.pool.MarkDirty(rb)
		e.begin(infoNewRoot)
		e.ref(0, rb, xlog.WillInit)
		err = e.changeMeta(2, mb, m)
	}
	if err == nil {
		err = e.finish(rec.encode(nil), rb, mb)
	}
	if err != nil {
		e.drop(rb)
		return 0, node{}, err
	}
	e.pool.Unlock(rb) // nobody can split it meanwhile: its only way in is the meta page
	e.pool.Lock(rb, read)
	return rb, e.nodeOf(rb), nil
}
