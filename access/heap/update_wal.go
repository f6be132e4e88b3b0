package heap

import (
	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Everything about the records of Heap/UPDATE and HOT_UPDATE is in this file.
// Between the two pages of an UPDATE readers may see the old tuple still without
// its successor; visibility comes from the transaction, so either is right.

// updateRec is xl_heap_update.
type updateRec struct {
	OldXmax xid.XID
	OldOff  page.OffsetNumber
	OldBits uint8
	Flags   uint8
	NewXmax xid.XID
	NewOff  page.OffsetNumber
}

func (r updateRec) append(dst []byte) []byte {
	dst = le.AppendUint32(dst, uint32(r.OldXmax))
	dst = le.AppendUint16(dst, uint16(r.OldOff))
	dst = append(dst, r.OldBits, r.Flags)
	dst = le.AppendUint32(dst, uint32(r.NewXmax))
	return le.AppendUint16(dst, uint16(r.NewOff))
}

func decodeUpdate(b []byte) (updateRec, error) {
	if len(b) < sizeUpdate {
		return updateRec{}, badRecord("short UPDATE")
	}
	return updateRec{
		OldXmax: xid.XID(le.Uint32(b)), OldOff: page.OffsetNumber(le.Uint16(b[4:])), OldBits: b[6], Flags: b[7],
		NewXmax: xid.XID(le.Uint32(b[8:])), NewOff: page.OffsetNumber(le.Uint16(b[12:])),
	}, nil
}

// commonEnds measures what the data of two tuples share at the start and at the
// end. Less than 3 bytes are not worth the two that their count takes.
func commonEnds(old, new []byte) (prefix, suffix int) {
	n := min(len(old), len(new))
	for prefix < n && old[prefix] == new[prefix] {
		prefix++
	}
	if prefix < 3 {
		prefix = 0
	}
	for suffix < n-prefix && old[len(old)-1-suffix] == new[len(new)-1-suffix] {
		suffix++
	}
	if suffix < 3 {
		suffix = 0
	}
	return prefix, suffix
}

// appendUpdateData is the block data of the new tuple t, without the bytes that
// redo takes from the old tuple.
func appendUpdateData(dst []byte, t access.Tuple, prefix, suffix int) []byte {
	if prefix > 0 {
		dst = le.AppendUint16(dst, uint16(prefix))
	}
	if suffix > 0 {
		dst = le.AppendUint16(dst, uint16(suffix))
	}
	dst = appendHeader(dst, t)
	dst = append(dst, t[access.TupleHeaderSize:t.Hoff()]...)
	return append(dst, t[t.Hoff()+prefix:len(t)-suffix]...)
}

// buildUpdate makes the new tuple of r from its block data and the old tuple,
// which is needed only if a prefix or a suffix comes from it.
func buildUpdate(r updateRec, old access.Tuple, data []byte, x xid.XID, self page.TID) (access.Tuple, error) {
	prefix, suffix := 0, 0
	if r.Flags&updatePrefixFromOld != 0 && len(data) >= 2 {
		prefix, data = int(le.Uint16(data)), data[2:]
	}
	if r.Flags&updateSuffixFromOld != 0 && len(data) >= 2 {
		suffix, data = int(le.Uint16(data)), data[2:]
	}
	if len(data) < sizeHeader {
		return nil, badRecord("UPDATE without tuple")
	}
	hoff := int(data[4])
	head := hoff - access.TupleHeaderSize
	body := data[sizeHeader:]
	if head < 0 || head > len(body) {
		return nil, badRecord("UPDATE with a bad header length")
	}
	var pre, suf []byte
	if prefix > 0 || suffix > 0 {
		if old == nil || old.Hoff()+prefix > len(old) || suffix > len(old)-old.Hoff() {
			return nil, badRecord("UPDATE takes more than the old tuple has")
		}
		pre, suf = old[old.Hoff():old.Hoff()+prefix], old[len(old)-suffix:]
	}
	var buf [512]byte
	t := newTuple(buf[:0], le.Uint16(data), le.Uint16(data[2:]), data[4], x, self, body[:head], pre, body[head:], suf)
	t.SetXmax(r.NewXmax)
	return t, nil
}

// applyUpdateOld marks the old tuple: updated by x, the next version at next.
func applyUpdateOld(p page.Page, x xid.XID, hot bool, r updateRec, next page.TID) error {
	t, err := tupleOn(p, r.OldOff)
	if err != nil {
		return err
	}
	setInfobits(t, r.OldBits)
	if hot {
		t.SetInfomask2(t.Infomask2() | access.HotUpdated)
	} else {
		t.SetInfomask2(t.Infomask2() &^ access.HotUpdated)
	}
	t.SetXmax(r.OldXmax)
	setCmax(t, 0, false)
	t.SetCTID(next)
	setPrunable(p, x)
	if r.Flags&updateOldAllVisibleCleared != 0 {
		p.ClearFlag(page.AllVisible)
	}
	return nil
}

// applyUpdateNew puts the new tuple on its page.
func applyUpdateNew(p page.Page, init bool, r updateRec, t access.Tuple) error {
	if init {
		p.Init(0)
	}
	if err := p.PutItem(r.NewOff, t); err != nil {
		return err
	}
	if r.Flags&updateNewAllVisibleCleared != 0 {
		p.ClearFlag(page.AllVisible)
	}
	return nil
}

func descUpdate(dst, b []byte) []byte {
	r, err := decodeUpdate(b)
	if err != nil {
		return dst
	}
	dst = descf(dst, "off %d xmax %d flags 0x%02X ", r.OldOff, r.OldXmax, r.Flags)
	dst = descInfobits(dst, r.OldBits)
	return descf(dst, "; new off %d xmax %d", r.NewOff, r.NewXmax)
}
