package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the record of Heap2/MULTI_INSERT is in this file.

// multiInsertRec is xl_heap_multi_insert. Offs is absent from a record that
// makes the page: the offsets are 1 to N.
type multiInsertRec struct {
	Flags uint8
	N     int
	Offs  []page.OffsetNumber
}

func (r multiInsertRec) append(dst []byte, init bool) []byte {
	dst = append(dst, r.Flags, 0)
	dst = le.AppendUint16(dst, uint16(r.N))
	if init {
		return dst
	}
	return appendOffsets(dst, r.Offs)
}

func decodeMultiInsert(b []byte, init bool) (multiInsertRec, error) {
	if len(b) < sizeMultiInsert {
		return multiInsertRec{}, badRecord("short MULTI_INSERT")
	}
	r := multiInsertRec{Flags: b[0], N: int(le.Uint16(b[2:]))}
	b = b[sizeMultiInsert:]
	if !init {
		if len(b) < 2*r.N {
			return r, badRecord("MULTI_INSERT without offsets")
		}
		r.Offs = offsets(b[:2*r.N])
	}
	return r, nil
}

// appendMultiTuple is xl_multi_insert_tuple, 2-byte aligned, and the tuple's body.
func appendMultiTuple(dst []byte, t access.Tuple) []byte {
	if len(dst)&1 != 0 {
		dst = append(dst, 0)
	}
	dst = le.AppendUint16(dst, uint16(len(t)-access.TupleHeaderSize))
	dst = appendHeader(dst, t)
	return append(dst, t[access.TupleHeaderSize:]...)
}

// applyMultiInsert puts the tuples in data on p.
func applyMultiInsert(p page.Page, blk page.BlockNumber, x xid.XID, init bool, r multiInsertRec, data []byte) error {
	if init {
		p.Init(0)
	}
	var buf [512]byte
	at := 0
	for i := range r.N {
		at += at & 1
		if at+sizeMultiTuple > len(data) {
			return badRecord("MULTI_INSERT ends early")
		}
		h := data[at:]
		n := int(le.Uint16(h))
		at += sizeMultiTuple
		if at+n > len(data) {
			return badRecord("MULTI_INSERT ends early")
		}
		off := page.OffsetNumber(i + 1)
		if !init {
			off = r.Offs[i]
		}
		t := newTuple(buf[:0], le.Uint16(h[2:]), le.Uint16(h[4:]), h[6], x, page.TID{Block: blk, Off: off}, data[at:at+n])
		if err := p.PutItem(off, t); err != nil {
			return err
		}
		at += n
	}
	if r.Flags&insertAllVisibleCleared != 0 {
		p.ClearFlag(page.AllVisible)
	}
	if r.Flags&insertAllFrozenSet != 0 {
		p.SetFlag(page.AllVisible)
	}
	return nil
}

func descMultiInsert(dst, b []byte) []byte {
	r, err := decodeMultiInsert(b, true)
	if err != nil {
		return dst
	}
	return descf(dst, "%d tuples flags 0x%02X", r.N, r.Flags)
}
