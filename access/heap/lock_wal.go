package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the records of Heap/LOCK and Heap2/LOCK_UPDATED is in this
// file: a row lock, on the tuple asked for and on its later versions.

// lockRec is xl_heap_lock and xl_heap_lock_updated.
type lockRec struct {
	Xmax  xid.XID // may be a multixact
	Off   page.OffsetNumber
	Bits  uint8
	Flags uint8
}

func (r lockRec) append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(r.Xmax))
	dst = le.AppendUint16(dst, uint16(r.Off))
	return append(dst, r.Bits, r.Flags)
}

func decodeLock(b []byte) (lockRec, error) {
	if len(b) < sizeLock {
		return lockRec{}, badRecord("short LOCK")
	}
	return lockRec{xid.XID(le.Uint32(b)), page.OffsetNumber(le.Uint16(b[4:])), b[6], b[7]}, nil
}

// applyLock puts a row lock on a tuple. If it was not updated, it has no
// successor either.
func applyLock(p page.Page, blk page.BlockNumber, r lockRec) error {
	t, err := tupleOn(p, r.Off)
	if err != nil {
		return err
	}
	setInfobits(t, r.Bits)
	if access.XmaxLockedOnly(t.Infomask()) {
		t.SetInfomask2(t.Infomask2() &^ access.HotUpdated)
		t.SetCTID(page.TID{Block: blk, Off: r.Off})
	}
	t.SetXmax(r.Xmax)
	return nil
}

// applyLockUpdated puts a row lock on a later version of the tuple.
func applyLockUpdated(p page.Page, r lockRec) error {
	t, err := tupleOn(p, r.Off)
	if err != nil {
		return err
	}
	setInfobits(t, r.Bits)
	t.SetXmax(r.Xmax)
	return nil
}

func descLock(dst, b []byte, word string) []byte {
	r, err := decodeLock(b)
	if err != nil {
		return dst
	}
	return descInfobits(descf(dst, "off %d: %s %d: flags 0x%02X ", r.Off, word, r.Xmax, r.Flags), r.Bits)
}
