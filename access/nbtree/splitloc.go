package nbtree

import (
	"math"
	"slices"

	"github.com/pgmini/pgmini/page"
)

// splitPoint is a place where a page could split: before the old page's item
// firstRight, the new item going left or right.
type splitPoint struct {
	delta      int // distance from the wanted balance
	leftFree   int
	rightFree  int
	firstRight page.OffsetNumber
	newLeft    bool
}

// splitStrategy is how splitFinder chooses among the legal points.
type splitStrategy uint8

const (
	splitDefault splitStrategy = iota
	splitManyDuplicates
	splitSingleValue
)

// splitFinder looks for the point where a page that has no room for newItem is
// best split: balanced, or filled to the fill factor on the left if the page is
// its level's last; among the nearly best, where the fewest columns make a high
// key, never inside a group of duplicates if that can be avoided.
type splitFinder struct {
	e         *env
	n         node
	newItem   tuple
	newSize   int // with line pointer
	newOff    page.OffsetNumber
	leaf      bool
	rightmost bool
	room      int // left half
	roomRight int
	oldTotal  int // bytes of old data items
	minFirst  int // least size of a possible first right item
	points    []splitPoint
	interval  int // how many points are good enough
}

const itemOverhead = page.ItemIDSize

func itemSpace(t tuple) int { return page.MaxAlign(len(t)) + itemOverhead }

// findSplit returns the first old item to go right and whether the new one goes
// left (_bt_findsplitloc). newItem belongs at newOff.
func (e *env) findSplit(n node, newOff page.OffsetNumber, newItem tuple) (page.OffsetNumber, bool, error) {
	f := splitFinder{e: e, n: n, newItem: newItem, newSize: itemSpace(newItem), newOff: newOff,
		leaf: n.leaf(), rightmost: n.rightmost(), room: pageRoom, roomRight: pageRoom, minFirst: math.MaxInt}
	if !f.rightmost {
		f.roomRight -= itemSpace(n.at(hikey))
	}
	f.oldTotal = f.roomRight - n.ExactFreeSpace()
	f.record()
	if len(f.points) == 0 {
		return 0, false, e.corrupt("could not find a feasible split point")
	}
	fill, weigh, exact := f.balance()
	if exact != nil {
		return exact.firstRight, true, nil
	}
	leftmost, rightmost := f.points[0], f.points[len(f.points)-1]
	f.sortByDelta(fill, weigh)
	f.interval = f.defaultInterval()
	perfect, strategy := f.strategy(leftmost, rightmost)
	switch strategy {
	case splitManyDuplicates:
		f.interval = len(f.points)
	case splitSingleValue:
		f.sortByDelta(singleValueFill/100.0, true)
		f.interval = 1
	}
	p := f.best(perfect, strategy)
	return p.firstRight, p.newLeft, e.err
}

// record lists the legal points, from left to right.
func (f *splitFinder) record() {
	before, last := 0, f.n.last()
	for off := f.n.first(); off <= last; off++ {
		size := itemSpace(f.n.at(off))
		switch {
		case off < f.newOff:
			f.add(off, false, before, size)
		case off > f.newOff:
			f.add(off, true, before, size)
		default:
			f.add(off, false, before, f.newSize)
			f.add(off, true, before, size)
		}
		before += size
	}
	if f.newOff > last {
		f.add(f.newOff, false, before, 0)
	}
}

// add lists one point if both halves fit. before is the size of the old items that
// stay left, size that of the old item firstRight.
func (f *splitFinder) add(firstRight page.OffsetNumber, newLeft bool, before, size int) {
	posting := 0
	if firstRight == f.newOff && !newLeft {
		size = f.newSize
	} else if f.leaf && size > 64 {
		if t := f.n.at(firstRight); t.posting() {
			posting = t.size() - t.keySize() // the high key leaves it out
		}
	}
	left := f.room - before
	right := f.roomRight - (f.oldTotal - before)
	if f.leaf { // the high key may need a heap TID
		left -= size + page.MaxAlign(page.TIDSize) - posting
	} else {
		left -= size
		right += size - (page.MaxAlign(tupHeader) + itemOverhead) // becomes minus infinity
	}
	if newLeft {
		left -= f.newSize
	} else {
		right -= f.newSize
	}
	if left >= 0 && right >= 0 {
		f.minFirst = min(f.minFirst, size)
		f.points = append(f.points, splitPoint{0, left, right, firstRight, newLeft})
	}
}

// balance decides how full the left half should become; or exactly where to split.
func (f *splitFinder) balance() (fill float64, weigh bool, exact *splitPoint) {
	leafFill := float64(f.e.fillFactor()) / 100
	switch {
	case !f.leaf:
		return nonleafFill / 100.0, f.rightmost, nil
	case f.rightmost:
		return leafFill, true, nil
	}
	after, weigh := f.afterNewItem(leafFill)
	if !after {
		return 0.5, false, nil
	}
	if weigh {
		return leafFill, true, nil
	}
	for i := range f.points {
		if p := &f.points[i]; p.newLeft && p.firstRight == f.newOff {
			return 0, false, p
		}
	}
	return 0.5, false, nil
}

// fillFactor of leaf pages.
func (e *env) fillFactor() int {
	if e.idx.FillFactor != 0 {
		return e.idx.FillFactor
	}
	return defaultFill
}

