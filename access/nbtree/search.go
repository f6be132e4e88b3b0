package nbtree

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/page"
)

// searchKey is what a descent looks for (PostgreSQL: BTScanInsert).
type searchKey struct {
	n    int // columns in use
	vals [maxCols]datum.Datum
	cmps [maxCols]access.CompareFunc // nil: the index's
	// next looks for the first item > key instead of the first >= key.
	next bool
	// pivot says that a pivot tuple whose columns all equal the key is a match
	// even where it was truncated: page deletion and backward scans look for those.
	pivot bool
	// tid breaks ties, if hasTID.
	tid    page.TID
	hasTID bool
}

// options of an index column.
const (
	optDesc       = 1
	optNullsFirst = 2
)

// compareCol orders a key's value and a tuple's value of column i as the index
// does.
func (e *env) compareCol(i int, key, val *datum.Datum, cmp access.CompareFunc) int {
	opt := int16(0)
	if i < len(e.idx.Index.Options) {
		opt = e.idx.Index.Options[i]
	}
	switch {
	case key.Null && val.Null:
		return 0
	case key.Null == (opt&optNullsFirst != 0) && key.Null != val.Null:
		return -1 // the key is NULL and NULLs come first, or the value is and they come last
	case key.Null || val.Null:
		return 1
	}
	if cmp == nil {
		cmp = e.idx.Index.Compare[i]
	}
	c := cmp(*val, *key)
	if opt&optDesc != 0 {
		return c
	}
	return -c
}

// deform reads the first n columns of t into dst.
func (e *env) deform(t tuple, n int, dst []datum.Datum) {
	if err := access.DeformIndex(e.idx.Desc, access.IndexTuple(t), n, dst); err != nil {
		e.fail(err)
		for i := range n {
			dst[i] = datum.Null()
		}
	}
}

// compare orders k and item off of n: below, at or above 0 as k is below, equal to
// or above the item (_bt_compare). The first item of an internal page is minus
// infinity. A posting list equals every TID between its first and last.
func (e *env) compare(k *searchKey, n node, off page.OffsetNumber) int {
	if !n.leaf() && off == n.first() {
		return 1
	}
	return e.compareTuple(k, n.at(off))
}

func (e *env) compareTuple(k *searchKey, t tuple) int {
	natts := t.natts(e.natts)
	cmps := min(natts, k.n)
	done := 0
	for i := 0; i < cmps; i++ {
		if i >= done { // the first column alone: it mostly decides
			done = cmps
			if i == 0 {
				done = 1
			}
			e.deform(t, done, e.cols[:])
		}
		if c := e.compareCol(i, &k.vals[i], &e.cols[i], k.cmps[i]); c != 0 {
			return c
		}
	}
	if k.n > natts {
		return 1 // truncated columns are minus infinity
	}
	tid, ok := t.heapTID()
	if !k.hasTID {
		if !k.pivot && k.n == natts && !ok {
			return 1
		}
		return 0
	}
	if !ok {
		return 1
	}
	c := k.tid.Compare(tid)
	if c > 0 && t.posting() && k.tid.Compare(t.maxTID()) <= 0 {
		return 0
	}
	return c
}

