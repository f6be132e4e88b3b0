package nbtree

import (
	"fmt"
	"slices"

	"github.com/pgmini/pgmini/page"
)

// Everything about XLOG_BTREE_INSERT_LEAF, _UPPER, _META and _POST.
//
// Block 0 is the page, with the new tuple as data (before it, for _POST, the
// place where its left neighbour's posting list is split). Block 1, for _UPPER and
// _META, is the child whose split this insert completes. Block 2, for _META, is
// the meta page. A reader between the pages sees either a complete parent and a
// flagged child, or the reverse; it needs neither.

// insertRec is xl_btree_insert: offnum uint16.
type insertRec struct{ off page.OffsetNumber }

func (r insertRec) encode(b []byte) []byte { return le.AppendUint16(b, uint16(r.off)) }

func decodeInsert(b []byte) (insertRec, error) {
	if len(b) != 2 {
		return insertRec{}, badRecord("insert record of %d bytes", len(b))
	}
	return insertRec{page.OffsetNumber(le.Uint16(b))}, nil
}

func descInsert(dst, main []byte) []byte {
	r, err := decodeInsert(main)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "off %d", r.off)
}

// checkTuple validates a tuple's header against the bytes it came in.
func checkTuple(b []byte) (tuple, error) {
	if len(b) < tupHeader {
		return nil, badRecord("tuple of %d bytes", len(b))
	}
	t := tuple(b)
	n := page.MaxAlign(t.size())
	if t.size() < tupHeader || n > len(b) || t.posting() && !t.postingFits() {
		return nil, badRecord("tuple header %x in %d bytes", b[:tupHeader], len(b))
	}
	return t[:n:n], nil
}

// applyInsert adds the tuple in data to p at off. With split, data starts with the
// place at which the posting list to the left of off is split first.
func applyInsert(p page.Page, off page.OffsetNumber, data []byte, split bool) error {
	at := 0
	if split {
		if len(data) < 2 {
			return badRecord("insert data of %d bytes", len(data))
		}
		at, data = int(le.Uint16(data)), data[2:]
	}
	t, err := checkTuple(data)
	if err != nil {
		return err
	}
	n := node{p}
	if off < 1 || off > n.last()+1 || split && off < 2 {
		return badRecord("insert at %d of %d", off, n.last())
	}
	if split {
		t = slices.Clone(t)
		old := n.at(off - 1)
		list, err := swapPosting(t, old, at)
		if err != nil {
			return err
		}
		copy(old, list)
	}
	return p.InsertItem(off, t)
}

func (r redoer) insert() error {
	rec, err := decodeInsert(r.d.Main)
	if err != nil {
		return err
	}
	info := r.d.RmgrInfo()
	if err := r.clearIncomplete(1); err != nil {
		return err
	}
	err = r.page(0, func(p page.Page, data []byte) error {
		return applyInsert(p, rec.off, data, info == infoInsertPost)
	})
	if err != nil {
		return err
	}
	return r.meta(2)
}