// afterNewItem sees ascending insertions into one group of a multi-column index
// with narrow fixed-width keys, away from the right edge: splitting right after the
// new item packs such groups. weigh says to use the fill factor instead.
func (f *splitFinder) afterNewItem(leafFill float64) (after, weigh bool) {
	e, last := f.e, f.n.last()
	if e.nkeys == 1 || f.newOff == firstAfterHikey || f.newSize != f.minFirst ||
		f.newSize*int(last-1) != f.oldTotal || f.newSize > page.MaxAlign(tupHeader+16)+itemOverhead {
		return false, false
	}
	grouped := func(t tuple) bool {
		keep := e.keepNattsFast(t, f.newItem)
		return keep > 1 && keep <= e.nkeys
	}
	if f.newOff > last {
		ok := grouped(f.n.at(last))
		return ok, ok
	}
	t := f.n.at(f.newOff - 1)
	if t.posting() || !adjacentTIDs(t.tid(), f.newItem.tid()) || !grouped(t) {
		return false, false
	}
	return true, float64(f.newOff)/float64(last+1) > leafFill
}

// adjacentTIDs reports whether high was probably inserted right after low.
func adjacentTIDs(low, high page.TID) bool {
	return low.Block == high.Block || low.Block+1 == high.Block && high.Off == 1
}

// sortByDelta orders the points by their distance from the wanted balance.
func (f *splitFinder) sortByDelta(fill float64, weigh bool) {
	for i := range f.points {
		p := &f.points[i]
		p.delta = p.leftFree - p.rightFree
		if weigh {
			p.delta = int(fill*float64(p.leftFree) - (1-fill)*float64(p.rightFree))
		}
		p.delta = max(p.delta, -p.delta)
	}
	slices.SortStableFunc(f.points, func(a, b splitPoint) int { return a.delta - b.delta })
}

// defaultInterval is how many of the best points are balanced nearly as well as
// the best one.
func (f *splitFinder) defaultInterval() int {
	share := 0.050
	if !f.leaf {
		share = 0.075
	}
	slack := int(float64(f.oldTotal) * share)
	best := f.points[0]
	near := func(a, b int) bool { return a >= b-slack && a <= b+slack }
	for i, p := range f.points {
		if !near(p.leftFree, best.leftFree) || !near(p.rightFree, best.rightFree) {
			return i
		}
	}
	return len(f.points)
}

// strategy returns the penalty at which no better point can be found, and how to
// choose, given the first and last legal points.
func (f *splitFinder) strategy(leftmost, rightmost splitPoint) (perfect int, s splitStrategy) {
	if !f.leaf {
		return f.minFirst, splitDefault
	}
	e := f.e
	lo, hi := f.edges()
	if perfect = e.keepNattsFast(f.lastLeft(lo), f.firstRight(hi)); perfect <= e.nkeys {
		return perfect, splitDefault
	}
	if perfect = e.keepNattsFast(f.lastLeft(leftmost), f.firstRight(rightmost)); perfect <= e.nkeys {
		return e.nkeys, splitManyDuplicates
	}
	if f.rightmost {
		return perfect, splitSingleValue
	}
	// The page is full of one value. Filling it up pays only on the last page of
	// that value: TIDs grow there.
	if perfect = e.keepNattsFast(f.n.at(hikey), f.newItem); perfect <= e.nkeys {
		return perfect, splitSingleValue
	}
	return perfect, splitDefault
}

// edges are the leftmost and rightmost points of the interval.
func (f *splitFinder) edges() (lo, hi splitPoint) {
	before := func(a, b splitPoint) bool {
		return a.firstRight < b.firstRight || a.firstRight == b.firstRight && !a.newLeft && b.newLeft
	}
	lo, hi = f.points[0], f.points[0]
	for _, p := range f.points[:max(1, f.interval)] {
		if before(p, lo) {
			lo = p
		}
		if before(hi, p) {
			hi = p
		}
	}
	return lo, hi
}

// lastLeft is the last tuple of the left half.
func (f *splitFinder) lastLeft(p splitPoint) tuple {
	if p.newLeft && p.firstRight == f.newOff {
		return f.newItem
	}
	return f.n.at(p.firstRight - 1)
}

// firstRight is the first tuple of the right half.
func (f *splitFinder) firstRight(p splitPoint) tuple {
	if !p.newLeft && p.firstRight == f.newOff {
		return f.newItem
	}
	return f.n.at(p.firstRight)
}

// penalty is what a point costs: columns in the high key, or on internal pages
// its size.
func (f *splitFinder) penalty(p splitPoint) int {
	if f.leaf {
		return f.e.keepNattsFast(f.lastLeft(p), f.firstRight(p))
	}
	return itemSpace(f.firstRight(p))
}

// best is the cheapest point of the interval, the better balanced among equals.
func (f *splitFinder) best(perfect int, s splitStrategy) splitPoint {
	best, cost := 0, math.MaxInt
	for i := range min(max(1, f.interval), len(f.points)) {
		c := f.penalty(f.points[i])
		if c < cost {
			best, cost = i, c
		}
		if c <= perfect {
			break
		}
	}
	p := f.points[best]
	// Descending insertions just right of a large group of duplicates would split
	// at its edge again and again: halve the page instead.
	if s == splitManyDuplicates && !f.rightmost && !p.newLeft && p.firstRight >= f.newOff && p.firstRight < f.newOff+9 {
		return f.points[0]
	}
	return p
}
