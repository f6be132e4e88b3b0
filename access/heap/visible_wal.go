package heap

import (
	"github.com/pgmini/pgmini/access/vm"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// The record of Heap2/VISIBLE: block 0 is the visibility map's page, block 1 the
// heap page. And Heap2/NEW_CID and Heap/TRUNCATE, Heap2/REWRITE, which only
// logical decoding reads: redo has nothing to do for them.

// visibleRec is xl_heap_visible.
type visibleRec struct {
	Cutoff xid.XID
	Flags  uint8
}

func (r visibleRec) append(dst []byte) []byte {
	return append(le.AppendUint32(dst, uint32(r.Cutoff)), r.Flags)
}

func decodeVisible(b []byte) (visibleRec, error) {
	if len(b) < sizeVisible {
		return visibleRec{}, badRecord("short VISIBLE")
	}
	return visibleRec{xid.XID(le.Uint32(b)), b[4]}, nil
}

// applyVisibleMap sets the bits of heap block blk on its visibility map page.
func applyVisibleMap(p page.Page, blk page.BlockNumber, flags uint8) {
	if p.IsNew() {
		p.Init(0)
	}
	vm.SetBits(p, blk, flags)
}

func descVisible(dst, b []byte) []byte {
	r, err := decodeVisible(b)
	if err != nil {
		return dst
	}
	return descf(dst, "cutoff xid %d flags 0x%02X", r.Cutoff, r.Flags)
}

func descNewCID(dst, b []byte) []byte {
	if len(b) < sizeNewCID {
		return dst
	}
	tid := page.GetTID(b[28:])
	dst = descf(dst, "rel %d/%d/%d; tid %d/%d", le.Uint32(b[16:]), le.Uint32(b[20:]), le.Uint32(b[24:]), tid.Block, tid.Off)
	return descf(dst, "; cmin: %d, cmax: %d, combo: %d", le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:]))
}

func descTruncate(dst, b []byte) []byte {
	if len(b) < sizeTruncate {
		return dst
	}
	if b[8]&truncateCascade != 0 {
		dst = append(dst, "cascade "...)
	}
	if b[8]&truncateRestartSeqs != 0 {
		dst = append(dst, "restart_seqs "...)
	}
	n := le.Uint32(b[4:])
	dst = descf(dst, "nrelids %d relids", n)
	for b = b[sizeTruncate:]; n > 0 && len(b) >= 4; n, b = n-1, b[4:] {
		dst = descf(dst, " %d", le.Uint32(b))
	}
	return dst
}
