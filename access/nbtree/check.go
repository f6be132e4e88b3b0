package nbtree

import (
	"bytes"
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
)

// Check verifies the index, which nobody changes meanwhile, as PostgreSQL's
// bt_index_parent_check does: the order of all items, high keys, sibling links,
// levels, and that each level's downlinks are exactly the pages below. visit, if
// not nil, gets every leaf entry.
func Check(idx *access.Relation, visit func(t access.IndexTuple, tid page.TID)) error {
	c := checker{visit: visit}
	c.e.init(idx, nil, nil)
	mb, m, err := c.e.getMeta(read)
	if err != nil {
		return err
	}
	c.e.drop(mb)
	if m.root == noBlock {
		return nil
	}
	// The leftmost page of each level is found through the leftmost downlinks.
	expect := []link{{blk: m.root}}
	for level := int64(m.level); level >= 0; level-- {
		if expect, err = c.level(uint32(level), expect, m); err != nil {
			return err
		}
	}
	return nil
}

// link is a downlink: a page on the level below and where its key range begins;
// low is nil for the first.
type link struct {
	blk page.BlockNumber
	low tuple
}

type checker struct {
	e     env
	visit func(t access.IndexTuple, tid page.TID)
	copy  [page.Size]byte
}

// fault is corruption of a page.
func (c *checker) fault(blk page.BlockNumber, format string, a ...any) error {
	return c.e.corrupt("block %d: "+format, append([]any{blk}, a...)...)
}

// load copies a page.
func (c *checker) load(blk page.BlockNumber) (node, error) {
	b, n, err := c.e.get(blk, read)
	if err != nil {
		return node{}, err
	}
	copy(c.copy[:], n.Page)
	c.e.drop(b)
	return node{c.copy[:]}, nil
}

// level checks all pages of a level, which should be those of want, and returns
// the downlinks on it.
func (c *checker) level(level uint32, want []link, m meta) (down []link, err error) {
	blk, left := want[0].blk, noBlock
	var high tuple // of the page to the left
	incomplete := false
	steps := 0
	for blk != noBlock {
		if steps++; steps > 1<<30 {
			return nil, c.fault(blk, "endless level")
		}
		n, err := c.load(blk)
		if err != nil {
			return nil, err
		}
		if n.prev() != left || n.is(flagDeleted|flagMeta) || n.level() != level || n.leaf() != (level == 0) {
			return nil, c.fault(blk, "left link %d, flags %#x, level %d; expected %d at level %d", n.prev(), n.bits(), n.level(), left, level)
		}
		if n.is(flagRoot) != (blk == m.root) && !(blk == m.root && n.is(flagIncomplete)) {
			return nil, c.fault(blk, "root flag")
		}
		if !n.is(flagHalfDead) {
			switch {
			case len(want) > 0 && want[0].blk == blk:
				if low := want[0].low; low != nil && (high == nil || !bytes.Equal(low[4:], high[4:])) {
					return nil, c.fault(blk, "downlink's key is not the high key of the left sibling")
				}
				want = want[1:]
			case !incomplete:
				return nil, c.fault(blk, "no downlink")
			}
			if err := c.items(blk, n, high); err != nil {
				return nil, err
			}
			if level > 0 {
				down = appendLinks(down, n, high)
			}
		}
		incomplete = n.is(flagIncomplete)
		if !n.rightmost() && !n.is(flagHalfDead) {
			high = slices.Clone(n.at(hikey))
		}
		blk, left = n.next(), blk
	}
	if len(want) > 0 {
		return nil, c.fault(want[0].blk, "downlink to a page that is not on level %d", level)
	}
	return down, nil
}

// appendLinks appends the downlinks of n, whose first key range begins at low.
func appendLinks(down []link, n node, low tuple) []link {
	for off := n.first(); off <= n.last(); off++ {
		if off > n.first() {
			low = slices.Clone(n.at(off))
		}
		down = append(down, link{n.at(off).child(), low})
	}
	return down
}

// items checks the items of one page: their form, their order, and that they lie
// between low, the left sibling's high key, and the page's own.
func (c *checker) items(blk page.BlockNumber, n node, low tuple) error {
	var k searchKey
	for off := page.OffsetNumber(1); off <= n.last(); off++ {
		t := n.at(off)
		data := off >= n.first()
		if t.pivot() != (!n.leaf() || !data) || t.size() != len(t) || n.ItemID(off).Flags() == page.LPUnused {
			return c.fault(blk, "item %d has the wrong kind", off)
		}
		if data && n.leaf() {
			if err := c.leafItem(blk, off, t); err != nil {
				return err
			}
		}
		minus := !n.leaf() && off == n.first()
		if minus != (t.pivot() && t.natts(0) == 0) {
			return c.fault(blk, "item %d has %d columns", off, t.natts(c.e.natts))
		}
		if minus || !data {
			continue
		}
		c.e.keyOf(&k, t)
		if low != nil && off == n.first() && c.e.compareTuple(&k, low) < 0 {
			return c.fault(blk, "item %d is below the left sibling's high key", off)
		}
		if off > n.first() && !(off-1 == n.first() && !n.leaf()) {
			prev := n.at(off - 1)
			if d := c.e.compareTuple(&k, prev); d < 0 || d == 0 && !c.above(t, prev) {
				return c.fault(blk, "items %d and %d are out of order", off-1, off)
			}
		}
		if !n.rightmost() {
			k.tid, k.hasTID = lastTID(t)
			if d := c.e.compareTuple(&k, n.at(hikey)); d > 0 {
				return c.fault(blk, "item %d is above the high key", off)
			}
		}
	}
	return c.e.err
}

// above orders tuples whose keys are equal by heap TID; a pivot tuple without one
// is below those with.
func (c *checker) above(t, prev tuple) bool {
	if t.pivot() {
		a, aok := t.heapTID()
		b, bok := prev.heapTID()
		if t.natts(0) != prev.natts(0) {
			return t.natts(0) > prev.natts(0)
		}
		return aok && (!bok || a.Compare(b) > 0)
	}
	return t.tidAt(0).Compare(prev.maxTID()) > 0
}

func lastTID(t tuple) (page.TID, bool) {
	if t.pivot() {
		return t.heapTID()
	}
	return t.maxTID(), true
}

// leafItem checks one leaf tuple's TIDs.
func (c *checker) leafItem(blk page.BlockNumber, off page.OffsetNumber, t tuple) error {
	for i := range t.nTIDs() {
		tid := t.tidAt(i)
		if !tid.Valid() || i > 0 && tid.Compare(t.tidAt(i-1)) <= 0 {
			return c.fault(blk, "item %d: TID %d is %s", off, i, tid)
		}
		if c.visit != nil {
			c.visit(access.IndexTuple(t[:t.keySize()]), tid)
		}
	}
	return nil
}
