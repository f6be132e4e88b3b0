package heap

import (
	"fmt"

	"github.com/pgmini/pgmini/access"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
	"github.com/pgmini/pgmini/xid"
)

// badRecord says that a record does not have the form that its type demands.
func badRecord(what string) error {
	return pgerr.New(pgerr.DataCorrupted, "heap record is corrupt: %s", what)
}

// tupleOn returns the tuple at off of p: a normal item with a sound header.
func tupleOn(p page.Page, off page.OffsetNumber) (access.Tuple, error) {
	if off < 1 || off > p.NumItems() || p.ItemID(off).Flags() != page.LPNormal {
		return nil, pgerr.New(pgerr.DataCorrupted, "no heap tuple at offset %d", off)
	}
	b, err := p.Item(off)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.DataCorrupted, "no heap tuple at offset %d", off)
	}
	if !access.CheckTuple(b) {
		return nil, pgerr.New(pgerr.DataCorrupted, "heap tuple at offset %d has a bad header", off)
	}
	return access.Tuple(b), nil
}

// infobits squeezes the lock bits of t_infomask and t_infomask2 into the byte
// that records carry (compute_infobits).
func infobits(m, m2 uint16) uint8 {
	var b uint8
	for _, x := range infobitsTable {
		if x.mask2 && m2&x.bit != 0 || !x.mask2 && m&x.bit != 0 {
			b |= x.wire
		}
	}
	return b
}

// infobit is one bit of that byte.
type infobit struct {
	wire  uint8
	bit   uint16
	mask2 bool
	name  string
}

// infobitsTable lists those bits. constant
var infobitsTable = [...]infobit{
	{bitsIsMulti, access.XmaxIsMulti, false, "IS_MULTI "},
	{bitsLockOnly, access.XmaxLockOnly, false, "LOCK_ONLY "},
	{bitsExclLock, access.XmaxExclLock, false, "EXCL_LOCK "},
	{bitsKeyShrLock, access.XmaxKeyShrLock, false, "KEYSHR_LOCK "},
	{bitsKeysUpdated, access.KeysUpdated, true, "KEYS_UPDATED "},
}

// setInfobits gives t the lock bits of a record, in place of those it had.
func setInfobits(t access.Tuple, bits uint8) {
	m := t.Infomask() &^ (access.XmaxBits | access.Moved)
	m2 := t.Infomask2() &^ access.KeysUpdated
	for _, x := range infobitsTable {
		if bits&x.wire == 0 {
			continue
		}
		if x.mask2 {
			m2 |= x.bit
		} else {
			m |= x.bit
		}
	}
	t.SetInfomask(m)
	t.SetInfomask2(m2)
}

func descInfobits(dst []byte, bits uint8) []byte {
	for _, x := range infobitsTable {
		if bits&x.wire != 0 {
			dst = append(dst, x.name...)
		}
	}
	return dst
}

// setCmax stores the deleting command. Redo uses command 0.
func setCmax(t access.Tuple, c xid.Command, combo bool) {
	t.SetRawCid(c)
	if combo {
		t.SetInfomask(t.Infomask() | access.ComboCID)
	} else {
		t.SetInfomask(t.Infomask() &^ access.ComboCID)
	}
}

// setPrunable notes that what x deleted may be pruned once x is old enough
// (PageSetPrunable).
func setPrunable(p page.Page, x xid.XID) {
	if old := p.PruneXID(); old == xid.Invalid || x.Precedes(old) {
		p.SetPruneXID(x)
	}
}

// tupleBody is xl_heap_header and what follows t's fixed header, as records carry
// an inserted tuple.
func appendHeader(dst []byte, t access.Tuple) []byte {
	dst = le.AppendUint16(dst, t.Infomask2())
	dst = le.AppendUint16(dst, t.Infomask())
	return append(dst, byte(t.Hoff()))
}

// newTuple rebuilds a tuple from xl_heap_header's fields and its parts, in buf if
// it has the room.
func newTuple(buf []byte, m2, m uint16, hoff byte, x xid.XID, self page.TID, parts ...[]byte) access.Tuple {
	n := access.TupleHeaderSize
	for _, b := range parts {
		n += len(b)
	}
	if n > cap(buf) {
		buf = make([]byte, 0, n)
	}
	t := access.Tuple(buf[:access.TupleHeaderSize])
	clear(t)
	t.SetXmin(x)
	t.SetInfomask2(m2)
	t.SetInfomask(m)
	t.SetHoff(int(hoff))
	t.SetCTID(self)
	for _, b := range parts {
		t = append(t, b...)
	}
	return t
}

func offsets(b []byte) []page.OffsetNumber {
	o := make([]page.OffsetNumber, len(b)/2)
	for i := range o {
		o[i] = page.OffsetNumber(le.Uint16(b[i*2:]))
	}
	return o
}

func appendOffsets(dst []byte, o []page.OffsetNumber) []byte {
	for _, v := range o {
		dst = le.AppendUint16(dst, uint16(v))
	}
	return dst
}

func descf(dst []byte, format string, a ...any) []byte { return fmt.Appendf(dst, format, a...) }
