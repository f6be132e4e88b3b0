package access

import (
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/xid"
)

// Tuple is a heap tuple: HeapTupleHeaderData, null bitmap, data. Methods demand
// at least TupleHeaderSize bytes; CheckTuple validates what came from a page.
type Tuple []byte

// RawXmin is t_xmin as stored.
func (t Tuple) RawXmin() xid.XID { return xid.XID(le.Uint32(t[offXmin:])) }

// Xmin is the inserting transaction, or Frozen.
func (t Tuple) Xmin() xid.XID {
	if t.Infomask()&XminFrozen == XminFrozen {
		return xid.Frozen
	}
	return t.RawXmin()
}

// SetXmin stores t_xmin.
func (t Tuple) SetXmin(x xid.XID) { le.PutUint32(t[offXmin:], uint32(x)) }

// RawXmax is t_xmax as stored: a transaction, or a multixact.
func (t Tuple) RawXmax() xid.XID { return xid.XID(le.Uint32(t[offXmax:])) }

// SetXmax stores t_xmax.
func (t Tuple) SetXmax(x xid.XID) { le.PutUint32(t[offXmax:], uint32(x)) }

// RawCid is t_cid: cmin, cmax or a combo command id.
func (t Tuple) RawCid() xid.Command { return xid.Command(le.Uint32(t[offCid:])) }

// SetRawCid stores t_cid.
func (t Tuple) SetRawCid(c xid.Command) { le.PutUint32(t[offCid:], uint32(c)) }

// CTID is t_ctid: this tuple, or its next version.
func (t Tuple) CTID() page.TID { return page.GetTID(t[offCTID:]) }

// SetCTID stores t_ctid.
func (t Tuple) SetCTID(c page.TID) { page.PutTID(t[offCTID:], c) }

// Infomask is t_infomask.
func (t Tuple) Infomask() uint16 { return le.Uint16(t[offInfomask:]) }

// SetInfomask stores t_infomask.
func (t Tuple) SetInfomask(m uint16) { le.PutUint16(t[offInfomask:], m) }

// Infomask2 is t_infomask2.
func (t Tuple) Infomask2() uint16 { return le.Uint16(t[offInfomask2:]) }

// SetInfomask2 stores t_infomask2.
func (t Tuple) SetInfomask2(m uint16) { le.PutUint16(t[offInfomask2:], m) }

// NAttrs is the number of columns that the tuple has.
func (t Tuple) NAttrs() int { return int(t.Infomask2() & NattsMask) }

// Hoff is t_hoff: where the data starts.
func (t Tuple) Hoff() int { return int(t[offHoff]) }

// SetHoff stores t_hoff.
func (t Tuple) SetHoff(n int) { t[offHoff] = byte(n) }

// Data is the part after the header.
func (t Tuple) Data() []byte { return t[t.Hoff():] }

// IsHotUpdated reports whether a newer version is on the same page and chain.
// A tuple with an invalid or aborted xmax, or an aborted xmin, is the chain's end.
func (t Tuple) IsHotUpdated() bool {
	m := t.Infomask()
	return t.Infomask2()&HotUpdated != 0 && m&XmaxInvalid == 0 && m&XminFrozen != XminInvalid
}

// IsHeapOnly reports whether no index entry points at the tuple.
func (t Tuple) IsHeapOnly() bool { return t.Infomask2()&OnlyTuple != 0 }

// XmaxLockedOnly reports whether xmax locked and did not update
// (PostgreSQL: HEAP_XMAX_IS_LOCKED_ONLY).
func XmaxLockedOnly(m uint16) bool {
	return m&XmaxLockOnly != 0 || m&(XmaxIsMulti|LockMask) == XmaxExclLock
}

// CheckTuple reports whether b has a header that the accessors and Deform can
// trust: long enough, hoff aligned, within b and behind the null bitmap.
func CheckTuple(b []byte) bool {
	if len(b) < TupleHeaderSize {
		return false
	}
	t := Tuple(b)
	need := TupleHeaderSize
	if t.Infomask()&HasNull != 0 {
		need += (t.NAttrs() + 7) / 8
	}
	h := t.Hoff()
	return h >= need && h <= len(b) && h%8 == 0
}

// IndexTuple is an index tuple: IndexTupleData, null bitmap, data.
type IndexTuple []byte

// TID is t_tid. Access methods also keep their own facts there.
func (t IndexTuple) TID() page.TID { return page.GetTID(t) }

// SetTID stores t_tid.
func (t IndexTuple) SetTID(c page.TID) { page.PutTID(t, c) }

// Info is t_info.
func (t IndexTuple) Info() uint16 { return le.Uint16(t[offIndexInfo:]) }

// SetInfo stores t_info.
func (t IndexTuple) SetInfo(v uint16) { le.PutUint16(t[offIndexInfo:], v) }

// Size is the length that t_info states.
func (t IndexTuple) Size() int { return int(t.Info() & IndexSizeMask) }

// DataOffset is where the first column starts.
func (t IndexTuple) DataOffset() int { return indexDataOffset(t.Info()&IndexHasNulls != 0) }

func indexDataOffset(nulls bool) int {
	if nulls {
		return page.MaxAlign(indexHeaderSize + indexNullBytes)
	}
	return indexHeaderSize
}
