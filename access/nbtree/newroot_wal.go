package nbtree

import (
	"fmt"

	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xlog"
)

// Everything about XLOG_BTREE_NEWROOT and XLOG_BTREE_META_CLEANUP.
//
// NEWROOT: block 0 is the root, with its two tuples as data unless it is the first
// leaf; block 1 the old root, whose split this completes; block 2 the meta page. A
// reader that still knows the old root finds everything by moving right.

// newRootRec is xl_btree_newroot.
type newRootRec struct {
	root  page.BlockNumber
	level uint32
}

func (r newRootRec) encode(b []byte) []byte {
	return le.AppendUint32(le.AppendUint32(b, uint32(r.root)), r.level)
}

func decodeNewRoot(b []byte) (newRootRec, error) {
	if len(b) != 8 {
		return newRootRec{}, badRecord("new root record of %d bytes", len(b))
	}
	return newRootRec{block(b, 0), le.Uint32(b[4:])}, nil
}

func descNewRoot(dst, main []byte) []byte {
	r, err := decodeNewRoot(main)
	if err != nil {
		return dst
	}
	return fmt.Appendf(dst, "lev %d", r.level)
}

// applyNewRoot makes p the root.
func applyNewRoot(p page.Page, level uint32, data []byte) error {
	n := initNode(p)
	n.setBits(flagRoot)
	if level == 0 {
		n.addBits(flagLeaf)
	}
	n.setLevel(level)
	return restorePage(n, data)
}

func (r redoer) newRoot() error {
	rec, err := decodeNewRoot(r.d.Main)
	if err != nil {
		return err
	}
	if err := r.fresh(0, func(p page.Page, data []byte) error { return applyNewRoot(p, rec.level, data) }); err != nil {
		return err
	}
	if err := r.clearIncomplete(1); err != nil {
		return err
	}
	return r.meta(2)
}

// descMetaCleanup shows block 0's data, which a record with an image has lost.
func descMetaCleanup(dst []byte, d *xlog.Decoded) []byte {
	if b := d.Block(0); b != nil && len(b.Data) == metaRecordSize {
		return fmt.Appendf(dst, "last_cleanup_num_delpages %d", le.Uint32(b.Data[20:]))
	}
	return dst
}
