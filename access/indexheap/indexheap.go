// Package indexheap answers what a btree asks of the table that it indexes:
// whether a row with an equal key is live, and which entries may be deleted.
package indexheap

import (
	"slices"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/access/heap"
	"github.com/pgmini/pgmini/access/nbtree"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xact"
	"github.com/pgmini/pgmini/xid"
)

// Heap implements nbtree.Heap for one table. It belongs to one goroutine.
type Heap struct {
	tx  *xact.Tx
	rel *access.Relation
}

// New returns the table side of index insertions by tx.
func New(tx *xact.Tx, rel *access.Relation) *Heap { return &Heap{tx, rel} }

// Probe follows the HOT chain at tid under a dirty snapshot.
func (h *Heap) Probe(tid page.TID) (nbtree.Probe, error) {
	var d heap.Dirty
	f := heap.NewFetcher(h.tx, h.rel)
	defer f.Close()
	_, found, dead, err := f.FetchHOT(tid, heap.DirtySnapshot(&d))
	p := nbtree.Probe{Found: found, Dead: dead}
	if found && d.Xmin != xid.Invalid {
		p.Wait, p.Token = d.Xmin, d.SpecToken
	} else if found && d.Xmax != xid.Invalid {
		p.Wait = d.Xmax
	}
	return p, err
}

// Alive reports whether a version of the row is visible to SnapshotSelf.
func (h *Heap) Alive(tid page.TID) (bool, error) {
	f := heap.NewFetcher(h.tx, h.rel)
	defer f.Close()
	_, found, _, err := f.FetchHOT(tid, heap.Self())
	return found, err
}

// bottomUpPages is how many table pages a bottom-up deletion looks at.
const bottomUpPages = 8

// Deletable decides which entries point at rows that nobody can see. The xid that
// it returns is the horizon's predecessor: no removed row was deleted later.
func (h *Heap) Deletable(op *nbtree.DeleteOp) (xid.XID, error) {
	slices.SortFunc(op.TIDs, func(a, b nbtree.DeleteTID) int { return a.TID.Compare(b.TID) })
	horizon := h.tx.Manager().OldestXmin(h.rel.Node.DB, h.rel.IsCatalog || h.rel.Shared)
	f := heap.NewFetcher(h.tx, h.rel)
	defer f.Close()
	freed, pages, last := 0, 0, page.InvalidBlock
	some := false
	for i := range op.TIDs {
		t := &op.TIDs[i]
		if op.BottomUp {
			if !t.Promising && pages > 0 && t.TID.Block != last {
				continue
			}
			if t.TID.Block != last {
				if pages++; pages > bottomUpPages || freed >= op.FreeSpace && freed > 0 {
					break
				}
				last = t.TID.Block
			}
		}
		_, found, dead, err := f.FetchHOT(t.TID, heap.NonVacuumable(horizon))
		if err != nil {
			return xid.Invalid, err
		}
		if t.OK = !found && dead; t.OK {
			some = true
			freed += t.FreeSpace
		}
	}
	if !some {
		return xid.Invalid, nil
	}
	return horizon.Prev(), nil
}
