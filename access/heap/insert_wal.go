package heap

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the record of Heap/INSERT is in this file.

// insertRec is xl_heap_insert.
type insertRec struct {
	Off   page.OffsetNumber
	Flags uint8
}

func (r insertRec) append(dst []byte) []byte {
	return append(le.AppendUint16(dst, uint16(r.Off)), r.Flags)
}

func decodeInsert(b []byte) (insertRec, error) {
	if len(b) < sizeInsert {
		return insertRec{}, badRecord("short INSERT")
	}
	return insertRec{page.OffsetNumber(le.Uint16(b)), b[2]}, nil
}

// applyInsert puts the tuple in data (xl_heap_header and body) on p. init makes
// the page first.
func applyInsert(p page.Page, blk page.BlockNumber, x xid.XID, init bool, r insertRec, data []byte) error {
	if len(data) < sizeHeader {
		return badRecord("INSERT without tuple")
	}
	if init {
		p.Init(0)
	}
	var buf [512]byte
	t := newTuple(buf[:0], le.Uint16(data), le.Uint16(data[2:]), data[4], x, page.TID{Block: blk, Off: r.Off}, data[sizeHeader:])
	if err := p.PutItem(r.Off, t); err != nil {
		return err
	}
	if r.Flags&insertAllVisibleCleared != 0 {
		p.ClearFlag(page.AllVisible)
	}
	return nil
}

func descInsert(dst, b []byte) []byte {
	r, err := decodeInsert(b)
	if err != nil {
		return dst
	}
	return descf(dst, "off %d flags 0x%02X", r.Off, r.Flags)
}
