package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the record of Heap/DELETE is in this file.

// deleteRec is xl_heap_delete.
type deleteRec struct {
	Xmax  xid.XID // may be a multixact
	Off   page.OffsetNumber
	Bits  uint8
	Flags uint8
}

func (r deleteRec) append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(r.Xmax))
	dst = le.AppendUint16(dst, uint16(r.Off))
	return append(dst, r.Bits, r.Flags)
}

func decodeDelete(b []byte) (deleteRec, error) {
	if len(b) < sizeDelete {
		return deleteRec{}, badRecord("short DELETE")
	}
	return deleteRec{xid.XID(le.Uint32(b)), page.OffsetNumber(le.Uint16(b[4:])), b[6], b[7]}, nil
}

// applyDelete marks a tuple as deleted by x. A super-deletion (of a speculative
// insertion that lost) makes it dead for everyone at once.
func applyDelete(p page.Page, blk page.BlockNumber, x xid.XID, r deleteRec) error {
	t, err := tupleOn(p, r.Off)
	if err != nil {
		return err
	}
	setInfobits(t, r.Bits)
	t.SetInfomask2(t.Infomask2() &^ access.HotUpdated)
	if r.Flags&deleteIsSuper != 0 {
		t.SetXmin(xid.Invalid)
	} else {
		t.SetXmax(r.Xmax)
	}
	setCmax(t, 0, false)
	setPrunable(p, x)
	if r.Flags&deleteAllVisibleCleared != 0 {
		p.ClearFlag(page.AllVisible)
	}
	if r.Flags&deletePartitionMove != 0 {
		t.SetCTID(page.TID{Block: page.InvalidBlock, Off: access.MovedPartitions})
	} else {
		t.SetCTID(page.TID{Block: blk, Off: r.Off})
	}
	return nil
}

func descDelete(dst, b []byte) []byte {
	r, err := decodeDelete(b)
	if err != nil {
		return dst
	}
	return descInfobits(descf(dst, "off %d flags 0x%02X ", r.Off, r.Flags), r.Bits)
}
