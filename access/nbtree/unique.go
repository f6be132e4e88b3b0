package nbtree

import (
	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// conflict looks for live rows with the item's key, starting at the leaf b, which
// stays locked: so no other session can insert the same key meanwhile. The answer
// is: nothing; or a transaction to wait for, after which all must be looked up
// anew; or, for UniquePartial, that there is a conflict. A certain conflict is the
// error (_bt_check_unique).
func (in *insertion) conflict(b bufmgr.Buffer) (Probe, error) {
	e := in.e
	n := e.nodeOf(b)
	off := e.binarySearch(&in.key, n)
	cur := b // the page being looked at: b, or one to its right
	defer func() {
		if cur != b {
			e.drop(cur)
		}
	}()
	seen := false // UniqueExisting met its own entry
	for e.err == nil {
		if off <= n.last() {
			if e.compare(&in.key, n, off) != 0 {
				break
			}
			if !n.dead(off) {
				p, err := in.probe(cur, cur == b, n, off, &seen)
				if err != nil || p.Wait != xid.Invalid || p.Found {
					return p, err
				}
			}
			off++
			continue
		}
		if n.rightmost() || e.compare2High(&in.key, n) != 0 {
			break
		}
		next := n.next()
		for {
			if cur != b {
				e.drop(cur)
			}
			cur = b
			nb, nn, err := e.get(next, read)
			if err != nil {
				return Probe{}, err
			}
			cur, n = nb, nn
			if !n.ignore() {
				break
			}
			if n.rightmost() {
				return Probe{}, e.corrupt("fell off the end")
			}
			next = n.next()
		}
		off = n.first()
	}
	if e.err != nil {
		return Probe{}, e.err
	}
	if in.o.Check == UniqueExisting && !seen {
		return Probe{}, pgerr.New(pgerr.InternalError, "failed to re-find tuple within index %q", e.idx.Name).
			WithHint("This may be because of a non-immutable index expression.")
	}
	return Probe{}, nil
}

// probe asks the heap about the rows of item off of page n, whose key equals the
// new one. exclusive says how b is locked.
func (in *insertion) probe(b bufmgr.Buffer, exclusive bool, n node, off page.OffsetNumber, seen *bool) (Probe, error) {
	t := n.at(off)
	allDead := true
	for i := range t.nTIDs() {
		tid := t.tidAt(i)
		if in.o.Check == UniqueExisting && tid == in.item.tid() {
			*seen = true
			allDead = false
			continue
		}
		p, err := in.o.Heap.Probe(tid)
		if err != nil {
			return Probe{}, err
		}
		allDead = allDead && p.Dead
		if !p.Found {
			continue
		}
		if in.o.Check == UniquePartial {
			return Probe{Found: true}, nil
		}
		if p.Wait != xid.Invalid {
			return p, nil
		}
		// A definite conflict, unless the new row itself has been deleted since.
		alive, err := in.o.Heap.Alive(in.item.tid())
		if err != nil {
			return Probe{}, err
		}
		if !alive {
			return Probe{}, nil
		}
		if err := in.wrote(b); err != nil {
			return Probe{}, err // rather than a conflict that a retry would not meet
		}
		return Probe{}, in.duplicate()
	}
	if allDead && exclusive {
		return Probe{}, in.e.kill(b, n, off)
	}
	return Probe{}, nil
}

// kill sets the LP_DEAD hint of an item on b, which is locked exclusively.
func (e *env) kill(b bufmgr.Buffer, n node, off page.OffsetNumber) error {
	id := n.ItemID(off)
	n.SetItemID(off, page.MakeItemID(id.Off(), page.LPDead, id.Len()))
	n.addBits(flagHasGarbage)
	return e.pool.MarkDirtyHint(b)
}

// duplicate is error 23505.
func (in *insertion) duplicate() error {
	err := pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint %q", in.e.idx.Name)
	if in.o.Describe != nil {
		if d := in.o.Describe(in.vals); d != "" {
			err.Detail = "Key " + d + " already exists."
		}
	}
	err.Constraint = in.e.idx.Name
	return err
}
