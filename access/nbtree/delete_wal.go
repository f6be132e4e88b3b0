package nbtree

import (
	"fmt"

	"github.com/pgmini/pgmini/bufmgr"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about XLOG_BTREE_DELETE and XLOG_BTREE_VACUUM: both take items off a
// leaf (block 0), whole or some TIDs of posting lists. The main data has the
// counts, and _DELETE the newest removed xid, for standbys; the block data has the
// offsets of the deleted, those of the updated, then for each updated one the
// places of its removed TIDs.

// update removes TIDs from the posting list at off.
type update struct {
	off  page.OffsetNumber
	gone []uint16 // ascending places in the list
}

// deletion is what both records say.
type deletion struct {
	deleted []page.OffsetNumber
	updated []update
}

func (d deletion) empty() bool { return len(d.deleted) == 0 && len(d.updated) == 0 }

func (d deletion) encodeCounts(b []byte) []byte {
	return le.AppendUint16(le.AppendUint16(b, uint16(len(d.deleted))), uint16(len(d.updated)))
}

func (d deletion) encodeData(b []byte) []byte {
	for _, o := range d.deleted {
		b = le.AppendUint16(b, uint16(o))
	}
	for _, u := range d.updated {
		b = le.AppendUint16(b, uint16(u.off))
	}
	for _, u := range d.updated {
		b = le.AppendUint16(b, uint16(len(u.gone)))
		for _, g := range u.gone {
			b = le.AppendUint16(b, g)
		}
	}
	return b
}

// decodeDeletion reads the counts, of two uint16, and the block data.
func decodeDeletion(counts, data []byte) (deletion, error) {
	var d deletion
	if len(counts) != 4 {
		return d, badRecord("deletion counts of %d bytes", len(counts))
	}
	nd, nu := int(le.Uint16(counts)), int(le.Uint16(counts[2:]))
	if len(data) < 2*(nd+nu) {
		return d, badRecord("deletion of %d and %d items in %d bytes", nd, nu, len(data))
	}
	word := func() uint16 {
		v := le.Uint16(data)
		data = data[2:]
		return v
	}
	for range nd {
		d.deleted = append(d.deleted, page.OffsetNumber(word()))
	}
	for range nu {
		d.updated = append(d.updated, update{off: page.OffsetNumber(word())})
	}
	for i := range d.updated {
		if len(data) < 2 {
			return d, badRecord("deletion ends at update %d", i)
		}
		n := int(word())
		if len(data) < 2*n {
			return d, badRecord("update of %d TIDs in %d bytes", n, len(data))
		}
		for range n {
			d.updated[i].gone = append(d.updated[i].gone, word())
		}
	}
	if len(data) > 0 {
		return d, badRecord("%d bytes after a deletion", len(data))
	}
	return d, nil
}

func descVacuum(dst, main []byte) []byte {
	if len(main) != 4 {
		return dst
	}
	return fmt.Appendf(dst, "ndeleted %d; nupdated %d", le.Uint16(main), le.Uint16(main[2:]))
}

func descDelete(dst, main []byte) []byte {
	if len(main) != 8 {
		return dst
	}
	return fmt.Appendf(dst, "latestRemovedXid %d; ndeleted %d; nupdated %d", le.Uint32(main), le.Uint16(main[4:]), le.Uint16(main[6:]))
}

// encodeDelete is the main data of XLOG_BTREE_DELETE.
func encodeDelete(b []byte, latest xid.XID, d deletion) []byte {
	return d.encodeCounts(le.AppendUint32(b, uint32(latest)))
}

// applyDeletion takes the items off p.
func applyDeletion(p page.Page, d deletion) error {
	n := node{p}
	for _, u := range d.updated {
		if u.off < n.first() || u.off > n.last() {
			return badRecord("update of item %d of %d", u.off, n.last())
		}
		t, err := withoutTIDs(n.at(u.off), u.gone)
		if err != nil {
			return err
		}
		if err := p.OverwriteItem(u.off, t); err != nil {
			return err
		}
	}
	if len(d.deleted) > 0 && d.deleted[0] < n.first() {
		return badRecord("deletion of item %d", d.deleted[0])
	}
	if err := p.DeleteItems(d.deleted); err != nil {
		return err
	}
	n.dropBits(flagHasGarbage)
	return nil
}

func (r redoer) deletion(counts []byte, how bufmgr.RedoRead) error {
	return r.pageMode(0, how, func(p page.Page, data []byte) error {
		d, err := decodeDeletion(counts, data)
		if err != nil {
			return err
		}
		return applyDeletion(p, d)
	})
}

// vacuum takes a cleanup lock, as vacuum did: a scan on a standby may stand on
// the page.
func (r redoer) vacuum() error { return r.deletion(r.d.Main, bufmgr.RedoRead{Cleanup: true}) }

func (r redoer) delete() error {
	if len(r.d.Main) != 8 {
		return badRecord("delete record of %d bytes", len(r.d.Main))
	}
	return r.deletion(r.d.Main[4:], bufmgr.RedoRead{})
}
