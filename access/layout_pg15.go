package access

import "encoding/binary"

// On-disk layout of HeapTupleHeaderData and IndexTupleData, PostgreSQL 15
// (access/htup_details.h, access/itup.h, varatt in postgres.h). FROZEN.
const (
	offXmin      = 0  // uint32
	offXmax      = 4  // uint32
	offCid       = 8  // uint32: t_cid or t_xvac
	offCTID      = 12 // 6 bytes
	offInfomask2 = 18 // uint16
	offInfomask  = 20 // uint16
	offHoff      = 22 // uint8
	offBits      = 23 // null bitmap

	// TupleHeaderSize is SizeofHeapTupleHeader: the header without null bitmap.
	TupleHeaderSize = 23
)

// Bits of t_infomask.
const (
	HasNull        = 0x0001
	HasVarWidth    = 0x0002
	HasExternal    = 0x0004
	HasOIDOld      = 0x0008
	XmaxKeyShrLock = 0x0010
	ComboCID       = 0x0020
	XmaxExclLock   = 0x0040
	XmaxLockOnly   = 0x0080
	XminCommitted  = 0x0100
	XminInvalid    = 0x0200
	XminFrozen     = XminCommitted | XminInvalid
	XmaxCommitted  = 0x0400
	XmaxInvalid    = 0x0800
	XmaxIsMulti    = 0x1000
	Updated        = 0x2000
	MovedOff       = 0x4000
	MovedIn        = 0x8000
	Moved          = MovedOff | MovedIn

	XmaxShrLock  = XmaxExclLock | XmaxKeyShrLock
	LockMask     = XmaxShrLock | XmaxExclLock | XmaxKeyShrLock
	XmaxBits     = XmaxCommitted | XmaxInvalid | XmaxIsMulti | LockMask | XmaxLockOnly
	XactMask     = 0xFFF0
	NattsMask    = 0x07FF // t_infomask2
	KeysUpdated  = 0x2000 // t_infomask2
	HotUpdated   = 0x4000 // t_infomask2
	OnlyTuple    = 0x8000 // t_infomask2: heap-only
	Xact2Mask    = 0xE000 // t_infomask2
	MaxAttrs     = 1600   // MaxHeapAttributeNumber
	MaxTupleAtts = 1664
)

// SpecToken is the offset number in t_ctid of a speculatively inserted tuple
// (PostgreSQL: SpecTokenOffsetNumber); MovedPartitions marks a row that an
// update moved to another partition.
const (
	SpecToken       = 0xFFFE
	MovedPartitions = 0xFFFD
)

// IndexTupleData: t_tid (6 bytes), t_info (uint16).
const (
	offIndexInfo    = 6
	indexHeaderSize = 8
	indexNullBytes  = 4 // INDEX_MAX_KEYS bits

	IndexSizeMask   = 0x1FFF
	IndexAMReserved = 0x2000
	IndexHasVar     = 0x4000
	IndexHasNulls   = 0x8000
	IndexMaxKeys    = 32
)

// Varlena headers, little-endian: the two low bits of the first byte.
const (
	externalTag   = 18 // VARTAG_ONDISK
	externalSize  = 18 // 1 header, 1 tag, 16 varatt_external
	shortMax      = 127
	maxVarlena    = 0x3FFFFFFF
	compressedHdr = 8 // va_header, va_tcinfo
)

// Compile-time checks: an index is out of range unless the two are equal.
var (
	_ = [1]struct{}{}[offBits-(offHoff+1)]
	_ = [1]struct{}{}[offCTID+6-offInfomask2]
	_ = [1]struct{}{}[indexHeaderSize-(offIndexInfo+2)]
)

var le = binary.LittleEndian // constant