// binarySearch finds, on a leaf, the first item >= k, or > k if k.next; on an
// internal page, the last item < k, or <= k: the child to descend to (_bt_binsrch).
func (e *env) binarySearch(k *searchKey, n node) page.OffsetNumber {
	low, high := n.first(), n.last()
	if high < low {
		return low
	}
	high++
	limit := 1
	if k.next {
		limit = 0
	}
	for low < high {
		mid := low + (high-low)/2
		if e.compare(k, n, mid) >= limit {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if n.leaf() {
		return low
	}
	return max(low-1, n.first())
}

// getRoot returns the fast root locked. Without one it returns 0, or, for a
// writer, makes it.
func (e *env) getRoot(mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	for {
		mb, m, err := e.getMeta(read)
		if err != nil {
			return 0, node{}, err
		}
		e.drop(mb)
		if m.root == noBlock {
			if mode == read {
				return 0, node{}, nil
			}
			b, n, err := e.makeRoot()
			if err != nil || b != 0 {
				return b, n, err
			}
			continue
		}
		b, n, err := e.get(m.fastRoot, read)
		for err == nil && n.ignore() {
			if n.rightmost() {
				e.drop(b)
				return 0, node{}, e.corrupt("no live root page found")
			}
			b, n, err = e.step(b, n.next(), read)
		}
		if err == nil && n.level() != m.fastLevel {
			e.drop(b) // deleted and reused since the meta page was read
			continue
		}
		return b, n, err
	}
}

// step releases b and gets blk.
func (e *env) step(b bufmgr.Buffer, blk page.BlockNumber, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	e.drop(b)
	return e.get(blk, mode)
}

// search descends to the leaf where k belongs and returns it locked in mode; 0 if
// the index is empty and mode is read. e.stack remembers the way. A writer
// completes the splits that it meets unfinished.
func (e *env) search(k *searchKey, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	e.stack = e.stack[:0]
	b, n, err := e.getRoot(mode)
	if err != nil || b == 0 {
		return 0, node{}, err
	}
	have := read
	for {
		if b, n, err = e.moveRight(k, b, mode == write, have); err != nil {
			return 0, node{}, err
		}
		if n.leaf() {
			break
		}
		off := e.binarySearch(k, n)
		if e.err != nil || off > n.last() {
			e.drop(b)
			return 0, node{}, e.searchError()
		}
		child := n.at(off).child()
		e.stack = append(e.stack, step{e.blockOf(b), off})
		if len(e.stack) > 64 {
			e.drop(b)
			return 0, node{}, e.corrupt("more than 64 levels")
		}
		if n.level() == 1 && mode == write {
			have = write
		}
		if b, n, err = e.step(b, child, have); err != nil {
			return 0, node{}, err
		}
	}
	if mode == write && have == read { // the root is the leaf: lock again, for writing
		e.pool.Unlock(b)
		e.pool.Lock(b, write)
		if b, n, err = e.moveRight(k, b, true, write); err != nil {
			return 0, node{}, err
		}
	}
	if e.err != nil {
		e.drop(b)
		return 0, node{}, e.searchError()
	}
	return b, n, nil
}

func (e *env) searchError() error {
	if e.err != nil {
		return e.err
	}
	return e.corrupt("internal page without items")
}

// moveRight goes from b to the page on its level whose key range holds k: b may
// have split since its downlink was read, or be deleted (_bt_moveright).
func (e *env) moveRight(k *searchKey, b bufmgr.Buffer, forWrite bool, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	limit := 1
	if k.next {
		limit = 0
	}
	n := e.nodeOf(b)
	for !n.rightmost() {
		if forWrite && n.is(flagIncomplete) {
			blk := e.blockOf(b)
			if mode == read {
				e.pool.Unlock(b)
				e.pool.Lock(b, write)
				n = e.nodeOf(b)
			}
			var err error
			if n.is(flagIncomplete) {
				err = e.finishSplit(b, len(e.stack))
			} else {
				e.drop(b)
			}
			if err == nil {
				b, n, err = e.get(blk, mode)
			}
			if err != nil {
				return 0, node{}, err
			}
			continue
		}
		if !n.ignore() && (n.last() < hikey || e.compare2High(k, n) < limit) {
			return b, n, nil
		}
		var err error
		if b, n, err = e.step(b, n.next(), mode); err != nil {
			return 0, node{}, err
		}
	}
	if n.ignore() {
		e.drop(b)
		return 0, node{}, e.corrupt("fell off the end")
	}
	return b, n, nil
}

// compare2High orders k and the high key of n.
func (e *env) compare2High(k *searchKey, n node) int { return e.compareTuple(k, n.at(hikey)) }

// endpoint returns the leftmost or rightmost page of a level, locked, or 0 if the
// index is empty. The leaf level starts at the fast root, others at the root.
func (e *env) endpoint(level uint32, rightmost bool, mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	var b bufmgr.Buffer
	var n node
	var err error
	if level == 0 {
		b, n, err = e.getRoot(mode)
	} else {
		b, n, err = e.trueRoot(mode)
	}
	if err != nil || b == 0 {
		return 0, node{}, err
	}
	if mode == write { // getRoot locks for reading
		blk := e.blockOf(b)
		if b, n, err = e.step(b, blk, mode); err != nil {
			return 0, node{}, err
		}
	}
	for {
		for n.ignore() || rightmost && !n.rightmost() {
			if n.rightmost() {
				e.drop(b)
				return 0, node{}, e.corrupt("fell off the end")
			}
			if b, n, err = e.step(b, n.next(), mode); err != nil {
				return 0, node{}, err
			}
		}
		if n.level() == level {
			return b, n, nil
		}
		off := n.first()
		if rightmost {
			off = n.last()
		}
		if n.level() < level || off > n.last() {
			e.drop(b)
			return 0, node{}, e.corrupt("btree level %d not found", level)
		}
		if b, n, err = e.step(b, n.at(off).child(), mode); err != nil {
			return 0, node{}, err
		}
	}
}

// trueRoot returns the root page (not the fast root), locked in mode, or 0.
func (e *env) trueRoot(mode bufmgr.LockMode) (bufmgr.Buffer, node, error) {
	for {
		mb, m, err := e.getMeta(read)
		if err != nil {
			return 0, node{}, err
		}
		e.drop(mb)
		if m.root == noBlock {
			return 0, node{}, nil
		}
		b, n, err := e.get(m.root, mode)
		for err == nil && n.ignore() {
			if n.rightmost() {
				e.drop(b)
				return 0, node{}, e.corrupt("no live root page found")
			}
			b, n, err = e.step(b, n.next(), mode)
		}
		if err == nil && n.level() != m.level {
			e.drop(b)
			continue
		}
		return b, n, err
	}
}

// keyOf fills k from the leaf or pivot tuple t: all its key columns and its TID
// (_bt_mkscankey). Columns that t lacks stay out. It reports whether one is NULL.
func (e *env) keyOf(k *searchKey, t tuple) (nulls bool) {
	*k = searchKey{n: min(t.natts(e.nkeys), e.nkeys)}
	e.deform(t, k.n, k.vals[:])
	for i := range k.n {
		nulls = nulls || k.vals[i].Null
	}
	k.tid, k.hasTID = t.heapTID()
	return nulls
}
