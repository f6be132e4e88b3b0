package fsm

import (
	"encoding/binary"

	"github.com/pgmini/pgmini/page"
)

// A page of the map holds a binary tree in an array: node i has the children
// 2i+1 and 2i+2, each inner node the larger of its children, and the leaves are
// the page's slots (PostgreSQL: FSMPageData). offNext is where fp_next_slot is:
// the slot at which the next search starts, so that searchers spread out.
const (
	offNext  = page.HeaderSize
	offNodes = offNext + 4

	nodes = page.Size - offNodes // 8164
	inner = page.Size/2 - 1      // 4095
	// Slots is the number of leaves of a page.
	Slots = nodes - inner // 4069
)

var _ = [1]struct{}{}[Slots-4069]

var le = binary.LittleEndian // constant

// tree is a page of the map, initialised.
type tree page.Page

func (t tree) node(i int) uint8       { return t[offNodes+i] }
func (t tree) setNode(i int, v uint8) { t[offNodes+i] = v }
func (t tree) next() int              { return int(int32(le.Uint32(t[offNext:]))) }
func (t tree) setNext(n int)          { le.PutUint32(t[offNext:], uint32(n)) }

// get is the category in a slot; top is the largest of all.
func (t tree) get(slot int) uint8 { return t.node(inner + slot) }
func (t tree) top() uint8         { return t.node(0) }

// larger is the value that inner node i should have.
func (t tree) larger(i int) uint8 {
	l := 2*i + 1
	if l >= nodes {
		return 0
	}
	v := t.node(l)
	if l+1 < nodes {
		v = max(v, t.node(l+1))
	}
	return v
}

// set puts a category into a slot and reports whether the page changed.
func (t tree) set(slot int, v uint8) bool {
	i := inner + slot
	if t.node(i) == v && v <= t.top() {
		return false
	}
	t.setNode(i, v)
	for i > 0 {
		i = (i - 1) / 2
		if want := t.larger(i); t.node(i) != want {
			t.setNode(i, want)
		} else {
			break
		}
	}
	if v > t.top() { // the page was torn: nothing but the leaves is believed
		t.rebuild()
	}
	return true
}

// rebuild computes the inner nodes from the leaves and reports whether any was wrong.
func (t tree) rebuild() bool {
	changed := false
	for i := inner - 1; i >= 0; i-- {
		if want := t.larger(i); t.node(i) != want {
			t.setNode(i, want)
			changed = true
		}
	}
	return changed
}

// truncate empties the slots from n on and reports whether the page changed.
func (t tree) truncate(n int) bool {
	changed := false
	for i := inner + n; i < nodes; i++ {
		if t.node(i) != 0 {
			t.setNode(i, 0)
			changed = true
		}
	}
	if changed {
		t.rebuild()
	}
	return changed
}

// rightNeighbour is the next node on i's level, wrapping to the level's first.
func rightNeighbour(i int) int {
	i++
	if (i+1)&i == 0 { // stepped over the end of the level
		i = (i - 1) / 2
	}
	return i
}

// search finds a slot with at least v, starting at the next slot: it climbs to
// the right until a subtree has enough, then goes down to its leftmost such leaf.
// advance moves the next slot past it. repaired says that a torn page was mended.
func (t tree) search(v uint8, advance bool) (slot int, ok, repaired bool) {
	for {
		if t.top() < v {
			return 0, false, repaired
		}
		at := t.next()
		if at < 0 || at >= Slots {
			at = 0
		}
		i := inner + at
		for i > 0 && t.node(i) < v {
			i = (rightNeighbour(i) - 1) / 2
		}
		for i < inner {
			l := 2*i + 1
			switch {
			case l < nodes && t.node(l) >= v:
				i = l
			case l+1 < nodes && t.node(l+1) >= v:
				i = l + 1
			default: // an inner node promises what no child has
				i = -1
			}
			if i < 0 {
				break
			}
		}
		if i >= 0 {
			slot = i - inner
			n := slot
			if advance {
				n++
			}
			t.setNext(n)
			return slot, true, repaired
		}
		t.rebuild()
		repaired = true
	}
}
