package nbtree

import (
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// group is a run of equal leaf tuples that may become one posting list.
type group struct {
	base  tuple
	off   page.OffsetNumber
	items int
	tids  int
}

func (g *group) start(t tuple, off page.OffsetNumber) { *g = group{t, off, 1, t.nTIDs()} }

// size is the merged tuple's length if n more TIDs came in.
func (g *group) size(n int) int {
	return page.MaxAlign(g.base.keySize() + (g.tids+n)*page.TIDSize)
}

// dedupPass plans which runs of equal tuples of a leaf to merge
// (_bt_dedup_pass). limit bounds a posting list; with single, a page full of one
// value gets five lists of the full limit and a smaller sixth, and the rest stays
// for the right half of the split that comes.
type dedupPass struct {
	e       *env
	n       node
	limit   int
	single  bool
	merging bool
	full    int // lists of the limit's size
	out     []interval
}

// dedup merges duplicates on the leaf b, which is locked exclusively, to make room
// for newItem. churn says that the page holds versions of the same rows: then it
// may be merged for good, no split is planned for.
func (e *env) dedup(b bufmgr.Buffer, newItem tuple, size int, churn bool) error {
	n := e.nodeOf(b)
	p := dedupPass{e: e, n: n, limit: maxPostingCap, merging: true}
	first, last := n.first(), n.last()
	if last < first {
		return nil
	}
	p.single = !churn && e.keepNattsFast(newItem, n.at(first)) > e.nkeys && e.keepNattsFast(newItem, n.at(last)) > e.nkeys
	p.run(size + itemOverhead)
	if e.err != nil || len(p.out) == 0 {
		return e.err
	}
	if err := applyDedup(n.Page, p.out); err != nil {
		return e.fatal(err)
	}
	e.pool.MarkDirty(b)
	e.begin(infoDedup)
	e.ref(0, b, xlog.Standard, encodeIntervals(nil, p.out))
	return e.finish(le.AppendUint16(nil, uint16(len(p.out))), b)
}

func (p *dedupPass) run(newSize int) {
	var g group
	last := p.n.last()
	for off := p.n.first(); off <= last; off++ {
		t := p.n.at(off)
		if off == p.n.first() {
			g.start(t, off)
			continue
		}
		if p.merging && p.e.keepNattsFast(g.base, t) > p.e.nkeys && p.take(&g, t) {
			continue
		}
		p.finish(&g)
		if p.single {
			switch p.full {
			case 5:
				p.shrinkLimit(newSize)
			case 6:
				p.merging, p.single = false, false
			}
		}
		g.start(t, off)
	}
	p.finish(&g)
}

// take adds t to the group if the list stays within the limit.
func (p *dedupPass) take(g *group, t tuple) bool {
	if g.size(t.nTIDs()) > p.limit {
		if g.tids > 50 {
			p.full++
		}
		return false
	}
	g.items++
	g.tids += t.nTIDs()
	return true
}

func (p *dedupPass) finish(g *group) {
	if g.items > 1 {
		p.out = append(p.out, interval{g.off, uint16(g.items)})
	}
}

// shrinkLimit leaves the room on the page that a split of a page full of one value
// leaves on its left half.
func (p *dedupPass) shrinkLimit(newSize int) {
	left := pageRoom - newSize - page.MaxAlign(page.TIDSize)
	reduction := int(float64(left) * ((100 - singleValueFill) / 100.0))
	p.limit = max(0, p.limit-reduction)
}
